"""An Excel workbook with one sheet a table, as candidate rows.

Only what stands in the cells is taken: a formula, an error, a date or a percentage format in a number would
be a guess, and is a fault that names the sheet and the cell.
"""

from __future__ import annotations

import datetime
import zipfile
from pathlib import Path
from typing import Any

from trialpool.contracts import TABLES, Table
from trialpool.errors import Fault, InputError, nearest
from trialpool.evidence.read import header_faults
from trialpool.exchange.candidates import Candidates, Row

WORKBOOKS = (".xlsx", ".xlsm", ".xltx", ".xltm")
LARGEST_BYTES = 500_000_000  # unpacked; a small file that unpacks to more is no table of trials


def import_workbook(path: str | Path) -> Candidates:
    """Candidate rows of a workbook whose sheets are named as the codebook's tables.

    Sheets with other names are left out with a remark, absent ones become empty tables. Raises InputError
    for a file that is no workbook, for columns that the codebook does not know, and for cells whose value
    Excel does not hold as typed.

    >>> import tempfile
    >>> from openpyxl import Workbook
    >>> book = Workbook()
    >>> book.active.title = "Studies"
    >>> book.active.append(TABLES["studies"].names)
    >>> book.active.append(["Ho2020"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     book.save(f"{folder}/book.xlsx")
    ...     import_workbook(f"{folder}/book.xlsx").rows["studies"][0]["study_id"]
    'Ho2020'
    """
    path = Path(path)
    sheets = _sheets(path)
    rows: dict[str, list[Row]] = {}
    remarks, faults = [], []
    for name, cells in sheets.items():
        table = TABLES.get(name.strip().casefold().removesuffix(".csv").replace(" ", "_"))
        if table is None or table.name in rows:
            near = nearest(name, TABLES)
            hint = f" (did you mean '{near}'?)" if near and table is None else ""
            remarks.append(f"The sheet {name!r} is not a table of the codebook{hint}: left out.")
            continue
        rows[table.name], found = _table(path.name, name, cells, table)
        faults += found
    if faults:
        raise InputError(faults)
    if not rows:
        remedy = f"name the sheets {', '.join(TABLES)}"
        raise InputError([Fault(str(path), None, "", "", "no sheet is a table of the codebook", remedy)])
    remarks += [f"There is no sheet {name!r}: its table is empty." for name in TABLES if name not in rows]
    return Candidates(f"the workbook {path.name}", rows, remarks)


def _sheets(path: Path) -> dict[str, list[list[Any]]]:
    """The cells of every sheet; formulas as they stand, not their last results."""
    from openpyxl import load_workbook

    broken = Fault(str(path), None, "", "", "the file is not an Excel workbook", "save it as .xlsx")
    if path.suffix.lower() not in WORKBOOKS and path.is_file():
        raise InputError([broken])
    try:
        if sum(entry.file_size for entry in zipfile.ZipFile(path).infolist()) > LARGEST_BYTES:
            raise InputError([broken])
        book = load_workbook(path, data_only=False)
        return {sheet.title: [list(row) for row in sheet.iter_rows()] for sheet in book.worksheets}
    except OSError:
        raise
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, SyntaxError, EOFError):
        raise InputError([broken]) from None


def _table(file: str, sheet: str, cells: list[list[Any]], table: Table) -> tuple[list[Row], list[Fault]]:
    header = [str(cell.value).strip() if cell.value is not None else "" for cell in (cells or [[]])[0]]
    faults = list(header_faults(f"{file}, sheet {sheet}", header, table))
    numbers = {column.name for column in table.columns if column.is_number}
    rows = []
    for line in cells[1:]:
        row: Row = {}
        for name, cell in zip(header, line, strict=False):
            if name in table.names:
                text, problem = cell_text(cell.value, cell.data_type, cell.number_format, name in numbers)
                if problem:
                    place = f"{file}, sheet {sheet}, cell {cell.coordinate}"
                    faults.append(Fault(place, None, name, str(cell.value), problem, "type the value itself"))
                row[name] = text
        if any(row.values()):
            rows.append(row)
    return rows, faults


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
    if kind == "f":
        return "", "a formula"
    if kind == "e":
        return "", "an error of Excel"
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        return "", "stored as a date, which Excel makes of numbers such as 1-2"
    if isinstance(value, bool):
        return "", "stored as true or false"
    if isinstance(value, int | float):
        if is_number and "%" in number_format:
            return "", "shown as a percentage, stored as a fraction"
        return f"{value:.15g}", ""
    return str(value).strip(), ""
