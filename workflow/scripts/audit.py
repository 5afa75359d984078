from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.evidence.audit import audit_files

    audit_files(
        snakemake.input.tables,
        snakemake.input.instruments,
        snakemake.output.findings,
        snakemake.output.table,
    )
