"""What was not used, by kind of reason, and the results that no analysis asks for."""

import csv

import pytest

from tests.unit.page import demo
from tests.unit.page.demo import render_page
from trialpool import io
from trialpool.contracts import NOT_USED
from trialpool.evidence.participant_flow import REASONS
from trialpool.evidence.unused import KINDS, OTHER_QUESTION, OTHER_RESULT, reason_kind
from trialpool.records import sketch, to_json
from trialpool.view.read import Appraised
from trialpool.view.study import excluded_rows, not_asked


def unused(study, code, **more):
    return {"study_id": study, "label": study, "reason_code": code, "reason": code, "row_ids": "", **more}


def record(name, *rows, domain="pain", studies=()):
    known = {"analysis": name, "domain": domain, "not_used": list(rows), "studies": list(studies)}
    return sketch(Appraised, known)


def test_near_misses_stand_first():
    records = [
        record("a", unused("B", "no_numbers"), unused("A", "no_spread")),
        record("b", unused("C", "other_time")),
    ]
    rows = excluded_rows(records)
    told = [("a", "A", "unusable"), ("a", "B", "no_numbers"), ("b", "C", "other_result")]
    assert [(row.analysis, row.study_id, row.reason_kind) for row in rows] == told
    assert all(set(to_json(row)) <= set(NOT_USED.names) for row in rows)


def test_every_reason_of_the_pipeline_has_a_kind():
    known = set(REASONS) - {"not_asked"} - set(OTHER_QUESTION)
    assert len(known) == len(REASONS) - 3
    assert {code for code in known if reason_kind(code) == "other_result"} == known & set(OTHER_RESULT)
    assert {reason_kind(code) for code in known} == {"unusable", "other_result"}
    assert reason_kind("no_numbers") == "no_numbers"
    assert {reason_kind(code) for code in (*known, "no_numbers", "not_asked")} == set(KINDS)


TABLES = {
    "studies": [{"study_id": name, "condition": "DPN"} for name in "AB"],
    "arms": [{"study_id": "A", "arm": "x", "category": "other_drug"}],
    "continuous": [
        {
            "study_id": "A",
            "domain": "function",
            "instrument": "TUG",
            "timepoint": "baseline",
            "row_id": "continuous.csv:2",
        },
        {
            "study_id": "A",
            "domain": "function",
            "instrument": "TUG",
            "timepoint": "follow_up",
            "row_id": "continuous.csv:3",
        },
        {
            "study_id": "A",
            "domain": "pain",
            "instrument": "NRS",
            "timepoint": "follow_up",
            "row_id": "continuous.csv:4",
        },
    ],
    "events": [{"study_id": "B", "domain": "withdrawal", "outcome": "all", "row_id": "events.csv:2"}],
}


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], [("A", "TUG"), ("A", "NRS"), ("B", "all")]),
        ([record("a", studies=[{"study_id": "A"}])], [("A", "TUG"), ("B", "all")]),
        ([record("a", unused("A", "no_spread"))], [("A", "TUG"), ("B", "all")]),
    ],
    ids=["no analysis", "used", "nearly used"],
)
def test_results_that_no_analysis_asks_for_are_told(records, expected):
    rows = not_asked(records, TABLES, {})
    assert [(row.study_id, row.instrument) for row in rows] == expected
    assert "continuous.csv:2" not in " ".join(row.row_ids for row in rows)


def test_the_page_names_arms_and_links_the_rows():
    keys = ("journal", "country", "population", "purpose", "registration", "setting_note", "source_url")
    keys += ("n_randomised", "design")
    keys += ("role", "label", "cointervention", "sessions", "weeks", "reading", "locator", "note")
    tables = {name: [dict.fromkeys(keys) | row for row in rows] for name, rows in TABLES.items()}
    page = render_page([], tables, vocabulary=demo.SHIPPED)
    section = page[page.index('id="unasked"') :].partition("</section>")[0]
    assert "<small>Diabetic peripheral neuropathy</small>" in section
    assert "<td>Physical function</td><td>TUG</td><td>other drug</td>" in section
    assert 'href="trials.html#row-continuous_2e_csv_3a_3">continuous.csv:3</a>' in section
    assert "continuous.csv:2" not in section


def test_the_file_holds_the_evidence_without_question(tmp_path):
    rows = excluded_rows([record("a", unused("C", "no_spread"))], not_asked([], TABLES, {}))
    io.write_csv(tmp_path / "excluded.csv", map(to_json, rows), NOT_USED.names)
    with (tmp_path / "excluded.csv").open(encoding="utf-8") as stream:
        kinds = [row["reason_kind"] for row in csv.DictReader(stream)]
    assert kinds == ["unusable", "not_asked", "not_asked", "not_asked"]
