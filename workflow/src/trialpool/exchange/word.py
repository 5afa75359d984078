"""Word documents that are the same bytes at every writing: no clock and no name of a person in them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trialpool.io import write_bytes

EPOCH = datetime(1980, 1, 1, tzinfo=UTC)  # the earliest date that a ZIP archive can hold
SMALL = 8  # points, in a table


def new_document(title: str, *, landscape: bool = False) -> Any:
    """An empty A4 document with a title, upright or landscape, as python-docx has it."""
    from docx import Document
    from docx.enum.section import WD_ORIENT
    from docx.shared import Mm

    document = Document()
    section = document.sections[0]
    sides = Mm(297), Mm(210)
    section.page_width, section.page_height = sides if landscape else sides[::-1]
    section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    section.left_margin = section.right_margin = Mm(15)
    section.top_margin = section.bottom_margin = Mm(15)
    about = document.core_properties
    about.author, about.last_modified_by, about.comments = "Trialpool", "", ""
    about.title, about.created, about.modified, about.revision = title, EPOCH, EPOCH, 1
    document.add_heading(title, 1)
    return document


def add_table(document: Any, head: Sequence[str], widths: Sequence[float]) -> Any:
    """A table with a head that is repeated on every page; `widths` in millimetres."""
    from docx.oxml import OxmlElement
    from docx.shared import Mm

    table = document.add_table(rows=1, cols=len(head), style="Table Grid")
    table.autofit = False
    repeated = OxmlElement("w:tblHeader")
    table.rows[0]._tr.get_or_add_trPr().append(repeated)
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)
    for cell, text in zip(table.rows[0].cells, head, strict=True):
        write_cell(cell, text, bold=True)
    return table


def add_row(table: Any, texts: Sequence[str]) -> Any:
    """A further row of a table, with these texts."""
    cells = table.add_row().cells
    for cell, text in zip(cells, texts, strict=True):
        write_cell(cell, text)
    return cells


def write_cell(cell: Any, text: str, *, bold: bool = False, raised: str = "") -> None:
    """A text in a cell of a table, `raised` (marks of footnotes) behind it."""
    from docx.shared import Pt

    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(0)
    for part, above in ((text, False), (raised, True)):
        if part:
            run = paragraph.add_run(part)
            run.font.size, run.bold, run.font.superscript = Pt(SMALL), bold, above


def save_document(document: Any, path: str | Path) -> None:
    """Write a document, whole or not at all, its parts in a fixed order with a fixed date."""
    written = io.BytesIO()
    document.save(written)
    fixed = io.BytesIO()
    with zipfile.ZipFile(written) as parts, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in parts.namelist():
            entry = zipfile.ZipInfo(name, EPOCH.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, parts.read(name))
    write_bytes(path, fixed.getvalue())
