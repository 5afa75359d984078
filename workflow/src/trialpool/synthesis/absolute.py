"""What a relative effect means in people: risks per 1,000 from the median risk in the control arms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialpool.synthesis.imprecision import control_risk

PER = 1000


def absolute_effect(record: Mapping[str, Any]) -> dict[str, float] | None:
    """Assumed risk with control, risk with the experimental treatment and the difference, per 1,000 people.

    The assumed risk is the median of the control arms (Schünemann, Cochrane Handbook 14.1.6.2); the
    interval carries the uncertainty of the effect only, not of the assumed risk. None unless the measure is
    RR, OR or RD, a result exists and a trial gives counts; None, too, where a ratio meets an assumed risk of
    nobody or everybody, of which no multiple is another risk.

    >>> study = {"events_control": 10, "n_control": 100}
    >>> pooled = {"estimate": 0.5, "ci_low": 0.25, "ci_high": 1.0}
    >>> absolute_effect({"measure": "RR", "pooled": pooled, "studies": [study]})["difference"]
    -50.0
    """
    pooled, measure = record.get("pooled"), record["measure"]
    if not pooled or measure not in ("RR", "OR", "RD") or pooled["ci_low"] is None:
        return None
    assumed = control_risk(record)
    if assumed is None or (measure != "RD" and not 0 < assumed < 1):
        return None
    keys = ("estimate", "ci_low", "ci_high")
    risk, low, high = (_risk(measure, assumed, pooled[key]) for key in keys)
    return {
        "assumed_risk": PER * assumed,
        "risk": PER * risk,
        "risk_low": PER * low,
        "risk_high": PER * high,
        "difference": PER * (risk - assumed),
        "difference_low": PER * (low - assumed),
        "difference_high": PER * (high - assumed),
    }


def _risk(measure: str, assumed: float, effect: float) -> float:
    """The risk that follows from an assumed risk and an effect, kept within 0 and 1."""
    if measure == "OR":
        odds = assumed / (1 - assumed) * effect if assumed < 1 else float("inf")
        return 1.0 if odds == float("inf") else odds / (1 + odds)
    risk = assumed * effect if measure == "RR" else assumed + effect
    return min(max(risk, 0.0), 1.0)
