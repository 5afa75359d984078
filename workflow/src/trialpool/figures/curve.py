"""The multiverse of an analysis as a specification curve: every defensible estimate, and what made it.

Above, the estimates in order with their intervals; below, which choice each rests on (Simonsohn, Simmons &
Nelson 2020). Beside each choice: how its specifications come out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.patches import Rectangle

from trialpool import text as words
from trialpool.figures import canvas, lettering, style
from trialpool.figures.canvas import Field, Look, Plot, Sheet
from trialpool.figures.notes import notes
from trialpool.measures import MEASURES
from trialpool.records import Conclusion, Level, Record, conclusion
from trialpool.text import clean
from trialpool.view.axis import intervals, mcid_threshold, plan_axis, scale
from trialpool.view.read import Appraised, grouped
from trialpool.yaml_files import shipped

Columns = Mapping[str, Sequence[Any]]
LEFT, RIGHT = 150.0, 452.0
MEDIAN_AT, CLEAR_AT = 497.0, 548.0
CURVE, KEY, ROW, HEADING = 176.0, 12.0, 8.8, 14.0
MOST_DRAWN = 500
NUMBERS = ("estimate", "ci_low", "ci_high", "k")
NAMES = shipped("sentences")["multiverse"]  # of dimensions and of levels
CONCLUSIONS = {  # colour, words
    Conclusion.BENEFIT: (style.BENEFIT_EDGE, "clear benefit"),
    Conclusion.HARM: (style.HIGH_RISK, "clear disadvantage"),
    Conclusion.UNCLEAR: (style.RULE, "includes no effect"),
}


@canvas.styled
def draw_specification_curve(record: Appraised, columns: Columns) -> Figure:
    """The specification curve of a pooled record and the columns of its multiverse, sorted by estimate."""
    if record.multiverse is None:
        raise ValueError("a specification curve needs a record with a multiverse")
    dimensions = grouped(record.multiverse.levels, lambda level: level.dimension)
    dimensions = {name: levels for name, levels in dimensions.items() if len(levels) > 1}
    main, count = _main(record, columns), len(columns["estimate"])
    body = KEY + CURVE + 12 + sum(HEADING + ROW * len(levels) for levels in dimensions.values())
    rows = _evenly_spaced(count, main)
    drawn = {name: [values[row] for row in rows] for name, values in columns.items()}
    bounds = zip(drawn["ci_low"], drawn["ci_high"], strict=True)
    known = (MEASURES[record.measure].null, record.better)
    drawn["conclusion"] = [conclusion(*pair, *known) for pair in bounds]
    said = notes("multiverse_notes", record, count, len(rows))
    sheet, top = canvas.headed_record(record, "All defensible choices together", said, body)
    top += KEY
    at = None if main is None else rows.index(main)
    if at is not None:  # a band through the whole figure where the analysis as configured stands
        frame = (LEFT, top, RIGHT, top + body - KEY)
        field = Field(sheet, frame, (-0.5, len(rows) - 0.5), (0.0, 1.0))
        half = max(0.5, 1.2 * len(rows) / (RIGHT - LEFT))
        field.add_artist(Rectangle((at - half, 0), 2 * half, 1, facecolor=style.POOLED_LIGHT, linewidth=0))
    y = top + CURVE
    curve = Plot(sheet, (LEFT, top, RIGHT, y))
    _draw_curve(curve, record, drawn, at)
    _name_sides(sheet, curve, record, top)
    sheet.text(MEDIAN_AT, y + 22, "Median", bold=True, align="right")
    sheet.lines(CLEAR_AT, y + 14, ("Clear", "benefit"), 8, bold=True, align="right")
    y += 12
    for levels in dimensions.values():
        _draw_dimension(sheet, record, drawn, levels, y)
        y += HEADING + ROW * len(levels)
    return sheet.figure


def _main(record: Record, columns: Columns) -> int | None:
    """Which specification is the analysis as configured; None if the models do not hold it."""
    wanted = {name: "default" for name in columns if name not in NUMBERS}
    interval = canvas.pooled_of(record).interval
    usual = record.methods.method or record.methods.tau2_method
    prior = (record.methods.prior or {}).get("name", "half_normal")
    method = prior if interval == "bayes" else usual
    wanted |= {"inclusion": "all trials", "tau2_method": method, "interval": interval}
    rows = zip(*(columns[name] for name in wanted), strict=True)
    return next((at for at, row in enumerate(rows) if list(row) == list(wanted.values())), None)


def _evenly_spaced(count: int, main: int | None) -> list[int]:
    """Evenly spaced specifications, all of them up to MOST_DRAWN, the configured one always among them."""
    shown = min(count, MOST_DRAWN)
    rows = [round(at * (count - 1) / max(shown - 1, 1)) for at in range(shown)]
    if main is not None and main not in rows:
        nearest = min(range(shown), key=lambda at: abs(rows[at] - main))
        rows[nearest] = main
    return rows


def _draw_curve(ax: Plot, record: Record, drawn: Columns, main: int | None) -> None:
    pooled, threshold = canvas.pooled_of(record), mcid_threshold(record)
    bounds = list(zip(drawn["ci_low"], drawn["ci_high"], strict=True))
    axis = plan_axis(
        record.measure,
        list(zip(drawn["estimate"], drawn["ci_low"], drawn["ci_high"], strict=True)),
        [pooled.estimate, threshold],
        pooled=intervals([canvas.values_of(pooled)]),
        right=CURVE,
    )
    canvas.show_axis(ax, axis, which="y")
    ax.x.show((-0.5, len(bounds) - 0.5))
    canvas.draw_landmarks(ax, record, pooled=False, which="y")
    step = (RIGHT - LEFT) / len(bounds)

    def shown(value: float) -> float:
        return min(max(scale(value, axis.logarithmic), axis.low), axis.high)

    spans = [None if None in pair else (shown(pair[0]), shown(pair[1])) for pair in bounds]
    _draw_spans(ax, drawn, spans, gid="interval", linewidth=min(1.1, max(0.35, 0.7 * step)))
    ys = [scale(value, axis.logarithmic) for value in drawn["estimate"]]
    look: Look = {"markersize": min(4.0, max(1.6, 0.9 * step)), "markeredgewidth": 0.0, "color": style.INK}
    ax.plot(range(len(ys)), ys, "o", zorder=canvas.MARKS, gid="estimates", **look)
    if main is not None:
        look = {"color": style.POOLED, "markeredgecolor": style.PAPER, "markeredgewidth": 0.6}
        ax.plot(main, ys[main], "D", markersize=6.6, zorder=canvas.ABOVE, gid="main", **look)
    _draw_key(ax, main is not None)


def _draw_spans(ax: Field, drawn: Columns, spans: Sequence[tuple[float, float] | None], **look: Any) -> None:
    """An upright stroke a specification from where to where, in the colour of its conclusion."""
    for name, (colour, _) in CONCLUSIONS.items():
        known = ((x, span) for x, span in enumerate(spans) if span and drawn["conclusion"][x] == name)
        canvas.draw_strokes(ax, [(x, *span) for x, span in known], color=colour, **look)


def _draw_key(ax: Plot, configured: bool) -> None:
    """What the colours and the diamond mean, above the curve."""
    look: Look = {"color": style.POOLED, "markersize": 5.6, "markeredgewidth": 0}
    keys = [ax.plot((), (), "D", label="as configured", **look)] if configured else []
    look = {"markersize": 8, "markeredgewidth": 1.6}
    for colour, name in CONCLUSIONS.values():
        keys.append(ax.plot((), (), "|", color=colour, label=name, **look))
    room: Look = {"borderpad": 0.0, "borderaxespad": 0.0, "handletextpad": 0.4, "columnspacing": 1.4}
    room |= {"loc": "lower left", "bbox_to_anchor": (0.01, 1.02), "bbox_transform": ax.transAxes}
    names = [str(key.get_label()) for key in keys]
    ax.add_artist(Legend(ax.sheet.figure, keys, names, ncols=4, handlelength=0.8, **room))


def _name_sides(sheet: Sheet, ax: Field, record: Record, top: float) -> None:
    """The measure and what lies above and below no effect, left of the axis; its landmarks, right."""
    room = LEFT - 42 - style.MARGIN
    name = lettering.wrap(canvas.value_name(record), room, style.SMALL_SIZE, True, 4)
    y = sheet.lines(style.MARGIN, top + 6, name, bold=True)
    for arrow, text in (("↑", clean(record.direction.right)), ("↓", clean(record.direction.left))):
        if text:
            lines = lettering.wrap(f"{arrow} {text}", room, lines=4)
            y = sheet.lines(style.MARGIN, y + 4, lines)
    for value, text in ((MEASURES[record.measure].null, "no effect"), (mcid_threshold(record), "important")):
        if value is not None:
            canvas.print_beside(ax, canvas.on_axis(record, value), 4, text, color=style.MUTED)


def _draw_dimension(sheet: Sheet, record: Record, drawn: Columns, levels: Sequence[Level], y: float) -> None:
    """A heading and a row of marks a level, with how its specifications come out."""
    dimension, count = levels[0].dimension, len(drawn["estimate"])
    heading = NAMES["dimensions"].get(dimension) or words.capital(words.spaced(dimension))
    sheet.text(style.MARGIN, y + 10.5, heading, bold=True)
    share = notes("multiverse_share", record, dimension)
    sheet.lines(RIGHT, y + 10.5, share, colour=style.MUTED, align="right")
    frame, xlim = (LEFT, y + HEADING, RIGHT, y + HEADING + ROW * len(levels)), (-0.5, count - 0.5)
    field = Field(sheet, frame, xlim, (len(levels) - 0.5, -0.5))
    rules = [[(x, number) for x in xlim] for number in range(len(levels))]
    field.add_artist(LineCollection(rules, colors=style.HAIRLINE, linewidth=0.5))
    heights = {level.level: number for number, level in enumerate(levels)}
    chosen = [heights.get(level) for level in drawn[dimension]]
    width = min(2.2, max(0.5, 0.7 * (RIGHT - LEFT) / count))
    spans = [None if at is None else (at - 0.33, at + 0.33) for at in chosen]
    _draw_spans(field, drawn, spans, gid="choice", linewidth=width)
    medians = words.format_values(record.measure, [level.median for level in levels])
    for number, (level, median) in enumerate(zip(levels, medians, strict=True)):
        label = NAMES["levels"].get(level.level) or clean(words.spaced(level.level))
        canvas.print_beside(field, number, style.MARGIN + 6 - LEFT, label, room=LEFT - style.MARGIN - 12)
        canvas.print_beside(field, number, MEDIAN_AT - RIGHT, median, align="right")
        clear = words.percent(level.clear_benefit)
        canvas.print_beside(field, number, CLEAR_AT - RIGHT, clear, align="right")
