"""The multiverse of an analysis as a specification curve: every defensible estimate, and what made it.

Above, the estimates in order with their intervals; below, which choice each rests on (Simonsohn, Simmons &
Nelson 2020). Beside each choice: how its specifications come out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import canvas, lettering, style
from trialpool.figures.canvas import Look, Sheet
from trialpool.measures import MEASURES
from trialpool.records import Level, Multiverse, Record
from trialpool.text import clean
from trialpool.view.axis import mcid_threshold, plan_axis, scale

Columns = Mapping[str, Sequence[Any]]
LEFT, RIGHT = 150.0, 452.0
MEDIAN_AT, CLEAR_AT = 497.0, 548.0
CURVE, KEY, ROW, HEADING = 176.0, 12.0, 8.8, 14.0
MOST_DRAWN = 500
NUMBERS = ("estimate", "ci_low", "ci_high", "k")
DIMENSIONS = {
    "tau2_method": "Estimator of τ²",
    "interval": "Interval of the mean",
    "inclusion": "Trials included",
    "multi_arm": "Several arms on a side",
    "r": "Correlation assumed for changes",
    "kinds": "Final values or changes",
    "source": "Arms or printed contrast",
    "timepoint": "Time",
    "outcomes": "Instrument, where several",
    "items": "Item, where several",
    "borrow_sd": "Spread not reported",
}
LEVELS = {
    "wald": "Wald",
    "hksj": "HKSJ",
    "hksj_adhoc": "HKSJ, factor ≥ 1",
    "FE": "none (common effect)",
    "default": "as configured",
    "true": "taken from other trials",
}
CONCLUSIONS = {  # colour, words
    "benefit": (style.BENEFIT_EDGE, "clear benefit"),
    "harm": (style.HIGH_RISK, "clear disadvantage"),
    "unclear": (style.RULE, "includes no effect"),
}


@canvas.styled
def draw_specification_curve(record: Record, columns: Columns) -> Figure:
    """The specification curve of a pooled record and the columns of its multiverse, sorted by estimate."""
    dimensions, main = _dimensions(record), _main(record, columns)
    body = KEY + CURVE + 12 + sum(HEADING + ROW * len(levels) for levels in dimensions.values())
    count = len(columns["estimate"])
    rows = _drawn(count, main)
    notes = _notes(record, count, len(rows))
    sheet, top = canvas.headed_record(record, "All defensible choices together", notes, body)
    foot = top + KEY + CURVE
    if main is not None:
        _draw_main(sheet, rows.index(main), len(rows), (top + KEY, top + body))
    curve = sheet.axes((LEFT, top + KEY, RIGHT, foot))
    _draw_curve(curve, record, columns, rows, main)
    _name_sides(sheet, curve, record, top + KEY)
    sheet.text(MEDIAN_AT, foot + 22, "Median", bold=True, align="right")
    sheet.lines(CLEAR_AT, foot + 14, ("Clear", "benefit"), 8, bold=True, align="right")
    y = foot + 12
    for levels in dimensions.values():
        _draw_dimension(sheet, record, columns, rows, levels, y)
        y += HEADING + ROW * len(levels)
    return sheet.figure


def describe_multiverse(record: Record) -> str:
    """A text alternative of the specification curve: how many, what they show, and their range."""
    multiverse = record.multiverse
    start = f"Specification curve: {clean(record.title)}."
    if not multiverse:
        return start
    values = (multiverse.estimate_low, multiverse.estimate_high, multiverse.estimate_median)
    low, high, middle = words.format_values(record.measure, values)
    reached = f"Estimates from {low} to {high}, median {middle}."
    return " ".join(
        [start, *_notes(record, multiverse.specifications, multiverse.specifications)[:1], reached]
    )


def concluded(record: Record, low: float | None, high: float | None) -> str:
    """What an interval says: benefit, harm, or unclear when it includes no effect (or is missing)."""
    null = MEASURES[record.measure].null
    if low is None or high is None or low <= null <= high:
        return "unclear"
    return "benefit" if (high < null) == (record.better == "lower") else "harm"


def _multiverse(record: Record) -> Multiverse:
    if record.multiverse is None:
        raise ValueError("a specification curve needs a record with a multiverse")
    return record.multiverse


def _dimensions(record: Record) -> dict[str, list[Level]]:
    """The levels by dimension of choice; dimensions without a choice left out."""
    dimensions: dict[str, list[Level]] = {}
    for level in _multiverse(record).levels:
        dimensions.setdefault(level.dimension, []).append(level)
    return {name: levels for name, levels in dimensions.items() if len(levels) > 1}


def _main(record: Record, columns: Columns) -> int | None:
    """Which specification is the analysis as configured; None if the models do not hold it."""
    wanted = {name: "default" for name in columns if name not in NUMBERS}
    wanted |= {"inclusion": "all trials", "tau2_method": record.methods.tau2_method}
    wanted["interval"] = record.methods.interval
    rows = zip(*(columns[name] for name in wanted), strict=True)
    return next((at for at, row in enumerate(rows) if list(row) == list(wanted.values())), None)


def _drawn(count: int, main: int | None) -> list[int]:
    """Evenly spaced specifications, all of them up to MOST_DRAWN, the configured one always among them.

    >>> _drawn(3, None), len(_drawn(9000, 77)), 77 in _drawn(9000, 77)
    ([0, 1, 2], 500, True)
    """
    shown = min(count, MOST_DRAWN)
    rows = [round(at * (count - 1) / max(shown - 1, 1)) for at in range(shown)]
    if main is not None and main not in rows:
        nearest = min(range(shown), key=lambda at: abs(rows[at] - main))
        rows[nearest] = main
    return rows


def _draw_main(sheet: Sheet, at: int, count: int, ends: tuple[float, float]) -> None:
    """A band through the whole figure where the analysis as configured stands."""
    ax = sheet.axes((LEFT, ends[0], RIGHT, ends[1]))
    ax.set_axis_off()
    ax.set(xlim=(-0.5, count - 0.5), xticks=[], yticks=[])
    half = max(0.5, 1.2 * count / (RIGHT - LEFT))
    ax.axvspan(at - half, at + half, facecolor=style.POOLED_LIGHT, linewidth=0)


def _draw_curve(ax: Axes, record: Record, columns: Columns, rows: list[int], main: int | None) -> None:
    pooled, threshold = canvas.pooled_of(record), mcid_threshold(record)
    bounds = [(columns["ci_low"][at], columns["ci_high"][at]) for at in rows]
    axis = plan_axis(
        record.measure,
        [(columns["estimate"][at], *pair) for at, pair in zip(rows, bounds, strict=True)],
        [pooled.estimate, threshold],
        pooled=canvas.bounds_of(pooled),
        right=CURVE,
    )
    canvas.show_axis(ax, axis, which="y")
    ax.set(xlim=(-0.5, len(rows) - 0.5), xticks=[])
    canvas.draw_landmarks(ax, record, pooled=False, which="y")
    step = (RIGHT - LEFT) / len(rows)
    for name, (colour, _) in CONCLUSIONS.items():
        shown = [x for x, pair in enumerate(bounds) if None not in pair and concluded(record, *pair) == name]
        ends = [
            [min(max(scale(bounds[x][end], axis.logarithmic), axis.low), axis.high) for x in shown]
            for end in (0, 1)
        ]
        look: Look = {"color": colour, "linewidth": min(1.1, max(0.35, 0.7 * step)), "zorder": canvas.LINES}
        canvas.draw_strokes(ax, shown, *ends, gid=f"interval-{name}", **look)
    ys = [scale(columns["estimate"][at], axis.logarithmic) for at in rows]
    kind: Look = {"markersize": min(4.0, max(1.6, 0.9 * step)), "markeredgewidth": 0.0}
    ax.plot(range(len(rows)), ys, "o", color=style.INK, zorder=canvas.MARKS, gid="estimates", **kind)
    if main is not None:
        kind = {"color": style.POOLED, "markersize": 6.6, "markeredgecolor": style.PAPER}
        x = rows.index(main)
        ax.plot(x, ys[x], "D", markeredgewidth=0.6, zorder=canvas.ABOVE, gid="main", **kind)
    _draw_key(ax, main is not None)


def _draw_key(ax: Axes, configured: bool) -> None:
    """What the colours and the diamond mean, above the curve."""
    keys = [
        *(ax.plot([], [], "D", color=style.POOLED, markersize=5.6, markeredgewidth=0) if configured else []),
        *(
            ax.plot([], [], "|", color=colour, markersize=8, markeredgewidth=1.6)[0]
            for colour, _ in CONCLUSIONS.values()
        ),
    ]
    names = [*(["as configured"] if configured else []), *(text for _, text in CONCLUSIONS.values())]
    ax.legend(
        keys,
        names,
        loc="lower left",
        bbox_to_anchor=(0.01, 1.02),
        ncols=4,
        borderpad=0.0,
        borderaxespad=0.0,
        handlelength=0.8,
        handletextpad=0.4,
        columnspacing=1.4,
    )


def _name_sides(sheet: Sheet, ax: Axes, record: Record, top: float) -> None:
    """The measure and what lies above and below no effect, left of the axis; its landmarks, right."""
    room = LEFT - 42 - style.MARGIN
    name = lettering.wrap(canvas.value_name(record), room, style.SMALL_SIZE, True, 4)
    y = sheet.lines(style.MARGIN, top + 6, name, bold=True)
    for arrow, text in (("↑", clean(record.direction.right)), ("↓", clean(record.direction.left))):
        if text:
            lines = lettering.wrap(f"{arrow} {text}", room, lines=4)
            y = sheet.lines(style.MARGIN, y + 4, lines)
    for value, text in ((MEASURES[record.measure].null, "no effect"), (mcid_threshold(record), "MCID")):
        if value is not None:
            canvas.print_beside(ax, canvas.on_axis(record, value), 4, text, color=style.MUTED)


def _draw_dimension(
    sheet: Sheet, record: Record, columns: Columns, rows: list[int], levels: list[Level], y: float
) -> None:
    """A heading and a row of marks a level, with how its specifications come out."""
    dimension = levels[0].dimension
    heading = DIMENSIONS.get(dimension) or words.capital(words.spaced(dimension))
    sheet.text(style.MARGIN, y + 10.5, heading, bold=True)
    sheet.text(RIGHT, y + 10.5, _share(record, dimension), colour=style.MUTED, align="right")
    ax = sheet.axes((LEFT, y + HEADING, RIGHT, y + HEADING + ROW * len(levels)))
    ax.set_axis_off()
    ax.set(xlim=(-0.5, len(rows) - 0.5), ylim=(len(levels) - 0.5, -0.5), xticks=[], yticks=[])
    ax.hlines(range(len(levels)), -0.5, len(rows) - 0.5, colors=style.HAIRLINE, linewidth=0.5)
    said = [concluded(record, columns["ci_low"][at], columns["ci_high"][at]) for at in rows]
    heights = {level.level: number for number, level in enumerate(levels)}
    for name, (colour, _) in CONCLUSIONS.items():
        marks = [
            (x, heights[columns[dimension][at]])
            for x, at in enumerate(rows)
            if said[x] == name and columns[dimension][at] in heights
        ]
        ends = [y - 0.33 for _, y in marks], [y + 0.33 for _, y in marks]
        look: Look = {"color": colour, "linewidth": min(2.2, max(0.5, 0.7 * (RIGHT - LEFT) / len(rows)))}
        canvas.draw_strokes(ax, [x for x, _ in marks], *ends, gid="choice", zorder=canvas.LINES, **look)
    medians = words.format_values(record.measure, [level.median for level in levels])
    for number, (level, median) in enumerate(zip(levels, medians, strict=True)):
        name = LEVELS.get(level.level) or clean(words.spaced(level.level))
        name = lettering.shorten(name, LEFT - style.MARGIN - 12)
        canvas.print_beside(ax, number, style.MARGIN + 6 - LEFT, name)
        canvas.print_beside(ax, number, MEDIAN_AT - RIGHT, median, align="right")
        clear = words.percent(level.clear_benefit)
        canvas.print_beside(ax, number, CLEAR_AT - RIGHT, clear, align="right")


def _share(record: Record, dimension: str) -> str:
    """How much of the variance of the estimates a choice explains; of estimates all alike, that they are."""
    multiverse = _multiverse(record)
    low, high = words.format_values(record.measure, (multiverse.estimate_low, multiverse.estimate_high))
    share = multiverse.variance_share.get(dimension)
    if low == high or share is None:
        return "does not move the estimate" if low == high else ""
    return f"{words.percent(share)} of the variance of estimates"


def _notes(record: Record, count: int, drawn: int) -> list[str]:
    multiverse = _multiverse(record)
    made = f"{words.count(multiverse.data_sets, 'set')} of data by {words.count(multiverse.models, 'model')}"
    shares = [
        f"{words.percent(multiverse.benefit)} of the estimates are on the side of benefit",
        f"{words.percent(multiverse.clear_benefit)} of the intervals show a clear benefit",
        f"{words.percent(multiverse.clear_harm)} a clear disadvantage",
    ]
    if multiverse.beyond_mcid is not None:
        shares.append(f"{words.percent(multiverse.beyond_mcid)} of the estimates reach the MCID")
    notes = [f"{words.count(count, 'specification')} ({made}): {'; '.join(shares)}."]
    if clean(record.robustness.sentence):
        notes.append(clean(record.robustness.sentence))
    if drawn < count:
        notes.append(f"Drawn: {drawn} of them, evenly spaced in order of the estimate.")
    notes.append(
        "Shares of the variance of dimensions need not add to 100%. Intervals end where the axis ends."
    )
    return notes
