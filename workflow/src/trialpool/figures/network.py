"""A network of treatments: who was compared with whom, and the effect of each against the reference."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.text import Text

from trialpool import text as words
from trialpool.figures import canvas, lettering, style
from trialpool.figures.canvas import LEADING, NULL, Field, Line, Look, Plot, Sheet
from trialpool.figures.notes import describe, notes
from trialpool.records import Network
from trialpool.text import clean
from trialpool.view.review import Standing, standings

RADIUS, CENTRE = 70.0, 138.0  # of the circle of treatments
WIDTH, LEFT, PLOT_LEFT, PLOT_RIGHT = 630.0, 280.0, 382.0, 444.0
NUMBERS, SCORE, SURE = 526.0, 566.0, 616.0
ROW = 13.0
SHARES = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74)  # of an edge, where its number may stand
APART = 11.0  # points between two numbers


@canvas.styled
def draw_network(network: Network) -> Figure:
    """The graph of its direct comparisons and, where it could be fitted, each treatment's effect."""
    rows = standings(network)
    body = max(2 * RADIUS + 60, ROW * len(rows) + 64)
    sheet, top = canvas.headed(network.title, "", notes("network_notes", network), body, WIDTH)
    sheet.panel(style.MARGIN, top + 8, "A", "Direct comparisons")
    _draw_graph(sheet, network, top + 38 + RADIUS)
    if rows and network.fit:
        sheet.panel(LEFT, top + 8, "B", f"Each against {clean(network.fit.reference)}")
        _draw_effects(sheet, network, rows, top + 30)
    return sheet.figure


def describe_network(network: Network) -> str:
    """A text alternative: the direct comparisons, then every treatment against the reference."""
    return describe("network", network, standings(network))


def _draw_graph(sheet: Sheet, network: Network, middle: float) -> None:
    """Treatments on a circle, connected parts side by side."""
    reach = RADIUS + 12
    frame = (CENTRE - reach, middle - reach, CENTRE + reach, middle + reach)
    ax = Field(sheet, frame, (-reach, reach), (reach, -reach))  # points from the middle, downwards
    names = [name for part in network.parts for name in part]
    angles = {name: 2 * math.pi * at / len(names) - math.pi / 2 for at, name in enumerate(names)}
    at = {name: (RADIUS * math.cos(angle), RADIUS * math.sin(angle)) for name, angle in angles.items()}
    trials, taken = dict.fromkeys(names, 0), list(at.values())
    for edge in network.edges:
        (x1, y1), (x2, y2) = (at[name] for name in edge.treatments)
        for name in edge.treatments:
            trials[name] += edge.trials
        look: Look = {"color": style.STUDY_LIGHT, "linewidth": min(0.8 + 0.9 * edge.trials, 7.0)}
        ax.plot((x1, x2), (y1, y2), zorder=canvas.BEHIND, gid="edge", **look)
        spots = [(x1 + share * (x2 - x1), y1 + share * (y2 - y1)) for share in SHARES]
        spot = max(spots, key=lambda spot: min([APART, *(math.dist(spot, other) for other in taken)]))
        taken.append(spot)
        ring = {"boxstyle": "circle,pad=0.25", "facecolor": style.PAPER, "linewidth": 0}
        look = {"ha": "center", "va": "center_baseline", "zorder": canvas.LINES, "bbox": ring}
        ax.add_artist(Text(*spot, str(edge.trials), clip_on=False, **look))
    for name, (x, y) in at.items():
        size = 2 * min(3.2 + 1.2 * math.sqrt(trials[name]), 9.0)
        dot: Look = {"color": style.STUDY, "markersize": size, "markeredgewidth": 0, "clip_on": False}
        ax.plot(x, y, "o", zorder=canvas.MARKS, gid="node", **dot)
        cosine, sine = math.cos(angles[name]), math.sin(angles[name])
        align = "center" if abs(cosine) < 0.15 else "left" if cosine > 0 else "right"
        room = 63.0 if align != "center" else 120.0
        lines = lettering.wrap(clean(name), room, lines=2)
        baseline = middle + y + 13 * sine + 2.5 + (-LEADING * (len(lines) - 1) if sine < -0.7 else 0.0)
        sheet.lines(CENTRE + x + 12 * cosine, baseline, lines, align=align)


def _draw_effects(sheet: Sheet, network: Network, rows: Sequence[Standing], top: float) -> None:
    measure = network.measure
    lines = [Line(clean(row.rank.treatment), row.effect.values, gid="effect") for row in rows]
    bottom = top + ROW * len(rows) + 4
    ax = Plot(sheet, (PLOT_LEFT, top, PLOT_RIGHT, bottom))
    canvas.draw_lines(ax, measure, lines)
    ax.axvline(NULL, color=style.INK, linewidth=0.8, zorder=canvas.BEHIND)
    canvas.print_lines(ax, lines, measure, PLOT_LEFT - LEFT, NUMBERS - PLOT_RIGHT)
    for number, row in enumerate(rows):
        canvas.print_beside(ax, number, SCORE - PLOT_RIGHT, row.p_score.text, align="right")
        certainty = row.rank.certainty.partition(":")[0]
        canvas.print_beside(ax, number, SURE - PLOT_RIGHT, certainty, align="right")
    sheet.text(NUMBERS, top - 3, "Estimate (interval)", bold=True, align="right")
    sheet.text(SCORE, top - 3, "P-score", bold=True, align="right")
    sheet.text(SURE, top - 3, "Certainty", bold=True, align="right")
    better = "left is better" if network.better == "lower" else "right is better"
    name, middle = words.capital(words.measure_name(measure)), (PLOT_LEFT + PLOT_RIGHT) / 2
    sheet.text(middle, bottom + 22, name, bold=True, align="center")
    sheet.text(middle, bottom + 31, better, align="center")
