import itertools

import numpy as np
import pandas as pd
import pytest
from small_review import answer, chosen, question, review, two_arms

from trialpool import io
from trialpool.contracts import EFFECTS, Column, Kind, Table
from trialpool.evidence.compare import flagged, typed, write_comparison
from trialpool.records import Choice, Effect, from_json, to_json

# What `synthesis.analyse.read` makes of a row before it is a record.
CATEGORIES = {"category_experimental": "manual_acupuncture", "category_control": "sham", "columns": None}


def test_effect_is_experimental_minus_control():
    (row,) = chosen(answer(review(continuous=two_arms())))
    assert row["effect"] == -2.0
    assert row["variance"] == pytest.approx(4 / 20 + 4 / 20)
    assert (row["arm_experimental"], row["arm_control"], row["label"]) == ("a", "s", "Lu 2020")
    assert row["row_ids"] == "continuous.csv:2 continuous.csv:3"


def test_files_of_every_analysis_have_the_full_typed_schema_and_equal_bytes(tmp_path):
    tables = review(continuous=two_arms())
    specs = [question(), question(analysis="empty", condition=["CIPN"])]
    for folder, spec in itertools.product(("one", "two"), specs):
        own = tmp_path / folder / spec["analysis"]
        files = [own / f"{table}.parquet" for table in ("effects", "excluded", "known")]
        write_comparison(answer(tables, spec), files)
    paths = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.parquet"))
    assert len(paths) == 6
    for path in paths:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()
    full = pd.read_parquet(tmp_path / "one" / "q" / "effects.parquet")
    empty = pd.read_parquet(tmp_path / "one" / "empty" / "effects.parquet")
    assert list(full) == list(empty) == list(EFFECTS.names)
    assert full.dtypes.equals(empty.dtypes)
    (row,) = io.read_rows(tmp_path / "one" / "q" / "effects.parquet")
    assert row["effect"] == -2.0
    assert row["n_experimental"] == 20
    assert row["events_control"] is None
    assert not np.isnan(row["variance"])


def test_rows_are_sorted_by_analysis_and_typed():
    table = pd.DataFrame({"analysis_index": [1, 0], "study_id": ["B", "A"], "year": [2.0, np.nan]})
    contract = Table("x", (Column("analysis"), Column("study_id"), Column("year", kind=Kind.COUNT)))
    made = typed(table, contract, ["p", "q"])
    assert made.astype(object).values.tolist() == [["p", "A", pd.NA], ["q", "B", 2]]


def test_an_effect_is_flagged_by_the_audit_of_any_of_its_rows():
    effects = pd.DataFrame({"row_ids": ["a.csv:2 a.csv:3", "a.csv:4"], "cautions": [(), ()]})
    findings = {
        "row_ids": ["a.csv:3", "a.csv:4"],
        "severity": ["high", "low"],
        "rule": ["se_as_sd", "skewed"],
    }
    made = flagged(effects, pd.DataFrame({**findings, "finding": "spread too small"}))
    assert made["audit"].tolist() == ["se_as_sd", ""]
    assert made["cautions"].tolist() == [("audit: spread too small",), ()]


def test_steps_cautions_and_choices_are_the_same_in_the_file_and_after_it(tmp_path):
    rows = [*two_arms(spread_type="se", note="blurred; read from a figure"), *two_arms(measure="change")]
    rows[2]["centre"] = 2.0
    result = answer(review(continuous=rows), question())
    files = [tmp_path / f"{name}.parquet" for name in ("effects", "excluded", "known")]
    write_comparison(result, files)
    effects = [from_json(Effect, row | CATEGORIES) for row in io.read_rows(files[0])]
    main, _, other = effects
    assert main.derivation == ("SD from SE, n = 20", "sign kept")
    assert main.cautions == ("blurred", "read from a figure")
    assert (main.variant, other.variant) == ((), (Choice("kinds", "change only"),))
    assert [each.derivation for each in effects] == result.effects["derivation"].tolist()
    assert to_json(main)["cautions"] == "blurred; read from a figure"
    assert from_json(Effect, to_json(other)) == other


@pytest.mark.parametrize(("other", "randomised"), [(20, 62), (None, 90)])
def test_randomised_are_the_people_of_the_arms_that_are_compared(other, randomised):
    """Of 90 in three arms 22 and 20 got needles, together compared with 20 of sham; 28 got usual care."""
    arms = [{"arm": "a", "n_randomised": 22}, {"arm": "b", "n_randomised": other}]
    arms += [{"arm": "s", "category": "sham", "n_randomised": 20}, {"arm": "u", "category": "usual_care"}]
    tables = review(
        studies=[{"n_randomised": 90}], arms=arms, continuous=[*two_arms(), {"arm": "b", "centre": 3.0}]
    )
    (row,) = chosen(answer(tables))
    assert (row["arm_experimental"], row["n_randomised"]) == ("a+b", randomised)


def test_columns_of_the_table_of_trials_travel_with_the_effects_that_a_plot_wants_them_for():
    tables = review(studies=[{"country": "Iran", "population": None}], continuous=two_arms())
    shape = {"columns": ["study", "country", "population", "year", "plot"]}
    (row,) = chosen(answer(tables, question(shape=shape)))
    assert row["columns"] == '{"country": "Iran"}'
    (row,) = chosen(answer(tables, question()))
    assert row["columns"] == ""
