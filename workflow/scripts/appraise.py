from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.folders import records_in
    from trialpool.review_job import write_appraisal

    write_appraisal(
        records_in(snakemake.input.folders),
        snakemake.input.judgements,
        snakemake.input.get("claims"),
        snakemake.output.appraisal,
        snakemake.input.get("audit"),
    )
