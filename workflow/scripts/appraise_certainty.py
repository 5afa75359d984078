from trialpool.standby import hand_over

hand_over()

from trialpool.jobs import appraise, reported

with reported(snakemake.log[0]):
    files = snakemake.input
    rules = [files.get(name) for name in ("claims", "published", "vocabulary")]
    tables = files.judgements, files.audit, files.pools
    more = snakemake.params.specs, files.instruments, snakemake.params.grade
    appraise(files.folders, *tables, rules, snakemake.output.appraisal, *more)
