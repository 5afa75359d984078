"""Effects in, the same with what is assumed of people without an outcome out; and when a conclusion falls.

Asked for by `missing_outcomes` of an analysis alone. Of events the missing of an arm have an informative
missingness odds ratio (IMOR), of means a difference (IMDoM), in the unit of the analysis or, of standardised
differences, in standard deviations. Missing are those randomised to an arm less those analysed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from trialpool.measures import OF_EVENTS, SIDES
from trialpool.records import Effect, Sensitivity
from trialpool.synthesis import pool
from trialpool.synthesis.pool import Spec, arrays, trials_of
from trialpool.text import significant

MEANS = ("MD", "SMD")
DIMENSION, TURNS = "missing", "tipping point"
ARMS = {"experimental arm": (True, False), "both arms": (True, True)}
TIPPING = {"experimental arm": (True, False), "control arm": (False, True)}


def asked(spec: Spec) -> Mapping[str, Any]:
    """What an analysis asks of missing outcomes, nothing of a measure that has no such assumption."""
    found: Mapping[str, Any] = spec.get("missing_outcomes") or {}
    fits = {"imor": spec["measure"] in OF_EVENTS, "imdom": spec["measure"] in MEANS}
    return {name: values for name, values in found.items() if fits[name] and spec["multi_arm"] != "split"}


def levels(spec: Spec) -> dict[str, tuple[float, float]]:
    """The assumptions to try: a name, and that of the experimental and of the control arm.

    >>> levels({"missing_outcomes": {"imor": [2]}, "measure": "RR", "multi_arm": "combine"})
    {'IMOR 2, experimental arm': (2.0, 1.0), 'IMOR 2, both arms': (2.0, 2.0)}
    """
    found = {}
    for name, values in asked(spec).items():
        none = 1.0 if name == "imor" else 0.0
        word = "IMOR" if name == "imor" else "IMDoM"
        for value in values:
            for arm, which in ARMS.items():
                pair = tuple(float(value) if moved else none for moved in which)
                found[f"{word} {value:g}, {arm}"] = (pair[0], pair[1])
    return found


def missing(effect: Effect, side: str) -> float:
    """How many of an arm are missing; 0 where it does not say how many were randomised."""
    randomised, n = getattr(effect, f"randomised_{side}"), getattr(effect, f"n_{side}")
    return max(randomised - n, 0.0) if randomised and n else 0.0


def moved(spec: Spec, effects: Sequence[Effect], assumed: tuple[float, float]) -> list[Effect]:
    """Effects under the assumptions of both arms; those without missing people, or numbers, as they are."""
    of_one = _events if spec["measure"] in OF_EVENTS else _means
    return [
        of_one(effect, assumed) if any(missing(effect, side) for side in SIDES) else effect
        for effect in effects
    ]


def _events(effect: Effect, assumed: tuple[float, float]) -> Effect:
    from trialpool.stats import missing_events

    columns = [
        [getattr(effect, f"events_{side}"), getattr(effect, f"n_{side}"), missing(effect, side)]
        for side in SIDES
    ]
    numbers = [number for column in columns for number in column]
    if any(number is None or number != round(number) for number in numbers):
        return effect
    found = missing_events(*numbers, imor1=assumed[0], imor2=assumed[1], measure=effect.measure)
    return replace(effect, effect=float(found.effect), variance=float(found.variance))


def _means(effect: Effect, assumed: tuple[float, float]) -> Effect:
    """The difference moves by the share of the missing, whatever its own derivation."""
    shift, more = 0.0, 0.0
    for sign, side, value in zip((1, -1), SIDES, assumed, strict=True):
        lost = missing(effect, side)
        whole = (getattr(effect, f"n_{side}") or 0.0) + lost
        share = lost / whole if whole else 0.0
        shift += sign * share * value
        more += share * (1 - share) / whole * value**2 if whole else 0.0
    return replace(effect, effect=effect.effect + shift, variance=effect.variance + more)


def tipping_rows(spec: Spec, effects: Sequence[Effect]) -> list[Sensitivity]:
    """What must be true of the missing of one arm for the conclusion to fall: a row an arm, in words."""
    settings = asked(spec)
    if not settings or len(trials_of(effects)) < 2 or len(trials_of(effects)) < len(effects):
        return []
    lost = sum(bool(missing(effect, side)) for effect in effects for side in SIDES)
    if not lost:
        reason = "no trial says that more people were randomised than analysed"
        return [Sensitivity(kind="data", choice="missing: what is assumed of them", reason=reason)]
    ratio = "imor" in settings
    return [_tipping(spec, effects, arm, which, ratio) for arm, which in TIPPING.items()]


def _tipping(
    spec: Spec, effects: Sequence[Effect], arm: str, which: tuple[bool, bool], ratio: bool
) -> Sensitivity:
    from trialpool.stats import tipping_point

    none, unit = (1.0, 1.0) if ratio else (0.0, 1.0)
    if not ratio and spec["measure"] == "MD":
        unit = pool.typical_sd(effects) or 1.0

    def under(value: float) -> tuple[pool.Floats, pool.Floats]:
        pair = tuple(value if moving else none for moving in which)
        return arrays(moved(spec, effects, (pair[0], pair[1])))

    found = tipping_point(under, ratio=ratio, unit=unit, **pool.model_of(pool.modelled(spec, effects)))
    word = "an IMOR" if ratio else "an IMDoM"
    far = "1/1000 to 1000" if ratio else f"{significant(10 * unit)} either way"
    reason = f"no assumption from {far} changes the conclusion"
    if math.isfinite(found.assumption):
        reason = f"the conclusion changes at {word} of {significant(found.assumption)} or beyond"
    return Sensitivity(kind=TURNS, choice=arm, k=len(trials_of(effects)), reason=reason)
