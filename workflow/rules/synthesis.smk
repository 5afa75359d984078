# processed -> one record an analysis, and its forest plot.

for number, batch in enumerate(batches(ANALYSES)):

    rule:
        name:
            f"pool_{number}"
        input:
            tables=effects_of(batch),
            code=code("stats", "synthesis", "figures", "report/tables.py", "report/words.py"),
        output:
            records=of_each("result.json", batch),
            studies=of_each("studies.csv", batch),
            sensitivities=of_each("sensitivity.csv", batch),
            multiverses=collect(f"{PROCESSED}/analyses/{{analysis}}/multiverse.parquet", analysis=batch),
            forests=pictures("forest", batch),
        params:
            specs=[SETTINGS.analyses[analysis] for analysis in batch],
        log:
            f"{RESULTS}/logs/pool/{batch[0]}.log",
        script:
            "../scripts/pool.py"
