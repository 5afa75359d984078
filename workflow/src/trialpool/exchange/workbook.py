"""An Excel workbook with one sheet a table, as candidate rows.

Only what stands in the cells is taken: a formula, an error, a date or a percentage format in a number would
be a guess, and is a fault that names the sheet and the cell.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from trialpool.contracts import EVIDENCE, TABLES, Table
from trialpool.errors import Fault, InputError, nearest
from trialpool.evidence.read import header_faults
from trialpool.exchange.candidates import Asked, Candidates, Row

WORKBOOKS = (".xlsx", ".xlsm", ".xltx", ".xltm")
LARGEST_BYTES = 500_000_000  # unpacked; a small file that unpacks to more is no table of trials
REFUSED = {  # by openpyxl's data types
    **{"f": "a formula", "e": "an error of Excel", "b": "stored as true or false"},
    "d": "stored as a date, which Excel makes of numbers such as 1-2",
}


def import_workbook(path: str | Path) -> Candidates:
    """Candidate rows of a workbook whose sheets are named as the codebook's tables.

    Sheets with other names are left out with a remark, absent ones become empty tables. Raises InputError
    for a file that is no workbook, for columns that the codebook does not know, and for cells whose value
    Excel does not hold as typed.
    """
    path = Path(path)
    rows: dict[str, list[Row]] = {}
    remarks, faults = [], []
    for sheet in sheets(path):
        name = sheet.title
        table = EVIDENCE.get(name.strip().casefold().removesuffix(".csv").replace(" ", "_"))
        if table is None or table.name in rows:
            near = nearest(name, EVIDENCE)
            hint = f" (did you mean '{near}'?)" if near and table is None else ""
            remarks.append(f"The sheet {name!r} is not a table of the codebook{hint}: left out.")
            continue
        rows[table.name], found = _table(path.name, sheet, table)
        faults += found
        remarks += [f"The sheet {name!r} {remark}." for remark in _unseen(sheet)]
    if faults:
        raise InputError(faults)
    if not rows:
        remedy = f"name the sheets {', '.join(EVIDENCE)}"
        raise InputError([Fault(str(path), None, "", "", "no sheet is a table of the codebook", remedy)])
    remarks += [f"There is no sheet {name!r}: its table is empty." for name in TABLES if name not in rows]
    return Candidates(f"the workbook {path.name}", rows, remarks, asked=Asked(rows=rows))


def sheets(path: Path, *, values: bool = False) -> list[Any]:
    """The sheets of a workbook; formulas as they stand, or with `values` their last results."""
    from openpyxl import load_workbook

    broken = Fault(str(path), None, "", "", "the file is not an Excel workbook", "save it as .xlsx")
    if path.suffix.lower() not in WORKBOOKS and path.is_file():
        raise InputError([broken])
    content = path.read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST_BYTES:
                raise InputError([broken])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and links, which are not read
            return list(load_workbook(io.BytesIO(content), data_only=values).worksheets)
    except Exception:  # whatever a damaged archive leads its readers to
        raise InputError([broken]) from None


def _table(file: str, sheet: Any, table: Table) -> tuple[list[Row], list[Fault]]:
    place = f"{file}, sheet {sheet.title}"
    header = _header(sheet)
    faults = list(header_faults(place, header, table))
    for merged in sheet.merged_cells.ranges:
        problem, remedy = "the cells are merged, only the first has the value", "unmerge and fill in each"
        if any(header[merged.min_col - 1 : merged.max_col]):
            faults.append(Fault(f"{place}, cells {merged.coord}", None, "", "", problem, remedy))
    numbers = {column.name for column in table.columns if column.is_number}
    rows = []
    for line in sheet.iter_rows(min_row=2):
        row: Row = {}
        for name, cell in zip(header, line, strict=False):
            if name in table.names:
                text, problem = cell_text(cell.value, cell.data_type, cell.number_format, name in numbers)
                if problem:
                    value = str(getattr(cell.value, "text", cell.value))  # as of a formula of several cells
                    at = f"{place}, cell {cell.coordinate}"
                    faults.append(Fault(at, None, name, value, problem, "type the value itself"))
                row[name] = text
        if any(row.values()):
            rows.append(row)
    return rows, faults


def _header(sheet: Any) -> list[str]:
    return ["" if cell.value is None else str(cell.value).strip() for cell in next(sheet.iter_rows(), ())]


def _unseen(sheet: Any) -> Iterator[str]:
    """What a person may not know of a sheet: hidden or struck-through cells, cells beside the table."""
    if sheet.sheet_state != "visible":
        yield "is hidden in Excel; it was imported"
    for what, lines in (("row", sheet.row_dimensions), ("column", sheet.column_dimensions)):
        if hidden := [str(key) for key, line in lines.items() if line.hidden]:
            yield f"has hidden {what}s, which were imported: {', '.join(hidden)}"
    header = _header(sheet)
    cells = chain.from_iterable(zip(header, line, strict=True) for line in sheet.iter_rows(min_row=2))
    filled = [(name, cell) for name, cell in cells if cell.value is not None]
    if struck := [cell.coordinate for name, cell in filled if name and cell.font.strike]:
        yield f"has struck-through cells, which were imported: {', '.join(struck)}"
    if beside := [f"{cell.coordinate} {str(cell.value)[:60]!r}" for name, cell in filled if not name]:
        yield f"has cells beside the table, which were left out: {', '.join(beside)}"


def cell_text(value: Any, kind: str, number_format: str, is_number: bool) -> tuple[str, str]:
    """A cell's value as typed, and what is wrong with it ("" if nothing).

    Excel keeps 15 significant digits; more are noise of its binary storage.

    >>> cell_text(0.1 + 0.2, "n", "General", True), cell_text(12.0, "n", "0", True)
    (('0.3', ''), ('12', ''))
    >>> cell_text("=A1", "f", "General", True), cell_text(0.5, "n", "0%", True)
    (('', 'a formula'), ('', 'shown as a percentage, stored as a fraction'))
    """
    if value is None:
        return "", ""
    if kind in REFUSED:
        return "", REFUSED[kind]
    if isinstance(value, int | float):
        if is_number and "%" in number_format:
            return "", "shown as a percentage, stored as a fraction"
        return f"{value:.15g}", ""
    return str(value).strip(), ""
