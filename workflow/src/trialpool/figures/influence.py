"""How much hangs on each trial, in one figure: left out one by one, added one by one, Baujat, subsets.

Panels: the estimate without each trial; the estimate as the trials came in; from `text.MANY_TRIALS` trials on
the Baujat plot (Baujat 2002) and the estimates of subsets of trials (GOSH, Olkin 2012), which say little of
fewer: influence.csv has their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from trialpool.figures import canvas, lettering, style
from trialpool.figures.canvas import WIDTH, Frame, Line, Look, Plot, Sheet
from trialpool.figures.notes import notes
from trialpool.measures import MEASURES
from trialpool.records import Influence, Record
from trialpool.text import MANY_TRIALS, clean
from trialpool.view.axis import intervals, mcid_threshold
from trialpool.view.read import Appraised

MIDDLE = WIDTH / 2
ROW, HEAD, STRIP_FOOT = 12.0, 17.0, 36.0
NAMES, NUMBERS = 82.0, 88.0
SQUARE, SQUARE_FOOT = 168.0, 32.0
ALONE = 372.0  # width of a figure of one square
MOST_NAMED = 12
MOST_DRAWN = 1200  # subsets
SHOWN = 0.995  # of the subsets lie within the axis
LEAST_I2 = -4.0  # the axis begins below zero, so that subsets without heterogeneity do not lie on it


@canvas.styled
def draw_influence(record: Appraised) -> Figure:
    """The influence figure of a pooled record (at least two trials)."""
    strips, rows = _strips(record), record.influence
    every = [line for _, lines in strips for line in lines]
    below = HEAD + ROW * max(len(lines) for _, lines in strips) + STRIP_FOOT
    squares = HEAD + 3 + SQUARE + SQUARE_FOOT if len(rows) >= MANY_TRIALS else 0.0
    said = notes("influence_notes", record, MANY_TRIALS)
    sheet, top = canvas.headed_record(record, "How much hangs on each trial", said, below + squares)
    for number, (heading, lines) in enumerate(strips):
        left = MIDDLE + 10 if number else style.MARGIN
        right = WIDTH - style.MARGIN if number or len(strips) == 1 else MIDDLE - 10
        sheet.panel(left, top + 8, "AB"[number], heading)
        _draw_strip(sheet, record, lines, every, (left, top + HEAD, right, top + HEAD + ROW * len(lines) + 2))
    if squares:
        letters, y = "ABCD"[len(strips) :], top + below
        bottom = y + HEAD + 3 + SQUARE
        sheet.panel(style.MARGIN, y + 8, letters[0], "Heterogeneity and pull (Baujat)")
        _draw_baujat(sheet, rows, (style.MARGIN + 42, y + HEAD + 3, MIDDLE - 16, bottom))
        frame = (MIDDLE + 46, y + HEAD + 3, WIDTH - style.MARGIN, bottom)
        sheet.panel(MIDDLE + 10, y + 8, letters[1], _draw_gosh(sheet, record, frame))
    return sheet.figure


@canvas.styled
def draw_baujat(record: Appraised) -> Figure:
    """Each trial's share of heterogeneity against how far it shifts the estimate, alone."""
    sheet, top = canvas.headed_record(record, "Baujat plot", notes("baujat_notes"), SQUARE + 36, ALONE)
    _draw_baujat(sheet, record.influence, (style.MARGIN + 42, top + 2, ALONE - 60, top + 2 + SQUARE))
    return sheet.figure


@canvas.styled
def draw_gosh(record: Appraised) -> Figure:
    """The estimates of subsets of trials against their heterogeneity, alone."""
    sheet, top = canvas.headed_record(record, "GOSH plot", notes("gosh_notes"), SQUARE + 54, ALONE)
    frame = (style.MARGIN + 42, top + 20, ALONE - style.MARGIN, top + 20 + SQUARE)
    sheet.text(style.MARGIN, top + 8, _draw_gosh(sheet, record, frame), bold=True)
    return sheet.figure


def _left_out(record: Record) -> list[Line]:
    influential = {row.label for row in record.influence if row.influential}
    rows = [row for row in record.sensitivity if row.kind == "leave one out" and row.estimate is not None]
    named = [(row.choice.removeprefix("without "), canvas.values_of(row)) for row in rows]
    return [Line(clean(name), values, hollow=name in influential) for name, values in named]


def _strips(record: Record) -> list[tuple[str, list[Line]]]:
    """The headings and lines of the panels of estimates."""
    pooled = canvas.values_of(canvas.pooled_of(record))
    whole = Line("all trials", pooled, mark="diamond", colour=style.POOLED, bold=True, gid="all")
    left_out = _left_out(record)
    added = [
        Line(f"+ {row.label}" if at else row.label, canvas.values_of(row))
        for at, row in enumerate(record.cumulative)
    ]
    strips = [("Without each trial", [*left_out, whole])] if left_out else []
    strips += [("As the trials came in", added)] if added else []
    return strips or [("All trials", [whole])]


def _draw_strip(
    sheet: Sheet, record: Record, lines: Sequence[Line], every: Sequence[Line], frame: Frame
) -> None:
    pooled = canvas.pooled_of(record)
    further: Look = {"over": every, "pooled": intervals([canvas.values_of(pooled)]), "room": 170.0}
    landmarks, name = (pooled.estimate, mcid_threshold(record)), canvas.value_name(record)
    ax = Plot(sheet, (frame[0] + NAMES, frame[1], frame[2] - NUMBERS, frame[3]))
    canvas.draw_lines(ax, record.measure, lines, landmarks=landmarks, name=name, **further)
    canvas.draw_landmarks(ax, record)
    canvas.print_lines(ax, lines, record.measure, NAMES, NUMBERS)


def _draw_baujat(sheet: Sheet, rows: Sequence[Influence], frame: Frame) -> None:
    """Each trial's share of heterogeneity against how far it shifts the estimate."""
    dots = [
        (row.baujat_x, row.baujat_y, clean(row.label), row.influential)
        for row in rows
        if row.baujat_x is not None and row.baujat_y is not None
    ]
    ax = Plot(sheet, frame)
    names = ("Squared Pearson residual", "Squared shift of the estimate")
    spans = ([0.0, *(x for x, *_ in dots)], [0.0, *(y for _, y, *_ in dots)])
    for which, values, name in zip("xy", spans, names, strict=True):
        high = canvas.roomy(values, 0.1)[1]
        canvas.show_range(ax, -0.03 * high, high, name, which)
    for x, y, _, hollow in dots:
        look: Look = {"markerfacecolor": style.PAPER if hollow else style.STUDY, "gid": "baujat"}
        ax.plot(x, y, "o", markersize=5.8, markeredgecolor=style.STUDY, clip_on=False, **look)
    _name_dots(ax, sorted((dot[:3] for dot in dots), key=lambda dot: (-dot[0] - dot[1], dot[2])))


def _name_dots(ax: Plot, dots: Sequence[tuple[float, float, str]]) -> None:
    """Names beside the first dots (right, left, above, below) where they cover nothing; otherwise none."""
    frame = ax.bbox  # a figure has 72 dots an inch: in points
    points = [tuple(ax.transData.transform(dot[:2])) for dot in dots]
    taken = [(x - 3, y - 3, x + 3, y + 3) for x, y in points]
    for (at_x, at_y, text), (x, y) in zip(dots[:MOST_NAMED], points, strict=False):
        width = lettering.width(text)
        for dx, dy in ((5, -2.5), (-5 - width, -2.5), (-width / 2, 6), (-width / 2, -11)):
            box = (x + dx, y + dy - 1.5, x + dx + width, y + dy + 6)
            inside = box[0] > frame.x0 + 2 and box[2] < frame.x1 + 14 and box[1] > frame.y0 + 1
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                canvas.print_at(ax, (at_x, at_y), (dx, dy), text, gid="name")
                break


def _overlap(a: Frame, b: Frame) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _draw_gosh(sheet: Sheet, record: Record, frame: Frame) -> str:
    """All subsets of at least two trials, at most 1,200 evenly chosen drawn; returns the heading.

    The trial whose presence moves the mean of the cloud most is named, and its subsets drawn in orange.
    """
    from trialpool.stats import gosh

    subsets = gosh(
        [study.effect for study in record.studies],
        [study.variance for study in record.studies],
        tau2_method=record.methods.tau2_method,
        smallest=2,
    )
    keep = np.unique(np.linspace(0, len(subsets.estimate) - 1, MOST_DRAWN).round().astype(int))
    estimates, members = subsets.estimate[keep], subsets.members[keep]
    pivot = pivotal_trial(subsets.estimate, subsets.members)
    edges = np.quantile(estimates, [(1 - SHOWN) / 2, (1 + SHOWN) / 2])
    pooled = canvas.scaled(record, canvas.pooled_of(record).estimate or MEASURES[record.measure].null)
    low, high = canvas.roomy([*edges.tolist(), pooled], 0.08)
    ax = Plot(sheet, frame)
    canvas.show_range(ax, low, high, canvas.scaled_name(record), measure=record.measure)
    canvas.show_range(ax, LEAST_I2, 100.0, "I², per cent", "y")
    size = 3.6 if len(keep) < 100 else 2.4 if len(keep) < 500 else 1.6
    for chosen, colour in ((~members[:, pivot], style.STUDY), (members[:, pivot], style.POOLED)):
        at = chosen & (estimates >= low) & (estimates <= high)
        kind: Look = {"markersize": size, "color": colour, "markeredgewidth": 0.0}
        ax.plot(estimates[at], subsets.i2[keep][at], "o", gid="subsets", clip_on=False, **kind)
    canvas.draw_landmarks(ax, record, place=canvas.scaled)
    return f"Subsets with {clean(record.studies[pivot].label)} in orange (GOSH)"


def pivotal_trial(estimates: NDArray[np.float64], members: NDArray[np.bool_]) -> int:
    """The trial whose subsets differ most, on average, from those without it.

    >>> pivotal_trial(np.array([0.0, 1.0, 1.0]), np.array([[True, False], [False, True], [True, True]]))
    1
    """
    inside = members.sum(axis=0)
    outside = len(members) - inside
    within = estimates @ members / np.maximum(inside, 1)
    without = estimates @ ~members / np.maximum(outside, 1)
    return int(np.argmax(np.where((inside > 0) & (outside > 0), np.abs(within - without), -1.0)))
