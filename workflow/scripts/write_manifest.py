from pathlib import Path

from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.folders import forget_others
    from trialpool.report.crate import write_crate
    from trialpool.report.manifest import write_manifest

    files, params, folder = snakemake.input, snakemake.params, Path(snakemake.output.manifest).parent
    forget_others(folder / "analyses", params.analyses)
    write_manifest(folder, params.evidence)
    write_crate(folder, params.tables, files.settings, Path(files.software[0]).parent, *files.citation)
