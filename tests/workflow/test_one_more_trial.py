"""The first use of the README, adding a trial to data/raw, breaks no test that reads the shipped evidence."""

import csv
import os
import re
import shutil
import subprocess
import sys

import pytest

from .conftest import ROOT

pytestmark = pytest.mark.workflow

READS_EVIDENCE = re.compile(r'"data" / "raw"|data/raw|\bshipped_(tables|comparison)\b')
ADDED = {"Choi2024": "Aalto2027", "Backonja1998": "Berg2027"}  # these two have rows in all tables of trials


@pytest.fixture
def grown(tmp_path):
    """A copy of this repository with two more trials, made of two that are there, before all others."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is not a git checkout, so its files cannot be listed")
    for name in filter(None, listed.stdout.split("\0")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    for table in ("studies", "arms", "continuous", "contrasts", "events", "risk_of_bias"):
        file = tmp_path / "data" / "raw" / f"{table}.csv"
        with file.open(encoding="utf-8", newline="") as stream:
            header, *rows = csv.reader(stream)
        more = [[ADDED[row[0]], *row[1:]] for row in rows if row[0] in ADDED]
        assert more
        with file.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows([header, *more, *rows])
    return tmp_path


def test_tests_that_read_the_evidence_pass_with_a_valid_trial_more(grown):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow" / "src")}  # compiled already
    checked = subprocess.run(
        [sys.executable, "-c", "from trialpool.cli import main; main(['check', 'data/raw'])"],
        cwd=grown,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    files = sorted((grown / "tests" / "unit").rglob("test_*.py"))
    reading = [str(file) for file in files if READS_EVIDENCE.search(file.read_text(encoding="utf-8"))]
    assert len(reading) > 5
    plain = ["-p", "no:cacheprovider", "--assert=plain", "-o", "addopts="]
    command = [sys.executable, "-m", "pytest", "-q", *plain, *reading]
    tested = subprocess.run(command, cwd=grown, env=environment, capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout[-5000:]
