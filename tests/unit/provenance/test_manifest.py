"""The manifest lists what is committed and what it was computed from, and nothing else."""

import hashlib

import pytest

from trialpool import io
from trialpool.contracts import MANIFEST
from trialpool.provenance.crate import manifest_rows


def test_manifest_lists_committed_files_and_the_evidence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = {
        "results/summary.csv": "a\n",
        "results/analyses/x/result.json": "{}\n",
        "data/raw/arms.csv": "b\n",
    }
    left_out = {"results/manifest.csv": "old", "results/.half": "x", "results/logs/pool.log": "x"}
    for name, text in (files | left_out).items():
        io.write_bytes(tmp_path / name, text.encode())
    rows = manifest_rows("results", {"data/raw": "data/raw"})
    assert [row["path"] for row in rows] == ["analyses/x/result.json", "summary.csv", "evidence: data/raw"]
    assert rows[1] == {"path": "summary.csv", "sha256": hashlib.sha256(b"a\n").hexdigest(), "bytes": 2}
    assert set(rows[0]) == set(MANIFEST.names)
    io.write_bytes(tmp_path / "data/raw/arms.csv", b"c\n")
    assert manifest_rows("results", {"data/raw": "data/raw"})[2]["sha256"] != rows[2]["sha256"]


def test_manifest_shows_no_machine_path(tmp_path):
    io.write_bytes(tmp_path / "raw" / "arms.csv", b"b\n")
    (row,) = [
        row
        for row in manifest_rows(tmp_path, {str(tmp_path / "raw"): tmp_path / "raw"})
        if row["path"].startswith("evidence")
    ]
    assert row["path"] == "evidence: raw"


def test_manifest_of_a_missing_folder_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing to list"):
        manifest_rows(tmp_path / "absent")
