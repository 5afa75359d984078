from pathlib import Path

from trialpool.jobs import draw_review, reported

with reported(snakemake.log[0]):
    files, folder = snakemake.input, Path(snakemake.output[0]).parent
    draw_review(files.folders, files.tables, files.get("vocabulary"), folder)
