"""The trials' side: judgements of risk of bias, addresses of those who judged."""

from __future__ import annotations

import pytest

from tests.unit.page import demo
from tests.unit.page.demo import render_page
from trialpool.view.study import assessor_url, judged_tools, trial_views

JUDGED = [
    {"study_id": "A", "tool": "RoB2", "domain": "d1", "judgement": "low", "assessed_by": "10.1/x"},
    {"study_id": "A", "tool": "RoB2", "domain": "d1", "judgement": "high", "assessed_by": "10.1/y"},
    {"study_id": "B", "tool": "RoB2", "domain": "d2", "judgement": "some_concerns", "assessed_by": "me"},
    {"study_id": "B", "tool": "Jadad", "domain": "blinding", "judgement": "low", "assessed_by": "me"},
]


def test_bias_tables_follow_the_tools_of_the_data_and_show_gaps():
    tools = judged_tools(JUDGED, {"A": "A 2000", "B": "B 2001"}, trials=10)
    assert [tool.name for tool in tools] == ["RoB2", "Jadad"]
    first, second = tools[0].trials
    assert [len(cell) for cell in first.cells] == [2, 0]
    assert [len(cell) for cell in second.cells] == [0, 1]
    bars = tools[0].domains["d1"]
    counts = {bar.light.judgement: bar.count for bar in bars}
    assert counts == {"low": 0, "some-concerns": 0, "unclear": 0, "high": 1, "not-judged": 9}
    assert sum(bar.share for bar in bars) == pytest.approx(100)


def test_only_addresses_of_reviews_become_links():
    assert assessor_url("10.1/x") == "https://doi.org/10.1/x"
    assert assessor_url("me") == ""
    assert assessor_url("javascript:alert(1)") == ""


def test_identifiers_of_another_form_make_no_link():
    studies = [{"study_id": "A", "doi": "10.1000/x1", "pmid": "12345", "pmcid": "nonsense"}]
    (trial,) = trial_views([], {"studies": studies})
    assert dict(trial.links) == {
        "doi:10.1000/x1": "https://doi.org/10.1000/x1",
        "PubMed 12345": "https://pubmed.ncbi.nlm.nih.gov/12345/",
    }


def test_a_row_of_the_origin_stands_once():
    rows = "continuous.csv:3 continuous.csv:9 continuous.csv:3"
    record = demo.record(studies=[demo.study(1, row_ids=rows)])
    assert "<p>As reported: continuous.csv:3, continuous.csv:9</p>" in render_page([record], {})
    page = render_page([record], demo.evidence())
    assert page.count('<a class="rowid" href="trials.html#row-continuous_2e_csv_3a_3">') == 1


def test_a_result_that_is_judged_by_itself_has_a_row_with_all_that_holds_of_it():
    row = {"study_id": "A", "tool": "RoB2", "assessed_by": "me", "judgement": "low", "domain": "d1"}
    rows = [row, {**row, "domain": "d2"}, {**row, "outcome": "pain", "weeks": 12.0, "judgement": "high"}]
    (tool,) = judged_tools(rows, {"A": "A 2000"}, trials=1)
    assert [trial.label for trial in tool.trials] == ["A 2000", "A 2000, pain, week 12"]
    assert [[light.text for light in cell] for cell in tool.trials[1].cells] == [["high"], ["low"]]


def test_an_override_carries_what_the_answers_lead_to():
    row = {"study_id": "A", "tool": "ROBINS-I", "assessed_by": "me", "judgement": "serious", "domain": "d1"}
    (tool,) = judged_tools([{**row, "algorithm": "critical"}], {}, trials=1)
    ((light,),) = tool.trials[0].cells
    assert (light.shade, light.symbol, light.against) == ("high", "×", "critical")
    assert tool.answered
    assert [each.text for each in tool.lights] == ["serious"]
    assert not judged_tools([row], {}, trials=1)[0].answered


def test_suggestions_stand_with_a_trial_whose_blinding_is_told():
    studies = [{"study_id": "A", "blinded": "nobody"}, {"study_id": "B"}]
    results = [{"study_id": name, "arm": "a", "domain": "pain", "timepoint": "follow_up"} for name in "AB"]
    first, second = trial_views([], {"studies": studies, "continuous": results})
    assert {each.question for each in first.suggested} == {"2.1", "2.2", "4.3", "4.4"}
    assert second.suggested == []
