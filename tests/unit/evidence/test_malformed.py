"""Whatever was done to a table: a message that helps, or the right numbers; no traceback, no file touched."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from malformed import Mutation, corpus, small_tables

from trialpool import jobs, protocol
from trialpool.cli import main
from trialpool.contracts import TABLES
from trialpool.errors import InputError
from trialpool.evidence import read

CORPUS = list(corpus())
TENTH = [
    pytest.param(each, marks=[pytest.mark.slow] if place % 10 else []) for place, each in enumerate(CORPUS)
]
CATALOGUE = Path(__file__).parents[3] / "config" / "instruments.yaml"
VOCABULARY = CATALOGUE.with_name("vocabulary.yaml")


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of the small tables; tables that a mutation leaves alone are read once (the same bytes)."""
    folder = tmp_path_factory.mktemp("small")
    for file, content in small_tables().items():
        (folder / file).write_bytes(content)
    read_raw, check_cells, files, cells = read.read_raw, read.check_cells, {}, {}

    def remembered(path: Path, table):
        key = (path, hashlib.sha256(path.read_bytes()).digest() if path.is_file() else None)
        if key not in files:
            files[key] = read_raw(path, table)
        return files[key]

    def checked(raw, table, words):
        if id(raw) not in cells:
            cells[id(raw)] = check_cells(raw, table, words)
        typed, faults = cells[id(raw)]
        return typed.copy(), faults

    patch = pytest.MonkeyPatch()
    patch.setattr(read, "read_raw", remembered)
    patch.setattr(read, "check_cells", checked)
    catalogue = protocol.load_catalogue(CATALOGUE)
    patch.setattr(protocol, "load_catalogue", lambda path, checked: catalogue)
    yield folder
    patch.undo()


@pytest.fixture(scope="module")
def expected(small: Path) -> dict[str, pd.DataFrame]:
    return {name: frame.drop(columns="row_id") for name, frame in read.read_evidence(small).items()}


def outputs(folder: Path) -> list[str]:
    return [str(folder / "processed" / f"{name}.parquet") for name in TABLES]


def mutate(folder: Path, mutation: Mutation) -> bytes:
    path = folder / mutation.file
    before = path.read_bytes()
    after = mutation.apply(before)
    if after is None:
        path.unlink()
    else:
        path.write_bytes(after)
    return before


def test_the_corpus_is_large_and_its_names_are_distinct() -> None:
    assert len(CORPUS) >= 300
    assert len({mutation.name for mutation in CORPUS}) == len(CORPUS)


def test_the_small_tables_are_valid(small: Path) -> None:
    assert all(len(frame) > 0 for frame in read.read_evidence(small).values())


@pytest.mark.parametrize("mutation", TENTH, ids=lambda mutation: mutation.name)
def test_a_mutation_is_explained_or_loads(
    small: Path, expected: dict[str, pd.DataFrame], mutation: Mutation
) -> None:
    before = mutate(small, mutation)
    files = snapshot(small)
    try:
        if mutation.becomes == "loads":
            for name, frame in read.read_evidence(small).items():
                pd.testing.assert_frame_equal(frame.drop(columns="row_id"), expected[name])
        else:
            with pytest.raises(InputError) as caught:
                jobs.ingest([str(small)], str(CATALOGUE), str(VOCABULARY), [], outputs(small))
            check_faults(caught.value, mutation)
        assert snapshot(small) == files
    finally:
        (small / mutation.file).write_bytes(before)


def check_faults(error: InputError, mutation: Mutation) -> None:
    """The fault is found where it was made, and everything that is said can be acted upon."""
    here = [fault for fault in error.faults if Path(fault.file).name == mutation.file]
    assert here, f"no fault in {mutation.file}: {error}"
    for fault in error.faults:
        assert fault.problem
        assert fault.remedy
        assert len(str(fault)) < 2500
        assert str(fault).isprintable()
    if mutation.row is not None:
        rows = [fault for fault in here if fault.row == mutation.row]
        assert rows, f"no fault in row {mutation.row}: {error}"
        if mutation.column:
            assert mutation.column in {fault.column for fault in rows}, str(error)


def test_the_command_line_prints_each_fault_and_no_traceback(small: Path) -> None:
    for mutation in CORPUS[::40]:
        before = mutate(small, mutation)
        result = CliRunner().invoke(main, ["check", str(small)])
        (small / mutation.file).write_bytes(before)
        assert result.exit_code == (0 if mutation.becomes == "loads" else 1), mutation.name
        assert "Traceback" not in result.output
        assert mutation.becomes == "loads" or mutation.file in result.stdout
