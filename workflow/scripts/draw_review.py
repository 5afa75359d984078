from pathlib import Path

from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.figures.review import draw_review
    from trialpool.folders import records_in

    folder = Path(snakemake.output[0]).parent
    draw_review(records_in(snakemake.input.folders), snakemake.input.tables, folder)
