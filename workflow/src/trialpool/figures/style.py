"""One visual language for every figure: colours, sizes and the font, and nothing that draws.

The colours are those of `view.colours`, whose twins for dark pages `svg` writes into the file. The only font
is DejaVu Sans, because matplotlib ships it: the same glyphs on every machine, Greek and accents included.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from matplotlib.font_manager import FontProperties

from trialpool.view.colours import (
    BENEFIT as BENEFIT,
)
from trialpool.view.colours import (
    BENEFIT_EDGE as BENEFIT_EDGE,
)
from trialpool.view.colours import (
    CONTOURS as CONTOURS,
)
from trialpool.view.colours import (
    DARK as DARK,
)
from trialpool.view.colours import (
    HAIRLINE as HAIRLINE,
)
from trialpool.view.colours import (
    HIGH_RISK as HIGH_RISK,
)
from trialpool.view.colours import (
    INK as INK,
)
from trialpool.view.colours import (
    JAMA_BLUE as JAMA_BLUE,
)
from trialpool.view.colours import (
    LOW_RISK as LOW_RISK,
)
from trialpool.view.colours import (
    MUTED as MUTED,
)
from trialpool.view.colours import (
    PAPER as PAPER,
)
from trialpool.view.colours import (
    POOLED as POOLED,
)
from trialpool.view.colours import (
    POOLED_LIGHT as POOLED_LIGHT,
)
from trialpool.view.colours import (
    REVMAN_BLUE as REVMAN_BLUE,
)
from trialpool.view.colours import (
    REVMAN_GREEN as REVMAN_GREEN,
)
from trialpool.view.colours import (
    RULE as RULE,
)
from trialpool.view.colours import (
    SOME_RISK as SOME_RISK,
)
from trialpool.view.colours import (
    STUDY as STUDY,
)
from trialpool.view.colours import (
    STUDY_LIGHT as STUDY_LIGHT,
)

FONT = "DejaVu Sans"
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

    `columns` names the blocks from left to right (study, arms, plot, effect, weight, bias), `arms` and
    `events` the columns of an arm with means and with counts; `around` are the texts before, between and
    after the bounds of an interval; `spread` how it is written; `directions` where their words stand (below,
    above); `bias` what stands of the risk of bias beside a trial (none, worst, domains).
    """

    name: str
    columns: tuple[str, ...] = ("study", "arms", "plot", "effect", "weight", "bias")
    arms: tuple[str, ...] = ("received", "n", "value", "spread")
    events: tuple[str, ...] = ("received", "value", "spread")
    titles: tuple[tuple[str, str], ...] = ()
    around: tuple[str, str, str] = ("(", " to ", ")")
    spread: str = "± {}"
    total: str = "{model}: {size}"
    study: str = STUDY
    study_events: str = STUDY
    pooled: str = POOLED
    directions: str = "below"
    outcome: bool = True
    band: bool = True
    pooled_line: bool = True
    head_fill: str | None = None
    bias: str = "worst"


DEFAULT = Preset(name="default")
REVMAN = Preset(
    name="revman",
    columns=("study", "arms", "weight", "effect", "plot", "bias"),
    arms=("value", "sd", "n"),
    events=("value", "n"),
    titles=(("study", "Study or subgroup"), ("n", "Total"), ("value", "Mean"), ("counts", "Events")),
    around=("[", ", ", "]"),
    total="Total ({level} CI)",
    study=REVMAN_GREEN,
    study_events=REVMAN_BLUE,
    pooled=INK,
    outcome=False,
    pooled_line=False,
    bias="domains",
)
JAMA = Preset(
    name="jama",
    arms=("n", "value", "spread"),
    events=("value", "spread"),
    titles=(("study", "Source"), ("n", "No."), ("value", "Mean (SD)"), ("counts", "No./total")),
    spread="({})",
    total="Total",
    study=JAMA_BLUE,
    study_events=JAMA_BLUE,
    pooled=JAMA_BLUE,
    directions="above",
    pooled_line=False,
    head_fill=HAIRLINE,
    bias="none",
)
PRESETS = {preset.name: preset for preset in (DEFAULT, REVMAN, JAMA)}


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
