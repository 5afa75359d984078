from trialpool.jobs import audit, reported

with reported(snakemake.log[0]):
    audit(snakemake.input.tables, snakemake.input.instruments, *snakemake.output)
