"""The drapery plot: the p-value function of every trial and of the pooled effect, as curtains from one rail.

Where a curve passes a height lies the bound of the interval of that confidence (Rücker & Schwarzer 2021, Res
Synth Methods 12: 110-121), so that no level, 95% or another, has to be chosen.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from trialpool import text as words
from trialpool.figures import canvas, lettering, style
from trialpool.figures.canvas import NULL, Look, Sheet
from trialpool.figures.notes import notes
from trialpool.records import Record
from trialpool.stats.checks import Floats
from trialpool.view.read import Appraised

WIDTH, HEIGHT = 372.0, 216.0
LEFT, RIGHT = 50.0, 318.0
POINTS = 801
CROWDED = 40  # trials, from which on their curves are drawn thinner
LEVELS = (0.01, 0.05, 0.1, 0.5)


class Curtain(NamedTuple):
    """A p-value function on the analysis scale: its top, spread and degrees of freedom."""

    name: str
    estimate: float
    se: float
    df: float
    colour: str

    def at(self, x: Floats) -> Floats:
        """The p-value of the hypothesis that the effect is x."""
        z = -np.abs(x - self.estimate) / self.se
        return np.asarray(2 * (ndtr(z) if math.isinf(self.df) else stdtr(self.df, z)))


@canvas.styled
def draw_drapery(record: Appraised) -> Figure:
    """The drapery plot of a pooled record; a ValueError for a record without a pooled estimate.

    Thin curves are the trials', thick ones those of the random-effects model with its own quantiles and of
    the common effect; the rail at the right says what confidence a height is.
    """
    sheet, top = canvas.headed_record(
        record, "Drapery plot", notes("drapery_notes", record), HEIGHT + 48, WIDTH
    )
    ax = sheet.axes((LEFT, top + 2, RIGHT, top + 2 + HEIGHT))
    models = curtains(record)
    effects = [study.effect for study in record.studies]
    spreads = [math.sqrt(study.variance) for study in record.studies]
    middle = float(np.median(spreads))
    reach = [NULL, *(effect + side * 1.5 * middle for effect in effects for side in (-1, 1))]
    reach += [model.estimate + side * 2.5 * model.se for model in models for side in (-1, 1)]
    low, high = canvas.roomy(reach, 0.05)
    x = np.linspace(low, high, POINTS)
    canvas.show_range(ax, low, high, canvas.value_name(record), measure=record.measure)
    ax.set(ylim=(0.0, 1.0), ylabel="p-value", yticks=[0, 0.2, 0.4, 0.6, 0.8, 1.0])
    for p in LEVELS:
        ax.axhline(p, color=style.HAIRLINE, linewidth=0.8, zorder=canvas.BELOW, gid="level")
    thin: Look = {"color": style.RULE, "zorder": canvas.BEHIND}
    thin["linewidth"] = 0.7 * min(1.0, math.sqrt(CROWDED / len(effects)))
    for effect, spread in zip(effects, spreads, strict=True):
        _draw(ax, x, Curtain("trial", effect, spread, math.inf, style.RULE), thin)
    ax.axvline(NULL, color=style.INK, linewidth=0.8, zorder=canvas.BEHIND, gid="no-effect")
    for model in reversed(models):
        _draw(ax, x, model, {"color": model.colour, "linewidth": 1.8, "zorder": canvas.MARKS})
    right = ax.secondary_yaxis("right")
    right.set_yticks(LEVELS, [words.percent(1 - p) for p in LEVELS])
    right.set_ylabel("Confidence of the interval")
    _draw_key(sheet, models, top + HEIGHT + 42)
    return sheet.figure


def _draw(ax: Axes, x: Floats, curtain: Curtain, look: Look) -> None:
    """A curve, with its top among its points."""
    points = np.sort(np.append(x, np.clip(curtain.estimate, x[0], x[-1])))
    ax.plot(points, curtain.at(points), gid=curtain.name, **look)


def curtains(record: Record) -> list[Curtain]:
    """The models of a pooled record that have a p-value function, that of random effects first."""
    pooled, level = canvas.pooled_of(record), record.methods.level
    tail, found = (1 + level) / 2, []

    def model(name: str, values: tuple[float | None, ...], df: float, colour: str) -> None:
        estimate, low, high = values
        if estimate is not None and low is not None and high is not None:
            reach = float(ndtri(tail) if math.isinf(df) else stdtrit(df, tail))
            ends = [canvas.on_axis(record, bound) for bound in (estimate, low, high)]
            found.append(Curtain(name, ends[0], (ends[2] - ends[1]) / 2 / reach, df, colour))

    df = max(len(record.studies) - 1, 1)
    model("Random effects", (pooled.random_estimate, pooled.hksj_low, pooled.hksj_high), df, style.POOLED)
    common = (pooled.common_estimate, pooled.common_low, pooled.common_high)
    model("Common effect", common, math.inf, style.STUDY)
    if not found:  # effects that depend on each other, or pooled as counts
        own = math.inf if pooled.df is None else pooled.df
        model("Pooled effect", (pooled.estimate, pooled.ci_low, pooled.ci_high), own, style.POOLED)
    return found


def _draw_key(sheet: Sheet, models: list[Curtain], y: float) -> None:
    x = style.MARGIN
    for name, colour, thickness in (*((m.name, m.colour, 1.8) for m in models), ("Trials", style.RULE, 0.7)):
        sheet.line((x, x + 18), (y + 3, y + 3), colour=colour, thickness=thickness)
        sheet.text(x + 23, y + 6, name, colour=style.MUTED)
        x += 23 + lettering.width(name) + 14
