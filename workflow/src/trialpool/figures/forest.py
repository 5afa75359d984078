"""The forest plot: every trial, what each arm got and showed, its effect, and what they say together."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from trialpool.figures import lettering, style
from trialpool.figures.forest_layout import (
    BIAS,
    LIGHT,
    MARK_GAP,
    NOTE_INDENT,
    NOTE_LEADING,
    PLOT,
    SUBTITLE_LEADING,
    TITLE_LEADING,
    Column,
    Layout,
    Placed,
    cell_lines,
    outcome_lines,
    plan_layout,
    whole_line,
)
from trialpool.figures.lights import draw_light
from trialpool.figures.marks import (
    LEADING,
    TICK,
    draw_band,
    draw_diamond,
    draw_directions,
    draw_interval,
    draw_prediction,
    draw_ticks,
    name_band,
)
from trialpool.figures.no_data import draw_no_data
from trialpool.figures.sheet import (
    BACK,
    BAND,
    Sheet,
    new_sheet,
    put_box,
    put_line,
    put_lines,
    put_text,
)
from trialpool.records import Record, Status, to_json
from trialpool.view.axis import no_effect, position, side

RAISED = 2.6
LARGEST_SQUARE, LARGEST_COMPACT, SMALLEST_SQUARE = 9.5, 8.0, 2.2
SOLE_SQUARE = 6.5
DIAMOND = 5.0


def draw_forest(record: Record, preset: str = "default") -> Figure:
    """The forest plot of one analysis' result record, sized by its content.

    What is None leaves its part out. A record of status `no_data` gives a figure that lists the known trials
    and why none could be used. Raises ValueError for an unknown preset.

    >>> from trialpool.view.read import Appraised, filled
    >>> figure = draw_forest(filled(Appraised, {"title": "Pain", "status": "no_data"}))
    >>> bool(figure.get_figwidth() > 4)
    True
    """
    look = style.preset_named(preset)
    if record.status == Status.NO_DATA or not record.studies:
        return draw_no_data(to_json(record))
    layout = plan_layout(record, look)
    sheet = new_sheet(layout.width, layout.height)
    _draw_backdrop(sheet, record, layout)
    _draw_head(sheet, layout)
    _draw_rows(sheet, layout)
    _draw_marks(sheet, layout)
    _draw_value_axis(sheet, layout)
    _draw_footnotes(sheet, layout)
    return sheet.figure


def _draw_head(sheet: Sheet, layout: Layout) -> None:
    """Title, subtitle and the headings of the columns down to the rule below them."""
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


def _draw_rows(sheet: Sheet, layout: Layout) -> None:
    """The cells of every row."""
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


def _draw_footnotes(sheet: Sheet, layout: Layout) -> None:
    """Rule and footnotes at the foot of the figure, the heterogeneity lines beside the axis."""
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


def _draw_backdrop(sheet: Sheet, record: Record, layout: Layout) -> None:
    """What lies behind the marks: the zone of benefit beyond the MCID, no effect, the pooled estimate."""
    axis, top, bottom = layout.axis, layout.rule, layout.bottom
    if layout.threshold is not None:
        ends = draw_band(sheet, axis, layout.threshold, record.better, top, bottom)
        if layout.look.directions == "below":
            name_band(sheet, axis, ends, layout.rule - 5.5)
    null = position(axis, no_effect(record.measure))
    put_line(sheet, (null, null), (top, bottom), thickness=0.8, level=BAND, gid="no-effect")
    pooled = next((placed for placed in layout.rows if placed.row.kind == "pooled"), None)
    if pooled and pooled.row.estimate is not None and layout.look.pooled_line:
        x = position(axis, pooled.row.estimate)
        ys = (top, pooled.middle)
        colour = layout.look.pooled
        put_line(sheet, (x, x), ys, colour=colour, thickness=0.7, dashes=(1, 1.6), level=BAND)


def _draw_marks(sheet: Sheet, layout: Layout) -> None:
    """The mark of every row: square and interval, diamond, or prediction interval."""
    heaviest = max((p.row.weight or 0.0 for p in layout.rows if p.row.kind == "study"), default=0.0)
    for index, placed in enumerate(layout.rows):
        if placed.row.kind == "study":
            _draw_study(sheet, layout, placed, heaviest, index)
        elif placed.row.kind in ("pooled", "subtotal"):
            _draw_diamond(sheet, layout, placed, index)
        elif placed.row.kind == "prediction":
            low, high = placed.row.low, placed.row.high
            if low is not None and high is not None:
                draw_prediction(sheet, layout.axis, placed.middle, low, high, layout.look.pooled)


def _square_side(weight: float | None, heaviest: float, compact: bool) -> float:
    """Side of a study's square in points: its area is in proportion to the weight, within sight."""
    if not weight or not heaviest:
        return SOLE_SQUARE
    largest = LARGEST_COMPACT if compact else LARGEST_SQUARE
    return max(largest * math.sqrt(weight / heaviest), SMALLEST_SQUARE)


def _draw_study(sheet: Sheet, layout: Layout, placed: Placed, heaviest: float, index: int) -> None:
    row, axis, y = placed.row, layout.axis, placed.middle
    if row.low is not None and row.high is not None:
        draw_interval(sheet, axis, y, row.low, row.high, gid=f"ci-{index}")
    if row.estimate is None or side(axis, row.estimate):
        return
    length = _square_side(row.weight, heaviest, layout.compact)
    put_box(
        sheet,
        position(axis, row.estimate) - length / 2,
        y - length / 2,
        length,
        length,
        fill=style.PAPER if row.hollow else _study_colour(layout),
        edge=_study_colour(layout) if row.hollow else "none",
        thickness=1.0,
        gid=f"square-{index}",
    )


def _study_colour(layout: Layout) -> str:
    return layout.look.study_events if layout.events else layout.look.study


def _draw_diamond(sheet: Sheet, layout: Layout, placed: Placed, index: int) -> None:
    """Estimate and interval of a pooled row; hollow and smaller for a subgroup."""
    row, total = placed.row, placed.row.kind == "pooled"
    if row.estimate is None or row.low is None or row.high is None:
        return
    draw_diamond(
        sheet,
        layout.axis,
        placed.middle,
        (row.low, row.estimate, row.high),
        half=DIAMOND if total else DIAMOND - 1,
        colour=layout.look.pooled,
        hollow=not total,
        gid=f"diamond-{index}",
    )


def _draw_value_axis(sheet: Sheet, layout: Layout) -> None:
    """Axis line, ticks with labels, and below them the words for either direction."""
    draw_ticks(sheet, layout.axis, layout.bottom)
    above = layout.look.directions == "above"
    baseline = layout.rule - 5.5 if above else layout.bottom + TICK + 9 + LEADING
    draw_directions(sheet, layout.axis, layout.directions, baseline, last=above)
