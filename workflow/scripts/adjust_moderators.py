from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.folders import records_in
    from trialpool.review_job import write_moderators

    write_moderators(records_in(snakemake.input.folders), snakemake.output.table)
