"""What a network's evidence consists of: direct and indirect, ranks, contributions, disagreement."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import canvas, lettering, style
from trialpool.figures.canvas import NULL, Line, Look, Plot, Sheet
from trialpool.figures.notes import notes
from trialpool.measures import MEASURES
from trialpool.records import Network
from trialpool.synthesis.network_evidence import RankRow, ShareRow, SplitRow
from trialpool.text import clean

if TYPE_CHECKING:
    from trialpool.stats import AdjustedEffects, Egger, NetHeat

WIDTH = 560.0
ROW, GAP = 12.5, 7.0
KINDS = (  # of evidence: name, begin of its fields, mark, colour
    ("Direct", "direct", "o", style.STUDY),
    ("Indirect", "indirect", "s", style.BENEFIT_EDGE),
    ("All", "", "diamond", style.POOLED),
)
NAMES, PLOT_LEFT, PLOT_RIGHT = 190.0, 250.0, 370.0
STEP, BAR_TOP = 110.0, 62.0  # of the small plots of a rankogram
MOST_RANKS = 7  # of which each has its number below its bar
SQUARE, DEEPEST = 27.0, 8.0  # of a net heat plot: a side in points, a disagreement of the full colour
SIGNS = {word.replace("-", "_"): fill for word, (fill, _) in (canvas.SIGNS | canvas.MORE_SIGNS).items()}
RISKS = {word: SIGNS[word] for word in ("low", "some_concerns", "unclear", "moderate", "high")} | SIGNS
OTHER_RISKS = (style.STUDY_LIGHT, style.POOLED_LIGHT, style.CONTOURS[2], style.STUDY)
MARKED = 10  # comparisons that marks can tell apart
Z95 = 1.959963984540054


def _pair(row: SplitRow | ShareRow) -> str:
    return f"{clean(row.experimental)} v {clean(row.control)}"


@canvas.styled
def draw_split(network: Network, split: Sequence[SplitRow]) -> Figure:
    """Direct, indirect and all evidence on every pair of treatments that has both."""
    rows = [row for row in split if row.p_value is not None]
    body = sum((len(KINDS) * ROW + GAP) for _ in rows) + 64 if rows else 14.0
    under = "Direct and indirect evidence"
    sheet, top = canvas.headed(network.title, under, notes("split_notes", network, rows), body, WIDTH)
    if not rows:
        return sheet.figure
    lines, ys, y = [], [], 0.0
    for row in rows:
        for name, whose, mark, colour in KINDS:
            middle = whose or "estimate"
            bounds = (f"{whose}_low", f"{whose}_high") if whose else ("ci_low", "ci_high")
            values = (getattr(row, middle), *(getattr(row, bound) for bound in bounds))
            lines.append(Line(name, values, mark, colour, gid=whose or "all"))
            ys.append(y)
            y += ROW
        y += GAP
    ax = Plot(sheet, (PLOT_LEFT, top + 14, PLOT_RIGHT, top + 14 + y))
    ax.y.show((y - ROW / 2, -ROW / 2))
    name = words.capital(words.measure_name(network.measure))
    canvas.draw_lines(ax, network.measure, lines, ys)
    ax.axvline(NULL, color=style.INK, linewidth=0.8, zorder=canvas.BEHIND)
    for height, line in zip(ys, lines, strict=True):
        canvas.print_beside(ax, height, NAMES - PLOT_LEFT, line.name, bold=line.mark == "diamond")
        canvas.print_beside(ax, height, 92, canvas.result(network.measure, line.values), align="right")
    for row, height in zip(rows, ys[:: len(KINDS)], strict=True):
        room = NAMES - style.MARGIN - 8
        canvas.print_beside(ax, height, style.MARGIN - PLOT_LEFT, _pair(row), bold=True, room=room)
        trials = words.count(row.trials, "trial")
        canvas.print_beside(ax, height + ROW, style.MARGIN - PLOT_LEFT, trials)
        canvas.print_beside(ax, height, 136, words.percent(row.share_direct), align="right")
        canvas.print_beside(ax, height, 178, words.number(row.p_value, 3), align="right")
    for at, heading in ((92.0, "Estimate (interval)"), (136.0, "Direct"), (178.0, "p")):
        sheet.text(PLOT_RIGHT + at, top + 6, heading, bold=True, align="right")
    sheet.text((PLOT_LEFT + PLOT_RIGHT) / 2, top + y + 42, name, bold=True, align="center")
    return sheet.figure


@canvas.styled
def draw_rankogram(network: Network, rows: Sequence[RankRow], poth: float) -> Figure:
    """The chance of every rank of each treatment, the best first."""
    across = int((WIDTH - 2 * style.MARGIN) // STEP)
    down = math.ceil(len(rows) / across)
    under = "Chance of each rank, 1 is best"
    body = down * (BAR_TOP + 46)
    sheet, top = canvas.headed(network.title, under, notes("rankogram_notes", network, poth), body, WIDTH)
    ranks = np.arange(1, len(rows) + 1)
    for at, row in enumerate(rows):
        left = style.MARGIN + 26 + STEP * (at % across)
        above = top + 26 + (BAR_TOP + 46) * (at // across)
        ax = sheet.axes((left, above, left + STEP - 26, above + BAR_TOP))
        inside = (ranks >= row.rank_low) & (ranks <= row.rank_high)
        colours = [style.STUDY if own else style.STUDY_LIGHT for own in inside]
        ax.bar(ranks, row.chances, width=0.8, color=colours, gid="chance")
        ax.set(ylim=(0, 1), xlim=(0.4, len(rows) + 0.6))
        ax.set_yticks([0, 0.5, 1], ["0", "50", "100%"] if at % across == 0 else ["", "", ""])
        ax.set_xticks(ranks if len(rows) <= MOST_RANKS else [1, len(rows)])
        name = lettering.shorten(clean(row.treatment), STEP - 20, style.SMALL_SIZE, True)
        sheet.text(left, above - 13, name, bold=True)
        reach = "" if row.rank_high == row.rank_low else f" to {row.rank_high}"
        score = f"SUCRA {words.number(row.sucra, 2)}; rank {row.rank_low}{reach}"
        sheet.text(left, above - 4, score, colour=style.MUTED)
    return sheet.figure


@canvas.styled
def draw_shares(network: Network, rows: Sequence[ShareRow]) -> Figure:
    """What each source, such as the studies of a level of risk of bias, contributes to every comparison."""
    pairs = list(dict.fromkeys(_pair(row) for row in rows))
    sources = list(dict.fromkeys(row.source for row in rows))
    others = [each for each in sources if each not in RISKS]
    known = [*(level for level in RISKS if level in sources), *others]
    colours = RISKS | dict(zip(others, OTHER_RISKS * 9, strict=False))
    body = ROW * len(pairs) + 34 if pairs else 14.0
    under = "Contribution of studies to each comparison, by risk of bias"
    sheet, top = canvas.headed(network.title, under, notes("share_notes", network), body, WIDTH)
    if not pairs:
        return sheet.figure
    ax = sheet.axes((NAMES + 20, top + 16, WIDTH - style.MARGIN - 12, top + 16 + ROW * len(pairs)))
    ax.set(xlim=(0, 1), ylim=(len(pairs) - 0.5, -0.5), yticks=[])
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100%"])
    ax.spines["left"].set_visible(False)
    shares = {(_pair(row), row.source): row.share for row in rows}
    x = NAMES + 20
    for level in known:
        sheet.box(x, top, 9, 7, fill=colours[level])
        sheet.text(x + 12, top + 6.5, clean(words.spaced(level)))
        x += 24 + lettering.width(clean(words.spaced(level)))
    for at, pair in enumerate(pairs):
        start = 0.0
        for level in known:
            width = shares[pair, level]
            ax.barh(at, width, left=start, height=0.74, color=colours[level], gid="share")
            if width > 0.07:
                ax.text(start + width / 2, at, f"{100 * width:.0f}", **_inside(colours[level]))
            start += width
        room = NAMES - style.MARGIN + 4
        canvas.print_beside(ax, at, style.MARGIN - NAMES - 20, pair, room=room)
    return sheet.figure


def _inside(colour: str) -> Look:
    """How a number stands on a colour: dark on a light one, light on a dark one."""
    red, green, blue = to_rgb(colour)
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
    ink = style.PAPER if dark else style.INK
    return {"ha": "center", "va": "center_baseline", "color": ink, "fontsize": style.SMALL_SIZE}


@canvas.styled
def draw_net_heat(network: Network, heat: NetHeat) -> Figure:
    """The net heat plot: rows are designs that disagree or agree, columns designs that are detached."""
    named = [" v ".join(map(clean, design)) for design in heat.designs]
    told = [at for at in np.argsort(-heat.q, kind="stable") if np.abs(heat.heat[at]).max() > 1e-9]
    size = len(told)
    names = [f"{number + 1}  {named[at]}" for number, at in enumerate(told)]
    left, body = NAMES + 12, SQUARE * size + 34
    right = left + SQUARE * size + 36
    under = "Net heat: which designs disagree, and what this is due to"
    wide = max(WIDTH, right + style.MARGIN)
    sheet, top = canvas.headed(network.title, under, notes("heat_notes", heat), body, wide)
    for row, at in enumerate(told):
        y = top + 16 + SQUARE * row
        middle = y + SQUARE / 2 + 2.5
        sheet.text(style.MARGIN, middle, lettering.shorten(names[row], NAMES - style.MARGIN))
        sheet.text(right, middle, words.number(heat.q[at], 2), align="right")
        for column, other in enumerate(told):
            _draw_cell(sheet, left + SQUARE * column, y, heat.heat[at, other], heat.hat[at, other])
    for column in range(size):
        sheet.text(left + SQUARE * (column + 0.5), top + 10, str(column + 1), bold=True, align="center")
    sheet.text(right, top + 10, "Q", bold=True, align="right")
    return sheet.figure


def _draw_cell(sheet: Sheet, x: float, y: float, value: float, weight: float) -> None:
    """What detaching a design takes off another, as a colour and a number; at the foot a bar, the weight."""
    fill = _heat_colour(value)
    ink = _inside(fill)["color"]
    sheet.box(x, y, SQUARE, SQUARE, fill=fill, edge=style.PAPER, thickness=1.0, gid="cell")
    length = min(1.0, abs(weight)) * (SQUARE - 4)
    if length > 0.4:
        shade = style.MUTED if ink == style.INK else style.PAPER
        sheet.box(x + 2, y + SQUARE - 5, length, 2.4, fill=shade, gid="weight")
    if abs(value) >= 0.05:
        kind: Look = {"size": style.SMALL_SIZE - 0.5, "colour": ink, "align": "center"}
        sheet.text(x + SQUARE / 2, y + SQUARE / 2 + 1, words.number(value, 1), **kind)


def _heat_colour(value: float) -> str:
    """From support, blue, over nothing, white, to disagreement, orange."""
    share = max(-1.0, min(1.0, value / DEEPEST))
    end = to_rgb(style.POOLED if share > 0 else style.STUDY)
    mixed = [1 + abs(share) ** 0.6 * (part - 1) for part in end]
    return "#" + "".join(f"{round(255 * part):02x}" for part in mixed)


@canvas.styled
def draw_adjusted_funnel(network: Network, found: AdjustedEffects, test: Egger | None) -> Figure:
    """Each study's effect less the direct estimate of its pair, against its standard error."""
    said = notes("adjusted_notes", network, found, test)
    sheet, top = canvas.headed(network.title, "Comparison-adjusted funnel plot", said, 262, WIDTH)
    ax = sheet.axes((50, top + 2, 368, top + 222))
    deepest = 1.08 * float(found.se.max())
    limits = (-Z95 * deepest, Z95 * deepest)
    canvas.show_range(ax, *canvas.roomy([*limits, *found.adjusted], 0.05))
    unit = " of the logarithm" if MEASURES[network.measure].ratio else ""
    canvas.show_range(ax, 0.0, deepest, f"Standard error{unit}", "y")
    ax.invert_yaxis()
    ax.axvline(0, color=style.INK, linewidth=0.8, zorder=canvas.BEHIND)
    for limit in limits:
        ax.plot(
            (0, limit), (0, deepest), linestyle=canvas.DOTTED, color=style.POOLED, linewidth=0.8, gid="limit"
        )
    of = list(zip(found.experimental, found.control, strict=True))
    pairs = sorted(set(of))
    marked = len(pairs) <= MARKED  # more marks than these nobody keeps apart
    marks, colours = "osD^v<>pPX", (style.STUDY, style.POOLED, style.BENEFIT_EDGE, style.MUTED)
    for at, pair in enumerate(pairs):
        own = [row for row, each in enumerate(of) if each == pair]
        look: Look = {"marker": "o", "color": style.STUDY, "s": 24, "zorder": canvas.MARKS, "gid": "trials"}
        if marked:
            label = f"{clean(pair[0])} v {clean(pair[1])}"
            look |= {"marker": marks[at], "color": colours[at % len(colours)], "label": label}
        ax.scatter(found.adjusted[own], found.se[own], **look)
    if marked:
        beside: Look = {"loc": "center left", "bbox_to_anchor": (1.02, 0.5), "borderaxespad": 0.0}
        ax.legend(fontsize=style.SMALL_SIZE, frameon=False, handletextpad=0.3, **beside)
    kind = "logarithm of the " if MEASURES[network.measure].ratio else ""
    name = f"{kind}{words.measure_name(network.measure)} less that of its comparison"
    ax.set_xlabel(lettering.shorten(words.capital(name), 318, style.SMALL_SIZE, True), fontweight="bold")
    return sheet.figure
