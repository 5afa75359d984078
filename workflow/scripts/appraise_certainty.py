from trialpool.jobs import appraise, reported

with reported(snakemake.log[0]):
    files = snakemake.input
    appraise(files.folders, files.judgements, files.get("claims"), files.audit, snakemake.output.appraisal)
