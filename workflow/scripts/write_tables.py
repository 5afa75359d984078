from pathlib import Path

from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.folders import records_in
    from trialpool.page.job import write_tables

    folder = Path(snakemake.output.summary).parent
    write_tables(
        records_in(snakemake.input.folders),
        snakemake.input.appraisal,
        folder,
        snakemake.input.get("tables", []),
    )
