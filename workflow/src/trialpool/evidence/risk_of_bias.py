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

    >>> rows = [{"study_id": "A", "domain": "blinding", "judgement": "some_concerns"},
    ...         {"study_id": "A", "domain": "size", "judgement": "high"}]
    >>> worst_judgements(rows)
    {'A': 'some_concerns'}
    """
    worst: dict[str, str] = {}
    for row in judgements:
        if row.get("domain") in not_bias:
            continue
        before = worst.get(row["study_id"])
        if before is None or ORDER.get(row["judgement"], 1) > ORDER.get(before, 1):
            worst[row["study_id"]] = row["judgement"]
    return worst


def overall_judgements(judgements: Iterable[Row], not_bias: Sequence[str] = NOT_BIAS) -> dict[str, str]:
    """One word a trial: low, high, or unclear for unclear and some concerns.

    >>> rows = [{"study_id": "A", "domain": "blinding", "judgement": "low"},
    ...         {"study_id": "A", "domain": "other", "judgement": "some_concerns"}]
    >>> overall_judgements(rows)
    {'A': 'unclear'}
    """
    words = ("low", "unclear", "high")
    return {
        study: words[ORDER.get(worst, 1)] for study, worst in worst_judgements(judgements, not_bias).items()
    }


def judgement_lines(judgements: Iterable[Row]) -> dict[str, str]:
    """Every domain of each trial in one line, "tool: domain judgement; …", the worst of several reviews.

    >>> rows = [{"study_id": "A", "tool": "RoB1", "domain": "blinding", "judgement": "low"},
    ...         {"study_id": "A", "tool": "RoB1", "domain": "blinding", "judgement": "unclear"}]
    >>> judgement_lines(rows)
    {'A': 'RoB1: blinding unclear'}
    """
    domains: dict[tuple[str, str], list[Row]] = {}
    for row in judgements:
        if row["domain"] not in NOT_BIAS:
            name = f"{row['tool']}: {row['domain']}".replace(";", ",")
            domains.setdefault((row["study_id"], name), []).append(row)
    lines: dict[str, list[str]] = {}
    for (study, name), rows in domains.items():
        lines.setdefault(study, []).append(f"{name} {next(iter(worst_judgements(rows, ()).values()))}")
    return {study: "; ".join(parts) for study, parts in lines.items()}
