"""A panel of groups of trials: the trials of each as circles, their pooled effect with its interval below."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from trialpool import text as words
from trialpool.figures import lettering, style
from trialpool.figures.marks import draw_interval, draw_ticks
from trialpool.figures.panel import logarithmic, value_name
from trialpool.figures.sheet import BAND, Sheet, put_box, put_dot, put_line, put_lines, put_text
from trialpool.view.axis import Axis, no_effect, plan_axis, position

Row = Mapping[str, Any]
ROW, NAMES, NUMBERS = 26.0, 74.0, 86.0
LARGEST, SMALLEST = 6.0, 1.8
SQUARE = 2.6


def group_height(row: Row) -> float:
    """Points that the groups of a moderator need, axis excluded.

    >>> group_height({"groups": [{}, {}]})
    52.0
    """
    return ROW * len(row["groups"])


def draw_groups(
    sheet: Sheet, record: Row, row: Row, known: Sequence[Row], place: tuple[float, float, float]
) -> None:
    """The groups of one tested moderator at (left, top, right); `known` are the trials that report it."""
    left, top, right = place
    null, bottom = no_effect(record["measure"]), top + group_height(row)
    axis = plan_axis(
        [study["estimate"] for study in known],
        [(study["estimate_low"], study["estimate_high"]) for study in known],
        [null],
        further=[(group["ci_low"], group["ci_high"]) for group in row["groups"]],
        logarithmic=logarithmic(record),
        left=left + NAMES,
        right=right - NUMBERS,
    )
    x = position(axis, null)
    put_line(sheet, (x, x), (top, bottom), colour=style.RULE, level=BAND)
    for number, group in enumerate(row["groups"]):
        _draw_group(sheet, record, row, group, known, axis, (left, top + ROW * number, right))
    draw_ticks(sheet, axis, bottom)
    room = axis.right - axis.left + NAMES + NUMBERS
    name = lettering.shorten(value_name(record), room, style.SMALL_SIZE)
    put_text(sheet, (axis.left + axis.right) / 2, bottom + 20.5, name, size=style.SMALL_SIZE, align="center")


def _draw_group(
    sheet: Sheet,
    record: Row,
    row: Row,
    group: Row,
    known: Sequence[Row],
    axis: Axis,
    place: tuple[float, float, float],
) -> None:
    left, top, right = place
    lines = lettering.wrap(
        words.capital(words.group_name(group["level"])), NAMES - 8, style.SMALL_SIZE, lines=2
    )
    middle = top + ROW / 2
    put_lines(sheet, left, middle + 2.5 - 4.3 * (len(lines) - 1), lines, 8.6, size=style.SMALL_SIZE)
    largest = max((study.get("weight") or 0.0) for study in known) or 1.0
    for study in known:
        if str(study[row["moderator"]]) == group["level"]:
            radius = max(SMALLEST, LARGEST * math.sqrt((study.get("weight") or 0.0) / largest))
            at = (position(axis, study["estimate"]), top + 8)
            put_dot(sheet, *at, radius, fill=style.STUDY_LIGHT, edge=style.STUDY, gid="bubble")
    y = top + 19
    draw_interval(sheet, axis, y, group["ci_low"], group["ci_high"], colour=style.POOLED, gid="group")
    x = position(axis, group["estimate"])
    put_box(sheet, x - SQUARE, y - SQUARE, 2 * SQUARE, 2 * SQUARE, fill=style.POOLED, gid="group-estimate")
    values = [group[key] for key in ("estimate", "ci_low", "ci_high")]
    middle_value, low, high = words.format_values(str(record["measure"]), values)
    put_text(sheet, right, top + 10.5, words.count(group["k"], "trial"), size=style.SMALL_SIZE, align="right")
    told = f"{middle_value} ({low} to {high})"
    put_text(sheet, right, top + 21.5, told, size=style.SMALL_SIZE, align="right")
