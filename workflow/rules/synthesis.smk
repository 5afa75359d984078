# processed -> one record an analysis, and all that is drawn of it.

for number, batch in enumerate(batches(ANALYSES)):

    rule:
        name:
            f"pool_{number}"
        input:
            tables=effects_of(batch),
        output:
            records=of_each("result.json", batch),
            studies=of_each("studies.csv", batch),
            sensitivities=of_each("sensitivity.csv", batch),
            multiverses=collect(f"{PROCESSED}/analyses/{{analysis}}/multiverse.parquet", analysis=batch),
            drawn=[directory(f"{PROCESSED}/analyses/{analysis}/drawn") for analysis in batch],
            forests=pictures("forest", batch),
        log:
            f"{RESULTS}/logs/pool/{batch[0]}.log",
        params:
            code=code("pool"),
            specs=unrecorded([SETTINGS.analyses[analysis] for analysis in batch]),
            settings=fingerprint([SETTINGS.analyses[analysis] for analysis in batch]),
        script:
            "../scripts/pool.py"
