"""What depends on a change runs again, and nothing else does; Snakemake's own job list says so."""

import os
import re
import shutil
import subprocess
import time

import pytest

from .conftest import ROOT, Review, jobs_run

pytestmark = pytest.mark.workflow

PAIN = "dpn-pain-acupuncture-vs-sham"
ROOMS = "workflow/src/trialpool"


@pytest.fixture(scope="module")
def copied_review(finished_review, tmp_path_factory):
    """The review, run by a copy of this repository whose modules may be changed."""
    top = tmp_path_factory.mktemp("copy")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "Snakefile", "profiles", "workflow", "config", "*.lock", "*.cff", "*.toml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is not a git checkout, so its files cannot be listed")
    for name in filter(None, listed.stdout.split("\0")):
        (top / "code" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, top / "code" / name)
    shutil.copytree(finished_review.folder, top / "review")
    review = Review(top / "review", top / "code")
    assert jobs_run(review.run()) == {"write_manifest", "review"}  # the same code elsewhere is no other code
    return review


def would_run(review):
    """The rules that a run would execute now, such as {"pool", "write_page"}."""
    completed = review.run("--dry-run")
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return {job.split()[0] for job in jobs_run(completed)}


@pytest.mark.parametrize(
    ("file", "runs", "rests"),
    [
        ("stats/pooling.py", {"harmonise_results", "compare_arms", "pool"}, {"ingest_tables"}),
        ("figures/forest.py", {"pool"}, {"ingest_tables", "harmonise_results", "compare_arms"}),
        (
            "evidence/risk_of_bias.py",
            {"ingest_tables", "compare_arms", "pool", "appraise_certainty", "write_page"},
            set(),
        ),
        (
            "evidence/audit/checks.py",
            {"audit_numbers", "compare_arms"},
            {"ingest_tables", "harmonise_results"},
        ),
        (
            "synthesis/certainty.py",
            {"appraise_certainty", "write_page"},
            {"ingest_tables", "compare_arms", "trace_flow", "pool"},
        ),
        ("evidence/validate.py", {"ingest_tables", "harmonise_results", "compare_arms"}, set()),
        (
            "page/templates/page.css",
            {"write_page"},
            {"ingest_tables", "harmonise_results", "compare_arms", "pool"},
        ),
        ("text.py", {"ingest_tables", "pool", "write_page", "write_tables"}, set()),  # words use it too
        (
            "io.py",
            {"ingest_tables", "harmonise_results", "compare_arms", "pool", "write_page", "write_manifest"},
            set(),
        ),
        (
            "exchange/revman.py",
            set(),
            {"ingest_tables", "harmonise_results", "compare_arms", "pool", "write_page", "review"},
        ),
        (
            "schemas/config.schema.yaml",
            set(),
            {"ingest_tables", "harmonise_results", "compare_arms", "pool", "write_page", "review"},
        ),
    ],
)
def test_a_changed_module_reruns_what_uses_it(copied_review, file, runs, rests):
    path = copied_review.root / ROOMS / file
    before, stamp = path.read_text(encoding="utf-8"), path.stat()
    comment = "/* changed */" if file.endswith(".css") else "# changed"
    path.write_text(f"{before}{comment}\n", encoding="utf-8")
    found = would_run(copied_review)
    path.write_text(before, encoding="utf-8")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert runs <= found
    assert not rests & found


def test_a_stricter_schema_is_heeded_at_the_next_start(copied_review):
    path = copied_review.root / ROOMS / "schemas" / "config.schema.yaml"
    before = path.read_text(encoding="utf-8")
    stricter, changed = re.subn(r"enum: &measures \[[^\]]*\]", "enum: &measures [SMD]", before)
    assert changed == 1
    path.write_text(stricter, encoding="utf-8")
    completed = copied_review.run("--dry-run")
    path.write_text(before, encoding="utf-8")
    assert completed.returncode != 0
    assert f"column analyses.{PAIN}.measure: 'MD' is not one of: SMD" in completed.stdout + completed.stderr


def test_a_touched_module_or_table_runs_nothing(copied_review):
    later = time.time() + 5
    touched = [copied_review.root / ROOMS / "stats" / "pooling.py", copied_review.folder / "instruments.yaml"]
    for path in touched:
        os.utime(path, (later, later))
    assert would_run(copied_review) == set()


def pooled(review):
    """The analyses that a run pools."""
    completed = review.run()
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return {job for job in jobs_run(completed) if job.startswith("pool")}


def test_a_changed_instrument_with_an_older_time_reruns_only_the_analyses_that_use_it(review):
    before = review.results()
    review.edit("instruments.yaml", "mcid: {value: 10,", "mcid: {value: 20,")
    os.utime(review.folder / "instruments.yaml", (1, 1))
    assert pooled(review) == {f"pool {PAIN}"}
    changed = {name.split("/")[1] for name in changes(before, review) if name.startswith("analyses/")}
    assert changed == {PAIN}


def test_a_changed_table_with_an_older_time_reruns_only_what_it_feeds(review):
    table, before = review.folder / "raw" / "continuous.csv", review.results()
    review.edit("raw/continuous.csv", ",28,mean,41,", ",28,mean,42,")
    long_ago = time.time() - 2 * 365 * 86400
    os.utime(table, (long_ago, long_ago))
    assert pooled(review) == {f"pool {PAIN}"}
    assert {f"analyses/{PAIN}/result.json", "summary.csv"} <= changes(before, review)
    assert jobs_run(review.run()) == set()


def changes(before, review):
    """The results that are not what they were."""
    after = review.results()
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
