from trialpool.jobs import follow, reported
from trialpool.kept import Kept

with reported(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    kept = Kept(params.kept, params.code)
    follow(files.tables, files.effects, params.analyses, snakemake.output.table, kept, params.formats)
