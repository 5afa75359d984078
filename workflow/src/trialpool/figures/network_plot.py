"""A network of treatments: who was compared with whom, and the effect of each against the reference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import lettering, style
from trialpool.figures.panel import LEADING, TITLE_LEADING, put_letter, put_x_ticks
from trialpool.figures.sheet import BAND, Sheet, new_sheet, put_dot, put_line, put_lines, put_shape, put_text
from trialpool.text import clean
from trialpool.view.axis import plan_axis, position, side

Row = Mapping[str, Any]
WIDTH, RADIUS = 560.0, 70.0
CENTRE = 138.0
LEFT, PLOT_LEFT, PLOT_RIGHT, NUMBERS, SCORE = 286.0, 358.0, 434.0, 512.0, 548.0
ROW = 13.0
RESULT = ("estimate", "ci_low", "ci_high")


def draw_network(record: Row) -> Figure:
    """The figure of one network record (`synthesis.network.network_record`)."""
    notes = [line for note in network_notes(record) for line in lettering.wrap(note, WIDTH - 24, 7.0)]
    heading = lettering.wrap(clean(record["title"]), WIDTH - 24, style.TITLE_SIZE, True, 3)
    top = style.MARGIN + TITLE_LEADING * len(heading) + 6
    rows = _against_reference(record)
    body = max(2 * RADIUS + 70, ROW * len(rows) + 74)
    sheet = new_sheet(WIDTH, top + body + LEADING * len(notes) + 16)
    put_lines(sheet, 12, style.MARGIN + 8.4, heading, TITLE_LEADING, size=style.TITLE_SIZE, bold=True)
    put_letter(sheet, 12, top + 8, "A", "Direct comparisons")
    _draw_graph(sheet, record, top + 38 + RADIUS)
    if rows:
        reference = clean(record["fit"]["reference"])
        put_letter(sheet, LEFT, top + 8, "B", f"Each against {reference}")
        _draw_forest(sheet, record, rows, top + 30)
    put_lines(sheet, 12, top + body + 4, notes, LEADING, size=style.SMALL_SIZE, colour=style.MUTED)
    return sheet.figure


def network_notes(record: Row) -> list[str]:
    """What is connected, how it was fitted, and whether direct and indirect evidence agree."""
    notes = [
        clean(record["sentence"]),
        "Lines: as thick as there are trials, whose number stands beside them.",
    ]
    if len(record["outcomes"]) > 1:
        listed = words.listing([clean(words.spaced(outcome)) for outcome in record["outcomes"]])
        ratio = record["measure"] in words.RATIO_MEASURES
        opening = "Trials count different things as the outcome" if ratio else "Instruments, on one scale"
        notes.append(f"{opening}: {listed}.")
    fit, test = record.get("fit"), record.get("inconsistency")
    if not fit:
        return notes
    notes.append(
        f"Random effects (REML, common τ² = {words.significant(fit['tau2'])}, correlation ½ within trials of "
        f"several arms); {words.count(fit['studies'], 'trial')}. P-score: mean chance of being better "
        "than another treatment."
    )
    if fit["q_df"] == 0:
        notes.append("No comparison has a second trial or a loop: τ² cannot be estimated and is taken as 0.")
    if test["refused"]:
        notes.append(f"Inconsistency: {clean(test['refused'])}.".replace("..", "."))
    else:
        told = f"Inconsistency between designs: Q = {words.number(test['q'])} on {test['df']} df"
        notes.append(f"{told}, {words.p_value(test['p_value'])}.")
    return notes


def describe_network(record: Row) -> str:
    """A text alternative: the direct comparisons, then every treatment against the reference."""
    parts = [f"Network: {clean(record['title'])}."]
    for edge in record["edges"]:
        parts.append(f"{' and '.join(edge['treatments'])}: {words.count(edge['trials'], 'trial')}.")
    for row in _against_reference(record):
        told = words.effect(str(record["measure"]), *(row[key] for key in RESULT))
        parts.append(f"{row['experimental']} against {row['control']}: {told}.")
    return " ".join([*parts, *network_notes(record)[:1]])


def _against_reference(record: Row) -> list[dict[str, Any]]:
    """League rows against the reference, best treatment first, with the P-score."""
    if not record.get("fit"):
        return []
    scores = {row["treatment"]: row["p_score"] for row in record["ranking"]}
    order = list(scores)
    rows = [row for row in record["league"] if row["control"] == record["fit"]["reference"]]
    rows.sort(key=lambda row: order.index(row["experimental"]))
    return [{**row, "p_score": scores[row["experimental"]]} for row in rows]


def _draw_graph(sheet: Sheet, record: Row, middle: float) -> None:
    """Treatments on a circle, connected parts side by side."""
    names = [name for part in record["parts"] for name in part]
    trials = dict.fromkeys(names, 0)
    for edge in record["edges"]:
        for name in edge["treatments"]:
            trials[name] += edge["trials"]
    angles = {name: 2 * math.pi * at / len(names) - math.pi / 2 for at, name in enumerate(names)}
    at = {
        name: (CENTRE + RADIUS * math.cos(angle), middle + RADIUS * math.sin(angle))
        for name, angle in angles.items()
    }
    for edge in record["edges"]:
        (x1, y1), (x2, y2) = (at[name] for name in edge["treatments"])
        thickness = min(0.8 + 0.9 * edge["trials"], 7.0)
        put_line(sheet, (x1, x2), (y1, y2), colour=style.STUDY_LIGHT, thickness=thickness, gid="edge")
        x, y = 0.5 * (x1 + x2), 0.5 * (y1 + y2)
        put_dot(sheet, x, y, 4.4, fill=style.PAPER, level=2.5)
        put_text(sheet, x, y + 2.4, str(edge["trials"]), size=style.SMALL_SIZE - 0.6, align="center")
    for name, (x, y) in at.items():
        put_dot(sheet, x, y, min(3.2 + 1.2 * math.sqrt(trials[name]), 9.0), fill=style.STUDY, gid="node")
        cosine, sine = math.cos(angles[name]), math.sin(angles[name])
        align = "center" if abs(cosine) < 0.15 else "left" if cosine > 0 else "right"
        room = 63.0 if align != "center" else 120.0
        lines = lettering.wrap(clean(name), room, style.SMALL_SIZE, lines=2)
        baseline = y + 13 * sine + 2.5 + (-LEADING * (len(lines) - 1) if sine < -0.7 else 0.0)
        put_lines(sheet, x + 12 * cosine, baseline, lines, LEADING, size=style.SMALL_SIZE, align=align)


def _draw_forest(sheet: Sheet, record: Row, rows: Sequence[Row], top: float) -> None:
    logarithmic = record["measure"] in words.RATIO_MEASURES
    null = 1.0 if logarithmic else 0.0
    axis = plan_axis(
        [row["estimate"] for row in rows],
        [(row["ci_low"], row["ci_high"]) for row in rows],
        [null],
        logarithmic=logarithmic,
        left=PLOT_LEFT,
        right=PLOT_RIGHT,
    )
    put_text(sheet, NUMBERS, top - 3, "Estimate (interval)", size=style.SMALL_SIZE, bold=True, align="right")
    put_text(sheet, SCORE, top - 3, "P-score", size=style.SMALL_SIZE, bold=True, align="right")
    bottom = top + ROW * len(rows) + 4
    x = position(axis, null)
    put_line(sheet, (x, x), (top, bottom), level=BAND)
    for number, row in enumerate(rows):
        y = top + ROW * (number + 0.5) + 2
        name = lettering.shorten(clean(row["experimental"]), PLOT_LEFT - LEFT - 4, style.SMALL_SIZE)
        put_text(sheet, LEFT, y + 2.5, name, size=style.SMALL_SIZE)
        ends = [position(axis, row[key]) for key in ("ci_low", "ci_high")]
        put_line(sheet, ends, (y, y), colour=style.STUDY, thickness=1.0)
        for end, key, sign in ((ends[0], "ci_low", -1), (ends[1], "ci_high", 1)):
            if side(axis, row[key]) == sign:
                tip = [(end + 3 * sign, y), (end - sign, y - 2.2), (end - sign, y + 2.2)]
                put_shape(sheet, tip, fill=style.STUDY)
        if not side(axis, row["estimate"]):
            put_dot(sheet, position(axis, row["estimate"]), y, 2.6, fill=style.STUDY, gid="effect")
        told = words.format_values(str(record["measure"]), [row[key] for key in RESULT])
        text = f"{told[0]} ({told[1]} to {told[2]})"
        put_text(sheet, NUMBERS, y + 2.5, text, size=style.SMALL_SIZE - 0.6, align="right")
        score = words.number(row["p_score"], 2)
        put_text(sheet, SCORE, y + 2.5, score, size=style.SMALL_SIZE - 0.6, align="right")
    put_line(sheet, (PLOT_LEFT, PLOT_RIGHT), (bottom, bottom), thickness=0.8)
    put_x_ticks(sheet, axis, bottom)
    _draw_directions(sheet, record, bottom)


def _draw_directions(sheet: Sheet, record: Row, bottom: float) -> None:
    """The measure below the axis, and which side is better."""
    name = words.capital(words.measure_name(str(record["measure"])))
    better = "left is better" if record["better"] == "lower" else "right is better"
    middle = (PLOT_LEFT + PLOT_RIGHT) / 2
    put_text(sheet, middle, bottom + 21, name, size=style.SMALL_SIZE, bold=True, align="center")
    put_text(sheet, middle, bottom + 30, better, size=style.SMALL_SIZE, align="center")
