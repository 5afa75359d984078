"""Risk of bias as published reviews judged it: traffic lights of the trials judged, bars over all trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import lettering, style
from trialpool.figures.lights import FILLS, NOT_JUDGED, RADIUS, draw_key, draw_light
from trialpool.figures.sheet import Sheet, new_sheet, put_box, put_line, put_lines, put_text
from trialpool.text import clean

Table = Mapping[str, Any]
WIDTH, LABEL, COLUMN, ROW = 560.0, 120.0, 30.0, 16.0
HEAD, TITLE_LEADING, LEADING, BAR = 146.0, 14.0, 10.2, 15.0
BAR_LEFT, BAR_RIGHT = 178.0, 380.0
NOTE = "Judgements of published reviews, with their tools and domains; an empty ring or bar was not judged."


def draw_risk_of_bias(tables: Sequence[Table], title: str = "Risk of bias") -> Figure:
    """Lights and bars of every tool; `tables` are those of `report.rob.tool_tables`.

    >>> float(round(draw_risk_of_bias([]).get_figwidth(), 2))
    7.78
    """
    heading = lettering.wrap(clean(title), WIDTH - 2 * style.MARGIN, style.TITLE_SIZE, True, 2)
    notes = lettering.wrap(NOTE, WIDTH - 2 * style.MARGIN, style.SMALL_SIZE)
    top = style.MARGIN + TITLE_LEADING * len(heading) + 6
    heights = [_height(table) for table in tables]
    sheet = new_sheet(WIDTH, top + sum(heights) + LEADING * (len(notes) + 2) + style.MARGIN)
    put_lines(
        sheet, style.MARGIN, style.MARGIN + 8.4, heading, TITLE_LEADING, size=style.TITLE_SIZE, bold=True
    )
    for table, height in zip(tables, heights, strict=True):
        _draw_lights(sheet, table, top)
        _draw_bars(sheet, table, top + HEAD + ROW * len(table["rows"]) + 26)
        top += height
    draw_key(sheet, top + 6)
    put_lines(
        sheet, style.MARGIN, top + 6 + 2 * LEADING, notes, LEADING, size=style.SMALL_SIZE, colour=style.MUTED
    )
    return sheet.figure


def describe_risk_of_bias(tables: Sequence[Table], trials: int) -> str:
    """The figure's text alternative: how many trials were judged, and the domains with high risk."""
    judged = {row["study_id"] for table in tables for row in table["rows"]}
    number = words.capital(words.count(len(judged), "trial"))
    told = f"Risk of bias. {number} of {trials} judged by published reviews."
    for table in tables:
        high = [line["domain"] for line in table["summary"] if _count(line, "high")]
        if high:
            told += f" {clean(table['tool'])}, high risk in: {words.listing(high)}."
    return told


def _height(table: Table) -> float:
    return HEAD + ROW * len(table["rows"]) + 26 + BAR * len(table["summary"]) + 24


def _count(line: Mapping[str, Any], judgement: str) -> int:
    return next(int(bar["count"]) for bar in line["bars"] if bar["judgement"] == judgement)


def _draw_lights(sheet: Sheet, table: Table, top: float) -> None:
    """The trials by the domains of one tool; two judgements of one domain stand side by side."""
    step = min(COLUMN, (WIDTH - style.MARGIN - LABEL - style.MARGIN) / max(len(table["domains"]), 1))
    put_text(sheet, style.MARGIN, top + HEAD - 8, clean(table["tool"]), bold=True)
    for place, domain in enumerate(table["domains"]):
        x = LABEL + step * (place + 0.5)
        text = lettering.shorten(words.capital(clean(domain)), HEAD - 10, style.SMALL_SIZE)
        put_text(sheet, x + 2.4, top + HEAD - 6, text, size=style.SMALL_SIZE, turned=True)
    for line, row in enumerate(table["rows"]):
        y = top + HEAD + ROW * (line + 0.5)
        label = lettering.shorten(clean(row["label"]), LABEL - style.MARGIN - 6)
        put_text(sheet, style.MARGIN, y + 2.8, label)
        for place, cell in enumerate(row["cells"]):
            _draw_cell(sheet, LABEL + step * (place + 0.5), y, cell)


def _draw_cell(sheet: Sheet, x: float, y: float, cell: Sequence[Mapping[str, str]]) -> None:
    if not cell:
        draw_light(sheet, x, y, RADIUS, NOT_JUDGED)
        return
    radius = RADIUS if len(cell) == 1 else RADIUS * 0.7
    for place, mark in enumerate(cell):
        middle = x + (place - (len(cell) - 1) / 2) * 2 * radius
        draw_light(sheet, middle, y, radius, mark["judgement"])


def _draw_bars(sheet: Sheet, table: Table, top: float) -> None:
    """One stacked bar a domain over all trials, and the counts beside it."""
    for place, line in enumerate(table["summary"]):
        y = top + BAR * place
        label = lettering.shorten(words.capital(clean(line["domain"])), BAR_LEFT - style.MARGIN - 8)
        put_text(sheet, style.MARGIN, y + 8, label)
        left, told = BAR_LEFT, []
        for bar in line["bars"]:
            width = (BAR_RIGHT - BAR_LEFT) * bar["share"] / 100
            if bar["count"]:
                told.append(f"{bar['count']} {bar['text']}")
            if bar["count"] and bar["judgement"] != NOT_JUDGED:
                put_box(sheet, left, y + 1.5, width, 8.5, fill=FILLS.get(bar["judgement"], style.PAPER))
            left += width
        put_line(
            sheet,
            (BAR_LEFT, BAR_RIGHT, BAR_RIGHT, BAR_LEFT, BAR_LEFT),
            (y + 1.5, y + 1.5, y + 10, y + 10, y + 1.5),
            colour=style.RULE,
            thickness=0.6,
        )
        room = WIDTH - style.MARGIN - BAR_RIGHT - 8
        counts = lettering.shorten(", ".join(told), room, style.SMALL_SIZE)
        put_text(sheet, BAR_RIGHT + 8, y + 8, counts, size=style.SMALL_SIZE, colour=style.MUTED)
