from pathlib import Path

from trialpool.jobs import draw_review, reported

with reported(snakemake.log[0]):
    draw_review(snakemake.input.folders, snakemake.input.tables, Path(snakemake.output[0]).parent)
