from trialpool.standby import hand_over

hand_over()

from trialpool.jobs import connect, reported
from trialpool.kept import Kept

with reported(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    kept = Kept(params.kept, params.code)
    connect(params.networks, files.folders, files.appraisal, params.folder, kept, params.formats)
