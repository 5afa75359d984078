from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.evidence.summaries import harmonise_files

    harmonise_files(snakemake.input.tables, list(snakemake.output))
