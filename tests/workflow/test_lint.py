"""Snakemake's own linter finds nothing but the missing conda or container environment.

The environment of this workflow is the hash lock, one for all rules, so that advice is not taken.
"""

import re
import subprocess
import sys

import pytest

from .conftest import ROOT

ACCEPTED = {"Specify a conda environment or container for each rule."}

pytestmark = pytest.mark.workflow


def test_lint_advises_nothing_but_an_environment():
    completed = subprocess.run(
        [sys.executable, "-m", "snakemake", "--lint"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    advice = set(re.findall(r"^\s+\* (.+?\.)", completed.stdout + completed.stderr, re.M))
    assert advice, "the linter's output is no longer understood"
    assert advice <= ACCEPTED
