from pathlib import Path

from trialpool.jobs import reported, write_manifest

with reported(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    folder = Path(snakemake.output.manifest).parent
    inputs = (params.evidence, params.tables, files.settings)
    write_manifest(
        folder, params.analyses, params.networks, *inputs, files.software, files.citation, params.kept
    )
