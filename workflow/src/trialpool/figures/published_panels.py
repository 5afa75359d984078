"""Published pooled estimates by review and year, one panel a measure, ours below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import lettering, style
from trialpool.figures.panel import LEADING, TITLE_LEADING, put_x_ticks
from trialpool.figures.sheet import (
    BAND,
    Sheet,
    new_sheet,
    put_dot,
    put_line,
    put_lines,
    put_shape,
    put_text,
)
from trialpool.text import clean
from trialpool.view.axis import Axis, plan_axis, position, side

Row = Mapping[str, Any]
WIDTH = 560.0
REVIEW, WHAT, TRIALS = 12.0, 92.0, 300.0
PLOT_LEFT, PLOT_RIGHT, NUMBERS = 312.0, 452.0, 548.0
PAD, HEAD, FOOT = 5.0, 30.0, 30.0
MEASURES = ("MD", "SMD", "RR", "OR", "RD", "ROM")
RESULT = ("estimate", "ci_low", "ci_high")
NOTES = (
    "Blue: as printed by the reviews, with their own trials, comparisons, scales and signs. Orange: computed "
    "here; a diamond pools trials, a square is one trial. Hollow: no whole interval printed.",
    "results/published.csv lists the computable reasons for each difference, and the pools not compared.",
)


def draw_published(title: str, rows: Sequence[Row]) -> Figure:
    """One figure of published pools (rows of `published.published_rows`) and our analyses of them.

    >>> float(round(draw_published("Pain", []).get_figwidth(), 2))
    7.78
    """
    panels = _panels(rows)
    notes = [line for note in _notes(rows) for line in lettering.wrap(note, WIDTH - 24, style.SMALL_SIZE)]
    heading = lettering.wrap(clean(title), WIDTH - 24, style.TITLE_SIZE, True, 3)
    top = style.MARGIN + TITLE_LEADING * len(heading) + 8
    sizes = [HEAD + sum(_height(row) for row in listed) + FOOT for _, listed in panels]
    foot = top + sum(sizes) + 8
    sheet = new_sheet(WIDTH, foot + LEADING * len(notes) + style.MARGIN)
    put_lines(sheet, 12, style.MARGIN + 8.4, heading, TITLE_LEADING, size=style.TITLE_SIZE, bold=True)
    for (measure, listed), size in zip(panels, sizes, strict=True):
        _draw_panel(sheet, measure, listed, top)
        top += size
    put_lines(sheet, 12, foot + 4, notes, LEADING, size=style.SMALL_SIZE, colour=style.MUTED)
    return sheet.figure


def describe_published(title: str, rows: Sequence[Row]) -> str:
    """A text alternative: every estimate shown.

    >>> describe_published("Pain", [])
    'Published pools: Pain.'
    """
    parts = [f"Published pools: {clean(title)}."]
    for measure, listed in _panels(rows):
        for row in listed:
            name = f"{row['who']}, {row['what']}" if row["who"] else row["what"]
            parts.append(f"{name}: {words.effect(measure, *(row[key] for key in RESULT))}.")
    return " ".join(parts)


def _panels(rows: Sequence[Row]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Measure and rows of every panel: reviews by year, then ours, each analysis once."""
    theirs: dict[str, list[dict[str, Any]]] = {}
    ours: dict[str, dict[str, dict[str, Any]]] = {}
    ranked = sorted(rows, key=lambda row: (row["year"] or 9999, row["review_id"], row["comparison"]))
    for row in ranked:
        if row["estimate"] is not None:
            theirs.setdefault(row["measure"], []).append(_their_row(row))
        if row.get("our_estimate") is not None:
            ours.setdefault(row["our_measure"], {})[row["analysis"]] = _our_row(row)
    order = [measure for measure in MEASURES if measure in theirs or measure in ours]
    return [(measure, [*theirs.get(measure, []), *ours.get(measure, {}).values()]) for measure in order]


def _their_row(row: Row) -> dict[str, Any]:
    return {
        "who": clean(row["review_id"]),
        "what": clean(f"{row['comparison']}; {row['outcome']}"),
        "k": "" if row["n_studies"] is None else words.plain_number(row["n_studies"]),
        "url": row["source_url"] or "",
        "ours": "",
        **{key: row[key] for key in RESULT},
    }


def _our_row(row: Row) -> dict[str, Any]:
    return {
        "who": "Here",
        "what": clean(row["our_comparison"]),
        "k": words.plain_number(row["our_k"]),
        "url": "",
        "ours": row["our_status"],
        **{key: row[f"our_{key}"] for key in RESULT},
    }


def _lines(row: Row) -> tuple[str, ...]:
    return lettering.wrap(row["what"], TRIALS - WHAT - 22, style.SMALL_SIZE, lines=3)


def _height(row: Row) -> float:
    return LEADING * max(1, len(_lines(row))) + PAD


def _axis(measure: str, rows: Sequence[Row]) -> Axis:
    logarithmic = measure in words.RATIO_MEASURES
    whole = [row for row in rows if row["ci_low"] is not None and row["ci_high"] is not None]
    return plan_axis(
        [row["estimate"] for row in rows],
        [(row["ci_low"], row["ci_high"]) for row in whole],
        [1.0 if logarithmic else 0.0, *(row["estimate"] for row in rows)],
        logarithmic=logarithmic,
        left=PLOT_LEFT,
        right=PLOT_RIGHT,
    )


def _draw_panel(sheet: Sheet, measure: str, rows: Sequence[Row], top: float) -> None:
    put_text(sheet, REVIEW, top + 8, words.capital(words.measure_name(measure)), bold=True)
    y = top + 21
    for text, x, align in (
        ("Review", REVIEW, "left"),
        ("Comparison; outcome", WHAT, "left"),
        ("Trials", TRIALS, "right"),
        ("Estimate (interval)", NUMBERS, "right"),
    ):
        put_text(sheet, x, y, text, size=style.SMALL_SIZE, bold=True, align=align)
    put_line(sheet, (REVIEW, NUMBERS), (y + 4, y + 4), thickness=0.8)
    axis = _axis(measure, rows)
    y = top + HEAD
    bottom = y + sum(_height(row) for row in rows)
    null = position(axis, 1.0 if axis.logarithmic else 0.0)
    put_line(sheet, (null, null), (y - 4, bottom), level=BAND)
    for row in rows:
        _draw_row(sheet, measure, row, axis, y)
        y += _height(row)
    put_line(sheet, (PLOT_LEFT, PLOT_RIGHT), (bottom, bottom), thickness=0.8)
    put_x_ticks(sheet, axis, bottom)


def _draw_row(sheet: Sheet, measure: str, row: Row, axis: Axis, top: float) -> None:
    baseline = top + 8.0
    colour = style.POOLED if row["ours"] else style.STUDY
    name = lettering.shorten(row["who"], WHAT - REVIEW - 6, style.SMALL_SIZE, bool(row["ours"]))
    kind = {"size": style.SMALL_SIZE, "bold": bool(row["ours"])}
    put_text(sheet, REVIEW, baseline, name, url=row["url"], **kind)
    put_lines(sheet, WHAT, baseline, _lines(row), LEADING, size=style.SMALL_SIZE, colour=style.MUTED)
    put_text(sheet, TRIALS, baseline, row["k"] or "?", align="right", size=style.SMALL_SIZE)
    whole = row["ci_low"] is not None and row["ci_high"] is not None
    told = words.format_values(measure, [row[key] for key in RESULT])
    text = f"{told[0]} ({told[1]} to {told[2]})" if whole else told[0]
    put_text(sheet, NUMBERS, baseline, text, align="right", **kind)
    _draw_mark(sheet, row, axis, baseline - 2.5, colour, whole)


def _draw_mark(sheet: Sheet, row: Row, axis: Axis, y: float, colour: str, whole: bool) -> None:
    x = position(axis, row["estimate"])
    ends = [position(axis, row[key]) for key in ("ci_low", "ci_high")] if whole else [x, x]
    if row["ours"] == "pooled":
        put_shape(sheet, [(ends[0], y), (x, y - 3.6), (ends[1], y), (x, y + 3.6)], fill=colour, gid="ours")
        return
    if whole:
        put_line(sheet, ends, (y, y), colour=colour, thickness=1.0)
        for end, key, sign in ((ends[0], "ci_low", -1), (ends[1], "ci_high", 1)):
            if side(axis, row[key]) == sign:
                tip = [(end + 3 * sign, y), (end - sign, y - 2.2), (end - sign, y + 2.2)]
                put_shape(sheet, tip, fill=colour)
    if row["ours"]:
        corners = [(x - 2.6, y - 2.6), (x + 2.6, y - 2.6), (x + 2.6, y + 2.6), (x - 2.6, y + 2.6)]
        put_shape(sheet, corners, fill=colour, gid="ours")
    elif not side(axis, row["estimate"]):
        fill = colour if whole else style.PAPER
        put_dot(sheet, x, y, 2.6, fill=fill, edge=colour, thickness=1.0, gid="theirs")


def _notes(rows: Sequence[Row]) -> list[str]:
    """How to read it, and which of our analyses have nothing to show."""
    empty = [row["our_comparison"] for row in rows if row.get("our_status") == "no_data"]
    notes = list(NOTES)
    if empty:
        listed = words.listing(list(dict.fromkeys(clean(text) for text in empty)))
        notes.append(f"Asked here, but no trial with usable numbers: {listed}.")
    alone = sum(not row["analysis"] for row in rows)
    if alone:
        notes.append(f"{words.count(alone, 'pool')} without an analysis here that asks the same.")
    return notes
