from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.evidence.ingest import ingest

    ingest(
        snakemake.params.folders,
        snakemake.input.instruments,
        snakemake.params.conditions,
        snakemake.output.tables,
    )
