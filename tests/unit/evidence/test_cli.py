"""The command line: what it prints, its exit codes, and that it writes nothing unasked."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from malformed import STUDIES, parse, small_tables, write

from trialpool import cli


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file, content in small_tables().items():
        (tmp_path / file).write_bytes(content)
    return tmp_path


def run(*arguments: str):
    return CliRunner().invoke(cli.main, list(arguments))


def test_valid_tables_are_counted(folder: Path) -> None:
    result = run("check", str(folder))
    assert result.exit_code == 0
    assert f"{len(STUDIES):>7}  studies" in result.output
    assert "No faults found." in result.output


def test_each_fault_stands_on_one_line_and_the_exit_code_is_1(folder: Path) -> None:
    rows = parse((folder / "events.csv").read_bytes())
    events = rows[0].index("events")
    rows[1][events], rows[2][events] = "many", "99999"
    (folder / "events.csv").write_bytes(write(rows))
    result = run("check", str(folder))
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert len(lines) == 2
    assert "events.csv, row 2, column events: 'many' is not a number" in lines[0]
    assert "events.csv, row 3, column events: '99999' is more than n (" in lines[1]
    assert "2 faults found." in result.stderr


def test_a_review_of_another_condition_is_allowed_by_name(folder: Path) -> None:
    content = (folder / "studies.csv").read_bytes()
    (folder / "studies.csv").write_bytes(content.replace(b",CIPN,", b",MIGRAINE,"))
    assert run("check", str(folder)).exit_code == 0
    own = ("--vocabulary", "config/vocabulary.yaml")
    assert "'MIGRAINE' is not one of the words for condition" in run("check", str(folder), *own).output
    assert run("check", str(folder), *own, "--allow", "condition=MIGRAINE").exit_code == 0
    assert "COLUMN=WORD" in run("check", str(folder), "--allow", "MIGRAINE").output


def test_instruments_are_looked_up_when_a_catalogue_is_given(folder: Path) -> None:
    catalogue = folder / "instruments.yaml"
    nrs = "{name: Numeric scale, domains: [pain], range: [0, 10], better: lower, unit: points}"
    catalogue.write_text(f"groups: {{x: [sham]}}\ninstruments: {{NRS: {nrs}}}\n")
    result = run("check", str(folder), "--instruments", str(catalogue))
    assert result.exit_code == 1
    assert "'VAS100' is not in the instrument catalogue" in result.output
    catalogue.write_text("groups: [")
    assert run("check", str(folder), "--instruments", str(catalogue)).exit_code == 1


MINI = Path(__file__).parents[2] / "workflow" / "mini"


def test_a_configuration_is_checked_with_all_its_files_and_tables(tmp_path: Path, monkeypatch) -> None:
    shutil.copytree(MINI, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    result = run("check", "config.yaml")
    assert result.exit_code == 0
    assert "      3  analyses" in result.output
    config, claims = tmp_path / "config.yaml", tmp_path / "claims.yaml"
    claims.write_text(
        "claims: {x: {statement: X, kind: benefit, analyses: [dpn-pain-acupuncture-vs-shame]}}\n"
    )
    text = config.read_text(encoding="utf-8")
    config.write_text(f"claims: claims.yaml\n{text}", encoding="utf-8")
    (tmp_path / "raw" / "events.csv").unlink()
    result = run("check", "config.yaml")
    assert result.exit_code == 1
    assert "did you mean 'dpn-pain-acupuncture-vs-sham'" in result.output
    assert "events.csv" in result.output
    config.write_text(text.replace("scale: 0-10", "scales: 0-10"), encoding="utf-8")
    assert "scales' is not known. To mend: did you mean 'scale'." in run("check", "config.yaml").output


def test_a_failure_of_the_program_is_owned_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    from trialpool.evidence import read

    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(read, "examine", broken)
    result = run("check", "anything")
    assert result.exit_code == 2
    assert "trialpool itself failed" in result.stderr
    assert "Traceback" not in result.output


def test_help_answers_without_loading_the_tables_machinery() -> None:
    code = "import sys, trialpool.cli; print([m for m in ('pandas', 'pyarrow', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
