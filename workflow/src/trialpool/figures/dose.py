"""The effect over the dose: comparisons with their intervals, the line from no effect at none, a spline."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

import numpy as np
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import canvas, lettering, style
from trialpool.figures.canvas import WIDTH, Look, Plot
from trialpool.figures.notes import notes
from trialpool.records import DoseCurve, DoseResponse, Study
from trialpool.synthesis.diagnostics import moderator_name
from trialpool.text import clean
from trialpool.view.axis import Axis, intervals, mcid_threshold, plan_axis
from trialpool.view.read import Appraised

HEIGHT, LEFT, FOOT = 230.0, 52.0, 34.0
LARGEST, SMALLEST = 8.0, 2.2  # radii of bubbles
APART = 8.0  # points between trials of one dose
BEYOND = 1.16  # of the highest dose, to which the axis reaches: room for labels
LABEL_ROOM, LINE = 96.0, 8.4  # points
FINER = 6  # parts of a curve between two of its points, for what labels keep off
Box = tuple[float, float, float, float]  # left, bottom, right, top in points of the plot


@canvas.styled
def draw_dose(record: Appraised) -> Figure:
    """The dose-response of a record; a ValueError for a record without a line."""
    found = record.dose_response
    if found is None or found.line is None or found.high is None:
        raise ValueError("the figure needs a record with a line over a dose")
    name = words.capital(moderator_name(found.dose))
    sheet, top = canvas.headed_record(
        record, f"Effect by {moderator_name(found.dose)}", notes("dose_notes", record), HEIGHT + FOOT
    )
    ax = Plot(sheet, (LEFT, top + 4, WIDTH - style.MARGIN, top + 4 + HEIGHT))
    known = [study for study in record.studies if study.study_id not in found.unknown]
    canvas.show_range(ax, 0.0, BEYOND * found.high, name)
    canvas.show_axis(ax, _value_axis(record, found, known), canvas.value_name(record), "y", HEIGHT)
    canvas.draw_landmarks(ax, record, pooled=False, which="y")
    _draw_curve(ax, record, found.line, style.POOLED, "-", "line")
    if found.spline:
        _draw_curve(ax, record, found.spline, style.BENEFIT_EDGE, "--", "spline")
    _draw_studies(ax, record, known, found)
    return sheet.figure


def _value_axis(record: Appraised, found: DoseResponse, known: Sequence[Study]) -> Axis:
    """An axis that shows the trials and the ends of the curves, as far as those leave the trials legible."""
    curves = [curve for curve in (found.line, found.spline) if curve]
    ends = [curve.points[-1] for curve in curves]
    values = [(study.estimate, study.estimate_low, study.estimate_high) for study in known]
    landmarks = [mcid_threshold(record), *(end.estimate for end in ends)]
    pooled = intervals(map(canvas.values_of, ends))
    return plan_axis(record.measure, values, landmarks, pooled=pooled, right=HEIGHT)


def _draw_curve(ax: Plot, record: Appraised, curve: DoseCurve, colour: str, dashes: str, gid: str) -> None:
    doses = [point.dose for point in curve.points]
    middle, low, high = (
        [canvas.on_axis(record, getattr(point, name)) for point in curve.points]
        for name in ("estimate", "ci_low", "ci_high")
    )
    look: Look = {"color": colour, "linestyle": dashes, "linewidth": 1.3, "zorder": canvas.LINES}
    ax.plot(doses, middle, gid=gid, **look)
    if curve.knots:
        edge: Look = {"color": colour, "linestyle": canvas.DOTTED, "linewidth": 0.8, "zorder": canvas.BEHIND}
        for bound in (low, high):
            ax.plot(doses, bound, gid="spline-bound", **edge)
    else:
        band: Look = {"facecolor": style.CONTOURS[0], "linewidth": 0, "zorder": canvas.BELOW}
        ax.add_artist(FillBetweenPolyCollection("x", *map(np.array, (doses, low, high)), gid="band", **band))


def _draw_studies(ax: Plot, record: Appraised, known: Sequence[Study], found: DoseResponse) -> None:
    """Bubbles with intervals, those of one dose side by side, and the labels for which there is room."""
    heaviest = max((study.weight or 0.0) for study in known) or 1.0
    low, high = ax.get_ylim()
    across, up = ax.bbox.width / ax.get_xlim()[1], ax.bbox.height / (high - low)
    taken: list[Box] = []
    crossed = list(_curve_boxes(record, found, across, up, low))
    spots: list[tuple[float, float, float, str]] = []
    for study, x in _side_by_side(found.dose, known, across):
        radius = max(SMALLEST, LARGEST * math.sqrt((study.weight or 0.0) / heaviest))
        bounds = [canvas.on_axis(record, value) for value in (study.estimate_low, study.estimate_high)]
        shown = [min(max(bound, low), high) for bound in bounds]
        ax.plot((x, x), shown, color=style.STUDY, linewidth=0.9, zorder=canvas.LINES, gid="interval")
        for bound, end, arrow in zip(bounds, shown, "v^", strict=True):
            if bound != end:
                ax.plot(x, end, arrow, markersize=4.4, color=style.STUDY, markeredgewidth=0, clip_on=False)
        look: Look = {"markerfacecolor": style.STUDY_LIGHT, "markeredgecolor": style.STUDY}
        look |= {"markersize": 2 * radius, "markeredgewidth": 0.8, "clip_on": False}
        ax.plot(x, study.effect, "o", zorder=canvas.MARKS, gid="bubble", **look)
        middle, height = x * across, (study.effect - low) * up
        taken.append((middle - radius, height - radius, middle + radius, height + radius))
        crossed.append((middle - 1, (shown[0] - low) * up, middle + 1, (shown[1] - low) * up))
        spots.append((middle, height, radius, lettering.shorten(clean(study.label), LABEL_ROOM)))
    for spot in spots:
        _print_label(ax, *spot, taken, crossed)


def _side_by_side(dose: str, known: Sequence[Study], across: float) -> Iterator[tuple[Study, float]]:
    """Each trial with where it stands: those of nearly one dose apart by a few points."""

    def place(study: Study) -> float:
        return float(getattr(study, dose))

    near = groupby(sorted(known, key=place), key=lambda study: round(place(study) * across / APART))
    for _, group in near:
        members = list(group)
        for number, study in enumerate(members):
            yield study, place(study) + (number - (len(members) - 1) / 2) * APART / across


def _curve_boxes(
    record: Appraised, found: DoseResponse, across: float, up: float, low: float
) -> Iterator[Box]:
    """What the curves cover, each stretch from one point to the next in boxes of a few points."""
    for curve in filter(None, (found.line, found.spline)):
        spots = [
            (point.dose * across, (canvas.on_axis(record, point.estimate) - low) * up)
            for point in curve.points
        ]
        for (x, y), (far, end) in pairwise(spots):
            for part in range(FINER):
                at, height = (a + (part + 0.5) / FINER * (b - a) for a, b in ((x, far), (y, end)))
                yield at - 2, height - 2, at + 2, height + 2


def _print_label(
    ax: Plot, x: float, y: float, radius: float, label: str, taken: list[Box], crossed: Sequence[Box]
) -> None:
    """A label beside its bubble, off lines if it can be; none where bubbles and labels leave no room."""
    wide, gap = lettering.width(label), radius + 3
    free = []
    for bottom in (y - LINE / 2, y + 2, y - LINE - 2, y + radius, y - LINE - radius):
        for left in (x + gap, x - gap - wide):
            box = (left, bottom, left + wide, bottom + LINE)
            inside = left >= 2 and bottom >= 2 and box[2] <= ax.bbox.width and box[3] <= ax.bbox.height
            if inside and not any(_overlap(box, other) for other in taken):
                free.append(box)
    if free:
        box = min(free, key=lambda box: sum(_overlap(box, other) for other in crossed))
        taken.append(box)
        away = (box[0], box[1] + 1.8)
        canvas.print_at(ax, (0, 0), away, label, ax.transAxes, color=style.MUTED, gid="label")


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
