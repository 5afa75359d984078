from trialpool.standby import hand_over

hand_over()

from trialpool.jobs import ingest, reported

with reported(snakemake.log[0]):
    files = snakemake.input
    words, params = (files.instruments, files.get("vocabulary")), snakemake.params
    ingest(params.folders, *words, params.conditions, snakemake.output.tables)
