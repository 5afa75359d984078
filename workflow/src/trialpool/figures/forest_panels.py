"""Several outcomes side by side: result records in, one figure out, a row a trial and a panel an outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from matplotlib.figure import Figure

from trialpool.figures import canvas, lettering, style
from trialpool.figures.canvas import LEADING, Sheet
from trialpool.figures.forest import HEADINGS_UP, TICK, draw_marks, draw_no_effect, draw_rule, draw_value_axis
from trialpool.figures.forest_layout import (
    CELL_LEADING,
    LABEL_LIMIT,
    ROW,
    TOTAL_ROW,
    WIDE,
    Preset,
    Row,
    direction_lines,
    preset,
    shaped,
)
from trialpool.figures.notes import lines_of_tests, notes, title
from trialpool.measures import MEASURES
from trialpool.text import clean
from trialpool.view.axis import Axis
from trialpool.view.forest_table import Estimate, ForestTable, forest_axis, forest_table
from trialpool.view.read import Appraised

ROOM = 140.0  # of the plot of a panel
BETWEEN = 16.0  # panels
FEWEST = 2
Key = tuple[str, int]  # a trial, and which of its effects


@dataclass
class Panel:
    """One outcome: its table, its place and its rows, of which a trial without an effect has none."""

    record: Appraised
    table: ForestTable
    look: Preset
    heading: str
    axis: Axis
    left: float
    right: float
    rows: list[Row]
    directions: tuple[tuple[str, ...], tuple[str, ...]]
    tests: list[str]
    rule: float = 0.0
    bottom: float = 0.0
    compact: bool = False
    events: bool = False

    @property
    def lines(self) -> tuple[str, ...]:
        """The heading on as many lines as it needs."""
        return lettering.wrap(self.heading, self.right - self.left, style.BODY_SIZE, True, 4)


def draw_panels(
    records: Sequence[Appraised], whole: str = "", look: str | Preset = "plain", names: Sequence[str] = ()
) -> Figure:
    """The forest plots of some analyses beside each other, trials in common on one row.

    Trials are told apart by their ids. `names` are those of the panels (the titles of the analyses if there
    are none), `whole` is the title of the figure. Raises ValueError where fewer than two have a trial.
    """
    shown = [(record, name) for record, name in zip(records, [*names] or [""] * len(records), strict=True)]
    shown = [(replace(record, subgroups=()), name) for record, name in shown if record.studies]
    if len(shown) < FEWEST:
        raise ValueError(f"{len(shown)} of the analyses have a trial to be drawn; panels need {FEWEST}")
    house = preset(look) if isinstance(look, str) else look
    labels = _labels([record for record, _ in shown])
    widest = max(lettering.width(label, style.BODY_SIZE) for label in labels.values())
    left = style.MARGIN + max(min(widest, LABEL_LIMIT * 1.4), 92.0)
    panels = []
    for record, name in shown:
        panels.append(_panel(record, name, house, left + BETWEEN, [*labels]))
        left = panels[-1].right
    return _drawn(panels, whole, labels, left + style.MARGIN)


def _keys(record: Appraised, table: ForestTable) -> list[Key]:
    """Which trial, and which of its effects, every row of a table is."""
    seen: Counter[str] = Counter()
    keys = []
    for study in table.studies:
        name = record.studies[study.number].study_id
        keys.append((name, seen[name]))
        seen[name] += 1
    return keys


def _labels(records: Sequence[Appraised]) -> dict[Key, str]:
    """The label of every row, in the order of the first analysis that has the trial."""
    labels: dict[Key, str] = {}
    for record in records:
        table = forest_table(record)
        for key, study in zip(_keys(record, table), table.studies, strict=True):
            labels.setdefault(key, study.label)
    return labels


def _panel(record: Appraised, name: str, look: Preset, left: float, keys: Sequence[Key]) -> Panel:
    """One outcome between `left` and where it ends, its rows those of the `keys`."""
    table, look = forest_table(record), shaped(look, record.shape)
    studies = dict(zip(_keys(record, table), table.studies, strict=True))
    rows = [
        Row("study", _cells(found.effect, look), found.effect.values, found)
        if (found := studies.get(key))
        else Row("empty", {})
        for key in keys
    ]
    if table.total:
        rows.append(Row("pooled", _cells(table.total.effect, look), table.total.effect.values))
    if table.prediction:
        cells = {"effect": _cells(table.prediction, look)["interval"]}
        rows.append(Row("prediction", cells, (None, *table.prediction.values[1:])))
    bold = [
        lettering.width(row.cells.get("effect", ""), style.BODY_SIZE, row.kind == "pooled") for row in rows
    ]
    axis = forest_axis(table, None, left, ROOM, record.shape)
    right = left + ROOM + WIDE + max(bold)
    tests = [
        ", ".join(filter(None, (table.total.trials, table.people))) if table.total else "",
        *lines_of_tests(record, table, look.tests),
    ]
    return Panel(
        record=record,
        table=table,
        look=look,
        heading=clean(name) or title(record),
        axis=axis,
        left=left,
        right=right,
        rows=rows,
        directions=direction_lines(record.direction, ROOM - 4),
        tests=[line for text in tests for line in lettering.wrap(text, right - left)],
        events=any(arm.events for study in table.studies for arm in study.arms.values()),
    )


def _cells(effect: Estimate, look: Preset) -> dict[str, str]:
    opening, joint, closing = look.around
    interval = f"{opening}{effect.low.text}{joint}{effect.high.text}{closing}" if effect.bounded else ""
    return {"effect": f"{effect.estimate.text} {interval}".strip(), "interval": interval}


def _drawn(panels: Sequence[Panel], whole: str, labels: dict[Key, str], width: float) -> Figure:
    """The sheet with everything on it."""
    room = width - 2 * style.MARGIN
    heading = lettering.wrap(clean(whole), room, style.TITLE_SIZE, True, 3)
    legend = _legend(panels, room)
    top = style.MARGIN + len(heading) * canvas.TITLE_LEADING + 6 * bool(heading)
    rule = top + max(len(panel.lines) for panel in panels) * (CELL_LEADING + 1) + CELL_LEADING + 14
    rows = {key: rule + 3 + ROW * at for at, key in enumerate(labels)}
    total = rule + 3 + ROW * len(rows) + 5
    predicted = any(row.kind == "prediction" for panel in panels for row in panel.rows)
    bottom = total + TOTAL_ROW * (1 + predicted) + 3
    for panel in panels:
        _place(panel, [*rows.values()], total, rule, bottom)
    words = max(len(lines) for panel in panels for lines in panel.directions)
    under = bottom + TICK + 12 + (words + 1.2) * CELL_LEADING
    foot = under + max(len(panel.tests) for panel in panels) * LEADING + 4
    sheet = Sheet(width, foot + 8 + len(legend) * LEADING + style.MARGIN)
    y = style.MARGIN + style.TITLE_SIZE * 0.8
    sheet.lines(style.MARGIN, y, heading, canvas.TITLE_LEADING, size=style.TITLE_SIZE, bold=True)
    sheet.text(style.MARGIN, rule - HEADINGS_UP, "Trial", bold=True)
    for key, at in rows.items():
        shown = lettering.shorten(labels[key], LABEL_LIMIT * 1.4, style.BODY_SIZE)
        sheet.text(style.MARGIN, _baseline(at, ROW), shown, size=style.BODY_SIZE)
    sheet.text(style.MARGIN, _baseline(total, TOTAL_ROW), "Pooled", size=style.BODY_SIZE, bold=True)
    if predicted:
        at, colour = _baseline(total + TOTAL_ROW, TOTAL_ROW), style.MUTED
        sheet.text(style.MARGIN, at, "Prediction interval", size=style.BODY_SIZE, colour=colour)
    draw_rule(sheet, rule)
    draw_rule(sheet, total - 2, colour=style.RULE, thickness=0.6)
    for panel in panels:
        _draw_panel(sheet, panel, top, under)
    draw_rule(sheet, foot, colour=style.RULE, thickness=0.6)
    sheet.lines(style.MARGIN, foot + LEADING + 1, legend, colour=style.MUTED)
    return sheet.figure


def _baseline(top: float, height: float) -> float:
    return top + height / 2 + style.BODY_SIZE * 0.36


def _place(panel: Panel, tops: Sequence[float], total: float, rule: float, bottom: float) -> None:
    """Put the rows of a panel at the heights that all panels share."""
    panel.rule, panel.bottom = rule, bottom
    for row, top in zip(panel.rows, [*tops, total, total + TOTAL_ROW], strict=False):
        height = TOTAL_ROW if row.kind in ("pooled", "prediction") else ROW
        row.middle, row.baseline = top + height / 2, _baseline(top, height)


def _draw_panel(sheet: Sheet, panel: Panel, top: float, under: float) -> None:
    """Heading, marks, numbers, axis and the lines below one panel."""
    size = style.BODY_SIZE
    sheet.lines(panel.left, top + size, panel.lines, CELL_LEADING + 1, size=size, bold=True)
    said = f"{clean(panel.table.measure)} ({panel.table.level} CI)"
    sheet.text(panel.right, panel.rule - HEADINGS_UP, said, bold=True, align="right")
    if MEASURES[panel.record.measure].has_null:
        draw_no_effect(sheet, panel.axis, panel.record.measure, (panel.rule, panel.bottom))
    draw_marks(sheet, panel)
    for row in panel.rows:
        colour = style.MUTED if row.kind == "prediction" else style.INK
        look = {"size": size, "bold": row.kind == "pooled", "colour": colour, "align": "right"}
        sheet.text(panel.right, row.baseline, row.cells.get("effect", ""), **look)  # type: ignore[arg-type]
    draw_value_axis(sheet, panel)
    sheet.lines(panel.left, under, panel.tests, LEADING)


def _legend(panels: Sequence[Panel], room: float) -> list[str]:
    """How to read the figure and how each result was made, each sentence once."""
    lines = [f"{mark} {text}" for panel in panels for mark, text in panel.table.notes if mark == "†"]
    for panel in panels:
        lines += notes("forest_method", panel.record, panel.table, False, "bar", True)
    if any(study.imputed for panel in panels for study in panel.table.studies):
        lines = [line.replace("† ", "Open square: ") for line in lines]
    return [line for text in dict.fromkeys(map(str.strip, lines)) for line in lettering.wrap(text, room)]
