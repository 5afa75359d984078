# data/raw -> processed: published tables, typed and valid, then on one scale, then as effects.


rule ingest_tables:
    input:
        tables=raw_tables,
        instruments=SETTINGS.instruments,
        vocabulary=SETTINGS.vocabulary or [],
    output:
        tables=collect(f"{PROCESSED}/evidence/{{table}}.parquet", table=TABLES),
    log:
        f"{RESULTS}/logs/ingest_tables.log",
    params:
        code=code("evidence", "!evidence/audit*", *PROTOCOL),
        content=content([*raw_tables(), *WORDS]),
        folders=lambda wildcards, input: folders_of(input.tables),
        conditions=conditions(SETTINGS.analyses),
    script:
        "../scripts/ingest_tables.py"


rule harmonise_results:
    input:
        tables=rules.ingest_tables.output.tables,
        vocabulary=SETTINGS.vocabulary or [],
    output:
        arms=f"{PROCESSED}/harmonised/arms.parquet",
        contrasts=f"{PROCESSED}/harmonised/contrasts.parquet",
        events=f"{PROCESSED}/harmonised/events.parquet",
    log:
        f"{RESULTS}/logs/harmonise_results.log",
    params:
        code=code("evidence", "!evidence/audit*", "stats"),
        content=content(WORDS[1:]),
    script:
        "../scripts/harmonise_results.py"


rule audit_numbers:
    input:
        tables=rules.ingest_tables.output.tables,
        instruments=SETTINGS.instruments,
        vocabulary=SETTINGS.vocabulary or [],
    output:
        findings=f"{PROCESSED}/audit.parquet",
        table=f"{RESULTS}/audit.csv",
    log:
        f"{RESULTS}/logs/audit_numbers.log",
    params:
        code=code("evidence", "stats", "schemas/audit.yaml", *PROTOCOL),
        content=content(WORDS),
    script:
        "../scripts/audit_numbers.py"


checkpoint compare_arms:
    input:
        tables=rules.ingest_tables.output.tables,
        findings=rules.audit_numbers.output.findings,
        harmonised=rules.harmonise_results.output,
        instruments=SETTINGS.instruments,
        vocabulary=SETTINGS.vocabulary or [],
    output:
        tables=compared("{batch}"),
    log:
        f"{RESULTS}/logs/compare_arms/{{batch}}.log",
    params:
        code=code("evidence", "!evidence/audit*", "stats", *PROTOCOL),
        content=content(WORDS),
        specs=lambda wildcards, input: specs_of(wildcards.batch),  # with the input, so not recorded
        settings=lambda wildcards: fingerprint(specs_of(wildcards.batch)),
        kept=KEPT,
    script:
        "../scripts/compare_arms.py"


rule trace_flow:
    input:
        tables=rules.ingest_tables.output.tables,
        effects=effects_of(BATCHES),
        screening=SETTINGS.screening or [],
    output:
        table=f"{RESULTS}/flow.csv",
        figures=multiext(f"{RESULTS}/flow", *FORMATS),
    log:
        f"{RESULTS}/logs/trace_flow.log",
    params:
        code=code(
            *DRAWING,
            "schemas/prisma.yaml",
            "!synthesis/certainty.py",
            "!synthesis/claims*",
            "!synthesis/network*",
        ),
        content=content(filter(None, [SETTINGS.screening])),
        analyses=unrecorded(ANALYSES),
        settings=fingerprint(ANALYSES),
        kept=KEPT,
        formats=FORMATS,
    script:
        "../scripts/trace_flow.py"
