"""Never "nothing to be done" when something is wrong; and each run says what came of it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, jobs_run
from .test_pipeline import GAP, PAIN

pytestmark = pytest.mark.workflow


def said(completed):
    return completed.stdout + completed.stderr


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        ("raw", "raw: the evidence folder does not exist"),
        ("raw/events.csv", "raw/events.csv: the table does not exist"),
    ],
)
def test_missing_evidence_is_named_though_the_results_stand(review, lost, words):
    before = review.results()
    (review.folder / lost).rename(review.folder / "elsewhere")
    completed = review.run()
    assert completed.returncode != 0
    assert words in said(completed)
    assert "To mend" in said(completed)
    assert review.results() == before


def test_a_misspelt_folder_is_named(review):
    review.edit("config.yaml", "evidence: raw", "evidence: rwa")
    completed = review.run()
    assert completed.returncode != 0
    assert "rwa" in said(completed)


def test_a_result_edited_by_hand_is_said_at_the_next_run_and_made_again_when_deleted(review):
    completed = review.run()
    assert jobs_run(completed) == set()
    assert "edited by hand" not in said(completed)
    before = review.results()
    review.edit("results/summary.csv", "pooled", "pooled!")
    assert "results/summary.csv is not what the last complete run wrote" in said(review.run())
    (review.folder / "results" / "summary.csv").unlink()
    completed = review.run()
    assert completed.returncode == 0, said(completed)
    assert review.results() == before


def test_a_clone_with_results_but_no_tables_between_is_run(review):
    before = review.results()
    shutil.rmtree(review.folder / "processed")
    shutil.rmtree(review.folder / ".snakemake")
    assert {"ingest_tables", f"pool {PAIN}"} <= jobs_run(review.run())
    assert review.results() == before


def test_one_forest_plot_can_be_asked_for(review):
    shutil.rmtree(review.folder / "results" / "analyses" / PAIN)
    completed = review.run("--", f"results/analyses/{PAIN}/forest.svg")
    assert completed.returncode == 0, said(completed)
    assert f"pool {PAIN}" in jobs_run(completed)
    assert "write_page" not in jobs_run(completed)
    assert (review.folder / "results" / "analyses" / PAIN / "forest.pdf").is_file()


@pytest.mark.parametrize("option", ["--forcerun=", "--forcerun ", "-R", "-R "])
def test_one_forest_plot_can_be_forced_in_any_spelling(review, option):
    completed = review.run("--dry-run", *f"{option}results/analyses/{PAIN}/forest.svg".split())
    assert completed.returncode == 0, said(completed)
    assert {job for job in jobs_run(completed) if job.startswith("pool")} == {f"pool {PAIN}"}


@pytest.mark.parametrize("command", [["snakemake"], ["python", "-P", "-m", "snakemake"]], ids=" ".join)
def test_a_module_in_the_folder_of_the_review_is_not_taken_for_pythons(review, command):
    """Neither by Snakemake, which starts once more for one forest plot, nor by the process that stands by."""
    temporary = review.folder.parent / "temporary"
    temporary.mkdir()
    shutil.rmtree(review.folder / "results" / "analyses" / PAIN)
    for name in ("json.py", "pandas.py"):
        (review.folder / name).write_text("raise SystemExit('not me')", encoding="utf-8")
    completed = subprocess.run(
        [
            *(str(Path(sys.executable).with_name(command[0])), *command[1:], "--cores", "2"),
            *("--snakefile", str(ROOT / "Snakefile"), "--configfile", "config.yaml"),
            *("--", f"results/analyses/{PAIN}/forest.svg"),
        ],
        cwd=review.folder,
        env={**review.environment(), "TMPDIR": str(temporary)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert completed.returncode == 0, said(completed)
    assert f"pool {PAIN}" in jobs_run(completed)
    assert "not me" not in said(completed)
    assert [*temporary.iterdir()] == []


def test_a_run_ends_with_what_came_of_it(review):
    review.edit("raw/continuous.csv", ",28,mean,41,sd,21,", ",28,mean,41,sd,2.1,")
    review.edit("config.yaml", "    domain: responder", "    domain: responder\n    timepoint: follow_up")
    completed = review.run()
    assert completed.returncode == 0, said(completed)
    lines = [line for line in said(completed).splitlines() if "To " in line][-3:]
    assert lines[0].startswith("3 analyses: 1 of several trials, 0 of one, 2 empty.")
    assert "of 2 trials: report at end_of_treatment, the analysis asks for follow_up" in lines[1]
    assert GAP in lines[1]
    assert lines[2].startswith("Audit: ")
    assert "results/audit.csv" in lines[2]


MODULE = """
configfile: "config.yaml"

module pooling:
    snakefile: "{root}/workflow/Snakefile"
    config: config["review"]

use rule * from pooling as pooling_*

rule count:
    default_target: True
    input: "results/summary.csv"
    output: "lines.txt"
    shell: "wc -l < {{input}} > {{output}}"
"""


def test_another_workflow_can_use_it_as_a_module(fresh_review, finished_review):
    folder = fresh_review.folder
    config = (folder / "config.yaml").read_text(encoding="utf-8")
    nested = "".join(f"  {line}" for line in config.splitlines(keepends=True))
    (folder / "config.yaml").write_text(f"review:\n{nested}", encoding="utf-8")
    (folder / "Snakefile").write_text(MODULE.format(root=ROOT), encoding="utf-8")
    completed = fresh_review.run("--snakefile", "Snakefile", command=True)
    assert completed.returncode == 0, said(completed)
    assert (folder / "lines.txt").read_text().strip() == "4"
    assert fresh_review.results()["summary.csv"] == finished_review.results()["summary.csv"]
