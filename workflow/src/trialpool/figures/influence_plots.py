"""How much hangs on each trial, in one figure: left out one by one, added one by one, Baujat, subsets.

Panels: the estimate without each trial; the estimate as the trials came in; from three trials the Baujat
plot (Baujat 2002); from five the estimates of subsets of trials (GOSH, Olkin 2012), from three to four
Cook's distances instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import lettering, style
from trialpool.figures.gosh_plot import draw_gosh
from trialpool.figures.panel import (
    Panel,
    across,
    headed_sheet,
    logarithmic,
    new_panel,
    put_frame,
    put_letter,
    put_points,
    put_x_ticks,
    roomy,
    upwards,
    value_name,
)
from trialpool.figures.sheet import BAND, Sheet, put_box, put_dot, put_line, put_shape, put_text
from trialpool.text import clean
from trialpool.view.axis import Axis, mcid_threshold, no_effect, plan_axis, position, side

WIDTH = 560.0
MIDDLE = WIDTH / 2
ROW, STRIP_HEAD, STRIP_FOOT = 12.0, 17.0, 34.0
LABEL, NUMBERS = 84.0, 84.0
SQUARE, SQUARE_HEAD, SQUARE_FOOT = 168.0, 20.0, 30.0
FEWEST_BAUJAT, FEWEST_GOSH = 3, 5
RESULT = ("estimate", "ci_low", "ci_high")
MOST_NAMED = 12

Row = Mapping[str, Any]


def draw_influence(record: Row) -> Figure:
    """The influence figure of a pooled record (at least two trials)."""
    strips = _strips(record)
    squares = len(record.get("influence") or []) >= FEWEST_BAUJAT
    longest = max(len(rows) for _, rows in strips)
    body = STRIP_HEAD + ROW * longest + STRIP_FOOT
    body += SQUARE_HEAD + SQUARE + SQUARE_FOOT if squares else 0.0
    sheet, top = headed_sheet(record, "How much hangs on each trial", influence_notes(record), WIDTH, body)
    axis_values = _axis_values(record, [row for _, rows in strips for row in rows])
    for number, (heading, rows) in enumerate(strips):
        left = style.MARGIN if number == 0 else MIDDLE + 10
        right = MIDDLE - 10 if len(strips) > 1 and number == 0 else WIDTH - style.MARGIN
        put_letter(sheet, left, top + 8, "AB"[number], heading)
        axis = _strip_axis(record, axis_values, left + LABEL, right - NUMBERS)
        _draw_strip(sheet, record, rows, axis, (left, top + STRIP_HEAD, right))
    if squares:
        y = top + STRIP_HEAD + ROW * longest + STRIP_FOOT
        letters = "ABCD"[len(strips) :]
        _draw_baujat(sheet, record, y, letters[0])
        if len(record["influence"]) >= FEWEST_GOSH:
            draw_gosh(sheet, record, (MIDDLE + 46, y + SQUARE_HEAD, WIDTH - style.MARGIN), SQUARE, letters[1])
        else:
            _draw_cook(sheet, record, y, letters[1])
    return sheet.figure


def influence_notes(record: Row) -> list[str]:
    """What the figure says in words: who is influential, and how the panels are to be read."""
    rows = record.get("influence") or []
    named = [clean(row["label"]) for row in rows if row.get("influential")]
    notes = ["Lines: confidence intervals; dotted: the pooled estimate of all trials."]
    if named:
        limits = "|DFFITS| > 3/√(k − 1), Cook's distance, hat value or |DFBETAS|"
        notes.append(f"Influential by a usual limit ({limits}), hollow: {words.listing(named)}.")
    elif rows:
        notes.append("No trial passes a usual limit of influence.")
    if len(rows) >= FEWEST_BAUJAT:
        told = "Baujat plot: to the right, trials that add to heterogeneity; at the top, trials that shift"
        notes.append(f"{told} the estimate.")
    else:
        notes.append("Measures of influence need at least three trials.")
    if len(rows) >= FEWEST_GOSH:
        notes.append(
            "Subsets: every dot pools one subset of at least two trials (10,000 at random with seed 1 where "
            "there are more than 131,072); orange: those with the trial that moves the estimate most."
        )
    return notes


def describe_influence(record: Row) -> str:
    """A text alternative of the influence figure.

    >>> describe_influence({"title": "Pain", "sensitivity": [], "measure": "MD"})[:23]
    'Influence of each trial'
    """
    parts = [f"Influence of each trial: {clean(record.get('title'))}."]
    for row in _left_out(record):
        parts.append(f"Without {clean(row['name'])}: {words.effect(str(record['measure']), *_numbers(row))}.")
    return " ".join([*parts, *influence_notes(record)[1:2]])


def _numbers(row: Row) -> list[float | None]:
    return [row[key] for key in RESULT]


def _left_out(record: Row) -> list[dict[str, Any]]:
    influential = {row["label"] for row in record.get("influence") or [] if row.get("influential")}
    rows = [row for row in record.get("sensitivity") or [] if row["kind"] == "leave one out"]
    rows = [row for row in rows if row.get("estimate") is not None]
    return [
        {
            "name": row["choice"].removeprefix("without "),
            "hollow": row["choice"].removeprefix("without ") in influential,
            **{key: row[key] for key in RESULT},
        }
        for row in rows
        if row["estimate"] is not None
    ]


def _strips(record: Row) -> list[tuple[str, list[dict[str, Any]]]]:
    whole = {"name": "all trials", "total": True} | {key: record["pooled"][key] for key in RESULT}
    left_out = _left_out(record)
    strips = [("Without each trial", [*left_out, whole])] if left_out else []
    added = [
        {"name": f"+ {row['label']}" if at else row["label"], **{key: row[key] for key in RESULT}}
        for at, row in enumerate(record.get("cumulative") or [])
    ]
    if added:
        strips.append(("As the trials came in", added))
    return strips or [("All trials", [whole])]


def _axis_values(record: Row, rows: Sequence[Row]) -> tuple[list[float], list[tuple[float, float]]]:
    estimates = [row["estimate"] for row in rows if row["estimate"] is not None]
    bounds = [(row["ci_low"], row["ci_high"]) for row in rows]
    return estimates, [(low, high) for low, high in bounds if low is not None and high is not None]


def _strip_axis(
    record: Row, values: tuple[list[float], list[tuple[float, float]]], left: float, right: float
) -> Axis:
    threshold = mcid_threshold(record)
    landmarks = [no_effect(record["measure"]), record["pooled"]["estimate"]]
    return plan_axis(
        *values,
        landmarks + ([] if threshold is None else [threshold]),
        pooled=[(record["pooled"]["ci_low"], record["pooled"]["ci_high"])],
        logarithmic=logarithmic(record),
        left=left,
        right=right,
    )


def _draw_strip(
    sheet: Sheet, record: Row, rows: Sequence[Row], axis: Axis, place: tuple[float, float, float]
) -> None:
    left, top, right = place
    bottom = top + ROW * len(rows) + 2
    for value, colour, dashes in (
        (no_effect(record["measure"]), style.INK, None),
        (mcid_threshold(record), style.BENEFIT_EDGE, (3, 2)),
        (record["pooled"]["estimate"], style.POOLED, (1, 1.6)),
    ):
        if value is not None:
            x = position(axis, value)
            put_line(sheet, (x, x), (top, bottom), colour=colour, dashes=dashes, level=BAND)
    for number, row in enumerate(rows):
        y = top + ROW * (number + 0.5)
        bold = bool(row.get("total"))
        name = lettering.shorten(clean(row["name"]), LABEL - 6, style.SMALL_SIZE, bold)
        put_text(sheet, left, y + 2.6, name, size=style.SMALL_SIZE, bold=bold)
        _draw_result(sheet, axis, row, y)
        told = words.format_values(str(record["measure"]), _numbers(row))
        text = f"{told[0]} ({told[1]} to {told[2]})" if row["ci_low"] is not None else told[0]
        text = lettering.shorten(text, NUMBERS + 14, style.SMALL_SIZE)
        put_text(sheet, right, y + 2.6, text, size=style.SMALL_SIZE - 0.4, align="right", bold=False)
    put_line(sheet, (axis.left, axis.right), (bottom, bottom), thickness=0.8)
    put_x_ticks(sheet, axis, bottom)
    name = lettering.shorten(value_name(record), right - left, style.SMALL_SIZE)
    put_text(sheet, (axis.left + axis.right) / 2, bottom + 20.5, name, size=style.SMALL_SIZE, align="center")


def _draw_result(sheet: Sheet, axis: Axis, row: Row, y: float) -> None:
    colour = style.POOLED if row.get("total") else style.STUDY
    x = position(axis, row["estimate"])
    if row["ci_low"] is not None and row["ci_high"] is not None:
        ends = [position(axis, row[key]) for key in ("ci_low", "ci_high")]
        if row.get("total"):
            corners = [(ends[0], y), (x, y - 3.6), (ends[1], y), (x, y + 3.6)]
            put_shape(sheet, corners, fill=colour)
            return
        put_line(sheet, ends, (y, y), colour=colour, thickness=1.0)
        for end, key, sign in ((ends[0], "ci_low", -1), (ends[1], "ci_high", 1)):
            if side(axis, row[key]) == sign:
                put_shape(
                    sheet, [(end + 3 * sign, y), (end - sign, y - 2.2), (end - sign, y + 2.2)], fill=colour
                )
    if not side(axis, row["estimate"]):
        fill = style.PAPER if row.get("hollow") else colour
        put_dot(sheet, x, y, 2.6, fill=fill, edge=colour, thickness=1.0)


def _draw_baujat(sheet: Sheet, record: Row, y: float, letter: str) -> None:
    """Each trial's share of heterogeneity against how far it shifts the estimate."""
    put_letter(sheet, style.MARGIN, y + 8, letter, "Heterogeneity and pull (Baujat)")
    rows = [row for row in record["influence"] if None not in (row["baujat_x"], row["baujat_y"])]
    ranges = [roomy([0.0, *(row[key] for row in rows)], 0.1) for key in ("baujat_x", "baujat_y")]
    top = y + SQUARE_HEAD
    panel = new_panel(
        (-0.03 * ranges[0][1], ranges[0][1]),
        (-0.03 * ranges[1][1], ranges[1][1]),
        (style.MARGIN + 40, top, MIDDLE - 16, top + SQUARE),
    )
    put_frame(sheet, panel, "Squared Pearson residual", "Squared shift of the estimate")
    dots = [(across(panel, row["baujat_x"]), upwards(panel, row["baujat_y"])) for row in rows]
    placed = [(x - 3, y - 3, x + 3, y + 3) for x, y in dots]
    ranked = sorted(rows, key=lambda row: (-(row["baujat_x"] + row["baujat_y"]), row["label"]))
    for number, row in enumerate(ranked):
        x, height = across(panel, row["baujat_x"]), upwards(panel, row["baujat_y"])
        fill = style.PAPER if row.get("influential") else style.STUDY
        put_dot(sheet, x, height, 2.9, fill=fill, edge=style.STUDY, thickness=1.0, gid="baujat")
        if number < MOST_NAMED:
            _put_name(sheet, panel, clean(row["label"]), (x, height), placed)


def _put_name(
    sheet: Sheet,
    panel: Panel,
    text: str,
    at: tuple[float, float],
    placed: list[tuple[float, float, float, float]],
) -> None:
    """A trial's name beside its dot, where it covers no other name; otherwise not at all."""
    width, (x, y) = lettering.width(text, style.SMALL_SIZE), at
    for left, baseline in (
        (x + 5, y + 2.5),
        (x - 5 - width, y + 2.5),
        (x - width / 2, y - 6),
        (x - width / 2, y + 11),
    ):
        box = (left, baseline - 6, left + width, baseline + 1.5)
        inside = left > panel.x.left + 2 and left + width < panel.x.right + 14 and baseline < panel.bottom - 1
        if inside and not any(_overlap(box, other) for other in placed):
            placed.append(box)
            put_text(sheet, left, baseline, text, size=style.SMALL_SIZE, gid="name")
            return


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _draw_cook(sheet: Sheet, record: Row, y: float, letter: str) -> None:
    """Cook's distance of each trial, where too few trials make a cloud of subsets."""
    put_letter(sheet, MIDDLE + 10, y + 8, letter, "Cook's distance")
    rows = [row for row in record["influence"] if row["cook"] is not None]
    top, left = y + SQUARE_HEAD, MIDDLE + 10 + LABEL
    bottom = top + SQUARE
    high = roomy([0.0, *(row["cook"] for row in rows)], 0.1)[1]
    panel = new_panel((0.0, high), (0.0, 1.0), (left, top, WIDTH - style.MARGIN - 6, bottom))
    put_frame(sheet, panel, "Cook's distance", "", y_ticks=False)
    step = min(36.0, SQUARE / max(len(rows), 1))
    for number, row in enumerate(rows):
        middle = top + step * (number + 0.5)
        x = across(panel, row["cook"])
        name = lettering.shorten(clean(row["label"]), LABEL - 6, style.SMALL_SIZE)
        put_text(sheet, left - 6, middle + 2.6, name, size=style.SMALL_SIZE, align="right")
        put_box(sheet, left, middle - 0.6, max(x - left, 0.1), 1.2, fill=style.STUDY)
        fill = style.PAPER if row.get("influential") else style.STUDY
        put_points(sheet, [(x, middle)], 2.9, fill=fill, edge=style.STUDY)
