"""One visual language for every figure: colours, sizes and the font, and nothing that draws.

The colours are those of `view.colours`, whose twins for dark pages `svg` writes into the file. The only font
is DejaVu Sans, because matplotlib ships it: the same glyphs on every machine, Greek and accents included.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from matplotlib.font_manager import FontProperties

from trialpool.view.colours import *  # noqa: F403 (every colour is part of the style)
from trialpool.view.colours import INK, MUTED

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

FONT = "DejaVu Sans"
TITLE_SIZE = 10.5
BODY_SIZE = 8.0
SMALL_SIZE = 7.0
MARK_SIZE = 5.6
MARGIN = 12.0

RENDERING: dict[RcKeyType, Any] = {
    "font.family": [FONT],
    "text.usetex": False,
    "text.parse_math": False,
    "text.hinting": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "trialpool",
    "svg.image_inline": True,
    "pdf.fonttype": 3,
    "pdf.compression": 6,
    "path.simplify": True,
    "path.sketch": None,
    "path.effects": [],
}
AXES: dict[RcKeyType, Any] = RENDERING | {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.labelpad": 3.0,
    "axes.labelsize": SMALL_SIZE,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": SMALL_SIZE,
    "legend.fontsize": SMALL_SIZE,
    "legend.frameon": False,
    "legend.labelcolor": MUTED,
    "lines.dash_capstyle": "butt",
    "lines.scale_dashes": False,
    "lines.solid_capstyle": "butt",
    "text.color": INK,
    "xtick.color": INK,
    "xtick.labelsize": SMALL_SIZE,
    "xtick.major.pad": 2.5,
    "xtick.major.size": 3.0,
    "xtick.major.width": 0.8,
    "ytick.color": INK,
    "ytick.labelsize": SMALL_SIZE,
    "ytick.major.pad": 2.5,
    "ytick.major.size": 3.0,
    "ytick.major.width": 0.8,
}


@cache
def font(size: float, bold: bool = False) -> FontProperties:
    """The font at a size in points.

    >>> font(8.0).get_size_in_points()
    8.0
    """
    return FontProperties(family=FONT, size=size, weight="bold" if bold else "normal")
