from trialpool.standby import hand_over

hand_over()

from trialpool.jobs import compare, reported
from trialpool.kept import Kept

with reported(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    sources = (files.tables, files.harmonised, files.findings, files.instruments, files.get("vocabulary"))
    kept = Kept(params.kept, params.code, params.content)
    compare(*sources, params.specs, kept, snakemake.output.tables)
