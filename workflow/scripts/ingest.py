from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.evidence.read import ingest

    ingest(snakemake.params.folders, snakemake.output.tables)
