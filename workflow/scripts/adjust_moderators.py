from trialpool.jobs import adjust_moderators, reported

with reported(snakemake.log[0]):
    adjust_moderators(snakemake.input.folders, snakemake.output.table)
