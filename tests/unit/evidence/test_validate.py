"""The specification of the columns against the codebook's prose, and against the evidence as shipped."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trialpool.contracts import EVIDENCE, TABLES, what_must_be_filled_in
from trialpool.errors import nearest
from trialpool.evidence import validate
from trialpool.evidence.read import read_raw
from trialpool.vocabulary import general, load_vocabulary

RAW = Path(__file__).parents[3] / "data" / "raw"
SHIPPED = load_vocabulary(str(RAW.parents[1] / "config" / "vocabulary.yaml"))
WORDS = SHIPPED.table_words()
PROSE = (RAW / "CODEBOOK.md").read_text(encoding="utf-8")


def section(name: str) -> str:
    return PROSE.split(f"## {name}.csv")[1].split("\n## ")[0]


@pytest.mark.parametrize("name", TABLES)
def test_the_columns_are_those_of_the_shipped_file_in_order(name: str) -> None:
    header = (RAW / f"{name}.csv").read_text(encoding="utf-8").split("\n")[0].split(",")
    asked = [column.name for column in TABLES[name].columns if column.name in header or not column.optional]
    assert header == asked


@pytest.mark.parametrize("name", TABLES)
def test_every_column_and_word_stands_in_the_codebook(name: str) -> None:
    """Vocabularies that the codebook closes are exactly these; `contrasts` reuses those of continuous."""
    prose = section(name) + (section("continuous") if name in ("contrasts", "events") else "")
    for column in TABLES[name].columns:
        assert re.search(rf"\b{re.escape(column.name)}\b", prose), column.name
        for word in column.words:
            assert f"`{word}`" in PROSE, word


def test_every_word_of_the_codebook_is_accepted() -> None:
    def words(row: str) -> set[str]:
        return {word for word in re.findall(r"`([^`]+)`", row) if "…" not in word}

    lines = [line for line in PROSE.split("\n") if line.startswith("| ")]
    rows = {line.split("|")[1].split(",")[0].strip(): line for line in lines}
    columns = {column.name: set(column.words) for table in TABLES.values() for column in table.columns}
    assert words(rows["category"].split("Any of them")[0]) - {"b12"} <= set(WORDS["category"].words)
    for name in ("role", "design", "purpose", "source_type", "centre_type", "better"):
        assert words(rows[name]) == columns[name], name
    assert words(rows["unit"]) <= set(WORDS["unit"].words)
    assert words(rows["timepoint"]) == columns["timepoint"]
    for domain in ("responder", "incidence", "adverse_event", "serious_adverse_event", "withdrawal"):
        assert words(rows[f"`{domain}`"]) - {domain} == set(SHIPPED.domain(domain).outcomes), domain


def test_the_shipped_files_pass_the_schemas_of_cells_without_any_allowance() -> None:
    for name, table in TABLES.items():
        typed, faults = validate.check_cells(read_raw(RAW / table.file, table), table, WORDS)
        assert faults == []
        assert len(typed) > 0, name


def test_numbers_are_float64_and_text_is_never_an_empty_string() -> None:
    for table in TABLES.values():
        typed, _ = validate.check_cells(read_raw(RAW / table.file, table), table, WORDS)
        for column in table.columns:
            cells = typed[column.name]
            assert str(cells.dtype) == ("float64" if column.is_number else "string"), column.name
            if not column.is_number:
                assert not (cells == "").any()


def test_conversion_keeps_every_number_as_printed() -> None:
    table = TABLES["continuous"]
    raw = read_raw(RAW / table.file, table)
    typed, _ = validate.check_cells(raw, table, {})
    for name in ("centre", "spread_low", "spread_high", "n", "weeks"):
        printed = [float(cell) if cell else float("nan") for cell in raw.cells[name]]
        pd.testing.assert_series_equal(
            typed[name].reset_index(drop=True), pd.Series(printed, name=name), check_exact=True
        )


def test_allowed_words_widen_a_vocabulary_and_no_other() -> None:
    table = TABLES["studies"]
    raw = read_raw(RAW / table.file, table)
    raw.cells["condition"][0] = "MIGRAINE"
    assert [fault.value for fault in validate.check_cells(raw, table, WORDS)[1]] == ["MIGRAINE"]
    assert "config/README.md" in validate.check_cells(raw, table, WORDS)[1][0].remedy
    further = SHIPPED.table_words({"condition": ["MIGRAINE"], "design": ["MIGRAINE"]})
    assert validate.check_cells(raw, table, further)[1] == []
    further = SHIPPED.table_words({"design": ["MIGRAINE"]})
    assert len(validate.check_cells(raw, table, further)[1]) == 1


def test_without_a_vocabulary_words_are_free_but_for_slips_of_the_general_ones() -> None:
    table = TABLES["continuous"]
    raw = read_raw(RAW / table.file, table)
    raw.cells["domain"][:3] = ["pian", "depression", "Depression"]
    raw.cells["unit"][:3] = ["mm Hg", "tablets", "points"]
    faults = validate.check_cells(raw, table, general().table_words())[1]
    assert [(fault.row, fault.value) for fault in faults] == [(2, "pian"), (4, "Depression"), (2, "mm Hg")]
    assert "probably a slip of 'pain'. To mend: write that; for a word of your own" in str(faults[0])


def test_a_check_that_cannot_run_is_not_taken_for_a_fault_of_the_input() -> None:
    with pytest.raises(KeyError):
        list(validate.row_faults({"events": pd.DataFrame({"events": [1.0]})}, {}, set(), set(), general()))


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("3,5", "write a decimal point, not a comma: 3.5"),
        ("1,060", "write 1060, or 1.060 if the comma is a decimal point"),
        ("12,345,678", "write 12345678"),
        ("1,060.5", "write 1060.5"),
        ("0,125", "write a decimal point, not a comma: 0.125"),
        ("−2", "write the minus sign as a hyphen: -2"),
        ("n.r.", "write digits with a decimal point"),
        ("NR", "leave the cell empty"),
        ("=A1", "paste the value itself"),
        ("1\x00", "type the cell anew"),
    ],
)
def test_the_remedy_of_a_number_fits_what_was_typed(value: str, remedy: str) -> None:
    column = next(column for column in TABLES["continuous"].columns if column.name == "centre")
    assert validate.cell_fault("f.csv", 2, column, "form", value).remedy.startswith(remedy)


def test_a_comma_in_a_column_of_whole_numbers_sets_thousands_apart() -> None:
    column = next(column for column in TABLES["events"].columns if column.name == "n")
    assert validate.cell_fault("f.csv", 2, column, "form", "1,060").remedy == "write 1060"


def test_the_nearest_word_is_found_whatever_the_capitals() -> None:
    assert nearest("ElectroAcupunture", ["sham", "electroacupuncture"]) == "electroacupuncture"
    assert nearest("zzz", ["sham"]) == ""


def test_another_digit_makes_a_word_of_its_own_not_a_slip() -> None:
    assert validate._misspelling("improvd", ("improved", "cured")) == "improved"
    assert validate._misspelling("pain_70", ("pain_30", "pain_50")) == ""


def test_the_codebook_says_what_must_be_filled_in() -> None:
    """Generated: after a change of schemas/cells.csv print `contracts.what_must_be_filled_in()` into it."""
    assert PROSE.split("## What must be filled in\n")[1].endswith(f"\n\n{what_must_be_filled_in()}\n")
    studies = next(line for line in PROSE.split("\n") if line.startswith("| studies.csv |"))
    assert "condition, design, purpose, source_type, source_url" in studies.split("|")[2]
    assert "label, report_status" in studies.split("|")[4]


def test_a_rule_finds_the_rows_that_pandas_finds_by_its_expression() -> None:
    random = np.random.default_rng(1)
    words = [pd.NA, "a", "none", "sd", "se", "ci", "ci95", "baseline", "change", "correlation", "odds_ratio"]
    tables, found = {}, 0
    for name, table in EVIDENCE.items():
        cells = {
            column.name: random.choice([np.nan, -2.0, 0.0, 1.0, 40.0], 200)
            if column.is_number
            else pd.array(random.choice(np.array(words, dtype=object), 200), dtype=validate.TEXT)
            for column in table.columns
        }
        tables[name] = pd.DataFrame(cells)
    for name, frame in tables.items():
        for rule in validate.RULES[name]:
            if isinstance(rule.broken, str):
                theirs = frame.eval(rule.broken, engine="python", local_dict={**validate.NAMES, **tables})
                rows = rule.of(frame, tables).index.tolist()
                assert rows == frame.index[theirs.fillna(False).astype(bool)].tolist(), rule.broken
                found += bool(rows)
    assert found > 30
