"""The whole review: findings, maps, claims."""

from __future__ import annotations

import pytest

from tests.unit.page import demo
from tests.unit.page.demo import render_page
from trialpool.records import Claim, sketch
from trialpool.view import review
from trialpool.view.finding import dose_words
from trialpool.view.study import Trial


def test_map_shows_results_gaps_and_what_nobody_asked():
    gap = demo.record("gap", k=0, domain="quality_of_life")
    single = demo.record("single", k=1, comparison="acupuncture versus usual care")
    (population,) = review.evidence_map([demo.record(), gap, single])
    assert population.domains == ["Pain", "Quality of life"]
    first, second = population.rows.values()
    assert [bubble.k for cell in first for bubble in cell] == [3, 0]
    assert [len(cell) for cell in second] == [1, 0]
    radii = [first[0][0].radius, second[0][0].radius]
    assert radii[0] > radii[1]


def trial(label, year, used, condition="DPN"):
    facts = {"study_id": label, "condition": condition, "year": year}
    return Trial(facts, label, used_in=[1] * used, vocabulary=demo.SHIPPED)


def test_timeline_counts_every_dated_trial():
    trials = [trial(f"T{n}", year, bool(n)) for n, year in enumerate((2001.0, 2001.0, 2004.0, None))]
    line = review.timeline(trials)
    assert line.trials == {2001: 2, 2004: 1}
    assert (list(line.dots), line.undated) == ([2001, 2002, 2003, 2004], 1)
    assert [dot.used for stack in line.dots.values() for dot in stack] == [True, False, True]
    assert review.timeline([]) is None


def test_a_crowded_year_is_drawn_in_dots_of_several_trials():
    line = review.timeline([trial(f"T{n}", 2001 + n % 2, n < 100) for n in range(300)])
    assert line.each == 3
    assert list(line.trials.values()) == [150, 150]
    dots = [dot for stack in line.dots.values() for dot in stack]
    assert len(dots) == 2 * (17 + 34)
    last = {f"T{n}, diabetic peripheral neuropathy" for n in (298, 299)}
    assert {dot.label for dot in dots} == {"3 trials", "2 trials", *last}
    assert line.conditions == ["diabetic peripheral neuropathy"]
    many = [trial(f"T{n}", 2001 + n % 2, n < 100, f"C{n}") for n in range(300)]
    assert review.timeline(many).conditions == []


def test_populations_without_room_in_the_map_are_counted_not_hidden():
    records = [demo.record(f"r{n}", condition=[f"C{n}"]) for n in range(review.MOST_COMPARISONS + 7)]
    shown, left = review.with_room(review.evidence_map(records))
    assert (len(shown), left) == (review.MOST_COMPARISONS, 7)
    page = render_page(records, {})
    assert "7 more populations not shown in this map" in page


def judged_claim(**changes):
    found = {
        **{"analysis": "demo-pain", "verdict": "suggested"},
        "conditions": [{"name": "trials", "met": True, "text": "3 trials", "need": "n"}],
    }
    part = {
        **{"statement": "S", "kind": "benefit", "where": {}, "verdict": "suggested", "reason": ""},
        **{"findings": [found | changes], "change": ["n"]},
    }
    return {
        **{"claim": "c", "name": "", "statement": "S", "verdict": "suggested", "reason": ""},
        **{"parts": [part], "change": ["n"], "also": []},
    }


def test_claims_show_the_numbers_of_the_record_or_of_the_dose():
    (finding,) = sketch(Claim, judged_claim()).parts[0].findings
    assert review.decisive("", finding, demo.record()).effect.estimate.path == "demo-pain/pooled.estimate"
    dosed = {
        **{"status": "single_study", "k": 1, "n_experimental": 10, "n_control": 12, "trials": ["A"]},
        "pooled": demo.pooled(estimate=-0.5),
    }
    claim = sketch(Claim, judged_claim(restricted=dosed, where={"sessions": [8, 16]}))
    page = render_page([demo.record()], {}, claims=[claim, claim])
    place = "parts.0.findings.0.restricted.pooled.estimate"
    assert f'<data value="-0.5" data-from="claims/0.{place}">' in page
    assert f'<data value="-0.5" data-from="claims/1.{place}">' in page
    assert "1 trial, 22 people" in page


def test_the_bounds_of_a_dose_are_told_in_words():
    dose = dose_words({"sessions": [8, 16], "programme_weeks": [6, 8]})
    assert dose == "8 to 16 sessions and 6 to 8 weeks of treatment"


@pytest.mark.parametrize(("rule", "name"), [("se_as_sd", "SE as SD"), ("doubted_row", "Doubted row")])
def test_rules_of_the_audit_are_named_in_words(rule, name):
    assert review.rule_name(rule) == name
