"""The contour-enhanced funnel plot: effect against standard error, with zones of statistical significance.

The zones (Peters and others 2008) are centred on no effect: missing trials in the white zone would speak for
suppression of unwelcome results, missing trials elsewhere for other causes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import forest_notes, lettering, style
from trialpool.figures.sheet import (
    BACK,
    BAND,
    Sheet,
    new_sheet,
    put_box,
    put_dot,
    put_line,
    put_lines,
    put_shape,
    put_text,
)
from trialpool.text import clean
from trialpool.view.axis import Axis, axis_over, no_effect, position, scale

WIDTH, PLOT_HEIGHT = 372.0, 216.0
LEFT, RIGHT = 50.0, 360.0
Z90, Z95, Z99 = 1.6448536269514722, 1.959963984540054, 2.5758293035489004
ZONES = (  # (text, colour) from the middle outwards; each begins where the one before ends
    ("p > 0.10", style.PAPER),
    ("0.05 to 0.10", style.CONTOURS[2]),
    ("0.01 to 0.05", style.CONTOURS[1]),
    ("p < 0.01", style.CONTOURS[0]),
)
FEWEST_TO_JUDGE = 10  # Cochrane Handbook 13.3.5.4
DOT = 3.1
LEADING = 9.2
ROOM_BELOW = 1.08


@dataclass(frozen=True, slots=True)
class Funnel:
    """The two axes of a funnel plot (the vertical one in standard errors, 0 at the top)."""

    effects: Axis
    errors: Axis
    null: float
    pooled: float


def draw_funnel(record: Mapping[str, Any]) -> Figure:
    """The funnel plot of a pooled record; a ValueError for a record without a pooled estimate.

    Every selected row is a dot at its effect and standard error (square root of `variance`, on the analysis
    scale), hollow where imputed; dotted lines hold 95% of trials around the pooled estimate if nothing but
    chance spread them.

    >>> draw_funnel({"status": "single_study"})
    Traceback (most recent call last):
    ...
    ValueError: a funnel plot needs a pooled record, not one of status 'single_study'
    """
    if record.get("status") != "pooled":
        raise ValueError(f"a funnel plot needs a pooled record, not one of status {record.get('status')!r}")
    room = WIDTH - 2 * style.MARGIN
    title = lettering.wrap(forest_notes.title(record), room, style.TITLE_SIZE, True, 3)
    under = lettering.wrap(f"Funnel plot. {forest_notes.subtitle(record)}", room, style.SMALL_SIZE, lines=3)
    notes = [line for note in _notes(record) for line in lettering.wrap(note, room, style.SMALL_SIZE)]
    top = style.MARGIN + 13.5 * len(title) + LEADING * len(under) + 8
    foot = top + PLOT_HEIGHT + 40
    sheet = new_sheet(WIDTH, foot + 18 + LEADING * len(notes) + style.MARGIN)
    y = put_lines(sheet, style.MARGIN, style.MARGIN + 8.4, title, 13.5, size=style.TITLE_SIZE, bold=True)
    put_lines(sheet, style.MARGIN, y - 2, under, LEADING, size=style.SMALL_SIZE, colour=style.MUTED)
    funnel = _plan(record, top)
    _draw_zones(sheet, funnel)
    _draw_guides(sheet, funnel)
    _draw_dots(sheet, record, funnel)
    _draw_axes(sheet, record, funnel)
    _draw_key(sheet, foot)
    put_lines(sheet, style.MARGIN, foot + 18, notes, LEADING, size=style.SMALL_SIZE, colour=style.MUTED)
    return sheet.figure


def _dots(record: Mapping[str, Any]) -> list[tuple[float, float, bool]]:
    """(effect on the axis' scale, standard error, hollow) of every row that has both."""
    rows = record.get("studies") or []
    return [
        (float(row["effect"]), math.sqrt(row["variance"]), bool(row.get("imputed")))
        for row in rows
        if row.get("effect") is not None and row.get("variance") is not None
    ]


def _plan(record: Mapping[str, Any], top: float) -> Funnel:
    logarithmic = record.get("measure") in words.RATIO_MEASURES
    null, pooled = (
        scale(value, logarithmic) for value in (no_effect(record["measure"]), record["pooled"]["estimate"])
    )
    dots = _dots(record)
    deepest = ROOM_BELOW * max((error for _, error, _ in dots), default=1.0)
    reach = [null, pooled - Z95 * deepest, pooled + Z95 * deepest, *(effect for effect, _, _ in dots)]
    low, high = min(reach), max(reach)
    padding = 0.05 * (high - low)
    effects = axis_over(low - padding, high + padding, logarithmic=logarithmic, left=LEFT, right=RIGHT)
    errors = axis_over(0.0, deepest, logarithmic=False, left=top, right=top + PLOT_HEIGHT)
    return Funnel(effects, errors, null, pooled)


def _across(funnel: Funnel, value: float) -> float:
    """x of a value on the scale of the axis (a logarithm for ratios), kept within it."""
    axis = funnel.effects
    share = (value - axis.low) / (axis.high - axis.low)
    return axis.left + min(max(share, 0.0), 1.0) * (axis.right - axis.left)


def _cone(
    funnel: Funnel, apex: float, z: float
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Left and right edge of the zone within z standard errors of the apex, cut at the sides."""
    deepest, edges = funnel.errors.high, []
    for sign, limit in ((-1, funnel.effects.low), (1, funnel.effects.high)):
        meets = abs(limit - apex) / z
        depths = [0.0, deepest] if meets >= deepest else [0.0, meets, deepest]
        edges.append(
            [(_across(funnel, apex + sign * z * depth), position(funnel.errors, depth)) for depth in depths]
        )
    return edges[0], edges[1]


def _draw_zones(sheet: Sheet, funnel: Funnel) -> None:
    top, bottom = funnel.errors.left, funnel.errors.right
    put_box(sheet, LEFT, top, RIGHT - LEFT, bottom - top, fill=ZONES[-1][1], level=BACK)
    for index, z in enumerate((Z99, Z95, Z90)):
        left, right = _cone(funnel, funnel.null, z)
        colour = ZONES[2 - index][1]
        corners = [*left, *reversed(right)]
        put_shape(sheet, corners, fill=colour, level=BACK + 0.1 * (index + 1), gid=f"zone-{index}")


def _draw_guides(sheet: Sheet, funnel: Funnel) -> None:
    top, bottom = funnel.errors.left, funnel.errors.right
    null, pooled = _across(funnel, funnel.null), _across(funnel, funnel.pooled)
    put_line(sheet, (null, null), (top, bottom), thickness=0.8, level=BAND, gid="no-effect")
    put_line(
        sheet,
        (pooled, pooled),
        (top, bottom),
        colour=style.POOLED,
        thickness=1.0,
        dashes=(3, 2),
        level=BAND,
        gid="pooled",
    )
    for edge in _cone(funnel, funnel.pooled, Z95):
        xs, ys = zip(*edge[:2], strict=True)
        put_line(sheet, xs, ys, colour=style.POOLED, thickness=0.8, dashes=(1, 1.6), level=BAND, gid="limit")


def _draw_dots(sheet: Sheet, record: Mapping[str, Any], funnel: Funnel) -> None:
    for index, (effect, error, hollow) in enumerate(_dots(record)):
        put_dot(
            sheet,
            _across(funnel, effect),
            position(funnel.errors, error),
            DOT,
            fill=style.PAPER if hollow else style.STUDY,
            edge=style.STUDY if hollow else style.PAPER,
            thickness=1.0 if hollow else 0.6,
            gid=f"dot-{index}",
        )


def _draw_axes(sheet: Sheet, record: Mapping[str, Any], funnel: Funnel) -> None:
    top, bottom = funnel.errors.left, funnel.errors.right
    put_line(sheet, (LEFT, LEFT, RIGHT), (top, bottom, bottom), thickness=0.8, gid="axes")
    for tick, label in zip(funnel.effects.ticks, funnel.effects.labels, strict=True):
        x = position(funnel.effects, tick)
        put_line(sheet, (x, x), (bottom, bottom + 3), thickness=0.8)
        put_text(sheet, x, bottom + 10.5, label, size=style.SMALL_SIZE, align="center", gid="tick")
    for tick, label in zip(funnel.errors.ticks, funnel.errors.labels, strict=True):
        y = position(funnel.errors, tick)
        put_line(sheet, (LEFT - 3, LEFT), (y, y), thickness=0.8)
        put_text(sheet, LEFT - 5, y + 2.5, label, size=style.SMALL_SIZE, align="right", gid="error-tick")
    name = "Standard error"
    if funnel.effects.logarithmic:
        name += " of the logarithm"
    put_text(
        sheet,
        style.MARGIN + 5,
        (top + bottom) / 2,
        name,
        size=style.SMALL_SIZE,
        align="center",
        turned=True,
    )
    measure = words.capital(words.measure_name(clean(record.get("measure"))))
    measure += f"{forest_notes.unit_text(record)}"
    label = lettering.shorten(measure, RIGHT - LEFT, style.SMALL_SIZE, True)
    put_text(sheet, (LEFT + RIGHT) / 2, bottom + 21, label, size=style.SMALL_SIZE, bold=True, align="center")
    held = record.get("direction") or {}
    half = (RIGHT - LEFT) / 2 - 6
    for side, x, align in (("left", LEFT, "left"), ("right", RIGHT, "right")):
        text = clean(held.get(side))
        if text:
            text = lettering.shorten(f"← {text}" if side == "left" else f"{text} →", half, style.SMALL_SIZE)
            put_text(sheet, x, bottom + 31, text, size=style.SMALL_SIZE, align=align, gid="direction")


def _draw_key(sheet: Sheet, y: float) -> None:
    x = style.MARGIN
    put_text(sheet, x, y + 6, "Test of each trial:", size=style.SMALL_SIZE, colour=style.MUTED)
    x += lettering.width("Test of each trial:", style.SMALL_SIZE) + 8
    for text, colour in ZONES:
        put_box(sheet, x, y - 0.5, 9, 7, fill=colour, edge=style.RULE, thickness=0.5)
        put_text(sheet, x + 12, y + 6, text, size=style.SMALL_SIZE, colour=style.MUTED)
        x += 12 + lettering.width(text, style.SMALL_SIZE) + 9


def _notes(record: Mapping[str, Any]) -> list[str]:
    k = record.get("k") or len(_dots(record))
    notes = ["Dashed: pooled estimate; dotted: where 95% of trials would lie if only chance spread them."]
    if any(hollow for _, _, hollow in _dots(record)):
        notes.append("Hollow: rests on an imputed number.")
    if k < FEWEST_TO_JUDGE:
        counted = words.count(k, "trial")
        notes.append(
            f"{counted}: too few to tell asymmetry from chance (at least {FEWEST_TO_JUDGE} are needed)."
        )
    if record.get("measure") == "SMD":
        notes.append(
            "The standard error of a standardised difference grows with it: some asymmetry is built in."
        )
    return notes


def describe_funnel(record: Mapping[str, Any]) -> str:
    """A text alternative of the funnel plot.

    >>> describe_funnel({"title": "Pain", "measure": "MD", "studies": [], "k": 0})[:18]
    'Funnel plot: Pain.'
    """
    measure = str(record.get("measure") or "")
    parts = [f"Funnel plot: {forest_notes.title(record)}.", f"{forest_notes.subtitle(record)}."]
    for row in record.get("studies") or []:
        if row.get("variance") is not None:
            error = words.number(math.sqrt(row["variance"]), 3)
            value = words.format_values(measure, [row.get("estimate")])[0]
            parts.append(f"{clean(row.get('label'))}: {measure} {value}, standard error {error}.")
    return " ".join([*parts, *_notes(record)])
