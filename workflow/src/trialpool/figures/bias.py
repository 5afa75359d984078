"""Risk of bias beside the results: bars by the weight of trials in an analysis, and ROB-ME's matrix.

Tools are never mixed: each has its own bars, by its own domains.
"""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import canvas, lettering, style
from trialpool.figures.canvas import MORE_SIGNS, SIGNS, WIDTH, Look, Sheet
from trialpool.figures.notes import notes
from trialpool.text import clean
from trialpool.view.bias import MARKS, NOT_JUDGED, Availability, Matrix, Weighed, weighed_bias
from trialpool.view.read import Appraised

ROW, BAR, HEAD, GAP = 15.0, 9.0, 16.0, 14.0
LEFT, RIGHT, LINES = 178.0, 350.0, 7.6
COLOURS = {name.replace("-", "_"): fill for name, (fill, _) in (SIGNS | MORE_SIGNS).items()}

LABEL, LINE, CELL, LONGEST = 150.0, 13.0, 34.0, 150.0
INKS = {
    Availability.AVAILABLE: style.LOW_RISK,
    Availability.PARTLY: style.POOLED,
    Availability.UNKNOWN: style.MUTED,
}


@canvas.styled
def draw_bias(record: Appraised) -> Figure:
    """The judgements of the trials of an analysis, a bar a domain, its parts as wide as their weight."""
    tools = weighed_bias(record)
    heights = [HEAD + ROW * len(tool.domains) + GAP for tool in tools]
    sheet, y = canvas.headed_record(record, "Risk of bias by weight", notes("bias_notes"), sum(heights))
    for tool, height in zip(tools, heights, strict=True):
        _draw_tool(sheet, tool, y)
        y += height
    return sheet.figure


def _draw_tool(sheet: Sheet, tool: Weighed, top: float) -> None:
    sheet.text(style.MARGIN, top + 8, clean(tool.tool), size=style.BODY_SIZE, bold=True)
    for line, (domain, shares) in enumerate(tool.domains.items()):
        y = top + HEAD + ROW * line
        room = LEFT - style.MARGIN - 8
        name = words.capital(clean(words.spaced(domain)))
        sheet.text(style.MARGIN, y + 8, name, size=style.BODY_SIZE, bold=domain == "overall", room=room)
        _draw_bar(sheet, shares, y + 1)
        said = ", ".join(f"{share:.0f}% {words.spaced(name)}" for name, share in _ordered(shares).items())
        lines = lettering.wrap(said, WIDTH - style.MARGIN - RIGHT - 8, lines=2)
        sheet.lines(RIGHT + 8, y + (8 if len(lines) == 1 else 4.5), lines, LINES, colour=style.MUTED)


def _ordered(shares: Mapping[str, float]) -> dict[str, float]:
    """Shares from the best judgement to the worst, then what nobody judged."""
    order = [*COLOURS, NOT_JUDGED]
    return dict(sorted(shares.items(), key=lambda each: order.index(each[0]) if each[0] in order else 0))


def _draw_bar(sheet: Sheet, shares: Mapping[str, float], top: float) -> None:
    left = LEFT
    for name, share in _ordered(shares).items():
        width = (RIGHT - LEFT) * share / 100
        fill = COLOURS.get(name, style.PAPER)
        sheet.box(
            left, top, width, BAR, fill=fill, edge=style.RULE if name == NOT_JUDGED else fill, thickness=0.5
        )
        left += width


@canvas.styled
def draw_missing_results(matrix: Matrix) -> Figure:
    """ROB-ME's matrix of one comparison: trials down, outcomes across, a mark for what there is."""
    titles = [lettering.shorten(clean(title), LONGEST) for title in matrix.outcomes.values()]
    head = 10.0 + max(map(lettering.width, titles), default=0.0)
    width = max(360.0, LABEL + CELL * len(titles) + 3 * style.MARGIN)
    under = f"{matrix.population}. {matrix.comparison}"
    said = notes("missing_results_notes")
    sheet, y = canvas.headed(
        "Which trial has a result of which outcome", under, said, head + LINE * len(matrix.trials), width
    )
    bottom = y + head
    for column, title in enumerate(titles):
        sheet.text(LABEL + CELL * (column + 0.5) + 2.4, bottom - 4, title, turned=True)
    for line, ((study, label), cells) in enumerate(matrix.trials.items()):
        top = bottom + LINE * line
        sheet.line(
            (style.MARGIN, LABEL + CELL * len(titles)), (top, top), colour=style.HAIRLINE, thickness=0.5
        )
        name = label if lettering.drawable(clean(label)) else study
        sheet.text(style.MARGIN, top + 9, clean(name), size=style.BODY_SIZE, room=LABEL - style.MARGIN - 6)
        for column, cell in enumerate(cells):
            x = LABEL + CELL * (column + 0.5)
            look: Look = {"colour": INKS.get(cell, style.MUTED), "bold": True, "size": style.BODY_SIZE}
            sheet.text(x, top + 9.5, MARKS[cell], align="center", **look)
    return sheet.figure
