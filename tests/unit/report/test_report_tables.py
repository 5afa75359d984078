from __future__ import annotations

import csv
import hashlib
import io as text_io

import pytest

from tests.unit.report import demo
from trialpool import io
from trialpool.provenance.manifest import MANIFEST_COLUMNS, manifest_rows
from trialpool.report.tables import STUDY_COLUMNS, SUMMARY_COLUMNS, study_rows, summary_rows

CONTRACT = """
    analysis, title, condition, domain, comparison, measure, better, status, k, n_experimental, n_control,
    tau2_method, interval, estimate, ci_low, ci_high, p_value, pi_low, pi_high, tau2, tau2_low, tau2_high,
    i2, q, q_df, q_p_value
""".replace(",", " ").split()
STUDY_CONTRACT = """
    analysis, study_id, arm_experimental, arm_control, effect, variance, ci_low, ci_high, weight,
    n_experimental, n_control, imputed, derivation, source_url, locator, row_ids
""".replace(",", " ").split()


def test_summary_begins_with_the_columns_of_the_contract():
    assert list(SUMMARY_COLUMNS[: len(CONTRACT)]) == CONTRACT
    assert list(STUDY_COLUMNS[: len(STUDY_CONTRACT)]) == STUDY_CONTRACT
    assert len(set(SUMMARY_COLUMNS)) == len(SUMMARY_COLUMNS)
    assert len(set(STUDY_COLUMNS)) == len(STUDY_COLUMNS)


def test_summary_rows_repeat_the_records_numbers(records):
    rows = summary_rows(records)
    assert [row["analysis"] for row in rows] == ["demo-pain", "demo-single", "demo-gap"]
    assert all(set(row) == set(SUMMARY_COLUMNS) for row in rows)
    for row, record in zip(rows, records, strict=True):
        for key in ("estimate", "ci_low", "ci_high", "p_value", "pi_low", "tau2", "i2", "q"):
            assert row[key] == (record["pooled"] or {}).get(key)
    assert [row["interval"] for row in rows] == ["hksj_adhoc", None, None]
    assert [row["n_known"] for row in rows] == [0, 0, 1]


def test_study_rows_hold_every_column(records):
    rows = study_rows(records[0])
    assert [row["study_id"] for row in rows] == ["Madeup2001", "Madeup2002", "Madeup2003"]
    assert set(STUDY_COLUMNS) <= set(rows[0])


def test_formulas_in_labels_are_disarmed_in_csv():
    rows = summary_rows([demo.record(title="=HYPERLINK(1)"), demo.record("b", title="@cmd")])
    read = list(csv.DictReader(text_io.StringIO(io.csv_text(rows, SUMMARY_COLUMNS))))
    assert [row["title"] for row in read] == ["'=HYPERLINK(1)", "'@cmd"]
    assert float(read[0]["estimate"]) == -1.2


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
    assert set(rows[0]) == set(MANIFEST_COLUMNS)
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
