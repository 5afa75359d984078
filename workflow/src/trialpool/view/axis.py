"""The value axis of a plot: from the values to the range shown, its ticks, and where a value lies on it.

Also the smallest difference that matters as a value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from statistics import median
from typing import NamedTuple

from trialpool.measures import MEASURES
from trialpool.records import Record
from trialpool.text import LARGEST_RATIO_SHOWN, MINUS

REACH = 2.2  # typical half-widths that an interval may reach beyond the estimates before it is clipped
# shares of that range by which the pooled interval, and then any other, may widen it on either side
POOLED_STRETCH, FURTHER_STRETCH = 1.5, 0.4
WORTH_CLIPPING = 1.3  # clip only if the whole range is wider than this many times the clipped one
OUTLYING = 8.0  # median deviations from the median estimate beyond which an estimate does not set the range
LEAST_SIDE = 0.14  # share of the axis that lies on either side of no effect, so that both directions are seen
PADDING = 0.04
STEPS = (1.0, 2.0, 2.5, 5.0)
RATIO_TICKS = ((1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 3), (1,))
NARROW_RATIO = math.log(2.6)  # below this the ticks are even steps
MOST_TICKS = 12
TICK_SPACING = 34.0
TICK_GAP = 7.0
LABEL_SIZE = 7.0  # of tick labels, in points
ADVANCES = {".": 0.318, "e": 0.615, "+": 0.838, MINUS: 0.838}  # widths of DejaVu Sans, in ems; a digit:
DIGIT = 0.636
SMALLEST_PLAIN, LARGEST_PLAIN = 1e-5, 1e6
Bounds = tuple[float | None, float | None, float | None]  # an estimate and its interval


class Axis(NamedTuple):
    """Values from `low` to `high` (logarithms where `logarithmic`) between two x positions in points."""

    low: float
    high: float
    left: float
    right: float
    logarithmic: bool
    ticks: tuple[float, ...]
    labels: tuple[str, ...]


def mcid_threshold(record: Record) -> float | None:
    """The effect, on the natural scale, whose benefit is as large as the MCID; None if it has none."""
    if not record.mcid or not record.mcid.value:
        return None
    size = float(record.mcid.value)
    return MEASURES[record.measure].natural(size if record.better == "higher" else -size)


def position(axis: Axis, value: float) -> float:
    """Where a value (on the natural scale) lies, in points, never beyond the ends of the axis."""
    scaled = (scale(value, axis.logarithmic) - axis.low) / (axis.high - axis.low)
    return axis.left + min(max(scaled, 0.0), 1.0) * (axis.right - axis.left)


def side(axis: Axis, value: float) -> int:
    """-1 where a value lies left of the range shown, 1 where right of it, 0 where it is shown."""
    scaled = scale(value, axis.logarithmic)
    tolerance = 1e-9 * (axis.high - axis.low)
    return -1 if scaled < axis.low - tolerance else 1 if scaled > axis.high + tolerance else 0


def scale(value: float, logarithmic: bool) -> float:
    """The value, or its logarithm; a ratio of zero is minus infinity."""
    if not logarithmic:
        return float(value)
    return math.log(value) if value > 0 else -math.inf


def plan_axis(
    measure: str,
    results: Sequence[Bounds],
    landmarks: Iterable[float | None] = (),
    *,
    pooled: Iterable[tuple[float, float]] = (),
    further: Iterable[tuple[float, float]] = (),
    left: float = 0.0,
    right: float,
) -> Axis:
    """An axis that shows all that matters and is not ruled by one wide interval.

    `results` of the trials, `landmarks` (beside no effect the MCID and the pooled estimate: always shown) and
    the `pooled` and `further` intervals (low, high) are on the natural scale.

    >>> plan_axis("MD", [(-1, -2, 0), (-2, -3, -1)], right=200.0).labels
    ('−3', '−2', '−1', '0')
    """
    logarithmic = MEASURES[measure].ratio

    def scaled(values: Iterable[float | None]) -> list[float]:
        return [scale(value, logarithmic) for value in values if value is not None]

    known = next((estimate for estimate, *_ in results if estimate is not None), 0.0)
    null = MEASURES[measure].null if MEASURES[measure].has_null else known
    marks = scaled((null, *landmarks))
    spans = [(scale(a, logarithmic), scale(b, logarithmic)) for a, b in intervals(results)]
    low, high = _trial_range(scaled(estimate for estimate, _, _ in results), spans, marks)
    # A ratio is printed no further out than "<0.001" and ">1000".
    most = math.log(LARGEST_RATIO_SHOWN) if logarithmic else math.inf
    legible = [min(max(bound, -most), most) for bound in scaled(chain.from_iterable(pooled))]
    low, high = _stretched(low, high, legible, POOLED_STRETCH)
    low, high = _stretched(low, high, scaled(chain.from_iterable(further)), FURTHER_STRETCH)
    low, high = _with_margins(low, high, marks[0])
    return axis_over(low, high, logarithmic=logarithmic, left=left, right=right)


def intervals(results: Iterable[Bounds]) -> list[tuple[float, float]]:
    """The intervals of those results that have both ends."""
    return [(low, high) for _, low, high in results if low is not None and high is not None]


def axis_over(low: float, high: float, *, logarithmic: bool, left: float, right: float) -> Axis:
    """An axis over a range given on its own scale (logarithms for ratios), with its ticks."""
    ticks = _ratio_ticks(low, high, right - left) if logarithmic else _linear_ticks(low, high, right - left)
    return Axis(low, high, left, right, logarithmic, tuple(ticks), tuple(_tick_labels(ticks, logarithmic)))


def with_limits(axis: Axis, limits: Sequence[float] | None, ticks: Sequence[float] | None) -> Axis:
    """The axis between other limits and with other ticks (natural scale), where these are given.

    >>> with_limits(plan_axis("RR", [(0.5, 0.3, 0.9)], right=200.0), (0.1, 10), (0.1, 1, 10)).labels
    ('0.1', '1', '10')
    """
    if limits is not None:
        low, high = (scale(value, axis.logarithmic) for value in limits)
        axis = axis_over(low, high, logarithmic=axis.logarithmic, left=axis.left, right=axis.right)
    if ticks is not None:
        shown = tuple(tick for tick in ticks if not side(axis, tick))
        axis = axis._replace(ticks=shown, labels=tuple(_tick_labels(shown, axis.logarithmic)))
    return axis


def _trial_range(
    estimates: Sequence[float], intervals: Sequence[tuple[float, float]], landmarks: Sequence[float]
) -> tuple[float, float]:
    """The range that shows the trials, on the scale of the axis; far ends of few intervals left out."""
    half_widths = [(b - a) / 2 for a, b in intervals if math.isfinite(b - a)]
    typical = median(half_widths) if half_widths else 0.0
    core = [*_usual(estimates, typical), *landmarks]
    low, high = min(core), max(core)
    bounds = [bound for pair in intervals for bound in pair if math.isfinite(bound)]
    whole = (min([low, *bounds]), max([high, *bounds]))
    reach = REACH * typical
    clipped = (max(whole[0], low - reach), min(whole[1], high + reach))
    if len(estimates) < 2 or whole[1] - whole[0] <= WORTH_CLIPPING * (clipped[1] - clipped[0]):
        clipped = whole
    return clipped


def _stretched(low: float, high: float, bounds: Sequence[float], share: float) -> tuple[float, float]:
    """The range widened for the bounds of further intervals, so far as the trials stay legible."""
    finite = [bound for bound in bounds if math.isfinite(bound)]
    most = share * (high - low)
    return max(min([low, *finite]), low - most), min(max([high, *finite]), high + most)


def _with_margins(low: float, high: float, null: float) -> tuple[float, float]:
    """The range with room at both ends and on both sides of no effect."""
    if high - low <= 1e-9 * max(1.0, abs(high)):
        low, high = low - 1.0, high + 1.0
    least = LEAST_SIDE / (1 - 2 * LEAST_SIDE) * (high - low)
    low, high = min(low, null - least), max(high, null + least)
    padding = PADDING * (high - low)
    return low - padding, high + padding


def _usual(estimates: Sequence[float], typical: float) -> list[float]:
    """Estimates that set the range: all of a few, otherwise those not far outside the others."""
    finite = [value for value in estimates if math.isfinite(value)]
    if len(finite) < 5:
        return finite
    middle = median(finite)
    spread = max(median(abs(value - middle) for value in finite), typical / 2)
    return [value for value in finite if abs(value - middle) <= OUTLYING * spread]


def _linear_ticks(low: float, high: float, length: float) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 × 10ⁿ, as many as stand apart; two at least."""
    most = max(3, int(length // TICK_SPACING))
    finer: list[float] = []
    exponent = math.floor(math.log10((high - low) / most)) - 1
    while True:
        for step in STEPS:
            size = step * 10.0**exponent
            first, last = math.ceil(low / size - 1e-9), math.floor(high / size + 1e-9)
            ticks = [index * size for index in range(first, last + 1)] if last - first < most else []
            if len(ticks) > 1 and _even_labels_fit(ticks, size * length / (high - low)):
                return ticks
            if len(ticks) == 1:  # labels so long that not three stand beside each other
                return [finer[0], finer[-1]] if finer else ticks
            finer = ticks
        exponent += 1


def _even_labels_fit(ticks: Sequence[float], spacing: float) -> bool:
    """Whether the labels of evenly spaced ticks leave a gap between them (two always pass)."""
    widest = max(_label_width(label) for label in _tick_labels(ticks, False))
    return len(ticks) <= 2 or widest + TICK_GAP <= spacing


def _ratio_ticks(low: float, high: float, length: float) -> list[float]:
    """1, 2 and 5 of each decade where these are three or more; finer or coarser ones otherwise."""
    first, last = math.exp(low), math.exp(high)
    decades = range(math.floor(math.log10(first)) - 1, math.ceil(math.log10(last)) + 1)
    families = [[digit * 10.0**power for power in decades for digit in digits] for digits in RATIO_TICKS]
    even = [_linear_ticks(first, last, length * share) for share in (1.0, 0.7, 0.5, 0.35)]
    families = even + families if high - low < NARROW_RATIO else families + even
    families += [[10.0**power for power in decades if power % stride == 0] for stride in (1, 2, 3, 5, 10)]
    shown = [[tick for tick in family if tick > 0 and first <= tick <= last] for family in families]
    for fewest in (3, 2):
        for ticks in shown:
            if fewest <= len(ticks) <= MOST_TICKS and _apart(ticks, length / (high - low)):
                return ticks
    return [1.0] if first <= 1.0 <= last else [first]


def _apart(ticks: Sequence[float], points_per_unit: float) -> bool:
    """Whether the labels of neighbouring ratio ticks leave a gap between them."""
    widths = map(_label_width, _tick_labels(ticks, True))
    return all(
        math.log(b / a) * points_per_unit >= (x + y) / 2 + TICK_GAP
        for (a, b), (x, y) in zip(pairwise(ticks), pairwise(widths), strict=True)
    )


def _label_width(label: str) -> float:
    """Width in points of a number, whose characters are not kerned."""
    return LABEL_SIZE * sum(ADVANCES.get(character, DIGIT) for character in label)


def _tick_labels(ticks: Sequence[float], logarithmic: bool) -> list[str]:
    """Labels with as many decimals as the finest tick needs (linear), or each its own (ratios)."""
    if logarithmic or any(abs(tick) >= LARGEST_PLAIN for tick in ticks):
        plain = (SMALLEST_PLAIN < abs(tick) < LARGEST_PLAIN for tick in ticks)
        texts = [f"{tick:{'.10g' if shown else '.1g'}}" for tick, shown in zip(ticks, plain, strict=True)]
    else:
        step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
        digits = 0
        while digits < 9 and any(abs(round(tick, digits) - tick) > 1e-6 * step for tick in ticks):
            digits += 1
        texts = [f"{round(tick, digits) + 0.0:.{digits}f}" for tick in ticks]
    return [text.replace("-", MINUS) for text in texts]
