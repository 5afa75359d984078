from trialpool.jobs import connect, reported

with reported(snakemake.log[0]):
    connect(snakemake.params.networks, snakemake.input.folders, snakemake.params.folder)
