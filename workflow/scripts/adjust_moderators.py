from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.synthesis.review import write_moderators

    write_moderators(snakemake.input.records, snakemake.output.table)
