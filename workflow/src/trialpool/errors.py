"""One way to say what is wrong with somebody's input: where, which value, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

SHOWN_VALUE_LENGTH = 60


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong with an input file.

    `row` is the record's number in the file, the header being row 1; `file`, `column` and `value` are
    empty where they do not apply.

    >>> print(Fault("arms.csv", 7, "role", "controll", "not one of: control, experimental", "correct it"))
    arms.csv, row 7, column role: 'controll' is not one of: control, experimental. To mend: correct it.
    """

    file: str
    row: int | None
    column: str
    value: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        row = "" if self.row is None else f"row {self.row}"
        where = ", ".join(filter(None, (self.file, row, self.column and f"column {self.column}")))
        problem = f"{shown(self.value)} is {self.problem}" if self.value else self.problem
        return f"{where}: {problem}. To mend: {self.remedy}."


class InputError(Exception):
    """All faults found in the input at once; its text is one line a fault."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        noun = "fault" if len(self.faults) == 1 else "faults"
        lines = [f"{len(self.faults)} {noun} in the input:", *(f"  {fault}" for fault in self.faults)]
        super().__init__("\n".join(lines))


def shown(value: str) -> str:
    """Quote a value for a message: on one line, shortened, control characters escaped.

    >>> shown("line\\nfeed"), shown("a" * 100)[-5:]
    ("'line\\\\nfeed'", "aaa…'")
    """
    text = value if len(value) <= SHOWN_VALUE_LENGTH else value[: SHOWN_VALUE_LENGTH - 1] + "…"
    return repr(text)


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The known word most like `word` ("" if none is), also where they differ; capitals and spaces aside.

    >>> nearest("Light therapy", ["sham", "light_therapy"]), nearest("QOL_UNSPECIFIED", ["NCV_UNSPECIFIED"])
    ('light_therapy', '')
    """
    folded = {entry.casefold().replace(" ", "_"): entry for entry in known}
    code = word.casefold().strip().replace(" ", "_")[:100]
    near = difflib.get_close_matches(code, folded, n=3, cutoff=cutoff)
    return next((folded[entry] for entry in near if _alike(code.split("_"), entry.split("_"), cutoff)), "")


def _alike(one: list[str], other: list[str], cutoff: float) -> bool:
    """Whether the parts that only one of two codes has are alike too, where each has some."""
    first = "".join(part for part in one if part not in other)
    second = "".join(part for part in other if part not in one)
    return not (first and second) or difflib.SequenceMatcher(None, first, second).ratio() >= cutoff


def suggestion(word: str, known: Iterable[str]) -> str:
    """The remedy for a word that is none of the known ones.

    >>> suggestion("lowr", ["lower", "higher"]), suggestion("x", ["lower", "higher"])
    ("did you mean 'lower'", 'use one of: lower, higher')
    """
    known = list(known)
    near = nearest(word, known, 0.5)
    listed = f"use one of: {', '.join(known)}" if known else "remove it: there is none to choose from"
    return f"did you mean '{near}'" if near else listed
