# processed -> one record an analysis, and all that is drawn of it.

# What pooling runs: not what judges the records of all analyses together.
POOLING = ["pool_job.py", "synthesis", "!synthesis/certainty.py", "!synthesis/claims*"]
POOLING += ["!synthesis/network*", "!synthesis/published.py", "stats", "figures", "view", "text.py"]
POOLING += ["evidence/methods.py", "evidence/risk_of_bias.py", "page/tables.py"]

# A folder an analysis is one output: what lies in it depends on how many trials there are, and of hundreds of
# thousands of files Snakemake would need minutes to find that nothing is to do.
for batch, members in BATCHES.items():

    rule:
        name:
            f"pool_{batch}"
        input:
            tables=effects_of([batch]),
        output:
            folders=[shown(analysis) for analysis in members],
            multiverses=directory(f"{PROCESSED}/batches/{batch}/multiverses"),
        log:
            f"{RESULTS}/logs/pool/{batch}.log",
        priority: len(members)  # the largest first, so that none is left for the end
        params:
            code=code(*POOLING),
            specs=unrecorded(specs_of(batch)),
            settings=fingerprint(specs_of(batch)),
        script:
            "../scripts/pool.py"
