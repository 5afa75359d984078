from trialpool.standby import hand_over

hand_over()

from pathlib import Path

from trialpool.jobs import draw_review, reported
from trialpool.kept import Kept

with reported(snakemake.log[0]):
    files, folder = snakemake.input, Path(snakemake.output[0]).parent
    kept = Kept(snakemake.params.kept, snakemake.params.code)
    asked = snakemake.params.formats, snakemake.params.panels
    draw_review(files.folders, files.tables, files.get("vocabulary"), folder, kept, *asked)
