# records -> whether they hold: figures of each pooled analysis, and what concerns the whole review.
from trialpool.jobs import MEND
from trialpool.synthesis.network_file import load_networks
from trialpool.synthesis.published import load_published

try:
    NETWORKS = load_networks(SETTINGS.networks, SETTINGS.analyses)
    COMPARED = list(load_published(SETTINGS.published, ANALYSES)["figures"])
except InputError as error:
    raise WorkflowError(str(error)) from None

FIGURES = ["multiverse", "influence", "funnel"]
SHOWN = [
    *FIGURES,
    "posterior",
]  # the posterior as SVG only: it is for the screen, its numbers are in the record
FORMATS = ["svg", "pdf", "png"]
DRAWN = ["multiverse.csv", "influence.csv", "posterior.svg"]
DRAWN += collect("{name}.{format}", name=FIGURES, format=FORMATS)
MODERATED = [f"moderators.{format}" for format in FORMATS]
MODERATORS_FROM = 4  # trials; below it synthesis/moderators.py makes no test
ASKED = [analysis for analysis in ANALYSES if SETTINGS.analyses[analysis]["moderators"]]
# Each file appears whole or not at all.
LAY_OUT = """
for file in {output:q}; do
    part="$(dirname "$file")/.$(basename "$file").part"
    if ! cp {input:q}/"$(basename "$file")" "$part" || ! mv "$part" "$file"; then
        rm -f "$part"
        echo "$file could not be written. {MEND}" >&2
        exit 1
    fi
done
"""


localrules:
    lay_out,
    lay_out_moderators,


wildcard_constraints:
    analysis="[a-z][a-z0-9-]*",


# What only an analysis of several trials has is known after the checkpoint, so no pooling job can promise it. The
# job leaves it in a folder; these put it beside the record and cost no start of Python.
rule lay_out:
    input:
        f"{PROCESSED}/analyses/{{analysis}}/drawn",
    output:
        [f"{RESULTS}/analyses/{{analysis}}/{name}" for name in DRAWN],
    shell:
        LAY_OUT


rule lay_out_moderators:
    input:
        f"{PROCESSED}/analyses/{{analysis}}/drawn",
    output:
        multiext(f"{RESULTS}/analyses/{{analysis}}/moderators", ".svg", ".pdf", ".png"),
    shell:
        LAY_OUT


rule adjust_moderators:
    input:
        records=given(of_each("result.json")),
    output:
        table=f"{RESULTS}/moderators.csv",
    log:
        f"{RESULTS}/logs/adjust_moderators.log",
    params:
        code=code("adjust_moderators"),
    script:
        "../scripts/adjust_moderators.py"


rule compare_published:
    input:
        pools=f"{PROCESSED}/evidence/published_pools.parquet",
        records=given(of_each("result.json")),
        rules=SETTINGS.published or [],
    output:
        table=f"{RESULTS}/published.csv",
        figures=collect(f"{RESULTS}/published/{{name}}.svg", name=COMPARED),
        others=collect(f"{RESULTS}/published/{{name}}.{{format}}", name=COMPARED, format=["pdf", "png"]),
    log:
        f"{RESULTS}/logs/compare_published.log",
    params:
        code=code("compare_published"),
    script:
        "../scripts/compare_published.py"


rule connect:
    input:
        records=of_each(
            "result.json", sorted({name for rules in NETWORKS.values() for name in rules["analyses"]})
        ),
    output:
        collect(
            f"{RESULTS}/networks/{{name}}/{{file}}",
            name=NETWORKS,
            file=["result.json", "league.csv", "ranking.csv", *collect("network.{format}", format=FORMATS)],
        ),
    log:
        f"{RESULTS}/logs/connect.log",
    params:
        code=code("connect"),
        networks=unrecorded(NETWORKS),
        settings=fingerprint(NETWORKS),
        folder=f"{RESULTS}/networks",
    script:
        "../scripts/connect.py"
