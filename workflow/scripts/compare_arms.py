from trialpool.standby import hand_over

hand_over()

from trialpool.jobs import compare, reported

with reported(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    sources = (files.tables, files.harmonised, files.findings, files.instruments, files.get("vocabulary"))
    compare(*sources, params.specs, snakemake.output.tables)
