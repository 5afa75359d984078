from trialpool.standby import hand_over

hand_over()

from trialpool.jobs import pool_analyses, reported
from trialpool.kept import Kept

with reported(snakemake.log[0]):
    files, made = snakemake.input, snakemake.output
    kept = Kept(snakemake.params.kept, snakemake.params.code, snakemake.params.content)
    sources = (snakemake.params.specs, files.tables)
    pool_analyses(*sources, made.folders, made.multiverses, kept, files.get("vocabulary"))
