"""The contour-enhanced funnel plot: effect against standard error, with zones of statistical significance.

The zones (Peters and others 2008) are centred on no effect: missing trials in the white zone would speak for
suppression of unwelcome results, missing trials elsewhere for other causes.
"""

from __future__ import annotations

import math

from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from trialpool.figures import canvas, lettering, style
from trialpool.figures.canvas import NULL, Look, Plot, Sheet
from trialpool.figures.notes import notes
from trialpool.measures import MEASURES
from trialpool.records import Record
from trialpool.text import clean
from trialpool.view.read import Appraised

WIDTH, HEIGHT = 372.0, 216.0
LEFT, RIGHT = 50.0, 360.0
Z95 = 1.959963984540054
ZONES = (  # (test of a trial, colour, z where it begins) from the outside to the middle
    ("p < 0.01", style.CONTOURS[0], math.inf),
    ("0.01 to 0.05", style.CONTOURS[1], 2.5758293035489004),
    ("0.05 to 0.10", style.CONTOURS[2], Z95),
    ("p > 0.10", style.PAPER, 1.6448536269514722),
)
ROOM_BELOW = 1.08


@canvas.styled
def draw_funnel(record: Appraised) -> Figure:
    """The funnel plot of a pooled record; a ValueError for a record without a pooled estimate.

    Every selected row is a dot at its effect and standard error (square root of `variance`, on the analysis
    scale), hollow where imputed; dotted lines hold 95% of trials around the pooled estimate if nothing but
    chance spread them.
    """
    measure = MEASURES[record.measure]
    pooled = canvas.scaled(record, canvas.pooled_of(record).estimate or measure.null)
    sheet, top = canvas.headed_record(
        record, "Funnel plot", notes("funnel_notes", record), HEIGHT + 48, WIDTH
    )
    ax = Plot(sheet, (LEFT, top + 2, RIGHT, top + 2 + HEIGHT))
    deepest = ROOM_BELOW * max(math.sqrt(study.variance) for study in record.studies)
    limits = (pooled - Z95 * deepest, pooled + Z95 * deepest)
    reach = [*([NULL] if measure.has_null else []), *limits, *(study.effect for study in record.studies)]
    canvas.show_range(ax, *canvas.roomy(reach, 0.05), measure=record.measure)
    name = measure.scale_name
    unit = f" of {'' if name[0].isupper() else 'the '}{name}" if name else ""
    canvas.show_range(ax, 0.0, deepest, f"Standard error{unit}", "y")
    ax.limits.intervaly = (deepest, 0.0)
    if measure.has_null:
        _draw_zones(ax, deepest)
        ax.axvline(NULL, color=style.INK, linewidth=0.8, zorder=canvas.BEHIND, gid="no-effect")
    guide: Look = {"color": style.POOLED, "zorder": canvas.BEHIND}
    ax.axvline(pooled, linestyle=canvas.DASHED, linewidth=1.0, gid="pooled", **guide)
    for limit in limits:
        ax.plot((pooled, limit), (0.0, deepest), linestyle=canvas.DOTTED, linewidth=0.8, gid="limit", **guide)
    for hollow in (False, True):
        shown = [study for study in record.studies if study.imputed == hollow]
        fill, edge = (style.PAPER, style.STUDY) if hollow else (style.STUDY, style.PAPER)
        look: Look = {"facecolor": fill, "edgecolor": edge, "linewidth": 1.0 if hollow else 0.6, "s": 30}
        effects, errors = [study.effect for study in shown], [math.sqrt(study.variance) for study in shown]
        ax.scatter(effects, errors, zorder=canvas.MARKS, gid="imputed" if hollow else "trials", **look)
    _name_sides(ax, record)
    if measure.has_null:
        _draw_key(sheet, top + HEIGHT + 42)
    return sheet.figure


def _draw_zones(ax: Plot, deepest: float) -> None:
    ax.paper.set_facecolor(ZONES[0][1])
    for _, colour, z in ZONES[1:]:
        corners = ((NULL, 0.0), (NULL - z * deepest, deepest), (NULL + z * deepest, deepest))
        ax.add_artist(Polygon(corners, facecolor=colour, linewidth=0, zorder=canvas.BELOW, gid="zone"))


def _name_sides(ax: Plot, record: Record) -> None:
    """The measure, and what lies on either side of no effect."""
    name = lettering.shorten(canvas.scaled_name(record), RIGHT - LEFT, style.SMALL_SIZE, True)
    ax.x.name.set(text=name, fontweight="bold")
    half = (RIGHT - LEFT) / 2 - 6
    left, right = clean(record.direction.left), clean(record.direction.right)
    for x, text, align in ((0.0, left and f"← {left}", "left"), (1.0, right and f"{right} →", "right")):
        look: Look = {"align": (align, "baseline"), "gid": "direction"}
        canvas.print_at(ax, (x, 0.0), (0.0, -31.0), lettering.shorten(text, half), ax.transAxes, **look)


def _draw_key(sheet: Sheet, y: float) -> None:
    x = style.MARGIN
    sheet.text(x, y + 6, "Test of each trial:", colour=style.MUTED)
    x += lettering.width("Test of each trial:") + 8
    for text, colour, _ in reversed(ZONES):
        sheet.box(x, y - 0.5, 9, 7, fill=colour, edge=style.RULE, thickness=0.5)
        sheet.text(x + 12, y + 6, text, colour=style.MUTED)
        x += 12 + lettering.width(text) + 9
