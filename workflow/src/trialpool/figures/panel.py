"""What the figures beside the forest plot share: a heading, a frame with two axes, and many marks at once.

Thousands of marks are one artist: a line broken where the next mark begins, or the markers of a line, so that
a figure is drawn in a tenth of a second and stays a small file.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.lines import Line2D

from trialpool import text as words
from trialpool.figures import forest_notes, lettering, style
from trialpool.figures.sheet import LINE, MARK, Sheet, new_sheet, put_line, put_lines, put_text
from trialpool.text import clean
from trialpool.view.axis import Axis, axis_over, position, scale

LEADING, TITLE_LEADING = 9.2, 13.5
GONE = float("nan")


@dataclass(frozen=True, slots=True)
class Panel:
    """A frame from `top` to `bottom`: `x` maps to points from the left, `y` to points above the bottom."""

    x: Axis
    y: Axis
    top: float
    bottom: float


def new_panel(
    xs: tuple[float, float],
    ys: tuple[float, float],
    place: tuple[float, float, float, float],
    *,
    log_x: bool = False,
    log_y: bool = False,
) -> Panel:
    """A panel over two ranges (logarithms where an axis is logarithmic) at (left, top, right, bottom).

    >>> panel = new_panel((0, 10), (0, 1), (50, 20, 150, 120))
    >>> across(panel, 5.0), upwards(panel, 0.25)
    (100.0, 95.0)
    """
    left, top, right, bottom = place
    x = axis_over(*xs, logarithmic=log_x, left=left, right=right)
    y = axis_over(*ys, logarithmic=log_y, left=0.0, right=bottom - top)
    return Panel(x, y, top, bottom)


def across(panel: Panel, value: float) -> float:
    """x of a value in points, kept within the frame."""
    return position(panel.x, value)


def upwards(panel: Panel, value: float) -> float:
    """y of a value in points from the top of the sheet, kept within the frame."""
    return panel.bottom - position(panel.y, value)


def roomy(values: Iterable[float], share: float = 0.06) -> tuple[float, float]:
    """The range of some finite values with room at both ends; one value gets room of its own.

    >>> roomy([0.0, 10.0], 0.1)
    (-1.0, 11.0)
    """
    known = [float(value) for value in values if math.isfinite(value)]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    room = share * (high - low)
    if room <= 1e-12 * max(1.0, abs(high)):
        room = 0.5 * max(abs(high), 1e-3)
    return low - room, high + room


def logarithmic(record: Mapping[str, Any]) -> bool:
    """Whether the effects of a record are ratios, shown on a logarithmic axis."""
    return record.get("measure") in words.RATIO_MEASURES


def value_name(record: Mapping[str, Any]) -> str:
    """The measure with its unit, as the name of an axis.

    >>> value_name({"measure": "MD", "unit": "m/s"})
    'Mean difference (m/s)'
    """
    measure = words.capital(words.measure_name(clean(record.get("measure"))))
    return f"{measure}{forest_notes.unit_text(record)}"


def log_value(record: Mapping[str, Any], value: float) -> float:
    """A value on the scale of its axis: the logarithm of a ratio."""
    return scale(value, logarithmic(record))


def headed_sheet(
    record: Mapping[str, Any], kind: str, notes: Sequence[str], width: float, body: float
) -> tuple[Sheet, float]:
    """A sheet with title and subtitle, room for a body of `body` points, and the notes below it.

    Returns the sheet and the y where the body begins.
    """
    room = width - 2 * style.MARGIN
    title = lettering.wrap(forest_notes.title(record), room, style.TITLE_SIZE, True, 3)
    under = lettering.wrap(f"{kind}. {forest_notes.subtitle(record)}", room, style.SMALL_SIZE, lines=3)
    told = [line for note in notes for line in lettering.wrap(clean(note), room, style.SMALL_SIZE)]
    top = style.MARGIN + TITLE_LEADING * len(title) + LEADING * len(under) + 6
    foot = top + body + 10
    sheet = new_sheet(width, foot + LEADING * len(told) + style.MARGIN)
    y = put_lines(
        sheet, style.MARGIN, style.MARGIN + 8.4, title, TITLE_LEADING, size=style.TITLE_SIZE, bold=True
    )
    put_lines(sheet, style.MARGIN, y - 2, under, LEADING, size=style.SMALL_SIZE, colour=style.MUTED)
    put_lines(sheet, style.MARGIN, foot + 6, told, LEADING, size=style.SMALL_SIZE, colour=style.MUTED)
    return sheet, top


def put_letter(sheet: Sheet, x: float, baseline: float, letter: str, text: str) -> None:
    """The letter and the heading of a panel."""
    put_text(sheet, x, baseline, letter, size=style.BODY_SIZE, bold=True)
    put_text(sheet, x + 12, baseline, text, size=style.BODY_SIZE, bold=True)


def put_frame(sheet: Sheet, panel: Panel, x_name: str, y_name: str, *, y_ticks: bool = True) -> None:
    """The lower and left axis of a panel with ticks, numbers and names."""
    left, right, bottom = panel.x.left, panel.x.right, panel.bottom
    put_line(sheet, (left, left, right), (panel.top, bottom, bottom), thickness=0.8, gid="axes")
    put_x_ticks(sheet, panel.x, bottom)
    name = lettering.shorten(x_name, right - left + 20, style.SMALL_SIZE)
    put_text(sheet, (left + right) / 2, bottom + 20.5, name, size=style.SMALL_SIZE, align="center")
    widest = 0.0
    for tick, label in zip(panel.y.ticks, panel.y.labels, strict=True) if y_ticks else ():
        y = upwards(panel, tick)
        put_line(sheet, (left - 3, left), (y, y), thickness=0.8)
        put_text(sheet, left - 5, y + 2.5, label, size=style.SMALL_SIZE, align="right", gid="y-tick")
        widest = max(widest, lettering.width(label, style.SMALL_SIZE))
    middle, x = (panel.top + bottom) / 2, left - 10 - widest - (2 if widest else -3)
    name = lettering.shorten(y_name, bottom - panel.top + 30, style.SMALL_SIZE)
    put_text(sheet, x, middle, name, size=style.SMALL_SIZE, align="center", turned=True)


def put_x_ticks(sheet: Sheet, axis: Axis, y: float) -> None:
    """Ticks and numbers below a horizontal axis."""
    for tick, label in zip(axis.ticks, axis.labels, strict=True):
        x = position(axis, tick)
        put_line(sheet, (x, x), (y, y + 3), thickness=0.8)
        put_text(sheet, x, y + 10.5, label, size=style.SMALL_SIZE, align="center", gid="tick")


def put_segments(
    sheet: Sheet,
    segments: Sequence[tuple[float, float, float, float]],
    *,
    colour: str,
    thickness: float,
    level: float = LINE,
    gid: str | None = None,
) -> None:
    """Many straight lines (x1, y1, x2, y2) of one look as one artist.

    >>> put_segments(new_sheet(9, 9), [(0, 0, 1, 1), (2, 0, 3, 1)], colour=style.INK, thickness=0.5)
    """
    if segments:
        xs = [x for a, _, c, _ in segments for x in (a, c, GONE)]
        ys = [y for _, b, _, d in segments for y in (b, d, GONE)]
        put_line(sheet, xs, ys, colour=colour, thickness=thickness, level=level, gid=gid)


def put_points(
    sheet: Sheet,
    points: Sequence[tuple[float, float]],
    radius: float,
    *,
    fill: str,
    edge: str = "none",
    marker: str = "o",
    level: float = MARK,
    gid: str | None = None,
) -> None:
    """Many marks of one look as one artist.

    >>> put_points(new_sheet(9, 9), [(1, 1), (2, 2)], 1.5, fill=style.STUDY)
    """
    if not points:
        return
    xs, ys = zip(*points, strict=True)
    mark = Line2D(
        xs,
        ys,
        linestyle="none",
        marker=marker,
        markersize=2 * radius,
        markerfacecolor=fill,
        markeredgecolor=edge,
        markeredgewidth=0.0 if edge == "none" else 0.6,
        transform=sheet.points,
        zorder=level,
    )
    mark.set_gid(gid)
    sheet.figure.add_artist(mark)
