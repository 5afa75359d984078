from trialpool.jobs import appraise, reported

with reported(snakemake.log[0]):
    files = snakemake.input
    sources = (files.folders, files.judgements, files.get("claims"), files.audit)
    appraise(*sources, snakemake.output.appraisal, files.get("vocabulary"))
