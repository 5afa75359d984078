from trialpool.standby import hand_over

hand_over()

from trialpool.jobs import audit, reported

with reported(snakemake.log[0]):
    files = snakemake.input
    audit(files.tables, files.instruments, files.get("vocabulary"), *snakemake.output)
