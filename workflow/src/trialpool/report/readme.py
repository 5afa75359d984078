"""results/README.md: the summary as a code-hosting site shows it at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from trialpool import text as words
from trialpool.report import naming
from trialpool.report.render import markdown_environment
from trialpool.report.sentences import result_sentence, verdict_words
from trialpool.view.forest_table import forest_table


def render_readme(records: Sequence[Mapping[str, Any]], claims: Sequence[Mapping[str, Any]] = ()) -> str:
    """The Markdown text of results/README.md: the claims, a table a condition, the forest plots as links.

    `records` are result records in the order of the config, with `certainty` where it was assessed;
    `claims` are judged claims. Texts of records are escaped.

    >>> render_readme([]).splitlines()[0]
    '# Results'
    """
    template = markdown_environment().get_template("results.md")
    return template.render(
        groups=[_group(heading, members) for heading, members in grouped(records)],
        total=len(records),
        claims=[_claim(claim, records) for claim in claims],
        interval_name=interval_name(records),
        statuses=[
            (sum(record["status"] == status for record in records), label)
            for status, label in naming.STATUS_NAMES.items()
        ],
    )


def _claim(claim: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A claim with the results that decide it: effect, number of trials, folder."""
    by_analysis = {record["analysis"]: record for record in records}
    results = []
    for part in claim["parts"]:
        for found in part["findings"]:
            record = {**by_analysis[found["analysis"]], **(found.get("restricted") or {})}
            if record["pooled"]:
                told = f"{_effect(record)}, {words.count(record['k'], 'trial')}"
                results.append({"told": told, "folder": Markup(_folder(record))})
    return {"statement": claim["statement"], "verdict": claim["verdict"], "results": results}


def grouped(records: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Records by condition and purpose, groups and members in order of first appearance.

    >>> rows = [{"analysis": "a", "condition": ["DPN"]}, {"analysis": "b", "condition": ["DPN"]}]
    >>> [(heading, len(members)) for heading, members in grouped(rows)]
    [('Diabetic peripheral neuropathy', 2)]
    """
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        groups.setdefault(words.capital(naming.condition_name(record)), []).append(record)
    return list(groups.items())


def interval_name(records: Sequence[Mapping[str, Any]]) -> str:
    """The confidence interval's name for a table head: with its level where all records share one.

    >>> interval_name([{"methods": {"level": 0.95}}]), interval_name([{"methods": {"level": 0.9}}, {}])
    ('95% CI', 'CI')
    """
    levels = {(record.get("methods") or {}).get("level") for record in records} - {None}
    complete = all((record.get("methods") or {}).get("level") for record in records)
    return f"{words.percent(levels.pop())} CI" if len(levels) == 1 and complete else "CI"


def _group(heading: str, members: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "heading": heading,
        "rows": [_row(record) for record in members],
        "plots": [_plot(record) for record in members if record["status"] == "pooled"],
        "single_plots": [_plot(record) for record in members if record["status"] == "single_study"],
    }


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    table = forest_table(record)
    amount = words.people(record) if record["status"] != "no_data" else 0
    least = "≥ " if words.some_uncounted(record) else ""
    return {
        "title": record["title"],
        "link": Markup(_folder(record)),
        "k": record["k"],
        "people": words.MISSING if amount is None else least + words.number(amount, 0),
        "effect": _effect(record),
        "prediction": table.prediction.interval if table.prediction else words.MISSING,
        "i2": table.result.i2.text if table.result else words.MISSING,
        "reading": verdict_words(record),
        "certainty": (record.get("certainty") or {}).get("level") or words.MISSING,
    }


def _effect(record: Mapping[str, Any]) -> str:
    pooled = record.get("pooled")
    if not pooled:
        return words.MISSING
    shown = words.format_values(record["measure"], [pooled[key] for key in ("estimate", "ci_low", "ci_high")])
    return f"{record['measure']} {shown[0]} ({shown[1]} to {shown[2]})"


def _plot(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": record["title"],
        "sentence": result_sentence(record),
        "folder": Markup(_folder(record)),
    }


def _folder(record: Mapping[str, Any]) -> str:
    return f"analyses/{quote(record['analysis'])}"
