from trialpool.jobs import appraise, reported

with reported(snakemake.log[0]):
    files = snakemake.input
    rules = [files.get(name) for name in ("claims", "published", "vocabulary")]
    tables = files.judgements, files.audit, files.pools
    specs = snakemake.params.specs
    appraise(files.folders, *tables, rules, snakemake.output.appraisal, specs, files.instruments)
