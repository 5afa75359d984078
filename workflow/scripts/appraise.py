from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.synthesis.appraise import write_appraisal

    write_appraisal(
        snakemake.input.records,
        snakemake.input.judgements,
        snakemake.input.get("claims"),
        snakemake.output.appraisal,
        snakemake.input.get("audit"),
    )
