"""A table is read from CSV with any separator and decimal sign, TSV, Excel and parquet; doubt is told."""

import math

import pandas as pd
import pytest

from trialpool.errors import InputError
from trialpool.one_table.read import number, read_table

HEAD = ("study", "mean_e", "sd_e", "n_e")
ROWS = [("Müller", "1.5", "0.25", "12"), ("O'Neil, A", "-2.25", "1", "1060")]


def written(path, text, encoding="utf-8"):
    path.write_text(text, encoding=encoding)
    return path


def refused(path, *options):
    with pytest.raises(InputError) as caught:
        read_table(path, *options)
    return str(caught.value.faults[0])


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("t.csv", 'study,mean_e,sd_e,n_e\nMüller,1.5,.25,12\n"O\'Neil, A",−2.25,1,1060\n', "utf-8"),
        ("t.csv", "study;mean_e;sd_e;n_e\nMüller;1,5;0,25;12\nO'Neil, A;-2,25;1;1.060\n\n", "utf-8-sig"),
        ("t.csv", "study;mean_e;sd_e;n_e\nMüller;1,5;0,25;12\nO'Neil, A;-2,25;1;1060\n", "cp1252"),
        ("t.tsv", "study\tmean_e\tsd_e\tn_e\nMüller\t1.5\t0.25\t12\nO'Neil, A\t-2.25\t1\t1,060\n", "utf-16"),
        ("t.txt", "study\tmean_e\tsd_e\tn_e\nMüller\t1.5\t0.25\t12\nO'Neil, A\t-2.25\t1\t1 060\n", "utf-8"),
    ],
)
def test_text_of_any_office(tmp_path, name, text, encoding):
    table = read_table(written(tmp_path / name, text, encoding))
    assert table.headings == list(HEAD)
    assert table.cells["study"].tolist() == ["Müller", "O'Neil, A"]
    assert table.numbers("mean_e").tolist() == [1.5, -2.25]
    assert table.numbers("sd_e").tolist() == [0.25, 1]
    assert table.numbers("n_e", whole=True).tolist() == [12, 1060]
    assert any("Windows-1252" in each for each in table.remarks) == (encoding == "cp1252")


def test_workbooks_and_parquet(tmp_path):
    pytest.importorskip("openpyxl")
    frame = pd.DataFrame([(name, *map(float, rest)) for name, *rest in ROWS], columns=HEAD)
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        frame.to_excel(book, sheet_name="pain", index=False)
        frame.head(1).to_excel(book, sheet_name="sleep", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    for name in ("t.xlsx", "t.parquet"):
        table = read_table(tmp_path / name)
        assert table.cells.to_numpy().tolist() == [list(row) for row in ROWS]
    assert read_table(tmp_path / "t.xlsx").remarks == (
        "The sheet 'pain' is read; --sheet takes another: sleep.",
    )
    assert len(read_table(tmp_path / "t.xlsx", "sleep").cells) == 1
    assert "did you mean 'sleep'" in refused(tmp_path / "t.xlsx", "slep")


def test_headings_in_two_rows_and_headings_that_stand_twice(tmp_path):
    over = "Study,Experimental,,Control,\n,Events,Total,Events,Total\nA,1,10,2,11\n"
    assert read_table(written(tmp_path / "t.csv", over)).headings == [
        "Study", "Experimental Events", "Experimental Total", "Control Events", "Control Total"
    ]  # fmt: skip
    twice = "Study,Events,Total,Events,Total\nA,1,10,2,11\n"
    found = read_table(written(tmp_path / "t.csv", twice))
    assert found.headings == ["Study", "Events 1", "Total 1", "Events 2", "Total 2"]
    assert found.cells.index.tolist() == [2]


def test_a_comma_of_two_meanings_is_asked_about(tmp_path):
    table = read_table(written(tmp_path / "t.csv", 'study,mean_e\nA,"1,060"\nB,"2,5a"\n'))
    with pytest.raises(InputError) as caught:
        table.numbers("mean_e")
    told = [str(fault) for fault in caught.value.faults]
    assert told == [
        "t.csv, row 2, column mean_e: '1,060' is a number of two meanings. To mend: write 1060, or 1.060 if "
        "the comma is a decimal point.",
        "t.csv, row 3, column mean_e: '2,5a' is not a number. To mend: write one number in the cell, or "
        "leave it empty if nothing is known.",
    ]
    assert number("1,060", ".") == 1060
    assert math.isnan(number("NR", ""))
    assert number("1e400", "")[0] == "not a finite number"


def test_what_is_no_table_is_said(tmp_path):
    assert "does not exist" in refused(tmp_path / "no.csv")
    assert "it is a folder" in refused(tmp_path)
    assert "no rows below a heading" in refused(written(tmp_path / "t.csv", "study,yi\n\n"))
    assert "save it as .xlsx" in refused(written(tmp_path / "t.xls", "x"))
    assert "trialpool import revman" in refused(written(tmp_path / "t.rm5", "x"))
    assert "call it .xlsx" in refused(written(tmp_path / "t.csv", "PK\x03\x04"))
    ragged = refused(written(tmp_path / "t.csv", "study,yi\nA,1,2\n"))
    assert "row 2: the row has 3 cells where the heading has 2" in ragged


def test_rows_can_be_chosen(tmp_path):
    table = read_table(written(tmp_path / "t.csv", "study,outcome,yi\nA,Death,1\nB,Stroke,2\n"))
    assert table.only(["OUTCOME=death"]).cells["study"].tolist() == ["A"]
    for entry, said in (
        ("outcome", "not COLUMN=VALUE"),
        ("outcom=x", "did you mean 'outcome'"),
        ("yi=7", "no row"),
    ):
        with pytest.raises(InputError, match=said):
            table.only([entry])
