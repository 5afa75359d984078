"""study_covariates.csv: read where it is there, every fault named, and carried with the effects."""

from pathlib import Path

import pandas as pd
import pytest

from trialpool.contracts import EVIDENCE, TABLES
from trialpool.evidence.read import examine
from trialpool.exchange.double_extraction import compare, read_extraction
from trialpool.exchange.workbook import import_workbook
from trialpool.records import Choices

HEADER = "study_id,covariate,value\n"
STUDY = {
    **{"study_id": "Lu2020", "condition": "DPN", "design": "parallel", "purpose": "treatment"},
    **{"source_type": "article", "source_url": "https://example.org/lu"},
}


def of_covariates(faults: list) -> list:
    return [fault for fault in faults if fault.file.endswith("study_covariates.csv")]


def folder(path: Path, covariates: str | None) -> Path:
    for name, table in TABLES.items():
        rows = [STUDY] if name == "studies" else []
        pd.DataFrame(rows, columns=table.names).to_csv(path / table.file, index=False)
    if covariates is not None:
        (path / "study_covariates.csv").write_text(covariates, encoding="utf-8")
    return path


def test_without_the_file_nothing_is_said(tmp_path: Path) -> None:
    tables, faults = examine(folder(tmp_path, None))
    assert (of_covariates(faults), tables["studies"]["covariates"].isna().all()) == ([], True)


def test_what_it_says_of_a_study_travels_with_it(tmp_path: Path) -> None:
    tables, faults = examine(folder(tmp_path, HEADER + "Lu2020,dose,20\nLu2020,setting,day clinic\n"))
    assert not of_covariates(faults)
    said = Choices.parse(tables["studies"]["covariates"][0])
    assert said == (("dose", "20"), ("setting", "day clinic"))


@pytest.mark.parametrize(
    ("row", "column", "problem"),
    [
        ("Li2019,dose,20", "study_id", "not a study of studies.csv"),
        ("Lu2020,year,2020", "covariate", "a name of the effects table already"),
        ("Lu2020,dose,20; 30", "value", "holds '; '"),
        ("Lu2020,Dose,20", "covariate", "not a code"),
        ("Lu2020,dose,", "value", "empty"),
        ("Lu2020,dose,1\nLu2020,dose,2", "study_id", "in a second row with the same study_id, covariate"),
    ],
)
def test_a_fault_names_its_place(tmp_path: Path, row: str, column: str, problem: str) -> None:
    _, faults = examine(folder(tmp_path, HEADER + row + "\n"))
    (fault,) = of_covariates(faults)
    assert fault.column == column
    assert problem in str(fault)


def test_two_people_who_read_another_dose_are_told(tmp_path: Path) -> None:
    for name, dose in (("a", 20), ("b", 30)):
        (tmp_path / name).mkdir()
        folder(tmp_path / name, f"{HEADER}Lu2020,dose,{dose}\n")
    (found,) = compare(read_extraction(tmp_path / "a"), read_extraction(tmp_path / "b")).differences
    assert (found.file, found.column, found.a, found.b) == ("study_covariates.csv", "value", "20", "30")
    assert found.steers


def test_a_sheet_of_a_workbook_may_hold_them(tmp_path: Path) -> None:
    table = EVIDENCE["study_covariates"]
    row = {"study_id": "Lu2020", "covariate": "dose", "value": "20"}
    pd.DataFrame([row], columns=table.names).to_excel(
        tmp_path / "new.xlsx", sheet_name=table.name, index=False
    )
    (read,) = import_workbook(tmp_path / "new.xlsx").rows[table.name]
    assert {name: text for name, text in read.items() if text} == row
