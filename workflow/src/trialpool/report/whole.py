"""The review as a whole: how trials flow into the analyses, and what the audit of the numbers found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialpool import text as words

Row = Mapping[str, Any]
LEAVING = ("no_numbers", "not_usable")
BRANCHES = ("pooled_with_others", "alone")
SEVERITIES = ("high", "medium", "low")


def flow_view(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The steps of the whole review (rows of flow.csv without `analysis`), each with those who left after it.

    >>> rows = [{"analysis": "", "step": "known", "reason": "trials known", "trials": "3", "people": "90"},
    ...         {"analysis": "", "step": "no_numbers", "reason": "nothing", "trials": "1", "people": ""},
    ...         {"analysis": "", "step": "with_numbers", "reason": "trials with any number", "trials": "2",
    ...          "people": "60"}]
    >>> [(step["name"], step["trials"], len(step["left"])) for step in flow_view(rows)]
    [('Trials known', 3, 1), ('Trials with any number', 2, 0)]
    """
    steps: list[dict[str, Any]] = []
    for row in rows:
        if row["analysis"]:
            continue
        entry = {
            "name": words.capital(str(row["reason"])),
            "trials": _count(row["trials"]),
            "people": _count(row["people"]),
            "left": [],
            "branch": row["step"] in BRANCHES,
        }
        if row["step"] in LEAVING and steps:
            steps[-1]["left"].append(entry)
        else:
            steps.append(entry)
    return steps


def _count(value: Any) -> int | None:
    """A count from a CSV cell; None where it is empty."""
    return None if words.absent(value) else round(float(value))


def audit_view(rows: Sequence[Row], named: Mapping[str, str]) -> dict[str, Any]:
    """The findings of the audit by rule, the gravest first, and how many of each severity.

    `rows` are rows of audit.csv, `named` the trials' names by study_id.
    """
    rules: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        rules.setdefault((row["severity"], row["rule"]), []).append(_finding(row, named))
    order = sorted(rules, key=lambda key: SEVERITIES.index(key[0]) if key[0] in SEVERITIES else 9)
    return {
        "counts": [(severity, sum(row["severity"] == severity for row in rows)) for severity in SEVERITIES],
        "rules": [
            {
                "severity": severity,
                "name": rule_name(rule),
                "check": rules[severity, rule][0]["check"],
                "findings": rules[severity, rule],
            }
            for severity, rule in order
        ],
    }


def rule_name(rule: str) -> str:
    """A rule of the audit in words, abbreviations as they are written.

    >>> rule_name("se_as_sd"), rule_name("doubted_row")
    ('SE as SD', 'Doubted row')
    """
    written = {"se": "SE", "sd": "SD", "ci": "CI"}
    return words.capital(" ".join(written.get(word, word) for word in words.spaced(rule).split(" ")))


def _finding(row: Row, named: Mapping[str, str]) -> dict[str, Any]:
    """One finding with links: to the trial where it is one of the evidence, to each raw result row."""
    study_id = row.get("study_id") or ""
    return {
        "study_id": study_id if study_id in named else "",
        "label": named.get(study_id, study_id),
        "numbers": row["numbers"],
        "finding": row["finding"],
        "check": row["check"],
        "source_url": row.get("source_url"),
        "rows": [
            {"row_id": row_id, "anchor": words.anchor("row", row_id)}
            for row_id in str(row.get("row_ids") or "").split()
        ],
    }
