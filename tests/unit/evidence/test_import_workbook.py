"""Workbooks: the evidence as seven sheets comes back the same; what Excel does to cells is named."""

from __future__ import annotations

import datetime
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from malformed import parse, small_tables
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.formula import ArrayFormula

from trialpool.cli import main
from trialpool.contracts import TABLES
from trialpool.errors import InputError
from trialpool.evidence.read import read_evidence
from trialpool.exchange.candidates import write_candidates
from trialpool.exchange.workbook import import_workbook

CENTRE = f"{get_column_letter(TABLES['continuous'].names.index('centre') + 1)}5"  # a cell of that column


def book(path: Path, change: Any = None) -> Path:
    """The small real tables as a workbook, numbers as numbers; `change` may alter it before it is saved."""
    made = Workbook()
    made.remove(made.active)
    for table in TABLES.values():
        sheet = made.create_sheet(table.name)
        numbers = {place for place, column in enumerate(table.columns) if column.is_number}
        for line, row in enumerate(parse(small_tables()[table.file])):
            cells = [
                float(cell) if line and place in numbers and cell else cell or None
                for place, cell in enumerate(row)
            ]
            sheet.append(cells)
    if change:
        change(made)
    made.save(path)
    return path


@pytest.fixture(scope="module")
def plain_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return book(tmp_path_factory.mktemp("book") / "evidence.xlsx")


def test_the_evidence_comes_back_the_same(plain_book: Path, tmp_path: Path) -> None:
    (tmp_path / "csv").mkdir()
    for file, content in small_tables().items():
        (tmp_path / "csv" / file).write_bytes(content)
    write_candidates(import_workbook(plain_book), tmp_path / "new")
    wanted, found = read_evidence(tmp_path / "csv"), read_evidence(tmp_path / "new")
    for name in TABLES:
        pd.testing.assert_frame_equal(found[name], wanted[name])


def test_the_command_reports_what_it_wrote(plain_book: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["import", "workbook", str(plain_book), "--out", str(tmp_path / "new")])
    assert result.exit_code == 0, result.output
    assert "12  studies" in result.output
    assert "To fill in" not in result.output


@pytest.mark.parametrize(
    ("value", "number_format", "says"),
    [
        ("=B2+1", "General", "a formula"),
        (datetime.date(2020, 2, 1), "yyyy-mm-dd", "stored as a date"),
        (0.25, "0.0%", "shown as a percentage"),
        (True, "General", "true or false"),
        ("#DIV/0!", "General", "an error of Excel"),
    ],
)
def test_what_excel_made_of_a_number_is_a_fault_with_its_cell(
    tmp_path: Path, value: Any, number_format: str, says: str
) -> None:
    def change(made: Workbook) -> None:
        cell = made["continuous"][CENTRE]
        cell.value, cell.number_format = value, number_format

    with pytest.raises(InputError, match=says) as caught:
        import_workbook(book(tmp_path / "x.xlsx", change))
    (fault,) = caught.value.faults
    assert fault.file == f"x.xlsx, sheet continuous, cell {CENTRE}"
    assert fault.column == "centre"


def merge(made: Workbook) -> None:
    made["continuous"].merge_cells("H3:H4")


def test_merged_cells_are_a_fault_that_names_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only the first has the value") as caught:
        import_workbook(book(tmp_path / "x.xlsx", merge))
    assert [fault.file for fault in caught.value.faults] == ["x.xlsx, sheet continuous, cells H3:H4"]


def test_a_formula_of_several_cells_is_shown_as_it_was_typed(tmp_path: Path) -> None:
    def change(made: Workbook) -> None:
        made["continuous"][CENTRE].value = ArrayFormula(CENTRE, "=SUM(B2:B4*2)")

    with pytest.raises(InputError, match="is a formula") as caught:
        import_workbook(book(tmp_path / "x.xlsx", change))
    assert caught.value.faults[0].value == "=SUM(B2:B4*2)"


def hide(made: Workbook) -> None:
    made["events"].row_dimensions[3].hidden = True
    made["events"].column_dimensions["C"].hidden = True
    made["arms"].sheet_state = "hidden"


def strike(made: Workbook) -> None:
    made["events"]["B3"].font = Font(strike=True)


def jot(made: Workbook) -> None:
    made["events"]["Z3"].value = "check this!"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (hide, ("'events' has hidden rows, which were imported: 3", "hidden columns", "'arms' is hidden")),
        (strike, ("struck-through cells, which were imported: B3",)),
        (jot, ("cells beside the table, which were left out: Z3 'check this!'",)),
    ],
)
def test_what_a_person_may_not_see_is_remarked(tmp_path: Path, change: Any, says: tuple[str, ...]) -> None:
    remarks = import_workbook(book(tmp_path / "x.xlsx", change)).remarks
    for each in says:
        assert any(each in remark for remark in remarks), remarks


def test_a_sheet_may_lack_a_column_that_a_table_may_lack(tmp_path: Path) -> None:
    names = TABLES["events"].names
    optional = [column.name for column in TABLES["events"].columns if column.optional]

    def change(made: Workbook) -> None:
        for name in sorted(optional, key=names.index, reverse=True):
            made["events"].delete_cols(names.index(name) + 1)

    assert len(optional) > 1
    assert import_workbook(book(tmp_path / "x.xlsx", change)).rows["events"]


def test_noise_of_binary_fractions_does_not_reach_the_table(tmp_path: Path) -> None:
    def change(made: Workbook) -> None:
        made["continuous"][CENTRE].value = 0.1 + 0.2

    rows = import_workbook(book(tmp_path / "x.xlsx", change)).rows["continuous"]
    assert rows[3]["centre"] == "0.3"


def test_sheets_that_are_missing_or_foreign_are_remarked(tmp_path: Path) -> None:
    def change(made: Workbook) -> None:
        made["arms"].title = "Arms "
        made["events"].title = "evnts"
        made.create_sheet("Notes to self")

    candidates = import_workbook(book(tmp_path / "x.xlsx", change))
    assert len(candidates.rows["arms"]) > 0
    assert any("'evnts'" in remark and "did you mean 'events'" in remark for remark in candidates.remarks)
    assert any("no sheet 'events'" in remark for remark in candidates.remarks)
    assert any("Notes to self" in remark for remark in candidates.remarks)


def test_columns_must_be_those_of_the_codebook(tmp_path: Path) -> None:
    def change(made: Workbook) -> None:
        made["arms"]["B1"].value = "armm"
        made["events"]["C1"].value = "study_id"

    with pytest.raises(InputError) as caught:
        import_workbook(book(tmp_path / "x.xlsx", change))
    text = str(caught.value)
    assert "rename it to 'arm'" in text
    assert "stands 2 times" in text


def test_blank_rows_are_passed_over(tmp_path: Path) -> None:
    rows = import_workbook(book(tmp_path / "x.xlsx", lambda made: made["arms"].insert_rows(3))).rows["arms"]
    assert len(rows) == len(parse(small_tables()["arms.csv"])) - 1


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PK\x03\x04 broken", b"\xd0\xcf\x11\xe0 old xls"])
def test_what_is_no_workbook_is_refused_plainly(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(content)
    result = CliRunner().invoke(main, ["import", "workbook", str(path), "--out", str(tmp_path / "new")])
    assert result.exit_code == 1
    assert "not an Excel workbook" in result.output
    assert not (tmp_path / "new").exists()


def test_a_workbook_without_any_table_is_refused(tmp_path: Path) -> None:
    made = Workbook()
    made.save(tmp_path / "x.xlsx")
    with pytest.raises(InputError, match="no sheet is a table"):
        import_workbook(tmp_path / "x.xlsx")


@pytest.mark.slow
def test_a_damaged_file_is_read_or_refused_by_name(tmp_path: Path) -> None:
    path, random = book(tmp_path / "book.xlsx"), Random(1)
    sound, refused = path.read_bytes(), 0
    for _ in range(300):
        damaged = bytearray(sound[: random.choice([len(sound), random.randrange(len(sound))])])
        for _ in range(random.randint(1, 30)):
            damaged[random.randrange(len(damaged))] = random.randrange(256)
        path.write_bytes(damaged)
        try:
            import_workbook(path)
        except InputError as error:
            refused += "book.xlsx" in str(error)
    assert refused > 200


def test_a_sheet_of_answers_to_signalling_questions_is_read(tmp_path: Path) -> None:
    row = {
        "study_id": "A2001",
        "tool": "RoB2",
        "domain": "randomisation_process",
        "question": "1.1",
        "answer": "PY",
        "assessed_by": "https://example.org/us",
    }

    def more(made: Workbook) -> None:
        sheet = made.create_sheet("signalling_answers")
        sheet.append([*row])
        sheet.append([*row.values()])

    found = import_workbook(book(tmp_path / "x.xlsx", more))
    assert [dict(each) for each in found.rows["signalling_answers"]] == [row]
    write_candidates(found, tmp_path / "new")
    assert "1.1,PY" in (tmp_path / "new" / "signalling_answers.csv").read_text(encoding="utf-8")
