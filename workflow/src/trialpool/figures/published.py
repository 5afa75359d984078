"""Published pools turned to one direction, an axis a panel, under the headings of treatments; ours below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import canvas, lettering, style
from trialpool.figures.canvas import LEADING, NULL, Line, Plot, Sheet
from trialpool.figures.notes import describe, notes
from trialpool.measures import Values
from trialpool.records import PublishedFigure, PublishedPanel, PublishedPool, Status
from trialpool.text import clean

REVIEW, WHAT, TRIALS = 12.0, 90.0, 246.0
PLOT_LEFT, PLOT_RIGHT, NUMBERS = 308.0, 452.0, 548.0
PAD, HEAD, HEADING, FOOT, GAP = 5.0, 30.0, 18.0, 26.0, 10.0
NO_VALUES: Values = (None, None, None)


class Estimate(NamedTuple):
    """One row of a panel: whose estimate of what, from how many trials, and the heading above it, if any.

    Ours of another measure than the panel's has its numbers in `result` and no mark in `line`.
    """

    line: Line
    result: str
    lines: tuple[str, ...]
    trials: tuple[str, ...]
    what: str
    url: str = ""
    heading: str = ""

    @property
    def above(self) -> float:
        """Points that the heading takes."""
        return HEADING if self.heading else 0.0

    @property
    def height(self) -> float:
        """Points from this row to the next."""
        return self.above + LEADING * max(1, len(self.lines), len(self.trials)) + PAD


class Panel(NamedTuple):
    """An axis, its rows, and the words for its two directions."""

    axis: PublishedPanel
    rows: Sequence[Estimate]
    sides: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def title(self) -> str:
        """The measure, and what is measured where that does not say it."""
        name = words.capital(words.measure_name(self.axis.measure))
        return f"{name}: {self.axis.name}" if self.axis.name else name

    @property
    def height(self) -> float:
        """Points of the whole panel."""
        return HEAD + sum(row.height for row in self.rows) + FOOT + LEADING * max(map(len, self.sides)) + GAP


@canvas.styled
def draw_published(figure: PublishedFigure, rows: Sequence[PublishedPool]) -> Figure:
    """One figure of published pools and our analyses of them."""
    empty = [clean(row.our_comparison) for row in rows if row.our_status == Status.NO_DATA]
    empty, alone = list(dict.fromkeys(empty)), sum(not row.analysis for row in rows)
    panels, turned = _panels(figure, rows), any(row.turned for row in rows)
    said = notes("published_notes", empty, alone, turned)
    sheet, top = canvas.headed(figure.title, "", said, sum(panel.height for panel in panels))
    for panel in panels:
        _draw_panel(sheet, panel, top + 2)
        top += panel.height
    return sheet.figure


def describe_published(figure: PublishedFigure, rows: Sequence[PublishedPool]) -> str:
    """A text alternative: every estimate shown."""
    return describe("published", figure.title, _panels(figure, rows))


def _panels(figure: PublishedFigure, rows: Sequence[PublishedPool]) -> list[Panel]:
    """The panels that have rows, these below their treatments in order: reviews by year, then ours."""
    panels = []
    for axis in figure.panels:
        own = [row for row in rows if (row.panel, row.measure) == (axis.name, axis.measure)]
        own = [row for row in own if row.aligned_estimate is not None]
        own.sort(key=lambda row: (row.year or 9999, row.review_id, row.comparison))
        named = [name for name in (*figure.treatments, "") if any(row.treatment == name for row in own)]
        listed = [
            each for name in named for each in _group(name, [row for row in own if row.treatment == name])
        ]
        if listed:
            panels.append(Panel(axis, listed, _sides(axis.better, named)))
    return panels


def _sides(better: str, treatments: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words below the left and the right end of an axis."""
    name = treatments[0] if len(treatments) == 1 and treatments[0] else ""
    lines = [tuple(notes("published_side", clean(side))) for side in (name or "treatment", "control")]
    room = (PLOT_RIGHT - PLOT_LEFT) / 2 + 8
    treated, control = (lettering.wrap(" ".join(each), room, lines=3) for each in lines)
    return (treated, control) if better == "lower" else (control, treated)


def _group(name: str, rows: Sequence[PublishedPool]) -> Iterator[Estimate]:
    """The rows below one heading, ours once an analysis."""
    listed = [_their_row(row) for row in rows]
    ours = {row.analysis: row for row in rows if row.our_estimate is not None}
    listed += [_our_row(row) for row in ours.values()]
    yield listed[0]._replace(heading=words.capital(clean(name or "other treatments")))
    yield from listed[1:]


def _row(line: Line, result: str, what: str, trials: str, url: str = "") -> Estimate:
    lines = lettering.wrap(clean(what), TRIALS - WHAT - 8, lines=4)
    cells = lettering.wrap(trials, PLOT_LEFT - TRIALS - 6, lines=2)
    return Estimate(line, result, lines, cells, clean(what), url)


def _their_row(row: PublishedPool) -> Estimate:
    values = canvas.values_of(row, "aligned_")
    line = Line(clean(row.review_id), values, hollow=None in values, gid="theirs")
    (trials,) = notes("published_trials", row.n_studies, row.review_trials)
    (what,) = notes("published_what", row)
    return _row(line, canvas.result(row.measure, values), what, trials, row.source_url or "")


def _our_row(row: PublishedPool) -> Estimate:
    mark = "diamond" if row.our_status == Status.POOLED else "s"
    values = canvas.values_of(row, "our_aligned_")
    comparable = row.our_measure == row.measure and values[0] is not None
    shown = values if values[0] is not None else canvas.values_of(row, "our_")
    result = canvas.result(row.our_measure or "", shown)
    line = Line("Here", values if comparable else NO_VALUES, mark, style.POOLED, bold=True, gid="ours")
    text = result if comparable else f"{row.our_measure} {result}"
    return _row(line, text, row.our_comparison or "", words.plain_number(row.our_k))


def _draw_panel(sheet: Sheet, panel: Panel, top: float) -> None:
    sheet.text(REVIEW, top + 8, panel.title, size=style.BODY_SIZE, bold=True)
    for text, x, align in (
        ("Review", REVIEW, "left"),
        ("Comparison; outcome", WHAT, "left"),
        ("Trials", TRIALS, "left"),
        ("Estimate (interval)", NUMBERS, "right"),
    ):
        sheet.text(x, top + 21, text, bold=True, align=align)
    sheet.line((REVIEW, NUMBERS), (top + 25, top + 25), thickness=0.8)
    top += HEAD
    starts = list(accumulate((row.height for row in panel.rows), initial=0.0))
    lines = [row.line for row in panel.rows]
    ax = Plot(sheet, (PLOT_LEFT, top - 4, PLOT_RIGHT, top + starts[-1]))
    ax.y.show((starts[-1], -4.0))  # points
    ax.axvline(NULL, color=style.INK, linewidth=0.8, zorder=canvas.BEHIND)
    ys = [start + row.above + 5.5 for start, row in zip(starts, panel.rows, strict=False)]
    canvas.draw_lines(ax, panel.axis.measure, lines, ys, landmarks=[line.values[0] for line in lines])
    for row, start in zip(panel.rows, starts, strict=False):
        _print_row(sheet, row, top + start + 8.0)
    for side, x, align in zip(panel.sides, (PLOT_LEFT, PLOT_RIGHT), ("left", "right"), strict=True):
        sheet.lines(x, top + starts[-1] + FOOT, side, align=align, gid="direction")


def _print_row(sheet: Sheet, row: Estimate, baseline: float) -> None:
    bold = row.line.bold
    sheet.text(REVIEW, baseline + HEADING - 14, row.heading, bold=True, colour=style.MUTED)
    baseline += row.above
    sheet.text(REVIEW, baseline, row.line.name, url=row.url, bold=bold, room=WHAT - REVIEW - 6)
    sheet.lines(WHAT, baseline, row.lines, colour=style.MUTED)
    sheet.lines(TRIALS, baseline, row.trials)
    sheet.text(NUMBERS, baseline, row.result, align="right", bold=bold)
