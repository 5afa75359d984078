"""The words and numbers of a forest plot: title, headings, cells and footnotes."""

from __future__ import annotations

from trialpool.figures import lettering, style
from trialpool.figures.forest_bias import KEY as BIAS
from trialpool.figures.forest_bias import LIGHT
from trialpool.figures.forest_columns import MARK_GAP, PLOT, Column, cell_lines, outcome_lines
from trialpool.figures.forest_layout import (
    NOTE_INDENT,
    NOTE_LEADING,
    SUBTITLE_LEADING,
    TITLE_LEADING,
    Layout,
    Placed,
    whole_line,
)
from trialpool.figures.lights import draw_light
from trialpool.figures.marks import LEADING
from trialpool.figures.sheet import BACK, Sheet, put_box, put_line, put_lines, put_text

RAISED = 2.6


def draw_head(sheet: Sheet, layout: Layout) -> None:
    """Title, subtitle and the headings of the columns down to the rule below them.

    >>> from trialpool.figures.forest_layout import plan_layout
    >>> from trialpool.figures.sheet import new_sheet
    >>> study = {"label": "Lu 2020", "estimate": -1.0, "estimate_low": -2.0, "estimate_high": 0.0}
    >>> record = {"status": "single_study", "measure": "MD", "studies": [study]}
    >>> layout = plan_layout(record, style.DEFAULT)
    >>> sheet = new_sheet(layout.width, layout.height)
    >>> draw_head(sheet, layout)
    >>> sheet.figure.artists[-2].get_text()
    'MD (95% CI)'
    """
    y = style.MARGIN + style.TITLE_SIZE * 0.8
    y = put_lines(sheet, style.MARGIN, y, layout.title, TITLE_LEADING, size=style.TITLE_SIZE, bold=True)
    put_lines(sheet, style.MARGIN, y - 1, layout.subtitle, SUBTITLE_LEADING, colour=style.MUTED)
    right = layout.width - style.MARGIN
    if layout.look.head_fill:
        top, left = layout.head_top - 3, style.MARGIN / 2
        size = (layout.width - style.MARGIN, layout.rule - top)
        put_box(sheet, left, top, *size, fill=layout.look.head_fill, level=BACK)
    for heading, lines, start, end in layout.headings:
        baseline = layout.rule - 5.5
        if heading.level:
            baseline -= LEADING + 5
            put_line(sheet, (start, end), (baseline + 4,) * 2, colour=style.RULE, thickness=0.5)
            baseline -= (len(lines) - 1) * LEADING
        x = {"left": start, "right": end, "centre": (start + end) / 2}[heading.align]
        align = "center" if heading.align == "centre" else heading.align
        put_lines(sheet, x, baseline, lines, LEADING, size=style.SMALL_SIZE, bold=True, align=align)
    put_line(sheet, (style.MARGIN, right), (layout.rule,) * 2, thickness=0.9)


def draw_rows(sheet: Sheet, layout: Layout) -> None:
    """The cells of every row.

    >>> from trialpool.figures.forest_layout import plan_layout
    >>> from trialpool.figures.sheet import new_sheet
    >>> study = {"label": "Lu 2020", "estimate": -1.0, "estimate_low": -2.0, "estimate_high": 0.0}
    >>> record = {"status": "single_study", "measure": "MD", "studies": [study]}
    >>> layout = plan_layout(record, style.DEFAULT)
    >>> sheet = new_sheet(layout.width, layout.height)
    >>> draw_rows(sheet, layout)
    >>> [artist.get_text() for artist in sheet.figure.artists]
    ['Lu 2020', '−1.00', '(−2.00 to 0.00)']
    """
    right = layout.width - style.MARGIN
    if layout.total_rule is not None:
        put_line(sheet, (style.MARGIN, right), (layout.total_rule,) * 2, colour=style.RULE, thickness=0.6)
    for placed in layout.rows:
        _draw_row(sheet, layout, placed)


def _draw_row(sheet: Sheet, layout: Layout, placed: Placed) -> None:
    row = placed.row
    for column in layout.columns:
        text = row.cells.get(column.key, "")
        if column.key == PLOT or not text:
            continue
        if column.key == "study":
            _draw_label(sheet, layout, placed, column)
            continue
        if column.key.startswith(BIAS):
            draw_light(sheet, column.left + column.width / 2, placed.middle, LIGHT, text)
            continue
        x = column.left if column.align == "left" else column.left + column.width
        bold = row.kind == "pooled"
        muted = column.key.startswith(("received", "outcome"))
        put_lines(
            sheet,
            x,
            placed.baseline,
            cell_lines(column, text, bold),
            LEADING,
            size=column.size,
            bold=bold,
            align=column.align,
            colour=style.MUTED if muted or row.kind == "prediction" else style.INK,
        )


def _draw_label(sheet: Sheet, layout: Layout, placed: Placed, column: Column) -> None:
    row = placed.row
    if row.kind != "study":
        bold = row.kind != "prediction"
        colour = style.INK if bold else style.MUTED
        lines = whole_line(row, layout.columns)
        put_lines(sheet, column.left, placed.baseline, lines, LEADING, bold=bold, colour=colour)
        if row.cells.get("aside"):
            x = column.left + lettering.width(lines[-1], style.BODY_SIZE, bold) + 8
            aside = lettering.shorten(row.cells["aside"], _plot_left(layout) - x, style.SMALL_SIZE)
            put_text(sheet, x, placed.baseline, aside, size=style.SMALL_SIZE, colour=style.MUTED)
        return
    lines = cell_lines(column, row.cells["study"])
    y = placed.baseline
    for line in lines:
        put_text(sheet, column.left, y, line, url=row.url)
        y += LEADING
    if row.marks:
        x = column.left + lettering.width(lines[-1]) + MARK_GAP
        put_text(sheet, x, y - LEADING - RAISED, row.marks, size=style.MARK_SIZE, colour=style.MUTED)
    if column.lines > 1:
        second = outcome_lines(row.cells.get("outcome", ""))
        put_lines(sheet, column.left, y, second, LEADING, size=style.SMALL_SIZE, colour=style.MUTED)


def _plot_left(layout: Layout) -> float:
    """Where the words left of the plot must end."""
    return layout.axis.left - 8


def draw_footnotes(sheet: Sheet, layout: Layout) -> None:
    """Rule and footnotes at the foot of the figure, the heterogeneity lines beside the axis.

    >>> from trialpool.figures.forest_layout import plan_layout
    >>> from trialpool.figures.sheet import new_sheet
    >>> study = {"label": "Lu 2020", "estimate": -1.0, "estimate_low": -2.0, "estimate_high": 0.0}
    >>> record = {"status": "single_study", "measure": "MD", "studies": [study]}
    >>> layout = plan_layout(record, style.DEFAULT)
    >>> sheet = new_sheet(layout.width, layout.height)
    >>> draw_footnotes(sheet, layout)
    >>> sheet.figure.artists[0].get_text()
    'One trial: not a meta-analysis.'
    """
    y = layout.bottom + 9
    for line in layout.beside_axis:
        put_text(sheet, style.MARGIN, y, line, size=style.SMALL_SIZE)
        y += NOTE_LEADING
    right = layout.width - style.MARGIN
    put_line(sheet, (style.MARGIN, right), (layout.notes_top,) * 2, colour=style.RULE, thickness=0.6)
    y = layout.notes_top + NOTE_LEADING + 1
    for mark, lines in layout.notes:
        indent = NOTE_INDENT if mark else 0.0
        if mark == "■":
            put_box(
                sheet,
                style.MARGIN,
                y - 5.2,
                6,
                5.5,
                fill=style.BENEFIT,
                edge=style.BENEFIT_EDGE,
                thickness=0.5,
            )
        else:
            put_text(sheet, style.MARGIN, y, mark, size=style.SMALL_SIZE, colour=style.MUTED)
        y = put_lines(
            sheet,
            style.MARGIN + indent,
            y,
            lines,
            NOTE_LEADING,
            size=style.SMALL_SIZE,
            colour=style.MUTED,
        )
