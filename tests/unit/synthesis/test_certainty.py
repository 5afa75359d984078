from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.unit.page.demo import SHIPPED
from tests.unit.synthesis.made_up import pooled, record, study
from trialpool.records import Known, Pooled, SmallStudy, SmallStudyMethod, Status, sketch
from trialpool.synthesis import certainty
from trialpool.synthesis.claims import default_rules

RULES = default_rules(SHIPPED)["certainty"]


LOW_RISK = [{"study_id": name, "domain": "blinding", "judgement": "low"} for name in "AB"]


def levels(assessed):
    return {domain.domain: domain.levels_down for domain in assessed.domains}


def test_a_sound_result_keeps_high_certainty():
    assessed = certainty.assess(record(), LOW_RISK, RULES)
    assert assessed.level == "high"
    assert set(levels(assessed).values()) == {0}
    assert all(domain.reason for domain in assessed.domains)


def test_nothing_is_assessed_without_a_result():
    assert certainty.assess(record(status=Status.NO_DATA, pooled=None), [], RULES) is None


@pytest.mark.parametrize(
    ("judgements", "expected"),
    [
        ([], 1),
        (LOW_RISK, 0),
        ([*LOW_RISK, {"study_id": "A", "domain": "other", "judgement": "high"}], 2),
        ([*LOW_RISK, {"study_id": "A", "domain": "other", "judgement": "some_concerns"}], 1),
        ([*LOW_RISK, {"study_id": "A", "domain": "size", "judgement": "high"}], 0),
    ],
)
def test_risk_of_bias_follows_the_weight_of_the_worst_judgements(judgements, expected):
    assert certainty.risk_of_bias(record(), judgements, RULES["risk_of_bias"])[0] == expected


def grave(row, study_id="A", severity="high"):
    return {"severity": severity, "study_id": study_id, "row_ids": row, "finding": "the SD is impossible"}


@pytest.mark.parametrize(
    ("findings", "weights", "expected"),
    [
        ([], (50, 50), 0),
        ([grave("continuous.csv:2")], (50, 50), 2),
        ([grave("continuous.csv:2")], (30, 70), 1),
        ([grave("continuous.csv:2")], (10, 90), 0),
        ([grave("continuous.csv:2", severity="medium")], (50, 50), 1),
        ([grave("continuous.csv:2", severity="medium")], (30, 70), 0),
        ([grave("continuous.csv:2", severity="low")], (50, 50), 0),
        ([grave("continuous.csv:9")], (50, 50), 0),
        ([grave("studies.csv:3")], (50, 50), 2),
        ([grave("mine/studies.csv:3", study_id="C")], (50, 50), 0),
    ],
    ids=[
        "none",
        "half",
        "a third",
        "little",
        "medium",
        "little medium",
        "low",
        "other row",
        "report",
        "other",
    ],
)
def test_numbers_that_the_audit_questions_lower_certainty_by_their_weight(findings, weights, expected):
    studies = [
        study(name, weight=float(weight), row_ids=f"continuous.csv:{row} continuous.csv:{row + 1}")
        for name, weight, row in zip("AB", weights, (2, 4), strict=True)
    ]
    down, reason = certainty.risk_of_bias(record(studies=studies), LOW_RISK, RULES["risk_of_bias"], findings)
    assert down == expected
    named = any(finding["severity"] != "low" for finding in findings) and "9" not in str(findings)
    assert ("A: the SD is impossible" in reason) == (named and "mine" not in str(findings))


def test_doubts_about_numbers_add_to_other_risk_of_bias_up_to_two_levels():
    alone = record(
        status=Status.SINGLE_STUDY, k=1, studies=(study("A", weight=None, row_ids="continuous.csv:2"),)
    )
    rules = RULES["risk_of_bias"]
    assert certainty.risk_of_bias(alone, [], rules)[0] == 1
    assert certainty.risk_of_bias(alone, [], rules, [grave("continuous.csv:2", severity="medium")])[0] == 2
    assert certainty.risk_of_bias(alone, [], rules, [grave("continuous.csv:2")])[0] == 2
    assessed = certainty.assess(alone, LOW_RISK, RULES, audit=[grave("continuous.csv:2")])
    assert levels(assessed)["risk_of_bias"] == 2


def test_open_controls_cost_a_level_where_people_judge_themselves():
    open_trials = [study(name, category_control="waitlist") for name in "AB"]
    levels_down, reason = certainty.risk_of_bias(record(studies=open_trials), LOW_RISK, RULES["risk_of_bias"])
    assert levels_down == 1
    assert "waitlist" in reason
    measured = record(studies=open_trials, domain="nerve_conduction")
    assert certainty.risk_of_bias(measured, LOW_RISK, RULES["risk_of_bias"])[0] == 0


@pytest.mark.parametrize(
    ("i2", "first", "second", "pi_high", "expected"),
    [
        (20.0, -2.0, 1.0, 0.5, 0),
        (60.0, -3.0, -1.5, -0.5, 0),
        (60.0, -3.0, -1.5, 0.5, 1),
        (60.0, -3.0, 0.5, 0.5, 1),
        (90.0, -3.0, 3.0, 5.0, 2),
    ],
)
def test_inconsistency_needs_more_than_a_number(i2, first, second, pi_high, expected):
    changed = record(studies=(study("A", first), study("B", second)), pooled=pooled(i2=i2, pi_high=pi_high))
    assert certainty.inconsistency(changed, RULES["inconsistency"])[0] == expected


def test_surrogates_and_mixed_conditions_are_indirect():
    mixed = [study("A"), study("B", condition="CIPN")]
    rules = RULES["indirectness"]
    assert certainty.indirectness(record(), rules)[0] == 0
    assert certainty.indirectness(record(studies=mixed), rules)[0] == 1
    assert certainty.indirectness(record(studies=mixed, domain="nerve_conduction"), rules)[0] == 2


@pytest.mark.parametrize(
    ("low", "high", "people", "expected"),
    [
        (-2.6, -1.4, 200, 0),
        (-2.6, -0.4, 200, 1),
        (-2.6, 0.4, 200, 1),
        (-2.6, 1.4, 200, 2),
        (-2.6, -1.4, 20, 1),
        (-2.6, -1.4, None, 1),
        (-2.6, 1.4, 20, 2),
    ],
)
def test_imprecision_weighs_thresholds_and_people(low, high, people, expected):
    changed = record(pooled=pooled(low, high), n_control=people, n_experimental=people)
    assert certainty.imprecision(changed, RULES["imprecision"])[0] == expected


def test_a_clear_effect_in_few_people_is_still_imprecise():
    """The SD of 0.2 makes an optimal size of two people; 60 are too few all the same, 100 are not."""
    spread = [study(name, sd_experimental=0.2, sd_control=0.2) for name in "AB"]
    few = record(studies=spread, n_experimental=30, n_control=30)
    down, reason = certainty.imprecision(few, RULES["imprecision"])
    assert (down, reason) == (1, "Only 60 people were studied, too few however clear the effect")
    enough = record(studies=spread, n_experimental=50, n_control=50)
    assert certainty.imprecision(enough, RULES["imprecision"])[0] == 0


def test_optimal_size_of_means_is_the_textbook_number():
    # difference 1, SD 2, alpha 0.05, power 0.8: 2 (1.96 + 0.8416)² 4 = 62.8 an arm
    assert certainty.optimal_size(record(), RULES["imprecision"]) == math.ceil(125.58)


def test_optimal_size_of_proportions_is_the_textbook_number():
    # 20% against 15%: Fleiss 1981, without continuity correction, 906 an arm
    studies = [study("A", events_control=20.0, n_control=100.0)]
    size = certainty.optimal_size(record(measure="RR", mcid=None, studies=studies), RULES["imprecision"])
    assert size == pytest.approx(2 * 906, abs=2)


def test_silent_trials_may_hide_results():
    silent = sketch(Known, study_id="C", n_randomised=400)
    rules = RULES["publication_bias"]
    assert certainty.publication_bias(record(), rules)[0] == 0
    assert certainty.publication_bias(record(known=(silent,)), rules)[0] == 1
    assert certainty.publication_bias(record(known=(replace(silent, n_randomised=20),)), rules)[0] == 0
    assert certainty.publication_bias(record(known=(replace(silent, study_id="A"),)), rules)[0] == 0


def test_a_silent_trial_of_unknown_size_still_counts():
    """Two trials of 200 people and a silent one of unknown size: a third of the people, not none."""
    unknown = sketch(Known, study_id="C")
    levels_down, reason = certainty.publication_bias(record(known=(unknown,)), RULES["publication_bias"])
    assert levels_down == 1
    assert reason.startswith("1 of 3 known trials (33% of the people randomised, trials of unknown size")


def test_funnel_asymmetry_counts_only_with_enough_trials():
    skewed = SmallStudy(sentence="", methods={"Egger": sketch(SmallStudyMethod, p_value=0.01)})
    rules = RULES["publication_bias"]
    assert certainty.publication_bias(record(k=12, small_study=skewed), rules)[0] == 1
    assert certainty.publication_bias(record(k=5, small_study=skewed), rules)[0] == 0


def test_an_override_replaces_a_rule_and_shows_what_it_replaced():
    overrides = {"risk_of_bias": {"levels": 2, "reason": "Allocation was by day of the week."}}
    assessed = certainty.assess(record(), LOW_RISK, RULES, overrides)
    domain = assessed.domains[0]
    assert (assessed.level, assessed.suggested) == ("low", "high")
    assert domain.overridden is True
    assert domain.reason == "Allocation was by day of the week."
    assert domain.suggested_levels_down == 0


def absolute(measure, events, n, estimate, low, high):
    studies = tuple(study(str(at), events_control=count, n_control=n) for at, count in enumerate(events))
    bounds = sketch(Pooled, estimate=estimate, ci_low=low, ci_high=high)
    return certainty.absolute(record(measure=measure, studies=studies, pooled=bounds))


def test_absolute_effects_of_ratios_and_odds_agree_with_arithmetic():
    risk = absolute("RR", (10, 30), 100, 0.5, 0.25, 1.0)
    assert (risk.assumed_risk, risk.risk, risk.difference_high) == (200.0, 100.0, 0.0)
    odds = absolute("OR", (10, 30), 100, 0.5, 0.25, 1.0)
    assert odds.risk == pytest.approx(1000 * 0.125 / 1.125)
    difference = absolute("RD", (10, 30), 100, -0.3, -0.5, 0.1)
    assert (difference.risk, difference.risk_high) == (0.0, pytest.approx(300.0))
    assert absolute("MD", (10, 30), 100, 0.5, 0.25, 1.0) is None


@pytest.mark.parametrize(
    ("events", "measure", "known"), [(0, "RR", False), (0, "RD", True), (50, "OR", False)]
)
def test_no_multiple_of_nobody_or_everybody_is_an_absolute_effect(events, measure, known):
    assert (absolute(measure, (events,), 50, 0.5, 0.25, 1.0) is not None) == known
