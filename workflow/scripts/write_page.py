from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.report.job import write_page

    write_page(
        snakemake.input.records,
        snakemake.input.appraisal,
        snakemake.input.forests,
        snakemake.input.tables,
        snakemake.input.instruments,
        snakemake.output.page,
    )
