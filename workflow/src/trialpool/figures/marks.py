"""Marks that several figures share: interval, diamond, prediction interval, MCID band, axis and its words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trialpool.figures import lettering, style
from trialpool.figures.sheet import BACK, BAND, LINE, Sheet, put_box, put_line, put_shape, put_text
from trialpool.text import clean
from trialpool.view.axis import Axis, position, scale, side

LEADING = 8.8
ARROW_LENGTH, ARROW_HALF = 4.5, 2.4
INTERVAL_THICKNESS = 0.95
PREDICTION_THICKNESS, CAP = 2.0, 3.2
TICK = 3.0


def draw_interval(
    sheet: Sheet,
    axis: Axis,
    y: float,
    low: float,
    high: float,
    *,
    colour: str = style.INK,
    thickness: float = INTERVAL_THICKNESS,
    gid: str = "ci",
) -> None:
    """A line from low to high; where it leaves the axis, an arrow head instead of its end.

    >>> from trialpool.figures.sheet import new_sheet
    >>> sheet, axis = new_sheet(100, 50), Axis(-1.0, 1.0, 10.0, 90.0, False, (), ())
    >>> draw_interval(sheet, axis, 20.0, -0.5, 3.0)
    >>> [artist.get_gid() for artist in sheet.figure.artists]
    ['arrow-ci', 'ci']
    """
    ends = [position(axis, low), position(axis, high)]
    for end, value in ((0, low), (1, high)):
        if side(axis, value):
            ends[end] = _draw_arrow(sheet, axis, y, value, colour, gid)
    if ends[1] > ends[0]:
        put_line(sheet, ends, (y, y), colour=colour, thickness=thickness, gid=gid)


def _draw_arrow(sheet: Sheet, axis: Axis, y: float, value: float, colour: str, gid: str) -> float:
    """An arrow head at the end of the axis beyond which a value lies; returns where its base is."""
    tip = position(axis, value)
    base = tip - side(axis, value) * ARROW_LENGTH
    corners = [(tip, y), (base, y - ARROW_HALF), (base, y + ARROW_HALF)]
    put_shape(sheet, corners, fill=colour, level=LINE, gid=f"arrow-{gid}")
    return base


def draw_diamond(
    sheet: Sheet,
    axis: Axis,
    y: float,
    values: tuple[float, float, float],
    *,
    half: float,
    colour: str,
    hollow: bool = False,
    gid: str = "diamond",
) -> None:
    """A diamond over (low, estimate, high), cut with arrows where it leaves the axis.

    >>> from trialpool.figures.sheet import new_sheet
    >>> sheet, axis = new_sheet(100, 50), Axis(-1.0, 1.0, 10.0, 90.0, False, (), ())
    >>> draw_diamond(sheet, axis, 20.0, (-0.5, 0.0, 0.5), half=5.0, colour=style.POOLED)
    >>> sheet.figure.artists[0].get_xy()[:4].tolist()
    [[50.0, 15.0], [70.0, 20.0], [50.0, 25.0], [30.0, 20.0]]
    """
    low, estimate, high = values
    right = _diamond_end(axis, y, estimate, high, half)
    left = _diamond_end(axis, y, estimate, low, half)
    x = position(axis, estimate)
    put_shape(
        sheet,
        [(x, y - half), *right, (x, y + half), *reversed(left)],
        fill=style.PAPER if hollow else colour,
        edge=colour,
        thickness=1.0 if hollow else 0.8,
        gid=gid,
    )
    for value in (low, high):
        if side(axis, value):
            _draw_arrow(sheet, axis, y, value, colour, gid)


def _diamond_end(
    axis: Axis, y: float, estimate: float, value: float, half: float
) -> list[tuple[float, float]]:
    """One tip of a diamond, or the two corners where the axis cuts it, from top to bottom."""
    out = side(axis, value)
    if not out:
        return [(position(axis, value), y)]
    middle, limit = scale(estimate, axis.logarithmic), axis.high if out > 0 else axis.low
    reach = scale(value, axis.logarithmic) - middle
    share = abs((limit - middle) / reach) if math.isfinite(reach) and reach else 0.0
    cut = half * max(1 - share, 0.0)
    inner = position(axis, value) - out * ARROW_LENGTH
    return [(inner, y - cut), (inner, y + cut)]


def draw_prediction(sheet: Sheet, axis: Axis, y: float, low: float, high: float, colour: str) -> None:
    """A prediction interval: a bar with end caps, arrows where it leaves the axis.

    >>> from trialpool.figures.sheet import new_sheet
    >>> sheet, axis = new_sheet(100, 50), Axis(-1.0, 1.0, 10.0, 90.0, False, (), ())
    >>> draw_prediction(sheet, axis, 20.0, -0.5, 0.5, style.POOLED)
    >>> len(sheet.figure.artists)
    3
    """
    draw_interval(sheet, axis, y, low, high, colour=colour, thickness=PREDICTION_THICKNESS, gid="prediction")
    for value in (low, high):
        if not side(axis, value):
            x = position(axis, value)
            put_line(sheet, (x, x), (y - CAP, y + CAP), colour=colour, thickness=1.0)


def draw_band(
    sheet: Sheet, axis: Axis, threshold: float, better: str, top: float, bottom: float
) -> tuple[float, float]:
    """The zone of benefit of at least the MCID behind the marks; returns its ends.

    >>> from trialpool.figures.sheet import new_sheet
    >>> axis = Axis(-1.0, 1.0, 10.0, 90.0, False, (), ())
    >>> draw_band(new_sheet(100, 50), axis, -0.5, "lower", 10.0, 40.0)
    (10.0, 30.0)
    """
    edge = position(axis, threshold)
    left, right = (edge, axis.right) if better == "higher" else (axis.left, edge)
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
    return left, right


def name_band(sheet: Sheet, axis: Axis, ends: tuple[float, float], baseline: float) -> None:
    """The band's name above it, kept within the plot.

    >>> from trialpool.figures.sheet import new_sheet
    >>> sheet, axis = new_sheet(100, 50), Axis(-1.0, 1.0, 10.0, 90.0, False, (), ())
    >>> name_band(sheet, axis, (10.0, 30.0), 8.0)
    >>> sheet.figure.artists[0].get_text()
    '≥ MCID'
    """
    texts = ("benefit ≥ MCID", "≥ MCID")
    room = ends[1] - ends[0]
    text = next((t for t in texts if lettering.width(t, style.SMALL_SIZE) <= room), texts[-1])
    half = lettering.width(text, style.SMALL_SIZE) / 2
    middle = min(max(sum(ends) / 2, axis.left + half), axis.right - half)
    colour = style.BENEFIT_EDGE
    put_text(sheet, middle, baseline, text, size=style.SMALL_SIZE, colour=colour, align="center")


def draw_ticks(sheet: Sheet, axis: Axis, y: float) -> None:
    """The line of a value axis with its ticks and their labels below.

    >>> from trialpool.figures.sheet import new_sheet
    >>> sheet, axis = new_sheet(100, 50), Axis(-1.0, 1.0, 10.0, 90.0, False, (0.0,), ("0",))
    >>> draw_ticks(sheet, axis, 30.0)
    >>> [artist.get_gid() for artist in sheet.figure.artists]
    ['axis', None, 'tick']
    """
    put_line(sheet, (axis.left, axis.right), (y, y), thickness=0.8, gid="axis")
    for tick, label in zip(axis.ticks, axis.labels, strict=True):
        x = position(axis, tick)
        put_line(sheet, (x, x), (y, y + TICK), thickness=0.8)
        put_text(sheet, x, y + TICK + 7.5, label, size=style.SMALL_SIZE, align="center", gid="tick")


def direction_lines(held: object, room: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words for either direction with their arrows, wrapped so that both fit beside each other.

    >>> direction_lines({"left": "favours yoga", "right": "favours rest"}, 200.0)[0]
    ('←\\xa0favours yoga',)
    """
    named = held if isinstance(held, dict) else {}
    left, right = (clean(named.get(end)) for end in ("left", "right"))
    left, right = f"←\u00a0{left}" if left else "", f"{right}\u00a0→" if right else ""
    wide = [min(lettering.width(text, style.SMALL_SIZE), room / 2) for text in (left, right)]
    return (
        lettering.wrap(left, room - wide[1], style.SMALL_SIZE, lines=3),
        lettering.wrap(right, room - wide[0], style.SMALL_SIZE, lines=3),
    )


def draw_directions(
    sheet: Sheet, axis: Axis, directions: tuple[Sequence[str], Sequence[str]], baseline: float, last: bool
) -> None:
    """The words for either direction at the ends of an axis; their first (or last) lines on the baseline.

    >>> from trialpool.figures.sheet import new_sheet
    >>> sheet, axis = new_sheet(100, 50), Axis(-1.0, 1.0, 10.0, 90.0, False, (), ())
    >>> draw_directions(sheet, axis, (("← better",), ("worse →",)), 40.0, last=False)
    >>> [artist.get_text() for artist in sheet.figure.artists]
    ['← better', 'worse →']
    """
    for lines, align in zip(directions, ("left", "right"), strict=True):
        start = baseline - (len(lines) - 1) * LEADING if last else baseline
        x = axis.left if align == "left" else axis.right
        for index, line in enumerate(lines):
            y = start + index * LEADING
            put_text(sheet, x, y, line, size=style.SMALL_SIZE, align=align, gid="direction")
