"""The drawn part of a forest plot: band, lines, squares, diamonds, prediction interval and value axis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trialpool.figures import style
from trialpool.figures.forest_layout import Layout, Placed
from trialpool.figures.marks import (
    LEADING,
    TICK,
    draw_band,
    draw_diamond,
    draw_directions,
    draw_interval,
    draw_prediction,
    draw_ticks,
    name_band,
)
from trialpool.figures.sheet import BAND, Sheet, put_box, put_line
from trialpool.view.axis import no_effect, position, side

LARGEST_SQUARE, LARGEST_COMPACT, SMALLEST_SQUARE = 9.5, 8.0, 2.2
SOLE_SQUARE = 6.5
DIAMOND = 5.0


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
        ends = draw_band(sheet, axis, layout.threshold, str(record.get("better")), top, bottom)
        if layout.look.directions == "below":
            name_band(sheet, axis, ends, layout.rule - 5.5)
    null = position(axis, no_effect(record["measure"]))
    put_line(sheet, (null, null), (top, bottom), thickness=0.8, level=BAND, gid="no-effect")
    pooled = next((placed for placed in layout.rows if placed.row.kind == "pooled"), None)
    if pooled and pooled.row.estimate is not None and layout.look.pooled_line:
        x = position(axis, pooled.row.estimate)
        ys = (top, pooled.middle)
        colour = layout.look.pooled
        put_line(sheet, (x, x), ys, colour=colour, thickness=0.7, dashes=(1, 1.6), level=BAND)


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
            low, high = placed.row.low, placed.row.high
            if low is not None and high is not None:
                draw_prediction(sheet, layout.axis, placed.middle, low, high, layout.look.pooled)


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
        draw_interval(sheet, axis, y, row.low, row.high, gid=f"ci-{index}")
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


def _draw_diamond(sheet: Sheet, layout: Layout, placed: Placed, index: int) -> None:
    """Estimate and interval of a pooled row; hollow and smaller for a subgroup."""
    row, total = placed.row, placed.row.kind == "pooled"
    if row.estimate is None or row.low is None or row.high is None:
        return
    draw_diamond(
        sheet,
        layout.axis,
        placed.middle,
        (row.low, row.estimate, row.high),
        half=DIAMOND if total else DIAMOND - 1,
        colour=layout.look.pooled,
        hollow=not total,
        gid=f"diamond-{index}",
    )


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
    draw_ticks(sheet, layout.axis, layout.bottom)
    above = layout.look.directions == "above"
    baseline = layout.rule - 5.5 if above else layout.bottom + TICK + 9 + LEADING
    draw_directions(sheet, layout.axis, layout.directions, baseline, last=above)
