"""Slips on the command line are told in words: what is in the way, what is meant, what to write."""

import os

import pytest
from click.testing import CliRunner

from trialpool.cli import main

ROWS = "study,tpos,tneg,cpos,cneg,dose,group\nA,4,119,11,128,1,x\nB,6,300,29,274,2,x\nC,3,228,11,209,3,x\n"
CONFIG = "config.yaml"


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(ROWS)
    return tmp_path / "t.csv"


def trialpool(*words):
    done = CliRunner().invoke(main, list(map(str, words)))
    assert "Errno" not in done.output
    return done


@pytest.mark.parametrize(
    "words",
    [
        ("pool", "t.csv", "--out", "file/out"),
        ("init", "file/review", "--from", "t.csv"),
        ("init", "file"),
        ("compare", ".", ".", "--out", "file/out"),
    ],
)
def test_a_file_in_the_way_of_a_folder_is_said_to_be_one(table, words):
    (table.parent / "file").write_text("mine")
    (table.parent / "events.csv").write_text("study_id,arm,domain,outcome,weeks,timepoint,events,n\n")
    done = trialpool(*words)
    assert done.exit_code == 1
    assert "file is a file, not a folder. To mend: name another folder; nothing was written." in done.output
    assert (table.parent / "file").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_leave_is_said_to_be_so(table):
    (table.parent / "shut").mkdir(mode=0o500)
    assert "nothing may be written into" in trialpool("pool", "t.csv", "--out", "shut/out").output


def test_what_the_system_refuses_is_told_in_words(table):
    (table.parent / "file").write_text("")
    (table.parent / "results").mkdir()
    done = trialpool("diff", "results", "results", "--csv", "file/x.csv")
    assert done.output.splitlines()[-1] in (
        "file: something lies there already",
        "file/x.csv: a file lies where a folder is wanted",
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--level", "90"), "90 is not a share between 0.5 and 1, such as 0.95; 90% is 0.9"),
        (("--level", "0.5"), "0.5 is not a share between 0.5 and 1, such as 0.95"),
        (("--level", "much"), "'much' is not a valid number"),
        (("--favours", "a|b|c"), "'a|b|c' is not 'LEFT|RIGHT'"),
        (("--names", "a|b|c"), "'a|b|c' is not 'LEFT|RIGHT'"),
        (("--sheet", "Data"), "--sheet 'Data' names a sheet, and this is no workbook"),
        (("--moderators", "dose +"), "it cannot be worked out; write columns joined by +"),
        (
            ("--moderators", "doze"),
            "no column is called 'doze', did you mean 'dose'; the columns are study, tpos",
        ),
        (("--moderators", "log(amount)"), "no column is called 'amount'; the columns are study"),
        (("--moderators", "row_in_table"), "no column is called 'row_in_table'; the columns are study"),
        (("--moderators", "group"), "all trials have the same group"),
        (("--moderators", "dose + group"), "all trials have the same group"),
        (("--by", "group"), "all trials are of the group 'x', so there is nothing to compare"),
    ],
)
def test_options_that_cannot_be_are_told_in_words(table, words, said):
    done = trialpool("pool", "t.csv", *words)
    assert done.exit_code in (1, 2)
    assert said in done.output
    assert "Factor" not in done.output
    assert "⧛" not in done.output


def test_a_row_that_may_lack_a_number_is_refused(table):
    table.write_text(ROWS.replace("B,6,300,29,274,2,x", "B,6,300,29"))
    done = trialpool("pool", "t.csv")
    assert done.exit_code == 1
    assert "t.csv, row 3: the row has 4 cells where the heading has 7." in done.output


def test_a_row_that_lacks_only_words_at_its_end_is_told(table):
    table.write_text(ROWS.replace("274,2,x", "274,2"))
    done = trialpool("pool", "t.csv")
    assert done.exit_code == 0, done.output
    assert "- Cells missing at the end are taken as empty: row 3." in done.output


def test_an_empty_configuration_is_not_migrated(table):
    (table.parent / "empty.yaml").write_text("# nothing\n")
    done = trialpool("migrate", "empty.yaml")
    assert (done.exit_code, "empty.yaml: it holds no keys." in done.output) == (1, True)


@pytest.fixture
def review(table):
    assert trialpool("init", "r", "--from", "t.csv").exit_code == 0
    return table.parent / "r" / CONFIG


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("\nquestions:", "\nquestion:", "write a sentence; what is pooled stands under 'questions'"),
        ("control: [control]", "control: [experimental]", "the same as the experimental side"),
        (
            "analyses: {}",
            "analyses: {}\ndefaults: {zero_cells: 2}",
            "not a number from 0 to 1, or one of none",
        ),
        ("analyses: {}", "analyses: {}\ndefaults: {zero_cells: half}", "To mend: write such as 0.5."),
        (
            "analyses: {}",
            "analyses: {}\ndefaults: {prediction_from: 2}",
            "not a whole number of trials, 3 or more",
        ),
    ],
)
def test_slips_of_a_configuration_are_told_in_words(review, old, new, said):
    text = review.read_text("utf-8")
    assert old in text
    review.write_text(text.replace(old, new), "utf-8")
    done = trialpool("check", review)
    assert done.exit_code == 1
    assert said in done.output
    assert "schema" not in done.output
