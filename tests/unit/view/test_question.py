"""Sentences and statements of a result: they say no more than its numbers do."""

from __future__ import annotations

import dataclasses

import pytest

from tests.unit.page import demo
from tests.unit.page.demo import certain, render_page
from trialpool.records import sketch
from trialpool.view.question import (
    Question,
    informative_statement,
    moderator_slope,
    result_sentence,
    size_words,
    status_of,
    verdict_words,
)
from trialpool.view.read import Appraised


def test_sentence_of_a_clear_result_names_side_numbers_and_new_trials():
    text = result_sentence(demo.record())
    assert text.startswith(
        "The result favours acupuncture: MD −1.20 (95% CI −2.00 to −0.40); 3 trials, 123 people."
    )
    assert "either side of no difference" in text


def test_sentence_without_a_clear_result_claims_nothing():
    record = demo.record(k=9, pooled=demo.pooled(ci_high=0.3))
    assert result_sentence(record).startswith("No clear difference between acupuncture and sham")
    assert verdict_words(record) == "no clear difference"


def test_a_few_trials_that_agree_are_not_called_no_clear_difference():
    record = demo.record(pooled=demo.pooled(ci_high=0.3))  # each of the three excludes no effect
    assert verdict_words(record) == "all three trials favour acupuncture, too few to be sure"
    opening = "All three trials favour acupuncture, too few to be sure of their mean: MD −1.20"
    assert result_sentence(record).startswith(opening)
    unclear = dataclasses.replace(record.studies[0], estimate_high=0.1)
    mixed = dataclasses.replace(record, studies=(unclear, *record.studies[1:]))
    assert verdict_words(mixed) == "no clear difference"


def test_one_trial_is_never_called_a_meta_analysis():
    text = result_sentence(demo.record(k=1))
    assert text.endswith("One trial is not a meta-analysis.")
    assert "prediction interval" not in text
    assert verdict_words(demo.record(k=1)) == "favours acupuncture (one trial)"


@pytest.mark.parametrize(
    ("measure", "better", "low", "high", "expected"),
    [
        ("RR", "higher", 1.2, 2.0, "favours acupuncture"),
        ("RR", "lower", 1.2, 2.0, "favours sham"),
        ("OR", "lower", 0.2, 0.9, "favours acupuncture"),
        ("MD", "higher", -3.0, -1.0, "favours sham"),
        ("RD", "lower", -0.1, 0.1, "no clear difference"),
        ("RR", "higher", 0.9, 2.0, "no clear difference"),
    ],
)
def test_direction_follows_measure_and_benefit(measure, better, low, high, expected):
    middle = (low + high) / 2
    pooled = demo.pooled(estimate=middle, ci_low=low, ci_high=high)
    record = demo.record(k=5, measure=measure, better=better, pooled=pooled)
    assert verdict_words(record) == expected


def test_a_gap_tells_near_misses_from_trials_without_numbers():
    known = [{"study_id": name} for name in ("A", "B")]
    unused = [
        {"study_id": "B", "reason_code": "no_spread"},
        {"study_id": "A", "reason_code": "no_numbers"},
    ]
    text = result_sentence(demo.record(k=0, known=known, not_used=unused))
    told = "of one no number for this outcome could be read, the numbers of one cannot be used."
    assert text.endswith(f"2 trials of this comparison are known: {told}")
    bare = result_sentence(demo.record(k=0, known=known[:1]))
    read = "no number for this outcome could be read; whether it was measured is not known."
    assert bare.endswith(f"1 trial of this comparison is known: {read}")


@pytest.mark.parametrize(
    ("level", "estimate", "expected"),
    [
        ("high", -1.5, "Compared with sham, acupuncture reduces pain."),
        ("moderate", -2.5, "Compared with sham, acupuncture probably reduces pain by a large amount."),
        ("low", -0.95, "Compared with sham, acupuncture may reduce pain slightly."),
        (
            "very low",
            -1.5,
            "Compared with sham, acupuncture may reduce pain, but the evidence is very uncertain.",
        ),
        ("moderate", -0.2, "Compared with sham, acupuncture probably makes little or no difference to pain."),
    ],
)
def test_statement_follows_size_and_certainty(level, estimate, expected):
    pooled = demo.pooled(estimate=estimate, ci_low=estimate - 0.1, ci_high=estimate + 0.1)
    assert informative_statement(certain(level, pooled=pooled)) == expected


def test_statement_of_harm_names_the_harm():
    pooled = demo.pooled(estimate=1.5, ci_low=1.1, ci_high=2.0)
    studies = [demo.study(1, instrument="dizziness"), demo.study(2, instrument="dizziness")]
    record = certain("low", pooled=pooled, measure="RR", domain="adverse_event", studies=studies)
    told = informative_statement(record)
    assert told == (
        "Compared with sham, acupuncture may increase the number of people with dizziness by a large amount."
    )


@pytest.mark.parametrize("level", ["high", "moderate", "low", "very low"])
def test_nothing_is_reduced_where_the_interval_includes_no_difference(level):
    told = informative_statement(certain(level, pooled=demo.pooled(ci_high=0.4)))
    assert "not settled" in told or "very uncertain about the effect" in told


def test_a_narrow_interval_around_no_effect_is_little_or_no_difference():
    pooled = demo.pooled(estimate=0.05, ci_low=-0.2, ci_high=0.3)
    told = informative_statement(certain("high", pooled=pooled))
    assert told == "Compared with sham, acupuncture makes little or no difference to pain."


def test_little_difference_is_said_of_the_whole_interval_only():
    # CALGB 170601: −0.72 (−1.19 to −0.25) on 0–10; one point matters between groups
    duloxetine = demo.pooled(estimate=-0.72, ci_low=-1.19, ci_high=-0.25)
    told = informative_statement(certain("moderate", pooled=duloxetine))
    assert told == "Compared with sham, acupuncture probably reduces pain slightly."
    within = demo.pooled(estimate=-0.72, ci_low=-0.99, ci_high=-0.25)
    assert "little or no difference" in informative_statement(certain("moderate", pooled=within))


def test_no_statement_without_certainty_or_result():
    assert informative_statement(demo.record()) == ""
    assert informative_statement(demo.record(k=0)) == ""


@pytest.mark.parametrize(("name", "verb"), [("supplements", "reduce"), ("acupuncture", "reduces")])
def test_verbs_agree_with_the_treatment(name, verb):
    sure = certain("high", experimental_name=name)
    assert f"{name} {verb} pain" in informative_statement(sure)
    open_question = certain("low", experimental_name=name, pooled=demo.pooled(ci_high=0.4))
    assert f"Whether {name} {verb} pain" in informative_statement(open_question)


@pytest.mark.parametrize(
    ("name", "verb"), [("opioids", "make"), ("analysis", "makes"), ("other drugs", "make"), ("care", "makes")]
)
def test_a_plural_takes_a_plural_verb(name, verb):
    pooled = demo.pooled(estimate=-0.2, ci_low=-0.3, ci_high=-0.1)
    assert f"{name} {verb} little" in informative_statement(
        certain("high", experimental_name=name, pooled=pooled)
    )


@pytest.mark.parametrize(
    ("measure", "estimate", "ending"),
    [
        ("RR", 0.7, "pain"),
        ("RR", 0.95, "little or no difference to pain"),
        ("SMD", -0.6, "pain"),
        ("SMD", -1.1, "a large amount"),
        ("SMD", -0.4, "little or no difference to pain"),
    ],
)
def test_each_measure_has_its_yardstick(measure, estimate, ending):
    low, high = estimate - 0.02, estimate + 0.02
    pooled = demo.pooled(estimate=estimate, ci_low=low, ci_high=high)
    record = certain(
        "high", measure=measure, pooled=pooled, mcid=None
    )  # the made-up one is of points on 0–10
    assert informative_statement(record).endswith(f"{ending}.")


def test_responders_are_named_by_what_was_counted():
    pooled = demo.pooled(estimate=2.0, ci_low=1.5, ci_high=2.5)
    known = {"measure": "RR", "better": "higher", "domain": "responder", "pooled": pooled}
    record = certain("high", studies=[demo.study(1, instrument="pain_50")], **known)
    assert "the number of people with at least half the pain gone" in informative_statement(record)


HOLDS = {"grade": "robust", "sentence": "Robust.", "agreement": 1.0, "breaks": []}
CHOICE = {"kind": "model", "choice": "DL", "estimate": -1.0, "ci_low": -2.0, "ci_high": 0.1}


def section(record):
    page = render_page([record], {})
    return page.partition("<summary>Does it hold?")[2].partition("</section>")[0]


def test_choices_stand_by_kind_and_those_not_tried_with_the_reason():
    same = CHOICE | {"choice": "PM", "conclusion": "benefit"}
    rows = [CHOICE | {"conclusion": "unclear", "changes_conclusion": True}, same]
    rows += [{"kind": "data", "choice": "finals", "reason": "no finals"}]
    record = demo.record(robustness=HOLDS, sensitivity=rows)
    (_, effect), _ = Question(record).choices["Another model"]
    assert effect.low.path == "demo-pain/sensitivity.0.ci_low"
    shown = section(record)
    assert '<td class="changes">no clear difference (changed)</td>' in shown
    assert "<p>1 other choice comes to the same conclusion.</p>" in shown
    assert "PM" not in shown
    assert "could not be tried: <bdi>finals (no finals)</bdi>.</p>" in shown


def test_nothing_is_asked_of_a_single_trial():
    assert section(demo.record(k=1, robustness=HOLDS)) == ""


def test_moderators_are_tested_or_have_a_reason():
    untested = {"moderator": "any", "k": 3, "caution": "3 trials: at least 4 are needed"}
    tested = {"moderator": "year", "k": 5, "p_value": 0.2, "caution": "few trials; one outlier"}
    tested |= {"slope": -0.1, "slope_low": -0.3, "slope_high": 0.1}
    few = demo.record(k=9, robustness=HOLDS, moderators=[untested, tested])
    assert "per year" not in section(few)  # of fewer than ten trials moderators would show chance
    record = demo.record(k=10, robustness=HOLDS, moderators=[untested, tested])
    assert Question(record).cautions == ["Few trials", "One outlier"]
    shown = section(record)
    assert "not tested: any moderator, 3 trials: at least 4 are needed.</p>" in shown
    assert 'data-from="demo-pain/moderators.1.slope_low">−0.30</data>' in shown
    assert "</span> per year</td>" in shown
    assert 'data-from="moderators.1.p_value"' in shown


def test_a_slope_of_ratios_is_a_ratio_of_ratios():
    assert moderator_slope("OR", "sessions", [0.0, -800.0, 800.0])[0].startswith("ratio of ORs 1.00 (")


def test_the_amount_of_evidence_is_trials_and_people():
    assert size_words(demo.record(k=5, n_experimental=100, n_control=98)) == "5 trials, 198 people"


def test_where_no_choice_changes_the_conclusion_none_is_listed():
    rows = [
        {**CHOICE, "kind": "main", "choice": "as configured", "conclusion": "benefit"},
        CHOICE | {"conclusion": "benefit"},
    ]
    record = demo.record(robustness=HOLDS, sensitivity=rows)
    assert (Question(record).changing, Question(record).same_choices) == ({}, 1)
    assert "<table" not in section(record)


def test_trials_of_which_the_method_has_no_estimate_are_not_called_unlike():
    """A mixed model of proportions of nobody: nothing is said of how alike the trials are."""
    known = {"status": "not_pooled", "k": 4, "measure": "PLO", "domain": "responder", "better": ""}
    made = sketch(Appraised, known | {"methods": {"method": "glmm", "level": 0.95}})
    assert result_sentence(made).startswith("Not pooled, because the method chosen has no estimate")
    assert verdict_words(made) == "no estimate, not pooled"
    assert status_of(made) == "no_estimate"
    unlike = sketch(Appraised, known | {"methods": {"method": "iv", "level": 0.95}})
    assert result_sentence(unlike).startswith("Not pooled, because the trials are too unlike")
    assert verdict_words(unlike) == "too unlike, not pooled"
