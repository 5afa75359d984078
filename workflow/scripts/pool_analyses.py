from trialpool.jobs import pool_analyses, reported

with reported(snakemake.log[0]):
    files, made = snakemake.input, snakemake.output
    words = files.get("vocabulary")
    pool_analyses(snakemake.params.specs, files.tables, made.folders, made.multiverses, words)
