"""The multiverse of an analysis as a specification curve: every defensible estimate, and what made it.

Above, the estimates in order with their intervals; below, which choice each rests on (Simonsohn, Simmons &
Nelson 2020). Beside each choice: how its specifications come out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import lettering, style
from trialpool.figures.choices import (
    CLEAR_AT,
    COLOURS,
    CURVE,
    HEADING,
    LEFT,
    MEDIAN_AT,
    RIGHT,
    ROW,
    Curve,
    concluded,
    draw_dimension,
    x_of,
    y_of,
)
from trialpool.figures.panel import (
    headed_sheet,
    logarithmic,
    put_points,
    put_segments,
    value_name,
)
from trialpool.figures.sheet import BACK, BAND, WORDS, Sheet, put_box, put_line, put_lines, put_text
from trialpool.text import clean
from trialpool.view.axis import Axis, mcid_threshold, no_effect, plan_axis

WIDTH = 560.0
MOST_DRAWN = 500
NUMBERS = ("estimate", "ci_low", "ci_high", "k")
SAID = {"benefit": "clear benefit", "harm": "clear disadvantage", "unclear": "includes no effect"}


def draw_specification_curve(record: Mapping[str, Any], columns: Mapping[str, Sequence[Any]]) -> Figure:
    """The specification curve of a pooled record and the columns of its multiverse, sorted by estimate."""
    dimensions = _dimensions(record)
    body = CURVE + 24 + sum(HEADING + ROW * len(levels) for levels in dimensions.values())
    main = _main(record, columns)
    rows = _drawn(len(columns["estimate"]), main)
    notes = _notes(record, len(columns["estimate"]), len(rows))
    sheet, top = headed_sheet(record, "All defensible choices together", notes, WIDTH, body)
    curve = Curve(rows, (RIGHT - LEFT) / len(rows), _values(record, columns, rows), top + 12)
    foot = curve.top + CURVE
    if main is not None:
        _draw_main(sheet, curve, main, top + body)
    _draw_curve(sheet, record, columns, curve, main)
    _draw_axis(sheet, record, curve)
    _draw_key(sheet, top + 4)
    y = foot + 12
    put_lines(sheet, MEDIAN_AT, y - 8, ("Median",), 8, size=style.SMALL_SIZE, align="right", bold=True)
    put_lines(
        sheet, CLEAR_AT, y - 16, ("Clear", "benefit"), 8, size=style.SMALL_SIZE, align="right", bold=True
    )
    for dimension, levels in dimensions.items():
        y = draw_dimension(sheet, record, columns, curve, dimension, levels, y)
    return sheet.figure


def describe_multiverse(record: Mapping[str, Any]) -> str:
    """A text alternative of the specification curve.

    >>> describe_multiverse({"title": "Pain", "multiverse": None})
    'Specification curve: Pain.'
    """
    found = record.get("multiverse")
    start = f"Specification curve: {clean(record.get('title'))}."
    if not found:
        return start
    values = [found[key] for key in ("estimate_low", "estimate_high", "estimate_median")]
    low, high, middle = words.format_values(str(record["measure"]), values)
    reached = f"Estimates from {low} to {high}, median {middle}."
    return " ".join([start, *_notes(record, found["specifications"], found["specifications"])[:1], reached])


def _dimensions(record: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """The rows of the summary by dimension of choice; dimensions without a choice left out."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in record["multiverse"]["levels"]:
        found.setdefault(row["dimension"], []).append(row)
    return {name: levels for name, levels in found.items() if len(levels) > 1}


def _main(record: Mapping[str, Any], columns: Mapping[str, Sequence[Any]]) -> int | None:
    """Which specification is the analysis as configured; None if the models do not hold it."""
    methods = record.get("methods") or {}
    wanted = {name: "default" for name in columns if name not in NUMBERS}
    wanted |= {"inclusion": "all trials", "tau2_method": methods.get("tau2_method")}
    wanted["interval"] = methods.get("interval")
    names = list(wanted)
    rows = zip(*(columns[name] for name in names), strict=True)
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


def _values(record: Mapping[str, Any], columns: Mapping[str, Sequence[Any]], rows: list[int]) -> Axis:
    threshold, pooled = mcid_threshold(record), record["pooled"]
    landmarks = [
        no_effect(record["measure"]),
        pooled["estimate"],
        *([] if threshold is None else [threshold]),
    ]
    intervals = [(columns["ci_low"][at], columns["ci_high"][at]) for at in rows]
    return plan_axis(
        [columns["estimate"][at] for at in rows],
        [pair for pair in intervals if None not in pair],
        landmarks,
        pooled=[(pooled["ci_low"], pooled["ci_high"])],
        logarithmic=logarithmic(record),
        left=0.0,
        right=CURVE,
    )


def _draw_main(sheet: Sheet, curve: Curve, main: int, bottom: float) -> None:
    """A band through the figure where the analysis as configured stands."""
    width = max(curve.step, 2.4)
    left = x_of(curve, curve.rows.index(main)) - width / 2
    put_box(sheet, left, curve.top, width, bottom - curve.top, fill=style.POOLED_LIGHT, level=BACK)


def _draw_curve(
    sheet: Sheet,
    record: Mapping[str, Any],
    columns: Mapping[str, Sequence[Any]],
    curve: Curve,
    main: int | None,
) -> None:
    for value, dashes, colour in (
        (no_effect(record["measure"]), None, style.INK),
        (mcid_threshold(record), (3, 2), style.BENEFIT_EDGE),
    ):
        if value is not None:
            y = y_of(curve, value)
            put_line(sheet, (LEFT, RIGHT), (y, y), thickness=0.8, dashes=dashes, colour=colour, level=BAND)
    lines: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in COLOURS}
    dots = []
    for place, at in enumerate(curve.rows):
        x, low, high = x_of(curve, place), columns["ci_low"][at], columns["ci_high"][at]
        dots.append((x, y_of(curve, columns["estimate"][at])))
        if low is not None and high is not None:
            lines[concluded(record, low, high)].append((x, y_of(curve, low), x, y_of(curve, high)))
    for name, segments in lines.items():
        thickness = min(1.1, max(0.35, 0.7 * curve.step))
        put_segments(sheet, segments, colour=COLOURS[name], thickness=thickness, gid=f"interval-{name}")
    radius = min(2.0, max(0.8, 0.45 * curve.step))
    put_points(sheet, dots, radius, fill=style.INK, gid="estimates")
    if main is not None:
        here = (x_of(curve, curve.rows.index(main)), y_of(curve, columns["estimate"][main]))
        put_points(
            sheet, [here], 3.6, fill=style.POOLED, edge=style.PAPER, marker="D", level=WORDS, gid="main"
        )


def _draw_axis(sheet: Sheet, record: Mapping[str, Any], curve: Curve) -> None:
    bottom = curve.top + CURVE
    put_line(sheet, (LEFT, LEFT, RIGHT), (curve.top, bottom, bottom), thickness=0.8, gid="axes")
    for tick, label in zip(curve.values.ticks, curve.values.labels, strict=True):
        y = y_of(curve, tick)
        put_line(sheet, (LEFT - 3, LEFT), (y, y), thickness=0.8)
        put_text(sheet, LEFT - 5, y + 2.5, label, size=style.SMALL_SIZE, align="right", gid="y-tick")
    room = LEFT - 42 - style.MARGIN
    name = lettering.wrap(value_name(record), room, style.SMALL_SIZE, True, 4)
    y = put_lines(sheet, style.MARGIN, curve.top + 6, name, 9.2, size=style.SMALL_SIZE, bold=True)
    held = record.get("direction") or {}
    for arrow, side in (("↑", "right"), ("↓", "left")):
        if clean(held.get(side)):
            told = lettering.wrap(f"{arrow} {clean(held.get(side))}", room, style.SMALL_SIZE, lines=4)
            y = put_lines(sheet, style.MARGIN, y + 4, told, 9.2, size=style.SMALL_SIZE)
    labels = [(no_effect(record["measure"]), "no effect")]
    threshold = mcid_threshold(record)
    labels += [] if threshold is None else [(threshold, "MCID")]
    for value, text in labels:
        put_text(sheet, RIGHT + 4, y_of(curve, value) + 2.5, text, size=style.SMALL_SIZE, colour=style.MUTED)


def _draw_key(sheet: Sheet, y: float) -> None:
    x = LEFT
    put_points(sheet, [(x + 3, y - 2.5)], 3.0, fill=style.POOLED, edge=style.PAPER, marker="D")
    for text, colour in [("as configured", ""), *((SAID[name], COLOURS[name]) for name in COLOURS)]:
        if colour:
            put_line(sheet, (x + 4, x + 4), (y - 7, y + 2), colour=colour, thickness=1.6)
        put_text(sheet, x + 10, y, text, size=style.SMALL_SIZE, colour=style.MUTED)
        x += 21 + lettering.width(text, style.SMALL_SIZE)


def _notes(record: Mapping[str, Any], count: int, drawn: int) -> list[str]:
    found = record["multiverse"]
    made = f"{words.count(found['data_sets'], 'set')} of data by {words.count(found['models'], 'model')}"
    shares = [
        f"{words.percent(found['benefit'])} of the estimates are on the side of benefit",
        f"{words.percent(found['clear_benefit'])} of the intervals show a clear benefit",
        f"{words.percent(found['clear_harm'])} a clear disadvantage",
    ]
    if found.get("beyond_mcid") is not None:
        shares.append(f"{words.percent(found['beyond_mcid'])} of the estimates reach the MCID")
    notes = [f"{words.count(count, 'specification')} ({made}): {'; '.join(shares)}."]
    said = clean((record.get("robustness") or {}).get("sentence"))
    notes += [said] if said else []
    if drawn < count:
        notes.append(f"Drawn: {drawn} of them, evenly spaced in order of the estimate.")
    notes.append(
        "Shares of the variance of dimensions need not add to 100%. Intervals end where the axis ends."
    )
    return notes
