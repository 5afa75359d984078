# records -> what a reviewer opens.
from os.path import abspath, relpath

from trialpool.io import MOST_QUESTIONS
from trialpool.provenance.crate import SOFTWARE, citation_of

# Of a module from afar Snakemake keeps a copy; of one from here it would make another at every start.
SOURCE = [
    abspath(f"{HERE}/../../{name}") if HERE.is_local else workflow.source_path(f"../../{name}")
    for name in SOFTWARE
]


rule appraise_certainty:
    input:
        folders=given(FOLDERS),
        judgements=f"{PROCESSED}/evidence/risk_of_bias.parquet",
        claims=SETTINGS.claims or [],
        vocabulary=SETTINGS.vocabulary or [],
        audit=rules.audit_numbers.output.findings,
        pools=f"{PROCESSED}/evidence/published_pools.parquet",
        published=SETTINGS.published or [],
        instruments=SETTINGS.instruments,
    output:
        appraisal=f"{RESULTS}/appraisal.json",
    log:
        f"{RESULTS}/logs/appraise_certainty.log",
    priority: SOON + 1  # the tables wait for it, too
    params:
        code=code(*CERTAINTY, *PROTOCOL),
        content=content([*WORDS, *filter(None, (SETTINGS.claims, SETTINGS.published))]),
        specs=unrecorded(SETTINGS.analyses),
        settings=fingerprint(SETTINGS.analyses),
        grade=SETTINGS.grade,
    script:
        "../scripts/appraise_certainty.py"


rule write_tables:
    input:
        folders=given(FOLDERS),
        appraisal=rules.appraise_certainty.output.appraisal,
        networks=NETWORK_RECORDS,
        evidence=NETWORK_EVIDENCE,
        tables=rules.ingest_tables.output.tables,
        vocabulary=SETTINGS.vocabulary or [],
        reproduced=REPRODUCED,
    output:
        summary=report(f"{RESULTS}/summary.csv", caption="../report/summary.rst", category="Results"),
        excluded=report(f"{RESULTS}/excluded.csv", caption="../report/excluded.rst", category="Results"),
        moderators=f"{RESULTS}/moderators.csv",
        readme=f"{RESULTS}/README.md",
        dictionary=f"{RESULTS}/DATA.md",
    log:
        f"{RESULTS}/logs/write_tables.log",
    priority: SOON
    params:
        content=content([*WORDS[1:], *filter(None, [REPRODUCED])]),
        code=code("page", *DRAWING),
        question=SETTINGS.head["question"],
    script:
        "../scripts/write_tables.py"


rule write_page:
    input:
        folders=given(FOLDERS),
        appraisal=rules.appraise_certainty.output.appraisal,
        tables=rules.ingest_tables.output.tables,
        vocabulary=SETTINGS.vocabulary or [],
        flow=rules.trace_flow.output.table,
        audit=rules.audit_numbers.output.table,
        published=rules.compare_published.output.table,
        networks=NETWORK_RECORDS,
        evidence=NETWORK_EVIDENCE,
        instruments=SETTINGS.instruments,
        reproduced=REPRODUCED,
        screening=SETTINGS.screening or [],
    output:
        page=report(f"{RESULTS}/index.html", caption="../report/page.rst", category="Results"),
        trials=f"{RESULTS}/trials.html",
        questions=directory(f"{RESULTS}/questions") if len(ANALYSES) > MOST_QUESTIONS else [],
    log:
        f"{RESULTS}/logs/write_page.log",
    priority: SOON
    params:
        code=code("page", *DRAWING, "schemas/prisma.yaml", "yaml_files.py"),
        content=content([*WORDS, *filter(None, [REPRODUCED, SETTINGS.screening])]),
        specs=unrecorded(SETTINGS.analyses),
        settings=fingerprint(SETTINGS.analyses),
        head=SETTINGS.head,
    script:
        "../scripts/write_page.py"


rule draw_review:
    input:
        folders=given(FOLDERS),
        tables=rules.ingest_tables.output.tables,
        vocabulary=SETTINGS.vocabulary or [],
    output:
        report(f"{RESULTS}/risk_of_bias.svg", caption="../report/risk_of_bias.rst", category="Results"),
        report(f"{RESULTS}/evidence_map.svg", caption="../report/evidence_map.rst", category="Results"),
        report(f"{RESULTS}/timeline.svg", caption="../report/timeline.rst", category="Results"),
        collect(
            f"{RESULTS}/{{name}}{{format}}",
            name=["risk_of_bias", "evidence_map", "timeline"],
            format=FORMATS[1:],
        ),
        collect(f"{RESULTS}/panels/{{name}}{{format}}", name=sorted(SETTINGS.panels), format=FORMATS),
    log:
        f"{RESULTS}/logs/draw_review.log",
    params:
        content=content(WORDS[1:]),
        code=code(*DRAWING),
        kept=KEPT,
        formats=FORMATS,
        panels=SETTINGS.panels,
    script:
        "../scripts/draw_review.py"


rule write_manifest:
    input:
        results=given(
            [
                *rules.appraise_certainty.output,
                rules.audit_numbers.output.table,
                *rules.trace_flow.output,
                *rules.draw_review.output,
                *rules.write_tables.output,
                *rules.write_page.output,
                *FOLDERS,
                *rules.compare_published.output,
                *rules.connect_networks.output,
            ]
        ),
        raw=raw_tables,
        settings=local([*map(relpath, workflow.configfiles), *SETTINGS.files]),  # a moved review is no other review
        software=local(SOURCE),
        citation=local(citation_of(map(relpath, workflow.configfiles), SOURCE[-1])),
    output:
        manifest=f"{RESULTS}/manifest.csv",
        crate=f"{RESULTS}/ro-crate-metadata.json",
    log:
        f"{RESULTS}/logs/write_manifest.log",
    params:
        code=code("provenance/crate.py", "schemas/crate.j2", "yaml_files.py"),
        content=content([*raw_tables(), *map(relpath, workflow.configfiles), *SETTINGS.files]),
        analyses=unrecorded(ANALYSES),
        networks=sorted(NETWORKS),
        asked=fingerprint(sorted(ANALYSES)),
        evidence=lambda wildcards, input: dict(zip(SETTINGS.evidence, folders_of(input.raw))),
        tables=lambda wildcards, input: dict(zip(raw_tables(wildcards), input.raw)),
        kept=KEPT,
        formats=FORMATS,
    script:
        "../scripts/write_manifest.py"
