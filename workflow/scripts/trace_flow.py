from trialpool.jobs import follow, reported

with reported(snakemake.log[0]):
    files = snakemake.input
    follow(files.tables, files.effects, snakemake.params.analyses, snakemake.output.table)
