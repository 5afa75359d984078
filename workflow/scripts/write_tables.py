from pathlib import Path

from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.report.job import write_tables

    write_tables(snakemake.input.records, Path(snakemake.output.summary).parent)
