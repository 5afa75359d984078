"""Examples in docstrings run in an empty folder: they show what a function does, not what a review holds."""

import pytest


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch, tmp_path):
    """Nothing of this repository lies where an example runs."""
    monkeypatch.chdir(tmp_path)
