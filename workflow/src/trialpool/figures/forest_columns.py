"""The columns of a forest plot: what each holds, how wide it must be, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trialpool import text as words
from trialpool.figures import lettering, style
from trialpool.figures.forest_rows import BIAS, LETTERS, LIGHT, Row
from trialpool.text import clean
from trialpool.view.forest_table import PLOT_WIDTH, SIDES, ForestTable

PLOT = "plot"
LEAST_BEFORE_PLOT = 190.0
LABEL_LIMIT = 108.0
RECEIVED_LIMIT = 90.0
LONGEST_HEADING = 100.0  # of a group of columns; longer ones wrap
MARK_GAP = 1.5
WIDE, NARROW, JOINED = 12.0, 7.0, 3.0
COMPACT_FROM = 26  # trials from which every row is one line
WHOLE_LINE = ("heading", "subtotal", "pooled", "prediction")


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `gap` is the space before it, `lines` how many lines its cells may take."""

    key: str
    align: str
    gap: float
    size: float = style.BODY_SIZE
    limit: float | None = None
    lines: int = 1
    left: float = 0.0
    width: float = 0.0


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading over the columns `keys`; level 0 stands on the rule, level 1 above."""

    keys: tuple[str, ...]
    text: str
    align: str
    level: int = 0


def is_compact(rows: Sequence[Row]) -> bool:
    """Whether there are so many trials that each gets a single line.

    >>> is_compact([Row("study", {})] * 26), is_compact([Row("study", {})] * 25 + [Row("pooled", {})])
    (True, False)
    """
    return sum(row.kind == "study" for row in rows) >= COMPACT_FROM


def has_events(rows: Sequence[Row]) -> bool:
    """Whether the arms' results are counts rather than means.

    >>> has_events([Row("study", {"spread_experimental": "/30"})])
    True
    """
    return any(row.cells.get("spread_experimental", "").startswith("/") for row in rows)


def plan_columns(rows: Sequence[Row], preset: style.Preset, headings: Sequence[Heading]) -> list[Column]:
    """The columns that have something to say, from left to right, each with its place in points.

    >>> row = Row("study", {"study": "Lu 2020", "estimate": "0.5", "interval": ""})
    >>> [column.key for column in plan_columns([row], style.DEFAULT, [])]
    ['study', 'plot', 'estimate']
    """
    compact = is_compact(rows)
    events = has_events(rows)
    columns = [column for block in preset.columns for column in _block(block, compact, events, preset)]
    held = {key for row in rows for key, text in row.cells.items() if text not in ("", words.MISSING)} | {
        PLOT
    }
    columns = [column for column in columns if column.key in held]
    columns = [replace(column, width=_natural_width(column, rows)) for column in columns]
    placed = _placed(_widened(columns, headings))
    lack = LEAST_BEFORE_PLOT - next(column.left for column in placed if column.key == PLOT)
    if lack > 0:  # the lines beside the axis need room
        placed = _placed([replace(placed[0], width=placed[0].width + lack), *placed[1:]])
    return placed


def _placed(columns: Sequence[Column]) -> list[Column]:
    """Columns beside each other, the first at the margin."""
    placed, x = [], style.MARGIN
    for index, column in enumerate(columns):
        x += column.gap if index else 0.0
        placed.append(replace(column, left=x))
        x += column.width
    return placed


def _block(block: str, compact: bool, events: bool, preset: style.Preset) -> list[Column]:
    if block == "study":
        label = Column("study", "left", 0.0, limit=LABEL_LIMIT, lines=1 if compact else 2)
        outcome = Column("outcome", "left", NARROW, style.SMALL_SIZE, LABEL_LIMIT)
        return [label, outcome] if compact and preset.outcome else [label]
    if block == "arms":
        return [column for side in SIDES for column in _arm_block(side, compact, events, preset)]
    if block == "effect":
        return [Column("estimate", "right", WIDE), Column("interval", "left", JOINED)]
    if block == "weight":
        return [Column("weight", "right", WIDE)]
    if block == BIAS:
        letters = [
            Column(f"{BIAS}{name}", "centre", 2.0 if place else WIDE) for place, name in enumerate(LETTERS)
        ]
        return [Column(BIAS, "centre", WIDE), *letters]
    return [Column(PLOT, "left", WIDE)]


def _arm_block(side: str, compact: bool, events: bool, preset: style.Preset) -> list[Column]:
    """The columns of one arm; "12/30" stands closer than "4.2 ± 1.3"."""
    shapes = {
        "received": Column("received", "left", WIDE, style.SMALL_SIZE, RECEIVED_LIMIT, 1 if compact else 2),
        "n": Column("n", "right", NARROW),
        "value": Column("value", "right", NARROW),
        "sd": Column("sd", "right", NARROW),
        "spread": Column("spread", "left", 0.5 if events else JOINED),
    }
    chosen = [shapes[name] for name in (preset.events if events else preset.arms)]
    chosen = [replace(chosen[0], gap=WIDE), *chosen[1:]]
    return [replace(column, key=f"{column.key}_{side}") for column in chosen]


def _natural_width(column: Column, rows: Sequence[Row]) -> float:
    if column.key == PLOT:
        return PLOT_WIDTH
    if column.key.startswith(BIAS):
        return 2 * LIGHT
    widest = 0.0
    for row in rows:
        text = row.cells.get(column.key, "")
        if not text or (column.key == "study" and row.kind in WHOLE_LINE):
            continue
        bold = row.kind in ("pooled", "subtotal")
        for line in cell_lines(column, text, bold):
            widest = max(widest, lettering.width(line, column.size, bold))
        if column.key == "study":
            widest = max(widest, _label_width(column, row))
    return widest


def _label_width(column: Column, row: Row) -> float:
    """Width of a study's label with its raised marks, and of the line below it."""
    label = cell_lines(column, row.cells["study"], False)[-1]
    marks = lettering.width(row.marks, style.MARK_SIZE) + MARK_GAP if row.marks else 0.0
    second = row.cells.get("outcome", "") if column.lines > 1 else ""
    below = max((lettering.width(line, style.SMALL_SIZE) for line in outcome_lines(second)), default=0.0)
    return max(lettering.width(label, column.size) + marks, below)


def outcome_lines(text: str) -> tuple[str, ...]:
    """The small line below a study's label: what was measured, and when.

    >>> outcome_lines("NRS, week 8")
    ('NRS, week 8',)
    """
    return lettering.wrap(text, LABEL_LIMIT, style.SMALL_SIZE, lines=2)


def cell_lines(column: Column, text: str, bold: bool = False) -> tuple[str, ...]:
    """The lines of a cell, wrapped or shortened to what its column allows.

    >>> cell_lines(Column("received_control", "left", 0.0, limit=60.0, lines=2), "usual care alone")
    ('usual care', 'alone')
    """
    if column.limit is None:
        return (text,)
    return lettering.wrap(text, column.limit, column.size, bold, column.lines)


def _widened(columns: list[Column], headings: Sequence[Heading]) -> list[Column]:
    """Columns made so wide that the headings on the rule fit over them."""
    keys = [column.key for column in columns]
    for heading in headings:
        span = span_keys(heading, keys)
        if not span:
            continue
        first = keys.index(span[0])
        inside = columns[first : keys.index(span[-1]) + 1]
        room = sum(column.width for column in inside) + sum(column.gap for column in inside[1:])
        wanted = lettering.width(heading.text, style.SMALL_SIZE, True)
        lack = (min(wanted, LONGEST_HEADING) if heading.level else wanted) - room
        if lack > 0:
            grow = lack if len(inside) == 1 else lack / 2
            columns[first] = replace(columns[first], width=columns[first].width + grow)
            last = keys.index(span[-1])
            columns[last] = replace(columns[last], width=columns[last].width + lack - grow)
    return columns


def span_keys(heading: Heading, keys: Sequence[str]) -> list[str]:
    """The present columns that a heading stands over (some of its columns may be absent).

    >>> span_keys(Heading(("n_control", "value_control"), "Sham", "left"), ["study", "value_control"])
    ['value_control']
    """
    return [key for key in keys if key in heading.keys]


def plan_headings(
    record: Mapping[str, Any], table: ForestTable, rows: Sequence[Row], preset: style.Preset
) -> list[Heading]:
    """The headings of all columns that this record may need.

    >>> from trialpool.view.forest_table import forest_table
    >>> plan_headings({}, forest_table({"measure": "RR"}), [], style.DEFAULT)[2].text
    'RR (95% CI)'
    """
    events, titles = has_events(rows), dict(preset.titles)
    value = titles.get("counts", "Events/n") if events else titles.get("value", "Mean ± SD")
    headings = [
        Heading(("study",), titles.get("study", "Trial"), "left"),
        Heading(("outcome",), "Measured", "left"),
        Heading(("estimate", "interval"), f"{clean(table.measure)} ({table.level} CI)", "centre"),
        Heading(("weight",), titles.get("weight", "Weight"), "right"),
        Heading((BIAS,), "Bias", "centre"),
        *(Heading((f"{BIAS}{name}",), name, "centre") for name in LETTERS),
        Heading(tuple(f"{BIAS}{name}" for name in LETTERS), "Risk of bias", "left", 1),
    ]
    for side in SIDES:
        name = words.capital(clean(record.get(f"{side}_name")) or side)
        joined = "spread" in (preset.events if events else preset.arms)
        parts = tuple(f"{part}_{side}" for part in ("received", "n", "value", "sd", "spread"))
        headings += [
            Heading(parts[:1], "Received", "left"),
            Heading(parts[1:2], titles.get("n", "n"), "right"),
            Heading(parts[2:3] + parts[4:], value, "centre" if joined else "right"),
            Heading(parts[3:4], "SD", "right"),
            Heading(parts, name, "left", 1),
        ]
    return headings
