"""Strict reading of one evidence table: bytes to cells of text, every slip of form named with its place.

What spreadsheets do without harm is accepted: a byte-order mark, CRLF, blank rows, space around a cell,
columns in another order. What could change a number or shift a column is a fault.
"""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trialpool.contracts import Table
from trialpool.errors import SHOWN_VALUE_LENGTH, Fault, nearest, shown

BYTE_ORDER_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
TOO_LONG = "line too long"
COMMAS = 'put cells that contain a comma in "…", and write decimal points, not commas'
LARGEST_FILE = 2**29  # bytes; the memory that reading takes is a few times that
LONGEST_LINE = 2**24  # characters; a line of nothing but commas takes sixty times its size in memory
SAVE_AS = "save it as 'CSV UTF-8 (comma delimited)'"


@dataclass(frozen=True, slots=True)
class RawTable:
    """The cells of one file as text.

    `cells` maps each codebook column to its cells (stripped, "" = empty), `rows` holds the record number of
    each (header = 1), `ragged` the record numbers of rows whose cells do not line up with the header,
    `absent` the columns that the file lacks and must have. An unreadable file has no rows and lacks every
    column.
    """

    file: str
    cells: dict[str, list[str]]
    rows: list[int]
    ragged: frozenset[int]
    absent: frozenset[str]
    faults: tuple[Fault, ...]


def read_raw(path: str | Path, table: Table) -> RawTable:
    """Read the file of one table; never raises for what a person may have done to the file.

    >>> from trialpool.contracts import ARMS
    >>> print(read_raw("data/arms.csv", ARMS).faults[0])
    data/arms.csv: the file does not exist. To mend: add it; a table without rows still needs its header row.
    """
    file = str(path)
    try:
        if (size := Path(path).stat().st_size) > LARGEST_FILE:
            problem = f"the file has {size:,} bytes, more than {LARGEST_FILE:,}"
            return _unreadable(file, table, Fault(file, None, "", "", problem, "split it into two folders"))
        content = Path(path).read_bytes()
    except OSError as error:
        return _unreadable(file, table, _missing_file(Path(path), error))
    fault, text = _decode(file, content)
    if fault:
        return _unreadable(file, table, fault)
    records, fault = _records(file, text)
    if not records:
        header = ",".join(table.names)
        empty = Fault(file, 1, "", "", "the file is empty", f"begin it with the header row: {header}")
        return _unreadable(file, table, fault or empty)
    faults, places = _header(file, records[0], table)
    if fault:  # everything after a quote that never closes is one cell: no use in judging it
        return _unreadable(file, table, fault)
    if not places:
        return _unreadable(file, table, *faults)
    return _table(file, records, places, table, faults)


def _unreadable(file: str, table: Table, *faults: Fault) -> RawTable:
    return RawTable(
        file, {name: [] for name in table.names}, [], frozenset(), frozenset(table.names), tuple(faults)
    )


def _missing_file(path: Path, error: OSError) -> Fault:
    if path.exists():
        reason = "it is a folder" if path.is_dir() else error.strerror or "no access"
        return Fault(
            str(path), None, "", "", f"the file cannot be read ({reason})", "put a readable file there"
        )
    others = [entry.name for entry in path.parent.glob("*")] if path.parent.is_dir() else []
    near = nearest(path.name, [name for name in others if name != path.name], 0.8)
    remedy = f"rename '{near}'" if near else "add it; a table without rows still needs its header row"
    return Fault(str(path), None, "", "", "the file does not exist", remedy)


def _decode(file: str, content: bytes) -> tuple[Fault | None, str]:
    if content[:2] in BYTE_ORDER_MARKS:
        return Fault(file, None, "", "", "the file is UTF-16, not UTF-8", SAVE_AS), ""
    if content[:2] == b"PK" or b"\x00" in content:
        return Fault(file, None, "", "", "the file is not text (a workbook?)", f"open it and {SAVE_AS}"), ""
    try:
        return None, content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        start = max(content.rfind(b"\n", 0, error.start), content.rfind(b",", 0, error.start)) + 1
        cell = content[start : error.start + 20].decode("latin-1").split(",")[0].split("\n")[0]
        problem = f"the file is not UTF-8 (byte 0x{content[error.start]:02x} near {cell!r})"
        return Fault(file, row, "", "", problem, f"{SAVE_AS}, then check the accents and signs"), ""


def _records(file: str, text: str) -> tuple[list[list[str]], Fault | None]:
    limit = csv.field_size_limit(sys.maxsize)  # the length of a cell is judged later, with its column's name
    records: list[list[str]] = []
    try:
        for record in csv.reader(_lines(text), strict=True):
            records.append(record)
    except csv.Error as error:
        row = len(records) + 1
        if TOO_LONG in str(error):
            remedy = "keep text to what its column is for"
            return [], Fault(file, row, "", "", f"a line has more than {LONGEST_LINE:,} characters", remedy)
        remedy = 'put cells with commas or quotes in "…" and double every quote inside'
        return records, Fault(file, row, "", "", f"a quoted cell is not closed properly ({error})", remedy)
    finally:
        csv.field_size_limit(limit)
    return records, None


def _lines(text: str) -> Iterator[str]:
    """The lines of a text; a line beyond all measure stops the reader before it is taken apart."""
    for line in io.StringIO(text, newline=""):
        if len(line) > LONGEST_LINE:
            raise csv.Error(TOO_LONG)
        yield line


def _header(file: str, header: Sequence[str], table: Table) -> tuple[list[Fault], dict[str, int]]:
    """Faults of the header row, and the position of every known column."""
    names = [name.strip() for name in header]
    known = table.names
    places = {name: names.index(name) for name in known if name in names}
    sign = next((sign for sign in ";\t|" if sign in "".join(names)), "")
    if not places or (len(names) == 1 and len(known) > 1):
        signs = {";": "semicolons", "\t": "tabs", "|": "bars"}.get(sign, "")
        problem = f"the cells are separated by {signs}" if signs else "the header row names no known column"
        remedy = "separate them by commas (and write decimal points)" if signs else f"use: {','.join(known)}"
        return [Fault(file, 1, "", "", problem, remedy)], {}
    faults = []
    lacking = [column for column in table.columns if column.name not in names]
    missing = [column.name for column in lacking if not column.optional]
    for name, count in Counter(names).items():
        if name in places:
            if count > 1:
                faults.append(
                    Fault(file, 1, name, "", f"the column stands {count} times", "keep one of them")
                )
        elif name or count > _surplus(names):
            near = nearest(name, [column.name for column in lacking])
            remedy = f"rename it to '{near}'" if near else "remove it; remarks belong into a note column"
            column = name if name.isprintable() and len(name) <= SHOWN_VALUE_LENGTH else ""
            faults.append(
                Fault(file, 1, column, "", f"the column {shown(name)} is not in the codebook", remedy)
            )
    faults += [
        Fault(file, 1, name, "", "the column is missing", "add it to the header row") for name in missing
    ]
    return faults, places


def _surplus(names: Sequence[str]) -> int:
    """How many nameless columns stand at the end of the header, as spreadsheets leave them."""
    named = [index for index, name in enumerate(names) if name]
    return len(names) - 1 - named[-1]


def _table(
    file: str, records: list[list[str]], places: dict[str, int], table: Table, faults: list[Fault]
) -> RawTable:
    width = len(records[0])
    named = max(index for index, name in enumerate(records[0]) if name.strip()) + 1
    rows, kept, ragged = [], [], set()
    for row, record in enumerate(records[1:], start=2):
        if not any(cell.strip() for cell in record):
            continue  # spreadsheets leave blank rows behind; they keep their number
        if not named <= len(record) <= width or any(cell.strip() for cell in record[named:]):
            ragged.add(row)
            problem = f"the row has {len(record)} cells where the header has {named}"
            faults.append(Fault(file, row, "", "", problem, COMMAS))
        rows.append(row)
        kept.append(record if len(record) >= width else record + [""] * (width - len(record)))
    cells = {
        name: [record[places[name]].strip() for record in kept] if name in places else [""] * len(kept)
        for name in table.names
    }
    absent = frozenset(each.name for each in table.columns if each.name not in places and not each.optional)
    return RawTable(file, cells, rows, frozenset(ragged), absent, tuple(faults))
