from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.folders import pictures_in, records_in
    from trialpool.page.job import write_page

    files = snakemake.input
    write_page(
        *(records_in(files.folders), files.appraisal, pictures_in(files.folders), files.tables),
        files.instruments,
        snakemake.output.page,
        **{"flow_path": files.flow, "audit_path": files.audit, "published_path": files.published},
        specs=snakemake.params.specs,
    )
