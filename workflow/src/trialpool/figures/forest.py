"""The forest plot: every trial, what each arm got and showed, its effect, and what they say together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from trialpool.figures import style
from trialpool.figures.forest_layout import Layout, plan_layout
from trialpool.figures.forest_marks import draw_backdrop, draw_marks, draw_value_axis
from trialpool.figures.forest_table import draw_footnotes, draw_head, draw_rows
from trialpool.figures.no_data import draw_no_data
from trialpool.figures.sheet import Sheet, new_sheet


def draw_forest(record: Mapping[str, Any], preset: str = "default") -> Figure:
    """The forest plot of one analysis' result record, sized by its content.

    `record` is what `result.json` holds (status, studies, pooled, subgroups, mcid, direction,
    methods); missing or None entries leave their part out. A record of status `no_data` gives a
    figure that lists the known trials and why none could be used. Raises ValueError for an unknown preset.

    >>> figure = draw_forest({"title": "Pain", "status": "no_data", "known": []})
    >>> bool(figure.get_figwidth() > 4)
    True
    """
    look = style.preset_named(preset)
    if record.get("status") == "no_data" or not record.get("studies"):
        return draw_no_data(record)
    layout = plan_layout(record, look)
    sheet = new_sheet(layout.width, layout.height)
    _draw(sheet, record, layout)
    return sheet.figure


def _draw(sheet: Sheet, record: Mapping[str, Any], layout: Layout) -> None:
    draw_backdrop(sheet, record, layout)
    draw_head(sheet, layout)
    draw_rows(sheet, layout)
    draw_marks(sheet, layout)
    draw_value_axis(sheet, layout)
    draw_footnotes(sheet, layout)
