"""The orchard plot: all effects as a swarm sized by their precision, pooled effect and intervals amid it.

A thick line is the confidence interval of a group's mean, a thin one the prediction interval (Nakagawa et al.
2021, Res Synth Methods 12: 4-12): with many trials it shows what a forest plot is too long to show.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import canvas, lettering, style
from trialpool.figures.canvas import NULL, Look
from trialpool.figures.notes import notes
from trialpool.records import Pooled, Record, Study, group_of
from trialpool.view.forest_table import OTHER
from trialpool.view.read import Appraised

WIDTH, ROW, LEFT, RIGHT = 420.0, 66.0, 108.0, 404.0
CLEAR = 4.0  # of a circle from the lines in the middle of its row
LARGEST = 6.0  # radius of a trial in points
LEAST = 1 / 3  # of the largest, which the smallest circle has
CROWDED = 20  # trials of a group, from which on circles are smaller
Group = tuple[str, Pooled, Sequence[Study]]


@canvas.styled
def draw_orchard(record: Appraised) -> Figure:
    """The orchard plot of a pooled record, a row a subgroup or one of all; ValueError without a pooled one.

    A circle is an effect, its radius in proportion to 1/√v, but not under a third of the largest; the scale
    is one of all groups. It is hollow where it rests on an imputed number.
    """
    groups = groups_of(record)
    height = ROW * len(groups)
    sheet, top = canvas.headed_record(
        record, "Orchard plot", notes("orchard_notes", record), height + 34, WIDTH
    )
    ax = sheet.axes((LEFT, top + 2, RIGHT, top + 2 + height))
    ends = [
        canvas.on_axis(record, bound)
        for _, pooled, _ in groups
        for bound in (pooled.ci_low, pooled.ci_high, pooled.pi_low, pooled.pi_high)
        if bound is not None
    ]
    low, high = canvas.roomy([NULL, *ends, *(study.effect for study in record.studies)], 0.04)
    canvas.show_range(ax, low, high, canvas.value_name(record), measure=record.measure)
    ax.set(ylim=(height, 0.0), yticks=[])
    ax.axvline(NULL, color=style.INK, linewidth=0.8, zorder=canvas.BEHIND, gid="no-effect")
    most = max(study.variance**-0.5 for study in record.studies)
    largest = LARGEST * min(1.0, math.sqrt(CROWDED / max(len(studies) for *_, studies in groups)))
    scale = (RIGHT - LEFT) / (high - low)
    for at, (name, pooled, studies) in enumerate(groups):
        middle = ROW * (at + 0.5)
        radii = [largest * max(study.variance**-0.5 / most, LEAST) for study in studies]
        _draw_swarm(ax, studies, radii, middle, scale)
        _draw_mean(ax, record, pooled, middle)
        lines = [*lettering.wrap(name, LEFT - style.MARGIN - 10), words.count(len(studies), "effect")]
        for line, text in enumerate(lines):
            y = top + 2 + middle + 11 * (line - (len(lines) - 1) / 2) + 3
            last = line == len(lines) - 1
            sheet.text(style.MARGIN, y, text, bold=not last, colour=style.MUTED if last else style.INK)
    return sheet.figure


def groups_of(record: Record) -> list[Group]:
    """The subgroups of a record with their effects, or all effects as one."""
    pooled, column = canvas.pooled_of(record), record.subgroup_column
    if not record.subgroups or not column:
        return [("All", pooled, record.studies)]
    found: list[Group] = []
    for each in record.subgroups:
        own = [row for row in record.studies if group_of(row, column) == each.name]
        found.append((each.name or OTHER, each.pooled, own))
    return found


def heights(places: Sequence[float], radii: Sequence[float], room: float) -> list[float]:
    """How far above or below a line circles lie so that none overlaps: the nearest free height to it.

    >>> heights([0.0, 1.0, 20.0], [3.0, 3.0, 3.0], 40.0)
    [-7.0, 7.0, -7.0]
    """
    found: list[float] = [0.0] * len(places)
    laid: list[int] = []
    for at in sorted(range(len(places)), key=lambda each: -radii[each]):

        def overlaps(y: float, at: int = at) -> bool:
            return any(
                math.hypot(places[at] - places[other], y - found[other]) < radii[at] + radii[other] - 0.2
                for other in laid
            )

        steps = (side * step for step in np.arange(CLEAR + radii[at], room, 0.5) for side in (-1.0, 1.0))
        found[at] = float(next((y for y in steps if not overlaps(y)), -room))
        laid.append(at)
    return found


def _draw_swarm(
    ax: Axes, studies: Sequence[Study], radii: Sequence[float], middle: float, scale: float
) -> None:
    offsets = heights([scale * study.effect for study in studies], radii, 0.46 * ROW)
    for hollow in (False, True):
        shown = [at for at, study in enumerate(studies) if bool(study.imputed) == hollow]
        fill = style.PAPER if hollow else style.STUDY_LIGHT
        ax.scatter(
            [studies[at].effect for at in shown],
            [middle + offsets[at] for at in shown],
            s=[math.pi * radii[at] ** 2 for at in shown],
            facecolor=fill,
            edgecolor=style.STUDY,
            linewidth=0.7,
            zorder=canvas.BEHIND,
            gid="imputed" if hollow else "trials",
        )


def _draw_mean(ax: Axes, record: Record, pooled: Pooled, middle: float) -> None:
    for low, high, thickness, gid in (
        (pooled.pi_low, pooled.pi_high, 1.0, "prediction"),
        (pooled.ci_low, pooled.ci_high, 3.4, "interval"),
    ):
        if low is not None and high is not None:
            ends = [canvas.on_axis(record, bound) for bound in (low, high)]
            look: Look = {"color": style.POOLED, "linewidth": thickness, "zorder": canvas.MARKS}
            ax.plot(ends, [middle, middle], solid_capstyle="butt", gid=gid, **look)
    if pooled.estimate is not None:
        at = [canvas.on_axis(record, pooled.estimate)]
        dot: Look = {"s": 52, "facecolor": style.POOLED, "edgecolor": style.PAPER, "linewidth": 1.2}
        ax.scatter(at, [middle], zorder=canvas.MARKS + 1, gid="pooled", **dot)
