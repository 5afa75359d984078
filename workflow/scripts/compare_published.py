from trialpool.jobs import compare_published, reported

with reported(snakemake.log[0]):
    files, made = snakemake.input, snakemake.output
    compare_published(files.pools, files.folders, files.get("rules"), made.table, made.figures)
