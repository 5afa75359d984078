"""A forest plot before it is drawn: a record and a house style in; its rows, columns and their places out.

Risk of bias is one light a trial (its worst domain), or, where the house style asks for it and all judged
trials were judged with one tool, a light a domain under letters that a footnote spells out. A trial that no
review has judged has an empty ring; where no trial of a plot was judged there is no column, and a footnote
says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

from trialpool import text as words
from trialpool.figures import lettering, style
from trialpool.figures.canvas import LEADING, NOT_JUDGED, TITLE_LEADING
from trialpool.figures.notes import lines_of_tests, notes, subtitle, title
from trialpool.measures import SIDES
from trialpool.records import Direction, Shape
from trialpool.text import clean
from trialpool.view import axis as axes
from trialpool.view import forest_table as tables
from trialpool.view.forest_table import Estimate, ForestTable, Pooled, Study
from trialpool.view.read import Appraised
from trialpool.yaml_files import shipped

TEXT = "text:"  # before the name of a further column of the trials in the key of its column
BIAS = "bias"  # the key of the column of lights, and before a letter those of the domains
LIGHT = 4.5  # radius in points
MOST_DOMAINS = 10  # that fit beside the plot
LETTERS = "ABCDEFGHIJ"
DOMAIN_KEYS = tuple(f"{BIAS}{letter}" for letter in LETTERS)
Domains = list[str] | None  # those with a column each; [] for one column of the worst, None for no column
PLOT = "plot"
NOT_ESTIMABLE = "not estimable"
INESTIMABLE = "inestimable"  # kind of row of a trial without an effect
QUIET = ("beside", "prediction", INESTIMABLE)  # kinds of row that stand below the result and not beside it
LEAST_BEFORE_PLOT = 190.0
LABEL_LIMIT = 108.0
RECEIVED_LIMIT = 90.0
LONGEST_HEADING = 100.0  # of a group of columns; longer ones wrap
MARK_GAP = 1.5
WIDE, NARROW, JOINED = 12.0, 7.0, 3.0
COMPACT_FROM = 26  # trials from which every row is one line
WIDEST_LINE = 470.0
ROW, COMPACT_ROW, TOTAL_ROW = 14.0, 12.0, 15.0
CELL_LEADING, SUBTITLE_LEADING = 8.8, 10.0
AXIS_DEPTH = 17.0
NOTE_INDENT = 11.0
OUTSIDE = 40.0  # how far the words for either direction reach out of a narrow plot
NOTE_LINES = 3

# house styles


@dataclass(frozen=True, slots=True)
class Preset:
    """What distinguishes one house style of forest plots from another; the houses are in schemas/forest.yaml.

    `columns` names the blocks from left to right, `arms` and `events` the columns of an arm with means and
    with counts; `titles` other headings; `around` are the texts before, between and after the bounds of an
    interval; `spread` how it is written; `percent` what stands behind a weight; `directions` where their
    words stand (below, above); `bias` what stands of the risk of bias beside a trial (none, worst, domains);
    `stripes` the colour behind every other trial; `tests` how the lines below the trials are written;
    `legend` what is said of the marks (full, short, none), `headed` whether title and subtitle stand above;
    `prediction` how its interval is drawn; `room` is the width of the plot, `least` of the figure in points;
    of a `narrow` one the tests stand below the axis, not beside it, and its words reach out of it.
    """

    columns: tuple[str, ...] = ("study", "arms", "plot", "effect", "weight", "bias")
    arms: tuple[str, ...] = ("received", "n", "value", "spread")
    events: tuple[str, ...] = ("received", "value", "spread")
    titles: Mapping[str, str] = field(default_factory=dict)
    around: tuple[str, str, str] = ("(", " to ", ")")
    spread: str = "± {}"
    percent: str = "%"
    total: str = "{model}: {size}"
    study: str = style.STUDY
    study_events: str = style.STUDY
    pooled: str = style.POOLED
    directions: str = "below"
    outcome: bool = True
    band: bool = True
    pooled_line: bool = True
    head_fill: str | None = None
    stripes: str | None = None
    bias: str = "worst"
    tests: str = "default"
    legend: str = "full"
    headed: bool = True
    prediction: str = "bar"
    room: float = tables.PLOT_WIDTH
    least: float = 470.0
    narrow: bool = False


COLOURED = ("study", "study_events", "pooled", "head_fill", "stripes")
STYLES = tuple(shipped("forest")["styles"])
TITLED = {"events": "counts", "count": "counts", "mean_sd": "mean"}  # headings of columns that share one
OF_EVENTS = {"received": ("received",), "n": ("n",), "events": ("value", "spread"), "count": ("value",)}
OF_MEANS = {
    **{name: (name,) for name in ("received", "n", "sd")},
    **{"mean_sd": ("value", "spread"), "mean": ("value",)},
}


def preset(name: str) -> Preset:
    """A house style by its name; a ValueError for one that there is not."""
    if name not in STYLES:
        raise ValueError(f"preset {name!r} is not one of: {', '.join(STYLES)}")
    given = dict(shipped("forest")["styles"][name])
    given |= {key: getattr(style, given[key]) for key in COLOURED if key in given}
    known: dict[str, Any] = {key: tuple(x) if isinstance(x, list) else x for key, x in given.items()}
    return Preset(**known)


def shaped(look: Preset, shape: Shape | None) -> Preset:
    """A house style as a person wants it for one plot."""
    if shape is None:
        return look
    if shape.columns:
        look = _with_columns(look, shape.columns)
    if shape.show is not None:
        kept = tuple(name for name in look.columns if name != "weight" or "weights" in shape.show)
        look = replace(look, columns=kept, band="threshold" in shape.show)
    titles = {TITLED.get(name, name): text for name, text in (shape.headings or {}).items()}
    return replace(look, titles={**look.titles, **titles}, prediction=shape.prediction or look.prediction)


def for_journal(look: Preset, *, narrow: bool = False) -> Preset:
    """A style for a figure in a journal, whose title, legend and notes stand in its caption.

    Over the page, or in one column of two (`narrow`), where there is room for trials, plot and effect alone.
    """
    look = replace(look, headed=False, legend="none")
    if narrow:
        bare = replace(look, columns=("study", PLOT, "effect"), outcome=False, bias="none")
        return replace(bare, narrow=True, room=84.0, least=240.0, total="{model}")
    arms, events = (tuple(name for name in kind if name != "received") for kind in (look.arms, look.events))
    return replace(look, arms=arms, events=events)


def _with_columns(look: Preset, asked: Sequence[str]) -> Preset:
    """The style with other columns, among which study and plot always are; those of arms become one block."""
    named = [name for name in asked if name in shipped("forest")["arms"]]
    bias = next((name for name in ("domains", "bias") if name in asked), "")
    names = dict.fromkeys("arms" if name in named else "bias" if name == bias else name for name in asked)
    names = dict.fromkeys([*(() if "study" in names else ("study",)), *names, PLOT])
    changes: dict[str, Any] = {"columns": tuple(names), "bias": {"": "none", "bias": "worst"}.get(bias, bias)}
    if named:
        for kind, parts in (("arms", OF_MEANS), ("events", OF_EVENTS)):
            changes[kind] = tuple(part for name in named for part in parts.get(name, ()))
        alone = {"mean": "Mean", "count": "Events", "mean_sd": f"Mean {look.spread.format('SD')}"}
        titles = {TITLED.get(name, name): alone[name] for name in named if name in alone}
        changes["titles"] = {**look.titles, **titles}
    return replace(look, **changes)


# rows


@dataclass(slots=True)
class Row:
    """One line of a forest plot.

    `kind` is study, heading, subtotal, pooled, beside or prediction; `cells` maps a column's key to its text;
    `values` are estimate and interval on the natural scale. Once placed, the first line stands on `baseline`
    and its mark in the plot at the height `middle`.
    """

    kind: str
    cells: Mapping[str, str]
    values: axes.Bounds = (None, None, None)
    study: Study | None = None
    baseline: float = 0.0
    middle: float = 0.0


def forest_rows(table: ForestTable, look: Preset, domains: Domains) -> list[Row]:
    """All rows of the plot from top to bottom in a house style."""
    rows = []
    for group in table.groups:
        rows += [Row("heading", {"study": group.name})] if group.name else []
        for study in group.studies:
            cells = _study_cells(study, look, domains, bool(table.total))
            rows.append(Row("study", cells, study.effect.values, study))
        rows += [_subtotal_row(group.subtotal, look)] if group.subtotal else []
    for trial in table.inestimable:
        cells = {"study": trial.label, "outcome": trial.instrument, "interval": NOT_ESTIMABLE}
        rows.append(Row(INESTIMABLE, cells | _arm_cells(trial.arms, look)))
    return [*rows, *(_total_rows(table, table.total, look) if table.total else [])]


def _subtotal_row(total: Pooled, look: Preset) -> Row:
    spread = (("τ²", total.tau2.estimate), ("I²", total.i2))
    aside = ", ".join(f"{sign} = {each.text}" for sign, each in spread if each.value is not None)
    cells = {"study": f"Subtotal, {total.trials}", "aside": aside, **_effect_cells(total.effect, look)}
    return Row("subtotal", cells, total.effect.values)


def _study_cells(study: Study, look: Preset, domains: Domains, weighted: bool) -> dict[str, str]:
    week = f"week\u00a0{study.weeks}" if study.weeks else ""
    cells = {"study": study.label}
    if weighted and study.weight.value is not None:
        cells["weight"] = study.weight.text.removesuffix("%") + look.percent
    cells |= {f"{TEXT}{name}": _text(name, text, look) for name, text in study.texts.items()}
    measured = ", ".join(filter(None, (study.instrument, week)))
    cells["measured" if "outcome" in look.columns else "outcome"] = measured if look.outcome else ""
    judgements = {} if domains is None else {BIAS: study.worst_judgement}
    if domains:
        judged = {domain: judgement for (_, domain), judgement in study.judgements.items()}
        judgements = {key: judged.get(name, "") for key, name in zip(DOMAIN_KEYS, domains, strict=False)}
    cells |= {key: judgement.replace("_", "-") or NOT_JUDGED for key, judgement in judgements.items()}
    return cells | _arm_cells(study.arms, look) | _effect_cells(study.effect, look)


def _text(name: str, text: str, look: Preset) -> str:
    return text.removesuffix("%") + look.percent if name in tables.WEIGHTS else text


def _effect_cells(effect: Estimate, look: Preset) -> dict[str, str]:
    opening, joint, closing = look.around
    interval = f"{opening}{effect.low.text}{joint}{effect.high.text}{closing}" if effect.bounded else ""
    return {"estimate": effect.estimate.text, "interval": interval}


def _arm_cells(arms: Mapping[str, tables.Arm], look: Preset, missing: str = words.MISSING) -> dict[str, str]:
    cells: dict[str, str] = {}
    for side, arm in arms.items():
        n = arm.n or missing
        spread = f"/{n}" if arm.events else look.spread.format(arm.sd) if arm.sd else ""
        cells |= {f"received_{side}": arm.received, f"n_{side}": n, f"sd_{side}": arm.sd}
        cells |= {f"value_{side}": arm.events or arm.mean or missing, f"spread_{side}": spread}
    return cells


def _total_rows(table: ForestTable, total: Pooled, look: Preset) -> list[Row]:
    """The pooled line and, where there is one, the prediction interval."""
    sizes = {"study": ", ".join(filter(None, (total.trials, table.people))), "short": total.trials}
    whole = {"model": table.model, "level": table.level}
    cells = {key: look.total.format(size=size, **whole) for key, size in sizes.items()}
    cells |= {
        "weight": f"100{look.percent}" if table.weighted else "",
        **_arm_cells(table.totals, look, ""),
        **_effect_cells(total.effect, look),
    }
    rows = [Row("pooled", cells, total.effect.values)]
    for model, estimate in table.beside:
        rows.append(Row("beside", {"study": model, **_effect_cells(estimate, look)}, estimate.values))
    if table.prediction:
        cells = _effect_cells(table.prediction, look) | {"estimate": ""}
        cells["study"] = f"{table.level} prediction interval"
        rows.append(Row("prediction", cells, (None, *table.prediction.values[1:])))
    return rows


def _shown_domains(studies: Sequence[Study], manner: str) -> Domains:
    names = dict.fromkeys(name for study in studies for name in study.judgements)
    if manner == "none" or not names:
        return None
    if manner == "worst" or len({tool for tool, _ in names}) > 1 or len(names) > MOST_DOMAINS:
        return []
    return [domain for _, domain in names]


# columns


@dataclass(slots=True)
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

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.left + self.width


class Heading(NamedTuple):
    """A heading over some columns; level 0 is on the rule, level 1 above."""

    columns: list[Column]
    text: str
    align: str
    level: int

    @property
    def lines(self) -> tuple[str, ...]:
        """Its text on as many lines as it needs over its columns."""
        room = self.columns[-1].right - self.columns[0].left if self.level else 1e9
        return lettering.wrap(self.text, room, style.SMALL_SIZE, True, 3)


def _plan_columns(rows: Sequence[Row], look: Preset, compact: bool, events: bool) -> list[Column]:
    """The columns that have something to say, from left to right, as wide as their cells."""
    filled = {key for row in rows for key, text in row.cells.items() if text not in ("", words.MISSING)}
    blocks = _blocks(compact, events, look)
    columns = [
        each
        for name in look.columns
        for each in blocks.get(name) or _text_columns(name, rows, compact)
        if each.key in filled | {PLOT}
    ]
    for column in columns:
        column.width = _natural_width(column, rows, look.room)
    return columns


def _text_columns(name: str, rows: Sequence[Row], compact: bool) -> list[Column]:
    """A further column of the trials: numbers stand to the right, words to the left and on two lines."""
    key = f"{TEXT}{name}"
    texts = [text for row in rows if (text := row.cells.get(key))]
    numbers = all(text.removesuffix("%").lstrip("−<>").replace(".", "").isdigit() for text in texts)
    return [Column(key, "right" if numbers else "left", WIDE, limit=LABEL_LIMIT, lines=1 if compact else 2)]


def _blocks(compact: bool, events: bool, look: Preset) -> dict[str, list[Column]]:
    """The columns of every block that a house style may name; "12/30" stands closer than "4.2 ± 1.3"."""
    lines = 1 if compact else 2
    labels = [Column("study", "left", 0.0, limit=LABEL_LIMIT, lines=lines)]
    if compact and look.outcome and "outcome" not in look.columns:
        labels.append(Column("outcome", "left", NARROW, style.SMALL_SIZE, LABEL_LIMIT))
    shapes = {
        "received": Column("received", "left", WIDE, style.SMALL_SIZE, RECEIVED_LIMIT, lines),
        **{name: Column(name, "right", NARROW) for name in ("n", "value", "sd")},
        "spread": Column("spread", "left", 0.5 if events else JOINED),
    }
    own = [shapes[name] for name in (look.events if events else look.arms)]
    arms = [replace(column, gap=column.gap if at else WIDE) for at, column in enumerate(own)]
    letters = [Column(key, "center", 2.0 if at else WIDE) for at, key in enumerate(DOMAIN_KEYS)]
    return {
        "study": labels,
        "outcome": [Column("measured", "left", WIDE, style.SMALL_SIZE, LABEL_LIMIT, lines)],
        "arms": [replace(column, key=f"{column.key}_{side}") for side in SIDES for column in arms],
        "effect": [Column("estimate", "right", WIDE), Column("interval", "left", JOINED)],
        "weight": [Column("weight", "right", WIDE)],
        BIAS: [Column(BIAS, "center", WIDE), *letters],
        PLOT: [Column(PLOT, "left", WIDE)],
    }


def _natural_width(column: Column, rows: Sequence[Row], room: float) -> float:
    if column.key == PLOT:
        return room
    if column.key.startswith(BIAS):
        return 2 * LIGHT
    widths = [0.0]
    for row in rows:
        text = row.cells.get(column.key, "")
        if text and (row.study or column.key != "study"):
            bold = row.kind in ("pooled", "subtotal")
            widths += [lettering.width(line, column.size, bold) for line in cell_lines(column, text, bold)]
            if row.study and row.study.marks and column.key == "study":
                widths.append(widths[-1] + lettering.width(row.study.marks, style.MARK_SIZE) + MARK_GAP)
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


def _plan_headings(
    columns: Sequence[Column], record: Appraised, table: ForestTable, events: bool, look: Preset
) -> list[Heading]:
    """The headings over the columns that are there."""
    titles = {"study": "Trial", "n": "n", "mean": "Mean ± SD", "counts": "Events/n"}
    titles |= {"sd": "SD", "received": "Received", "outcome": "Measured", "weight": "Weight", "bias": "Bias"}
    titles |= {"effect": f"{clean(table.measure)} ({table.level} CI)"}
    titles |= {"weight_common": "Weight, common", "weight_random": "Weight, random"}
    titles |= {**shipped("forest")["trial"], **look.titles}
    if record.measure in tables.OVER_TIME:
        titles |= {"counts": "Events/time", "n": "Time at risk"}
    joined = "spread" in (look.events if events else look.arms)
    headings: list[tuple[tuple[str, ...], str, str, int]] = [
        (("study",), titles["study"], "left", 0),
        (("outcome", "measured"), titles["outcome"], "left", 0),
        (("estimate", "interval"), clean(titles["effect"]), "center", 0),
        (("weight",), titles["weight"], "right", 0),
        ((BIAS,), titles["bias"], "center", 0),
        *(((key,), name, "center", 0) for key, name in zip(DOMAIN_KEYS, LETTERS, strict=True)),
        (DOMAIN_KEYS, "Risk of bias", "left", 1),
    ]
    for side in SIDES:
        received, n, sd, *value = (f"{part}_{side}" for part in ("received", "n", "sd", "value", "spread"))
        name = words.capital(clean(getattr(record, f"{side}_name")) or side)
        headings += [
            ((received,), titles["received"], "left", 0),
            ((n,), titles["n"], "right", 0),
            ((*value,), titles["counts" if events else "mean"], "center" if joined else "right", 0),
            ((sd,), titles["sd"], "right", 0),
            ((received, n, sd, *value), name, "left", 1),
        ]
    for column in columns:
        if column.key.startswith(TEXT):
            name = column.key.removeprefix(TEXT)
            text = titles.get(name) or words.capital(words.spaced(name))
            headings.append(((column.key,), clean(text), column.align, 0))
    return [
        Heading(over, text, align, level)
        for keys, text, align, level in headings
        if (over := [column for column in columns if column.key in keys])
    ]


def _place_columns(columns: Sequence[Column], headings: Sequence[Heading], least: float) -> None:
    """Put the columns beside each other, the first at the margin, so wide that their headings fit.

    The plot begins no further left than `least`.
    """
    for own, text, _, level in headings:
        room = sum(column.width for column in own) + sum(column.gap for column in own[1:])
        wanted = lettering.width(text, style.SMALL_SIZE, True)
        lack = (min(wanted, LONGEST_HEADING) if level else wanted) - room
        ends = own if len(own) == 1 else (own[0], own[-1])
        for column in ends if lack > 0 else ():
            column.width += lack / len(ends)
    plot = next(column for column in columns if column.key == PLOT)
    _set_left(columns)
    if plot.left < least:  # the lines beside the axis need room
        if columns[0] is plot:
            plot.gap += least - plot.left
        else:
            columns[0].width += least - plot.left
        _set_left(columns)


def _set_left(columns: Sequence[Column]) -> None:
    x = style.MARGIN
    for column in columns:
        column.left = x + column.gap
        x = column.right


# places


class Plotted(Protocol):
    """What the marks of a plot need to know of it: a whole figure, or one of the panels of one."""

    record: Appraised
    table: ForestTable
    look: Preset
    axis: axes.Axis
    rows: list[Row]
    directions: tuple[tuple[str, ...], tuple[str, ...]]
    rule: float
    bottom: float
    compact: bool
    events: bool


class Layout:
    """A planned forest plot: every text of the record's plot measured and in its place.

    All lengths are in points from the upper left corner.
    """

    def __init__(self, record: Appraised, look: Preset) -> None:
        look = shaped(look, record.shape)
        self.record = record
        self.look, self.table = look, tables.forest_table(record)
        self.by_counts = bool(record.methods.method)
        studies = self.table.studies
        self.compact = len(studies) >= COMPACT_FROM
        self.events = any(arm.events for study in studies for arm in study.arms.values())
        domains = _shown_domains(studies, look.bias)
        self.rows = forest_rows(self.table, look, domains)
        self.columns = _plan_columns(self.rows, look, self.compact, self.events)
        self.headings = _plan_headings(self.columns, record, self.table, self.events, look)
        _place_columns(self.columns, self.headings, 0.0 if look.narrow else LEAST_BEFORE_PLOT)
        self._make_room_for_totals()
        self.width = max(self.columns[-1].right + style.MARGIN, look.least)
        room = self.width - 2 * style.MARGIN
        self.title = lettering.wrap(title(record) * look.headed, room, style.TITLE_SIZE, True, 3)
        self.subtitle = lettering.wrap(subtitle(record) * look.headed, room, style.BODY_SIZE, lines=3)
        self.head_top = style.MARGIN + len(self.title) * TITLE_LEADING
        self.head_top += len(self.subtitle) * SUBTITLE_LEADING + 8 * look.headed
        self.threshold = axes.mcid_threshold(record) if look.band else None
        plot = next(column for column in self.columns if column.key == PLOT)
        self.axis = tables.forest_axis(self.table, self.threshold, plot.left, look.room, record.shape)
        self.directions = direction_lines(record.direction, look.room - 12 + 2 * OUTSIDE * look.narrow)
        words_deep = max(map(len, self.directions))
        above, below = (words_deep, 0) if look.directions == "above" else (0, words_deep)
        groups_deep = 1 + max((len(each.lines) for each in self.headings if each.level), default=0)
        self.rule = self.head_top + max(above, groups_deep) * CELL_LEADING + 8
        self.total_rule, self.bottom = self._place_rows(self.rule + 3)
        noted, beside = lines_of_tests(record, self.table, look.tests), self.axis.left - style.MARGIN - 12
        beside = room if look.narrow else beside
        self.beside_axis = [line for text in noted for line in lettering.wrap(text, beside)]
        axis_deep, tests_deep = AXIS_DEPTH + below * CELL_LEADING, len(self.beside_axis) * LEADING + 4
        self.tests_top = self.bottom + 9 + look.narrow * axis_deep
        deep = axis_deep + tests_deep if look.narrow else max(axis_deep, tests_deep)
        self.notes_top = self.bottom + deep + 6
        self.notes = [] if look.legend == "none" else list(self._footnotes(record, domains, room))
        deep = sum(len(lines) for _, lines in self.notes) * LEADING
        self.height = self.notes_top + 6 + deep + style.MARGIN

    def _make_room_for_totals(self) -> None:
        """Widen the first column where short labels leave the words of the pooled line no room."""
        pooled = [row for row in self.rows if row.kind == "pooled"]
        first = self.columns[0]
        while first.key != PLOT and first.width < LABEL_LIMIT and any(map(self._crowded, pooled)):
            first.width += WIDE
            _set_left(self.columns)

    def _crowded(self, row: Row) -> bool:
        """Whether a pooled line needs more than two lines, or the name of its method is broken."""
        lines = self.whole_line(row)
        name = self.table.model if self.by_counts else ""
        return len(lines) > 2 or (name in row.cells["study"] and name not in " ".join(lines))

    def _footnotes(
        self, record: Appraised, domains: Domains, room: float
    ) -> Iterator[tuple[str, tuple[str, ...]]]:
        """(mark, lines) of every footnote: those of rows, then how to read the plot and how it was made.

        What there is to say of one trial has one line, and goes on in the trial's origin.
        """
        lettered = [(mark, text) for mark, text in self.table.notes if mark.isalpha()]
        own = [(mark, lettering.wrap(text, room - NOTE_INDENT, lines=1)) for mark, text in lettered]
        cut = any(lines != (text,) for (_, text), (_, lines) in zip(lettered, own, strict=True))
        bounds = (bound for row in self.rows for bound in row.values[1:] if bound is not None)
        clipped = any(axes.side(self.axis, bound) for bound in bounds)
        band = [] if self.threshold is None else notes("forest_band", record)
        how = self._legend(record, clipped)
        if self.look.bias != "none" and self.table.studies:
            how += notes("forest_bias", self.table.studies, domains, LETTERS)
        for mark, text in self.table.notes:
            if not mark.isalpha():
                yield mark, lettering.wrap(text, room - NOTE_INDENT, lines=NOTE_LINES)
        yield from own
        marked = [("…", text) for text in notes("forest_cut") if cut] + [("■", text) for text in band]
        for mark, text in (*marked, ("", clean(record.note)), *(("", text) for text in how)):
            yield mark, lettering.wrap(text, room - (NOTE_INDENT if mark else 0), lines=NOTE_LINES)

    def _legend(self, record: Appraised, clipped: bool) -> list[str]:
        """How to read the plot, unless the house has its readers know, and how it was made."""
        drawn = {"diamond": "open diamond", "density": "curve"}.get(self.look.prediction, "bar")
        said = notes("forest_method", record, self.table, clipped, drawn, self.look.legend == "short")
        return [line.strip() for line in said]

    def _place_rows(self, top: float) -> tuple[float | None, float]:
        """Put the rows below each other; where the rule above the total stands and where the rows end."""
        total_rule = None
        y = top
        for number, row in enumerate(self.rows):
            if row.kind == "pooled":
                total_rule = y + 3
                y += 5
            elif row.kind == "heading" and number:
                y += 4
            height = COMPACT_ROW if self.compact else ROW
            if row.kind in ("pooled", *QUIET) and row.kind != INESTIMABLE:
                height = TOTAL_ROW
            row.middle = y + height / 2
            row.baseline = row.middle + style.BODY_SIZE * 0.36
            y += height + (self._lines_of(row) - 1) * CELL_LEADING
        return total_rule, y + 3

    def band(self, row: Row) -> tuple[float, float]:
        """Top and height of the strip of a row."""
        height = COMPACT_ROW if self.compact else ROW
        return row.middle - height / 2, height + (self._lines_of(row) - 1) * CELL_LEADING

    def _lines_of(self, row: Row) -> int:
        if not row.study:
            return len(self.whole_line(row))
        filled = (each for each in self.columns if row.cells.get(each.key))
        return max(
            (len(cell_lines(each, row.cells[each.key])) + len(outcome_lines(each, row)) for each in filled),
            default=1,
        )

    def whole_line(self, row: Row) -> tuple[str, ...]:
        """The lines of a heading, subtotal or total: its text may run on until the next column it fills."""
        start = next(column for column in self.columns if column.key == "study").left
        after = [
            each.left
            if each.key == PLOT or each.align == "left"
            else each.right - lettering.width(row.cells[each.key], each.size, True)
            for each in self.columns
            if each.left > start and (each.key == PLOT or row.cells.get(each.key))
        ]
        room, bold = min(after, default=WIDEST_LINE) - start - 6, row.kind not in QUIET
        text = row.cells["study"]
        if lettering.width(text, style.BODY_SIZE, bold) > room:
            text = row.cells.get("short", text)
        return lettering.wrap(text, room, style.BODY_SIZE, bold, 3)


def direction_lines(direction: Direction, room: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words for either direction with their arrows, wrapped so that both fit beside each other."""
    left, right = clean(direction and direction.left), clean(direction and direction.right)
    left, right = f"←\u00a0{left}" if left else "", f"{right}\u00a0→" if right else ""
    wide = [min(lettering.width(text), room / 2) for text in (left, right)]
    return lettering.wrap(left, room - wide[1], lines=3), lettering.wrap(right, room - wide[0], lines=3)
