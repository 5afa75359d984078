from trialpool.standby import hand_over

hand_over()

from trialpool.jobs import harmonise, reported

with reported(snakemake.log[0]):
    files = snakemake.input
    harmonise(files.tables, files.get("vocabulary"), snakemake.output)
