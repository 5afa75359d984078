from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.evidence.job import audit

    audit(
        snakemake.input.tables,
        snakemake.input.instruments,
        snakemake.output.findings,
        snakemake.output.table,
    )
