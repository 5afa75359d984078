"""The L'Abbé plot: what happened in either arm of every trial, one against the other.

On the diagonal both arms did alike (L'Abbé, Detsky & O'Rourke 1987); the line of the pooled effect shows
whether it holds at every risk of the control arms.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from trialpool.figures import canvas, style
from trialpool.figures.canvas import Look
from trialpool.figures.notes import notes
from trialpool.measures import OF_EVENTS, OF_RATES
from trialpool.records import Record
from trialpool.stats.checks import Floats
from trialpool.text import capital, clean
from trialpool.view.read import Appraised

WIDTH, SIDE = 330.0, 232.0
LEFT = 56.0
LARGEST, SMALLEST = 240.0, 12.0  # areas of circles
Line = Callable[[Floats, float], Floats]
# The risk (rate) with treatment at that without it, by the pooled effect.
TREATED: dict[str, Line] = {
    "RR": lambda risk, effect: risk * effect,
    "OR": lambda risk, effect: risk * effect / (1 - risk + risk * effect),
    "RD": lambda risk, effect: risk + effect,
    "IRR": lambda rate, effect: rate * effect,
    "IRD": lambda rate, effect: rate + effect,
}


@canvas.styled
def draw_labbe(record: Appraised) -> Figure:
    """The L'Abbé plot of a pooled record of events.

    Every trial whose counts are known is a circle at the risk (of person-time the rate) of its control and
    of its experimental arm, its area in proportion to the people. A ValueError for a record that is not
    pooled, of another measure, or without counts.
    """
    estimate = canvas.pooled_of(record).estimate
    if record.measure not in TREATED:
        raise ValueError(f"a L'Abbé plot is of events in two arms, not of measure {record.measure}")
    x, y, people = places(record)
    sheet, top = canvas.headed_record(record, "L'Abbé plot", notes("labbe_notes", record), SIDE + 34, WIDTH)
    ax = sheet.axes((LEFT, top + 2, LEFT + SIDE, top + 2 + SIDE))
    most = min(1.0, 1.08 * float(max(x.max(), y.max()))) if record.measure in OF_EVENTS else None
    most = most or 1.08 * float(max(x.max(), y.max())) or 1.0
    what = "Rate per person-year" if record.measure in OF_RATES else "Risk"
    for which, side in (("x", "control"), ("y", "experimental")):
        name = f"{what}: {clean(getattr(record, f'{side}_name')) or side}"
        canvas.show_range(ax, 0.0, most, capital(name), which)
    ax.plot((0, most), (0, most), color=style.INK, linewidth=0.8, zorder=canvas.BEHIND, gid="no-effect")
    if estimate is not None:
        line = np.linspace(0.0, most, 201)
        treated = TREATED[record.measure](line, estimate)
        inside = (treated >= 0) & (treated <= most)
        guide: Look = {"color": style.POOLED, "linestyle": canvas.DASHED, "linewidth": 1.0}
        ax.plot(line[inside], treated[inside], zorder=canvas.BEHIND, gid="pooled", **guide)
    areas = np.maximum(LARGEST * people / people.max(), SMALLEST)
    look: Look = {"facecolor": "none", "edgecolor": style.STUDY, "linewidth": 1.0}
    ax.scatter(x, y, s=areas, zorder=canvas.MARKS, gid="trials", clip_on=False, **look)
    return sheet.figure


def counted(record: Record) -> list[tuple[float, float, float]]:
    """Risk or rate of the control and of the experimental arm, and size of both, of trials with counts."""
    size, found = "person_years" if record.measure in OF_RATES else "n", []
    for study in (*record.studies, *(row for row in record.not_used if row.inestimable)):
        names = ("events_control", f"{size}_control", "events_experimental", f"{size}_experimental")
        known: list[float | None] = [getattr(study, name, None) for name in names]
        c, n2, a, n1 = (value if value is not None else float("nan") for value in known)
        if None not in known and n1 and n2:
            found.append((c / n2, a / n1, n1 + n2))
    return found


def places(record: Record) -> tuple[Floats, Floats, Floats]:
    """The same as columns; a ValueError without any trial."""
    found = counted(record)
    if not found:
        raise ValueError("a L'Abbé plot needs the events of both arms, which no trial of the record has")
    x, y, people = np.array(found, dtype=float).T
    return x, y, people
