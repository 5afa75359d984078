from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.unit.page.demo import SHIPPED
from tests.unit.synthesis.made_up import pooled, record, study
from trialpool.records import Difference, Known, Pooled, SmallStudy, SmallStudyMethod, Status, Unused, sketch
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


def test_without_judgements_certainty_is_not_above_low():
    assessed = certainty.assess(record(), [], RULES)
    assert (assessed.level, sum(levels(assessed).values())) == ("low", 1)
    half = certainty.assess(
        record(studies=(study("A", weight=60.0), study("B", weight=40.0))), LOW_RISK[:1], RULES
    )
    assert half.level == "high"  # 60 % of the weight is judged to be at low risk
    person = {"risk_of_bias": {"levels": 0, "reason": "Read in full by two people."}}
    judged = certainty.assess(record(), [], RULES, person)
    assert (judged.level, judged.suggested) == ("high", "low")  # what the rules gave stays beside it


def test_open_controls_cost_a_level_where_people_judge_themselves():
    open_trials = [study(name, category_control="waitlist") for name in "AB"]
    levels_down, reason = certainty.risk_of_bias(record(studies=open_trials), LOW_RISK, RULES["risk_of_bias"])
    assert levels_down == 1
    assert "waitlist" in reason
    # open and not assessed add up
    assert certainty.risk_of_bias(record(studies=open_trials), [], RULES["risk_of_bias"])[0] == 2
    measured = record(studies=open_trials, domain="nerve_conduction")
    assert certainty.risk_of_bias(measured, LOW_RISK, RULES["risk_of_bias"])[0] == 0


@pytest.mark.parametrize(
    ("experimental", "control", "expected"),
    [
        ("needles", "tablets", 1),  # nobody who swallows a tablet takes it for a needle
        ("tablets", "needles", 1),
        ("needles", "placebo", 1),  # of capsules
        ("needles", "sham", 0),
        ("needles", "other_needles", 1),
        ("tablets", "placebo", 0),
        ("tablets", "usual_care", 1),
    ],
)
def test_a_treatment_that_cannot_be_hidden_makes_a_comparison_open(experimental, control, expected):
    sides = {"category_experimental": experimental, "category_control": control}
    rules = RULES["risk_of_bias"] | {"open_treatments": ["needles", "other_needles"]}
    trials = record(studies=[study(name, **sides) for name in "AB"])
    assert certainty.risk_of_bias(trials, LOW_RISK, rules)[0] == expected


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
    trials = {"studies": (study("A", first), study("B", second)), "pooled": pooled(i2=i2, pi_high=pi_high)}
    assert certainty.inconsistency(record(k=4, **trials), RULES["inconsistency"])[0] == expected
    # of two trials I² is noise: only one against the other counts
    opposite = 2 if expected == 2 and i2 >= 75 else 0
    assert certainty.inconsistency(record(k=2, **trials), RULES["inconsistency"])[0] == opposite


def test_surrogates_and_mixed_conditions_are_indirect():
    mixed = [study("A"), study("B", condition="CIPN")]
    rules = RULES["indirectness"]
    assert certainty.indirectness(record(), rules)[0] == 0
    assert certainty.indirectness(record(studies=mixed), rules)[0] == 1
    assert certainty.indirectness(record(studies=mixed, domain="nerve_conduction"), rules)[0] == 2
    composed = rules | {"composite_outcomes": ["improved"]}
    rated = [study("A", instrument="improved", weight=60.0), study("B", instrument="pain_50", weight=40.0)]
    assert certainty.indirectness(record(studies=rated), composed)[0] == 1
    assert certainty.indirectness(record(studies=rated[1:]), composed)[0] == 0


@pytest.mark.parametrize(
    ("low", "high", "people", "expected"),
    [
        (-2.6, -1.4, 200, 0),  # wholly beyond the important difference of 1
        (-2.6, -0.4, 200, 1),  # important and unimportant
        (-2.6, 0.4, 200, 1),  # no difference
        (-2.6, 1.4, 200, 2),  # important benefit and important harm
        (-0.9, -0.1, 200, 0),  # wholly unimportant
        (-2.6, 1.4, 20, 2),
        # SD 2, so that an effect of 2 is larger than 0.8 SD: 40 people are fewer than the 126 of the formula
        (-2.6, -1.4, 20, 1),
    ],
)
def test_imprecision_weighs_thresholds_and_people(low, high, people, expected):
    trials = tuple(replace(row, n_experimental=None, n_randomised=people) for row in record().studies)
    changed = record(pooled=pooled(low, high), n_control=people, n_experimental=people, studies=trials)
    assert certainty.imprecision(changed, RULES["imprecision"])[0] == expected


def test_people_are_those_randomised_where_those_analysed_are_not_known():
    told = study("A", n_experimental=40, n_control=38, n_randomised=90)
    silent = study("B", n_experimental=40, n_control=None, n_randomised=110)
    unknown = study("C", n_experimental=None, n_control=None, n_randomised=None)
    assert certainty.people_of(record(studies=(told, silent), n_control=None)) == (78 + 110, False)
    assert certainty.people_of(record(studies=(told, silent, unknown), n_control=None)) == (188, True)
    # two comparisons of one trial: the larger counts, not both and not the first
    pair = (replace(silent, n_randomised=60), silent)
    assert certainty.people_of(record(studies=pair, n_control=None)) == (110, False)


@pytest.mark.parametrize(
    ("low", "high", "domain", "expected"),
    [
        # of 200 per 1,000: 0.5 is 100 fewer, 0.8 40 fewer; 50 per 1,000 matter, of serious events 10
        (0.5, 0.7, "responder", 0),
        (0.5, 0.8, "responder", 1),
        (0.5, 0.8, "serious_adverse_event", 0),
        (0.8, 1.2, "responder", 1),  # 40 fewer to 40 more
        (0.7, 1.3, "responder", 2),  # 60 fewer to 60 more
        (0.96, 1.04, "serious_adverse_event", 1),
        (0.9, 1.1, "serious_adverse_event", 2),
    ],
)
def test_imprecision_of_events_is_that_of_the_absolute_effect(low, high, domain, expected):
    trials = [study(name, events_control=20.0, n_control=100.0, n_experimental=100.0) for name in "AB"]
    bounds = pooled(low, high)
    rules = RULES["imprecision"] | {"absolute_by_domain": {"serious_adverse_event": 0.01}}
    changed = record(measure="RR", mcid=None, domain=domain, studies=trials, pooled=bounds)
    assert certainty.imprecision(changed, rules)[0] == expected


@pytest.mark.parametrize(("low", "size"), [(None, "trivial"), (0.5, "small"), (1.0, "trivial")])
def test_trivial_is_what_the_lowest_defensible_threshold_holds(low, size):
    # pregabalin and gabapentin: -0.74 (-0.997 to -0.475) where 1 point matters by convention, or 0.5
    known = record(
        measure="MD", mcid=Difference(value=1.0, low=low, source="x"), pooled=pooled(-0.997, -0.475)
    )
    assert certainty.size_of(known, RULES["imprecision"]) == size


def test_half_of_a_rare_harm_is_not_trivial():
    # 10 of 1,000: 0.49 (0.34 to 0.70) is 5 fewer of 1,000, far from 50, and half of the cases
    trials = [study(name, events_control=10.0, n_control=1000.0, n_experimental=1000.0) for name in "AB"]
    rare = record(measure="RR", mcid=None, domain="incidence", studies=trials)
    sizes = {(0.34, 0.7): "important", (0.96, 1.02): "trivial", (0.2, 0.3): "large"}
    for bounds, size in sizes.items():
        assert certainty.size_of(replace(rare, pooled=pooled(*bounds)), RULES["imprecision"]) == size


def test_a_risk_difference_is_as_large_as_the_ratio_of_the_same_trials():
    # 10 of 1,000: 5 fewer, half of the cases
    trials = [study(name, events_control=10.0, n_control=1000.0, n_experimental=1000.0) for name in "AB"]
    rare = record(mcid=None, domain="incidence", studies=trials)
    ratio = replace(rare, measure="RR", pooled=pooled(0.34, 0.66))
    difference = replace(rare, measure="RD", pooled=pooled(-0.0066, -0.0034))
    assert [certainty.size_of(each, RULES["imprecision"]) for each in (ratio, difference)] == ["large"] * 2


@pytest.mark.parametrize("measure", ["IRD", "GIV"])
def test_what_matters_of_a_rate_difference_is_what_the_review_says(measure):
    """A rate difference has a unit of its own: no share of it is known to matter."""
    unknown = record(measure=measure, mcid=None, pooled=pooled(-0.67, -0.05))
    assert certainty.important_effects(unknown, RULES["imprecision"]) is None
    assert certainty.size_of(unknown, RULES["imprecision"]) == ""
    known = replace(unknown, mcid=Difference(value=0.1, source="x"))
    assert certainty.important_effects(known, RULES["imprecision"]) == (-0.1, 0.1)
    assert certainty.size_of(known, RULES["imprecision"]) == "large"


def test_a_clear_and_very_large_relative_effect_asks_for_people():
    # 20 % against 40 %: 0.2 to 0.3 of the risk is less than half; one trial at 25 % less needs 906 an arm
    trials = [study(name, events_control=20.0, n_control=100.0, n_experimental=100.0) for name in "AB"]
    changed = record(measure="RR", mcid=None, domain="responder", studies=trials, pooled=pooled(0.2, 0.3))
    down, reason = certainty.imprecision(changed, RULES["imprecision"])
    assert (down, reason) == (1, "400 people were studied, a single sufficient trial would need 1,812")


def test_a_clear_effect_in_few_people_is_still_imprecise():
    """The SD of 0.2 makes an optimal size of two people; 60 are too few all the same, 100 are not."""
    spread = [study(name, sd_experimental=0.2, sd_control=0.2) for name in "AB"]
    spread = [replace(row, n_randomised=30, n_control=None) for row in spread]
    few = record(studies=spread, n_experimental=30, n_control=30, pooled=pooled(-1.3, -1.1))
    down, reason = certainty.imprecision(few, RULES["imprecision"])
    assert (down, reason) == (1, "Only 60 people were studied, too few however clear the effect")
    enough = replace(few, n_experimental=50, n_control=50)
    assert certainty.imprecision(enough, RULES["imprecision"])[0] == 0


def test_optimal_size_of_means_is_the_textbook_number():
    # difference 1, SD 2, alpha 0.05, power 0.8: 2 (1.96 + 0.8416)² 4 = 62.8 an arm
    assert certainty.optimal_size(record(), RULES["imprecision"]) == math.ceil(125.58)


def test_a_threshold_of_ones_own_takes_the_place_of_the_rule_for_standardised_differences():
    own = Difference(value=0.2, source="a panel")
    for mcid, size in ((None, 0.5), (own, 0.2)):
        tested = record(measure="SMD", mcid=mcid)
        assert certainty.important_effects(tested, RULES["imprecision"]) == (-size, size)
        least = math.ceil(4 * (2.8015852 / size) ** 2)  # z(0.975) + z(0.8)
        assert certainty.optimal_size(tested, RULES["imprecision"]) == least


def test_optimal_size_of_proportions_is_the_textbook_number():
    # 20% against 15%: Fleiss 1981, without continuity correction, 906 an arm
    studies = [study("A", events_control=20.0, n_control=100.0)]
    size = certainty.optimal_size(record(measure="RR", mcid=None, studies=studies), RULES["imprecision"])
    assert size == pytest.approx(2 * 906, abs=2)


def test_trials_that_could_not_be_read_are_told_and_cost_no_level():
    silent = sketch(Known, study_id="C", n_randomised=400)
    assert certainty.unread_trials(record())[1] == ""
    share, sentence = certainty.unread_trials(record(known=(silent,)))
    assert share == pytest.approx(50)
    told = "no number for this outcome could be read; whether it was measured is not known"
    assert sentence.endswith(f"could be used here ({told})")
    measured = replace(silent, has_numbers=True)
    both = certainty.unread_trials(record(known=(measured, replace(silent, study_id="D"))))[1]
    told = "(of one no number for this outcome could be read, the numbers of one answer another question)"
    assert both.endswith(told)
    spread = [sketch(Unused, study_id="C", reason_code=code) for code in ("other_time", "no_spread")]
    unusable = certainty.unread_trials(record(known=(measured,), not_used=tuple(spread)))[1]
    assert unusable.endswith("(its numbers for this outcome cannot be used)")
    assert certainty.unread_trials(record(known=(replace(silent, study_id="A"),)))[0] == 0
    assessed = certainty.assess(record(known=(silent,)), LOW_RISK, RULES)
    assert (assessed.level, assessed.unread_share) == ("high", 50.0)


def test_a_trial_of_unknown_size_that_could_not_be_read_still_counts():
    """Two trials of 200 people and a silent one of unknown size: a third of the people, not none."""
    share, sentence = certainty.unread_trials(record(known=(sketch(Known, study_id="C"),)))
    assert share == pytest.approx(100 / 3)
    assert sentence.startswith("1 of 3 known trials (33% of the people randomised, trials of unknown size")


@pytest.mark.parametrize(("published", "expected"), [(None, 0), (2, 0), (4, 0), (5, 1), (25, 1)])
def test_more_trials_in_a_published_review_mean_missing_results(published, expected):
    # two trials here: half of four, less than half of five
    down, reason = certainty.publication_bias(record(), RULES["publication_bias"], published)
    assert down == expected
    assert (f"pooled {published} trials" in reason) == (published is not None)


def test_funnel_asymmetry_counts_only_with_enough_trials():
    skewed = SmallStudy(sentence="", methods={"Egger": sketch(SmallStudyMethod, p_value=0.01)})
    rules = RULES["publication_bias"]
    assert certainty.publication_bias(record(k=12, small_study=skewed), rules)[0] == 1
    assert certainty.publication_bias(record(k=5, small_study=skewed), rules)[0] == 0
    # reviews may be compared of which the tables do not hold how many trials they pooled
    assert certainty.publication_bias(record(), rules)[1].startswith("No compared review says how many")


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
