# processed -> one record an analysis, and all that is drawn of it.

# What pooling runs: not what judges the records of all analyses together.
POOLING = ["synthesis", "!synthesis/certainty.py", "!synthesis/claims*"]
POOLING += ["!synthesis/network*", "!synthesis/published.py", "stats", "figures", "view", "text.py"]
POOLING += ["evidence/risk_of_bias.py", "evidence/suggestions.py", "evidence/unused.py"]
POOLING += ["priors.py", "schemas/sentences.yaml", "schemas/methods.j2", "schemas/reproduce_*.j2"]

# A rule a bucket of analyses, because to start a job costs more than to pool an analysis: an own job each would
# take four times as long for the shipped review, and of thousands of jobs Snakemake needs minutes for the plan.
for batch, members in BATCHES.items():

    rule:
        name:
            f"pool_analyses_{batch}"
        input:
            tables=effects_of([batch]),
            vocabulary=SETTINGS.vocabulary or [],
        output:
            folders=[shown(analysis) for analysis in members],
            files=main_files(members),
            multiverses=directory(f"{PROCESSED}/batches/{batch}/multiverses"),
        log:
            f"{RESULTS}/logs/pool_analyses/{batch}.log",
        priority: len(members)  # the largest first, so that none is left for the end
        params:
            code=code(*POOLING),
            content=content(WORDS[1:]),
            kept=KEPT,
            specs=unrecorded(specs_of(batch)),
            settings=fingerprint(specs_of(batch)),
        script:
            "../scripts/pool_analyses.py"
