"""Imprecision: the interval against no effect and the MCID, the people against the optimal size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median
from typing import Any

Row = Mapping[str, Any]
RATIOS = ("RR", "OR", "ROM")


def imprecision(record: Row, rules: Mapping[str, Any]) -> tuple[int, str]:
    """Levels down for imprecision, at most two.

    One level where the interval crosses no effect or the threshold of importance, one more where it
    includes important benefit and important harm, one where fewer people were studied than the optimal
    information size (Guyatt 2011, J Clin Epidemiol 64: 1283). A clear interval that asks for few people still
    costs a level below `fewest_people`: a very clear effect in very few people tends not to last.
    """
    pooled = record["pooled"]
    low, high = pooled["ci_low"], pooled["ci_high"]
    if low is None or high is None:
        return 2, "The interval cannot be computed"
    levels, reasons = 0, []
    null, important = (1.0 if record["measure"] in RATIOS else 0.0), important_effects(record, rules)
    if low < null < high:
        levels += 1
        reasons.append("the interval includes no difference")
    elif important and any(low < bound < high for bound in important):
        levels += 1
        reasons.append("the interval includes both important and unimportant effects")
    if important and low < important[0] and high > important[1]:
        levels += 1
        reasons.append("it includes important benefit and important harm")
    people, needed = total_people(record), optimal_size(record, rules)
    if needed is not None and (people is None or people < needed):
        levels += 1
        amount = "an unknown number of people" if people is None else f"{people:,} people"
        reasons.append(f"{amount} were studied, a single sufficient trial would need {needed:,}")
    elif not reasons and people is not None and people < rules["fewest_people"]:
        levels += 1
        reasons.append(f"only {people:,} people were studied, too few however clear the effect")
    if not reasons:
        return 0, "The interval is narrow enough and enough people were studied"
    told = "; ".join(reasons)
    return min(levels, 2), told[0].upper() + told[1:]


def important_effects(record: Row, rules: Mapping[str, Any]) -> tuple[float, float] | None:
    """The smallest important effects below and above no effect, on the natural scale; None if not known.

    Differences take the MCID, standardised ones the rule's size, ratios the rule's relative change.

    >>> important_effects({"measure": "RR", "mcid": None}, {"relative_change": 0.25, "standardised": 0.2})
    (0.75, 1.25)
    """
    mcid = record.get("mcid") or {}
    if record["measure"] == "MD":
        if not mcid.get("value") or mcid.get("applies") is False:
            return None
        return -abs(mcid["value"]), abs(mcid["value"])
    if record["measure"] == "SMD":
        return -rules["standardised"], rules["standardised"]
    if record["measure"] == "RD":
        return -rules["absolute_change"], rules["absolute_change"]
    return 1 - rules["relative_change"], 1 + rules["relative_change"]


def total_people(record: Row) -> int | None:
    """Analysed people of both sides; None where one side is not known.

    >>> total_people({"n_experimental": 30, "n_control": None}) is None
    True
    """
    sides = record["n_experimental"], record["n_control"]
    return None if None in sides else round(sum(sides))


def optimal_size(record: Row, rules: Mapping[str, Any]) -> int | None:
    """People that one sufficiently powered trial would need, both arms together; None if it cannot be said.

    Means: 4 (z₁₋α/₂ + z₁₋β)² (SD / difference)², the difference being the MCID and SD the median of the
    trials' arms; a standardised difference takes the rule's size. Proportions: the usual two-sample formula
    with the median control risk and the rule's relative change.

    >>> rules = {"alpha": 0.05, "power": 0.8, "standardised": 0.5}
    >>> optimal_size({"measure": "SMD", "studies": []}, rules)
    126
    """
    from scipy.special import ndtri

    z_alpha, z_beta = float(ndtri(1 - rules["alpha"] / 2)), float(ndtri(rules["power"]))
    if record["measure"] == "SMD":
        return math.ceil(4 * ((z_alpha + z_beta) / rules["standardised"]) ** 2)
    if record["measure"] == "MD":
        important = important_effects(record, rules)
        spread = _typical_spread(record)
        if important is None or spread is None:
            return rules.get("people")
        return math.ceil(4 * ((z_alpha + z_beta) * spread / important[1]) ** 2)
    risk = control_risk(record)
    if risk is None or not 0 < risk < 1:
        return rules.get("people")
    return _two_proportions(risk, risk * (1 - rules["relative_change"]), z_alpha, z_beta)


def _two_proportions(first: float, second: float, z_alpha: float, z_beta: float) -> int:
    middle = (first + second) / 2
    root = z_alpha * math.sqrt(2 * middle * (1 - middle))
    root += z_beta * math.sqrt(first * (1 - first) + second * (1 - second))
    return 2 * math.ceil((root / (first - second)) ** 2)


def _typical_spread(record: Row) -> float | None:
    spreads = [
        study[f"sd_{side}"]
        for study in record["studies"]
        for side in ("experimental", "control")
        if study.get(f"sd_{side}")
    ]
    return median(spreads) if spreads else None


def control_risk(record: Row) -> float | None:
    """Median risk in the control arms of the trials; None where no trial gives counts.

    >>> control_risk({"studies": [{"events_control": 5, "n_control": 20}]})
    0.25
    """
    risks = [
        study["events_control"] / study["n_control"]
        for study in record["studies"]
        if study.get("events_control") is not None and study.get("n_control")
    ]
    return median(risks) if risks else None
