from pathlib import Path

from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.report.job import write_manifest

    write_manifest(Path(snakemake.output.manifest).parent, snakemake.params.evidence)
