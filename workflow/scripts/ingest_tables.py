from trialpool.jobs import ingest, reported

with reported(snakemake.log[0]):
    files = snakemake.input
    ingest(snakemake.params.folders, files.instruments, snakemake.params.conditions, snakemake.output.tables)
