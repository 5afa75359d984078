# data/raw -> processed: published tables, typed and valid, then on one scale, then as effects.


rule ingest:
    input:
        tables=raw_tables,
        instruments=SETTINGS.instruments,
    output:
        tables=collect(f"{PROCESSED}/evidence/{{table}}.parquet", table=TABLES),
    log:
        f"{RESULTS}/logs/ingest.log",
    params:
        code=code("evidence", "!evidence/audit*", "protocol.py", "yaml_files.py"),
        folders=lambda wildcards, input: folders_of(input.tables),
        conditions=conditions(SETTINGS.analyses),
    script:
        "../scripts/ingest.py"


rule harmonise:
    input:
        tables=rules.ingest.output.tables,
    output:
        arms=f"{PROCESSED}/harmonised/arms.parquet",
        contrasts=f"{PROCESSED}/harmonised/contrasts.parquet",
        events=f"{PROCESSED}/harmonised/events.parquet",
    log:
        f"{RESULTS}/logs/harmonise.log",
    params:
        code=code("evidence", "!evidence/audit*", "stats"),
    script:
        "../scripts/harmonise.py"


rule audit:
    input:
        tables=rules.ingest.output.tables,
        instruments=SETTINGS.instruments,
    output:
        findings=f"{PROCESSED}/audit.parquet",
        table=f"{RESULTS}/audit.csv",
    log:
        f"{RESULTS}/logs/audit.log",
    params:
        code=code("evidence", "stats", "protocol.py", "yaml_files.py"),
    script:
        "../scripts/audit.py"


checkpoint compare:
    input:
        tables=rules.ingest.output.tables,
        findings=rules.audit.output.findings,
        harmonised=rules.harmonise.output,
        instruments=SETTINGS.instruments,
    output:
        tables=compared(BATCHES),
    log:
        f"{RESULTS}/logs/compare.log",
    params:
        code=code("evidence", "!evidence/audit*", "stats", "protocol.py", "yaml_files.py"),
        batches=unrecorded([specs_of(batch) for batch in BATCHES]),
        settings=fingerprint([specs_of(batch) for batch in BATCHES]),
    script:
        "../scripts/compare.py"


rule follow:
    input:
        tables=rules.ingest.output.tables,
        effects=effects_of(BATCHES),
    output:
        table=f"{RESULTS}/flow.csv",
        figure=multiext(f"{RESULTS}/flow", ".svg", ".pdf", ".png"),
    log:
        f"{RESULTS}/logs/follow.log",
    params:
        code=code("evidence", "!evidence/audit*", "stats", "figures", "view", "text.py"),
        analyses=unrecorded(ANALYSES),
        settings=fingerprint(ANALYSES),
    script:
        "../scripts/follow.py"
