from __future__ import annotations

import re
from itertools import pairwise

from tests.unit.page import demo
from tests.unit.page.demo import render_page
from trialpool.view.review import audit_rules, flow_steps, published_directions, published_views

FLOW = [
    {"analysis": "", "step": "known", "reason": "trials known", "trials": 9, "people": 90},
    {"analysis": "", "step": "no_numbers", "reason": "no number", "trials": 4, "people": 40},
    {"analysis": "", "step": "with_numbers", "reason": "trials with any number", "trials": 5, "people": None},
    {"analysis": "", "step": "not_usable", "reason": "no spread", "trials": 2, "people": 20},
    {"analysis": "", "step": "used", "reason": "trials used", "trials": 3, "people": 30},
    {"analysis": "demo-pain", "step": "known", "reason": "trials known", "trials": 1, "people": 9},
]
FOUND = {
    **{"rule": "se_as_sd", "severity": "high", "study_id": "Madeup2001", "row_ids": "continuous.csv:2"},
    **{"numbers": "SD 0.1 <b>", "finding": "too small", "check": "the label of the spread"},
    "source_url": "https://example.org/a",
}


def test_the_flow_of_the_whole_review_adds_up():
    steps = flow_steps(FLOW)
    assert [step["trials"] for step, _ in steps] == [9, 5, 3]
    for (before, left), (after, _) in pairwise(steps):
        assert before["trials"] - sum(row["trials"] for row in left) == after["trials"]


def test_findings_stand_by_rule_with_the_gravest_first():
    low = FOUND | {"severity": "low", "rule": "skewed"}
    rules = audit_rules([low, FOUND, low])
    assert [(key, len(rows)) for key, rows in rules.items()] == [
        (("high", "se_as_sd"), 1),
        (("low", "skewed"), 2),
    ]
    page = render_page([], {}, audit=[low, FOUND, low])
    assert "1 high, 0 medium, 2 low findings" in page


def test_findings_link_to_trial_and_row_and_stay_text():
    text = render_page([demo.record()], demo.evidence(), flow=FLOW, audit=[FOUND])
    section = text[text.index('id="audit"') :].partition("</section>")[0]
    assert 'href="trials.html#trial-Madeup2001"' in section
    assert 'href="trials.html#row-continuous_2e_csv_3a_2"' in section
    assert "SD 0.1 &lt;b&gt;" in section
    assert re.search(r"<strong>4</strong> No number", text)
    unknown = render_page(
        [demo.record()], demo.evidence(), audit=[FOUND | {"study_id": "Gone", "row_ids": "x:1"}]
    )
    assert "#trial-Gone" not in unknown
    assert "#row-x" not in unknown


def test_published_pools_stand_beside_ours_with_the_reasons():
    row = {
        **{"review_id": "Review2020", "condition": "DPN", "comparison": "a vs b", "outcome": "pain"},
        **{"measure": "MD", "estimate": -0.9, "ci_low": -1.4, "ci_high": -0.4, "n_studies": 7},
        **{"n_participants": None, "source_url": "https://example.org/r", "locator": "Figure 2", "note": ""},
        **{"analysis": "demo-pain", "differences": "7 trials there, 3 here; intervals overlap"},
        **{
            "aligned_estimate": 0.9,
            "aligned_ci_low": 0.4,
            "aligned_ci_high": 1.4,
            "turned": "it counts relief",
        },
        **{"our_aligned_estimate": 1.3, "our_aligned_ci_low": 1.0, "our_aligned_ci_high": 1.6},
        **{"left_out": "", "review_trials": 9.0, "same_direction": "true"},
    }
    other = row | {"analysis": "", "measure": "RR", "differences": ""}
    ours, unmatched = published_views([row, other], [demo.record()])
    assert ours.ours.estimate.path == "demo-pain/pooled.estimate"
    assert unmatched.ours is None
    text = render_page([demo.record()], demo.evidence(), published=[row, other])
    assert "7 trials there, 3 here; intervals overlap" in text
    assert "MD −0.9 <" in text  # printed as the review has it
    assert "Turned: it counts relief." in text
    assert "<td>—</td>" in text.replace('<td class="effect">—', "<td>—")


def test_the_directions_of_published_pools_are_counted_question_by_question():
    row = {"review_id": "Li2020", "condition": "DPN", "comparison": "a vs b", "outcome": "pain", "note": ""}
    row |= {"measure": "MD", "estimate": -0.9, "ci_low": None, "ci_high": None, "n_studies": None}
    row |= {"n_participants": None, "source_url": "https://example.org", "locator": "", "review_trials": 9.0}
    row |= {"analysis": "demo-pain", "left_out": "direction not stated"}
    rows = [row | {"same_direction": flag} for flag in ("true", "true", "false", "")]
    records = [demo.record()]
    views = published_views([*rows, row | {"analysis": ""}], records)
    assert [each[1:] for each in published_directions(views, records)] == [(4, 2, 1)]
    assert published_directions([], records) == []
    text = " ".join(re.sub("<[^>]*>", "", render_page(records, demo.evidence(), published=rows)).split())
    said = "2 in the same direction as the result here, 1 in the other, 1 that cannot be compared."
    assert f"4 published pools, {said}" in text
    assert "Not drawn: direction not stated." in text
    assert "9 trials in the whole review" in text
