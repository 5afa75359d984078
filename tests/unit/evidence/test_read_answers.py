"""Folders with answers to signalling questions: read into judgements, or every fault named."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from trialpool.cli import main
from trialpool.contracts import RISK_OF_BIAS, SIGNALLING_ANSWERS, stored
from trialpool.evidence.read import examine, read_evidence
from trialpool.one_table.answer import Asked
from trialpool.one_table.start import begin, write

BCG = Path(__file__).parents[3] / "docs" / "data" / "bcg.csv"
RANDOM, MISSING = "randomisation_process", "missing_outcome_data"
ANSWERS = [("1.1", "Y", RANDOM), ("1.2", "Y", RANDOM), ("1.3", "N", RANDOM), ("3.1", "Y", MISSING)]


@pytest.fixture
def review(tmp_path):
    folder = tmp_path / "review"
    write(begin(str(BCG), Asked()), str(folder))
    return folder


def write_rows(folder: Path, table, rows, **same):
    base = {"study_id": "Aronson1948", "tool": "RoB2", "assessed_by": "10.1000/us"}
    frame = pd.DataFrame([{**base, **same, **row} for row in rows]).reindex(columns=table.names)
    frame.to_csv(folder / "data" / table.file, index=False)


def answer(folder, rows=ANSWERS, **same):
    named = [{"question": question, "answer": said, "domain": domain} for question, said, domain in rows]
    write_rows(folder, SIGNALLING_ANSWERS, named, **same)


def test_answers_become_judgements_with_the_row_they_came_from(review):
    assert len(read_evidence(review / "data")["risk_of_bias"]) == 0
    answer(review)
    table = read_evidence(review / "data")["risk_of_bias"]
    assert list(table.columns) == list(stored(RISK_OF_BIAS).names)
    assert table[["domain", "judgement", "algorithm", "row_id"]].values.tolist() == [
        [RANDOM, "low", "low", "signalling_answers.csv:4"],
        [MISSING, "low", "low", "signalling_answers.csv:5"],
    ]
    assert table["weeks"].dtype == "float64"


def test_an_override_stands_in_its_own_row(review):
    answer(review)
    row = {"domain": RANDOM, "judgement": "high", "note": "envelopes could be read"}
    write_rows(review, RISK_OF_BIAS, [row])
    table = read_evidence(review / "data")["risk_of_bias"]
    assert table.loc[0, ["judgement", "algorithm", "row_id"]].tolist() == [
        "high",
        "low",
        "risk_of_bias.csv:2",
    ]


@pytest.mark.parametrize(
    ("rows", "same", "column", "remedy"),
    [
        ([("1.4", "Y", RANDOM)], {}, "question", "use one of"),
        ([("1.1", "Y", "randomization_process")], {}, "domain", "did you mean 'randomisation_process'"),
        ([("1.1", "YES", RANDOM)], {}, "answer", "Y, PY"),
        ([("1.1", "Y", RANDOM)], {"tool": "RoB3"}, "tool", "did you mean"),
        ([("1.1", "Y", RANDOM)], {}, "answer", "answer question 1.2 as well"),
        ([("1.1", "Y", RANDOM)], {"study_id": "Nobody1999"}, "study_id", "studies.csv"),
        ([("1.1", "Y", RANDOM), ("1.1", "N", RANDOM)], {}, "study_id", "remove one"),
    ],
)
def test_what_is_wrong_with_an_answer_is_named(review, rows, same, column, remedy):
    answer(review, rows, **same)
    faults = examine(review / "data")[1]
    assert any(fault.column == column and remedy in fault.remedy for fault in faults), faults
    assert {Path(fault.file).name for fault in faults} == {"signalling_answers.csv"}


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ({"domain": RANDOM, "judgement": "unclear"}, "judgement"),
        ({"domain": "randomization_process", "judgement": "low"}, "domain"),
    ],
)
def test_a_known_tool_knows_its_words(review, row, column):
    write_rows(review, RISK_OF_BIAS, [row])
    (fault,) = examine(review / "data")[1]
    assert (fault.row, fault.column) == (2, column)
    write_rows(review, RISK_OF_BIAS, [row], tool="OurTool")
    assert examine(review / "data")[1] == []


def test_the_command_writes_suggestions_and_asks_for_a_run(review, tmp_path):
    done = CliRunner().invoke(main, ["rob", str(review / "config.yaml"), "--out", str(tmp_path / "help")])
    assert done.exit_code == 0, done.output
    assert "suggested_answers.csv" in done.output
    assert "trialpool run" in done.output
    again = CliRunner().invoke(main, ["rob", str(review / "config.yaml"), "--out", str(tmp_path / "help")])
    assert (again.exit_code, "exists already" in again.output) == (1, True)
