"""Do effects differ by what was declared? One panel a moderator: bubbles with the fitted line, or groups."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from trialpool.figures import lettering, style
from trialpool.figures.forest_layout import no_effect
from trialpool.figures.lettering import clean
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
from trialpool.figures.sheet import BACK, BAND, Sheet, put_dot, put_line, put_lines, put_shape
from trialpool.report import words

Row = Mapping[str, Any]
WIDTH, HEIGHT, HEAD, FOOT = 560.0, 150.0, 20.0, 66.0
COLUMNS, GAP = 2, 24.0
LARGEST, SMALLEST = 9.0, 2.2
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def draw_moderators(record: Row) -> Figure:
    """A panel for every declared moderator of a pooled record; what could not be tested says why."""
    tested = [row for row in record["moderators"] if _known(record, row)]
    lines = math.ceil(len(tested) / COLUMNS)
    body = lines * (HEAD + HEIGHT + FOOT)
    sheet, top = headed_sheet(record, "Moderators", moderator_notes(record), WIDTH, body)
    width = (WIDTH - 2 * style.MARGIN - GAP * (COLUMNS - 1)) / COLUMNS
    for number, row in enumerate(tested):
        left = style.MARGIN + (number % COLUMNS) * (width + GAP)
        y = top + (number // COLUMNS) * (HEAD + HEIGHT + FOOT)
        put_letter(sheet, left, y + 8, LETTERS[number % len(LETTERS)], words.capital(_name(row)))
        _draw_panel(sheet, record, row, (left + 40, y + HEAD, left + width - 4, y + HEAD + HEIGHT))
    return sheet.figure


def moderator_notes(record: Row) -> list[str]:
    """How the panels were made, in words."""
    notes = ["Circle: trial, area in proportion to its weight in the pooled estimate."]
    if any(row.get("slope") is not None and row["kind"] == "number" for row in record["moderators"]):
        notes.append(
            "Line and band: random-effects meta-regression with its confidence band (Knapp–Hartung)."
        )
    notes.append(
        "Comparisons between trials are observational: trials that differ in one thing differ in more."
    )
    absent = [_name(row) for row in record["moderators"] if not _known(record, row)]
    return [*notes, f"Reported by no pooled trial: {words.listing(absent)}."] if absent else notes


def _known(record: Row, row: Row) -> list[Row]:
    """The pooled effects whose trial reports a moderator."""
    return [study for study in record["studies"] if study.get(row["moderator"]) not in (None, "")]


def _name(row: Row) -> str:
    return clean(words.spaced(row["moderator"]))


def describe_moderators(record: Row) -> str:
    """A text alternative of the moderators figure.

    >>> row = {"moderator": "sessions", "k": 2, "p_value": None, "caution": "2 trials report it"}
    >>> describe_moderators({"title": "Pain", "moderators": [row]})
    'Moderators: Pain. Sessions: 2 trials report it.'
    """
    parts = [f"Moderators: {clean(record.get('title'))}."]
    for row in record["moderators"]:
        parts.append(f"{words.capital(_name(row))}: {'; '.join(_results(record, row))}.")
    return " ".join(parts)


def _results(record: Row, row: Row) -> list[str]:
    """What was found of one moderator: k, slope, test, caution."""
    if row.get("p_value") is None and row.get("caution"):
        return [clean(row["caution"])]
    told = [words.count(row["k"], "trial")]
    if row.get("slope") is not None and row["kind"] == "number":
        values = [row[key] for key in ("slope", "slope_low", "slope_high")]
        slope, low, high = words.format_values("MD", values)
        per = "log ratio per unit" if logarithmic(record) else "per unit"
        told.append(f"{slope} ({low} to {high}) {per}")
    if row.get("p_value") is not None:
        shuffled = row.get("p_permutation")
        more = f" (by permutation {words.p_value(shuffled)})" if shuffled is not None else ""
        told.append(f"{words.p_value(row['p_value'])}{more}")
    return [*told, clean(row["caution"])] if row.get("caution") else told


def _draw_panel(sheet: Sheet, record: Row, row: Row, place: tuple[float, float, float, float]) -> None:
    left, _, right, bottom = place
    name, numeric = row["moderator"], row["kind"] == "number"
    known = _known(record, row)
    told = lettering.wrap("; ".join(_results(record, row)), right - left + 30, style.SMALL_SIZE, lines=4)
    put_lines(sheet, left - 30, bottom + 33, told, LEADING, size=style.SMALL_SIZE, colour=style.MUTED)
    groups = [] if numeric else sorted({str(study[name]) for study in known})
    places = [float(study[name]) if numeric else groups.index(str(study[name])) + 1.0 for study in known]
    xs = roomy(places, 0.1) if numeric else (0.4, len(groups) + 0.6)
    heights = roomy([*(study["effect"] for study in known), log_value(record, no_effect(record))], 0.12)
    panel = new_panel(xs, heights, place, log_y=logarithmic(record))
    null = upwards(panel, no_effect(record))
    put_line(sheet, (left, right), (null, null), colour=style.RULE, level=BAND)
    if numeric and row.get("slope") is not None:
        _draw_line(sheet, record, known, np.array(places), panel)
    _draw_bubbles(sheet, known, places, panel)
    if numeric:
        put_frame(sheet, panel, words.capital(_name(row)), value_name(record))
    else:
        _draw_groups(sheet, record, groups, panel)


def _draw_bubbles(sheet: Sheet, known: Sequence[Row], places: Sequence[float], panel: Panel) -> None:
    largest = max((study.get("weight") or 0.0) for study in known) or 1.0
    pairs = sorted(zip(known, places, strict=True), key=lambda pair: -(pair[0].get("weight") or 0.0))
    for study, x in pairs:
        radius = max(SMALLEST, LARGEST * math.sqrt((study.get("weight") or 0.0) / largest))
        share = (study["effect"] - panel.y.low) / (panel.y.high - panel.y.low)
        y = panel.bottom - share * (panel.bottom - panel.top)
        put_dot(sheet, across(panel, x), y, radius, fill=style.STUDY_LIGHT, edge=style.STUDY, gid="bubble")


def _draw_line(sheet: Sheet, record: Row, known: Sequence[Row], places: np.ndarray, panel: Panel) -> None:
    """The regression line with its band, by the model of the table."""
    from trialpool.stats import meta_regression, predict

    methods = record["methods"]
    fit = meta_regression(
        [study["effect"] for study in known],
        [study["variance"] for study in known],
        places[:, None],
        tau2_method=methods["tau2_method"],
        interval="hksj",
        level=methods["level"],
    )
    xs = np.linspace(places.min(), places.max(), 41)
    found = predict(fit, xs[:, None], level=methods["level"])

    def points(values: np.ndarray) -> list[tuple[float, float]]:
        shares = (np.asarray(values) - panel.y.low) / (panel.y.high - panel.y.low)
        ys = panel.bottom - np.clip(shares, 0, 1) * (panel.bottom - panel.top)
        return [(across(panel, float(x)), float(y)) for x, y in zip(xs, ys, strict=True)]

    band = [*points(found.ci_low), *reversed(points(found.ci_high))]
    put_shape(sheet, band, fill=style.CONTOURS[1], level=BACK, gid="band")
    line = list(zip(*points(found.estimate), strict=True))
    put_line(sheet, line[0], line[1], colour=style.POOLED, thickness=1.3, gid="slope")


def _draw_groups(sheet: Sheet, record: Row, groups: Sequence[str], panel: Panel) -> None:
    """The frame of a panel whose moderator is words: a name below each group."""
    bare = Panel(
        type(panel.x)(panel.x.low, panel.x.high, panel.x.left, panel.x.right, False, (), ()),
        panel.y,
        panel.top,
        panel.bottom,
    )
    put_frame(sheet, bare, "", value_name(record))
    room = (panel.x.right - panel.x.left) / len(groups) - 4
    for number, group in enumerate(groups):
        lines = lettering.wrap(clean(words.spaced(group)), room, style.SMALL_SIZE, lines=2)
        x = across(panel, number + 1.0)
        put_lines(sheet, x, panel.bottom + 10.5, lines, 8.6, size=style.SMALL_SIZE, align="center")
