"""A figure beside the forest plot: a sheet in points with its heading and notes, and matplotlib Axes on it.

Values lie on an axis as they are analysed (ratios as logarithms) and are labelled as they are read; which
part of an axis is shown, and its ticks, is planned by `view.axis` as for the forest plot.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import matplotlib
from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from trialpool import text as words
from trialpool.figures import forest_notes, lettering, style
from trialpool.figures.sheet import Sheet, new_sheet, put_lines, put_text
from trialpool.measures import MEASURES
from trialpool.records import Pooled, Record
from trialpool.text import clean
from trialpool.view.axis import Axis, axis_over, mcid_threshold, plan_axis, scale, side

P = ParamSpec("P")
T = TypeVar("T")
Look = dict[str, Any]
Frame = tuple[float, float, float, float]  # left, top, right, bottom in points from the upper left corner
Values = tuple[float | None, float | None, float | None]  # estimate and interval, on the natural scale
WIDTH = 560.0
LEADING, TITLE_LEADING = 9.2, 13.5
BELOW, BEHIND, LINES, MARKS, ABOVE = 0.5, 1.0, 2.0, 3.0, 4.0
HALF_DIAMOND = 3.6  # points
FAR = 9.0  # ranges of an axis beyond which nothing needs to be told apart
DOTTED, DASHED = (0, (1.0, 1.6)), (0, (3.0, 2.0))


def styled(draw: Callable[P, T]) -> Callable[P, T]:
    """A function that draws in the style of the project, whatever style its caller uses.

    >>> styled(lambda: matplotlib.rcParams["text.parse_math"])()
    False
    """

    @wraps(draw)
    def drawn(*args: P.args, **kind: P.kwargs) -> T:
        with matplotlib.rc_context(style.AXES):
            return draw(*args, **kind)

    return drawn


def headed(
    title: str, under: str, notes: Sequence[str], body: float, width: float = WIDTH
) -> tuple[Sheet, float]:
    """A sheet with a title, a line below it, `body` points of room, and notes; and where the body begins.

    >>> sheet, top = headed("Pain", "Funnel plot", ["Dotted: pooled."], 100.0)
    >>> round(sheet.height - top)
    131
    """
    room = width - 2 * style.MARGIN
    heading = lettering.wrap(clean(title), room, style.TITLE_SIZE, True, 3)
    below = lettering.wrap(clean(under), room, style.SMALL_SIZE, lines=3)
    lines = [line for note in notes for line in lettering.wrap(clean(note), room, style.SMALL_SIZE)]
    top = style.MARGIN + TITLE_LEADING * len(heading) + LEADING * len(below) + 6
    foot = top + body + 10
    sheet = new_sheet(width, foot + LEADING * len(lines) + style.MARGIN)
    y = style.MARGIN + 8.4
    y = put_lines(sheet, style.MARGIN, y, heading, TITLE_LEADING, size=style.TITLE_SIZE, bold=True)
    put_lines(sheet, style.MARGIN, y - 2, below, LEADING, size=style.SMALL_SIZE, colour=style.MUTED)
    put_lines(sheet, style.MARGIN, foot + 6, lines, LEADING, size=style.SMALL_SIZE, colour=style.MUTED)
    return sheet, top


def headed_record(
    record: Record, kind: str, notes: Sequence[str], body: float, width: float = WIDTH
) -> tuple[Sheet, float]:
    """The same for one analysis: its title, the kind of figure and what was measured."""
    title, under = forest_notes.title(record), forest_notes.subtitle(record)
    return headed(title, f"{kind}. {under}", notes, body, width)


def value_name(record: Record) -> str:
    """The measure with its unit, as the name of an axis."""
    return f"{words.capital(words.measure_name(record.measure))}{forest_notes.unit_text(record)}"


def is_ratio(measure: str) -> bool:
    """Whether effects are shown on a logarithmic axis."""
    return MEASURES[measure].ratio


def on_axis(record: Record, value: float) -> float:
    """A value of the natural scale where it lies on an axis: the logarithm of a ratio."""
    return scale(value, is_ratio(record.measure))


def pooled_of(record: Record) -> Pooled:
    """The pooled estimate of a record; a ValueError where there is none."""
    if record.pooled is None or record.status != "pooled":
        raise ValueError(f"the figure needs a pooled record, not one of status {str(record.status)!r}")
    return record.pooled


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


def put_axes(sheet: Sheet, frame: Frame) -> Axes:
    """Axes at a place of the sheet.

    >>> ax = put_axes(new_sheet(200, 100), (50, 20, 150, 80))
    >>> [round(float(share), 6) for share in ax.get_position().bounds]
    [0.25, 0.2, 0.5, 0.6]
    """
    left, top, right, bottom = frame
    width, height = sheet.width, sheet.height
    return sheet.figure.add_axes(
        (left / width, 1 - bottom / height, (right - left) / width, (bottom - top) / height)
    )


def put_heading(sheet: Sheet, x: float, baseline: float, letter: str, text: str) -> None:
    """The letter and the heading of a panel."""
    put_text(sheet, x, baseline, letter, bold=True)
    put_text(sheet, x + (12 if letter else 0), baseline, text, bold=True)


def show_axis(ax: Axes, axis: Axis, name: str = "", which: str = "x", room: float = 0.0) -> None:
    """Range, ticks, labels and name of a planned axis; a name longer than it (or `room`) is shortened."""
    ticks = [scale(tick, axis.logarithmic) for tick in axis.ticks]
    text = lettering.shorten(name, room or axis.right - axis.left + 24, style.SMALL_SIZE)
    if which == "x":
        ax.set(xlim=(axis.low, axis.high), xlabel=text)
        ax.set_xticks(ticks, axis.labels)
    else:
        ax.set(ylim=(axis.low, axis.high), ylabel=text)
        ax.set_yticks(ticks, axis.labels)


def show_range(
    ax: Axes, low: float, high: float, name: str = "", which: str = "x", *, measure: str = ""
) -> None:
    """Range, ticks and name of an axis that need no planning; `measure` where it shows effects.

    >>> ax = put_axes(new_sheet(200, 100), (50, 20, 150, 80))
    >>> show_range(ax, 0.0, 0.6)
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['0.00', '0.25', '0.50']
    """
    length = ax.bbox.width if which == "x" else ax.bbox.height  # of 72 dots an inch: points
    logarithmic = bool(measure) and is_ratio(measure)
    show_axis(ax, axis_over(low, high, logarithmic=logarithmic, left=0.0, right=length), name, which)


def no_axis(ax: Axes, *which: str) -> None:
    """Neither line nor ticks on the sides named (x, y)."""
    if len(which) == 2:
        ax.set_axis_off()  # not even asked for its ticks when drawn
    for name in which:
        ax.spines["bottom" if name == "x" else "left"].set_visible(False)
        getattr(ax, f"{name}axis").set_ticks([])


def draw_strokes(
    ax: Axes, xs: Sequence[float], lows: Sequence[float], highs: Sequence[float], **look: Any
) -> None:
    """Many upright strokes as one line with gaps, so that a file holds one path instead of hundreds."""
    gaps = [math.nan] * len(xs)
    across = [x for three in zip(xs, xs, gaps, strict=True) for x in three]
    ax.plot(across, [y for three in zip(lows, highs, gaps, strict=True) for y in three], snap=False, **look)


def draw_landmarks(ax: Axes, record: Record, *, pooled: bool = True, which: str = "x") -> None:
    """Lines at no effect, at the MCID and, dotted, at the pooled estimate, where they are in range."""
    low, high = ax.get_xlim() if which == "x" else ax.get_ylim()
    estimate = record.pooled.estimate if pooled and record.pooled else None
    for value, colour, dashes in (
        (MEASURES[record.measure].null, style.INK, "-"),
        (mcid_threshold(record), style.BENEFIT_EDGE, DASHED),
        (estimate, style.POOLED, DOTTED),
    ):
        if value is not None and low < on_axis(record, value) < high:
            line = ax.axvline if which == "x" else ax.axhline
            line(on_axis(record, value), color=colour, linestyle=dashes, linewidth=0.8, zorder=BEHIND)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of an interval plot: a name, an estimate with its interval, and how they look.

    `mark` is a marker of matplotlib, or "diamond" for a pooled estimate drawn as wide as its interval.
    """

    name: str
    values: Values
    mark: str = "o"
    colour: str = style.STUDY
    hollow: bool = False
    bold: bool = False
    gid: str = "estimate"

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The interval, where it has both ends."""
        _, low, high = self.values
        return None if low is None or high is None else (low, high)


def value_axis(
    ax: Axes, measure: str, lines: Sequence[Line], landmarks: Sequence[float] = (), **further: Any
) -> Axis:
    """The axis that shows some lines; `landmarks` beside no effect are always shown."""
    return plan_axis(
        [line.values[0] for line in lines if line.values[0] is not None],
        [line.bounds for line in lines if line.bounds],
        [MEASURES[measure].null, *landmarks],
        logarithmic=is_ratio(measure),
        left=0.0,
        right=ax.bbox.width,
        **further,
    )


def draw_lines(ax: Axes, axis: Axis, lines: Sequence[Line], ys: Sequence[float] | None = None) -> None:
    """Estimates with their intervals, one below the other; arrows where an interval leaves the axis."""
    heights = range(len(lines)) if ys is None else ys
    if ys is None:
        ax.set_ylim(len(lines) - 0.5, -0.5)
    for y, line in zip(heights, lines, strict=True):
        if line.bounds:
            _draw_interval(ax, axis, line, y)
        estimate = line.values[0]
        if estimate is not None and line.mark != "diamond" and not side(axis, estimate):
            ax.plot(
                scale(estimate, axis.logarithmic),
                y,
                line.mark,
                markersize=5.2,
                markerfacecolor=style.PAPER if line.hollow else line.colour,
                markeredgecolor=line.colour,
                markeredgewidth=1.0,
                zorder=MARKS,
                gid=line.gid,
            )


def _draw_interval(ax: Axes, axis: Axis, line: Line, y: float) -> None:
    far = FAR * (axis.high - axis.low)  # a ratio of zero lies at minus infinity
    estimate, *bounds = (
        math.nan if value is None else max(scale(value, axis.logarithmic), axis.low - far)
        for value in line.values
    )
    if line.mark == "diamond":
        bottom, top = ax.get_ylim()
        half = HALF_DIAMOND * (bottom - top) / ax.bbox.height  # of 72 dots an inch
        xs, ys = (bounds[0], estimate, bounds[1], estimate), (y, y - half, y, y + half)
        ax.fill(xs, ys, facecolor=line.colour, linewidth=0, zorder=MARKS, gid=line.gid)
    else:
        ax.plot(bounds, (y, y), color=line.colour, linewidth=1.0, zorder=LINES, gid="interval")
    for end, value, arrow in zip((axis.low, axis.high), line.values[1:], "<>", strict=True):
        if value is not None and side(axis, value) == (1 if arrow == ">" else -1):
            size = 7.6 if line.mark == "diamond" else 4.4
            ax.plot(end, y, arrow, markersize=size, color=line.colour, markeredgewidth=0, clip_on=False)


def print_lines(
    ax: Axes,
    lines: Sequence[Line],
    measure: str,
    names: float,
    numbers: float,
    ys: Sequence[float] | None = None,
) -> None:
    """Names left of the plot and estimates with intervals right of it, `names` and `numbers` points away."""
    for y, line in zip(range(len(lines)) if ys is None else ys, lines, strict=True):
        name = lettering.shorten(clean(line.name), names - 6, style.SMALL_SIZE, line.bold)
        print_beside(ax, y, -names, name, bold=line.bold)
        print_beside(ax, y, numbers, result(measure, line.values), align="right")


def print_beside(
    ax: Axes, y: float, x: float, text: str, *, align: str = "left", bold: bool = False, **kind: Any
) -> None:
    """Text at a height of the data, `x` points left (negative) or right of the plot."""
    look: Look = {"fontsize": style.SMALL_SIZE, "verticalalignment": "center_baseline"}
    ax.annotate(
        text,
        (0.0 if x < 0 else 1.0, y),
        (x, 0.0),
        xycoords=blended_transform_factory(ax.transAxes, ax.transData),
        textcoords="offset points",
        horizontalalignment=align,
        fontweight="bold" if bold else "normal",
        annotation_clip=False,
        **look | kind,
    )


def result(measure: str, values: Values) -> str:
    """An estimate with its interval, as it stands beside a plot.

    >>> result("MD", (-1.2, -2.0, -0.4)), result("RR", (1.5, None, None))
    ('−1.20 (−2.00 to −0.40)', '1.50')
    """
    estimate, low, high = words.format_values(measure, values)
    return estimate if None in values[1:] else f"{estimate} ({low} to {high})"


def values_of(row: Any) -> Values:
    """Estimate and interval of anything that has them."""
    return (row.estimate, row.ci_low, row.ci_high)


def bounds_of(row: Any) -> list[tuple[float, float]]:
    """The interval of anything that has one; an empty list where an end is missing."""
    return [] if row.ci_low is None or row.ci_high is None else [(row.ci_low, row.ci_high)]
