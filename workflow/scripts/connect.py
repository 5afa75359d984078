from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.synthesis.network import write_networks

    write_networks(snakemake.params.networks, snakemake.input.records, snakemake.params.folder)
