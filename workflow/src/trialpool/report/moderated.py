"""Moderators of one analysis on the page: those tested as rows of a table, the others with their reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from trialpool import text as words
from trialpool.report.marked import estimate_cell, mark
from trialpool.synthesis.moderators import moderator_name
from trialpool.view.moderators import moderator_slope

Row = Mapping[str, Any]
RESULT = ("estimate", "ci_low", "ci_high")
SLOPE = ("slope", "slope_low", "slope_high")


def moderators_view(record: Row) -> dict[str, Any] | None:
    """`tested`: rows of a table; `cautions` of these; `untested`: name and reason. None where none is asked.

    >>> row = {"moderator": "any", "k": 3, "caution": "3 trials: at least 4 are needed"}
    >>> moderators_view({"moderators": [row]})["untested"]
    [{'name': 'any moderator', 'reason': '3 trials: at least 4 are needed'}]
    """
    rows = list(enumerate(record.get("moderators") or []))
    if not rows:
        return None
    tested = [(number, row) for number, row in rows if not words.absent(row.get("p_value"))]
    cautions = [part for _, row in tested for part in (row.get("caution") or "").split("; ") if part]
    return {
        "tested": [_tested(record, number, row) for number, row in tested],
        "cautions": [words.capital(caution) for caution in dict.fromkeys(cautions)],
        "untested": [
            {"name": moderator_name(row["moderator"]), "reason": row.get("caution") or ""}
            for _, row in rows
            if words.absent(row.get("p_value"))
        ],
    }


def _tested(record: Row, number: int, row: Row) -> dict[str, Any]:
    place = f"moderators.{number}."
    chances = {
        name: mark(record, f"{place}{name}", row.get(name), words.p_value(row.get(name)))
        for name in ("p_value", "p_permutation")
    }
    groups = [
        {
            "name": words.capital(words.group_name(group["level"])),
            "k": mark(record, f"{place}groups.{at}.k", group["k"], str(group["k"])),
            "effect": estimate_cell(record, group, f"{place}groups.{at}.", RESULT),
        }
        for at, group in enumerate(row.get("groups") or [])
    ]
    return {
        "name": words.capital(moderator_name(row["moderator"])),
        "k": mark(record, f"{place}k", row["k"], str(row["k"])),
        "slope": "" if groups else _slope(record, place, row),
        "groups": groups,
        **chances,
    }


def _slope(record: Row, place: str, row: Row) -> Markup | str:
    """The slope with its interval; of ratios a ratio of ratios, which the record holds as its logarithm."""
    text, per = moderator_slope(record, row)
    if record["measure"] in words.RATIO_MEASURES:
        return f"{text} {per}"
    return Markup("{} {}").format(estimate_cell(record, row, place, SLOPE), per)
