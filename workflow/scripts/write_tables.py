from pathlib import Path

from trialpool.jobs import reported, write_tables

with reported(snakemake.log[0]):
    files, folder = snakemake.input, Path(snakemake.output.summary).parent
    write_tables(files.folders, files.appraisal, files.tables, files.get("vocabulary"), folder)
