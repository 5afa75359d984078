"""The radial (Galbraith) plot: standardised effects against precision, as rays from one point.

A trial's effect is the slope of the ray to it (Galbraith 1988); the scale at the right reads it off. Trials
off the band are those that the pooled effect does not explain.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import canvas, style
from trialpool.figures.canvas import Look
from trialpool.figures.notes import notes
from trialpool.measures import MEASURES
from trialpool.records import Record
from trialpool.stats.checks import Floats
from trialpool.view.axis import axis_over
from trialpool.view.read import Appraised

WIDTH, HEIGHT = 372.0, 216.0
LEFT, RIGHT = 50.0, 308.0
Z95 = 1.959963984540054
SCALE = 1.04  # where the scale of effects stands, in widths of the trials


@canvas.styled
def draw_radial(record: Appraised) -> Figure:
    """The radial plot of a pooled record; a ValueError for a record without a pooled estimate.

    Every trial is a dot at 1/√(v + τ²) and its effect over √(v + τ²), both on the analysis scale, v being
    its variance and τ² that between trials (0 where a model has none): R's metafor has the same.
    """
    estimate = canvas.scaled(record, canvas.pooled_of(record).estimate or MEASURES[record.measure].null)
    sheet, top = canvas.headed_record(
        record, "Radial (Galbraith) plot", notes("radial_notes", record), HEIGHT + 34, WIDTH
    )
    ax = sheet.axes((LEFT, top + 2, RIGHT, top + 2 + HEIGHT))
    x, z = places(record)
    end = SCALE * float(x.max())
    reach = [0.0, *(value + side * Z95 for value in (*z, estimate * end) for side in (-0.3, 0.3)), Z95, -Z95]
    canvas.show_range(ax, 0.0, end, "Precision: 1/√(v + τ²)")
    canvas.show_range(ax, *canvas.roomy(reach, 0.04), "Effect/√(v + τ²)", "y")
    ends = np.array([0.0, end])
    ax.plot(ends, 0 * ends, color=style.INK, linewidth=0.8, zorder=canvas.BEHIND, gid="no-effect")
    guide: Look = {"color": style.POOLED, "zorder": canvas.BEHIND}
    ax.plot(ends, estimate * ends, linestyle=canvas.DASHED, linewidth=1.0, gid="pooled", **guide)
    for side in (-Z95, Z95):
        limit = estimate * ends + side
        ax.plot(ends, limit, linestyle=canvas.DOTTED, linewidth=0.8, gid="limit", **guide)
    for hollow in (False, True):
        at = [study.imputed == hollow for study in record.studies]
        fill, edge = (style.PAPER, style.STUDY) if hollow else (style.STUDY, style.PAPER)
        look: Look = {"facecolor": fill, "edgecolor": edge, "linewidth": 1.0 if hollow else 0.6, "s": 30}
        ax.scatter(x[at], z[at], zorder=canvas.MARKS, gid="imputed" if hollow else "trials", **look)
    _draw_scale(ax, record, end)
    return sheet.figure


def places(record: Record) -> tuple[Floats, Floats]:
    """Where every trial lies: precision and standardised effect, each (k,)."""
    tau2 = (record.pooled.tau2 if record.pooled else None) or 0.0
    errors = np.array([math.sqrt(study.variance + tau2) for study in record.studies])
    return 1 / errors, np.array([study.effect for study in record.studies]) / errors


def _draw_scale(ax: Axes, record: Record, end: float) -> None:
    """Effects as a reader knows them, at the height at which their rays end."""
    low, high = (height / end for height in ax.get_ylim())
    ratio = MEASURES[record.measure].ratio
    planned = axis_over(low, high, logarithmic=ratio, left=0.0, right=ax.bbox.height)
    functions: Any = (lambda height: height / end, lambda effect: effect * end)
    right = ax.secondary_yaxis("right", functions=functions)
    right.set_yticks([canvas.on_axis(record, tick) for tick in planned.ticks], planned.labels)
    name, on = words.capital(words.measure_name(record.measure)), MEASURES[record.measure]
    right.set_ylabel(f"{name}, {on.scale_name}" if on.scale else name)
