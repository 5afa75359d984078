from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.synthesis.published import write_published

    write_published(
        snakemake.input.pools,
        snakemake.input.records,
        snakemake.input.get("rules"),
        snakemake.output.table,
        snakemake.output.figures,
    )
