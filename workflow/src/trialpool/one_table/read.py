"""A file of one table (CSV, TSV, Excel, parquet) in, its cells as text with the rows they stand in out.

What a spreadsheet does without harm is accepted: semicolons with decimal commas, a title in two rows, blank
rows. Where a comma may mean a thousand or a decimal, that is asked, not guessed.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd

from trialpool.errors import Fault, InputError, row_words, suggestion
from trialpool.yaml_files import shipped

WORKBOOKS = (".xlsx", ".xlsm")
OTHERS = {".xls": "save it as .xlsx or as CSV", ".ods": "save it as .xlsx or as CSV"}
OTHERS |= {
    ".jasp": "export its data as CSV",
    ".rda": "write it with write.csv()",
    ".rds": "write it with write.csv()",
}
OTHERS |= {".rm5": "run: trialpool import revman"}
SEPARATORS = (";", "\t", ",", "|")
MISSING = frozenset(shipped("headings")["missing"])
WITH_COMMA = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?")
WITH_POINT = re.compile(r"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?")
COMMA_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
POINT_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?")
GROUPED = re.compile(r"(?<=\d)[ \u00a0\u202f'’](?=\d{3}(?:\D|$))")  # 12 867 and 12'867


@dataclass(frozen=True, eq=False)
class Table:
    """A table: `cells` as text, indexed by the rows of the file (the heading is row 1).

    `decimal` is the sign that its numbers have ("" where none has one), `remarks` what was done to read it.
    """

    name: str
    cells: pd.DataFrame
    decimal: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def headings(self) -> list[str]:
        """The names of the columns."""
        return list(self.cells)

    def refuse(self, problem: str, remedy: str, row: int | None = None, column: str = "") -> NoReturn:
        """Say what is wrong with the table."""
        raise InputError([Fault(self.name, row, column, "", problem, remedy)])

    def column(self, heading: str, option: str) -> str:
        """A heading that an option names, capitals aside; InputError for one that is not there."""
        known = {each.casefold(): each for each in self.headings}
        if heading.casefold() not in known:
            problem = f"no column is called {heading!r}, which {option} names"
            self.refuse(problem, suggestion(heading, self.headings))
        return known[heading.casefold()]

    def numbers(self, heading: str, *, whole: bool = False) -> pd.Series:
        """A column as numbers, missing cells NaN; `whole` are counts.

        Raises InputError with every cell that is none.
        """
        values, faults = {}, []
        for row, text in self.cells[heading].items():
            value = number(text, self.decimal, whole)
            if isinstance(value, float):
                values[row] = value
            else:
                faults.append(Fault(self.name, int(str(row)), heading, text, *value))
        if faults:
            raise InputError(faults)
        return pd.Series(values, dtype=float)

    def typed(self) -> pd.DataFrame:
        """All columns, those of numbers as such; what is missing is None or NaN."""
        columns: dict[str, Any] = {}
        for heading, cells in self.cells.items():
            found = [number(text, self.decimal) for text in cells]
            if all(isinstance(value, float) for value in found):
                whole = all(value == value // 1 for value in found if isinstance(value, float))
                columns[str(heading)] = pd.array(found, dtype=int if whole else float)
            else:
                columns[str(heading)] = [None if is_missing(text) else text for text in cells]
        return pd.DataFrame(columns, index=self.cells.index)

    def only(self, entries: Sequence[str]) -> Table:
        """The rows that hold what `--where` says, such as "Subgroup=adults"."""
        cells = self.cells
        for entry in entries:
            name, sign, value = entry.partition("=")
            if not sign:
                self.refuse(f"--where {entry!r} is not COLUMN=VALUE", "write such as --where 'outcome=death'")
            column = cells[self.column(name.strip(), "--where")]
            kept = cells[column.str.casefold() == value.strip().casefold()]
            if kept.empty:
                self.refuse(
                    f"no row has {value.strip()!r} in {name.strip()}", suggestion(value, column.unique())
                )
            cells = kept
        return replace(self, cells=cells)


def is_missing(text: str) -> bool:
    """Whether a cell says that nothing is known."""
    return text.casefold() in MISSING


def number(text: str, decimal: str, whole: bool = False) -> float | tuple[str, str]:
    """The number of a cell, NaN where it is missing; else what is wrong with it, and what to do.

    >>> number("0,33", ","), number("12 867", "."), number("1,060", ".", whole=True)
    (0.33, 12867.0, 1060.0)
    >>> number("1,060", "")[1]
    'write 1060, or 1.060 if the comma is a decimal point'
    """
    if is_missing(text):
        return math.nan
    plain = GROUPED.sub("", text.replace("−", "-").replace("–", "-"))
    if decimal == "," and POINT_THOUSANDS.fullmatch(plain):
        plain = plain.replace(".", "")
    elif decimal != "," and COMMA_THOUSANDS.fullmatch(plain):
        thousands = plain.replace(",", "")
        if not (decimal or whole or plain.count(",") > 1 or "." in plain):
            either = f"write {thousands}, or {plain.replace(',', '.')} if the comma is a decimal point"
            return "a number of two meanings", either
        plain = thousands
    try:
        value = float(plain.replace(",", "."))
    except ValueError:
        return "not a number", "write one number in the cell, or leave it empty if nothing is known"
    return value if math.isfinite(value) else ("not a finite number", "leave it empty if nothing is known")


def read_table(path: str | Path, sheet: str = "") -> Table:
    """The table in a file, by its ending; of a workbook the first `sheet` unless one is named.

    Raises InputError for what is no table.
    """
    file = Path(path)
    if not file.is_file():
        reason = "it is a folder" if file.is_dir() else "the file does not exist"
        raise InputError([Fault(str(path), None, "", "", reason, "name a file with one table")])
    ending = file.suffix.lower()
    if ending in OTHERS:
        raise InputError([Fault(str(path), None, "", "", f"{ending} is not read", OTHERS[ending])])
    if sheet and ending not in WORKBOOKS:
        problem, remedy = f"--sheet {sheet!r} names a sheet, and this is no workbook", "leave out --sheet"
        raise InputError([Fault(str(path), None, "", "", problem, remedy)])
    remarks: list[str] = []
    if ending == ".parquet":
        records = _of_frame(pd.read_parquet(file))
    elif ending in WORKBOOKS:
        records, remarks = _of_workbook(file, sheet)
    else:
        records, remarks = _of_text(file.name, file.read_bytes())
    return _table(file.name, records, remarks)


Records = list[tuple[int, list[str]]]  # the number of each row and its cells


def _of_frame(frame: pd.DataFrame) -> Records:
    rows = [list(map(str, frame)), *frame.astype(object).where(frame.notna(), "").to_numpy().tolist()]
    return [(at, [_text(value) for value in row]) for at, row in enumerate(rows, 1)]


def _text(value: Any) -> str:
    """A cell that is not text as it would be typed."""
    if isinstance(value, float):
        return f"{value:.15g}"
    return "" if value is None else str(value).strip()


def _of_workbook(file: Path, sheet: str) -> tuple[Records, list[str]]:
    from trialpool.exchange.workbook import sheets

    known = {each.title: each for each in sheets(file, values=True)}
    filled = [name for name, each in known.items() if each.max_row > 1]
    if sheet and sheet not in known:
        problem = f"no sheet is called {sheet!r}"
        raise InputError([Fault(file.name, None, "", "", problem, suggestion(sheet, known))])
    name = sheet or next(iter(filled or known))
    others = [each for each in filled if each != name]
    said = f"The sheet {name!r} is read; --sheet takes another: {', '.join(others)}."
    rows = enumerate(known[name].iter_rows(values_only=True), 1)
    return [(at, [_text(value) for value in row]) for at, row in rows], [said] if others and not sheet else []


def _of_text(name: str, content: bytes) -> tuple[Records, list[str]]:
    """Rows of a text file; the separator is that of which its first row has most."""
    remarks = []
    if content[:2] == b"PK":
        raise InputError([Fault(name, None, "", "", "it is a workbook by another name", "call it .xlsx")])
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
        remarks.append("The file is not UTF-8: it is read as Windows-1252; check accents.")
    first = re.sub(r'"[^"]*"', "", next((line for line in text.splitlines() if line.strip()), ""))
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        return [(at, [cell.strip() for cell in row]) for at, row in enumerate(reader, 1)], remarks
    except csv.Error as error:
        raise InputError([Fault(name, reader.line_num, "", "", str(error), "save it as CSV anew")]) from None


def _table(name: str, records: Records, remarks: list[str]) -> Table:
    """The cells under their headings; blank rows, and nameless columns without a cell, are none."""
    records = [(at, row) for at, row in records if any(row)]
    if len(records) < 2:
        raise InputError([Fault(name, None, "", "", "the file has no rows below a heading", "write some")])
    (_, heading), (_, second), *_ = records
    width = max(at for at, cell in enumerate(heading) if cell) + 1
    rows = records[1:]
    if _two_rows(heading, second):
        over = [next(filter(None, reversed(heading[: at + 1])), "") for at in range(len(second))]
        heading = [f"{upper} {lower}".strip() for upper, lower in zip(over, second, strict=True)]
        width, rows = len(heading), records[2:]
        remarks = [*remarks, "The first two rows are read as one heading."]
    names = _told_apart([cell or f"column {at}" for at, cell in enumerate(heading[:width], 1)])
    for at, row in rows:
        if any(row[width:]):
            problem = f"the row has {len(row)} cells where the heading has {width}"
            remedy = "put cells that hold the separator in quotes"
            raise InputError([Fault(name, at, "", "", problem, remedy)])
    remarks = [*remarks, *_short(name, names, rows)]
    cells = [(row + [""] * width)[:width] for _, row in rows]
    frame = pd.DataFrame(cells, index=[at for at, _ in rows], columns=names, dtype=object)
    return Table(name, frame, _decimal(cell for row in cells for cell in row), tuple(remarks))


def _short(name: str, names: Sequence[str], rows: Records) -> list[str]:
    """What is said of rows that end before the heading does, as spreadsheets write them.

    InputError where a number may be missing there, or have slipped into another column.
    """
    width = len(names)
    short = [(at, row) for at, row in rows if len(row) < width]
    first = min((len(row) for _, row in short), default=width)
    of_numbers = [
        place
        for place in range(first, width)
        if any(
            row[place] and isinstance(number(row[place], ""), float) for _, row in rows if len(row) > place
        )
    ]
    remedy = "write the separators of its empty cells too, if none is missing"
    faults = [
        Fault(name, at, "", "", f"the row has {len(row)} cells where the heading has {width}", remedy)
        for at, row in short
        if any(place >= len(row) for place in of_numbers)
    ]
    if faults:
        raise InputError(faults)
    return (
        [f"Cells missing at the end are taken as empty: {row_words(at for at, _ in short)}."] if short else []
    )


def _two_rows(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether a heading has its groups in one row and what stands in them in the next."""
    gaps = len(second) > sum(map(bool, first)) + 1
    words = [cell for cell in second if cell]
    return gaps and len(words) > 2 and not any(isinstance(number(cell, ""), float) for cell in words)


def _told_apart(names: Sequence[str]) -> list[str]:
    """Headings that stand twice with a number each: of two columns "Events" the first is of the first arm."""
    counts, seen, found = Counter(names), Counter[str](), []
    for name in names:
        seen[name] += 1
        found.append(f"{name} {seen[name]}" if counts[name] > 1 else name)
    return found


def _decimal(cells: Iterable[str]) -> str:
    """The decimal sign of a table, as far as its numbers say."""
    listed = list(cells)
    if any(WITH_POINT.fullmatch(cell) and not POINT_THOUSANDS.fullmatch(cell) for cell in listed):
        return "."
    certain = any(WITH_COMMA.fullmatch(cell) and not COMMA_THOUSANDS.fullmatch(cell) for cell in listed)
    return "," if certain else ""
