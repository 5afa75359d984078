"""One visual language for every figure: colours, sizes and the font, and nothing that draws.

The colours are those of `view.colours`, whose twins for dark pages `svg` writes into the file. The only font
is DejaVu Sans, because matplotlib ships it: the same glyphs on every machine, Greek and accents included.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib
from matplotlib.font_manager import FontProperties

from trialpool.view.colours import *  # noqa: F403 (every colour is part of the style)
from trialpool.view.colours import INK, MUTED

FONT = "DejaVu Sans"
TITLE_SIZE = 10.5
BODY_SIZE = 8.0
SMALL_SIZE = 7.0
MARK_SIZE = 5.6
MARGIN = 12.0

# Of figures and of the files they become, in matplotlib's own form; the colours of ink are added here.
STYLE = matplotlib.rc_params_from_file(
    Path(__file__).with_name("figures.mplstyle"), use_default_template=False
)
STYLE["axes.edgecolor"] = STYLE["axes.labelcolor"] = STYLE["text.color"] = INK
STYLE["xtick.color"] = STYLE["ytick.color"] = INK
STYLE["legend.labelcolor"] = MUTED


@cache
def font(size: float, bold: bool = False) -> FontProperties:
    """The font at a size in points."""
    return FontProperties(family=FONT, size=size, weight="bold" if bold else "normal")
