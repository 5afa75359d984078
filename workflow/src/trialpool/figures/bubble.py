"""Do effects differ by what was declared? One panel a moderator: bubbles with the fitted line, or groups.

What could not be tested is listed below with its reason, so the figure stands where nothing could.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import lettering, style
from trialpool.figures.group_panel import draw_groups, group_height
from trialpool.figures.panel import (
    LEADING,
    Panel,
    across,
    headed_sheet,
    log_value,
    logarithmic,
    new_panel,
    put_frame,
    put_letter,
    roomy,
    upwards,
    value_name,
)
from trialpool.figures.sheet import BACK, BAND, Sheet, put_dot, put_line, put_lines, put_shape, put_text
from trialpool.synthesis.moderators import DRAWS, SEED, moderator_name
from trialpool.text import clean
from trialpool.view.axis import no_effect
from trialpool.view.robustness import moderator_slope

Row = Mapping[str, Any]
WIDTH, HEIGHT, HEAD, FOOT = 560.0, 140.0, 18.0, 62.0
COLUMNS, GAP, AXIS_ROOM = 2, 26.0, 42.0
LARGEST, SMALLEST = 8.0, 2.2
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NAME_ROOM = 130.0


def draw_moderators(record: Row) -> Figure:
    """A panel for every moderator that could be tested, and a list of the others with the reasons."""
    tested, untested = _sorted(record)
    lines = [tested[start : start + COLUMNS] for start in range(0, len(tested), COLUMNS)]
    heights = [max(_height(row) for row in line) for line in lines]
    listed = _listed(untested)
    body = sum(height + HEAD + FOOT for height in heights)
    body += LEADING * (sum(len(reason) for _, reason in listed) + 2) if listed else 0.0
    sheet, y = headed_sheet(record, "Moderators", moderator_notes(record), WIDTH, body)
    width = (WIDTH - 2 * style.MARGIN - GAP * (COLUMNS - 1)) / COLUMNS
    letters = iter(LETTERS)
    for line, height in zip(lines, heights, strict=True):
        for place, row in enumerate(line):
            left = style.MARGIN + place * (width + GAP)
            put_letter(sheet, left, y + 8, next(letters, ""), _name(row))
            _draw_panel(sheet, record, row, (left, y + HEAD, left + width, y + HEAD + height))
        y += height + HEAD + FOOT
    _draw_list(sheet, listed, y)
    return sheet.figure


def moderator_notes(record: Row) -> list[str]:
    """How the panels were made, in words."""
    tested, _ = _sorted(record)
    if not tested:
        return []
    notes = ["Circle: trial, area in proportion to its weight in the pooled estimate."]
    if any(row["kind"] == "number" for row in tested):
        notes.append(
            "Line and band: random-effects meta-regression with its confidence band (Knapp–Hartung), "
            "cut at the frame."
        )
    if any(row["kind"] == "words" for row in tested):
        notes.append(
            "Square and line: pooled effect of a group with its confidence interval, τ² common to all groups."
        )
    notes.append(
        "Comparisons between trials are observational: trials that differ in one thing differ in more. "
        "p-values here are not adjusted for the number of moderators."
    )
    if any(str(row.get("permutations")).startswith("seed") for row in tested):
        notes.append(f"By permutation: all orders of few trials, of many {DRAWS} drawn with seed {SEED}.")
    cautions = [part for row in tested for part in (row.get("caution") or "").split("; ") if part]
    return [*notes, *(f"{words.capital(clean(part))}." for part in dict.fromkeys(cautions))]


def describe_moderators(record: Row) -> str:
    """A text alternative of the moderators figure.

    >>> row = {"moderator": "sessions", "k": 2, "p_value": None, "caution": "known of 2 of the 5 trials"}
    >>> describe_moderators({"title": "Pain", "moderators": [row]})
    'Moderators: Pain. Number of sessions: known of 2 of the 5 trials.'
    """
    parts = [f"Moderators: {clean(record.get('title'))}."]
    for row in record["moderators"]:
        tested = row.get("p_value") is not None
        told = [*moderator_results(record, row), *_group_results(record, row)] if tested else []
        told += [clean(row["caution"])] if row.get("caution") else []
        parts.append(f"{_name(row)}: {'; '.join(told)}.")
    return " ".join(parts)


def moderator_results(record: Row, row: Row) -> list[str]:
    """What was found of a tested moderator: k, slope, p-values.

    >>> row = {"moderator": "year", "kind": "number", "k": 5, "slope": -0.1, "slope_low": -0.3,
    ...        "slope_high": 0.1, "p_value": 0.2, "p_permutation": 0.25}
    >>> moderator_results({"measure": "MD"}, row)
    ['5 trials', '−0.10 (−0.30 to 0.10) per year', 'p = 0.20, by permutation p = 0.25']
    """
    told = [words.count(row["k"], "trial")]
    if row.get("slope") is not None and row["kind"] == "number":
        slope = [row[key] for key in ("slope", "slope_low", "slope_high")]
        told.append(" ".join(moderator_slope(str(record["measure"]), row["moderator"], slope)))
    shuffled = row.get("p_permutation")
    more = f", by permutation {words.p_value(shuffled)}" if shuffled is not None else ""
    return [*told, f"{words.p_value(row['p_value'])}{more}"]


def _group_results(record: Row, row: Row) -> list[str]:
    measure = str(record["measure"])
    return [
        f"{words.group_name(group['level'])}: {words.count(group['k'], 'trial')}, "
        f"{words.effect(measure, *(group[key] for key in ('estimate', 'ci_low', 'ci_high')))}"
        for group in row.get("groups") or []
    ]


def _sorted(record: Row) -> tuple[list[Row], list[Row]]:
    """Moderators that were tested, numbers before words, and the others."""
    tested = [row for row in record["moderators"] if row.get("p_value") is not None]
    return sorted(tested, key=lambda row: row["kind"]), [
        row for row in record["moderators"] if row.get("p_value") is None
    ]


def _name(row: Row) -> str:
    return words.capital(clean(moderator_name(row["moderator"])))


def _height(row: Row) -> float:
    return HEIGHT if row["kind"] == "number" else group_height(row)


def _listed(rows: Sequence[Row]) -> list[tuple[str, tuple[str, ...]]]:
    """Names of moderators that were not tested, and the lines of the reason."""
    room = WIDTH - 2 * style.MARGIN - NAME_ROOM
    reasons = [words.capital(clean(row.get("caution"))) for row in rows]
    lines = [lettering.wrap(reason, room, style.SMALL_SIZE, lines=3) or ("",) for reason in reasons]
    return list(zip([_name(row) for row in rows], lines, strict=True))


def _draw_list(sheet: Sheet, listed: Sequence[tuple[str, tuple[str, ...]]], y: float) -> None:
    if not listed:
        return
    put_text(sheet, style.MARGIN, y + 6, "Not tested", size=style.BODY_SIZE, bold=True)
    y += LEADING + 8
    for name, reason in listed:
        shown = lettering.shorten(name, NAME_ROOM - 8, style.SMALL_SIZE)
        put_text(sheet, style.MARGIN, y, shown, size=style.SMALL_SIZE)
        y = put_lines(
            sheet, style.MARGIN + NAME_ROOM, y, reason, LEADING, size=style.SMALL_SIZE, colour=style.MUTED
        )


def _draw_panel(sheet: Sheet, record: Row, row: Row, place: tuple[float, float, float, float]) -> None:
    left, top, right, bottom = place
    known = [study for study in record["studies"] if study.get(row["moderator"]) not in (None, "")]
    if row["kind"] == "number":
        _draw_bubble_panel(sheet, record, row, known, (left + AXIS_ROOM, top, right - 4, bottom))
    else:
        bottom = top + group_height(row)
        draw_groups(sheet, record, row, known, (left, top, right))
    told = "; ".join(moderator_results(record, row))
    for sign in "=<>":  # a p-value stays on one line
        told = told.replace(f"p {sign} ", f"p\u00a0{sign}\u00a0")
    lines = lettering.wrap(told, right - left, style.SMALL_SIZE, lines=2)
    put_lines(sheet, left, bottom + 33, lines, LEADING, size=style.SMALL_SIZE, colour=style.MUTED)


def _draw_bubble_panel(
    sheet: Sheet, record: Row, row: Row, known: Sequence[Row], place: tuple[float, float, float, float]
) -> None:
    left, _, right, _ = place
    xs = [float(study[row["moderator"]]) for study in known]
    null = no_effect(record["measure"])
    heights = roomy([*(study["effect"] for study in known), log_value(record, null)], 0.14)
    panel = new_panel(roomy(xs, 0.1), heights, place, log_y=logarithmic(record))
    put_line(sheet, (left, right), (upwards(panel, null),) * 2, colour=style.RULE, level=BAND)
    _draw_line(sheet, record, row, known, np.array(xs), panel)
    _draw_bubbles(sheet, known, xs, panel)
    put_frame(sheet, panel, _name(row), value_name(record))


def _draw_bubbles(sheet: Sheet, known: Sequence[Row], places: Sequence[float], panel: Panel) -> None:
    largest = max((study.get("weight") or 0.0) for study in known) or 1.0
    pairs = sorted(zip(known, places, strict=True), key=lambda pair: -(pair[0].get("weight") or 0.0))
    for study, x in pairs:
        radius = max(SMALLEST, LARGEST * math.sqrt((study.get("weight") or 0.0) / largest))
        share = (study["effect"] - panel.y.low) / (panel.y.high - panel.y.low)
        y = panel.bottom - share * (panel.bottom - panel.top)
        put_dot(sheet, across(panel, x), y, radius, fill=style.STUDY_LIGHT, edge=style.STUDY, gid="bubble")


def _draw_line(
    sheet: Sheet, record: Row, row: Row, known: Sequence[Row], places: np.ndarray, panel: Panel
) -> None:
    """The regression line with its band, by the model of the table."""
    from trialpool.stats import meta_regression, predict

    level = record["methods"]["level"]
    fit = meta_regression(
        [study["effect"] for study in known],
        [study["variance"] for study in known],
        places[:, None],
        tau2_method=row["tau2_method"],
        interval=row["interval"],
        level=level,
    )
    xs = np.linspace(places.min(), places.max(), 41)
    found = predict(fit, xs[:, None], level=level)

    def points(values: np.ndarray) -> list[tuple[float, float]]:
        shares = (np.asarray(values) - panel.y.low) / (panel.y.high - panel.y.low)
        ys = panel.bottom - np.clip(shares, 0, 1) * (panel.bottom - panel.top)
        return [(across(panel, float(x)), float(y)) for x, y in zip(xs, ys, strict=True)]

    band = [*points(found.ci_low), *reversed(points(found.ci_high))]
    put_shape(sheet, band, fill=style.CONTOURS[0], level=BACK, gid="band")
    line = list(zip(*points(found.estimate), strict=True))
    put_line(sheet, line[0], line[1], colour=style.POOLED, thickness=1.3, gid="slope")
