"""The forest plot: every trial, what each arm got and showed, its effect, and what they say together.

Of a question that no trial answers yet: which trials are known, and why none could be used.
"""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import canvas, lettering, notes, style
from trialpool.figures import forest_layout as plan
from trialpool.figures.canvas import (
    Look,
    Sheet,
    draw_light,
)
from trialpool.figures.forest_layout import CELL_LEADING, Column, Layout, Plotted, Row
from trialpool.measures import MEASURES
from trialpool.records import Known, Record, Status, Unused
from trialpool.text import clean
from trialpool.view.axis import Axis, position, scale, side
from trialpool.view.forest_table import Study
from trialpool.view.read import Appraised

RAISED = 2.6
MM_PER_INCH = 25.4
LARGEST_SQUARE, LARGEST_COMPACT, SMALLEST_SQUARE = 9.5, 8.0, 2.2
SOLE_SQUARE = 6.5
DIAMOND = 5.0
ARROW_LENGTH, ARROW_HALF = 4.5, 2.4
INTERVAL, PREDICTION, CAP = 0.95, 2.0, 3.2  # thickness of lines, and half the height of a bar's caps
TICK = 3.0
DENSITY = 12.0  # height of the distribution of a new trial's effect
HEADINGS_UP = 5.5  # from the rule below the headings to their baseline
BAND_NAMES = ("important benefit", "important")
MOST_LISTED, LISTED_LEADING, LISTED_GAP = 15, 9.6, 5.0
LISTED = (  # key, heading, x of the aligned side, width, alignment
    ("label", "Trial", 12.0, 104.0, "left"),
    ("n", "Randomised", 160.0, 46.0, "right"),
    ("compared", "Compared", 174.0, 158.0, "left"),
    ("why", "Why no number could be used", 344.0, 204.0, "left"),
)
NOT_READ = "no number of this outcome could be read"


def draw_forest(record: Appraised, preset: str | plan.Preset = "default", width: float = 0.0) -> Figure:
    """The forest plot of one analysis' result record, sized by its content, in a house style or one by name.

    What is None leaves its part out. `width`, in millimetres, scales the whole, letters too. Raises
    ValueError for an unknown preset.

    >>> from trialpool.records import sketch
    >>> bool(draw_forest(sketch(Appraised, {"title": "Pain", "status": "no_data"})).get_figwidth() > 4)
    True
    """
    look = plan.preset(preset) if isinstance(preset, str) else preset
    if record.status == Status.NO_DATA or not record.studies:
        return _draw_no_data(record)
    layout = Layout(record, look)
    scale = width / MM_PER_INCH * canvas.POINTS_PER_INCH / layout.width if width else 1.0
    sheet = Sheet(layout.width, layout.height, scale)
    _draw_backdrop(sheet, record, layout)
    _draw_head(sheet, layout)
    if layout.total_rule is not None:
        draw_rule(sheet, layout.total_rule, colour=style.RULE, thickness=0.6)
    for row in layout.rows:
        _draw_cells(sheet, layout, row)
    draw_marks(sheet, layout)
    draw_value_axis(sheet, layout)
    _draw_footnotes(sheet, layout)
    return sheet.figure


# words


def draw_title(sheet: Sheet, title: tuple[str, ...], under: tuple[str, ...], leading: float) -> float:
    """Title and subtitle; the baseline of the line that would come next."""
    y = style.MARGIN + style.TITLE_SIZE * 0.8
    y = sheet.lines(style.MARGIN, y, title, canvas.TITLE_LEADING, size=style.TITLE_SIZE, bold=True)
    return sheet.lines(style.MARGIN, y - 1, under, leading, size=style.BODY_SIZE, colour=style.MUTED)


def draw_rule(sheet: Sheet, y: float, *, colour: str = style.INK, thickness: float = 0.9) -> None:
    """A rule across the sheet."""
    sheet.line((style.MARGIN, sheet.width - style.MARGIN), (y, y), colour=colour, thickness=thickness)


def _draw_head(sheet: Sheet, layout: Layout) -> None:
    """Title, subtitle and the headings of the columns down to the rule below them."""
    draw_title(sheet, layout.title, layout.subtitle, plan.SUBTITLE_LEADING)
    if layout.look.head_fill:
        top, width = layout.head_top - 3, layout.width - style.MARGIN
        fill = layout.look.head_fill
        sheet.box(style.MARGIN / 2, top, width, layout.rule - top, fill=fill, level=canvas.BELOW)
    for heading in layout.headings:
        baseline, left, right = layout.rule - HEADINGS_UP, heading.columns[0].left, heading.columns[-1].right
        if heading.level:
            baseline -= CELL_LEADING + 5
            sheet.line((left, right), (baseline + 4,) * 2, colour=style.RULE, thickness=0.5)
            baseline -= (len(heading.lines) - 1) * CELL_LEADING
        x = {"left": left, "right": right, "center": (left + right) / 2}[heading.align]
        sheet.lines(x, baseline, heading.lines, CELL_LEADING, bold=True, align=heading.align)
    draw_rule(sheet, layout.rule)


def _draw_cells(sheet: Sheet, layout: Layout, row: Row) -> None:
    """The cells of one row."""
    for column in layout.columns:
        text = row.cells.get(column.key, "")
        if column.key == plan.PLOT or not text:
            continue
        if column.key == "study":
            (_draw_label if row.study else _draw_whole_line)(sheet, layout, row, column)
        elif column.key.startswith(plan.BIAS):
            draw_light(sheet, column.left + column.width / 2, row.middle, plan.LIGHT, text)
        else:
            bold = row.kind == "pooled"
            muted = column.key.startswith(("received", "outcome")) or row.kind in plan.QUIET
            look: Look = {"size": column.size, "bold": bold, "align": column.align}
            look["colour"] = style.MUTED if muted else style.INK
            x = column.left if column.align == "left" else column.right
            sheet.lines(x, row.baseline, plan.cell_lines(column, text, bold), CELL_LEADING, **look)


def _draw_whole_line(sheet: Sheet, layout: Layout, row: Row, column: Column) -> None:
    """The text of a heading, subtotal or total, and what stands small behind it."""
    x, bold = column.left, row.kind not in plan.QUIET
    colour = style.INK if bold else style.MUTED
    lines = layout.whole_line(row)
    sheet.lines(x, row.baseline, lines, CELL_LEADING, size=style.BODY_SIZE, bold=bold, colour=colour)
    if row.cells.get("aside") and not layout.look.narrow:
        x += lettering.width(lines[-1], style.BODY_SIZE, bold) + 8
        room = layout.axis.left - 8 - x
        sheet.text(x, row.baseline, row.cells["aside"], colour=style.MUTED, room=room)


def _draw_label(sheet: Sheet, layout: Layout, row: Row, column: Column) -> None:
    """The label of a trial with its marks and, below it, what was measured."""
    assert row.study
    lines = plan.cell_lines(column, row.cells["study"])
    url, marks = row.study.url, row.study.marks * (layout.look.legend != "none")
    y = sheet.lines(column.left, row.baseline, lines, CELL_LEADING, size=style.BODY_SIZE, url=url)
    if marks:
        x = column.left + lettering.width(lines[-1], style.BODY_SIZE) + plan.MARK_GAP
        sheet.text(x, y - CELL_LEADING - RAISED, marks, size=style.MARK_SIZE, colour=style.MUTED)
    sheet.lines(column.left, y, plan.outcome_lines(column, row), CELL_LEADING, colour=style.MUTED)


def _draw_footnotes(sheet: Sheet, layout: Layout) -> None:
    """The heterogeneity lines beside the axis; rule and footnotes at the foot of the figure."""
    sheet.lines(style.MARGIN, layout.tests_top, layout.beside_axis)
    if layout.notes:
        draw_rule(sheet, layout.notes_top, colour=style.RULE, thickness=0.6)
    x, y = style.MARGIN, layout.notes_top + canvas.LEADING + 1
    for mark, lines in layout.notes:
        if mark == "■":
            edge = style.BENEFIT_EDGE
            sheet.box(x, y - 5.2, 6, 5.5, fill=style.BENEFIT, edge=edge, thickness=0.5)
        else:
            sheet.text(x, y, mark, colour=style.MUTED)
        y = sheet.lines(x + (plan.NOTE_INDENT if mark else 0), y, lines, colour=style.MUTED)


# marks


def _draw_backdrop(sheet: Sheet, record: Record, layout: Layout) -> None:
    """What lies behind the marks: the zone of benefit beyond the MCID, no effect, the pooled estimate."""
    axis, ends = layout.axis, (layout.rule, layout.bottom)
    if layout.look.stripes:
        for row in [row for row in layout.rows if row.study][::2]:
            top, deep = layout.band(row)
            width = layout.width - 2 * style.MARGIN
            sheet.box(style.MARGIN, top, width, deep, fill=layout.look.stripes, level=canvas.BELOW - 0.1)
    if layout.threshold is not None:
        _draw_band(sheet, layout, layout.threshold, record.better)
    if MEASURES[record.measure].has_null:
        draw_no_effect(sheet, axis, record.measure, ends)
    pooled = next((row for row in layout.rows if row.kind == "pooled"), None)
    if pooled and pooled.values[0] is not None and layout.look.pooled_line:
        x, ends = position(axis, pooled.values[0]), (layout.rule, pooled.middle)
        colour = layout.look.pooled
        if not side(axis, pooled.values[0]):
            sheet.line((x, x), ends, colour=colour, thickness=0.7, dashes=(1, 1.6), level=canvas.BEHIND)


def draw_no_effect(sheet: Sheet, axis: Axis, measure: str, ends: tuple[float, float]) -> None:
    """The line of no effect, where the axis reaches it."""
    null = MEASURES[measure].null
    if not side(axis, null):
        x = position(axis, null)
        sheet.line((x, x), ends, level=canvas.BEHIND, gid="no-effect")


def _draw_band(sheet: Sheet, layout: Layout, threshold: float, better: str) -> None:
    """The zone of benefit of at least the MCID, and its name above it, kept within the plot."""
    axis, top, bottom, colour = layout.axis, layout.rule, layout.bottom, style.BENEFIT_EDGE
    edge = position(axis, threshold)
    left, right = (edge, axis.right) if better == "higher" else (axis.left, edge)
    sheet.box(left, top, right - left, bottom - top, fill=style.BENEFIT, level=canvas.BELOW, gid="mcid-band")
    line = {"thickness": 0.7, "level": canvas.BEHIND}
    sheet.line((edge, edge), (top, bottom), colour=colour, dashes=(3, 2), gid="mcid", **line)
    if layout.look.directions == "below":
        fitting = (name for name in BAND_NAMES if lettering.width(name) <= right - left)
        name = next(fitting, BAND_NAMES[-1])
        half = lettering.width(name) / 2
        middle = min(max((left + right) / 2, axis.left + half), axis.right - half)
        sheet.text(middle, top - HEADINGS_UP, name, colour=colour, align="center")


def draw_marks(sheet: Sheet, layout: Plotted) -> None:
    """The mark of every row: square and interval, diamond, or prediction interval."""
    heaviest = max((row.study.weight.value or 0.0 for row in layout.rows if row.study), default=0.0)
    for index, row in enumerate(layout.rows):
        if row.study:
            _draw_study(sheet, layout, row, row.study, heaviest, index)
        elif row.kind in ("pooled", "subtotal", "beside"):
            _draw_diamond(sheet, layout, row, index)
        elif row.kind == "prediction":
            {"diamond": _draw_open_diamond, "density": _draw_density}.get(
                layout.look.prediction, _draw_prediction
            )(sheet, layout, row)


def _draw_study(sheet: Sheet, layout: Plotted, row: Row, study: Study, heaviest: float, index: int) -> None:
    """The interval of a trial, and a square whose area is in proportion to the weight, within sight."""
    axis, (estimate, *_), weight = layout.axis, row.values, study.weight.value
    _draw_interval(sheet, axis, row, f"ci-{index}")
    if estimate is None or side(axis, estimate):
        return
    length, largest = SOLE_SQUARE, LARGEST_COMPACT if layout.compact else LARGEST_SQUARE
    if weight and heaviest:
        length = max(largest * math.sqrt(weight / heaviest), SMALLEST_SQUARE)
    colour = layout.look.study_events if layout.events else layout.look.study
    fill, edge = (style.PAPER, colour) if study.imputed else (colour, "none")
    left, top = position(axis, estimate) - length / 2, row.middle - length / 2
    sheet.box(left, top, length, length, fill=fill, edge=edge, thickness=1.0, gid=f"square-{index}")


def _draw_interval(
    sheet: Sheet, axis: Axis, row: Row, gid: str, colour: str = style.INK, thickness: float = INTERVAL
) -> None:
    """A line from low to high; where it leaves the axis, an arrow head instead of its end."""
    _, low, high = row.values
    if low is None or high is None:
        return
    y = row.middle
    ends = [_end(sheet, axis, y, value, colour, gid) for value in (low, high)]
    if ends[1] > ends[0]:
        sheet.line(ends, (y, y), colour=colour, thickness=thickness, gid=gid)


def _end(sheet: Sheet, axis: Axis, y: float, value: float, colour: str, gid: str) -> float:
    """Where an interval ends; beyond the axis that is at the base of an arrow head, drawn here."""
    tip, out = position(axis, value), side(axis, value)
    base = tip - out * ARROW_LENGTH
    if out:
        corners = [(tip, y), (base, y - ARROW_HALF), (base, y + ARROW_HALF)]
        sheet.shape(corners, fill=colour, level=canvas.LINES, gid=f"arrow-{gid}")
    return base


def _draw_prediction(sheet: Sheet, layout: Plotted, row: Row) -> None:
    """A bar with end caps, arrows where it leaves the axis."""
    y, colour = row.middle, layout.look.pooled
    _draw_interval(sheet, layout.axis, row, "prediction", colour, PREDICTION)
    for value in row.values[1:]:
        if value is not None and not side(layout.axis, value):
            x = position(layout.axis, value)
            sheet.line((x, x), (y - CAP, y + CAP), colour=colour, thickness=1.0)


def _draw_open_diamond(sheet: Sheet, layout: Plotted, row: Row) -> None:
    """The prediction interval as an open diamond around the pooled estimate."""
    axis, y, colour = layout.axis, row.middle, layout.look.pooled
    middle, low, high = _predicted(layout, row)
    half, tips = DIAMOND - 1, []
    for value in (low, high):
        cut = half * _share_cut(axis, middle, value)
        end = _end(sheet, axis, y, value, colour, "prediction")
        tips.append([(end, y - cut), (end, y + cut)] if side(axis, value) else [(end, y)])
    x = position(axis, middle)
    corners = [(x, y - half), *tips[1], (x, y + half), *reversed(tips[0])]
    sheet.shape(corners, fill=style.PAPER, edge=colour, thickness=0.9, gid="prediction")


def _draw_density(sheet: Sheet, layout: Plotted, row: Row) -> None:
    """The distribution of a new trial's effect, dark within the prediction interval.

    A t (of Wald intervals a normal) distribution on either side of the estimate, as wide as the interval; of
    a posterior that is an approximation.
    """
    axis, colour = layout.axis, layout.look.pooled
    middle, *ends = _predicted(layout, row)
    centre, low, high = (scale(value, axis.logarithmic) for value in (middle, *ends))
    bottom, steps = row.middle + DENSITY / 2, 120
    points = []
    for step in range(steps + 1):
        at = axis.low + (axis.high - axis.low) * step / steps
        reach = (high - centre) if at > centre else (centre - low)
        height = _density(layout.record, (at - centre) / reach) if reach > 0 and math.isfinite(reach) else 0.0
        points.append((at, axis.left + (axis.right - axis.left) * step / steps, bottom - DENSITY * height))
    for inside, fill in ((False, style.HAIRLINE), (True, colour)):
        part = [(x, y) for at, x, y in points if low <= at <= high or not inside]
        if len(part) > 1:
            corners = [(part[0][0], bottom), *part, (part[-1][0], bottom)]
            sheet.shape(corners, fill=fill, level=canvas.LINES + inside / 2, gid="prediction")


def _density(record: Record, at: float) -> float:
    """The density of a new trial's effect, 1 at its highest, where `at` is 1 at the bound of the interval."""
    from scipy.special import stdtrit

    pooled, methods = record.pooled, record.methods
    df = 1e6  # as good as normal
    if pooled and pooled.interval == "cr2":
        df = max(pooled.df or 1.0, 1.0)
    elif pooled and pooled.interval in ("hksj", "hksj_adhoc"):
        df = max(record.k - (2.0 if methods.prediction_df == "k-2" else 1.0), 1.0)
    x = at * float(stdtrit(df, 0.5 + methods.level / 2))
    return float((1 + x * x / df) ** (-(df + 1) / 2))


def _predicted(layout: Plotted, row: Row) -> tuple[float, float, float]:
    """The pooled estimate and the bounds of its prediction interval."""
    assert layout.table.prediction
    middle, low, high = (math.nan if each is None else each for each in layout.table.prediction.values)
    return middle, low, high


def _draw_diamond(sheet: Sheet, layout: Plotted, row: Row, index: int) -> None:
    """Estimate and interval of a pooled row; hollow and smaller for a subgroup, cut where the axis ends."""
    axis, y, hollow = layout.axis, row.middle, row.kind != "pooled"
    estimate, low, high = row.values
    if estimate is None or low is None or high is None:
        return
    x, half = position(axis, estimate), DIAMOND - hollow
    colour, gid = layout.look.pooled, f"diamond-{index}"
    tips = []
    for value in (low, high):
        cut = half * _share_cut(axis, estimate, value)
        end = _end(sheet, axis, y, value, colour, gid)
        tips.append([(end, y - cut), (end, y + cut)] if side(axis, value) else [(end, y)])
    corners = [(x, y - half), *tips[1], (x, y + half), *reversed(tips[0])]
    fill, thickness = (style.PAPER, 1.0) if hollow else (colour, 0.8)
    sheet.shape(corners, fill=fill, edge=colour, thickness=thickness, gid=gid)


def _share_cut(axis: Axis, estimate: float, value: float) -> float:
    """What is left of the height of a diamond where the axis cuts its way to a value."""
    middle, limit = scale(estimate, axis.logarithmic), axis.high if side(axis, value) > 0 else axis.low
    reach = scale(value, axis.logarithmic) - middle
    share = abs((limit - middle) / reach) if math.isfinite(reach) and reach else 0.0
    return max(1 - share, 0.0)


def draw_value_axis(sheet: Sheet, layout: Plotted) -> None:
    """Axis line, ticks with labels, and below them or in the head the words for either direction."""
    axis, y = layout.axis, layout.bottom
    sheet.line((axis.left, axis.right), (y, y), gid="axis")
    for tick, label in zip(axis.ticks, axis.labels, strict=True):
        x = position(axis, tick)
        sheet.line((x, x), (y, y + TICK))
        sheet.text(x, y + TICK + 7.5, label, align="center", gid="tick")
    outside = plan.OUTSIDE * layout.look.narrow
    ends = axis.left - outside, axis.right + outside
    for lines, align, x in zip(layout.directions, ("left", "right"), ends, strict=True):
        baseline = y + TICK + 9 + CELL_LEADING
        if layout.look.directions == "above":
            baseline = layout.rule - HEADINGS_UP - (len(lines) - 1) * CELL_LEADING
        sheet.lines(x, baseline, lines, CELL_LEADING, align=align, gid="direction")


# no data


def _draw_no_data(record: Appraised) -> Figure:
    """A list of the known trials of an analysis and the reason why each gave no number."""
    trials, room = _known_rows(record), canvas.WIDTH - 2 * style.MARGIN
    listed = trials[:MOST_LISTED]
    if trials[MOST_LISTED:]:
        listed.append(({"label": f"and {len(trials) - MOST_LISTED} more"}, ""))
    message = "No trial of this comparison is known to the evidence tables."
    if listed:
        known, verb = words.count(len(trials), "trial"), "is" if len(trials) == 1 else "are"
        message = f"No trial could be pooled. {known} of this comparison {verb} known:"
    title = lettering.wrap(notes.title(record), room, style.TITLE_SIZE, True, 3)
    under = lettering.wrap(notes.subtitle(record), room, style.BODY_SIZE, lines=3)
    lines = lettering.wrap(message, room, style.BODY_SIZE, True)
    rows = [
        ([lettering.wrap(cells.get(key, ""), wide, lines=4) for key, _, _, wide, _ in LISTED], url)
        for cells, url in listed
    ]
    top = style.MARGIN + len(title) * canvas.TITLE_LEADING + (len(under) + len(lines)) * LISTED_LEADING + 12
    body = sum(_height(cells) + LISTED_GAP for cells, _ in rows) + 26 if rows else 0
    sheet = Sheet(canvas.WIDTH, top + body + style.MARGIN)
    y = draw_title(sheet, title, under, LISTED_LEADING) + 8
    sheet.lines(style.MARGIN, y, lines, LISTED_LEADING, bold=True, size=style.BODY_SIZE, colour=style.POOLED)
    if rows:
        _draw_list(sheet, rows, top + LISTED_LEADING)
    return sheet.figure


def _height(cells: list[tuple[str, ...]]) -> float:
    return max(map(len, cells)) * LISTED_LEADING


def _known_rows(record: Appraised) -> list[tuple[dict[str, str], str]]:
    """Cells and address of the trials of the comparison with the reasons found for them, known ones first."""
    trials: dict[str, Known | Unused] = {}
    for known in record.known:
        trials.setdefault(known.study_id, known)
    reasons: dict[str, list[str]] = {}
    for unused in record.not_used:
        trials.setdefault(unused.study_id, unused)
        reason = NOT_READ if unused.reason_code == "no_numbers" else clean(unused.reason)
        reasons.setdefault(unused.study_id, []).append(reason)
    rows = []
    for study, trial in trials.items():
        why = "; ".join(dict.fromkeys(filter(None, reasons.get(study, [])))) or NOT_READ
        cells = {"label": clean(trial.label or trial.study_id), "why": words.capital(why)}
        if isinstance(trial, Known):
            cells["n"] = "" if trial.n_randomised is None else words.plain_number(trial.n_randomised)
            codes = (trial.category_experimental, trial.category_control)
            names = map(clean, map(record.vocabulary.treatment, codes))
            cells["compared"] = " versus ".join(filter(None, names))
        rows.append((cells, words.url(trial.source_url)))
    return rows


def _draw_list(sheet: Sheet, rows: list[tuple[list[tuple[str, ...]], str]], y: float) -> None:
    for _, heading, x, _, align in LISTED:
        sheet.text(x, y, heading, bold=True, align=align)
    draw_rule(sheet, y + 4)
    y += 4 + LISTED_LEADING
    for cells, url in rows:
        for lines, (key, _, x, _, align) in zip(cells, LISTED, strict=True):
            colour = style.MUTED if key in ("compared", "why") else style.INK
            address = url if key == "label" else ""
            sheet.lines(x, y, lines, LISTED_LEADING, align=align, url=address, colour=colour)
        y += _height(cells)
        draw_rule(sheet, y - 5, colour=style.HAIRLINE, thickness=0.5)
        y += LISTED_GAP
