from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.report.write_page import write_page

    files = snakemake.input
    write_page(
        *(files.records, files.appraisal, [*files.figures, *files.drawn, *files.moderated]),
        *(files.tables, files.instruments),
        snakemake.output.page,
        flow_path=files.flow,
        audit_path=files.audit,
        published_path=files.published,
        specs=snakemake.params.specs,
    )
