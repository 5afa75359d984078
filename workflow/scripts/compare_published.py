from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.folders import records_in
    from trialpool.review_job import write_published

    write_published(
        snakemake.input.pools,
        records_in(snakemake.input.folders),
        snakemake.input.get("rules"),
        snakemake.output.table,
        snakemake.output.figures,
    )
