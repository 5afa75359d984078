from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.folders import records_in
    from trialpool.review_job import write_networks

    write_networks(snakemake.params.networks, records_in(snakemake.input.folders), snakemake.params.folder)
