# records -> what concerns the whole review: published pools, networks.
from trialpool.synthesis.network import evidence_files, load_networks
from trialpool.synthesis.published import load_published

try:
    TREATMENTS = SETTINGS.words.table_words()["category"].words
    NETWORKS = load_networks(SETTINGS.networks, SETTINGS.analyses, TREATMENTS)
    PUBLISHED = load_published(SETTINGS.published, ANALYSES)
    NEAREST = {rule["analysis"] for rule in PUBLISHED["pools"]}  # to some published pool
except InputError as error:
    raise WorkflowError(str(error)) from None

NETWORK_EVIDENCE = [
    f"{RESULTS}/networks/{name}/{file}"
    for name, rules in NETWORKS.items()
    for file in evidence_files(rules, FORMATS)
]
NETWORK_RECORDS = [f"{RESULTS}/networks/{name}/result.json" for name in NETWORKS]


wildcard_constraints:
    analysis="[a-z][a-z0-9-]*",
    batch=r"\d+_of_\d+",


rule compare_published:
    input:
        pools=f"{PROCESSED}/evidence/published_pools.parquet",
        folders=[folder_of(name) for name in ANALYSES if name in NEAREST],
        rules=SETTINGS.published or [],
    output:
        table=f"{RESULTS}/published.csv",
        figures=collect(f"{RESULTS}/published/{{name}}.svg", name=PUBLISHED["figures"]),
        others=collect(
            f"{RESULTS}/published/{{name}}{{format}}", name=PUBLISHED["figures"], format=FORMATS[1:]
        ),
    log:
        f"{RESULTS}/logs/compare_published.log",
    priority: SOON
    params:
        code=code(*DRAWING, "yaml_files.py"),
        content=content([SETTINGS.published] if SETTINGS.published else []),
        kept=KEPT,
        formats=FORMATS,
    script:
        "../scripts/compare_published.py"


rule connect_networks:
    input:
        folders=[
            folder_of(name)
            for name in sorted({name for rules in NETWORKS.values() for name in rules["analyses"]})
        ],
        appraisal=f"{RESULTS}/appraisal.json",
    output:
        collect(
            f"{RESULTS}/networks/{{name}}/{{file}}",
            name=NETWORKS,
            file=["result.json", "league.csv", "ranking.csv", *multiext("network", *FORMATS)],
        ),
        NETWORK_EVIDENCE,
    log:
        f"{RESULTS}/logs/connect_networks.log",
    priority: SOON
    params:
        code=code(*DRAWING, "yaml_files.py"),
        networks=unrecorded(NETWORKS),
        settings=fingerprint(NETWORKS),
        folder=f"{RESULTS}/networks",
        kept=KEPT,
        formats=FORMATS,
    script:
        "../scripts/connect_networks.py"
