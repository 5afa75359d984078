from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.evidence.jobs import harmonise_tables

    harmonise_tables(snakemake.input.tables, snakemake.input.instruments, snakemake.output)
