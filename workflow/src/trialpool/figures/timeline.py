"""The trials by year of publication as a figure: a dot a trial, filled where a result of it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import lettering, style
from trialpool.figures.sheet import Sheet, new_sheet, put_dot, put_line, put_lines, put_text
from trialpool.text import clean

Timeline = Mapping[str, Any]
RADIUS, TITLE_LEADING, LEADING = 3.3, 14.0, 10.2
LEAST_WIDTH, KEY = 420.0, 40.0
SERIES = (style.STUDY, style.POOLED)
NOTE = "A dot is a trial, filled where a result of it is used, a ring where it is known without one."


def draw_timeline(timeline: Timeline | None, title: str = "When the trials were published") -> Figure:
    """Stacked dots over the years; `timeline` is that of `report.maps.timeline`, None where no year is known.

    >>> float(round(draw_timeline(None).get_figwidth(), 2))
    5.83
    """
    held = timeline or {"width": 0, "height": 0, "base": 0, "dots": [], "years": [], "conditions": []}
    width = max(LEAST_WIDTH, held["width"] + 2 * style.MARGIN)
    undated = held.get("undated") or 0
    told = NOTE if timeline else "No trial has a year of publication."
    each = held.get("each", 1)
    if each > 1:
        told = f"A dot is up to {each} trials of a year, filled where results of them are used."
    told += f" Not shown, without a year: {words.count(undated, 'trial')}." if undated else ""
    notes = lettering.wrap(told, width - 2 * style.MARGIN, style.SMALL_SIZE)
    top = style.MARGIN + TITLE_LEADING + 6
    sheet = new_sheet(width, top + held["height"] + KEY + LEADING * len(notes))
    put_text(sheet, style.MARGIN, style.MARGIN + 8.4, clean(title), size=style.TITLE_SIZE, bold=True)
    left = (width - held["width"]) / 2
    for dot in held["dots"]:
        _draw_dot(sheet, left + dot["x"], top + dot["y"], dot["series"], dot["used"])
    base = top + held["base"]
    if timeline:
        put_line(sheet, (left + 6, left + held["width"] - 6), (base, base), colour=style.RULE)
    for year in held["years"]:
        if year["labelled"]:
            x = left + year["x"]
            put_line(sheet, (x, x), (base, base + 4), colour=style.RULE)
            put_text(sheet, x, base + 13, str(year["year"]), size=style.SMALL_SIZE, align="center")
    y = top + held["height"] + 12
    _draw_key(sheet, y, held["conditions"])
    put_lines(sheet, style.MARGIN, y + 14, notes, LEADING, size=style.SMALL_SIZE, colour=style.MUTED)
    return sheet.figure


def describe_timeline(timeline: Timeline | None) -> str:
    """The figure's text alternative: how many trials in which year.

    >>> describe_timeline({"counts": [{"year": 2007, "trials": 2}], "undated": 1})
    'When the trials were published. 2007: 2 trials. 1 trial without a year.'
    """
    opening = "When the trials were published."
    if not timeline:
        return f"{opening} No trial has a year of publication."
    told = ", ".join(f"{row['year']}: {words.count(row['trials'], 'trial')}" for row in timeline["counts"])
    undated = timeline.get("undated")
    return f"{opening} {told}." + (f" {words.count(undated, 'trial')} without a year." if undated else "")


def _draw_dot(sheet: Sheet, x: float, y: float, series: int, used: bool) -> None:
    colour = SERIES[series % len(SERIES)]
    put_dot(sheet, x, y, RADIUS, fill=colour if used else style.PAPER, edge=colour, thickness=0.9)


def _draw_key(sheet: Sheet, y: float, conditions: list[str]) -> None:
    x = style.MARGIN + RADIUS
    for series, name in enumerate(conditions):
        _draw_dot(sheet, x, y - 2.5, series, True)
        text = words.capital(clean(name))
        put_text(sheet, x + 7, y, text, size=style.SMALL_SIZE)
        x += 7 + lettering.width(text, style.SMALL_SIZE) + 16
