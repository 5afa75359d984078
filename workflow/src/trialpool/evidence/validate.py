"""Cells and rows of the evidence in, typed frames and a fault for everything wrong with them out.

Cells are judged column by column (presence, length, vocabulary, form, range), rows by the rules of `rules`.
Every check is a mask over a whole column, so that all faults are told at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from trialpool.contracts import FORMS, LARGEST, Column, Table
from trialpool.errors import Fault, nearest
from trialpool.evidence.csvfile import RawTable
from trialpool.evidence.rules import RULES, Rule

TEXT = pd.StringDtype("pyarrow")
FORMULA = r"^(?:=|#(?:REF|N/A|NAME\?|VALUE|DIV/0|NUM|NULL))"
CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
STRANGE = f"{FORMULA}|{CONTROL}"
SUGGESTIONS = 25  # nearest words are searched for the first faults of a rule only: it costs time
MISSING_WORDS = frozenset({"NA", "N/A", "NR", "ND", "NAN", "NULL", "NONE", "-", "--", "–", "—", ".", "?"})

Words = Mapping[str, Sequence[str]]


def text_frame(raw: RawTable) -> pd.DataFrame:
    """The cells as text (empty = <NA>), indexed by record number.

    >>> raw = RawTable("arms.csv", {"arm": ["acu", ""]}, [2, 4], frozenset(), frozenset(), ())
    >>> text_frame(raw)["arm"].isna().to_dict()
    {2: False, 4: True}
    """
    index = pd.Index(raw.rows, dtype="int64", name="row")
    columns = {name: pd.array(cells, dtype=TEXT) for name, cells in raw.cells.items()}
    frame = pd.DataFrame(columns, index=index)
    return frame.mask(frame == "") if len(frame) else frame


def _allowed(column: Column, words: Words) -> tuple[str, ...]:
    return (*column.words, *words.get(column.name, ())) if column.words else ()


def broken_text(cells: pd.Series, column: Column, words: Sequence[str]) -> Iterator[tuple[str, pd.Series]]:
    """Each check of a column's text and which cells fail it; the first one that a cell fails is its fault.

    >>> from trialpool.contracts import WEEKS
    >>> cells = pd.Series(["8", "3,5", None], dtype=TEXT)
    >>> [(check, list(cells[mask])) for check, mask in broken_text(cells, WEEKS, ()) if mask.any()]
    [('form', ['3,5'])]
    """
    form = FORMS[column.form]
    if column.required:
        yield "empty", cells.isna()
    yield "length", (cells.str.len() > form.longest).fillna(False)
    if words:
        yield "words", cells.notna() & ~cells.isin(words)
    elif form.pattern == FORMS["text"].pattern:
        yield "strange", cells.str.contains(STRANGE).fillna(False)
    else:
        yield "form", ~cells.str.fullmatch(form.pattern).fillna(True)


def broken_numbers(numbers: pd.Series, column: Column) -> Iterator[tuple[str, pd.Series]]:
    """Each check of a column's numbers and which fail it; missing ones fail none.

    >>> from trialpool.contracts import WEEKS
    >>> [mask.tolist() for check, mask in broken_numbers(pd.Series([8.0, -1.0, None]), WEEKS)]
    [[False, True, False]]
    """
    yield "range", numbers.notna() & ~numbers.between(column.low, column.high)
    if column.whole:
        yield "whole", numbers.notna() & (numbers != numbers.round())


def check_cells(raw: RawTable, table: Table, words: Words) -> tuple[pd.DataFrame, list[Fault]]:
    """Judge and convert the cells of one file.

    Returns the typed frame (numbers float64 with NaN, text with <NA>; a cell that is at fault is missing
    there, unless it is text that other rows may join on) and a fault for each cell at fault.

    >>> counts = Table("counts", (Column("n", "number"),), ())
    >>> raw = RawTable("counts.csv", {"n": ["30", "3O", ""]}, [2, 3, 4], frozenset(), frozenset(), ())
    >>> typed, faults = check_cells(raw, counts, {})
    >>> typed["n"].tolist(), [(fault.row, fault.value) for fault in faults]
    ([30.0, nan, nan], [(3, '3O')])
    """
    text = text_frame(raw)
    typed = text.copy()
    faults = []
    for column in table.columns:
        cells, allowed = text[column.name], _allowed(column, words)
        broken = _first_broken(broken_text(cells, column, allowed))
        if column.is_number:
            numbers = pd.to_numeric(cells.mask(cells.index.isin(list(broken)))).astype("float64")
            typed[column.name] = numbers.to_numpy()
            broken |= _first_broken(broken_numbers(typed[column.name], column))
        if column.name not in raw.absent:
            faults += [
                cell_fault(raw.file, row, column, check, cells.at[row], allowed)
                for row, check in broken.items()
                if row not in raw.ragged
            ]
    return typed, faults


def _first_broken(checks: Iterator[tuple[str, pd.Series]]) -> dict[int, str]:
    """The first check that each faulty row fails, by record number."""
    broken: dict[int, str] = {}
    for check, mask in checks:
        for row in mask.index[mask.to_numpy(dtype=bool)]:
            broken.setdefault(int(row), check)
    return broken


def cell_fault(
    file: str, row: int, column: Column, check: str, cell: object, words: Sequence[str] = ()
) -> Fault:
    """Word the fault of one cell.

    >>> from trialpool.contracts import WEEKS
    >>> print(cell_fault("events.csv", 4, WEEKS, "form", "3,5"))
    events.csv, row 4, column weeks: '3,5' is not a number. To mend: write a decimal point, not a comma: 3.5.
    """
    value = "" if cell is pd.NA or cell is None else str(cell)
    if check == "empty":
        return Fault(file, row, column.name, "", "the cell is empty", f"fill in {_wanted(column, words)}")
    if re.search(FORMULA, value):
        problem, remedy = "a formula or an error of a spreadsheet", "paste the value itself (as values)"
    elif re.search(CONTROL, value):
        problem, remedy = "text with an invisible control character", "type the cell anew"
    else:
        problem, remedy = _WORDING[check](value, column, words)
    return Fault(file, row, column.name, value, problem, remedy)


def _wanted(column: Column, words: Sequence[str]) -> str:
    return f"one of: {', '.join(words)}" if words else f"the {column.name} (see CODEBOOK.md)"


def _form(value: str, column: Column, words: Sequence[str]) -> tuple[str, str]:
    form = FORMS[column.form]
    if column.form in {"number", "p_value"}:
        plain = value.replace("−", "-").replace("–", "-")
        if value.upper() in MISSING_WORDS:
            return form.problem, "leave the cell empty if nothing was reported"
        if plain != value:
            return form.problem, f"write the minus sign as a hyphen: {plain}"
        if value.count(",") == 1 and value.replace(",", "").lstrip("+-<").isdigit():
            return form.problem, f"write a decimal point, not a comma: {value.replace(',', '.')}"
    return form.problem, form.remedy


def _range(value: str, column: Column, words: Sequence[str]) -> tuple[str, str]:
    if column.low > -LARGEST and column.high < LARGEST:
        return f"not between {column.low:g} and {column.high:g}", "check it against the source"
    if column.low > -LARGEST:
        return f"not {column.low:g} or more", "check it against the source"
    return "larger than anything a trial reports", "check it against the source"


OWN = ("condition", "category")  # the vocabularies to which another review adds its own words
OWN_WORD = "; for a word of your own see 'Another review' in config/README.md"

_WORDING: dict[str, Callable[[str, Column, Sequence[str]], tuple[str, str]]] = {
    "length": lambda value, column, words: (
        f"{len(value)} characters long, more than {FORMS[column.form].longest}",
        "shorten it; perhaps a whole document was pasted into the cell",
    ),
    "words": lambda value, column, words: (
        f"not one of the words for {column.name}",
        (f"write '{near}'; all words: " if (near := nearest(value, words)) else "use one of: ")
        + ", ".join(words)
        + (OWN_WORD if column.name in OWN else ""),
    ),
    "form": _form,
    "range": _range,
    "whole": lambda value, column, words: ("not a whole number", "check it against the source"),
}


def row_faults(
    tables: Mapping[str, pd.DataFrame],
    files: Mapping[str, str],
    marked: set[tuple[str, str]],
    unreadable: set[str],
) -> Iterator[Fault]:
    """The rows that break a rule, but for those with a fault already in a cell that the rule uses.

    `files` maps the label in a `row_id` to the file's path, `marked` holds (row_id, column) of cells at fault
    (column "" for a whole row), `unreadable` the tables whose key could not be read.
    """
    for name, frame in tables.items():
        for rule in RULES[name]:
            if frame.empty or unreadable & {name, *rule.needs}:
                continue
            broken = frame[~rule.holds(frame, tables).to_numpy(dtype=bool)]
            for count, row in enumerate(broken.to_dict("records")):
                if not any((row["row_id"], column) in marked for column in (*rule.uses, "")):
                    yield _row_fault(rule, row, tables, files, count)


def _row_fault(
    rule: Rule,
    row: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    files: Mapping[str, str],
    count: int,
) -> Fault:
    label, number = str(row["row_id"]).rsplit(":", 1)
    cell = row[rule.column]
    value = "" if pd.isna(cell) else f"{cell:.10g}" if isinstance(cell, float) else str(cell)
    remedy = rule.remedy
    if callable(remedy):
        remedy = remedy(row, tables) if count < SUGGESTIONS else "see the first faults of this kind"
    problem = rule.problem.format_map(row) if "{" in rule.problem else rule.problem
    return Fault(files[label], int(number), rule.column, value, problem, remedy)
