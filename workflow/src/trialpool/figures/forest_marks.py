"""The drawn part of a forest plot: band, lines, squares, diamonds, prediction interval and value axis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trialpool.figures import lettering, style
from trialpool.figures.axis import Axis, position, scale, side
from trialpool.figures.forest_layout import LEADING, Layout, Placed, no_effect
from trialpool.figures.sheet import BACK, BAND, LINE, Sheet, put_box, put_line, put_shape, put_text

LARGEST_SQUARE, LARGEST_COMPACT, SMALLEST_SQUARE = 9.5, 8.0, 2.2
SOLE_SQUARE = 6.5
DIAMOND = 5.0
ARROW_LENGTH, ARROW_HALF = 4.5, 2.4
INTERVAL_THICKNESS = 0.95
PREDICTION_THICKNESS, CAP = 2.0, 3.2
TICK = 3.0


def draw_backdrop(sheet: Sheet, record: Mapping[str, Any], layout: Layout) -> None:
    """What lies behind the marks: the zone of benefit beyond the MCID, no effect, the pooled estimate.

    >>> from trialpool.figures.forest_layout import plan_layout
    >>> from trialpool.figures.sheet import new_sheet
    >>> study = {"label": "Lu 2020", "estimate": -1.0, "estimate_low": -2.0, "estimate_high": 0.0}
    >>> record = {"status": "single_study", "measure": "MD", "studies": [study]}
    >>> layout = plan_layout(record, style.DEFAULT)
    >>> sheet = new_sheet(layout.width, layout.height)
    >>> draw_backdrop(sheet, record, layout)
    >>> [artist.get_gid() for artist in sheet.figure.artists]
    ['no-effect']
    """
    axis, top, bottom = layout.axis, layout.rule, layout.bottom
    if layout.threshold is not None:
        edge = position(axis, layout.threshold)
        left, right = (edge, axis.right) if record.get("better") == "higher" else (axis.left, edge)
        put_box(sheet, left, top, right - left, bottom - top, fill=style.BENEFIT, level=BACK, gid="mcid-band")
        put_line(
            sheet,
            (edge, edge),
            (top, bottom),
            colour=style.BENEFIT_EDGE,
            thickness=0.7,
            dashes=(3, 2),
            level=BAND,
            gid="mcid",
        )
        if layout.look.directions == "below":
            _name_band(sheet, layout, left, right)
    null = position(axis, no_effect(record))
    put_line(sheet, (null, null), (top, bottom), thickness=0.8, level=BAND, gid="no-effect")
    pooled = next((placed for placed in layout.rows if placed.row.kind == "pooled"), None)
    if pooled and pooled.row.estimate is not None and layout.look.pooled_line:
        x = position(axis, pooled.row.estimate)
        ys = (top, pooled.middle)
        colour = layout.look.pooled
        put_line(sheet, (x, x), ys, colour=colour, thickness=0.7, dashes=(1, 1.6), level=BAND)


def _name_band(sheet: Sheet, layout: Layout, left: float, right: float) -> None:
    """The band's name above it, kept within the plot."""
    texts = ("benefit ≥ MCID", "≥ MCID")
    text = next((t for t in texts if lettering.width(t, style.SMALL_SIZE) <= right - left), texts[-1])
    half = lettering.width(text, style.SMALL_SIZE) / 2
    middle = min(max((left + right) / 2, layout.axis.left + half), layout.axis.right - half)
    put_text(
        sheet,
        middle,
        layout.rule - 5.5,
        text,
        size=style.SMALL_SIZE,
        colour=style.BENEFIT_EDGE,
        align="center",
    )


def draw_marks(sheet: Sheet, layout: Layout) -> None:
    """The mark of every row: square and interval, diamond, or prediction interval.

    >>> from trialpool.figures.forest_layout import plan_layout
    >>> from trialpool.figures.sheet import new_sheet
    >>> study = {"label": "Lu 2020", "estimate": -1.0, "estimate_low": -2.0, "estimate_high": 0.0}
    >>> record = {"status": "single_study", "measure": "MD", "studies": [study]}
    >>> layout = plan_layout(record, style.DEFAULT)
    >>> sheet = new_sheet(layout.width, layout.height)
    >>> draw_marks(sheet, layout)
    >>> [artist.get_gid() for artist in sheet.figure.artists]
    ['ci-0', 'square-0']
    """
    heaviest = max((p.row.weight or 0.0 for p in layout.rows if p.row.kind == "study"), default=0.0)
    for index, placed in enumerate(layout.rows):
        if placed.row.kind == "study":
            _draw_study(sheet, layout, placed, heaviest, index)
        elif placed.row.kind in ("pooled", "subtotal"):
            _draw_diamond(sheet, layout, placed, index)
        elif placed.row.kind == "prediction":
            _draw_prediction(sheet, layout, placed)


def square_side(weight: float | None, heaviest: float, compact: bool) -> float:
    """Side of a study's square in points: its area is in proportion to the weight, within sight.

    >>> square_side(25.0, 100.0, False) / square_side(100.0, 100.0, False)
    0.5
    """
    if not weight or not heaviest:
        return SOLE_SQUARE
    largest = LARGEST_COMPACT if compact else LARGEST_SQUARE
    return max(largest * math.sqrt(weight / heaviest), SMALLEST_SQUARE)


def _draw_study(sheet: Sheet, layout: Layout, placed: Placed, heaviest: float, index: int) -> None:
    row, axis, y = placed.row, layout.axis, placed.middle
    if row.low is not None and row.high is not None:
        _draw_interval(sheet, axis, y, row.low, row.high, style.INK, INTERVAL_THICKNESS, f"ci-{index}")
    if row.estimate is None or side(axis, row.estimate):
        return
    length = square_side(row.weight, heaviest, layout.compact)
    put_box(
        sheet,
        position(axis, row.estimate) - length / 2,
        y - length / 2,
        length,
        length,
        fill=style.PAPER if row.hollow else _study_colour(layout),
        edge=_study_colour(layout) if row.hollow else "none",
        thickness=1.0,
        gid=f"square-{index}",
    )


def _study_colour(layout: Layout) -> str:
    return layout.look.study_events if layout.events else layout.look.study


def _draw_interval(
    sheet: Sheet, axis: Axis, y: float, low: float, high: float, colour: str, thickness: float, gid: str
) -> None:
    """A line from low to high; where it leaves the axis, an arrow head instead of its end."""
    ends = [position(axis, low), position(axis, high)]
    for end, value in ((0, low), (1, high)):
        out = side(axis, value)
        if not out:
            continue
        tip = ends[end]
        base = tip - out * ARROW_LENGTH
        corners = [(tip, y), (base, y - ARROW_HALF), (base, y + ARROW_HALF)]
        put_shape(sheet, corners, fill=colour, level=LINE, gid=f"arrow-{gid}")
        ends[end] = base
    if ends[1] > ends[0]:
        put_line(sheet, ends, (y, y), colour=colour, thickness=thickness, gid=gid)


def _draw_diamond(sheet: Sheet, layout: Layout, placed: Placed, index: int) -> None:
    """Estimate and interval of a pooled row, cut where it leaves the axis."""
    row, axis, y = placed.row, layout.axis, placed.middle
    if row.estimate is None or row.low is None or row.high is None:
        return
    total = row.kind == "pooled"
    half = DIAMOND if total else DIAMOND - 1
    corners = _diamond(axis, row.low, row.estimate, row.high, y, half)
    put_shape(
        sheet,
        corners,
        fill=layout.look.pooled if total else style.PAPER,
        edge=layout.look.pooled,
        thickness=0.8 if total else 1.0,
        gid=f"diamond-{index}",
    )
    for value in (row.low, row.high):
        out = side(axis, value)
        if out:
            tip = position(axis, value)
            base = tip - out * ARROW_LENGTH
            corners = [(tip, y), (base, y - ARROW_HALF), (base, y + ARROW_HALF)]
            put_shape(sheet, corners, fill=layout.look.pooled, gid=f"arrow-diamond-{index}")


def _diamond(
    axis: Axis, low: float, estimate: float, high: float, y: float, half: float
) -> list[tuple[float, float]]:
    """Corners of a diamond, with straight ends where a tip lies beyond the axis."""
    middle = scale(estimate, axis.logarithmic)
    x = position(axis, estimate)
    corners = [(x, y - half)]
    for value, limit in ((high, axis.high), (low, axis.low)):
        out = side(axis, value)
        if not out:
            corners.append((position(axis, value), y))
        else:
            reach = scale(value, axis.logarithmic) - middle
            share = abs((limit - middle) / reach) if math.isfinite(reach) and reach else 0.0
            cut = half * max(1 - share, 0.0)
            inner = position(axis, value) - out * ARROW_LENGTH
            order = (-cut, cut) if value == high else (cut, -cut)
            corners += [(inner, y + offset) for offset in order]
        if value == high:
            corners.append((x, y + half))
    return corners


def _draw_prediction(sheet: Sheet, layout: Layout, placed: Placed) -> None:
    row, axis, y = placed.row, layout.axis, placed.middle
    if row.low is None or row.high is None:
        return
    colour = layout.look.pooled
    _draw_interval(sheet, axis, y, row.low, row.high, colour, PREDICTION_THICKNESS, "prediction")
    for value in (row.low, row.high):
        if not side(axis, value):
            x = position(axis, value)
            put_line(sheet, (x, x), (y - CAP, y + CAP), colour=colour, thickness=1.0)


def draw_value_axis(sheet: Sheet, layout: Layout) -> None:
    """Axis line, ticks with labels, and below them the words for either direction.

    >>> from trialpool.figures.forest_layout import plan_layout
    >>> from trialpool.figures.sheet import new_sheet
    >>> study = {"label": "Lu 2020", "estimate": -1.0, "estimate_low": -2.0, "estimate_high": 0.0}
    >>> record = {"status": "single_study", "measure": "MD", "studies": [study]}
    >>> layout = plan_layout(record, style.DEFAULT)
    >>> sheet = new_sheet(layout.width, layout.height)
    >>> draw_value_axis(sheet, layout)
    >>> [artist.get_text() for artist in sheet.figure.artists if artist.get_gid() == "tick"]
    ['−2.0', '−1.5', '−1.0', '−0.5', '0.0']
    """
    axis, y = layout.axis, layout.bottom
    put_line(sheet, (axis.left, axis.right), (y, y), thickness=0.8, gid="axis")
    for tick, label in zip(axis.ticks, axis.labels, strict=True):
        x = position(axis, tick)
        put_line(sheet, (x, x), (y, y + TICK), thickness=0.8)
        put_text(sheet, x, y + TICK + 7.5, label, size=style.SMALL_SIZE, align="center", gid="tick")
    _draw_directions(sheet, layout, y + TICK + 9 + LEADING)


def _draw_directions(sheet: Sheet, layout: Layout, below: float) -> None:
    """The words for either direction, below the axis or, where the preset wants it, above the plot."""
    axis, ends = layout.axis, ("left", "right")
    for lines, align in zip(layout.directions, ends, strict=True):
        start = below
        if layout.look.directions == "above":
            start = layout.rule - 5.5 - (len(lines) - 1) * LEADING
        for index, line in enumerate(lines):
            x = axis.left if align == "left" else axis.right
            put_text(
                sheet, x, start + index * LEADING, line, size=style.SMALL_SIZE, align=align, gid="direction"
            )
