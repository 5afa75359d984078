"""Do effects differ by what was declared? One panel a moderator: bubbles with the fitted line, or groups.

What could not be tested is listed below with its reason, so the figure stands where nothing could.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import canvas, lettering, style
from trialpool.figures.canvas import LEADING, WIDTH, Frame, Line, Look, Plot, Sheet
from trialpool.figures.notes import notes
from trialpool.records import Moderator, Record, Study
from trialpool.synthesis.diagnostics import moderator_name
from trialpool.text import clean
from trialpool.view.axis import intervals
from trialpool.view.read import Appraised, grouped

Point = tuple[float, float]
HEIGHT, HEAD, FOOT = 140.0, 18.0, 64.0
COLUMNS, GAP, AXIS_ROOM = 2, 26.0, 42.0
GROUP, NAMES, NUMBERS = 26.0, 82.0, 86.0
LARGEST, SMALLEST = 8.0, 2.2  # radii of bubbles
LARGEST_IN_GROUP = 6.0
FORMULA = "formula"  # several moderators together
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NAME_ROOM = 130.0


@canvas.styled
def draw_moderators(record: Appraised) -> Figure:
    """A panel for every moderator that could be tested, and a list of the others with the reasons."""
    tests = grouped(record.moderators, lambda row: row.p_value is not None)
    tested, untested = sorted(tests.get(True, []), key=lambda row: row.kind or ""), tests.get(False, [])
    both, together = tested, [row for row in tested if row.kind == FORMULA]
    tested = [row for row in tested if row.kind != FORMULA]
    lines = [tested[start : start + COLUMNS] for start in range(0, len(tested), COLUMNS)]
    heights = [max(_height(row) for row in line) for line in lines]
    lists = {
        "Tested together": [(row, notes("moderator_terms", record, row)) for row in together],
        "Not tested": [(row, [words.capital(clean(row.caution))]) for row in untested],
    }
    body = sum(height + HEAD + FOOT for height in heights)
    wrapped = {title: _wrapped(rows) for title, rows in lists.items() if rows}
    body += LEADING * sum(sum(len(lines) for _, lines in rows) + 2 for rows in wrapped.values())
    sheet, y = canvas.headed_record(record, "Moderators", notes("moderators_notes", both), body)
    width = (WIDTH - 2 * style.MARGIN - GAP * (COLUMNS - 1)) / COLUMNS
    letters = iter(LETTERS)
    for line, height in zip(lines, heights, strict=True):
        for column, row in enumerate(line):
            left = style.MARGIN + column * (width + GAP)
            sheet.panel(left, y + 8, next(letters, ""), _title(row))
            _draw_panel(sheet, record, row, (left, y + HEAD, left + width, y + HEAD + _height(row)))
        y += height + HEAD + FOOT
    for title, rows in wrapped.items():
        sheet.text(style.MARGIN, y + 6, title, size=style.BODY_SIZE, bold=True)
        y += LEADING + 8
        for row, text in rows:
            sheet.text(style.MARGIN, y, _title(row), room=NAME_ROOM - 8)
            y = sheet.lines(style.MARGIN + NAME_ROOM, y, text, colour=style.MUTED)
    return sheet.figure


def _wrapped(rows: Sequence[tuple[Moderator, Sequence[str]]]) -> list[tuple[Moderator, list[str]]]:
    """What is said of moderators, in lines that fit beside their names."""
    room = WIDTH - 2 * style.MARGIN - NAME_ROOM
    wrapped = ([line for text in said for line in lettering.wrap(text, room, lines=3)] for _, said in rows)
    return [(row, lines or [""]) for (row, _), lines in zip(rows, wrapped, strict=True)]


def _title(row: Moderator) -> str:
    return words.capital(clean(moderator_name(row.moderator)))


def _height(row: Moderator) -> float:
    return HEIGHT if row.kind == "number" else GROUP * len(row.groups)


def _draw_panel(sheet: Sheet, record: Appraised, row: Moderator, frame: Frame) -> None:
    left, top, right, bottom = frame
    known = [study for study in record.studies if getattr(study, row.moderator) not in (None, "")]
    if row.kind == "number":
        _draw_bubbles(sheet, record, row, known, (left + AXIS_ROOM, top, right - 4, bottom))
    else:
        _draw_groups(sheet, record, row, known, (left + NAMES, top, right - NUMBERS, bottom))
    (results,) = notes("moderator_result", record, row)
    for sign in "=<>":  # a p-value stays on one line
        results = results.replace(f"p {sign} ", f"p\u00a0{sign}\u00a0")
    lines = lettering.wrap(results, right - left, lines=2)
    sheet.lines(left, bottom + 36, lines, colour=style.MUTED)


def _draw_circles(
    ax: Plot, points: Sequence[Point], trials: Sequence[Study], known: Sequence[Study], largest: float
) -> None:
    """A circle a trial, the largest first so that none hides; areas compare within all `known`."""
    heaviest = max((study.weight or 0.0) for study in known) or 1.0
    radii = [max(SMALLEST, largest * math.sqrt((study.weight or 0.0) / heaviest)) for study in trials]
    for radius, point in sorted(zip(radii, points, strict=True), reverse=True):
        look: Look = {"markerfacecolor": style.STUDY_LIGHT, "markeredgecolor": style.STUDY}
        look |= {"markersize": 2 * radius, "markeredgewidth": 0.8, "clip_on": False}
        ax.plot(*point, "o", zorder=canvas.LINES, gid="bubble", **look)


def _draw_bubbles(sheet: Sheet, record: Record, row: Moderator, known: Sequence[Study], frame: Frame) -> None:
    """Effects over a number, with the regression line and its band by the model of the table."""
    from trialpool.stats import meta_regression, predict

    ax = Plot(sheet, frame)
    values = np.array([float(getattr(study, row.moderator)) for study in known])
    null = canvas.NULL
    effects = canvas.roomy([null, *(study.effect for study in known)], 0.14)
    canvas.show_range(ax, *canvas.roomy(values, 0.1), _title(row))
    canvas.show_range(ax, *effects, canvas.scaled_name(record), "y", measure=record.measure)
    ax.axhline(null, color=style.RULE, linewidth=0.8, zorder=canvas.BEHIND)
    level = record.methods.level
    fit = meta_regression(
        [study.effect for study in known],
        [study.variance for study in known],
        values[:, None],
        tau2_method=row.tau2_method or record.methods.tau2_method,
        interval=row.interval or record.methods.interval,
        level=level,
    )
    xs = np.linspace(values.min(), values.max(), 41)
    line = predict(fit, xs[:, None], level=level)
    band: Look = {"facecolor": style.CONTOURS[0], "linewidth": 0, "zorder": canvas.BELOW}
    ax.add_artist(FillBetweenPolyCollection("x", xs, line.ci_low, line.ci_high, gid="band", **band))
    ax.plot(xs, line.estimate, color=style.POOLED, linewidth=1.3, zorder=canvas.LINES, gid="slope")
    points = [(float(value), study.effect) for value, study in zip(values, known, strict=True)]
    _draw_circles(ax, points, known, known, LARGEST)


def _draw_groups(
    sheet: Sheet, record: Appraised, row: Moderator, known: Sequence[Study], frame: Frame
) -> None:
    """The trials of each group as circles, their pooled effect with its interval below."""
    look: Look = {"mark": "s", "colour": style.POOLED, "gid": "group"}
    lines = [
        Line(words.capital(clean(record.vocabulary.treatment(group.level))), canvas.values_of(group), **look)
        for group in row.groups
    ]
    trials = [Line(study.label, (study.estimate, study.estimate_low, study.estimate_high)) for study in known]
    further = intervals(line.values for line in lines)
    ax = Plot(sheet, frame)
    ax.y.show((len(lines), 0.0))
    name, room = canvas.value_name(record), ax.bbox.width + NAMES + NUMBERS
    ys = [at + 0.73 for at in range(len(lines))]
    look = {"over": trials, "further": further, "name": name, "room": room}
    axis = canvas.draw_lines(ax, record.measure, lines, ys, **look)
    ax.axvline(canvas.NULL, color=style.RULE, linewidth=0.8, zorder=canvas.BEHIND)
    for at, (group, line) in enumerate(zip(row.groups, lines, strict=True)):
        members = [study for study in known if str(getattr(study, row.moderator)) == group.level]
        points = [(min(max(study.effect, axis.low), axis.high), at + 0.31) for study in members]
        _draw_circles(ax, points, members, known, LARGEST_IN_GROUP)
        names = lettering.wrap(line.name, NAMES - 6, lines=2)
        for number, text in enumerate(names):
            canvas.print_beside(ax, at + 0.5 + 0.33 * (number - (len(names) - 1) / 2), -NAMES, text)
        canvas.print_beside(ax, at + 0.31, NUMBERS, words.count(group.k, "trial"), align="right")
        canvas.print_beside(ax, at + 0.73, NUMBERS, canvas.result(record.measure, line.values), align="right")
