"""Where everything of a forest plot stands, computed from its content before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialpool.figures import forest_notes, lettering, style
from trialpool.figures.forest_columns import (
    PLOT,
    Column,
    Heading,
    cell_lines,
    has_events,
    is_compact,
    outcome_lines,
    plan_columns,
    plan_headings,
    span_keys,
)
from trialpool.figures.forest_rows import Row, bias_note, forest_rows
from trialpool.figures.marks import LEADING, direction_lines
from trialpool.view.axis import Axis, mcid_threshold, side
from trialpool.view.forest_table import ForestTable, forest_axis, forest_table

LEAST_WIDTH = 470.0
ROW, COMPACT_ROW, TOTAL_ROW = 14.0, 12.0, 15.0
TITLE_LEADING, SUBTITLE_LEADING = 13.5, 10.0
AXIS_DEPTH = 17.0
NOTE_LEADING = 9.2
NOTE_INDENT = 11.0
NOTE_LINES = 3


@dataclass(frozen=True, slots=True)
class Placed:
    """A row with the baseline of its first line and the height of its mark in the plot."""

    row: Row
    baseline: float
    middle: float


@dataclass(frozen=True, slots=True)
class Layout:
    """A planned forest plot, all lengths in points from the upper left corner."""

    look: style.Preset
    width: float
    height: float
    title: tuple[str, ...]
    subtitle: tuple[str, ...]
    head_top: float
    rule: float
    columns: tuple[Column, ...]
    headings: tuple[tuple[Heading, tuple[str, ...], float, float], ...]
    rows: tuple[Placed, ...]
    total_rule: float | None
    bottom: float
    axis: Axis
    beside_axis: tuple[str, ...]
    directions: tuple[tuple[str, ...], tuple[str, ...]]
    threshold: float | None
    notes_top: float
    notes: tuple[tuple[str, tuple[str, ...]], ...]
    compact: bool
    events: bool


def plan_layout(record: Mapping[str, Any], look: style.Preset) -> Layout:
    """Measure every text of the record's plot and give each its place.

    >>> study = {"label": "Lu 2020", "estimate": -1.0, "estimate_low": -2.0, "estimate_high": 0.0}
    >>> record = {"status": "single_study", "measure": "MD", "studies": [study]}
    >>> layout = plan_layout(record, style.DEFAULT)
    >>> layout.axis.labels, len(layout.rows)
    (('−2.0', '−1.5', '−1.0', '−0.5', '0.0'), 1)
    """
    table = forest_table(record)
    rows = forest_rows(table, look)
    headings = plan_headings(record, table, rows, look)
    columns = plan_columns(rows, look, headings)
    width = max(columns[-1].left + columns[-1].width + style.MARGIN, LEAST_WIDTH)
    room = width - 2 * style.MARGIN
    title = lettering.wrap(forest_notes.title(record), room, style.TITLE_SIZE, True, 3)
    subtitle = lettering.wrap(forest_notes.subtitle(record), room, style.BODY_SIZE, lines=3)
    head_top = style.MARGIN + len(title) * TITLE_LEADING + len(subtitle) * SUBTITLE_LEADING + 8
    spans = _heading_spans(headings, columns)
    plot = next(column for column in columns if column.key == PLOT)
    threshold = mcid_threshold(record) if look.band else None
    axis = forest_axis(table, threshold, plot.left)
    directions = direction_lines(record.get("direction"), axis.right - axis.left - 12)
    words_deep = max(len(lines) for lines in directions)
    above, below = (words_deep, 0) if look.directions == "above" else (0, words_deep)
    head_deep = max(above, 1 + max((len(lines) for head, lines, *_ in spans if head.level), default=0))
    rule = head_top + head_deep * LEADING + 8
    compact = is_compact(rows)
    placed, total_rule, bottom = _place_rows(rows, columns, rule + 3, compact)
    beside = _beside_axis(record, table, plot)
    depth = AXIS_DEPTH + below * LEADING
    notes_top = bottom + max(depth, len(beside) * NOTE_LEADING + 4) + 6
    footnotes = _footnotes(record, table, rows, axis, threshold, room, look.bias)
    height = notes_top + 6 + sum(len(lines) for _, lines in footnotes) * NOTE_LEADING + style.MARGIN
    return Layout(
        look, width, height, title, subtitle, head_top, rule, tuple(columns), tuple(spans), tuple(placed),
        total_rule, bottom, axis, beside, directions, threshold, notes_top, footnotes, compact,
        has_events(rows),
    )  # fmt: skip


def _heading_spans(
    headings: Sequence[Heading], columns: Sequence[Column]
) -> list[tuple[Heading, tuple[str, ...], float, float]]:
    """Each heading with its lines and the left and right ends of its columns."""
    keys = [column.key for column in columns]
    spans = []
    for heading in headings:
        inside = [columns[keys.index(key)] for key in span_keys(heading, keys)]
        if inside:
            left, right = inside[0].left, inside[-1].left + inside[-1].width
            limit = right - left if heading.level else 1e9
            lines = lettering.wrap(heading.text, limit, style.SMALL_SIZE, True, 3)
            spans.append((heading, lines, left, right))
    return spans


def _place_rows(
    rows: Sequence[Row], columns: Sequence[Column], top: float, compact: bool
) -> tuple[list[Placed], float | None, float]:
    """Rows below each other; also where the rule above the total stands and where the rows end."""
    placed: list[Placed] = []
    total_rule = None
    y, single = top, COMPACT_ROW if compact else ROW
    for row in rows:
        if row.kind == "pooled":
            total_rule = y + 3
            y += 5
        elif row.kind == "heading" and placed:
            y += 4
        height = TOTAL_ROW if row.kind in ("pooled", "prediction") else single
        baseline = y + height / 2 + style.BODY_SIZE * 0.36
        placed.append(Placed(row, baseline, y + height / 2))
        y += height + (_row_lines(row, columns) - 1) * LEADING
    return placed, total_rule, y + 3


def _row_lines(row: Row, columns: Sequence[Column]) -> int:
    if row.kind != "study":
        return len(whole_line(row, columns))
    lines = 1
    for column in columns:
        text = row.cells.get(column.key, "")
        if text:
            count = len(cell_lines(column, text))
            if column.key == "study" and column.lines > 1:
                count += len(outcome_lines(row.cells.get("outcome", "")))
            lines = max(lines, count)
    return lines


def whole_line(row: Row, columns: Sequence[Column]) -> tuple[str, ...]:
    """The lines of a heading, subtotal or total: its text may run on until the next column that it fills.

    >>> columns = [Column("study", "left", 0.0), Column(PLOT, "left", 0.0, left=140.0)]
    >>> whole_line(Row("heading", {"study": "Usual care"}), columns)
    ('Usual care',)
    """
    start = next(column for column in columns if column.key == "study").left
    after = [
        c.left
        if c.key == PLOT or c.align == "left"
        else c.left + c.width - lettering.width(row.cells[c.key], c.size, True)
        for c in columns
        if c.left > start and (c.key == PLOT or row.cells.get(c.key))
    ]
    end = min(after, default=LEAST_WIDTH)
    room, bold = end - start - 6, row.kind != "prediction"
    text = row.cells["study"]
    if lettering.width(text, style.BODY_SIZE, bold) > room:
        text = row.cells.get("short", text)
    return lettering.wrap(text, room, style.BODY_SIZE, bold, 3)


def _beside_axis(record: Mapping[str, Any], table: ForestTable, plot: Column) -> tuple[str, ...]:
    lines: list[str] = []
    for text in forest_notes.heterogeneity(record, table):
        lines += lettering.wrap(text, plot.left - style.MARGIN - 12, style.SMALL_SIZE)
    return tuple(lines)


def _footnotes(
    record: Mapping[str, Any],
    table: ForestTable,
    rows: Sequence[Row],
    axis: Axis,
    threshold: float | None,
    room: float,
    manner: str,
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    clipped = any(side(axis, bound) for row in rows for bound in (row.low, row.high) if bound is not None)
    listed = forest_notes.footnotes(record, table, clipped)
    if threshold is not None:
        listed.insert(len(listed) - 1, ("■", forest_notes.mcid_note(record)))
    bias = bias_note(table.studies, manner)
    listed += [("", bias)] if bias else []
    return tuple(
        (mark, lettering.wrap(text, room - (NOTE_INDENT if mark else 0), style.SMALL_SIZE, lines=NOTE_LINES))
        for mark, text in listed
    )
