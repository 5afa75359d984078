from trialpool.jobs import connect, reported
from trialpool.kept import Kept

with reported(snakemake.log[0]):
    params = snakemake.params
    kept = Kept(params.kept, params.code)
    connect(params.networks, snakemake.input.folders, params.folder, kept)
