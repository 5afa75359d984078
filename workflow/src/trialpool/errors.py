"""One way to say what is wrong with somebody's input: where, which value, and what to do about it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SHOWN_VALUE_LENGTH = 60
LISTED = 6  # rows, and other values, of a fault that stands in many cells


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
    """All faults found in the input at once; its text is a line a fault, one of many cells told once."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        noun = "fault" if len(self.faults) == 1 else "faults"
        lines = [f"{len(self.faults)} {noun} in the input:", *(f"  {line}" for line in told(self.faults))]
        super().__init__("\n".join(lines))


def told(faults: Iterable[Fault]) -> list[str]:
    """Faults as lines; the same one in many cells of a column is told once, with its other rows and values.

    >>> cells = [(7, "controll"), (9, "controll"), (10, "contrl")]
    >>> print(*told(Fault("a.csv", row, "role", cell, "not a role", "write it out") for row, cell in cells))
    a.csv, row 7, column role: 'controll' is not a role. To mend: write it out. Also row 9; row 10 ('contrl').
    """
    alike: dict[tuple[str, ...], list[Fault]] = {}
    for fault in faults:
        own = re.split(r"['\d(]", fault.problem)[0] if fault.row else str(fault)
        alike.setdefault((fault.file, fault.column, own), []).append(fault)
    return [str(first) + _also(first.value, others) for first, *others in alike.values()]


def _also(value: str, others: Sequence[Fault]) -> str:
    """Where else a fault stands: the rows of its value, then those of other values."""
    rows: dict[str, list[int]] = {}
    for other in others:
        if other.row:
            rows.setdefault(other.value, []).append(other.row)
    own = ((value, rows.pop(value)),) if value in rows else ()
    parts = [
        row_words(found) + (f" ({shown(each)})" if each != value else "")
        for each, found in (*own, *rows.items())
    ]
    if len(parts) > LISTED:
        left = sum(map(len, [*rows.values()][LISTED - len(own) :]))
        parts = [*parts[:LISTED], f"{left} more cell{'s' * (left > 1)}"]
    return f" Also {'; '.join(parts)}." if parts else ""


def row_words(numbers: Iterable[int]) -> str:
    """Rows in words, the first few of them by number, neighbours together.

    >>> row_words([4]), row_words([4, 5, 6, 9]), row_words([*range(2, 60, 2)])
    ('row 4', 'rows 4–6, 9', 'rows 2, 4, 6, 8, 10, 12 and 23 more')
    """
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = [str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs[:LISTED]]
    left = sum(map(len, runs[LISTED:]))
    more = f" and {left} more" if left else ""
    return f"row{'s' * (sum(map(len, runs)) > 1)} {', '.join(words)}{more}"


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
