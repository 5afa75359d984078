"""Published pooled estimates by review and year, one panel a measure, ours below them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import canvas, lettering, style
from trialpool.figures.canvas import LEADING, NULL, Line, Sheet
from trialpool.figures.notes import describe, notes
from trialpool.measures import MEASURES
from trialpool.records import PublishedPool, Status
from trialpool.text import clean

REVIEW, WHAT, TRIALS = 12.0, 92.0, 300.0
PLOT_LEFT, PLOT_RIGHT, NUMBERS = 312.0, 452.0, 548.0
PAD, HEAD, FOOT = 5.0, 30.0, 30.0


class Estimate(NamedTuple):
    """One row of a panel: whose estimate of what, from how many trials; `what` also on `lines`."""

    line: Line
    what: str
    lines: tuple[str, ...]
    trials: str
    url: str = ""

    @property
    def height(self) -> float:
        """Points from this row to the next."""
        return LEADING * max(1, len(self.lines)) + PAD


def _estimate(line: Line, what: str, trials: float | None, url: str = "") -> Estimate:
    lines = lettering.wrap(clean(what), TRIALS - WHAT - 22, lines=3)
    return Estimate(line, clean(what), lines, "?" if trials is None else words.plain_number(trials), url)


@canvas.styled
def draw_published(title: str, rows: Sequence[PublishedPool]) -> Figure:
    """One figure of published pools and our analyses of them."""
    empty = [clean(row.our_comparison) for row in rows if row.our_status == Status.NO_DATA]
    empty, alone = list(dict.fromkeys(empty)), sum(not row.analysis for row in rows)
    panels = _panels(rows)
    heights = [HEAD + sum(row.height for row in listed) + FOOT for _, listed in panels]
    sheet, top = canvas.headed(title, "", notes("published_notes", empty, alone), sum(heights) + 2)
    for (measure, listed), height in zip(panels, heights, strict=True):
        _draw_panel(sheet, measure, listed, top + 2)
        top += height
    return sheet.figure


def describe_published(title: str, rows: Sequence[PublishedPool]) -> str:
    """A text alternative: every estimate shown."""
    return describe("published", title, _panels(rows))


def _panels(rows: Sequence[PublishedPool]) -> list[tuple[str, list[Estimate]]]:
    """Measure and rows of every panel: reviews by year, then ours, each analysis once."""
    theirs: dict[str, list[Estimate]] = {}
    ours: dict[str, dict[str, Estimate]] = {}
    for row in sorted(rows, key=lambda row: (row.year or 9999, row.review_id, row.comparison)):
        if row.estimate is not None:
            theirs.setdefault(row.measure, []).append(_their_row(row))
        if row.our_measure and row.our_estimate is not None:
            ours.setdefault(row.our_measure, {})[row.analysis] = _our_row(row)
    order = [measure for measure in MEASURES if measure in theirs or measure in ours]
    return [(measure, [*theirs.get(measure, []), *ours.get(measure, {}).values()]) for measure in order]


def _their_row(row: PublishedPool) -> Estimate:
    values = canvas.values_of(row)
    line = Line(clean(row.review_id), values, hollow=None in values, gid="theirs")
    return _estimate(line, f"{row.comparison}; {row.outcome}", row.n_studies, row.source_url or "")


def _our_row(row: PublishedPool) -> Estimate:
    mark = "diamond" if row.our_status == Status.POOLED else "s"
    line = Line("Here", canvas.values_of(row, "our_"), mark, style.POOLED, bold=True, gid="ours")
    return _estimate(line, row.our_comparison or "", row.our_k)


def _draw_panel(sheet: Sheet, measure: str, rows: Sequence[Estimate], top: float) -> None:
    sheet.text(REVIEW, top + 8, words.capital(words.measure_name(measure)), size=style.BODY_SIZE, bold=True)
    for text, x, align in (
        ("Review", REVIEW, "left"),
        ("Comparison; outcome", WHAT, "left"),
        ("Trials", TRIALS, "right"),
        ("Estimate (interval)", NUMBERS, "right"),
    ):
        sheet.text(x, top + 21, text, bold=True, align=align)
    sheet.line((REVIEW, NUMBERS), (top + 25, top + 25), thickness=0.8)
    top += HEAD
    starts = list(accumulate((row.height for row in rows), initial=0.0))
    lines = [row.line for row in rows]
    ax = sheet.axes((PLOT_LEFT, top - 4, PLOT_RIGHT, top + starts[-1]))
    ax.set_ylim(starts[-1], -4.0)  # points
    ax.axvline(NULL, color=style.INK, linewidth=0.8, zorder=canvas.BEHIND)
    ys = [start + 5.5 for start in starts[:-1]]
    canvas.draw_lines(ax, measure, lines, ys, landmarks=[line.values[0] for line in lines])
    for row, start in zip(rows, starts, strict=False):
        baseline, bold = top + start + 8.0, row.line.bold
        sheet.text(REVIEW, baseline, row.line.name, url=row.url, bold=bold, room=WHAT - REVIEW - 6)
        sheet.lines(WHAT, baseline, row.lines, colour=style.MUTED)
        sheet.text(TRIALS, baseline, row.trials, align="right")
        sheet.text(NUMBERS, baseline, canvas.result(measure, row.line.values), align="right", bold=bold)
