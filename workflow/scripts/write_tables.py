from trialpool.standby import hand_over

hand_over()

from pathlib import Path

from trialpool.jobs import reported, write_tables

with reported(snakemake.log[0]):
    files, folder = snakemake.input, Path(snakemake.output.summary).parent
    sources = (files.folders, files.appraisal, files.networks, files.tables, files.get("vocabulary"))
    more = files.get("reproduced"), files.get("evidence", [])
    write_tables(*sources, folder, snakemake.params.question, *more)
