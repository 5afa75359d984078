"""The committed results: every number on the page is that of a record, and the tables agree with both."""

from __future__ import annotations

import csv
import os
import re
from functools import cache
from pathlib import Path

import pytest

from tests.unit.page.test_page import Page
from trialpool import io

RESULTS = Path(os.environ.get("TRIALPOOL_RESULTS", Path(__file__).parents[3] / "results"))
pytestmark = pytest.mark.skipif(
    not (RESULTS / "index.html").exists(), reason="results/ has not been built (make results)"
)


@cache
def holder(analysis):
    """The JSON that a number's place is looked up in: record with appraisal, the claims, the networks."""
    appraisal = io.read_json(RESULTS / "appraisal.json")
    if analysis == "claims":
        return appraisal["claims"]
    if analysis == "networks":
        return {path.parent.name: io.read_json(path) for path in RESULTS.glob("networks/*/result.json")}
    record = io.read_json(RESULTS / "analyses" / analysis / "result.json")
    return record | appraisal["analyses"][analysis]


@cache
def index():
    return Page((RESULTS / "index.html").read_text(encoding="utf-8"))


def numbers():
    """Value, analysis, place in its record and text of every number on the page."""
    return [(found["value"], *found["data-from"].split("/", 1), text) for found, text in index().data]


def look_up(analysis, place):
    value = holder(analysis)
    for step in place.split("."):
        value = value[int(step)] if step.isdigit() else value[step]
    return value


def summary():
    with (RESULTS / "summary.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_number_on_the_page_is_that_of_its_record():
    found = numbers()
    assert len(found) > 5 * len(summary())
    wrong = [
        (analysis, place, shown, look_up(analysis, place))
        for shown, analysis, place, _ in found
        if shown != io.cell(look_up(analysis, place))
    ]
    assert wrong == []


def test_every_shown_number_is_its_value_rounded():
    for value, analysis, place, text in numbers():
        if text.startswith(("<", ">")) or text.startswith(("p <", "p >")) or text == "no difference":
            continue
        number = float(re.sub(r"[^\d.−]", "", text).replace("−", "-"))
        exact = float(value)
        if text.endswith("%") and not place.endswith(("i2", "weight")):
            exact *= 100
        if text.endswith(("fewer", "lower")):
            number = -number
        if re.search(r"\.nnt(_low|_high)?$", place):  # of people: rounded up
            assert 0 <= number - exact + 1e-6 < 1 + 1e-6, (analysis, place, text, value)
            continue
        decimals = len(re.sub(r"[^\d.]", "", text).partition(".")[2])
        assert abs(number - exact) <= 0.5 * 10**-decimals + 1e-9, (analysis, place, text, value)


def test_summary_and_page_name_the_same_analyses():
    tags, rows = index().tags, summary()
    asked = [found["data-analysis"] for tag, found in tags if tag == "details" and "data-analysis" in found]
    shown = [found["data-analysis"] for tag, found in tags if tag == "tr" and "data-analysis" in found]
    assert sorted(asked) == sorted(row["analysis"] for row in rows)
    answered = [row["analysis"] for row in rows if row["status"] != "no_data"]
    assert sorted(shown) == sorted(answered)
    assert [name for name in asked if name in shown] == shown  # the table and the questions in one order


def test_no_code_stands_where_a_reader_looks():
    text = re.sub(r"https?://\S+|\b\w+\.csv:\d+", " ", index().text)  # addresses and rows of tables
    assert set(re.findall(r"\w+_\w+", text)) <= {"setting_note"}  # a column that one row's note names


def test_summary_repeats_the_records():
    for row in summary():
        record = holder(row["analysis"])
        for key in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2", "i2"):
            assert row[key] == io.cell((record["pooled"] or {}).get(key)), (row["analysis"], key)
        assert row["k"] == str(record["k"])
        assert row["certainty"] == ((record["certainty"] or {}).get("level") or "")


def test_the_page_is_small_enough_to_be_opened_on_a_phone():
    assert (RESULTS / "index.html").stat().st_size <= 3_000_000
    assert (RESULTS / "trials.html").stat().st_size <= 3_000_000
