"""The tables between two stages: explained in full, as committed, refused by the writer where they differ."""

import csv
from importlib.resources import files
from pathlib import Path

import pandas as pd
import pyarrow.parquet as parquet
import pytest

from trialpool import io
from trialpool.contracts import (
    ARMS,
    AUDIT,
    DERIVED,
    EVENTS,
    KEYED,
    KNOWN,
    NETWORK_EVIDENCE,
    OPTIONAL,
    RESULTS,
    TABLES,
    columns_differ,
    data_dictionary,
    stored,
)

RESULTS_FOLDER = Path(__file__).parents[2] / "results"
EVERY = [
    *map(stored, TABLES.values()),
    *OPTIONAL.values(),
    *KEYED.values(),
    *DERIVED.values(),
    *RESULTS.values(),
    *NETWORK_EVIDENCE.values(),
]
KNOWN_ROW = {
    **{"analysis": "a", "study_id": "Lu2020", "label": "Lu 2020", "year": 2020, "n_randomised": 40},
    **{"category_experimental": ("sham",), "category_control": ("sham", "placebo")},
    **{"has_numbers": True, "source_url": "https://example.org"},
}


def known(**changes):
    return pd.DataFrame([KNOWN_ROW | changes])


@pytest.mark.parametrize("table", EVERY, ids=lambda table: table.name)
def test_every_column_has_a_sentence(table):
    for column in table.columns:
        assert column.meaning, column.name
    assert len(set(table.names)) == len(table.names)


def test_the_glossary_explains_nothing_that_no_table_has():
    plain = {name for table in EVERY for name in table.names}
    own = {f"{table.name}.{name}" for table in EVERY for name in table.names}
    with (files("trialpool") / "schemas" / "columns.csv").open(encoding="utf-8") as stream:
        explained = {row["name"] for row in csv.DictReader(stream)}
    assert explained - plain - own == set()
    assert {table.columns[table.names.index("weeks")].meaning for table in (ARMS, EVENTS)} == {
        "planned length of treatment",
        "since randomisation; 0 is the baseline",
    }


@pytest.mark.parametrize("file", RESULTS)
def test_a_committed_table_has_the_columns_that_are_promised(file):
    paths = list(RESULTS_FOLDER.glob(file.replace("<analysis>", "*").replace("<network>", "*")))
    assert paths
    for path in paths:
        with path.open(encoding="utf-8") as stream:
            assert stream.readline().rstrip("\n").split(",") == list(RESULTS[file].names), path


def test_a_table_that_a_network_asks_for_is_explained_where_it_is_there():
    told = data_dictionary({"split.csv", "league.csv"})
    assert told.startswith(data_dictionary().rstrip("\n"))
    assert "## networks/<network>/split.csv" in told
    assert "contributions.csv" not in told


def test_the_committed_dictionary_is_that_of_the_contracts():
    assert (RESULTS_FOLDER / "DATA.md").read_text(encoding="utf-8") == data_dictionary()
    for file, table in RESULTS.items():
        part = data_dictionary().split(f"## {file}\n")[1].split("\n## ")[0]
        assert part.count("\n| ") == len(table.columns) + 1


def test_parquet_columns_carry_their_unit_and_meaning(tmp_path):
    io.write_parquet(tmp_path / "known.parquet", known(), KNOWN)
    schema = parquet.read_schema(tmp_path / "known.parquet")
    assert schema.metadata[b"description"].decode() == KNOWN.holds
    people = schema.field("n_randomised").metadata
    assert people[b"unit"] == b"people"
    assert people[b"description"].startswith(b"people randomised: of a comparison,")
    (row,) = io.read_rows(tmp_path / "known.parquet")
    assert row["category_control"] == ["sham", "placebo"]
    assert pd.read_parquet(tmp_path / "known.parquet")["year"].tolist() == [2020]


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (known().drop(columns="year"), "the table known lacks the column year"),
        (known(yaer=2020), "the table known has yaer too much"),
        (known(year="2020"), "the column year of the table known holds .*, not count"),
        (known(has_numbers=1), "the column has_numbers of the table known holds int64, not flag"),
        (known(label=3.5), "the column label of the table known holds double, not text"),
    ],
)
def test_a_frame_that_is_not_the_table_is_refused_by_name(tmp_path, frame, says):
    with pytest.raises(TypeError, match=says):
        io.write_parquet(tmp_path / "known.parquet", frame, KNOWN)
    assert not list(tmp_path.iterdir())


def test_a_table_without_rows_keeps_its_columns(tmp_path):
    empty = pd.DataFrame({name: pd.Series([], dtype=float) for name in AUDIT.names})
    io.write_parquet(tmp_path / "audit.parquet", empty, AUDIT)
    assert str(parquet.read_schema(tmp_path / "audit.parquet").field("rule").type) == "string"
    assert parquet.read_schema(tmp_path / "audit.parquet").names == list(AUDIT.names)
    assert columns_differ(AUDIT, list(AUDIT.names)) == ""


def test_what_steers_is_a_column_of_a_table_that_people_write() -> None:
    for table in TABLES.values():
        assert {*table.steers} <= {*table.names}
    assert not any(table.steers for table in (*DERIVED.values(), *RESULTS.values()))
