"""Summary of findings in GRADE's form: one table a comparison, one row an outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialpool import text as words
from trialpool.report import naming
from trialpool.report.marked import estimate_cell, mark
from trialpool.report.statements import informative_statement
from trialpool.synthesis.certainty import DOMAINS

Row = Mapping[str, Any]
POOLED = ("estimate", "ci_low", "ci_high")


def certainty_view(record: Row) -> dict[str, Any] | None:
    """Certainty for a template: level, filled marks of four, the domains with their reasons."""
    certainty = record.get("certainty")
    if not certainty:
        return None
    order = ("very low", "low", "moderate", "high")
    domains = [domain | {"name": DOMAINS[domain["domain"]]} for domain in certainty["domains"]]
    filled = order.index(certainty["level"]) + 1
    return {
        "level": certainty["level"],
        "marks": "●" * filled + "○" * (4 - filled),
        "domains": domains,
        "lowered": [domain for domain in domains if domain["levels_down"]],
        "overridden": any(domain["overridden"] for domain in domains),
        "suggested": certainty["suggested"],
    }


def comparison_tables(records: Sequence[Row]) -> list[dict[str, Any]]:
    """One table for each condition and comparison that has a result, outcomes in the order of the config."""
    tables: dict[tuple[str, ...], dict[str, Any]] = {}
    for record in records:
        population, sides = (
            naming.condition_name(record),
            (record["experimental_name"], record["control_name"]),
        )
        heading = words.capital(f"{sides[0]} compared with {sides[1]}")
        table = tables.setdefault(
            (population, *sides),
            {
                **{"heading": heading, "population": population, "rows": [], "missing": []},
                **{"anchor": words.anchor("findings", population, *sides)},
                **{"experimental": sides[0], "control": sides[1]},
            },
        )
        table["rows" if record["pooled"] else "missing"].append(
            _finding(record) if record["pooled"] else record
        )
    shown = [table for table in tables.values() if table["rows"]]
    return [table | {"absolute": any(row["absolute"] for row in table["rows"])} for table in shown]


def _finding(record: Row) -> dict[str, Any]:
    pooled, absolute = record["pooled"], record.get("absolute")
    return {
        "record": record,
        "outcome": words.capital(naming.title_parts(record)[0]),
        "effect": estimate_cell(record, pooled, "pooled.", POOLED),
        "absolute": _absolute(record, absolute) if absolute else None,
        "certainty": certainty_view(record),
        "statement": informative_statement(record),
        "people": words.people(record),
    }


def _absolute(record: Row, absolute: Row) -> dict[str, Any]:
    """Risks per 1,000 with their exact values, and the difference as "more" or "fewer"."""

    def shown(key: str, text: str) -> Any:
        return mark(record, f"absolute.{key}", absolute[key], text)

    keys = ("assumed_risk", "risk", "risk_low", "risk_high")
    view = {key: shown(key, words.number(absolute[key], 0)) for key in keys}
    for key in ("difference", "difference_low", "difference_high"):
        view[key] = shown(key, more_or_fewer(absolute[key]))
    return view


def more_or_fewer(per_thousand: float) -> str:
    """A difference in people per 1,000 in words.

    >>> more_or_fewer(-53.4), more_or_fewer(12.0), more_or_fewer(0.2)
    ('53 fewer', '12 more', 'no difference')
    """
    amount = words.number(abs(per_thousand), 0)
    if amount == "0":
        return "no difference"
    return f"{amount} {'more' if per_thousand > 0 else 'fewer'}"
