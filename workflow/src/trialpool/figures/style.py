"""One visual language for every figure: colours, sizes and the font, and nothing that draws.

Colours keep apart for the three common colour-vision deficiencies and in grey print, and shape always says
what colour says. Each has a twin for dark pages, which `svg` writes into the file. The only font is DejaVu
Sans, because matplotlib ships it: the same glyphs on every machine, Greek and accents included.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from matplotlib.font_manager import FontProperties

FONT = "DejaVu Sans"
INK = "#1b2026"
MUTED = "#59626c"
RULE = "#aab2bb"
HAIRLINE = "#e1e5e9"
PAPER = "#ffffff"
STUDY = "#2b6396"
STUDY_LIGHT = "#9dbdd9"
POOLED = "#b8470f"
POOLED_LIGHT = "#f0c5a8"
BENEFIT = "#e2f0ea"
BENEFIT_EDGE = "#2c7a63"
CONTOURS = ("#eef1f4", "#dbe1e7", "#c3ccd5")
LOW_RISK, SOME_RISK, HIGH_RISK = "#2c7a63", "#d9a400", "#a3262b"

DARK = {
    INK: "#e8ecf0",
    MUTED: "#a5afb9",
    RULE: "#66717c",
    HAIRLINE: "#2c343c",
    PAPER: "#14191e",
    STUDY: "#7fb2df",
    STUDY_LIGHT: "#3d6485",
    POOLED: "#f08c4f",
    POOLED_LIGHT: "#7a4526",
    BENEFIT: "#1c332c",
    BENEFIT_EDGE: "#74c4aa",
    CONTOURS[0]: "#1d242b",
    CONTOURS[1]: "#28313a",
    CONTOURS[2]: "#36424d",
    SOME_RISK: "#e6b93a",
    HIGH_RISK: "#e2777b",
}

TITLE_SIZE = 10.5
BODY_SIZE = 8.0
SMALL_SIZE = 7.0
MARK_SIZE = 5.6
MARGIN = 12.0

RENDERING: dict[str, Any] = {
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


@dataclass(frozen=True, slots=True)
class Preset:
    """What distinguishes one house style of forest plots from another.

    `columns` names the blocks from left to right ("study", "arms", "plot", "effect", "weight");
    `opening`, `joint` and `closing` are put around the bounds of an interval.
    """

    name: str
    columns: tuple[str, ...]
    study: str
    study_edge: str
    pooled: str
    prediction: str
    opening: str = "("
    joint: str = " to "
    closing: str = ")"
    received: bool = True
    band: bool = True
    pooled_line: bool = True
    heading_fill: str | None = None
    capitals: bool = False


DEFAULT = Preset(
    name="default",
    columns=("study", "arms", "plot", "effect", "weight"),
    study=STUDY,
    study_edge=STUDY,
    pooled=POOLED,
    prediction=POOLED,
)
PRESETS = {"default": DEFAULT}


def preset_named(name: str) -> Preset:
    """The preset of that name; a ValueError names the known ones.

    >>> preset_named("default").columns[0]
    'study'
    """
    if name not in PRESETS:
        raise ValueError(f"preset {name!r} is not one of: {', '.join(PRESETS)}")
    return PRESETS[name]


@cache
def font(size: float, bold: bool = False) -> FontProperties:
    """The font at a size in points.

    >>> font(8.0).get_size_in_points()
    8.0
    """
    return FontProperties(family=FONT, size=size, weight="bold" if bold else "normal")
