from pathlib import Path

from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.report.draw_review import draw_review

    folder = Path(snakemake.output[0]).parent
    draw_review(snakemake.input.records, snakemake.input.tables, folder)
