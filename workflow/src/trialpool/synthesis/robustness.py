"""Does the conclusion hold? One grade and one sentence an analysis, by the thresholds of the config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialpool.synthesis.specifications import conclusion, null_value

Row = dict[str, Any]
CONCLUSIONS = {"benefit": "a benefit", "harm": "a disadvantage", "unclear": "no clear difference"}
BREAKERS = 3
KINDS = {
    "leave one out": "one trial left out",
    "model": "another model",
    "data": "another choice of data",
    "inclusion": "a stricter choice of trials",
    "sparse": "a method for rare events",
}


def robustness(
    spec: Mapping[str, Any],
    sensitivity: Sequence[Row],
    multiverse: Mapping[str, Any] | None,
    agreement: float,
) -> dict[str, Any]:
    """Grade and sentence. `agreement` is the share of specifications that reach the main conclusion.

    Rules, thresholds from `spec["robustness"]`: below `smallest_k` trials not assessable; robust if at least
    `robust` of the specifications agree and no trial left out changes the conclusion; sensitive if at least
    `sensitive` agree; fragile otherwise. `breaks` lists what changes the conclusion.
    """
    rules = spec["robustness"]
    main = sensitivity[0] if sensitivity else None
    if main is None or main["k"] < rules["smallest_k"]:
        few = f"{main['k']} trials" if main else "fewer than two trials"
        sentence = f"Not assessable: {few}, at least {rules['smallest_k']} are needed."
        return {"grade": "not assessable", "sentence": sentence, "agreement": None, "breaks": []}
    breaks = [row for row in sensitivity if row["changes_conclusion"]]
    grade = _grade(rules, agreement, breaks)
    specifications = (multiverse or {}).get("specifications", 1)
    share = f"{100 * agreement:.0f}% of {specifications} specifications"
    sentence = f"{grade.capitalize()}: {share} reach the same conclusion ({CONCLUSIONS[main['conclusion']]})"
    sentence += (
        f"; it changes with {_named(breaks)}." if breaks else "; no single change of choice alters it."
    )
    return {
        "grade": grade,
        "sentence": sentence,
        "agreement": agreement,
        "breaks": [{"kind": row["kind"], "choice": row["choice"], "to": row["conclusion"]} for row in breaks],
    }


def _grade(rules: Mapping[str, float], agreement: float, breaks: Sequence[Row]) -> str:
    hangs_on_one = any(row["kind"] == "leave one out" for row in breaks)
    if agreement >= rules["robust"] and not hangs_on_one:
        return "robust"
    return "sensitive" if agreement >= rules["sensitive"] else "fragile"


def _named(breaks: Sequence[Row]) -> str:
    """What breaks it, kind by kind: trials and data by name, models by number."""
    parts = []
    for kind, words in KINDS.items():
        rows = [row for row in breaks if row["kind"] == kind]
        if not rows:
            continue
        names = [row["choice"].removeprefix("without ") for row in rows[:BREAKERS]]
        more = f" and {len(rows) - BREAKERS} more" if len(rows) > BREAKERS else ""
        parts.append(f"{words} ({', '.join(names)}{more})")
    return "; ".join(parts)


def share_agreeing(spec: Mapping[str, Any], columns: Mapping[str, Any], main: str) -> float:
    """Share of the specifications of a multiverse that reach the main conclusion.

    >>> columns = {"ci_low": [-2.0, -1.0], "ci_high": [-1.0, 0.5]}
    >>> share_agreeing({"measure": "MD", "better": "lower"}, columns, "benefit")
    0.5
    """
    null = null_value(spec["measure"])
    pairs = list(zip(columns["ci_low"], columns["ci_high"], strict=True))
    same = sum(conclusion(low, high, null, spec["better"]) == main for low, high in pairs)
    return same / len(pairs)
