from trialpool.standby import hand_over

hand_over()

from pathlib import Path

from trialpool.jobs import reported, write_manifest

with reported(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    folder = Path(snakemake.output.manifest).parent
    inputs = (params.evidence, params.tables, files.settings, files.software, files.citation)
    write_manifest(folder, params.analyses, params.networks, *inputs, params.kept, params.formats)
