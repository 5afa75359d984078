from pathlib import Path

from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.synthesis.job import pool_analysis

    pool_analysis(snakemake.params.spec, snakemake.input.tables, Path(snakemake.output.record).parent)
