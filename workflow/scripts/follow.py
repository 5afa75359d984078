from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.evidence.follow import follow

    follow(
        snakemake.input.tables,
        snakemake.input.effects,
        snakemake.params.analyses,
        snakemake.output.table,
    )
