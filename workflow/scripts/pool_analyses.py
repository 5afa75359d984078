from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.pool_job import pool_analyses

    pool_analyses(
        snakemake.params.specs,
        snakemake.input.tables,
        snakemake.output.folders,
        snakemake.output.multiverses,
    )
