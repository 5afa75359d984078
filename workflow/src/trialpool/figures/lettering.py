"""Text as figures need it: measured in points, wrapped or shortened to a width."""

from __future__ import annotations

import re
import warnings
from functools import cache, lru_cache

from matplotlib.font_manager import findfont, get_font
from matplotlib.ft2font import FT2Font, LoadFlags

from trialpool.figures import style

_BREAKABLE = re.compile(r"(?<=[^\W\d][-/])(?=[^\W\d]{3})")
ELLIPSIS = "…"
DOTS_PER_POINT = 64


@cache
def _face(bold: bool) -> FT2Font:
    return get_font([findfont(style.font(10.0, bold))])  # with the fallback for letters that the font lacks


@lru_cache(maxsize=8192)
def width(text: str, size: float = style.BODY_SIZE, bold: bool = False) -> float:
    """Width of a line of text in points, kerning included.

    >>> width("ii") < width("mm") < width("mm", bold=True)
    True
    """
    face = _face(bold)
    face.set_size(size, DOTS_PER_POINT)
    with (
        warnings.catch_warnings()
    ):  # a glyph that the font lacks is drawn as a box, and that is said nowhere else
        warnings.simplefilter("ignore")
        face.set_text(text, 0.0, flags=LoadFlags.NO_HINTING)
    return face.get_width_height()[0] / DOTS_PER_POINT * 72 / DOTS_PER_POINT


def shorten(text: str, limit: float, size: float = style.BODY_SIZE, bold: bool = False) -> str:
    """Text cut at a word where possible, with an ellipsis, so that it is no wider than `limit` points.

    >>> shorten("acupuncture", 1000), shorten("acupuncture twice weekly", 80)
    ('acupuncture', 'acupuncture…')
    """
    if width(text, size, bold) <= limit:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width(text[:middle].rstrip() + ELLIPSIS, size, bold) <= limit:
            low = middle
        else:
            high = middle - 1
    cut = text[:low]
    at_word = cut.rsplit(" ", 1)[0]
    if text[low : low + 1].strip() and len(at_word) > 0.45 * len(cut):
        cut = at_word
    return cut.rstrip(" ,;:") + ELLIPSIS


@lru_cache(maxsize=4096)
def wrap(
    text: str, limit: float, size: float = style.BODY_SIZE, bold: bool = False, lines: int = 99
) -> tuple[str, ...]:
    """Text on at most `lines` lines no wider than `limit` points; what does not fit ends in an ellipsis.

    >>> wrap("sham acupuncture at other points", 80)
    ('sham acupuncture', 'at other points')
    >>> wrap("", 80)
    ()
    """
    wrapped: list[tuple[str, str]] = []  # what joins the line to the one before, and the line
    join, line = "", ""
    for glue, word in _pieces(text):
        longer = f"{line}{glue}{word}" if line else word
        if width(longer, size, bold) <= limit:
            line = longer
            continue
        if line:
            wrapped.append((join, line))
            join = glue
        line = word
        while width(line, size, bold) > limit and len(line) > 1:
            cut = _fitting(line, limit, size, bold)
            wrapped.append((join, line[:cut]))
            join, line = "", line[cut:]
    if line:
        wrapped.append((join, line))
    if len(wrapped) <= lines:
        return tuple(line for _, line in wrapped)
    rest = "".join(glue + line for glue, line in wrapped[lines - 1 :]).strip()
    return (*(line for _, line in wrapped[: lines - 1]), shorten(rest, limit, size, bold))


def _pieces(text: str) -> list[tuple[str, str]]:
    """Words, and their parts at hyphens and slashes, each with what joins it to the piece before."""
    pieces = []
    for word in filter(None, text.split(" ")):  # a no-break space does not split
        parts = [part for part in _BREAKABLE.split(word) if part]
        pieces += [(" " if not index else "", part) for index, part in enumerate(parts)]
    return pieces


def _fitting(word: str, limit: float, size: float, bold: bool) -> int:
    """How many leading letters of a word fit; at least one, so that wrapping always ends."""
    fits = 1
    while fits < len(word) and width(word[: fits + 1], size, bold) <= limit:
        fits += 1
    return fits
