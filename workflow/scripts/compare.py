from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.evidence.job import compare

    compare(
        snakemake.input.tables,
        snakemake.input.harmonised,
        snakemake.input.findings,
        snakemake.input.instruments,
        snakemake.params.batches,
        snakemake.output.tables,
    )
