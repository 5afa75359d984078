"""A figure as a sheet measured in points from its upper left corner, and the marks put on it.

Everything stands where arithmetic put it: no axes, no layout engine, hence fast and never clipped by one.
Every text is set with `parse_math=False`, because labels are untrusted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Patch, Polygon, Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Transform

from trialpool.figures import style

POINTS_PER_INCH = 72.0
BACK, BAND, LINE, MARK, WORDS = 0.5, 1.0, 2.0, 3.0, 4.0
Mark = TypeVar("Mark", bound=Artist)
Filled = TypeVar("Filled", bound=Patch)
BEFORE = {"left": 0.0, "center": 0.5, "right": 1.0}  # share of the width that lies left of the anchor
MOST_WIDTHS = 16384
_WIDTHS: dict[tuple[object, ...], float] = {}


class LineOfText(Text):
    """A `Text` of one line on its baseline, plain: no mathematics, box, clipping or effects.

    matplotlib measures the height and width of every text at every drawing, so three times a figure, to find
    where the lines of a turned block of any alignment begin. One line on its baseline begins where it stands,
    or further left by its width or half of it: most texts need no measuring at all. Shaping letters is what
    takes the time of a figure, and this leaves half of it. Only what backends offer to every artist is used.
    (It inherits because matplotlib draws nothing but artists, and SVG asks a text where it is anchored.)

    Turned text, and what has no place, is left to `Text`.

    >>> LineOfText(0, 0, "τ²", parse_math=False).get_text()
    'τ²'
    """

    def draw(self, renderer: RendererBase) -> None:
        """Draw the line as `Text.draw` would, without its layout."""
        x, y = self.get_transform().transform(self.get_position())
        if self.get_rotation() or not (math.isfinite(x) and math.isfinite(y)):
            super().draw(renderer)
            return
        renderer.open_group("text", self.get_gid())
        x -= self._before(renderer)
        y = renderer.get_canvas_width_height()[1] - y if renderer.flipy() else y
        look = renderer.new_gc()
        look.set_foreground(to_rgba(self.get_color()), isRGBA=True)
        look.set_url(self.get_url())
        look.set_antialiased(self.get_antialiased())
        renderer.draw_text(look, x, y, self.get_text(), self.get_fontproperties(), 0.0, False, self)
        look.restore()
        renderer.close_group("text")

    def _before(self, renderer: RendererBase) -> float:
        """How far left of its anchor the line begins; widths are kept, for ticks and counts come back often.

        They differ between formats by rounding. The canvas tells these apart, the renderer does not: SVG and
        PDF both draw through a `MixedModeRenderer`.
        """
        share = BEFORE[self.get_horizontalalignment()]
        if not share:
            return 0.0
        text, font, figure = self.get_text(), self.get_fontproperties(), self.get_figure(root=True)
        if figure is None:
            return 0.0
        kind = (type(figure.canvas), figure.dpi, text, font.get_size(), font.get_weight())
        if kind not in _WIDTHS:
            if len(_WIDTHS) >= MOST_WIDTHS:
                _WIDTHS.clear()
            _WIDTHS[kind] = renderer.get_text_width_height_descent(text, font, ismath=False)[0]
        return share * _WIDTHS[kind]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A figure of `width` × `height` points; y grows downwards."""

    figure: Figure
    width: float
    height: float
    points: Transform


def new_sheet(width: float, height: float) -> Sheet:
    """An empty sheet of the given size in points.

    >>> new_sheet(144, 72).figure.get_size_inches().tolist()
    [2.0, 1.0]
    """
    size = (width / POINTS_PER_INCH, height / POINTS_PER_INCH)
    figure = Figure(figsize=size, dpi=POINTS_PER_INCH, facecolor=style.PAPER, edgecolor="none")
    points = Affine2D().scale(1 / POINTS_PER_INCH, -1 / POINTS_PER_INCH).translate(0, size[1])
    return Sheet(figure, width, height, points + figure.dpi_scale_trans)


def put_text(
    sheet: Sheet,
    x: float,
    baseline: float,
    text: str,
    *,
    size: float = style.BODY_SIZE,
    bold: bool = False,
    colour: str = style.INK,
    align: str = "left",
    turned: bool = False,
    url: str = "",
    gid: str | None = None,
) -> LineOfText | None:
    """One line of text on its baseline, or turned to read upwards; nothing for empty text.

    >>> put_text(new_sheet(100, 50), 10, 20, "τ²").get_text()
    'τ²'
    """
    if not text:
        return None
    mark = LineOfText(
        x,
        baseline,
        text,
        color=colour,
        fontproperties=style.font(size, bold),
        horizontalalignment=align,  # type: ignore[arg-type]
        verticalalignment="center_baseline" if turned else "baseline",
        rotation=90 if turned else 0,
        rotation_mode="anchor",
        parse_math=False,
    )
    mark.set_url(url or None)
    return _put(sheet, mark, WORDS, gid)


def put_lines(
    sheet: Sheet, x: float, baseline: float, lines: Sequence[str], leading: float, **kind: Any
) -> float:
    """Several lines below each other; returns the baseline of the line that would come next.

    >>> put_lines(new_sheet(100, 50), 10, 20, ["a", "b"], 9.0)
    38.0
    """
    for text in lines:
        put_text(sheet, x, baseline, text, **kind)
        baseline += leading
    return baseline


def put_line(
    sheet: Sheet,
    xs: Sequence[float],
    ys: Sequence[float],
    *,
    colour: str = style.INK,
    thickness: float = 0.8,
    dashes: Sequence[float] | None = None,
    level: float = LINE,
    gid: str | None = None,
) -> Line2D:
    """A line through points; `dashes` are on and off lengths in points.

    >>> put_line(new_sheet(100, 50), [0, 100], [25, 25]).get_linewidth()
    0.8
    """
    mark = Line2D(xs, ys, color=colour, linewidth=thickness, marker="")
    mark.set(solid_capstyle="butt", dash_capstyle="butt")
    if dashes:  # lengths in points, whatever the thickness of the line
        mark.set_dashes([length / thickness for length in dashes])
    return _put(sheet, mark, level, gid)


def put_box(
    sheet: Sheet, left: float, top: float, width: float, height: float, *, fill: str, **kind: Any
) -> Rectangle:
    """A rectangle from its upper left corner; `kind` as of `put_shape`.

    >>> put_box(new_sheet(100, 50), 10, 10, 5, 5, fill=style.STUDY).get_width()
    5
    """
    return _fill(sheet, Rectangle((left, top), width, height), fill, **kind)


def put_dot(sheet: Sheet, x: float, y: float, radius: float, *, fill: str, **kind: Any) -> Circle:
    """A circle around a point; `kind` as of `put_shape`.

    >>> float(put_dot(new_sheet(9, 9), 4, 4, 2, fill=style.STUDY).get_radius())
    2.0
    """
    return _fill(sheet, Circle((x, y), radius), fill, **kind)


def put_shape(sheet: Sheet, corners: Sequence[tuple[float, float]], *, fill: str, **kind: Any) -> Polygon:
    """A closed polygon; `kind` may name its edge, the thickness of that, its level and its gid.

    >>> put_shape(new_sheet(9, 9), [(0, 0), (4, 0), (2, 3)], fill=style.POOLED).get_xy().shape
    (4, 2)
    """
    return _fill(sheet, Polygon(corners, closed=True, joinstyle="miter"), fill, **kind)


def _fill(
    sheet: Sheet,
    mark: Filled,
    fill: str,
    *,
    edge: str = "none",
    thickness: float = 0.8,
    level: float = MARK,
    gid: str | None = None,
) -> Filled:
    """Put a closed mark on the sheet, with its colours."""
    mark.set(facecolor=fill, edgecolor=edge, linewidth=0 if edge == "none" else thickness)
    return _put(sheet, mark, level, gid)


def _put(sheet: Sheet, mark: Mark, level: float, gid: str | None) -> Mark:
    mark.set_transform(sheet.points)
    mark.set_zorder(level)
    mark.set_gid(gid)
    sheet.figure.add_artist(mark)
    return mark
