"""The review that an import writes runs unedited, and gives the numbers that the file stores."""

import csv
import sys

import pytest
from click.testing import CliRunner

from trialpool.cli import main

from .conftest import ROOT, Review

sys.path.insert(0, str(ROOT / "tests" / "unit" / "evidence"))
from rm5 import MEANS, dich, labels, random_md, review, tag
from web_package import package, rows, studies_only

pytestmark = pytest.mark.workflow
BOUNDS = ("estimate", "ci_low", "ci_high")
NOBODY = (0, 40, 11, 42)  # no event in the experimental arms: Mantel-Haenszel has no ratio


def test_a_revman_file_runs_unedited(tmp_path):
    names = ("Müller 2001", "O'Neil 2003")
    body = labels("Relapse") + "".join(dich(name, NOBODY) for name in names)
    settings = {"NO": 3, "EFFECT_MEASURE": "RR", "METHOD": "MH", "RANDOM": "YES", "TOTALS": "YES"}
    file = tmp_path / "laser.rm5"
    file.write_text(review("UTF-8", tag("DICH_OUTCOME", body, **settings)), encoding="utf-8")
    out = tmp_path / "new"
    result = CliRunner().invoke(main, ["import", "revman", str(file), "--out", str(out)])
    assert result.exit_code == 0, result.output
    finished = Review(out / "review")
    completed = finished.run()
    assert completed.returncode == 0, completed.stdout + completed.stderr
    with (out / "review" / "results" / "summary.csv").open(encoding="utf-8") as stream:
        events, means, rare = csv.DictReader(stream)
    stored = random_md(list(MEANS.values()))
    pooled = [float(means[name]) for name in ("estimate", "ci_low", "ci_high", "tau2")]
    assert pooled == pytest.approx(stored, rel=1e-9)  # DerSimonian & Laird, as RevMan pools
    assert (events["status"], events["k"]) == ("pooled", "3")
    assert [f"{float(events[name]):.3f}" for name in BOUNDS] == ["0.441", "0.241", "0.806"]  # as stored
    assert rare["status"] == "pooled"
    folder = out / "review" / "results" / "analyses"
    forest = (folder / events["analysis"] / "forest.svg").read_text(encoding="utf-8")
    assert "1.1 Pain at rest: Laser versus sham" in forest
    assert "Week 12" in forest
    with (folder / rare["analysis"] / "sensitivity.csv").open(encoding="utf-8") as stream:
        (refused,) = (row for row in csv.DictReader(stream) if row["choice"] == "Mantel–Haenszel")
    assert refused["reason"].startswith("no events (or nothing else) in one arm of all tables")
    assert refused["estimate"] == ""


def imported(folder, source, tables):
    """The summary of a review that `trialpool import` writes of a package, run unedited."""
    out = folder / "new"
    command = ["import", source, str(package(folder, 2, tables)), "--out", str(out)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    completed = Review(out / "review").run()
    assert completed.returncode == 0, completed.stdout + completed.stderr
    with (out / "review" / "results" / "summary.csv").open(encoding="utf-8") as stream:
        return [*csv.DictReader(stream)]


def test_a_data_package_runs_unedited_to_its_stored_totals(tmp_path):
    summary = imported(tmp_path, "revman", rows())
    assert len(summary) == 5
    for found, stored in zip(summary, rows()["settings"], strict=True):
        wanted = [float(stored[column]) for column in ("Mean", "CI start", "CI end")]
        assert [float(found[name]) for name in BOUNDS] == pytest.approx(wanted, abs=1e-6), found["title"]


def test_study_centric_tables_run_unedited(tmp_path):
    summary = imported(tmp_path, "covidence", studies_only())
    found = [(each["measure"], each["k"], each["status"]) for each in summary]
    assert found == [("RR", "3", "pooled"), ("MD", "2", "pooled"), ("HR", "2", "pooled")]
