"""results/README.md: the summary as a code-hosting site shows it at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from trialpool import text as words
from trialpool.page.render import markdown_environment
from trialpool.records import Claim, Record, Status
from trialpool.view.forest_table import forest_table, pooled_estimate, some_uncounted
from trialpool.view.question import (
    STATUS_NAMES,
    grouped,
    interval_name,
    people,
    result_sentence,
    verdict_words,
)
from trialpool.view.read import Appraised


def render_readme(records: Sequence[Appraised], claims: Sequence[Claim] = ()) -> str:
    """The Markdown text of results/README.md: the claims, a table a condition, the forest plots as links.

    `records` stand in the order of the config; `claims` are judged claims. Texts of records are escaped.

    >>> render_readme([]).splitlines()[0]
    '# Results'
    """
    statuses = [record.status for record in records]
    return (
        markdown_environment()
        .get_template("results.md")
        .render(
            groups=[_group(heading, members) for heading, members in grouped(records)],
            total=len(records),
            claims=[_claim(claim, records) for claim in claims],
            interval_name=interval_name(records),
            statuses=[(statuses.count(status), label) for status, label in STATUS_NAMES.items()],
        )
    )


def _claim(claim: Claim, records: Sequence[Appraised]) -> dict[str, Any]:
    """A claim with the results that decide it: effect, number of trials, folder."""
    by_analysis = {record.analysis: record for record in records}
    results = []
    for part in claim.parts:
        for finding in part.findings:
            record = by_analysis[finding.analysis].restricted(finding.restricted)
            if record.pooled:
                text = f"{_effect(record)}, {words.count(record.k, 'trial')}"
                results.append({"text": text, "folder": _folder(record)})
    return {"statement": claim.statement, "verdict": claim.verdict, "results": results}


def _group(heading: str, members: Sequence[Appraised]) -> dict[str, Any]:
    return {
        "heading": heading,
        "rows": [_row(record) for record in members],
        "plots": [_plot(record) for record in members if record.status == Status.POOLED],
        "single_plots": [_plot(record) for record in members if record.status == Status.SINGLE_STUDY],
    }


def _row(record: Appraised) -> dict[str, Any]:
    table = forest_table(record)
    amount = people(record) if record.status != Status.NO_DATA else 0
    least = "≥ " if some_uncounted(record) else ""
    return {
        "title": record.title,
        "link": _folder(record),
        "k": record.k,
        "people": words.MISSING if amount is None else least + words.number(amount, 0),
        "effect": _effect(record),
        "prediction": table.prediction.interval if table.prediction else words.MISSING,
        "i2": table.result.i2.text if table.result else words.MISSING,
        "reading": verdict_words(record),
        "certainty": record.certainty.level if record.certainty else words.MISSING,
    }


def _effect(record: Record) -> str:
    shown = pooled_estimate(record)
    if not shown:
        return words.MISSING
    numbers = (shown.estimate.text, shown.low.text, shown.high.text)
    return "{} {} ({} to {})".format(record.measure, *numbers)


def _plot(record: Record) -> dict[str, Any]:
    return {"title": record.title, "sentence": result_sentence(record), "folder": _folder(record)}


def _folder(record: Record) -> Markup:
    return Markup(f"analyses/{quote(record.analysis)}")
