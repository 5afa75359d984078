"""How sure one may be of a result: GRADE's five domains by written rules, as a suggestion to a person.

The rules are numbers in config/claims.yaml (`certainty`), the reasoning follows the GRADE guidance on each
domain (Guyatt 2011, J Clin Epidemiol 64: 407, 1294, 1303, 1283, 1277). A rule cannot know everything a person
knows: `overrides` replace single domains with a sentence of their own, and are shown as such.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from trialpool.synthesis.bias import Finding, risk_of_bias
from trialpool.synthesis.imprecision import imprecision

Row = Mapping[str, Any]
LEVELS = ("very low", "low", "moderate", "high")
DOMAINS = {
    "risk_of_bias": "risk of bias",
    "inconsistency": "inconsistency",
    "indirectness": "indirectness",
    "imprecision": "imprecision",
    "publication_bias": "missing results",
}


def assess(
    record: Row,
    judgements: Sequence[Row],
    rules: Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    audit: Sequence[Row] = (),
) -> dict[str, Any] | None:
    """Certainty of one record; None where nothing was found that could be sure or unsure.

    `judgements` are rows of risk_of_bias.csv, `rules` the section `certainty` of config/claims.yaml,
    `overrides` {domain: {"levels": 0..2, "reason": sentence}} of this analysis, `audit` the findings of the
    integrity audit. Returns `level`, `suggested` (before overrides) and `domains`, each with levels down,
    reason and whether overridden. Randomised trials start at high certainty.
    """
    if record["status"] == "no_data":
        return None
    overrides = overrides or {}
    found = {
        "risk_of_bias": risk_of_bias(record, judgements, rules["risk_of_bias"], audit),
        "inconsistency": inconsistency(record, rules["inconsistency"]),
        "indirectness": indirectness(record, rules["indirectness"]),
        "imprecision": imprecision(record, rules["imprecision"]),
        "publication_bias": publication_bias(record, rules["publication_bias"]),
    }
    domains = [_domain(name, found[name], overrides.get(name)) for name in DOMAINS]
    return {
        "level": certainty_level(domain["levels_down"] for domain in domains),
        "suggested": certainty_level(levels for levels, _ in found.values()),
        "domains": domains,
    }


def certainty_level(downgrades: Any) -> str:
    """The level after all downgrades, never below very low.

    >>> certainty_level([1, 0, 0, 1, 0]), certainty_level([2, 2, 0, 0, 0])
    ('low', 'very low')
    """
    return LEVELS[max(0, len(LEVELS) - 1 - sum(downgrades))]


def _domain(name: str, found: Finding, override: Mapping[str, Any] | None) -> dict[str, Any]:
    levels, reason = found
    if override is None:
        return {"domain": name, "levels_down": levels, "reason": reason, "overridden": False}
    return {
        "domain": name,
        "levels_down": int(override["levels"]),
        "reason": str(override["reason"]),
        "overridden": True,
        "suggested_levels_down": levels,
        "suggested_reason": reason,
    }


def inconsistency(record: Row, rules: Mapping[str, Any]) -> Finding:
    """Levels down for unexplained differences between trials: I², and whether they change the direction."""
    if record["status"] != "pooled":
        return 0, "One trial: cannot be judged"
    pooled, null = record["pooled"], _no_effect(record)
    if pooled["i2"] is None:
        return 0, "I² is not known"
    told = f"I² {pooled['i2']:.0f}%"
    clear_sides = {_side(s["estimate_low"], s["estimate_high"], null) for s in record["studies"]} - {0}
    sides = {_side(study["estimate"], study["estimate"], null) for study in record["studies"]} - {0}
    if pooled["i2"] >= rules["i2_very_serious"] and len(clear_sides) == 2:
        return 2, f"{told}; single trials clearly favour opposite sides"
    predicted = _side(pooled["pi_low"], pooled["pi_high"], null)
    if pooled["i2"] >= rules["i2_serious"]:
        if len(sides) == 2:
            return 1, f"{told}; trials point to opposite sides"
        if not predicted:
            return 1, f"{told}; the prediction interval includes no difference"
        return 0, f"{told}, but trials differ in size, not in direction"
    return 0, f"{told}, below {rules['i2_serious']:g}%"


def _side(low: float | None, high: float | None, null: float) -> int:
    """-1 or 1 where an interval lies wholly below or above no effect, else 0."""
    if low is None or high is None:
        return 0
    return 1 if low > null else -1 if high < null else 0


def _no_effect(record: Row) -> float:
    return 1.0 if record["measure"] in ("RR", "OR", "ROM") else 0.0


def indirectness(record: Row, rules: Mapping[str, Any]) -> Finding:
    """Levels down where the evidence answers a neighbouring question: a surrogate, several conditions."""
    levels, reasons = 0, []
    if record["domain"] in rules["surrogate_domains"]:
        levels += 1
        reasons.append(f"{record['domain'].replace('_', ' ')} stands in for what people feel")
    present = {study["condition"] for study in record["studies"]} - {None}
    if len(present) > 1:
        levels += 1
        reasons.append(f"{' and '.join(sorted(present))} are pooled, so neither is answered directly")
    if not reasons:
        return 0, "People, treatments and outcome are those of the question"
    return min(levels, 2), "; ".join(reasons)


def publication_bias(record: Row, rules: Mapping[str, Any]) -> Finding:
    """Levels down for results that may be missing: trials known without usable numbers, funnel asymmetry.

    Why a number is missing (not published, not printed in full, not readable here) makes no difference to
    what the pooled result may hide. A trial whose size is not known counts as one of the median size.
    """
    sizes = {row["study_id"]: row.get("n_randomised") for row in [*record["known"], *record["studies"]]}
    used = {study["study_id"] for study in record["studies"]}
    silent = set(sizes) - used
    counted = [size for size in sizes.values() if size]
    usual = median(counted) if counted else 1.0
    people = {study: size or usual for study, size in sizes.items()}
    share = 100.0 * sum(people[study] for study in silent) / sum(people.values()) if people else 0.0
    told = (
        f"{len(silent)} of {len(sizes)} known trials ({share:.0f}% of the people randomised"
        f"{', trials of unknown size taken as middling' if len(counted) < len(sizes) else ''}) "
        "have no number that could be used here"
    )
    p_value = _asymmetry(record, rules)
    if silent and share >= rules["silent_share"]:
        return 1, told
    if p_value is not None and p_value < rules["asymmetry_p"]:
        return 1, f"The funnel is asymmetric (Egger test, p = {p_value:.2g})"
    if silent:
        return 0, told
    return 0, "No trial is known to have kept its result" + (
        "" if p_value is not None else "; too few trials to examine a funnel"
    )


def _asymmetry(record: Row, rules: Mapping[str, Any]) -> float | None:
    """The p-value of the funnel asymmetry test, where enough trials make it meaningful."""
    methods = (record.get("small_study") or {}).get("methods") or {}
    egger = methods.get("Egger") or {}
    if record["k"] < rules["asymmetry_trials"] or egger.get("p_value") is None:
        return None
    return float(egger["p_value"])
