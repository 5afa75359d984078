"""The claims ledger as the page shows it: each claim with its verdict and the results that it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialpool import text as words
from trialpool.report import plots
from trialpool.report.marked import estimate_cell
from trialpool.report.sentences import size_words
from trialpool.view.axis import no_effect

Row = Mapping[str, Any]
POOLED = ("estimate", "ci_low", "ci_high")
DOSE_WORDS = {
    "sessions": "sessions",
    "programme_weeks": "weeks of treatment",
    "sessions_per_week": "sessions a week",
    "weeks": "weeks to the measurement",
}


def claim_views(claims: Sequence[Row], records: Sequence[Row]) -> list[dict[str, Any]]:
    """Every claim with what its template needs; `claims` are judged claims of the appraisal."""
    by_analysis = {record["analysis"]: record for record in records}
    return [_claim_view(index, claim, by_analysis) for index, claim in enumerate(claims)]


def _claim_view(index: int, claim: Row, by_analysis: Mapping[str, Row]) -> dict[str, Any]:
    parts = [
        {**part, "dose": dose_words(part.get("where") or {}), "findings": findings}
        for number, part in enumerate(claim["parts"])
        if (findings := _findings(f"{index}.parts.{number}", part, by_analysis)) is not None
    ]
    return {
        **claim,
        "number": index + 1,
        "anchor": words.anchor("claim", claim["claim"]),
        "verdict_class": claim["verdict"].replace(" ", "-"),
        "parts": parts,
        "also": [by_analysis[analysis] for analysis in claim["also"] if analysis in by_analysis],
    }


def _findings(place: str, part: Row, by_analysis: Mapping[str, Row]) -> list[dict[str, Any]]:
    return [
        _finding_view(f"{place}.findings.{number}", found, by_analysis[found["analysis"]])
        for number, found in enumerate(part["findings"])
    ]


def _finding_view(place: str, found: Row, record: Row) -> dict[str, Any]:
    """A finding with its numbers: those of the analysis, or of its restriction to a dose."""
    numbers, source, prefix = record, record, "pooled."
    if found.get("restricted"):
        numbers = {**record, **found["restricted"]}
        source, prefix = {**record, "analysis": "claims"}, f"{place}.restricted.pooled."
    view = {**found, "record": record, "title": record["title"], "plot": None, "size": ""}
    pooled = numbers["pooled"]
    if not pooled:
        return view
    shown = {**numbers, "studies": []}
    axis = plots.plan_result_axis(shown)
    return view | {
        "plot": plots.whisker(axis, *(pooled[key] for key in POOLED)),
        "null": plots.percent_position(axis, no_effect(record["measure"])),
        "band": plots.benefit_band(record, axis),
        "ticks": plots.ticks(axis),
        "effect": estimate_cell(source, pooled, prefix, POOLED),
        "size": size_words(numbers),
    }


def dose_words(where: Mapping[str, Sequence[float]]) -> str:
    """The bounds of a dose in words.

    >>> dose_words({"sessions": [8, 16], "programme_weeks": [6, 8]})
    '8 to 16 sessions and 6 to 8 weeks of treatment'
    """
    return words.listing(
        f"{words.plain_number(low)} to {words.plain_number(high)} {DOSE_WORDS.get(key, words.spaced(key))}"
        for key, (low, high) in where.items()
    )
