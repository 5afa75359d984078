"""The whole review: findings, maps, claims."""

from __future__ import annotations

import re

import pytest

from tests.unit.page import demo
from tests.unit.page.demo import certain, render_page
from trialpool.page.render import data
from trialpool.records import Claim, sketch
from trialpool.view import review
from trialpool.view.finding import dose_words
from trialpool.view.question import Question, certainty_marks
from trialpool.view.study import Trial


def test_findings_stand_by_comparison_with_their_gaps():
    gap = demo.record("gap", k=0, title="Made-up: nothing", domain="quality_of_life")
    other = certain(analysis="other", control_name="usual care")
    nothing = demo.record("nothing", k=0, control_name="no care")
    tables = review.comparisons([Question(each) for each in (certain(), gap, other, nothing)])
    assert [key[1:] for key in tables] == [("acupuncture", "sham"), ("acupuncture", "usual care")]
    members = next(iter(tables.values()))
    assert [(view.record.analysis, bool(view.effect)) for view in members] == [
        ("demo-pain", True),
        ("gap", False),
    ]
    page = render_page([certain(), gap, other], {})
    assert "Acupuncture compared with sham<small>" in page
    assert re.search(r"Asked, but without a usable trial: <a [^>]*>Made-up</a>", page)
    assert certainty_marks(members[0].record.certainty.level) == "●●●○"


def test_absolute_effects_say_more_or_fewer():
    absolute = {
        **{"assumed_risk": 200.0, "risk": 150.0, "risk_low": 100.0, "risk_high": 210.0},
        **{"difference": -50.0, "difference_low": -100.0, "difference_high": 10.0},
    }
    pooled = demo.pooled(estimate=0.75, ci_low=0.5, ci_high=1.05)
    record = certain(measure="RR", mcid=None, pooled=pooled, absolute=absolute)
    shown = review.absolute_effect(record)
    assert shown["difference"].text == "50 fewer"
    assert shown["difference_high"].text == "10 more"
    assert 'data-from="demo-pain/absolute.difference"' in data(shown["difference"])


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


def test_no_difference_and_the_bounds_of_a_dose_are_told_in_words():
    keys = ("assumed_risk", "risk", "risk_low", "risk_high", "difference", "difference_low")
    absolute = dict.fromkeys(keys, 0.2) | {"difference_high": -53.4}
    shown = review.absolute_effect(certain(absolute=absolute))
    assert (shown["difference"].text, shown["difference_high"].text) == ("no difference", "53 fewer")
    dose = dose_words({"sessions": [8, 16], "programme_weeks": [6, 8]})
    assert dose == "8 to 16 sessions and 6 to 8 weeks of treatment"


@pytest.mark.parametrize(("rule", "name"), [("se_as_sd", "SE as SD"), ("doubted_row", "Doubted row")])
def test_rules_of_the_audit_are_named_in_words(rule, name):
    assert review.rule_name(rule) == name
