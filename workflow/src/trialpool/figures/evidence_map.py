"""The evidence map as a figure: comparisons by outcomes, a circle a result, its area the people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import lettering, style
from trialpool.figures.sheet import Sheet, new_sheet, put_dot, put_line, put_lines, put_text
from trialpool.text import clean

Population = Mapping[str, Any]
WIDTH, LABEL, HEAD, ROW = 612.0, 196.0, 54.0, 21.0
TITLE_LEADING, LEADING, GAP = 14.0, 10.2, 26.0
SHRINK = 0.5  # the page's circles, in pixels, to points
NOTE = (
    "A circle is a question with a result: its area the people, its number the trials; a ring is one trial, "
    "a dash a question without a usable trial, an empty cell a question that was not asked."
)


def draw_evidence_map(
    populations: Sequence[Population], title: str = "Where the evidence lies", *, left_out: int = 0
) -> Figure:
    """One table a population; `populations` are those of `report.maps.evidence_map` that have room, and
    `left_out` tells how many have none.

    >>> float(round(draw_evidence_map([]).get_figwidth(), 2))
    8.5
    """
    heading = lettering.wrap(clean(title), WIDTH - 2 * style.MARGIN, style.TITLE_SIZE, True, 2)
    told = (
        f"{NOTE} {words.count(left_out, 'more population')} not drawn: summary.csv has all."
        if left_out
        else NOTE
    )
    notes = lettering.wrap(told, WIDTH - 2 * style.MARGIN, style.SMALL_SIZE)
    top = style.MARGIN + TITLE_LEADING * len(heading) + 8
    heights = [HEAD + ROW * len(population["rows"]) + GAP for population in populations]
    sheet = new_sheet(WIDTH, top + sum(heights) + LEADING * len(notes) + style.MARGIN)
    put_lines(
        sheet, style.MARGIN, style.MARGIN + 8.4, heading, TITLE_LEADING, size=style.TITLE_SIZE, bold=True
    )
    for population, height in zip(populations, heights, strict=True):
        _draw_population(sheet, population, top)
        top += height
    put_lines(sheet, style.MARGIN, top + 4, notes, LEADING, size=style.SMALL_SIZE, colour=style.MUTED)
    return sheet.figure


def describe_evidence_map(populations: Sequence[Population]) -> str:
    """The figure's text alternative: results and gaps of each population."""
    told = ["Where the evidence lies"]
    for population in populations:
        bubbles = [bubble for row in population["rows"] for cell in row["cells"] for bubble in cell]
        held = sum(bool(bubble["k"]) for bubble in bubbles)
        gaps = len(bubbles) - held
        result = f"{words.count(held, 'question')} with a result, {gaps} without a usable trial"
        told.append(f"{population['heading']}: {result}")
    return ". ".join(told) + "."


def _draw_population(sheet: Sheet, population: Population, top: float) -> None:
    right = WIDTH - style.MARGIN
    step = (right - LABEL) / max(len(population["domains"]), 1)
    base = top + HEAD
    put_text(sheet, style.MARGIN, top + 9, clean(population["heading"]), bold=True)
    for place, domain in enumerate(population["domains"]):
        lines = lettering.wrap(clean(domain), step - 1, style.SMALL_SIZE, lines=4)
        y = base - 5 - LEADING * (len(lines) - 1)
        for line in lines:
            put_text(sheet, LABEL + step * (place + 0.5), y, line, size=style.SMALL_SIZE, align="center")
            y += LEADING
    put_line(sheet, (style.MARGIN, right), (base, base), colour=style.RULE)
    for number, row in enumerate(population["rows"]):
        middle = base + ROW * (number + 0.5)
        label = lettering.shorten(clean(row["comparison"]), LABEL - style.MARGIN - 8)
        put_text(sheet, style.MARGIN, middle + 2.8, label)
        put_line(sheet, (style.MARGIN, right), (middle + ROW / 2,) * 2, colour=style.HAIRLINE, thickness=0.5)
        for place, cell in enumerate(row["cells"]):
            _draw_cell(sheet, LABEL + step * (place + 0.5), middle, cell, step)


def _draw_cell(sheet: Sheet, x: float, y: float, cell: Sequence[Mapping[str, Any]], step: float) -> None:
    """The results of one cell side by side, closer where they would not fit."""
    radii = [SHRINK * bubble["radius"] if bubble["k"] else 3.0 for bubble in cell]
    room = 2 * sum(radii)
    scale = min(1.0, (step - 3) / room) if room else 1.0
    left = x - scale * room / 2
    for bubble, radius in zip(cell, radii, strict=True):
        middle = left + scale * radius
        _draw_bubble(sheet, middle, y, radius, bubble)
        left += 2 * scale * radius + 0.8


def _draw_bubble(sheet: Sheet, x: float, y: float, radius: float, bubble: Mapping[str, Any]) -> None:
    if not bubble["k"]:
        put_text(sheet, x, y + 2.6, "–", size=style.SMALL_SIZE, colour=style.MUTED, align="center")
        return
    whole = bubble["status"] == "pooled"
    put_dot(sheet, x, y, radius, fill=style.STUDY if whole else style.PAPER, edge=style.STUDY, thickness=0.9)
    colour = "#ffffff" if whole else style.STUDY
    put_text(sheet, x, y + 2.2, str(bubble["k"]), size=6.0, bold=whole, colour=colour, align="center")
