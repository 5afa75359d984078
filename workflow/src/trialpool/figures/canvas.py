"""A figure: a sheet in points with heading and notes, what stands on it, and plots with scales of their own.

Texts and marks stand where arithmetic put them: no layout engine, hence fast and never clipped by one. On
plots values lie as they are analysed (ratios as logarithms) and are labelled as they are read; which part of
an axis is shown, and its ticks, is planned by `view.axis`. No text is read as mathematics: labels are
untrusted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import TICKDOWN, TICKLEFT
from matplotlib.patches import Circle, Patch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import (
    Affine2D,
    Bbox,
    BboxTransformFrom,
    BboxTransformTo,
    IdentityTransform,
    ScaledTranslation,
    Transform,
    TransformedBbox,
    blended_transform_factory,
)

from trialpool import text as words
from trialpool.figures import lettering, style
from trialpool.figures.notes import subtitle, unit_text
from trialpool.measures import MEASURES, Values
from trialpool.records import Pooled, Record
from trialpool.text import clean
from trialpool.view.axis import Axis, axis_over, mcid_threshold, plan_axis, scale, side
from trialpool.view.read import Appraised

Look = dict[str, Any]
Frame = tuple[float, float, float, float]  # left, top, right, bottom in points from the upper left corner
Span = tuple[float, float]
Sizes = tuple[float, float, float]
POINTS_PER_INCH = 72.0
WIDTH = 560.0
LEADING, TITLE_LEADING = 9.2, 13.5
BELOW, BEHIND, LINES, MARKS, ABOVE = 0.5, 1.0, 2.0, 3.0, 4.0  # from back to front
HALF_DIAMOND = 3.6  # points
NULL = 0.0  # no effect where values lie as they are analysed, ratios too
FAR = 9.0  # ranges of an axis beyond which nothing needs to be told apart
DOTTED, DASHED = (0, (1.0, 1.6)), (0, (3.0, 2.0))
BEFORE = {"left": 0.0, "center": 0.5, "right": 1.0}  # share of a text's width that lies left of its anchor
BELOW_TOP = {"baseline": 0.0, "center_baseline": 0.5, "top": 1.0}  # share of its rise below its anchor
TICK, TO_LABEL, TO_NAME = (  # points from an axis
    style.STYLE[name] for name in ("xtick.major.size", "xtick.major.pad", "axes.labelpad")
)
MOST_SIZES = 16384
_SIZES: dict[tuple[object, ...], Sizes] = {}

styled = matplotlib.rc_context(style.STYLE)  # decorates what draws in the style of the project


class LineOfText(Text):
    """A `Text` of one line, plain: no mathematics, box, clipping or effects.

    matplotlib measures every text at every drawing to find where the lines of a turned block begin. One line
    begins where it stands, or further left by its width or half of it, and lower by its rise or half of it:
    most texts need no measuring, which leaves two thirds of the time of a forest plot. Only what backends
    offer to every artist is used. Turned text, several lines, other alignments, and what has no place, are
    left to `Text`.
    """

    def draw(self, renderer: RendererBase) -> None:
        """Draw the line as `Text.draw` would, without its layout."""
        if not self.get_text() or not self.get_visible():
            return
        x, y = self.get_transform().transform(self.get_position())
        before, below = BEFORE[self.get_horizontalalignment()], BELOW_TOP.get(self.get_verticalalignment())
        other = self.get_rotation() or "\n" in self.get_text()
        if below is None or other or not (math.isfinite(x) and math.isfinite(y)):
            super().draw(renderer)
            return
        if before or below:
            width, rise, _ = self.measured(renderer)
            x, y = x - before * width, y - below * rise
        renderer.open_group("text", self.get_gid())
        y = renderer.get_canvas_width_height()[1] - y if renderer.flipy() else y
        look = renderer.new_gc()
        look.set_foreground(to_rgba(self.get_color()), isRGBA=True)
        look.set_url(self.get_url())
        look.set_antialiased(self.get_antialiased())
        renderer.draw_text(look, x, y, self.get_text(), self.get_fontproperties(), 0.0, False, self)
        look.restore()
        renderer.close_group("text")

    def measured(self, renderer: RendererBase) -> Sizes:
        """Width, and reach above and below the baseline; kept, for ticks and counts come back often.

        They differ between formats by rounding. The canvas tells these apart, the renderer does not: SVG and
        PDF both draw through a `MixedModeRenderer`.
        """
        figure, text, font = self.get_figure(root=True), self.get_text(), self.get_fontproperties()
        assert figure is not None  # of an artist that is drawn
        kind = (type(figure.canvas), figure.dpi, text, font.get_size(), font.get_weight())
        if kind not in _SIZES:
            if len(_SIZES) >= MOST_SIZES:
                _SIZES.clear()
            width, height, descent = renderer.get_text_width_height_descent(text, font, ismath=False)
            least = lettering.reach(font.get_size() * figure.dpi / POINTS_PER_INCH)
            _SIZES[kind] = width, max(height - descent, least[0]), max(descent, least[1])
        return _SIZES[kind]


def line_of_text(
    x: float,
    y: float,
    text: str,
    *,
    size: float = style.SMALL_SIZE,
    bold: bool = False,
    align: tuple[str, str] = ("left", "baseline"),
    turned: bool = False,
    color: str = style.INK,
    **kind: Any,
) -> LineOfText:
    """A line of text at a point, or turned to read upwards."""
    look: Look = {"horizontalalignment": align[0], "verticalalignment": align[1], "color": color}
    look |= {"rotation": 90, "rotation_mode": "anchor"} if turned else {}
    return LineOfText(x, y, text, fontproperties=style.font(size, bold), parse_math=False, **look | kind)


class Drawing(Figure):
    """A matplotlib figure that shows itself in a notebook, as the SVG file that it would become."""

    def _repr_svg_(self) -> str:
        from trialpool.figures.save import svg_of

        return svg_of(self)


class Sheet:
    """An empty figure of `width` × `height` points; y grows downwards. A `gid` names a mark for tests.

    All of it, letters and lines too, is drawn `scale` times as large.
    """

    def __init__(self, width: float, height: float, scale: float = 1.0) -> None:
        self.width, self.height, self.scale = width, height, scale
        size = (scale * width / POINTS_PER_INCH, scale * height / POINTS_PER_INCH)
        paper: Look = {"facecolor": style.PAPER, "edgecolor": "none"}
        self.figure: Figure = Drawing(figsize=size, dpi=POINTS_PER_INCH, **paper)
        unit = scale / POINTS_PER_INCH
        points = Affine2D().scale(unit, -unit).translate(0, size[1])
        self.points = points + self.figure.dpi_scale_trans

    def text(
        self,
        x: float,
        baseline: float,
        text: str,
        *,
        size: float = style.SMALL_SIZE,
        bold: bool = False,
        colour: str = style.INK,
        align: str = "left",
        room: float = math.inf,
        turned: bool = False,
        url: str = "",
        gid: str | None = None,
    ) -> None:
        """One line of text on its baseline, or turned to read upwards, shortened to its room."""
        if not text:
            return
        kind: Look = {"size": size * self.scale, "bold": bold, "turned": turned, "color": colour}
        kind["align"] = (align, "center_baseline" if turned else "baseline")
        mark = line_of_text(x, baseline, lettering.shorten(text, room, size, bold), **kind)
        mark.set_url(url or None)
        self._put(mark, ABOVE, gid)

    def lines(
        self, x: float, baseline: float, lines: Sequence[str], leading: float = LEADING, **kind: Any
    ) -> float:
        """Several lines below each other; returns the baseline of the line that would come next."""
        for text in lines:
            self.text(x, baseline, text, **kind)
            baseline += leading
        return baseline

    def line(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        *,
        colour: str = style.INK,
        thickness: float = 0.8,
        dashes: Sequence[float] | None = None,
        level: float = LINES,
        gid: str | None = None,
    ) -> None:
        """A line through points; `dashes` are on and off lengths in points, whatever its thickness."""
        mark = Line2D(xs, ys, color=colour, linewidth=thickness * self.scale, marker="")
        mark.set(solid_capstyle="butt", dash_capstyle="butt")
        if dashes:
            mark.set_dashes([length / thickness for length in dashes])
        self._put(mark, level, gid)

    def box(self, left: float, top: float, width: float, height: float, **kind: Any) -> None:
        """A rectangle from its upper left corner; `kind` as of `shape`."""
        self._fill(Rectangle((left, top), width, height), **kind)

    def dot(self, x: float, y: float, radius: float, **kind: Any) -> None:
        """A circle around a point; `kind` as of `shape`."""
        self._fill(Circle((x, y), radius), **kind)

    def shape(self, corners: Sequence[tuple[float, float]], **kind: Any) -> None:
        """A closed polygon; `kind`: its fill, and perhaps its edge, the thickness of that, level and gid."""
        self._fill(Polygon(corners, closed=True, joinstyle="miter"), **kind)

    def _fill(
        self,
        mark: Patch,
        *,
        fill: str,
        edge: str = "none",
        thickness: float = 0.8,
        level: float = MARKS,
        gid: str | None = None,
    ) -> None:
        mark.set(facecolor=fill, edgecolor=edge, linewidth=0 if edge == "none" else thickness * self.scale)
        self._put(mark, level, gid)

    def _put(self, mark: Artist, level: float, gid: str | None) -> None:
        mark.set_transform(self.points)
        mark.set_zorder(level)
        mark.set_gid(gid)
        self.figure.add_artist(mark)

    def panel(self, x: float, baseline: float, letter: str, text: str) -> None:
        """The letter and the heading of a panel."""
        self.text(x, baseline, letter, size=style.BODY_SIZE, bold=True)
        self.text(x + (12 if letter else 0), baseline, text, size=style.BODY_SIZE, bold=True)

    def axes(self, frame: Frame) -> Axes:
        """Axes at a place of the sheet."""
        left, top, right, bottom = frame
        across, down = (right - left) / self.width, (bottom - top) / self.height
        return self.figure.add_axes((left / self.width, 1 - bottom / self.height, across, down))


class Field(Artist):
    """A part of a sheet with scales of its own, and with those methods of `Axes` that most figures need.

    To make and draw `Axes` takes 5 ms even if nothing stands on them, most of it for what ticks might have.
    """

    def __init__(self, sheet: Sheet, frame: Frame, xlim: Span, ylim: Span) -> None:
        super().__init__()
        left, top, right, bottom = frame
        across, down = (right - left) / sheet.width, (bottom - top) / sheet.height
        place = Bbox.from_bounds(left / sheet.width, 1 - bottom / sheet.height, across, down)
        self.bbox = TransformedBbox(place, sheet.figure.transFigure)
        self.limits = Bbox([*zip(xlim, ylim, strict=True)])
        self.transAxes = BboxTransformTo(self.bbox)
        self.transData = BboxTransformFrom(self.limits) + self.transAxes
        self.sheet, self.marks = sheet, list[Artist]()
        sheet.figure.add_artist(self)

    def add_artist(self, mark: Artist) -> None:
        """Put a mark on the field, by its scales unless it has others, as far as it lies within."""
        if not mark.is_transform_set():
            mark.set_transform(self.transData)
        mark.set_clip_box(TransformedBbox(Bbox.unit(), self.transAxes))
        mark.set_figure(self.sheet.figure)
        self.marks.append(mark)

    def plot(self, xs: Any, ys: Any, marker: str = "", **look: Any) -> Line2D:
        """A line through points, or marks at them."""
        look = ({"linestyle": ""} if marker else {}) | look
        mark = Line2D(np.atleast_1d(xs), np.atleast_1d(ys), marker=marker, **look)
        self.add_artist(mark)
        return mark

    def scatter(self, xs: Any, ys: Any, s: Any, **look: Any) -> None:
        """Circles of so many square points around points."""
        offsets, circle = np.column_stack((xs, ys)), Path.unit_circle().transformed(Affine2D().scale(0.5))
        dots = PathCollection([circle], np.atleast_1d(s), offsets=offsets, **look)
        dots.set(transform=IdentityTransform(), offset_transform=self.transData)
        self.add_artist(dots)

    def axvline(self, x: float, **look: Any) -> None:
        """An upright line from edge to edge."""
        self.plot((x, x), (0, 1), transform=self.along("x"), **look)

    def axhline(self, y: float, **look: Any) -> None:
        """A level line from edge to edge."""
        self.plot((0, 1), (y, y), transform=self.along("y"), **look)

    def along(self, which: str) -> Transform:
        """One of its scales, and the other way from 0 at one edge to 1 at the other."""
        x, y = (self.transData if which == each else self.transAxes for each in "xy")
        return blended_transform_factory(x, y)

    def get_xlim(self) -> Span:
        """Where its scale across begins and ends."""
        return self.limits.x0, self.limits.x1

    def get_ylim(self) -> Span:
        """Where its scale upwards begins and ends."""
        return self.limits.y0, self.limits.y1

    def get_children(self) -> list[Artist]:
        """What stands on it."""
        return self.marks

    def get_window_extent(self, renderer: RendererBase | None = None) -> Bbox:
        """Where it lies, with what stands beside it: so that nothing of it is cut by a tight frame."""
        beside = [mark.get_window_extent(renderer) for mark in self.marks if not mark.get_clip_on()]
        return Bbox.union([self.bbox, *beside])

    def draw(self, renderer: RendererBase) -> None:
        """Draw what stands on it, from back to front."""
        if not self.get_visible():
            return
        renderer.open_group("axes")
        for mark in sorted(self.marks, key=Artist.get_zorder):
            mark.draw(renderer)
        renderer.close_group("axes")


class Plot(Field):
    """A field with axes along its bottom, `x`, and at its left, `y`."""

    def __init__(self, sheet: Sheet, frame: Frame) -> None:
        super().__init__(sheet, frame, (0, 1), (0, 1))
        kind: Look = {"facecolor": "none", "linewidth": 0, "clip_on": False, "zorder": -1.0}
        self.paper = Rectangle((0, 0), 1, 1, transform=self.transAxes, **kind)
        self.x, self.y = Edge(self, "x"), Edge(self, "y")
        for mark in (self.paper, self.x, self.y, self.y.line, self.x.line):
            self.add_artist(mark)


class Edge(Artist):
    """An axis of a plot as `Axes` draw theirs: a line, marks at ticks with labels, and a name beyond."""

    def __init__(self, plot: Plot, which: str) -> None:
        super().__init__()
        self.set(zorder=1.5, clip_on=False)
        self.plot, self.which = plot, which
        where = plot.along(which)
        mark: Look = {"marker": TICKDOWN if which == "x" else TICKLEFT, "markersize": TICK, "linestyle": ""}
        self.tick = Line2D((), (), transform=where, color=style.INK, markeredgewidth=0.8, **mark)
        look: Look = {"facecolor": "none", "edgecolor": style.INK, "linewidth": 0.8, "capstyle": "projecting"}
        ends = Path([self._spot(end, 0.0) for end in (0.0, 1.0)])
        self.line = PathPatch(ends, transform=plot.transAxes, clip_on=False, zorder=2.5, **look)
        away = self._spot(0.0, -(TICK + TO_LABEL) / POINTS_PER_INCH)
        self.beside = where + ScaledTranslation(*away, plot.sheet.figure.dpi_scale_trans)
        self.show((0, 1))

    def _spot(self, along: Any, off: Any) -> tuple[Any, Any]:
        """What is of x and what of y."""
        return (along, off) if self.which == "x" else (off, along)

    def show(
        self, limits: Span, ticks: Sequence[float] = (), labels: Sequence[str] = (), name: str = ""
    ) -> None:
        """The range of its scale, ticks within and their labels, and its name; ValueError for no range."""
        if not (all(map(math.isfinite, limits)) and limits[0] != limits[1]):
            raise ValueError(f"an axis from {limits[0]} to {limits[1]}: it must have two ends")
        setattr(self.plot.limits, f"interval{self.which}", limits)
        level = self.which == "x"
        look: Look = {"align": ("center", "top") if level else ("right", "center_baseline")}
        self.labels = [
            line_of_text(*self._spot(tick, 0.0), text, transform=self.beside, **look)
            for tick, text in zip(ticks, labels, strict=True)
        ]
        where = blended_transform_factory(*self._spot(self.plot.transAxes, IdentityTransform()))
        look = {"align": ("center", "top" if level else "bottom"), "turned": not level}
        self.name = line_of_text(0.5, 0.5, name, transform=where, **look)
        for text in self.get_children():
            text.set_figure(self.plot.sheet.figure)

    def get_children(self) -> list[Artist]:
        """Its texts."""
        return [*self.labels, self.name]

    def get_window_extent(self, renderer: RendererBase | None = None) -> Bbox:
        """Where its texts lie."""
        texts = (text.get_window_extent(renderer) for text in (*self.labels, self.name) if text.get_text())
        return Bbox.union([self.plot.bbox, *texts])

    def draw(self, renderer: RendererBase) -> None:
        """Draw marks and labels in turn, then the name as far off as the labels reach."""
        if not self.get_visible():
            return
        renderer.open_group("axis")
        for label in self.labels:
            renderer.open_group("tick")
            x, y = label.get_position()
            self.tick.set_data((x,), (y,))
            self.tick.draw(renderer)
            label.draw(renderer)
            renderer.close_group("tick")
        box, dots = self.plot.bbox, self.plot.sheet.figure.dpi / POINTS_PER_INCH
        sizes = [label.measured(renderer) for label in self.labels]
        reaches = [rise + fall if self.which == "x" else width for width, rise, fall in sizes]
        away = dots * (TO_NAME + (TICK + TO_LABEL if sizes else 0.0)) + max(reaches, default=0.0)
        self.name.set_position(self._spot(0.5, (box.y0 if self.which == "x" else box.x0) - away))
        self.name.draw(renderer)
        renderer.close_group("axis")


def headed(
    title: str, under: str, notes: Sequence[str], body: float, width: float = WIDTH
) -> tuple[Sheet, float]:
    """A sheet with a title, a line below it, `body` points of room, and notes; and where the body begins."""
    room = width - 2 * style.MARGIN
    heading = lettering.wrap(clean(title), room, style.TITLE_SIZE, True, 3)
    below = lettering.wrap(clean(under), room, lines=3)
    lines = [line for note in notes for line in lettering.wrap(clean(note), room)]
    top = style.MARGIN + TITLE_LEADING * len(heading) + LEADING * len(below) + 6
    foot = top + body + 10
    sheet = Sheet(width, foot + LEADING * len(lines) + style.MARGIN)
    y = style.MARGIN + 8.4
    y = sheet.lines(style.MARGIN, y, heading, TITLE_LEADING, size=style.TITLE_SIZE, bold=True)
    sheet.lines(style.MARGIN, y - 2, below, colour=style.MUTED)
    sheet.lines(style.MARGIN, foot + 6, lines, colour=style.MUTED)
    return sheet, top


def headed_record(
    record: Appraised, kind: str, notes: Sequence[str], body: float, width: float = WIDTH
) -> tuple[Sheet, float]:
    """The same for one analysis: its title, the kind of figure and what was measured."""
    return headed(record.title or record.analysis, f"{kind}. {subtitle(record)}", notes, body, width)


def value_name(record: Record) -> str:
    """The measure with its unit, as the name of an axis."""
    return f"{words.capital(words.measure_name(record.measure))}{unit_text(record)}"


def on_axis(record: Record, value: float) -> float:
    """A value of the natural scale where it lies on an axis: the logarithm of a ratio."""
    return scale(value, MEASURES[record.measure].ratio)


def scaled(record: Record, value: float) -> float:
    """A value of the natural scale on that of the analysis: as on an axis, but of one group's measures."""
    measure = MEASURES[record.measure]
    return measure.scaled(value) if measure.scale else on_axis(record, value)


def scaled_name(record: Record) -> str:
    """The measure as the name of an axis on the scale of the analysis, which of ratios is labelled back."""
    measure = MEASURES[record.measure]
    return f"{value_name(record)}, {measure.scale_name}" if measure.scale else value_name(record)


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


def show_axis(ax: Axes | Plot, axis: Axis, name: str = "", which: str = "x", room: float = 0.0) -> None:
    """Range, ticks, labels and name of a planned axis; a name longer than it (or `room`) is shortened."""
    ticks = [scale(tick, axis.logarithmic) for tick in axis.ticks]
    text = lettering.shorten(name, room or axis.right - axis.left + 24)
    if isinstance(ax, Plot):
        getattr(ax, which).show((axis.low, axis.high), ticks, axis.labels, text)
    else:
        ax.set(**{f"{which}lim": (axis.low, axis.high), f"{which}label": text})
        getattr(ax, f"set_{which}ticks")(ticks, axis.labels)


def show_range(
    ax: Axes | Plot, low: float, high: float, name: str = "", which: str = "x", *, measure: str = ""
) -> None:
    """Range, ticks and name of an axis that need no planning; `measure` where it shows effects."""
    length = ax.bbox.width if which == "x" else ax.bbox.height  # of 72 dots an inch: points
    logarithmic = bool(measure) and MEASURES[measure].ratio
    show_axis(ax, axis_over(low, high, logarithmic=logarithmic, left=0.0, right=length), name, which)


def draw_strokes(ax: Axes | Field, strokes: Iterable[tuple[float, float, float]], **look: Any) -> None:
    """Many upright strokes (x, from, to) as one line with gaps: one path in a file instead of hundreds."""
    points = [point for x, *ends in strokes for point in (*((x, end) for end in ends), (math.nan, math.nan))]
    xs, ys = zip(*points, strict=True) if points else ((), ())
    ax.add_artist(Line2D(xs, ys, snap=False, zorder=LINES, **look))


def draw_landmarks(
    ax: Axes | Field,
    record: Record,
    *,
    pooled: bool = True,
    which: str = "x",
    place: Callable[[Record, float], float] = on_axis,
) -> None:
    """Lines at no effect, at the MCID and, dotted, at the pooled estimate, where they are in range."""
    low, high = ax.get_xlim() if which == "x" else ax.get_ylim()
    measure = MEASURES[record.measure]
    line = ax.axvline if which == "x" else ax.axhline
    estimate = record.pooled.estimate if pooled and record.pooled else None
    for value, colour, dashes in (
        (measure.null if measure.has_null else None, style.INK, "-"),
        (mcid_threshold(record), style.BENEFIT_EDGE, DASHED),
        (estimate, style.POOLED, DOTTED),
    ):
        if value is not None and low < place(record, value) < high:
            line(place(record, value), color=colour, linestyle=dashes, linewidth=0.8, zorder=BEHIND)


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


def draw_lines(
    ax: Plot,
    measure: str,
    lines: Sequence[Line],
    ys: Sequence[float] | None = None,
    *,
    over: Sequence[Line] | None = None,
    landmarks: Iterable[float | None] = (),
    name: str = "",
    room: float = 0.0,
    **further: Any,
) -> Axis:
    """Estimates with their intervals, one below the other; arrows where an interval leaves the axis.

    The value axis, which is returned, suits the lines `over` (if None, those drawn) and always shows no
    effect and the `landmarks`; `further` intervals as of `view.axis.plan_axis`.
    """
    shown = lines if over is None else over
    axis = plan_axis(measure, [line.values for line in shown], landmarks, right=ax.bbox.width, **further)
    show_axis(ax, axis, name, room=room)
    ax.y.line.set_visible(False)
    if ys is None:
        ax.y.show((len(lines) - 0.5, -0.5))
    for y, line in zip(ys or range(len(lines)), lines, strict=True):
        _draw_line(ax, axis, line, y)
    return axis


def _draw_line(ax: Plot, axis: Axis, line: Line, y: float) -> None:
    estimate, *bounds = line.values
    if None not in bounds:
        _draw_interval(ax, axis, line, y)
    if estimate is not None and line.mark != "diamond" and not side(axis, estimate):
        fill, x = style.PAPER if line.hollow else line.colour, scale(estimate, axis.logarithmic)
        look: Look = {"markerfacecolor": fill, "markeredgecolor": line.colour, "markeredgewidth": 1.0}
        ax.plot(x, y, line.mark, markersize=5.2, zorder=MARKS, gid=line.gid, **look)


def _draw_interval(ax: Plot, axis: Axis, line: Line, y: float) -> None:
    far = FAR * (axis.high - axis.low)  # a ratio of zero lies at minus infinity
    estimate, *bounds = (
        math.nan if value is None else max(scale(value, axis.logarithmic), axis.low - far)
        for value in line.values
    )
    if line.mark == "diamond":
        bottom, top = ax.get_ylim()
        half = HALF_DIAMOND * (bottom - top) / ax.bbox.height  # of 72 dots an inch
        corners = ((bounds[0], y), (estimate, y - half), (bounds[1], y), (estimate, y + half))
        ax.add_artist(Polygon(corners, facecolor=line.colour, linewidth=0, zorder=MARKS, gid=line.gid))
    else:
        ax.plot(bounds, (y, y), color=line.colour, linewidth=1.0, zorder=LINES, gid="interval")
    for end, value, arrow in zip((axis.low, axis.high), line.values[1:], "<>", strict=True):
        if value is not None and side(axis, value) == (1 if arrow == ">" else -1):
            size = 7.6 if line.mark == "diamond" else 4.4
            ax.plot(end, y, arrow, markersize=size, color=line.colour, markeredgewidth=0, clip_on=False)


def print_lines(ax: Field, lines: Sequence[Line], measure: str, names: float, numbers: float) -> None:
    """Names left of the plot and estimates with intervals right of it, `names` and `numbers` points away."""
    for y, line in enumerate(lines):
        print_beside(ax, y, -names, clean(line.name), bold=line.bold, room=names - 6)
        print_beside(ax, y, numbers, result(measure, line.values), align="right")


def print_beside(
    ax: Axes | Field,
    y: float,
    x: float,
    text: str,
    *,
    size: float = style.SMALL_SIZE,
    bold: bool = False,
    align: str = "left",
    room: float = math.inf,
    **kind: Any,
) -> None:
    """Text at a height of the data, `x` points left (negative) or right of the plot."""
    text = lettering.shorten(text, room, size, bold)
    where = blended_transform_factory(ax.transAxes, ax.transData)
    kind = {"size": size, "bold": bold, "align": (align, "center_baseline")} | kind
    print_at(ax, (0.0 if x < 0 else 1.0, y), (x, 0.0), text, where, **kind)


def print_at(
    ax: Axes | Field, spot: Span, away: Span, text: str, where: Transform | None = None, **kind: Any
) -> None:
    """Text some points `away` from a spot of the data, or of `where` else."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    across, up = (points / POINTS_PER_INCH for points in away)
    apart = ScaledTranslation(across, up, figure.dpi_scale_trans)
    ax.add_artist(line_of_text(*spot, text, transform=(where or ax.transData) + apart, clip_on=False, **kind))


def result(measure: str, values: Values) -> str:
    """An estimate with its interval, as it stands beside a plot."""
    estimate, low, high = words.format_values(measure, values)
    return estimate if None in values[1:] else f"{estimate} ({low} to {high})"


def values_of(row: Any, whose: str = "") -> Values:
    """Estimate and interval of anything that has them; `whose` begins the names of its fields."""
    estimate, low, high = (getattr(row, f"{whose}{name}") for name in ("estimate", "ci_low", "ci_high"))
    return estimate, low, high


LIGHT = 5.6  # radius of a light in points
NOT_JUDGED = "not-judged"
SIGNS = {  # of a judgement of risk of bias: colour, and sign that keeps them apart in grey print too
    "low": (style.LOW_RISK, "+"),
    "some-concerns": (style.SOME_RISK, "−"),
    "unclear": (style.SOME_RISK, "?"),
    "high": (style.HIGH_RISK, "×"),
}
MORE_SIGNS = {  # those of ROBINS-I
    "moderate": (style.SOME_RISK, "−"),
    "serious": (style.HIGH_RISK, "×"),
    "critical": (style.CRITICAL_RISK, "!"),
    "no-information": (style.MUTED, "?"),
}


def draw_light(sheet: Sheet, x: float, y: float, radius: float, judgement: str) -> None:
    """One judgement around a point: a filled circle with its sign, an empty ring where nobody judged."""
    if judgement == NOT_JUDGED:
        sheet.dot(x, y, radius, fill=style.PAPER, edge=style.RULE)
        return
    fill, sign = (SIGNS | MORE_SIGNS).get(judgement, SIGNS["unclear"])
    sheet.dot(x, y, radius, fill=fill)
    colour = style.INK if fill == style.SOME_RISK else "#ffffff"
    size = style.SMALL_SIZE * min(1.0, radius / LIGHT + 0.1)
    sheet.text(x, y + 0.37 * size, sign, size=size, bold=True, colour=colour, align="center")
