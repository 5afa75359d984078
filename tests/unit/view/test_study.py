"""The trials' side: judgements of risk of bias, addresses of those who judged."""

from __future__ import annotations

import pytest

from trialpool.view.study import assessor_url, tool_tables

JUDGED = [
    {"study_id": "A", "tool": "RoB2", "domain": "d1", "judgement": "low", "assessed_by": "10.1/x"},
    {"study_id": "A", "tool": "RoB2", "domain": "d1", "judgement": "high", "assessed_by": "10.1/y"},
    {"study_id": "B", "tool": "RoB2", "domain": "d2", "judgement": "some_concerns", "assessed_by": "me"},
    {"study_id": "B", "tool": "Jadad", "domain": "blinding", "judgement": "low", "assessed_by": "me"},
]


def test_bias_tables_follow_the_tools_of_the_data_and_show_gaps():
    tables = tool_tables(JUDGED, {"A": "A 2000", "B": "B 2001"}, trials=10)
    assert [table["tool"] for table in tables] == ["RoB2", "Jadad"]
    first, second = tables[0]["rows"]
    assert [len(cell) for cell in first["cells"]] == [2, 0]
    assert [len(cell) for cell in second["cells"]] == [0, 1]
    counts = {bar["judgement"]: bar["count"] for bar in tables[0]["summary"][0]["bars"]}
    assert counts == {"low": 0, "some-concerns": 0, "unclear": 0, "high": 1, "not-judged": 9}
    assert sum(bar["share"] for bar in tables[0]["summary"][0]["bars"]) == pytest.approx(100)


def test_only_addresses_of_reviews_become_links():
    assert assessor_url("10.1/x") == "https://doi.org/10.1/x"
    assert assessor_url("me") == ""
    assert assessor_url("javascript:alert(1)") == ""
