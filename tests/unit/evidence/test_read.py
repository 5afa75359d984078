"""Folders in, typed and joined tables out: several folders, faults of several tables, places of rows."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from malformed import parse, small_tables, write

from trialpool.contracts import TABLES, stored
from trialpool.errors import InputError
from trialpool.evidence.read import examine, read_evidence
from trialpool.evidence.validate import unknown_instruments

RAW = Path(__file__).parents[3] / "data" / "raw"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path / "mine", small_tables())


def fill(folder: Path, tables: dict[str, bytes]) -> Path:
    folder.mkdir()
    for file, content in tables.items():
        (folder / file).write_bytes(content)
    return folder


def only(study: str, renamed: str = "") -> dict[str, bytes]:
    """The rows of one trial (under another name)."""
    tables = {}
    for file, content in small_tables().items():
        rows = parse(content)
        tables[file] = write(
            [rows[0], *([renamed or study, *row[1:]] for row in rows[1:] if row[0] == study)]
        )
    return tables


def edit(folder: Path, file: str, old: bytes, new: bytes) -> None:
    content = (folder / file).read_bytes()
    assert old in content
    (folder / file).write_bytes(content.replace(old, new, 1))


def test_the_shipped_evidence_reads_unchanged() -> None:
    tables = read_evidence(RAW)
    sizes = {name: len(frame) for name, frame in tables.items()}
    assert sizes == {name: len(parse((RAW / f"{name}.csv").read_bytes())) - 1 for name in TABLES}
    assert list(tables) == list(TABLES)


def test_row_ids_are_record_numbers_with_the_header_as_row_1() -> None:
    events = read_evidence(RAW)["events"]
    rows = parse((RAW / "events.csv").read_bytes())
    for place in (0, 100, len(events) - 1):
        file, number = events["row_id"][place].split(":")
        assert file == "events.csv"
        assert rows[int(number) - 1][:2] == [events["study_id"][place], events["arm"][place]]


def test_blank_rows_keep_their_number(folder: Path) -> None:
    rows = parse((folder / "events.csv").read_bytes())
    (folder / "events.csv").write_bytes(write([rows[0], [], *rows[1:]]))
    assert read_evidence(folder)["events"]["row_id"][0] == "events.csv:3"


def test_cells_of_several_lines_count_as_one_row(folder: Path) -> None:
    rows = parse((folder / "events.csv").read_bytes())
    rows[1][4] = "first line\nsecond, line"
    (folder / "events.csv").write_bytes(write(rows))
    events = read_evidence(folder)["events"]
    assert events["definition"][0] == "first line\nsecond, line"
    assert events["row_id"][1] == "events.csv:3"


def test_a_second_folder_adds_trials_and_its_rows_say_where_they_stand(folder: Path, tmp_path: Path) -> None:
    more = fill(tmp_path / "new trials", only("Lu2020", "Lu2099"))
    tables = read_evidence([folder, more])
    added = tables["continuous"][tables["continuous"]["study_id"] == "Lu2099"]
    assert len(added) == 6
    assert added["row_id"].iloc[0] == "new_trials/continuous.csv:2"
    assert tables["arms"]["row_id"][0] == "mine/arms.csv:2"


def test_a_result_may_join_a_trial_of_another_folder(folder: Path, tmp_path: Path) -> None:
    tables = only("Lu2020")
    header = {file: write(parse(content)[:1]) for file, content in tables.items()}
    later = fill(tmp_path / "later", {**header, "continuous.csv": tables["continuous.csv"]})
    (folder / "continuous.csv").write_bytes(header["continuous.csv"])
    assert len(read_evidence([folder, later])["continuous"]) == 6


def test_the_same_trial_in_two_folders_is_a_fault_of_the_second(folder: Path, tmp_path: Path) -> None:
    more = fill(tmp_path / "more", only("Lu2020"))
    _, faults = examine([folder, more])
    assert {Path(fault.file).parent for fault in faults} == {more}
    assert any("mine/studies.csv row" in fault.remedy for fault in faults)


def test_the_faults_of_all_tables_are_reported_at_once_in_order(folder: Path) -> None:
    edit(folder, "studies.csv", b",parallel,", b",paralel,")
    edit(folder, "arms.csv", b",control,", b",kontrol,")
    edit(folder, "events.csv", b"https://", b"httos://")
    edit(folder, "published_pools.csv", b",RR,", b",RRR,")
    with pytest.raises(InputError) as caught:
        read_evidence(folder)
    found = [(Path(fault.file).stem, fault.column) for fault in caught.value.faults]
    assert found == [
        ("studies", "design"),
        ("arms", "role"),
        ("events", "source_url"),
        ("published_pools", "measure"),
    ]
    assert "write 'control'" in caught.value.faults[1].remedy


def test_one_slip_gives_one_fault_and_no_avalanche(folder: Path) -> None:
    """A table that cannot be read silences the joins to it; a bad cell silences the rules that use it."""
    (folder / "studies.csv").write_bytes(b"")
    assert len(examine(folder)[1]) == 1
    (folder / "studies.csv").write_bytes(small_tables()["studies.csv"])
    rows = parse((folder / "events.csv").read_bytes())
    rows[1][rows[0].index("n")] = "3O"
    (folder / "events.csv").write_bytes(write(rows))
    assert [fault.column for fault in examine(folder)[1]] == ["n"]


def test_folders_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    _, faults = examine([tmp_path / "nowhere", tmp_path / "file"])
    assert [fault.problem for fault in faults] == ["the folder does not exist", "it is not a folder"]
    assert "no evidence folder" in examine([])[1][0].problem
    shutil.copytree(RAW, tmp_path / "raw")
    assert "twice" in examine([tmp_path / "raw", tmp_path / "raw" / "."])[1][0].problem


def test_an_arm_without_number_may_be_empty_but_a_contrast_needs_estimate_or_interval(folder: Path) -> None:
    contrasts = read_evidence(folder)["contrasts"]
    empty = contrasts[contrasts["estimate"].isna()]
    assert len(empty) > 0
    assert (empty["spread_type"] == "ci95").all()


def test_instruments_missing_from_the_catalogue_are_named_once_each() -> None:
    tables = read_evidence(RAW)
    codes = set(tables["continuous"]["instrument"]) | set(tables["contrasts"]["instrument"])
    catalogue = {"instruments": {code: {} for code in codes - {"NRS", "VAS100"}}}
    faults = unknown_instruments(tables, catalogue)
    continuous = [fault for fault in faults if fault.file == "continuous.csv"]
    assert sorted(fault.value for fault in continuous) == ["NRS", "VAS100"]
    assert {fault.remedy for fault in faults if fault.value == "NRS"} == {"add it to instruments.yaml"}
    slip = pd.DataFrame({"instrument": ["VAS10O"], "row_id": ["continuous.csv:7"]})
    (fault,) = unknown_instruments({"continuous": slip}, {"instruments": {"VAS100": {}}})
    assert (fault.row, fault.remedy) == (7, "write 'VAS100', or add it to instruments.yaml")
    count = int((tables["continuous"]["instrument"] == "NRS").sum())
    assert any(f"rows: {count}" in fault.problem for fault in continuous)
    assert unknown_instruments(tables, {"instruments": {code: {} for code in codes}}) == []


def test_reading_leaves_no_trace(folder: Path) -> None:
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}
    read_evidence(folder)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()} == before


def test_tables_survive_parquet(folder: Path, tmp_path: Path) -> None:
    from trialpool import io

    tables = read_evidence(folder)
    for name, frame in tables.items():
        io.write_parquet(tmp_path / f"{name}.parquet", frame, stored(TABLES[name]))
        again = pd.read_parquet(tmp_path / f"{name}.parquet")
        pd.testing.assert_frame_equal(as_objects(frame), as_objects(again))


def as_objects(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype(object).where(frame.notna(), None)


def test_the_evidence_is_the_codebooks_seven_tables() -> None:
    names = {path.name for path in RAW.iterdir()}
    tables = ("studies", "arms", "continuous", "contrasts", "events", "risk_of_bias", "published_pools")
    assert names == {f"{name}.csv" for name in tables} | {"CODEBOOK.md", "NOTES.md"}
