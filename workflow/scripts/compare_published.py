from trialpool.standby import hand_over

hand_over()

from trialpool.jobs import compare_published, reported
from trialpool.kept import Kept

with reported(snakemake.log[0]):
    files, made, params = snakemake.input, snakemake.output, snakemake.params
    kept, formats = Kept(params.kept, params.code), params.formats
    compare_published(files.pools, files.folders, files.get("rules"), made.table, made.figures, kept, formats)
