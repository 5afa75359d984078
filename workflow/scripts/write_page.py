from trialpool.standby import hand_over

hand_over()

from trialpool.jobs import reported, write_page

with reported(snakemake.log[0]):
    files = snakemake.input
    tables = {"flow_path": files.flow, "audit_path": files.audit, "published_path": files.published}
    sources = (files.folders, files.appraisal, files.tables, files.instruments, files.get("vocabulary"))
    params = snakemake.params
    more = {"network_paths": files.networks, "reproduced_path": files.get("reproduced")}
    more["evidence_paths"] = files.get("evidence", [])
    more["screening_path"] = files.get("screening") or None
    write_page(*sources, snakemake.output.page, **tables, **more, specs=params.specs, head=params.head)
