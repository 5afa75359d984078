"""The rows below a specification curve: which specifications rest on which choice, and how they come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialpool import text as words
from trialpool.figures import lettering, style
from trialpool.figures.panel import put_segments
from trialpool.figures.sheet import BACK, Sheet, put_line, put_text
from trialpool.text import clean
from trialpool.view.axis import Axis, no_effect, position

CURVE = 176.0
LEFT, RIGHT = 150.0, 452.0
MEDIAN_AT, CLEAR_AT = 497.0, 548.0
ROW, HEADING = 8.8, 14.0
DIMENSIONS = {
    "tau2_method": "Estimator of τ²",
    "interval": "Interval of the mean",
    "inclusion": "Trials included",
    "multi_arm": "Several arms on a side",
    "r": "Correlation assumed for changes",
    "kinds": "Final values or changes",
    "source": "Arms or printed contrast",
    "timepoint": "Time",
    "outcomes": "Instrument, where several",
    "items": "Item, where several",
    "borrow_sd": "Spread not reported",
}
LEVELS = {
    "wald": "Wald",
    "hksj": "HKSJ",
    "hksj_adhoc": "HKSJ, factor ≥ 1",
    "FE": "none (common effect)",
    "default": "as configured",
    "true": "taken from other trials",
}
COLOURS = {"benefit": style.BENEFIT_EDGE, "harm": style.HIGH_RISK, "unclear": style.RULE}


@dataclass(frozen=True, slots=True)
class Curve:
    """The specifications drawn: their rows in the columns, their width in points, and the value axis."""

    rows: list[int]
    step: float
    values: Axis
    top: float


def y_of(curve: Curve, value: float) -> float:
    """y of a value in points from the top of the sheet."""
    return curve.top + CURVE - position(curve.values, value)


def x_of(curve: Curve, place: int) -> float:
    """x of the specification drawn at a place."""
    return LEFT + (place + 0.5) * curve.step


def concluded(record: Mapping[str, Any], low: float | None, high: float | None) -> str:
    """What an interval says: benefit, harm, or unclear when it includes no effect (or is missing).

    >>> concluded({"measure": "MD", "better": "lower"}, -2.0, -0.5)
    'benefit'
    """
    null = no_effect(record["measure"])
    if low is None or high is None or low <= null <= high:
        return "unclear"
    return "benefit" if (high < null) == (record.get("better") == "lower") else "harm"


def draw_dimension(
    sheet: Sheet,
    record: Mapping[str, Any],
    columns: Mapping[str, Sequence[Any]],
    curve: Curve,
    dimension: str,
    levels: list[Mapping[str, Any]],
    y: float,
) -> float:
    """A heading and a row of marks a level; returns the y below them."""
    heading = DIMENSIONS.get(dimension) or words.capital(words.spaced(dimension))
    put_text(sheet, style.MARGIN, y + 10.5, heading, size=style.SMALL_SIZE, bold=True)
    put_text(
        sheet,
        RIGHT,
        y + 10.5,
        _share(record, dimension),
        size=style.SMALL_SIZE,
        colour=style.MUTED,
        align="right",
    )
    y += HEADING
    medians = words.format_values(str(record["measure"]), [row["median"] for row in levels])
    for row, median in zip(levels, medians, strict=True):
        middle = y + ROW / 2
        name = _level_name(row["level"])
        name = lettering.shorten(name, LEFT - style.MARGIN - 12, style.SMALL_SIZE)
        put_text(sheet, style.MARGIN + 6, middle + 2.5, name, size=style.SMALL_SIZE)
        put_line(sheet, (LEFT, RIGHT), (middle, middle), colour=style.HAIRLINE, thickness=0.5, level=BACK)
        _draw_marks(sheet, record, columns, curve, (dimension, row["level"]), middle)
        put_text(sheet, MEDIAN_AT, middle + 2.5, median, size=style.SMALL_SIZE, align="right")
        clear = words.percent(row["clear_benefit"])
        put_text(sheet, CLEAR_AT, middle + 2.5, clear, size=style.SMALL_SIZE, align="right")
        y += ROW
    return y


def _share(record: Mapping[str, Any], dimension: str) -> str:
    """How much of the variance of the estimates a choice explains; of estimates all alike, that they are."""
    found = record["multiverse"]
    low, high = words.format_values(str(record["measure"]), [found["estimate_low"], found["estimate_high"]])
    share = found["variance_share"].get(dimension)
    if low == high or share is None:
        return "does not move the estimate" if low == high else ""
    return f"{words.percent(share)} of the variance of estimates"


def _draw_marks(
    sheet: Sheet,
    record: Mapping[str, Any],
    columns: Mapping[str, Sequence[Any]],
    curve: Curve,
    choice: tuple[str, str],
    middle: float,
) -> None:
    dimension, level = choice
    marks: dict[str, list[tuple[float, float, float, float]]] = {}
    for place, at in enumerate(curve.rows):
        if columns[dimension][at] == level:
            x = x_of(curve, place)
            said = concluded(record, columns["ci_low"][at], columns["ci_high"][at])
            marks.setdefault(said, []).append((x, middle - 2.9, x, middle + 2.9))
    thickness = min(2.2, max(0.5, 0.7 * curve.step))
    for name, segments in marks.items():
        put_segments(sheet, segments, colour=COLOURS[name], thickness=thickness, gid="choice")


def _level_name(level: str) -> str:
    return LEVELS.get(level) or clean(words.spaced(level))
