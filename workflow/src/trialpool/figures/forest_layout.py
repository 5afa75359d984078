"""A forest plot before it is drawn: a record and a house style in; its rows, columns and their places out.

Risk of bias is one light a trial (its worst domain), or, where the house style asks for it and all judged
trials were judged with one tool, a light a domain under letters that a footnote spells out. A trial that no
review has judged has an empty ring; where no trial of a plot was judged there is no column, and a footnote
says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trialpool import text as words
from trialpool.figures import forest_notes, lettering, style
from trialpool.figures.canvas import LEADING, NOT_JUDGED, TITLE_LEADING
from trialpool.records import Direction
from trialpool.text import clean
from trialpool.view.axis import Axis, mcid_threshold
from trialpool.view.axis import side as side_of
from trialpool.view.forest_table import (
    PLOT_WIDTH,
    SIDES,
    Arm,
    Estimate,
    ForestTable,
    Pooled,
    Study,
    forest_axis,
    forest_table,
)
from trialpool.view.read import Appraised

BIAS = "bias"  # the key of the column of lights, and before a letter those of the domains
LIGHT = 4.5  # radius in points
MOST_DOMAINS = 10  # that fit beside the plot
LETTERS = "ABCDEFGHIJ"
DOMAIN_KEYS = tuple(f"{BIAS}{letter}" for letter in LETTERS)
Domains = list[str] | None  # those with a column each; [] for one column of the worst, None for no column
MARKS = "+ low, − some concerns, ? unclear, × high, empty ring not judged"
PLOT = "plot"
LEAST_BEFORE_PLOT = 190.0
LABEL_LIMIT = 108.0
RECEIVED_LIMIT = 90.0
LONGEST_HEADING = 100.0  # of a group of columns; longer ones wrap
MARK_GAP = 1.5
WIDE, NARROW, JOINED = 12.0, 7.0, 3.0
COMPACT_FROM = 26  # trials from which every row is one line
LEAST_WIDTH = 470.0
ROW, COMPACT_ROW, TOTAL_ROW = 14.0, 12.0, 15.0
CELL_LEADING, SUBTITLE_LEADING = 8.8, 10.0
AXIS_DEPTH = 17.0
NOTE_INDENT = 11.0
NOTE_LINES = 3

# house styles


@dataclass(frozen=True, slots=True)
class Preset:
    """What distinguishes one house style of forest plots from another.

    `columns` names the blocks from left to right (study, arms, plot, effect, weight, bias), `arms` and
    `events` the columns of an arm with means and with counts; `around` are the texts before, between and
    after the bounds of an interval; `spread` how it is written; `directions` where their words stand (below,
    above); `bias` what stands of the risk of bias beside a trial (none, worst, domains).
    """

    columns: tuple[str, ...] = ("study", "arms", "plot", "effect", "weight", "bias")
    arms: tuple[str, ...] = ("received", "n", "value", "spread")
    events: tuple[str, ...] = ("received", "value", "spread")
    titles: tuple[tuple[str, str], ...] = ()
    around: tuple[str, str, str] = ("(", " to ", ")")
    spread: str = "± {}"
    total: str = "{model}: {size}"
    study: str = style.STUDY
    study_events: str = style.STUDY
    pooled: str = style.POOLED
    directions: str = "below"
    outcome: bool = True
    band: bool = True
    pooled_line: bool = True
    head_fill: str | None = None
    bias: str = "worst"


DEFAULT = Preset()
REVMAN = Preset(
    columns=("study", "arms", "weight", "effect", "plot", "bias"),
    arms=("value", "sd", "n"),
    events=("value", "n"),
    titles=(("study", "Study or subgroup"), ("n", "Total"), ("value", "Mean"), ("counts", "Events")),
    around=("[", ", ", "]"),
    total="Total ({level} CI)",
    study=style.REVMAN_GREEN,
    study_events=style.REVMAN_BLUE,
    pooled=style.INK,
    outcome=False,
    pooled_line=False,
    bias="domains",
)
JAMA = Preset(
    arms=("n", "value", "spread"),
    events=("value", "spread"),
    titles=(("study", "Source"), ("n", "No."), ("value", "Mean (SD)"), ("counts", "No./total")),
    spread="({})",
    total="Total",
    study=style.JAMA_BLUE,
    study_events=style.JAMA_BLUE,
    pooled=style.JAMA_BLUE,
    directions="above",
    pooled_line=False,
    head_fill=style.HAIRLINE,
    bias="none",
)
PRESETS = {"default": DEFAULT, "revman": REVMAN, "jama": JAMA}


# rows


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a forest plot.

    `kind` is study, heading, subtotal, pooled or prediction; `cells` maps a column's key to its text;
    `estimate`, `low` and `high` are on the natural scale; `marks` stand raised behind the label. Once placed,
    the first line stands on `baseline` and its mark in the plot at the height `middle`.
    """

    kind: str
    cells: Mapping[str, str]
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    weight: float | None = None
    hollow: bool = False
    marks: str = ""
    url: str = ""
    baseline: float = 0.0
    middle: float = 0.0


def _forest_rows(table: ForestTable, look: Preset, domains: Domains) -> list[Row]:
    """All rows of the plot from top to bottom in a house style."""
    rows = []
    for group in table.groups:
        rows += [Row("heading", {"study": group.name})] if group.name else []
        rows += [_study_row(study, look, domains, bool(table.total)) for study in group.studies]
        rows += [_subtotal_row(group.subtotal, look)] if group.subtotal else []
    return [*rows, *(_total_rows(table, table.total, look) if table.total else [])]


def _subtotal_row(total: Pooled, look: Preset) -> Row:
    spread = (("τ²", total.tau2.estimate), ("I²", total.i2))
    aside = ", ".join(f"{sign} = {each.text}" for sign, each in spread if each.value is not None)
    cells = {"study": f"Subtotal, {total.trials}", "aside": aside, **_effect_cells(total.effect, look)}
    return Row("subtotal", cells, *total.effect.values)


def _study_row(study: Study, look: Preset, domains: Domains, weighted: bool) -> Row:
    week = f"week\u00a0{study.weeks}" if study.weeks else ""
    cells = {"study": study.label}
    cells["weight"] = study.weight.text if weighted and study.weight.value is not None else ""
    cells["outcome"] = ", ".join(filter(None, (study.instrument, week))) if look.outcome else ""
    for side, arm in study.arms.items():
        cells |= _arm_cells(side, arm, look)
    cells |= _effect_cells(study.effect, look) | _bias_cells(study, domains)
    values = (*study.effect.values, study.weight.value)
    return Row("study", cells, *values, hollow=study.imputed, marks=study.marks, url=study.url)


def _effect_cells(effect: Estimate, look: Preset) -> dict[str, str]:
    cells = {"estimate": effect.estimate.text}
    if effect.bounded:
        opening, joint, closing = look.around
        cells["interval"] = f"{opening}{effect.low.text}{joint}{effect.high.text}{closing}"
    return cells


def _arm_cells(side: str, arm: Arm, look: Preset) -> dict[str, str]:
    n = arm.n or words.MISSING
    spread = f"/{n}" if arm.events else look.spread.format(arm.sd) if arm.sd else ""
    return {
        f"received_{side}": arm.received,
        f"n_{side}": n,
        f"value_{side}": arm.events or arm.mean or words.MISSING,
        f"sd_{side}": arm.sd,
        f"spread_{side}": spread,
    }


def _total_rows(table: ForestTable, total: Pooled, look: Preset) -> list[Row]:
    """The pooled line and, where there is one, the prediction interval."""
    whole = {"model": table.model, "level": table.level}
    size = ", ".join(filter(None, (total.trials, table.people)))
    cells = {"study": look.total.format(size=size, **whole), "weight": "100%"}
    cells["short"] = look.total.format(size=total.trials, **whole)
    for side in SIDES:
        arm = table.totals[side]
        cells |= {f"n_{side}": arm.n, f"value_{side}": arm.events}
        cells[f"spread_{side}"] = f"/{arm.n}" if arm.events else ""
    rows = [Row("pooled", cells | _effect_cells(total.effect, look), *total.effect.values)]
    if table.prediction:
        interval = _effect_cells(table.prediction, look)["interval"]
        cells = {"study": f"{table.level} prediction interval", "estimate": "", "interval": interval}
        rows.append(Row("prediction", cells, None, *table.prediction.values[1:]))
    return rows


def _shown_domains(studies: Sequence[Study], manner: str) -> Domains:
    names = dict.fromkeys(name for study in studies for name in study.judgements)
    if manner == "none" or not names:
        return None
    if manner == "worst" or len({tool for tool, _ in names}) > 1 or len(names) > MOST_DOMAINS:
        return []
    return [domain for _, domain in names]


def _bias_cells(study: Study, domains: Domains) -> dict[str, str]:
    """The cells of one trial: a judgement by the key of its column."""
    judgements = {} if domains is None else {BIAS: study.worst_judgement}
    if domains:
        judged = {domain: judgement for (_, domain), judgement in study.judgements.items()}
        judgements = {key: judged.get(name, "") for key, name in zip(DOMAIN_KEYS, domains, strict=False)}
    return {key: judgement.replace("_", "-") or NOT_JUDGED for key, judgement in judgements.items()}


def _bias_note(studies: Sequence[Study], domains: Domains, manner: str) -> str:
    """The footnote: what the lights mean and the letters stand for, or that nobody has judged."""
    if manner == "none" or not studies:
        return ""
    if domains is None:
        which = "this trial" if len(studies) == 1 else "these trials"
        return f"Risk of bias: no published judgement of {which} is known."
    if not domains:
        return f"Bias: risk of bias in the worst domain judged by published reviews ({MARKS})."
    tools = {clean(tool) for study in studies for tool, _ in study.judgements}
    listed = [f"{letter} {clean(words.spaced(name))}" for letter, name in zip(LETTERS, domains, strict=False)]
    by = f"Risk of bias by published reviews with {words.listing(sorted(tools))}"
    return f"{by}: {', '.join(listed)} ({MARKS})."


# columns


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
    """A heading from `left` to `right` over the columns `keys`; level 0 is on the rule, level 1 above."""

    keys: tuple[str, ...]
    text: str
    align: str
    level: int = 0
    lines: tuple[str, ...] = ()
    left: float = 0.0
    right: float = 0.0

    def inside(self, columns: Sequence[Column]) -> list[int]:
        """Which of the columns present it stands over (some of its own may be absent)."""
        return [index for index, column in enumerate(columns) if column.key in self.keys]


def _plan_columns(
    rows: Sequence[Row], blocks: Mapping[str, Sequence[Column]], look: Preset, headings: Sequence[Heading]
) -> list[Column]:
    """The columns that have something to say, from left to right, each with its place in points."""
    filled = {key for row in rows for key, text in row.cells.items() if text not in ("", words.MISSING)}
    columns = [
        replace(column, width=_natural_width(column, rows))
        for block in look.columns
        for column in blocks[block]
        if column.key in filled | {PLOT}
    ]
    placed = _placed(_widened(columns, headings))
    lack = LEAST_BEFORE_PLOT - next(column.left for column in placed if column.key == PLOT)
    if lack > 0:  # the lines beside the axis need room
        placed = _placed([replace(placed[0], width=placed[0].width + lack), *placed[1:]])
    return placed


def _placed(columns: Sequence[Column]) -> list[Column]:
    """Columns beside each other, the first at the margin."""
    placed: list[Column] = []
    x = style.MARGIN
    for column in columns:
        x += column.gap if placed else 0.0
        placed.append(replace(column, left=x))
        x += column.width
    return placed


def _blocks(compact: bool, events: bool, look: Preset) -> dict[str, list[Column]]:
    """The columns of every block that a house style may name; "12/30" stands closer than "4.2 ± 1.3"."""
    labels = [Column("study", "left", 0.0, limit=LABEL_LIMIT, lines=1 if compact else 2)]
    if compact and look.outcome:
        labels.append(Column("outcome", "left", NARROW, style.SMALL_SIZE, LABEL_LIMIT))
    shapes = {
        "received": Column("received", "left", WIDE, style.SMALL_SIZE, RECEIVED_LIMIT, 1 if compact else 2),
        "n": Column("n", "right", NARROW),
        "value": Column("value", "right", NARROW),
        "sd": Column("sd", "right", NARROW),
        "spread": Column("spread", "left", 0.5 if events else JOINED),
    }
    chosen = [shapes[name] for name in (look.events if events else look.arms)]
    chosen = [replace(chosen[0], gap=WIDE), *chosen[1:]]
    letters = [Column(key, "center", 2.0 if at else WIDE) for at, key in enumerate(DOMAIN_KEYS)]
    return {
        "study": labels,
        "arms": [replace(column, key=f"{column.key}_{side}") for side in SIDES for column in chosen],
        "effect": [Column("estimate", "right", WIDE), Column("interval", "left", JOINED)],
        "weight": [Column("weight", "right", WIDE)],
        BIAS: [Column(BIAS, "center", WIDE), *letters],
        PLOT: [Column(PLOT, "left", WIDE)],
    }


def _natural_width(column: Column, rows: Sequence[Row]) -> float:
    if column.key == PLOT:
        return PLOT_WIDTH
    if column.key.startswith(BIAS):
        return 2 * LIGHT
    widths = [0.0]
    for row in rows:
        text = row.cells.get(column.key, "")
        if text and (row.kind == "study" or column.key != "study"):
            bold = row.kind in ("pooled", "subtotal")
            lines = cell_lines(column, text, bold)
            widths += [lettering.width(line, column.size, bold) for line in lines]
            if row.marks and column.key == "study":
                widths.append(widths[-1] + lettering.width(row.marks, style.MARK_SIZE) + MARK_GAP)
            widths += [lettering.width(line) for line in outcome_lines(column, row)]
    return max(widths)


def outcome_lines(column: Column, row: Row) -> tuple[str, ...]:
    """The small lines below a study's label, where its column has room: what was measured, and when."""
    if column.key != "study" or column.lines == 1:
        return ()
    return lettering.wrap(row.cells.get("outcome", ""), LABEL_LIMIT, lines=2)


def cell_lines(column: Column, text: str, bold: bool = False) -> tuple[str, ...]:
    """The lines of a cell, wrapped or shortened to what its column allows."""
    if column.limit is None:
        return (text,)
    return lettering.wrap(text, column.limit, column.size, bold, column.lines)


def _widened(columns: list[Column], headings: Sequence[Heading]) -> list[Column]:
    """Columns made so wide that the headings on the rule fit over them."""
    for heading in headings:
        inside = heading.inside(columns)
        if not inside:
            continue
        span = columns[inside[0] : inside[-1] + 1]
        room = sum(column.width for column in span) + sum(column.gap for column in span[1:])
        wanted = lettering.width(heading.text, style.SMALL_SIZE, True)
        lack = (min(wanted, LONGEST_HEADING) if heading.level else wanted) - room
        ends = {inside[0], inside[-1]}
        for index in ends if lack > 0 else ():
            columns[index] = replace(columns[index], width=columns[index].width + lack / len(ends))
    return columns


def _plan_headings(record: Appraised, table: ForestTable, events: bool, look: Preset) -> list[Heading]:
    """The headings of all columns that this record may need."""
    titles = dict(look.titles)
    value = titles.get("counts", "Events/n") if events else titles.get("value", "Mean ± SD")
    headings = [
        Heading(("study",), titles.get("study", "Trial"), "left"),
        Heading(("outcome",), "Measured", "left"),
        Heading(("estimate", "interval"), f"{clean(table.measure)} ({table.level} CI)", "center"),
        Heading(("weight",), "Weight", "right"),
        Heading((BIAS,), "Bias", "center"),
        *(Heading((key,), name, "center") for key, name in zip(DOMAIN_KEYS, LETTERS, strict=True)),
        Heading(DOMAIN_KEYS, "Risk of bias", "left", 1),
    ]
    for side in SIDES:
        name = words.capital(clean(getattr(record, f"{side}_name")) or side)
        joined = "spread" in (look.events if events else look.arms)
        parts = tuple(f"{part}_{side}" for part in ("received", "n", "value", "sd", "spread"))
        headings += [
            Heading(parts[:1], "Received", "left"),
            Heading(parts[1:2], titles.get("n", "n"), "right"),
            Heading(parts[2:3] + parts[4:], value, "center" if joined else "right"),
            Heading(parts[3:4], "SD", "right"),
            Heading(parts, name, "left", 1),
        ]
    return headings


def _place_headings(headings: Sequence[Heading], columns: Sequence[Column]) -> list[Heading]:
    """The headings over columns that are there, with their lines and the ends of these columns."""
    placed = []
    for heading in headings:
        inside = [columns[index] for index in heading.inside(columns)]
        if inside:
            left, right = inside[0].left, inside[-1].left + inside[-1].width
            limit = right - left if heading.level else 1e9
            lines = lettering.wrap(heading.text, limit, style.SMALL_SIZE, True, 3)
            placed.append(replace(heading, lines=lines, left=left, right=right))
    return placed


# places


@dataclass(frozen=True, slots=True)
class Layout:
    """A planned forest plot, all lengths in points from the upper left corner."""

    look: Preset
    width: float
    height: float
    title: tuple[str, ...]
    subtitle: tuple[str, ...]
    head_top: float
    rule: float
    columns: Sequence[Column]
    headings: Sequence[Heading]
    rows: Sequence[Row]
    total_rule: float | None
    bottom: float
    axis: Axis
    beside_axis: Sequence[str]
    directions: tuple[tuple[str, ...], tuple[str, ...]]
    threshold: float | None
    notes_top: float
    notes: Sequence[tuple[str, tuple[str, ...]]]
    compact: bool
    events: bool


def plan_layout(record: Appraised, look: Preset) -> Layout:
    """Measure every text of the record's plot and give each its place."""
    table = forest_table(record)
    domains = _shown_domains(table.studies, look.bias)
    rows = _forest_rows(table, look, domains)
    compact = len(table.studies) >= COMPACT_FROM
    events = any(arm.events for study in table.studies for arm in study.arms.values())
    headings = _plan_headings(record, table, events, look)
    columns = _plan_columns(rows, _blocks(compact, events, look), look, headings)
    headings = _place_headings(headings, columns)
    width = max(columns[-1].left + columns[-1].width + style.MARGIN, LEAST_WIDTH)
    room = width - 2 * style.MARGIN
    title = lettering.wrap(forest_notes.title(record), room, style.TITLE_SIZE, True, 3)
    subtitle = lettering.wrap(forest_notes.subtitle(record), room, style.BODY_SIZE, lines=3)
    head_top = style.MARGIN + len(title) * TITLE_LEADING + len(subtitle) * SUBTITLE_LEADING + 8
    threshold = mcid_threshold(record) if look.band else None
    axis = forest_axis(table, threshold, next(column.left for column in columns if column.key == PLOT))
    directions = _direction_lines(record.direction, axis.right - axis.left - 12)
    words_deep = max(len(lines) for lines in directions)
    above, below = (words_deep, 0) if look.directions == "above" else (0, words_deep)
    head_deep = max(above, 1 + max((len(each.lines) for each in headings if each.level), default=0))
    rule = head_top + head_deep * CELL_LEADING + 8
    rows, total_rule, bottom = _place_rows(rows, columns, rule + 3, compact)
    noted = forest_notes.heterogeneity(record, table)
    beside = [line for text in noted for line in lettering.wrap(text, axis.left - style.MARGIN - 12)]
    notes_top = bottom + max(AXIS_DEPTH + below * CELL_LEADING, len(beside) * LEADING + 4) + 6
    clipped = any(side_of(axis, bound) for row in rows for bound in (row.low, row.high) if bound is not None)
    listed = forest_notes.footnotes(record, table, clipped)
    listed[-1:-1] = [] if threshold is None else [("■", forest_notes.mcid_note(record))]
    listed.append(("", _bias_note(table.studies, domains, look.bias)))
    footnotes = [
        (mark, lettering.wrap(text, room - (NOTE_INDENT if mark else 0), lines=NOTE_LINES))
        for mark, text in listed
    ]
    height = notes_top + 6 + sum(len(lines) for _, lines in footnotes) * LEADING + style.MARGIN
    return Layout(
        look, width, height, title, subtitle, head_top, rule, columns, headings, rows, total_rule, bottom,
        axis, beside, directions, threshold, notes_top, footnotes, compact, events,
    )  # fmt: skip


def _place_rows(
    rows: Sequence[Row], columns: Sequence[Column], top: float, compact: bool
) -> tuple[list[Row], float | None, float]:
    """Rows below each other; also where the rule above the total stands and where the rows end."""
    placed: list[Row] = []
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
        placed.append(replace(row, baseline=baseline, middle=y + height / 2))
        y += height + (_row_lines(row, columns) - 1) * CELL_LEADING
    return placed, total_rule, y + 3


def _row_lines(row: Row, columns: Sequence[Column]) -> int:
    if row.kind != "study":
        return len(whole_line(row, columns))
    filled = (column for column in columns if row.cells.get(column.key))
    return max((len(cell_lines(c, row.cells[c.key])) + len(outcome_lines(c, row)) for c in filled), default=1)


def whole_line(row: Row, columns: Sequence[Column]) -> tuple[str, ...]:
    """The lines of a heading, subtotal or total: its text may run on until the next column that it fills."""
    start = next(column for column in columns if column.key == "study").left
    after = [
        c.left
        if c.key == PLOT or c.align == "left"
        else c.left + c.width - lettering.width(row.cells[c.key], c.size, True)
        for c in columns
        if c.left > start and (c.key == PLOT or row.cells.get(c.key))
    ]
    room, bold = min(after, default=LEAST_WIDTH) - start - 6, row.kind != "prediction"
    text = row.cells["study"]
    if lettering.width(text, style.BODY_SIZE, bold) > room:
        text = row.cells.get("short", text)
    return lettering.wrap(text, room, style.BODY_SIZE, bold, 3)


def _direction_lines(direction: Direction, room: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words for either direction with their arrows, wrapped so that both fit beside each other."""
    left, right = clean(direction and direction.left), clean(direction and direction.right)
    left, right = f"←\u00a0{left}" if left else "", f"{right}\u00a0→" if right else ""
    wide = [min(lettering.width(text), room / 2) for text in (left, right)]
    return lettering.wrap(left, room - wide[1], lines=3), lettering.wrap(right, room - wide[0], lines=3)
