from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.evidence.job import harmonise

    harmonise(snakemake.input.tables, list(snakemake.output))
