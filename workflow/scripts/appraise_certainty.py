from trialpool.jobs import appraise, reported

with reported(snakemake.log[0]):
    files = snakemake.input
    rules = [files.get(name) for name in ("claims", "published", "vocabulary")]
    appraise(files.folders, files.judgements, files.audit, files.pools, rules, snakemake.output.appraisal)
