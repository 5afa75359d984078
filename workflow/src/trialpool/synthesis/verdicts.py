"""What one result says about a claim: written conditions, each met or not, and the verdict that follows.

Kinds of claim: `benefit` (any benefit of the experimental treatment), `important_benefit` (a benefit of at
least the smallest important effect), `no_more_harm` (no more harm than a stated margin).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialpool.synthesis.certainty import DOMAINS, LEVELS
from trialpool.synthesis.imprecision import RATIOS, important_effects

Row = Mapping[str, Any]
KINDS = ("benefit", "important_benefit", "no_more_harm")
VERDICTS = ("supported", "suggested", "unclear", "not supported", "contradicted", "no evidence")


def finding(record: Row, certainty: Row | None, kind: str, rules: Mapping[str, Any]) -> dict[str, Any]:
    """One result's verdict on a claim: `analysis`, `verdict`, `conditions` (name, met, text).

    `certainty` is the record's assessment, `rules` the sections `verdicts` and `certainty` of
    config/claims.yaml. Verdicts: "no evidence" without a usable trial; "unclear" where certainty is below
    the rule's or the conclusion fragile under other choices; else "contradicted" where the whole interval
    lies on the other side; "supported" where all conditions are met; "suggested" where direction and size
    are met; "not supported" where the interval rules the claimed size out; otherwise "unclear".
    """
    if record["status"] == "no_data":
        return {"analysis": record["analysis"], "verdict": "no evidence", "conditions": []}
    low, high = benefit_interval(record)
    conditions = _conditions(record, certainty, kind, rules, low, high)
    verdict = _verdict(record, certainty, kind, rules, low, high, conditions)
    return {"analysis": record["analysis"], "verdict": verdict, "conditions": conditions}


def benefit_interval(record: Row) -> tuple[float | None, float | None]:
    """The confidence interval turned so that higher is better and no effect is 0 (ratios as ratio − 1).

    >>> pooled = {"ci_low": -2.0, "ci_high": -0.5}
    >>> benefit_interval({"measure": "MD", "better": "lower", "pooled": pooled})
    (0.5, 2.0)
    """
    return _turned(record, record["pooled"]["ci_low"], record["pooled"]["ci_high"])


def _turned(record: Row, low: float | None, high: float | None) -> tuple[float | None, float | None]:
    if low is None or high is None:
        return None, None
    null = 1.0 if record["measure"] in RATIOS else 0.0
    if record["better"] == "higher":
        return low - null, high - null
    return null - high, null - low


def important_size(record: Row, rules: Mapping[str, Any]) -> float | None:
    """The smallest important benefit on the turned scale; None where none is known."""
    bounds = important_effects(record, rules["certainty"]["imprecision"])
    if bounds is None:
        return None
    null = 1.0 if record["measure"] in RATIOS else 0.0
    return bounds[1] - null if record["better"] == "higher" else null - bounds[0]


def _verdict(
    record: Row,
    certainty: Row | None,
    kind: str,
    rules: Mapping[str, Any],
    low: float | None,
    high: float | None,
    conditions: list[dict[str, Any]],
) -> str:
    sure = certainty is not None and _at_least(certainty["level"], rules["verdicts"]["suggested_certainty"])
    fragile = (record.get("robustness") or {}).get("grade") == "fragile"
    if low is None or high is None or not sure or fragile:
        return "unclear"
    if high < 0:
        return "contradicted"
    met = {condition["name"]: condition["met"] for condition in conditions}
    if all(met.values()):
        return "supported"
    if met["direction"] and (kind != "important_benefit" or _estimate_important(record, rules)):
        return "suggested"
    size = important_size(record, rules)
    if size is not None and high < size and kind == "important_benefit":
        return "not supported"
    if size is not None and low <= 0 and high < size and kind == "benefit":
        return "not supported"
    return "unclear"


def _estimate_important(record: Row, rules: Mapping[str, Any]) -> bool:
    size = important_size(record, rules)
    estimate = _turned(record, record["pooled"]["estimate"], record["pooled"]["estimate"])[0]
    return size is not None and estimate is not None and estimate >= size


def _conditions(
    record: Row,
    certainty: Row | None,
    kind: str,
    rules: Mapping[str, Any],
    low: float | None,
    high: float | None,
) -> list[dict[str, Any]]:
    conditions = [_direction(record, kind, rules, low)]
    if kind == "important_benefit":
        conditions.append(_importance(record, rules, low))
    conditions.append(_trials(record, rules))
    if record["status"] == "pooled":
        conditions.append(_prediction(record, kind, rules))
    conditions.append(_certainty(certainty, rules))
    robust = _robustness(record)
    return [*conditions, robust] if robust else conditions


def _direction(record: Row, kind: str, rules: Mapping[str, Any], low: float | None) -> dict[str, Any]:
    if kind == "no_more_harm":
        margin = _harm_margin(record, rules)
        met = low is not None and low > -margin
        excess = f"{100 * margin:.0f}% more" if record["measure"] in RATIOS else f"{margin:g} more"
        told = f"The interval {'excludes' if met else 'does not exclude'} {excess} harm than with the control"
        return _condition("direction", met, told, "enough people to exclude a relevant excess of harm")
    met = low is not None and low > 0
    told = "The interval excludes no difference" if met else "The interval includes no difference"
    return _condition("direction", met, told, "more people, until the interval leaves no difference")


def _harm_margin(record: Row, rules: Mapping[str, Any]) -> float:
    name = "harm_margin_ratio" if record["measure"] in RATIOS else "harm_margin_difference"
    return float(rules["verdicts"][name])


def _importance(record: Row, rules: Mapping[str, Any], low: float | None) -> dict[str, Any]:
    size = important_size(record, rules)
    need = "an interval that lies wholly beyond the smallest important effect"
    if size is None:
        return _condition("importance", False, "No smallest important effect is known for this scale", need)
    met = low is not None and low >= size
    if met:
        told = "The whole interval lies beyond the smallest important effect"
    elif _estimate_important(record, rules):
        told = "The estimate is large enough to matter, the interval includes effects that are not"
    else:
        told = "The estimate is smaller than the smallest important effect"
    return _condition("importance", met, told, need)


def _trials(record: Row, rules: Mapping[str, Any]) -> dict[str, Any]:
    met = record["k"] >= rules["verdicts"]["trials"]
    told = "One trial only" if record["k"] == 1 else f"{record['k']} trials"
    return _condition("trials", met, told, "an independent second trial")


def _prediction(record: Row, kind: str, rules: Mapping[str, Any]) -> dict[str, Any]:
    low, _ = _turned(record, record["pooled"]["pi_low"], record["pooled"]["pi_high"])
    need = "trials that agree better, until a new one may be expected to agree too"
    if low is None:
        return _condition("prediction", False, "What a new trial may show cannot be computed", need)
    floor = -_harm_margin(record, rules) if kind == "no_more_harm" else 0.0
    met = low > floor
    told = "A new trial may be expected to agree" if met else "A new trial may point either way"
    return _condition("prediction", met, told, need)


def _certainty(certainty: Row | None, rules: Mapping[str, Any]) -> dict[str, Any]:
    needed = rules["verdicts"]["supported_certainty"]
    level = "not assessed" if certainty is None else certainty["level"]
    met = certainty is not None and _at_least(level, needed)
    lowered = [] if certainty is None else [d for d in certainty["domains"] if d["levels_down"]]
    reasons = ", ".join(DOMAINS[domain["domain"]] for domain in lowered)
    told = f"Certainty is {level}" + (f" ({reasons})" if reasons else "")
    return _condition("certainty", met, told, f"better trials: certainty is lowered for {reasons}")


def _robustness(record: Row) -> dict[str, Any] | None:
    """Whether the result holds under other defensible choices, where that could be assessed."""
    held = record.get("robustness") or {}
    if held.get("agreement") is None:
        return None
    low, high = benefit_interval(record)
    unclear = low is not None and high is not None and low <= 0 <= high
    agree = "leave no difference possible, too" if unclear else "agree"
    share = f"{100 * held['agreement']:.0f}% of other defensible analyses {agree}"
    told = f"{held['grade'].capitalize()}: {share}"
    need = "a conclusion that does not hang on the analyst's choices or on one trial"
    return _condition("robustness", held["grade"] == "robust", told, need)


def _condition(name: str, met: bool, text: str, need: str) -> dict[str, Any]:
    return {"name": name, "met": bool(met), "text": text, "need": need}


def _at_least(level: str, needed: str) -> bool:
    return level in LEVELS and LEVELS.index(level) >= LEVELS.index(needed)
