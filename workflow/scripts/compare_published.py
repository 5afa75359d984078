from trialpool.jobs import compare_published, reported
from trialpool.kept import Kept

with reported(snakemake.log[0]):
    files, made = snakemake.input, snakemake.output
    kept = Kept(snakemake.params.kept, snakemake.params.code)
    compare_published(files.pools, files.folders, files.get("rules"), made.table, made.figures, kept)
