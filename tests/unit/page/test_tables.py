from __future__ import annotations

import csv
import io as text_io

from tests.unit.page import demo
from trialpool import io
from trialpool.contracts import STUDY_ROWS, SUMMARY
from trialpool.page.readme import summary_row
from trialpool.records import to_json

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
    assert list(SUMMARY.names[: len(CONTRACT)]) == CONTRACT
    assert list(STUDY_ROWS.names[: len(STUDY_CONTRACT)]) == STUDY_CONTRACT
    assert len(set(SUMMARY.names)) == len(SUMMARY.names)
    assert len(set(STUDY_ROWS.names)) == len(STUDY_ROWS.names)


def test_summary_rows_repeat_the_records_numbers(records):
    rows = [summary_row(record) for record in records]
    assert [row["analysis"] for row in rows] == ["demo-pain", "demo-single", "demo-gap"]
    assert all(set(row) == set(SUMMARY.names) for row in rows)
    for row, record in zip(rows, records, strict=True):
        for key in ("estimate", "ci_low", "ci_high", "p_value", "pi_low", "tau2", "i2", "q"):
            assert row[key] == (getattr(record.pooled, key) if record.pooled else None)
    assert [row["interval"] for row in rows] == ["hksj_adhoc", None, None]
    assert [row["n_known"] for row in rows] == [0, 0, 1]


def test_study_rows_hold_every_column():
    rows = to_json(demo.record())["studies"]
    assert [row["study_id"] for row in rows] == ["Madeup2001", "Madeup2002", "Madeup2003"]
    assert set(STUDY_ROWS.names) <= set(rows[0])


def test_formulas_in_labels_are_disarmed_in_csv():
    rows = [summary_row(demo.record(title=title)) for title in ("=HYPERLINK(1)", "@cmd")]
    read = list(csv.DictReader(text_io.StringIO(io.csv_text(rows, SUMMARY.names))))
    assert [row["title"] for row in read] == ["'=HYPERLINK(1)", "'@cmd"]
    assert float(read[0]["estimate"]) == -1.2
