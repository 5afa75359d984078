from trialpool.jobs import reported, write_page

with reported(snakemake.log[0]):
    files = snakemake.input
    tables = {"flow_path": files.flow, "audit_path": files.audit, "published_path": files.published}
    sources = (files.folders, files.appraisal, files.tables, files.instruments, files.get("vocabulary"))
    params, more = snakemake.params, {"network_paths": files.networks}
    write_page(*sources, snakemake.output.page, **tables, **more, specs=params.specs, head=params.head)
