"""One choice changed at a time, and the grade, on effects whose answer is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.synthesis.made_up import EFFECTS, SPEC, effect, effects
from trialpool.records import Choices, Conclusion, Multiverse, Sensitivity, sketch
from trialpool.stats import pool
from trialpool.synthesis.analyse import analyse
from trialpool.synthesis.sensitivity import WORDS, data_sets, models, robustness, sensitivity_rows

LATER = Choices.parse("timepoint=follow_up")


def test_the_first_sensitivity_row_is_the_main_result():
    record, _ = analyse(SPEC, effects())
    main = record.sensitivity[0]
    assert (main.estimate, main.ci_low, main.p_value) == (
        record.pooled.estimate,
        record.pooled.ci_low,
        record.pooled.p_value,
    )


def test_every_model_is_tried_once_and_agrees_with_a_single_fit():
    rows = [row for row in sensitivity_rows(SPEC, data_sets(effects())) if row.kind in ("model", "main")]
    assert len(rows) - 1 == len(models(SPEC, effects())) == 25 + 3  # one more with other degrees of freedom
    paule = next(row for row in rows if row.choice == "PM, Wald")
    alone = pool(np.array(EFFECTS), np.full(6, 0.05), tau2_method="PM", interval="wald")
    assert (paule.estimate, paule.ci_high) == pytest.approx((float(alone.estimate), float(alone.ci_high)))


def test_leave_one_out_drops_the_trial_it_names():
    rows = sensitivity_rows(SPEC, data_sets(effects()))
    without = [row for row in rows if row.kind == "leave one out"]
    assert [row.choice for row in without] == [f"without Trial {number}" for number in range(6)]
    assert [row.study_id for row in without] == [f"T{number}" for number in range(6)]
    alone = pool(np.array(EFFECTS[1:]), np.full(5, 0.05))
    assert without[0].estimate == pytest.approx(float(alone.estimate))
    assert {row.k for row in without} == {5}


def test_variants_are_other_data_and_never_the_main_result():
    later = [replace(row, effect=0.4, variant=LATER, selected=False) for row in effects()]
    record, _ = analyse(SPEC, [*effects(), *later])
    assert record.pooled.estimate == pytest.approx(np.mean(EFFECTS))
    data = [row for row in record.sensitivity if row.kind == "data" and not row.reason]
    assert [(row.choice, row.estimate) for row in data] == [("timepoint: follow up", pytest.approx(0.4))]


def test_the_prediction_interval_is_tried_with_the_other_degrees_of_freedom():
    rows = sensitivity_rows(SPEC, data_sets(effects()))
    (other,) = [row for row in rows if row.choice == "prediction interval with t on k − 2"]
    # t(4) over t(5) of the same standard error
    assert (other.pi_high - other.estimate) / (rows[0].pi_high - rows[0].estimate) == pytest.approx(
        2.7764451 / 2.5705818
    )
    assert (other.ci_low, other.ci_high) == (rows[0].ci_low, rows[0].ci_high)


def test_the_same_counts_are_pooled_as_another_measure():
    # 10 of 30 against 20 of 30: RR 0.5, OR (10 · 10) / (20 · 20) = 0.25
    counts = {"events_experimental": 10, "events_control": 20, "n_experimental": 30, "n_control": 30}
    rows = [replace(row, **counts, effect=math.log(0.5), variance=0.08) for row in effects()]
    spec = SPEC | {"measure": "RR", "mcid": None, "prior": {"scale": 0.5, "source": "x"}}
    other = [row for row in sensitivity_rows(spec, data_sets(rows)) if row.kind == "measure"]
    assert [(row.choice, row.estimate) for row in other] == [("as odds ratio", pytest.approx(0.25))]
    assert not [row for row in sensitivity_rows(SPEC, data_sets(effects())) if row.kind == "measure"]


def test_trials_that_analysed_everybody_or_printed_their_counts_are_a_choice():
    rows = [
        replace(row, n_randomised=60 if number < 3 else 90, worked_out=number > 3)
        for number, row in enumerate(effects())
    ]
    included = {
        row.choice: row.k for row in sensitivity_rows(SPEC, data_sets(rows)) if row.kind == "inclusion"
    }
    assert (included["everybody randomised was analysed"], included["counts as printed"]) == (3, 4)


def test_ratios_are_told_on_their_natural_scale():
    rows = sensitivity_rows(SPEC | {"measure": "RR", "mcid": None}, data_sets(effects()))
    assert rows[0].estimate == pytest.approx(math.exp(np.mean(EFFECTS)))


def test_sparse_methods_need_counts():
    counts = {"events_experimental": 3, "events_control": 9}
    rows = [effect(number, math.log(1 / 3), 0.4, **counts) for number in range(3)]
    spec = SPEC | {"measure": "OR", "domain": "adverse_event", "mcid": None}
    found = sensitivity_rows(spec, data_sets(rows))
    sparse = {row.choice: row for row in found if row.kind == "sparse"}
    assert set(sparse) == {"Mantel–Haenszel", "Peto"}
    risks = sensitivity_rows(spec | {"measure": "RR"}, data_sets(rows))
    (odds,) = (row for row in risks if row.choice.startswith("Peto"))
    assert (odds.choice, odds.estimate) == ("Peto (odds ratio)", sparse["Peto"].estimate)
    assert sparse["Mantel–Haenszel"].estimate == pytest.approx((3 * 21) / (27 * 9))


def reasons(spec, rows):
    return {row.choice: row.reason for row in sensitivity_rows(spec, data_sets(rows), rows) if row.reason}


def test_what_could_not_be_tried_says_why():
    found = reasons(SPEC, effects())
    assert found["low risk of bias"] == "leaves no trials: too few to pool"
    assert found["sham or placebo control"] == "leaves out no trial"
    assert found["another correlation of baseline and final value"].startswith("no SD in use")
    assert not any("Mantel" in choice for choice in found)  # no events, hence nothing missing
    late = [replace(effects()[0], variant=LATER, selected=False, effect=0.4)]
    assert (
        reasons(SPEC, effects() + late)["another of the times listed first"]
        == "leaves 1 trial: too few to pool"
    )
    assert reasons(SPEC, effects(EFFECTS[:2]))["one trial left out"] == "would leave a single trial"
    events = reasons(SPEC | {"measure": "RR", "mcid": None}, effects())
    assert events["Mantel–Haenszel, Peto"] == "a trial prints a ratio without its counts"
    assert "borrowed SDs" not in events


def test_choices_not_tried_never_change_the_conclusion():
    rows = [row for row in sensitivity_rows(SPEC, data_sets(effects()), effects()) if row.reason]
    assert rows
    assert all(row.estimate is None and row.changes_conclusion is False for row in rows)


def test_a_control_of_sham_and_placebo_arms_together_is_inert():
    both = effects(category_control="placebo+sham")
    both[0] = replace(both[0], category_control="sham+usual_care")
    found = sensitivity_rows(SPEC, data_sets(both))
    (inert,) = (row for row in found if row.choice == "sham or placebo control")
    assert inert.k == len(EFFECTS) - 1


def test_arms_that_share_a_control_are_modelled_beside_the_rest():
    shared = [
        replace(row, variant=Choices.parse("multi_arm=covariance"), selected=False, effect=row.effect + shift)
        for row in effects()
        for shift in (0.0, 0.2)
    ]
    rows = [*effects(), *shared]
    sets = data_sets(rows)
    assert len(sets) == 1  # dependent effects are never pooled as if they were not
    found = {row.choice: row for row in sensitivity_rows(SPEC, sets, rows)}
    modelled = found["multi arm: covariance, three-level model"]
    assert modelled.estimate == pytest.approx(np.mean(EFFECTS) + 0.1, abs=1e-6)
    assert modelled.k == 6


SHARED = {"sd_control": 2.0, "sd_experimental": 2.0, "n_control": 20, "n_experimental": 40}
MEANS = (((4.4, 4.3, 4.5), 5.1), ((4.9, 4.7, 4.8), 5.0), ((4.2, 4.1, 4.4), 5.0), ((5.2, 5.3, 5.1), 5.0))


def three_arms_against_one_control():
    """Four trials, each with three arms of 40 against one of 20."""
    return [
        effect(trial, mean - control, 4 / 40 + 4 / 20, arm_experimental=f"x{arm}", **SHARED)
        for trial, (means, control) in enumerate(MEANS)
        for arm, mean in enumerate(means)
    ]


def test_dependent_effects_are_pooled_as_independent_nowhere():
    # Cochrane Handbook 23.3.4; people of the shared control count once: 4 · (3 · 40 + 20) = 560
    rows = [
        *three_arms_against_one_control(),
        *effects(variant=Choices.parse("multi_arm=combine"), selected=False),
    ]
    record, every = analyse(SPEC | {"multi_arm": "covariance"}, rows)
    main, pooled = record.sensitivity[0], record.pooled
    # its own main result; p was 0.041 and 720 people while 12 effects counted as independent
    assert (main.ci_low, main.ci_high, main.p_value) == pytest.approx((-1.0900, 0.3567, 0.2051), abs=1e-4)
    assert (pooled.interval, record.n_experimental + record.n_control, main.n) == ("cr2", 560, 560)
    assert [getattr(main, name) for name in ("estimate", "ci_low", "ci_high", "p_value")] == [
        getattr(pooled, name) for name in ("estimate", "ci_low", "ci_high", "p_value")
    ]
    assert [row.reason for row in record.sensitivity if row.kind == "model"] == [WORDS["depend"]]
    assert (record.influence, record.bayes, record.cumulative, record.small_study.methods) == ((), (), (), {})
    without = [row for row in record.sensitivity if row.kind == "leave one out"]
    assert len(without) == 4
    assert {row.n for row in without} == {420}
    main_only = [at for at, rule in enumerate(every.choices["multi_arm"]) if rule == "default"]
    assert [every.choices["interval"][at] for at in main_only] == ["cr2"]
    assert every.ci_high[main_only[0]] == pooled.ci_high
    # combined arms do not depend: every model takes them
    assert len(every.k) == 1 + len(models(SPEC, effects())) == 1 + 28
    assert (record.multiverse.data_sets, record.multiverse.models) == (2, 29)


@pytest.mark.parametrize(
    ("agreement", "kinds", "k", "grade"),
    [
        (0.95, ["model"], 5, "robust"),
        (0.95, ["leave one out"], 5, "sensitive"),
        (0.60, [], 5, "sensitive"),
        (0.40, ["data"], 5, "fragile"),
        (1.00, [], 2, "not assessable"),
    ],
)
def test_the_grade_follows_the_written_thresholds(agreement, kinds, k, grade):
    main = Sensitivity(kind="main", choice="", k=k, conclusion=Conclusion.BENEFIT)
    changed = [replace(main, kind=kind, choice="x", changes_conclusion=True) for kind in kinds]
    every = sketch(Multiverse, specifications=100, clear_benefit=agreement)
    found = robustness(SPEC, [main, *changed], every)
    assert found.grade == grade
    assert len(found.breaks) == (len(kinds) if grade != "not assessable" else 0)
    if kinds and grade != "not assessable":
        assert "(x)" in found.sentence


@pytest.mark.parametrize(("conclusion", "agreement"), [("benefit", 0.06), ("harm", 0.04), ("unclear", 0.9)])
def test_what_agrees_is_clear_on_the_same_side_or_unclear_as_well(conclusion, agreement):
    main = Sensitivity(kind="main", choice="", k=5, conclusion=Conclusion(conclusion))
    every = sketch(Multiverse, specifications=100, clear_benefit=0.06, clear_harm=0.04)
    assert robustness(SPEC, [main], every).agreement == agreement


JUDGED = ("low", "high", "low", "unclear", "low", "high")
WEIGHTS = {"low": 1, "unclear": 0.75, "high": 0.5}


def judged(risks=JUDGED):
    return [replace(row, risk_of_bias=risk) for row, risk in zip(effects(), risks, strict=True)]


def test_trials_at_high_risk_are_left_out_and_weighted_down():
    spec = SPEC | {"risk_of_bias_weights": WEIGHTS}
    found = {row.choice: row for row in analyse(spec, judged())[0].sensitivity}
    assert found["not at high risk of bias"].k == 4
    assert found["low risk of bias"].k == 3
    variances = 0.05 / np.array([WEIGHTS[risk] for risk in JUDGED])
    alone = pool(np.array(EFFECTS), variances, tau2_method="REML", interval="hksj_adhoc")
    weighted = found["weighting: by risk of bias"]
    assert (weighted.k, weighted.kind) == (6, "data")
    assert weighted.estimate == pytest.approx(float(alone.estimate))
    assert weighted.ci_high == pytest.approx(float(alone.ci_high))
    levels = {level.level for level in analyse(spec, judged())[0].multiverse.levels}
    assert {"not at high risk of bias", "by risk of bias", "default"} <= levels


@pytest.mark.parametrize(
    ("risks", "weights", "absent"),
    [
        (("",) * 6, WEIGHTS, ("weighting", "not at high")),
        (("low",) * 6, WEIGHTS, ("weighting", "not at high")),
        (("high",) * 6, WEIGHTS, ("weighting",)),
        (("high", "", "low", "low", "low", "low"), WEIGHTS, ("weighting",)),
        (JUDGED, None, ("weighting",)),
    ],
)
def test_without_judgements_that_differ_there_is_no_such_choice(risks, weights, absent):
    rows = analyse(SPEC | {"risk_of_bias_weights": weights}, judged(risks))[0].sensitivity
    assert not [row.choice for row in rows if row.choice.startswith(absent)]


def test_to_leave_out_high_risk_is_a_choice_beside_trials_judged_better_only():
    for risks in (("high",) * 6, ("high", "", "", "", "", ""), ("unclear", "", "", "", "", "")):
        rows = analyse(SPEC, judged(risks))[0].sensitivity
        assert "not at high risk of bias" not in {row.choice for row in rows}
    rows = analyse(SPEC, judged(("high", "high", "high", "high", "", "low")))[0].sensitivity
    reasons = {row.choice: row.reason for row in rows}
    assert reasons["not at high risk of bias"] == "leaves 1 trial: too few to pool"
