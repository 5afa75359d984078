from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.pool_job import pool_analyses
    from trialpool.vocabulary import load_vocabulary

    files, made = snakemake.input, snakemake.output
    words = load_vocabulary(files.get("vocabulary"))
    pool_analyses(snakemake.params.specs, files.tables, made.folders, made.multiverses, words)
