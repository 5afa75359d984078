"""Crossover, cluster and multi-arm trials."""

import numpy as np
import pytest
from small_review import SHAM, answer, chosen, question, reasons, review, two_arms

from trialpool.errors import InputError
from trialpool.stats import shared_control_events, shared_control_means


def assuming(**what):
    return question(assumptions={"A": {**what, "source": "assumed"}})


@pytest.mark.parametrize(("design", "code"), [("crossover", "crossover"), ("cluster", "cluster")])
def test_arms_of_other_designs_are_not_parallel_groups(design, code):
    tables = review(studies=[{"design": design}], continuous=two_arms())
    result = answer(tables)
    assert not chosen(result)
    assert code in reasons(result)
    first = question(assumptions={"A": {"first_period": True, "source": "abstract"}})
    assert len(chosen(answer(tables, first))) == 1


@pytest.mark.parametrize(("period", "used"), [("first", 1), ("second", 0), ("both", 0)])
def test_only_the_first_period_of_a_crossover_is_two_groups_whatever_the_config_assumes(period, used):
    tables = review(studies=[{"design": "crossover"}], continuous=two_arms(period=period))
    assert len(chosen(answer(tables))) == used
    first = question(assumptions={"A": {"first_period": True, "source": "abstract"}})
    assert len(chosen(answer(tables, first))) == used


def test_a_contrast_of_the_first_period_is_one_of_two_groups():
    exact = {"arm_1": "a", "arm_2": "s", "spread_type": "none", "spread_low": None, "spread_high": None}
    exact |= {"p_value": "0.05", "n_1": 12, "n_2": 10}
    both = {"studies": [{"design": "crossover"}]}
    (row,) = chosen(answer(review(**both, contrasts=[{**exact, "period": "first"}])))
    assert row["variance"] ** 0.5 == pytest.approx(1 / 2.08596345)  # t(20)
    assert "crossover" not in row["cautions"]
    (row,) = chosen(answer(review(**both, contrasts=[exact])))
    assert row["variance"] ** 0.5 == pytest.approx(1 / 2.26215716)  # t(9): the same people twice
    assert "crossover" in row["cautions"]


def test_a_crossover_trial_with_an_assumed_correlation_is_paired():
    # Handbook 5.1 section 16.4.6.4: E 7.0 (2.38), C 6.5 (2.21), n = 10, r = .68: SE .583, SMD .218, SE .256
    rows = [
        {"arm": "a", "centre": 7.0, "spread_low": 2.38, "n": 10},
        {"arm": "s", "centre": 6.5, "spread_low": 2.21, "n": 10},
    ]
    tables = review(studies=[{"design": "crossover"}], continuous=rows)
    (row,) = chosen(answer(tables, assuming(correlation=0.68)))
    assert (row["effect"], row["variance"] ** 0.5) == pytest.approx((0.5, 0.583), abs=5e-4)
    assert row["imputed"]
    assert "r = 0.68 assumed between periods" in row["derivation"]
    (row,) = chosen(answer(tables, assuming(correlation=0.68) | {"measure": "SMD"}))
    assert (row["effect"], row["variance"] ** 0.5) == pytest.approx((0.21771565, 0.25596250))


def test_a_cluster_trial_with_an_assumed_icc_is_widened():
    tables = review(studies=[{"design": "cluster"}], continuous=two_arms())
    (row,) = chosen(answer(tables, assuming(icc=0.05, cluster_size=20)))
    assert row["variance"] == pytest.approx(0.4 * 1.95)
    assert row["imputed"]
    assert "variance ×1.95 for clusters of 20 people (ICC 0.05)" in row["derivation"]


def test_a_contrast_of_a_crossover_trial_is_taken_as_paired_and_says_so():
    contrast = {"arm_1": "a", "arm_2": "s", "n_1": 10, "n_2": 10}
    tables = review(studies=[{"design": "crossover"}], continuous=two_arms(), contrasts=[contrast])
    (row,) = chosen(answer(tables))
    assert row["kind"] == "contrast"
    assert "taken as analysed as a crossover trial" in row["cautions"]


@pytest.mark.parametrize("measure", ["MD", "SMD", "RR"])
def test_comparisons_with_a_common_control_agree_with_their_covariance(measure):
    arms = [{"arm": "a"}, {"arm": "b"}, SHAM]
    numbers = [("a", 3.0, 1.5, 10, 6), ("b", 4.0, 2.5, 14, 0), ("s", 5.0, 2.0, 20, 3)]
    rows = [{"arm": arm, "centre": m, "spread_low": s, "n": n} for arm, m, s, n, _ in numbers]
    events = [{"arm": arm, "n": n, "events": e} for arm, _, _, n, e in numbers]
    changes = {"measure": measure, "multi_arm": "covariance"}
    if measure == "RR":
        changes |= {"domain": "responder", "better": "higher"}
        expected = shared_control_events("RR", [6, 0], [10, 14], 3, 20)
    else:
        expected = shared_control_means(measure, [3.0, 4.0], [1.5, 2.5], [10, 14], 5.0, 2.0, 20)
    found = chosen(answer(review(arms=arms, continuous=rows, events=events), question(**changes)))
    assert [row["arm_experimental"] for row in found] == ["a", "b"]
    assert [row["effect"] for row in found] == pytest.approx(list(expected.effect))
    assert [row["variance"] for row in found] == pytest.approx(list(np.diag(expected.covariance)))


@pytest.mark.parametrize(
    ("study", "design", "words"),
    [
        ("B", "crossover", "not the study_id of any trial"),
        ("A", "parallel", "a parallel trial, which needs none"),
    ],
)
def test_an_assumption_about_no_such_trial_is_a_fault(study, design, words):
    spec = question(assumptions={study: {"first_period": True, "source": "a guess"}})
    with pytest.raises(InputError, match=words):
        answer(review(studies=[{"design": design}], continuous=two_arms()), spec)
