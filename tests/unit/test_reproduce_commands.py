"""`trialpool export reproduce` and `trialpool reproduce`, without R: a stand-in answers in its place."""

import shutil
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner

import trialpool as tp
from trialpool import contracts, io
from trialpool.cli import main
from trialpool.records import Record, SmallStudy, Status, sketch, to_json
from trialpool.view.read import read_csv
from trialpool.view.reproduce import SCRIPT, checked, script_of

# Of each script it is asked to run: the number that stands in its first comment.
STAND_IN = """#!{python}
import re, sys
print("metafor,9.9,")
for file in sys.argv[3:]:
    print(f'"{{file}}",estimate,{{len(open(file, encoding="utf-8").read())}}')
    print(f'"{{file}}",q,NA')
"""


@pytest.fixture
def results(tmp_path):
    data = tp.effects(measure="MD", effect=[-1.0, -0.4, -1.2], se=[0.3, 0.2, 0.5], label=["A", "B", "C"])
    record = replace(tp.pool(data).record(), small_study=sketch(SmallStudy), analysis="pain", title="Pain")
    empty = sketch(Record, analysis="sleep", status=Status.NO_DATA)
    for each in (record, empty):
        io.write_json(tmp_path / "results" / "analyses" / each.analysis / "result.json", to_json(each))
    io.write_text(tmp_path / "results" / "analyses" / "pain" / SCRIPT, script_of(record))
    return tmp_path / "results"


def ask(*arguments):
    return CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.mark.parametrize(("language", "name"), [("r", "pain.R"), ("python", "pain.py")])
def test_scripts_are_written_in_either_language(results, tmp_path, language, name):
    done = ask("export", "reproduce", results, "--language", language, "--out", tmp_path / "scripts")
    assert (done.exit_code, done.output) == (0, f"1 script written to {tmp_path / 'scripts'}\n")
    assert [path.name for path in (tmp_path / "scripts").iterdir()] == [name]
    assert (tmp_path / "scripts" / name).read_text(encoding="utf-8").startswith("# Pain\n")


def test_of_one_that_is_named_it_says_why_there_is_none(results, tmp_path):
    done = ask("export", "reproduce", results, "sleep", "--out", tmp_path / "scripts")
    said = "sleep: nothing was pooled, or metafor has not the method\nno script written"
    assert done.output.startswith(said)
    done = ask("export", "reproduce", results, "slepe", "--out", tmp_path / "scripts")
    assert done.exit_code == 1
    assert "no analysis of these results" in done.output
    assert "did you mean 'sleep'" in done.output


def test_without_r_it_says_what_to_install(results, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    done = ask("reproduce", results, "--out", tmp_path / "said.csv")
    assert done.exit_code == 1
    assert "R is not on this machine" in done.output
    assert not (tmp_path / "said.csv").exists()


def test_without_results_it_says_where_they_would_be(tmp_path):
    done = ask("reproduce", tmp_path, "--out", tmp_path / "said.csv")
    assert "the folder holds no analyses/*/result.json" in done.output


def test_results_alone_do_not_say_where_to_write(results):
    done = ask("reproduce", results)
    assert done.exit_code == 1
    assert "give --out FILE" in done.output


def test_what_r_prints_is_kept_with_the_hash_of_the_script(results, tmp_path, monkeypatch):
    program = tmp_path / "Rscript"
    program.write_text(STAND_IN.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("Rscript") == str(program)
    done = ask("reproduce", results, "--out", tmp_path / "said.csv")
    assert done.output.startswith("1 result computed again in R")
    rows = read_csv(tmp_path / "said.csv", contracts.REPRODUCED)
    script = (results / "analyses" / "pain" / SCRIPT).read_text(encoding="utf-8")
    assert [(row["analysis"], row["metafor"], row["quantity"]) for row in rows] == [
        ("pain", "9.9", "estimate"),
        ("pain", "9.9", "q"),
    ]
    assert [row["value"] for row in rows] == [len(script), None]
    data = tp.effects(measure="MD", effect=[-1.0, -0.4, -1.2], se=[0.3, 0.2, 0.5], label=["A", "B", "C"])
    record = replace(tp.pool(data).record(), analysis="pain", title="Pain")
    assert "estimate" in checked(record, rows).differs
