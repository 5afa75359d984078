from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.evidence.compare import compare_files

    compare_files(
        snakemake.input.tables,
        snakemake.input.harmonised,
        snakemake.input.findings,
        snakemake.input.instruments,
        snakemake.params.batches,
        snakemake.output.tables,
    )
