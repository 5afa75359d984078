"""The forest plot: every trial, what each arm got and showed, its effect, and what they say together.

Of a question that no trial answers yet: which trials are known, and why none could be used.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import forest_notes, lettering, style
from trialpool.figures.canvas import BEHIND, BELOW, LEADING, LINES, TITLE_LEADING, WIDTH, Sheet, draw_light
from trialpool.figures.forest_layout import (
    BIAS,
    CELL_LEADING,
    LIGHT,
    MARK_GAP,
    NOTE_INDENT,
    PLOT,
    PRESETS,
    SUBTITLE_LEADING,
    Column,
    Layout,
    Row,
    cell_lines,
    outcome_lines,
    plan_layout,
    whole_line,
)
from trialpool.measures import MEASURES
from trialpool.records import Known, Record, Status, Unused
from trialpool.text import clean
from trialpool.view.axis import Axis, position, scale, side
from trialpool.view.read import Appraised
from trialpool.vocabulary import Vocabulary

RAISED = 2.6
LARGEST_SQUARE, LARGEST_COMPACT, SMALLEST_SQUARE = 9.5, 8.0, 2.2
SOLE_SQUARE = 6.5
DIAMOND = 5.0
ARROW_LENGTH, ARROW_HALF = 4.5, 2.4
INTERVAL, PREDICTION, CAP = 0.95, 2.0, 3.2  # thickness of lines, and half the height of a bar's caps
TICK = 3.0
HEADINGS_UP = 5.5  # from the rule below the headings to their baseline
BAND_NAMES = ("benefit ≥ MCID", "≥ MCID")
MOST_LISTED, LISTED_LEADING, LISTED_GAP = 15, 9.6, 5.0
LISTED = (  # key, heading, x of the aligned side, width, alignment
    ("label", "Trial", 12.0, 104.0, "left"),
    ("n", "Randomised", 160.0, 46.0, "right"),
    ("compared", "Compared", 174.0, 158.0, "left"),
    ("why", "Why no number could be used", 344.0, 204.0, "left"),
)
OTHER_QUESTION = ("other_comparison", "other_purpose")  # trials of something else are no gap here
NOT_READ = "no number of this outcome could be read"


def draw_forest(record: Appraised, preset: str = "default") -> Figure:
    """The forest plot of one analysis' result record, sized by its content.

    What is None leaves its part out. Raises ValueError for an unknown preset.

    >>> from trialpool.records import sketch
    >>> bool(draw_forest(sketch(Appraised, {"title": "Pain", "status": "no_data"})).get_figwidth() > 4)
    True
    """
    if preset not in PRESETS:
        raise ValueError(f"preset {preset!r} is not one of: {', '.join(PRESETS)}")
    if record.status == Status.NO_DATA or not record.studies:
        return _draw_no_data(record)
    layout = plan_layout(record, PRESETS[preset])
    sheet = Sheet(layout.width, layout.height)
    _draw_backdrop(sheet, record, layout)
    _draw_head(sheet, layout)
    if layout.total_rule is not None:
        _draw_rule(sheet, layout.total_rule, colour=style.RULE, thickness=0.6)
    for row in layout.rows:
        _draw_cells(sheet, layout, row)
    _draw_marks(sheet, layout)
    _draw_value_axis(sheet, layout)
    _draw_footnotes(sheet, layout)
    return sheet.figure


# words


def _draw_title(sheet: Sheet, title: tuple[str, ...], under: tuple[str, ...], leading: float) -> float:
    """Title and subtitle; the baseline of the line that would come next."""
    y = style.MARGIN + style.TITLE_SIZE * 0.8
    y = sheet.lines(style.MARGIN, y, title, TITLE_LEADING, size=style.TITLE_SIZE, bold=True)
    return sheet.lines(style.MARGIN, y - 1, under, leading, size=style.BODY_SIZE, colour=style.MUTED)


def _draw_rule(sheet: Sheet, y: float, *, colour: str = style.INK, thickness: float = 0.9) -> None:
    sheet.line((style.MARGIN, sheet.width - style.MARGIN), (y, y), colour=colour, thickness=thickness)


def _draw_head(sheet: Sheet, layout: Layout) -> None:
    """Title, subtitle and the headings of the columns down to the rule below them."""
    _draw_title(sheet, layout.title, layout.subtitle, SUBTITLE_LEADING)
    if layout.look.head_fill:
        top, width = layout.head_top - 3, layout.width - style.MARGIN
        fill = layout.look.head_fill
        sheet.box(style.MARGIN / 2, top, width, layout.rule - top, fill=fill, level=BELOW)
    for heading in layout.headings:
        baseline = layout.rule - HEADINGS_UP
        if heading.level:
            baseline -= CELL_LEADING + 5
            sheet.line((heading.left, heading.right), (baseline + 4,) * 2, colour=style.RULE, thickness=0.5)
            baseline -= (len(heading.lines) - 1) * CELL_LEADING
        middle = (heading.left + heading.right) / 2
        x = {"left": heading.left, "right": heading.right, "center": middle}[heading.align]
        sheet.lines(x, baseline, heading.lines, CELL_LEADING, bold=True, align=heading.align)
    _draw_rule(sheet, layout.rule)


def _draw_cells(sheet: Sheet, layout: Layout, row: Row) -> None:
    """The cells of one row."""
    for column in layout.columns:
        text = row.cells.get(column.key, "")
        if column.key == PLOT or not text:
            continue
        if column.key == "study":
            (_draw_label if row.kind == "study" else _draw_whole_line)(sheet, layout, row, column)
        elif column.key.startswith(BIAS):
            draw_light(sheet, column.left + column.width / 2, row.middle, LIGHT, text)
        else:
            bold = row.kind == "pooled"
            muted = column.key.startswith(("received", "outcome")) or row.kind == "prediction"
            sheet.lines(
                column.left if column.align == "left" else column.left + column.width,
                row.baseline,
                cell_lines(column, text, bold),
                CELL_LEADING,
                size=column.size,
                bold=bold,
                align=column.align,
                colour=style.MUTED if muted else style.INK,
            )


def _draw_whole_line(sheet: Sheet, layout: Layout, row: Row, column: Column) -> None:
    """The text of a heading, subtotal or total, and what stands small behind it."""
    x, bold = column.left, row.kind != "prediction"
    colour = style.INK if bold else style.MUTED
    lines = whole_line(row, layout.columns)
    sheet.lines(x, row.baseline, lines, CELL_LEADING, size=style.BODY_SIZE, bold=bold, colour=colour)
    if row.cells.get("aside"):
        x += lettering.width(lines[-1], style.BODY_SIZE, bold) + 8
        room = layout.axis.left - 8 - x
        sheet.text(x, row.baseline, row.cells["aside"], colour=style.MUTED, room=room)


def _draw_label(sheet: Sheet, layout: Layout, row: Row, column: Column) -> None:
    """The label of a trial with its marks and, below it, what was measured."""
    lines = cell_lines(column, row.cells["study"])
    y = sheet.lines(column.left, row.baseline, lines, CELL_LEADING, size=style.BODY_SIZE, url=row.url)
    if row.marks:
        x = column.left + lettering.width(lines[-1], style.BODY_SIZE) + MARK_GAP
        sheet.text(x, y - CELL_LEADING - RAISED, row.marks, size=style.MARK_SIZE, colour=style.MUTED)
    sheet.lines(column.left, y, outcome_lines(column, row), CELL_LEADING, colour=style.MUTED)


def _draw_footnotes(sheet: Sheet, layout: Layout) -> None:
    """The heterogeneity lines beside the axis; rule and footnotes at the foot of the figure."""
    sheet.lines(style.MARGIN, layout.bottom + 9, layout.beside_axis)
    _draw_rule(sheet, layout.notes_top, colour=style.RULE, thickness=0.6)
    x, y = style.MARGIN, layout.notes_top + LEADING + 1
    for mark, lines in layout.notes:
        if mark == "■":
            edge = style.BENEFIT_EDGE
            sheet.box(x, y - 5.2, 6, 5.5, fill=style.BENEFIT, edge=edge, thickness=0.5)
        else:
            sheet.text(x, y, mark, colour=style.MUTED)
        y = sheet.lines(x + (NOTE_INDENT if mark else 0), y, lines, colour=style.MUTED)


# marks


def _draw_backdrop(sheet: Sheet, record: Record, layout: Layout) -> None:
    """What lies behind the marks: the zone of benefit beyond the MCID, no effect, the pooled estimate."""
    axis, ends = layout.axis, (layout.rule, layout.bottom)
    if layout.threshold is not None:
        _draw_band(sheet, layout, layout.threshold, record.better)
    null = position(axis, MEASURES[record.measure].null)
    sheet.line((null, null), ends, level=BEHIND, gid="no-effect")
    pooled = next((row for row in layout.rows if row.kind == "pooled"), None)
    if pooled and pooled.estimate is not None and layout.look.pooled_line:
        x, ends = position(axis, pooled.estimate), (layout.rule, pooled.middle)
        colour = layout.look.pooled
        sheet.line((x, x), ends, colour=colour, thickness=0.7, dashes=(1, 1.6), level=BEHIND)


def _draw_band(sheet: Sheet, layout: Layout, threshold: float, better: str) -> None:
    """The zone of benefit of at least the MCID, and its name above it, kept within the plot."""
    axis, top, bottom, colour = layout.axis, layout.rule, layout.bottom, style.BENEFIT_EDGE
    edge = position(axis, threshold)
    left, right = (edge, axis.right) if better == "higher" else (axis.left, edge)
    sheet.box(left, top, right - left, bottom - top, fill=style.BENEFIT, level=BELOW, gid="mcid-band")
    line = {"thickness": 0.7, "level": BEHIND}
    sheet.line((edge, edge), (top, bottom), colour=colour, dashes=(3, 2), gid="mcid", **line)
    if layout.look.directions == "below":
        fitting = (name for name in BAND_NAMES if lettering.width(name) <= right - left)
        name = next(fitting, BAND_NAMES[-1])
        half = lettering.width(name) / 2
        middle = min(max((left + right) / 2, axis.left + half), axis.right - half)
        sheet.text(middle, top - HEADINGS_UP, name, colour=colour, align="center")


def _draw_marks(sheet: Sheet, layout: Layout) -> None:
    """The mark of every row: square and interval, diamond, or prediction interval."""
    heaviest = max((row.weight or 0.0 for row in layout.rows if row.kind == "study"), default=0.0)
    for index, row in enumerate(layout.rows):
        if row.kind == "study":
            _draw_study(sheet, layout, row, heaviest, index)
        elif row.kind in ("pooled", "subtotal"):
            _draw_diamond(sheet, layout, row, index)
        elif row.kind == "prediction":
            _draw_prediction(sheet, layout, row)


def _draw_study(sheet: Sheet, layout: Layout, row: Row, heaviest: float, index: int) -> None:
    """The interval of a trial, and a square whose area is in proportion to the weight, within sight."""
    axis = layout.axis
    _draw_interval(sheet, axis, row, f"ci-{index}")
    if row.estimate is None or side(axis, row.estimate):
        return
    length, largest = SOLE_SQUARE, LARGEST_COMPACT if layout.compact else LARGEST_SQUARE
    if row.weight and heaviest:
        length = max(largest * math.sqrt(row.weight / heaviest), SMALLEST_SQUARE)
    colour = layout.look.study_events if layout.events else layout.look.study
    sheet.box(
        position(axis, row.estimate) - length / 2,
        row.middle - length / 2,
        length,
        length,
        fill=style.PAPER if row.hollow else colour,
        edge=colour if row.hollow else "none",
        thickness=1.0,
        gid=f"square-{index}",
    )


def _draw_interval(
    sheet: Sheet, axis: Axis, row: Row, gid: str, colour: str = style.INK, thickness: float = INTERVAL
) -> None:
    """A line from low to high; where it leaves the axis, an arrow head instead of its end."""
    if row.low is None or row.high is None:
        return
    y = row.middle
    ends = [_end(sheet, axis, y, value, colour, gid) for value in (row.low, row.high)]
    if ends[1] > ends[0]:
        sheet.line(ends, (y, y), colour=colour, thickness=thickness, gid=gid)


def _end(sheet: Sheet, axis: Axis, y: float, value: float, colour: str, gid: str) -> float:
    """Where an interval ends; beyond the axis that is at the base of an arrow head, drawn here."""
    tip, out = position(axis, value), side(axis, value)
    base = tip - out * ARROW_LENGTH
    if out:
        corners = [(tip, y), (base, y - ARROW_HALF), (base, y + ARROW_HALF)]
        sheet.shape(corners, fill=colour, level=LINES, gid=f"arrow-{gid}")
    return base


def _draw_prediction(sheet: Sheet, layout: Layout, row: Row) -> None:
    """A bar with end caps, arrows where it leaves the axis."""
    y, colour = row.middle, layout.look.pooled
    _draw_interval(sheet, layout.axis, row, "prediction", colour, PREDICTION)
    for value in (row.low, row.high):
        if value is not None and not side(layout.axis, value):
            x = position(layout.axis, value)
            sheet.line((x, x), (y - CAP, y + CAP), colour=colour, thickness=1.0)


def _draw_diamond(sheet: Sheet, layout: Layout, row: Row, index: int) -> None:
    """Estimate and interval of a pooled row; hollow and smaller for a subgroup, cut where the axis ends."""
    axis, y, hollow = layout.axis, row.middle, row.kind != "pooled"
    if row.estimate is None or row.low is None or row.high is None:
        return
    x, half = position(axis, row.estimate), DIAMOND - hollow
    colour, gid = layout.look.pooled, f"diamond-{index}"
    tips = []
    for value in (row.low, row.high):
        cut = half * _share_cut(axis, row.estimate, value)
        end = _end(sheet, axis, y, value, colour, gid)
        tips.append([(end, y - cut), (end, y + cut)] if side(axis, value) else [(end, y)])
    sheet.shape(
        [(x, y - half), *tips[1], (x, y + half), *reversed(tips[0])],
        fill=style.PAPER if hollow else colour,
        edge=colour,
        thickness=1.0 if hollow else 0.8,
        gid=gid,
    )


def _share_cut(axis: Axis, estimate: float, value: float) -> float:
    """What is left of the height of a diamond where the axis cuts its way to a value."""
    middle, limit = scale(estimate, axis.logarithmic), axis.high if side(axis, value) > 0 else axis.low
    reach = scale(value, axis.logarithmic) - middle
    share = abs((limit - middle) / reach) if math.isfinite(reach) and reach else 0.0
    return max(1 - share, 0.0)


def _draw_value_axis(sheet: Sheet, layout: Layout) -> None:
    """Axis line, ticks with labels, and below them or in the head the words for either direction."""
    axis, y = layout.axis, layout.bottom
    sheet.line((axis.left, axis.right), (y, y), gid="axis")
    for tick, label in zip(axis.ticks, axis.labels, strict=True):
        x = position(axis, tick)
        sheet.line((x, x), (y, y + TICK))
        sheet.text(x, y + TICK + 7.5, label, align="center", gid="tick")
    for lines, align, x in zip(layout.directions, ("left", "right"), (axis.left, axis.right), strict=True):
        baseline = y + TICK + 9 + CELL_LEADING
        if layout.look.directions == "above":
            baseline = layout.rule - HEADINGS_UP - (len(lines) - 1) * CELL_LEADING
        sheet.lines(x, baseline, lines, CELL_LEADING, align=align, gid="direction")


# no data


class _Listed(NamedTuple):
    """The cells of a known trial on lines, the address of its report, and the height of it all."""

    cells: dict[str, tuple[str, ...]]
    url: str
    height: float


def _listed(cells: dict[str, str], url: str = "") -> _Listed:
    lines = {key: lettering.wrap(cells.get(key, ""), room, lines=4) for key, _, _, room, _ in LISTED}
    return _Listed(lines, url, max(map(len, lines.values())) * LISTED_LEADING)


def _draw_no_data(record: Appraised) -> Figure:
    """A list of the known trials of an analysis and the reason why each gave no number."""
    trials, room = _known_rows(record), WIDTH - 2 * style.MARGIN
    rows = trials[:MOST_LISTED]
    if trials[MOST_LISTED:]:
        rows.append(_listed({"label": f"and {len(trials) - MOST_LISTED} more"}))
    message = "No trial of this comparison is known to the evidence tables."
    if rows:
        known, verb = words.count(len(trials), "trial"), "is" if len(trials) == 1 else "are"
        message = f"No trial could be pooled. {known} of this comparison {verb} known:"
    title = lettering.wrap(forest_notes.title(record), room, style.TITLE_SIZE, True, 3)
    under = lettering.wrap(forest_notes.subtitle(record), room, style.BODY_SIZE, lines=3)
    lines = lettering.wrap(message, room, style.BODY_SIZE, True)
    top = style.MARGIN + len(title) * TITLE_LEADING + (len(under) + len(lines)) * LISTED_LEADING + 12
    body = sum(row.height + LISTED_GAP for row in rows) + 26 if rows else 0
    sheet = Sheet(WIDTH, top + body + style.MARGIN)
    y = _draw_title(sheet, title, under, LISTED_LEADING) + 8
    sheet.lines(style.MARGIN, y, lines, LISTED_LEADING, bold=True, size=style.BODY_SIZE, colour=style.POOLED)
    if rows:
        _draw_list(sheet, rows, top + LISTED_LEADING)
    return sheet.figure


def _known_rows(record: Appraised) -> list[_Listed]:
    """Trials of the comparison with the reasons found for them, known ones first."""
    trials: dict[str, Known | Unused] = {}
    for known in record.known:
        trials.setdefault(known.study_id, known)
    reasons: dict[str, list[str]] = {}
    for unused in record.not_used:
        if unused.reason_code not in OTHER_QUESTION or unused.study_id in trials:
            trials.setdefault(unused.study_id, unused)
            reason = NOT_READ if unused.reason_code == "no_numbers" else clean(unused.reason)
            reasons.setdefault(unused.study_id, []).append(reason)
    return [_known_row(trial, reasons.get(study, []), record.vocabulary) for study, trial in trials.items()]


def _known_row(trial: Known | Unused, reasons: list[str], vocabulary: Vocabulary) -> _Listed:
    cells = {"label": clean(trial.label or trial.study_id)}
    if isinstance(trial, Known):
        cells["n"] = "" if trial.n_randomised is None else words.plain_number(trial.n_randomised)
        codes = (trial.category_experimental, trial.category_control)
        cells["compared"] = " versus ".join(filter(None, map(clean, map(vocabulary.treatment, codes))))
    cells["why"] = words.capital("; ".join(dict.fromkeys(filter(None, reasons))) or NOT_READ)
    return _listed(cells, words.url(trial.source_url))


def _draw_list(sheet: Sheet, rows: list[_Listed], y: float) -> None:
    for _, heading, x, _, align in LISTED:
        sheet.text(x, y, heading, bold=True, align=align)
    _draw_rule(sheet, y + 4)
    y += 4 + LISTED_LEADING
    for row in rows:
        for key, _, x, _, align in LISTED:
            colour = style.MUTED if key in ("compared", "why") else style.INK
            url = row.url if key == "label" else ""
            sheet.lines(x, y, row.cells[key], LISTED_LEADING, align=align, url=url, colour=colour)
        y += row.height
        _draw_rule(sheet, y - 5, colour=style.HAIRLINE, thickness=0.5)
        y += LISTED_GAP
