"""The footnotes that single trials call for: which mark stands at the label and what it says below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trialpool import text as words
from trialpool.text import clean

SYMBOLS = IMPUTED, READ_ONCE, CONTRAST, CAUTION = ("†", "‡", "§", "¶")
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
MOST_CAUTIONS = 12  # more trials with cautions than this get one common mark
MEANINGS = {
    IMPUTED: "Rests on an imputed number (hollow square).",
    READ_ONCE: "Read at its source once, not twice.",
    CONTRAST: "Contrast as published: used as printed, without the arms' own results.",
    CAUTION: "To be read with caution: the reasons stand in studies.csv, column cautions.",
}


@dataclass(slots=True)
class Notes:
    """Footnotes as rows call for them: mark of each distinct text."""

    many: bool = False
    texts: dict[str, str] = field(default_factory=dict)


def new_notes(studies: Sequence[Mapping[str, Any]]) -> Notes:
    """No notes yet; `many` says that cautions share one mark, because a letter each would bury the plot.

    >>> new_notes([{"cautions": "n not printed"}]).many
    False
    """
    return Notes(many=sum(bool(caution_text(study)) for study in studies) > MOST_CAUTIONS)


def row_marks(study: Mapping[str, Any], notes: Notes) -> str:
    """The marks of one trial; its notes are added to `notes`.

    >>> notes = Notes()
    >>> row_marks({"imputed": True, "cautions": "p < .05"}, notes), row_marks({"cautions": "pilot"}, notes)
    ('† a', 'b')
    """
    called = (
        (IMPUTED, study.get("imputed")),
        (READ_ONCE, study.get("reading") == "single"),
        (CONTRAST, study.get("kind") == "contrast"),
        (CAUTION, notes.many and caution_text(study)),
    )
    marks = [mark for mark, applies in called if applies]
    for mark in marks:
        notes.texts.setdefault(MEANINGS[mark], mark)
    text = caution_text(study)
    if text and not notes.many:
        used = sum(mark in LETTERS for mark in notes.texts.values())
        marks.append(notes.texts.setdefault(text, LETTERS[used % len(LETTERS)]))
    return " ".join(marks)


def caution_text(study: Mapping[str, Any]) -> str:
    """All cautions of one trial as one text, each once, and what was added to a table with a zero.

    >>> caution_text({"cautions": "n not printed; SD from SE; n not printed"})
    'n not printed; SD from SE.'
    >>> caution_text({"derivation": "events as printed; 0.5 added to each cell"})
    '0.5 added to each cell.'
    """
    added = [step for step in str(study.get("derivation") or "").split(";") if "added to each cell" in step]
    parts = [clean(part).rstrip(".") for part in [*str(study.get("cautions") or "").split(";"), *added]]
    text = "; ".join(dict.fromkeys(part for part in parts if part))
    if text[1:2].isalpha():  # a symbol such as n stays small
        text = words.capital(text)
    return f"{text}." if text else ""


def listed_notes(notes: Notes) -> list[tuple[str, str]]:
    """(mark, text) of every footnote, symbols before letters.

    >>> listed_notes(Notes(texts={"Pilot.": "a", "Imputed.": "†"}))
    [('†', 'Imputed.'), ('a', 'Pilot.')]
    """
    order = SYMBOLS + LETTERS
    return sorted(((mark, text) for text, mark in notes.texts.items()), key=lambda note: order.index(note[0]))
