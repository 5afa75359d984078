"""Reasons are given once, in order, and texts travel with their rows."""

import numpy as np
import pandas as pd
import pytest

from trialpool.evidence.derivation import (
    Reason,
    add_steps,
    joined,
    number_text,
    plain_text,
    refuse,
    setting,
    unique_joined,
    where_text,
    with_randomised,
)
from trialpool.evidence.participant_flow import REASONS


@pytest.fixture
def table():
    return pd.DataFrame({"sd": [0.0, 1.0, 2.0], "reason_code": ["", "", "no_n"], "reason": ["", "", "none"]})


def test_the_first_reason_that_applies_is_given_and_one_that_is_there_stays(table):
    anywhere = np.array([True, True, True])
    refuse(table, [(table["sd"] == 0, Reason.NO_SPREAD, "flat"), (anywhere, Reason.SKEWED, "skewed")])
    assert table["reason_code"].tolist() == ["no_spread", "skewed", "no_n"]
    assert table["reason"].tolist() == ["flat", "skewed", "none"]
    assert {type(code) for code in table["reason_code"]} == {str}


def test_a_reason_may_go_before_others_and_be_worded_row_by_row(table):
    words = pd.Series(["a", "b", "c"], index=table.index)
    refuse(table, [(table["sd"] > 1, table["reason"], words)], override=True)
    assert table["reason_code"].tolist() == ["", "", "none"]
    assert table["reason"].tolist() == ["", "", "c"]


def test_no_row_is_refused_of_a_table_without_rows():
    table = pd.DataFrame({"sd": []})
    refuse(table, [(table["sd"] > 1, Reason.NO_SPREAD, "flat")])
    assert list(table) == ["sd", "reason_code", "reason"]


def test_the_number_randomised_of_an_arm_under_any_name():
    rows = pd.DataFrame({"study_id": ["A", "A"], "arm_2": ["s", "x"], "n_2": [np.nan, np.nan]})
    arms = pd.DataFrame({"study_id": ["A"], "arm": ["s"], "n_randomised": [30.0]})
    n, assumed = with_randomised(rows, arms, "n_2", "arm_2")
    assert n.tolist()[0] == 30
    assert np.isnan(n.tolist()[1])
    assert assumed.tolist() == [True, False]
    printed, assumed = with_randomised(rows.assign(n_2=19.0), arms, "n_2", "arm_2")
    assert (printed.tolist(), assumed.tolist()) == ([19.0, 19.0], [False, False])


def test_words_are_added_where_asked_only():
    table = pd.DataFrame({"derivation": [("a",), ()]})
    add_steps(table, "derivation", np.array([True, True]), "b")
    add_steps(table, "derivation", np.array([False, False]), "c")
    add_steps(table, "derivation", np.array([False, True]), "d")
    assert table["derivation"].tolist() == [("a", "b"), ("b", "d")]


def test_texts_are_joined_without_the_empty_ones():
    assert joined(pd.Series(["a", ""]), pd.Series(["b", "c"])).tolist() == ["a b", "c"]
    assert unique_joined(["a", "b", "a", ""], "+") == "a+b"
    assert where_text(np.array([True, False]), "n = randomised").tolist() == ["n = randomised", ""]


def test_missing_text_is_empty_and_numbers_have_four_digits():
    assert plain_text(pd.DataFrame({"a": pd.array(["x", pd.NA], dtype="string")}))["a"].tolist() == ["x", ""]
    assert [number_text(value) for value in (0.1, 45.0, 1 / 3)] == ["0.1", "45", "0.3333"]


def test_a_setting_is_that_of_the_analysis_of_every_row():
    rows = pd.DataFrame({"analysis_index": [1, 0, 1]})
    assert setting(pd.DataFrame({"measure": ["MD", "RR"]}), "measure", rows).tolist() == ["RR", "MD", "RR"]


def test_every_reason_for_leaving_the_flow_is_a_reason():
    assert set(REASONS) - {"not_asked"} <= set(Reason)
