"""Text as figures need it: measured in points, wrapped or shortened to a width."""

from __future__ import annotations

import json
import math
import re
import warnings
from bisect import bisect_right
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from itertools import chain, pairwise
from typing import Any

from matplotlib.font_manager import findfont, get_font
from matplotlib.ft2font import FT2Font, Kerning, LoadFlags

from trialpool.figures import style
from trialpool.text import clean

# Text whose letters stand one beside the other: none that join, combine or run from right to left.
_PLAIN = re.compile(r"(?:[ -eg-~\xa0-\xac\xae-\u017eΑ-ω‐-‧−≤≥]|f(?![filt]))*")
_BREAKABLE = re.compile(r"(?<=[^\W\d][-/])(?=[^\W\d]{3})")
ELLIPSIS = "…"
DOTS_PER_POINT = 64
NEAR = 6.0  # points; how far at most a sum of advances is from the width of the line


@cache
def _face(bold: bool) -> FT2Font:
    return get_font([findfont(style.font(10.0, bold))])  # with the fallback for letters that the font lacks


def reach(size: float) -> tuple[float, float]:
    """How far above and below its baseline a line of text reaches at least, in the unit of its size."""
    heights, units = _heights()
    return heights[0] * (1 / units * size), heights[1] * (1 / units * size)


@cache
def _heights() -> tuple[tuple[int, int], int]:
    """Those of the font, in parts of an em, and how many of these an em has."""
    face = _face(bold=False)
    line, head = face.get_sfnt_table("OS/2"), face.get_sfnt_table("head")
    assert line is not None  # the font is one that matplotlib ships
    assert head is not None
    return (line["sTypoAscender"], -line["sTypoDescender"]), head["unitsPerEm"]


def drawable(text: str) -> bool:
    """Whether the font has all letters of a text: what it lacks would be drawn as boxes, all alike."""
    return all(ord(letter) in _letters() for letter in text)


@cache
def _letters() -> frozenset[int]:
    return frozenset(_face(bold=False).get_charmap()) & frozenset(_face(bold=True).get_charmap())


def with_drawable_labels(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record as JSON in which a trial whose label cannot be drawn goes by its id, in sentences too.

    >>> with_drawable_labels({"known": [{"study_id": "W2015", "label": "王芳 2015"}]})
    {'known': [{'study_id': 'W2015', 'label': 'W2015'}]}
    """
    trials = chain.from_iterable(record.get(part) or () for part in ("studies", "known", "not_used"))
    named = {trial["label"]: trial["study_id"] for trial in trials if trial["label"]}
    lacking = sorted((label for label in named if not drawable(clean(label))), key=len, reverse=True)
    written = json.dumps(record, ensure_ascii=False) if lacking else ""
    for label in lacking:
        written = written.replace(json.dumps(label, ensure_ascii=False)[1:-1], named[label])
    return json.loads(written) if lacking else record


@lru_cache(maxsize=8192)
def width(text: str, size: float = style.SMALL_SIZE, bold: bool = False) -> float:
    """Width of a line of text in points, kerning included.

    >>> width("ii") < width("mm") < width("mm", bold=True)
    True
    """
    if not _PLAIN.fullmatch(text):
        dots = _measured(text, size, bold)
    else:  # the same number, in a hundredth of the time
        letters, pairs = _letter_widths(size, bold)
        dots = sum([letters[letter] for letter in text])
        dots += sum([pairs[left + right] for left, right in pairwise(text)])
    return dots / DOTS_PER_POINT * 72 / DOTS_PER_POINT


def _measured(text: str, size: float, bold: bool) -> int:
    """The width in dots as the face lays the text out."""
    face = _face(bold)
    face.set_size(size, DOTS_PER_POINT)
    with warnings.catch_warnings():  # a glyph that the font lacks is drawn as a box
        warnings.simplefilter("ignore")
        face.set_text(text, 0.0, flags=LoadFlags.NO_HINTING)
    return face.get_width_height()[0]


class _Asked(dict[str, int]):
    """Numbers of letters or of pairs, each asked once."""

    def __init__(self, ask: Callable[[str], int]) -> None:
        self.ask = ask

    def __missing__(self, letters: str) -> int:
        self[letters] = dots = self.ask(letters)
        return dots


@cache
def _letter_widths(size: float, bold: bool) -> tuple[_Asked, _Asked]:
    """Widths in dots of letters, and by how much they are further apart in pairs (mostly closer)."""
    face = _face(bold)

    def apart(pair: str) -> int:
        face.set_size(size, DOTS_PER_POINT)
        left, right = (face.get_char_index(ord(letter)) for letter in pair)
        return face.get_kerning(left, right, Kerning.UNFITTED)

    return _Asked(lambda letter: _measured(letter, size, bold)), _Asked(apart)


@lru_cache(maxsize=8192)
def _advance(piece: str, size: float, bold: bool) -> float:
    """By how much a piece makes a line longer, about: without kerning to what stands beside it."""
    return width(f"|{piece}|", size, bold) - width("||", size, bold)


def shorten(text: str, limit: float, size: float = style.SMALL_SIZE, bold: bool = False) -> str:
    """Text cut at a word where possible, with an ellipsis, so that it is no wider than `limit` points.

    >>> shorten("physiotherapy", 1000), shorten("physiotherapy twice weekly", 70)
    ('physiotherapy', 'physiotherapy…')
    """
    if limit == math.inf or width(text, size, bold) <= limit:
        return text
    fits = _fitting(text, limit, size, bold, ELLIPSIS)
    cut = text[:fits]
    at_word = cut.rsplit(" ", 1)[0]
    if text[fits : fits + 1].strip() and len(at_word) > 0.45 * len(cut):
        cut = at_word
    return cut.rstrip(" ,;:") + ELLIPSIS


@lru_cache(maxsize=4096)
def wrap(
    text: str, limit: float, size: float = style.SMALL_SIZE, bold: bool = False, lines: int = 99
) -> tuple[str, ...]:
    """Text on at most `lines` lines no wider than `limit` points; what does not fit ends in an ellipsis.

    >>> wrap("sham stimulation at other points", 70)
    ('sham stimulation at', 'other points')
    >>> wrap("", 70)
    ()
    """
    wrapped, about = [""], 0.0  # each line with the blank, or nothing, that joins it to the one before
    for piece in _pieces(text):
        about += _advance(piece, size, bold)
        # To measure a line takes long, so only what comes near the limit is measured.
        if about < limit - NEAR or width(f"{wrapped[-1]}{piece}".lstrip(" "), size, bold) <= limit:
            wrapped[-1] += piece
            continue
        wrapped.append(piece)
        while width(word := wrapped[-1].lstrip(" "), size, bold) > limit and len(word) > 1:
            cut = len(wrapped[-1]) - len(word) + max(1, _fitting(word, limit, size, bold))
            wrapped[-1:] = [wrapped[-1][:cut], wrapped[-1][cut:]]
        about = _advance(wrapped[-1], size, bold)
    wrapped = [line for line in wrapped if line]
    whole = tuple(line.lstrip(" ") for line in wrapped)
    if len(whole) <= lines:
        return whole
    return (*whole[: lines - 1], shorten("".join(wrapped[lines - 1 :]).strip(), limit, size, bold))


def _pieces(text: str) -> list[str]:
    """Words with a blank before each (no-break spaces split none), and their parts at hyphens and slashes."""
    words = filter(None, text.split(" "))
    return [part for word in words for part in _BREAKABLE.split(f" {word}") if part]


def _fitting(text: str, limit: float, size: float, bold: bool, end: str = "") -> int:
    """How many leading letters of a text fit, with `end` behind them."""
    return bisect_right(
        range(1, len(text) + 1), limit, key=lambda fits: width(text[:fits].rstrip() + end, size, bold)
    )
