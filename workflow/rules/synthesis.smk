# processed -> one record an analysis, and all that is drawn of it.

# A folder an analysis is one output: what lies in it depends on how many trials there are, and of hundreds of
# thousands of files Snakemake would need minutes to find that nothing is to do.
for number, batch in enumerate(BATCHES):

    rule:
        name:
            f"pool_{number}"
        input:
            tables=effects_of([batch]),
        output:
            folders=[shown(analysis) for analysis in batch],
            multiverses=directory(f"{PROCESSED}/batches/{batch[0]}/multiverses"),
        log:
            f"{RESULTS}/logs/pool/{batch[0]}.log",
        params:
            code=code("pool"),
            specs=unrecorded(specs_of(batch)),
            settings=fingerprint(specs_of(batch)),
        script:
            "../scripts/pool.py"
