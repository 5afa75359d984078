"""Positions of small plots on the page, in per cent of their width: the browser draws them at any size.

Range, ticks and clipping are those of the figures (`view.axis`), so page and figure show the same picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trialpool import text as words
from trialpool.view.axis import Axis, mcid_threshold, no_effect, plan_axis, position, scale, side

AXIS_POINTS = 200.0  # width for which ticks are planned
SHARE_SHOWN = 0.75  # of the bounds of intervals that a shared axis shows whole
LARGEST_SQUARE, SMALLEST_SQUARE = 13.0, 4.0


def plan_result_axis(record: Mapping[str, Any]) -> Axis:
    """The axis of one result alone: no effect, the MCID, the estimate and its interval."""
    pooled, threshold = record["pooled"], mcid_threshold(record)
    bounds = (pooled["ci_low"], pooled["ci_high"])
    return plan_axis(
        [pooled["estimate"]],
        [] if any(map(words.absent, bounds)) else [bounds],
        [no_effect(record["measure"]), pooled["estimate"], *([] if threshold is None else [threshold])],
        logarithmic=record["measure"] in words.RATIO_MEASURES,
        left=0.0,
        right=AXIS_POINTS,
    )


def benefit_band(record: Mapping[str, Any], axis: Axis) -> list[float]:
    """From where to where, in per cent, effects are a benefit of at least the MCID; [] without an MCID."""
    threshold = mcid_threshold(record)
    if threshold is None:
        return []
    edge = percent_position(axis, threshold)
    return [edge, 100.0] if record["better"] == "higher" else [0.0, edge]


def percent_position(axis: Axis, value: float) -> float:
    """Where a value lies, in per cent from the left, rounded so that the page's bytes are stable.

    >>> percent_position(Axis(0.0, 3.0, 0.0, 200.0, False, (), ()), 1.0)
    33.33
    """
    return round(100 * (position(axis, value) - axis.left) / (axis.right - axis.left), 2)


def whisker(axis: Axis, estimate: float, low: float | None, high: float | None) -> dict[str, Any]:
    """An interval with its estimate: `low`, `mid`, `high` in per cent, and which ends are clipped.

    >>> whisker(Axis(-1.0, 1.0, 0.0, 200.0, False, (), ()), 0.0, -9.0, 0.5)
    {'low': 0.0, 'mid': 50.0, 'high': 75.0, 'clip_low': True, 'clip_high': False, 'hidden': 0}
    """
    low = estimate if words.absent(low) or low is None else low
    high = estimate if words.absent(high) or high is None else high
    return {
        "low": percent_position(axis, low),
        "mid": percent_position(axis, estimate),
        "high": percent_position(axis, high),
        "clip_low": side(axis, low) < 0,
        "clip_high": side(axis, high) > 0,
        "hidden": side(axis, estimate),
    }


def ticks(axis: Axis) -> list[dict[str, Any]]:
    """Tick labels with their place in per cent."""
    return [
        {"at": percent_position(axis, tick), "label": label}
        for tick, label in zip(axis.ticks, axis.labels, strict=True)
    ]


def square_sides(weights: Iterable[float | None]) -> list[float]:
    """Side lengths in pixels of the squares, areas proportional to weight; equal ones without weights.

    >>> square_sides([50.0, 12.5, None])
    [13.0, 6.5, 4.0]
    """
    known = list(weights)
    largest = max((weight for weight in known if not words.absent(weight) and weight), default=0.0)
    return [
        SMALLEST_SQUARE
        if words.absent(weight) or not weight or not largest
        else round(max(SMALLEST_SQUARE, LARGEST_SQUARE * (weight / largest) ** 0.5), 1)
        for weight in known
    ]


def shared_axes(records: Sequence[Mapping[str, Any]]) -> dict[tuple[Any, ...], Axis]:
    """One axis for each group of results with one measure, scale and unit: only these compare by eye."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for record in records:
        if record.get("pooled"):
            groups.setdefault(scale_key(record), []).append(record)
    return {
        key: shared_axis(members[0]["measure"], [record["pooled"] for record in members])
        for key, members in groups.items()
    }


def scale_key(record: Mapping[str, Any]) -> tuple[Any, ...]:
    """What must be equal for two results to be drawn on one axis."""
    if record["measure"] == "MD":
        return ("MD", record.get("scale") or record.get("unit"))
    return (record["measure"],)


def shared_axis(measure: str, results: Sequence[Mapping[str, Any]]) -> Axis:
    """An axis that shows all estimates and most intervals; the widest ones are clipped with an arrow.

    Each result has `estimate`, `ci_low` and `ci_high` on the natural scale.

    >>> axis = shared_axis("MD", [{"estimate": -1.0, "ci_low": -2.0, "ci_high": 0.0}])
    >>> percent_position(axis, 0.0)
    50.0
    """
    logarithmic = measure in words.RATIO_MEASURES
    null = scale(no_effect(measure), logarithmic)
    estimates = [scale(result["estimate"], logarithmic) - null for result in results]
    bounds = [
        scale(result[key], logarithmic) - null
        for result in results
        for key in ("ci_low", "ci_high")
        if not words.absent(result[key])
    ]
    finite = sorted(abs(bound) for bound in bounds if math.isfinite(bound))
    usual = finite[int(SHARE_SHOWN * (len(finite) - 1))] if finite else 0.0
    reach = 1.1 * max(usual, *map(abs, estimates), 1e-9)
    return Axis(null - reach, null + reach, 0.0, AXIS_POINTS, logarithmic, (), ())
