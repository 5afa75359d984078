"""Risk of bias of a trial in one word and in one line, from the judgements of published reviews."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
# Judged by some reviews beside bias; the size of a trial is a matter of precision (Handbook 8.1).
NOT_BIAS = ("size", "study_duration", "adequate_statistical_power")
ORDER = {"low": 0, "unclear": 1, "some_concerns": 1, "high": 2}


def worst_judgements(judgements: Iterable[Row], not_bias: Sequence[str] = NOT_BIAS) -> dict[str, str]:
    """The worst judgement of each trial over domains, tools and reviews, in the words of its tool.

    `not_bias` are domains left out: what some reviews judge beside bias, such as the size of a trial.
    """
    worst: dict[str, str] = {}
    bias = [row for row in judgements if row.get("domain") not in not_bias]
    for row in sorted(bias, key=lambda row: ORDER.get(row["judgement"], 1), reverse=True):
        worst.setdefault(row["study_id"], row["judgement"])
    return worst


def overall_judgements(judgements: Iterable[Row], not_bias: Sequence[str] = NOT_BIAS) -> dict[str, str]:
    """One word a trial: low, high, or unclear for unclear and some concerns."""
    words, worst = ("low", "unclear", "high"), worst_judgements(judgements, not_bias)
    return {study: words[ORDER.get(judgement, 1)] for study, judgement in worst.items()}


def judgement_lines(judgements: Iterable[Row]) -> dict[str, str]:
    """Every domain of each trial in one line, "tool: domain judgement; …", the worst of several reviews.

    >>> rows = [{"study_id": "A", "tool": "RoB1", "domain": "blinding", "judgement": "low"},
    ...         {"study_id": "A", "tool": "RoB1", "domain": "blinding", "judgement": "unclear"}]
    >>> judgement_lines(rows)
    {'A': 'RoB1: blinding unclear'}
    """
    lines: dict[str, dict[str, list[Row]]] = {}
    for row in judgements:
        if row["domain"] not in NOT_BIAS:
            name = f"{row['tool']}: {row['domain']}".replace(";", ",")
            lines.setdefault(row["study_id"], {}).setdefault(name, []).append(row)
    return {
        study: "; ".join(f"{name} {worst_judgements(rows, ())[study]}" for name, rows in domains.items())
        for study, domains in lines.items()
    }
