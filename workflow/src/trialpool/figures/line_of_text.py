"""A line of text that is drawn where it stands, without being laid out as a paragraph first.

matplotlib measures the height and width of every text at every drawing, so three times a figure, to find
where the lines of a turned block of any alignment begin. One line on its baseline begins where it stands, or
further left by its width or half of it: most texts need no measuring at all. Shaping letters is what takes
the time of a figure, and this leaves half of it. Only what backends offer to every artist is used. The class
inherits because matplotlib draws nothing but artists, and its SVG backend asks a text where it is anchored.
"""

from __future__ import annotations

import math

from matplotlib.backend_bases import RendererBase
from matplotlib.colors import to_rgba
from matplotlib.text import Text

BEFORE = {"left": 0.0, "center": 0.5, "right": 1.0}  # share of the width that lies left of the anchor
MOST_WIDTHS = 16384
_WIDTHS: dict[tuple[object, ...], float] = {}


class LineOfText(Text):
    """A `Text` of one line on its baseline, plain: no mathematics, box, clipping or effects.

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
        kind = (type(figure.canvas), figure.dpi, text, font.get_size(), font.get_weight())
        if kind not in _WIDTHS:
            if len(_WIDTHS) >= MOST_WIDTHS:
                _WIDTHS.clear()
            _WIDTHS[kind] = renderer.get_text_width_height_descent(text, font, ismath=False)[0]
        return share * _WIDTHS[kind]
