"""Traffic lights of risk of bias: colour, symbol and ring, so that they keep apart in grey print too."""

from __future__ import annotations

from trialpool.figures import lettering, style
from trialpool.figures.sheet import Sheet, put_dot, put_text

RADIUS = 5.6
NOT_JUDGED = "not-judged"
FILLS = {
    "low": style.LOW_RISK,
    "some-concerns": style.SOME_RISK,
    "unclear": style.SOME_RISK,
    "high": style.HIGH_RISK,
    NOT_JUDGED: style.PAPER,
}
SYMBOLS = {"low": "+", "some-concerns": "−", "unclear": "?", "high": "×"}


def draw_light(sheet: Sheet, x: float, y: float, radius: float, judgement: str) -> None:
    """One judgement around a point: a filled circle with its symbol, an empty ring where nobody judged.

    >>> from trialpool.figures.sheet import new_sheet
    >>> sheet = new_sheet(40, 20)
    >>> draw_light(sheet, 10, 10, RADIUS, "high")
    >>> sheet.figure.artists[-1].get_text()
    '×'
    """
    if judgement == NOT_JUDGED:
        put_dot(sheet, x, y, radius, fill=style.PAPER, edge=style.RULE)
        return
    fill = FILLS.get(judgement, style.SOME_RISK)
    put_dot(sheet, x, y, radius, fill=fill)
    colour = style.INK if fill == style.SOME_RISK else "#ffffff"
    symbol = SYMBOLS.get(judgement, "?")
    size = style.SMALL_SIZE * min(1.0, radius / RADIUS + 0.1)
    put_text(sheet, x, y + 0.37 * size, symbol, size=size, bold=True, colour=colour, align="center")


def draw_key(sheet: Sheet, y: float) -> None:
    """What each light means, in one line whose baseline is `y`."""
    x = style.MARGIN + RADIUS
    for judgement in (*SYMBOLS, NOT_JUDGED):
        draw_light(sheet, x, y - 2.6, RADIUS * 0.8, judgement)
        name = judgement.replace("-", " ")
        put_text(sheet, x + 8, y, name, size=style.SMALL_SIZE)
        x += 8 + lettering.width(name, style.SMALL_SIZE) + 18
