from trialpool.jobs import harmonise, reported

with reported(snakemake.log[0]):
    harmonise(snakemake.input.tables, snakemake.output)
