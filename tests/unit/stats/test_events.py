"""Corners of events: nothing there, everything there, one trial, rules for empty cells, what is refused."""

import numpy as np
import pytest

from trialpool import stats

CATHETERS = (
    [0, 1, 2, 0, 5, 1, 1, 0],
    [116, 44, 208, 130, 151, 98, 174, 118],
    [3, 3, 9, 7, 6, 4, 3, 0],
    [117, 35, 195, 136, 157, 139, 177, 105],
)


@pytest.mark.parametrize("model", ["UM.FS", "UM.RS", "CM.EL", "CM.AL"])
def test_a_trial_without_events_changes_no_mixed_model(model):
    with_it = stats.glmm(*CATHETERS, model=model)
    without = stats.glmm(*(column[:-1] for column in CATHETERS), model=model)
    assert (with_it.estimate, with_it.se, with_it.tau2) == (without.estimate, without.se, without.tau2)
    assert (with_it.k, with_it.left_out, without.left_out) == (7, 1, 0)


@pytest.mark.parametrize("model", ["UM.FS", "CM.EL", "CM.AL"])
def test_swapped_arms_turn_the_sign(model):
    a, n1, c, n2 = CATHETERS
    one, other = stats.glmm(*CATHETERS, model=model), stats.glmm(c, n2, a, n1, model=model)
    assert one.estimate == pytest.approx(-other.estimate, rel=1e-9)
    assert (one.se, one.tau2) == (pytest.approx(other.se, rel=1e-9), pytest.approx(other.tau2, abs=1e-9))


def test_one_trial_alone_is_its_own_odds_ratio():
    found = stats.glmm([5], [20], [8], [25], model="UM.FS")
    assert found.estimate == pytest.approx(stats.odds_ratio(5, 20, 8, 25).effect, rel=1e-9)
    assert found.se == pytest.approx(np.sqrt(stats.odds_ratio(5, 20, 8, 25).variance), rel=1e-9)
    assert (found.tau2, found.q, found.q_df) == (0, 0, 0)


def test_an_arm_without_any_event_has_no_maximum_but_a_penalised_one():
    empty = [0, 0, 0], [20, 30, 40], [3, 2, 6], [20, 30, 40]
    for refused in (stats.glmm, stats.mantel_haenszel):
        with pytest.raises(ValueError, match="the ratio is undefined"):
            refused(*empty)
    found = stats.penalised(*empty)
    assert found.estimate < -1
    assert np.isfinite(found.se)
    assert found.weights.sum() == pytest.approx(100)


def test_penalised_rates_go_by_time():
    found = stats.penalised([4, 0], [10.0, 20.0], [9, 0], [10.0, 20.0], measure="IRR")
    assert (found.k, found.weights.tolist()) == (1, [100, 0])
    assert -0.9 < found.estimate < -0.6


def test_rules_by_name_for_empty_cells():
    table = 0, 10, 3, 30
    assert stats.odds_ratio(*table, zero_cells="constant") == stats.odds_ratio(*table)
    arm = stats.odds_ratio(*table, zero_cells="treatment_arm")
    assert (arm.added, arm.effect) == (0.25, pytest.approx(np.log(0.25 / 10.25) - np.log(3.75 / 27.75)))
    revman = stats.risk_difference(2, 38, 0, 39, zero_cells="revman")
    half = 1.959963984540054 * np.sqrt(revman.variance)
    assert (revman.effect, revman.effect - half, revman.effect + half) == (
        pytest.approx(0.0526, abs=5e-5),
        pytest.approx(-0.0316, abs=5e-5),
        pytest.approx(0.1369, abs=5e-5),
    )  # CD000478.pub5, 7.1
    with pytest.raises(ValueError, match="empty cell"):
        stats.odds_ratio(*table, zero_cells="none")
    with pytest.raises(ValueError, match="zero_cells is 'half': must be one of none, constant"):
        stats.odds_ratio(*table, zero_cells="half")


def test_nothing_added_leaves_tables_without_an_effect_out_of_q_alone():
    fit = stats.mantel_haenszel(*CATHETERS, measure="OR", zero_cells="none")
    usual = stats.mantel_haenszel(*CATHETERS, measure="OR")
    assert (fit.estimate, fit.se) == (usual.estimate, usual.se)
    assert (fit.q_df, usual.q_df) == (4, 6)


@pytest.mark.parametrize("test", stats.EVENT_TESTS)
def test_tests_of_events_are_refused_below_three_trials(test):
    found = stats.event_test(test, [1, 2], [20, 30], [3, 4], [20, 30])
    assert "at least 3 studies" in found.refused
    assert np.isnan(found.p_value)


def test_a_random_form_is_of_variances_only():
    with pytest.raises(ValueError, match="form is 'random'"):
        stats.event_test("peters", *CATHETERS, form="random")
    assert stats.event_test("harbord", *CATHETERS, form="random").df == np.inf


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: stats.rate_ratio(1, 0.0, 2, 1.0), "time1 is 0: must be above 0"),
        (lambda: stats.rate_difference(0, 1.0, 0, 1.0, zero_cells=0), "no event in either arm"),
        (lambda: stats.proportion(3, 2), "more events than people"),
        (lambda: stats.proportion(0, 9, zero_cells=0), "the logarithm is infinite"),
        (lambda: stats.correlation(1.0, 20), "strictly between"),
        (lambda: stats.single_mean(-1.0, 1.0, 9, scale="MNLN"), "must be above 0"),
        (lambda: stats.back_transformed("PFT", 0.3), "people or person-time"),
        (lambda: stats.glmm(*CATHETERS, model="CM.RS"), "must be one of UM.FS"),
        (lambda: stats.glmm(*CATHETERS, measure="IRR", model="CM.AL"), "must be one of"),
        (lambda: stats.glmm([[1]], [[2]], [[1]], [[2]]), "one analysis at a time"),
        (lambda: stats.standardized_mean_change(1.0, 1.0, 1.0, 9, 1.0), "does not vary"),
        (lambda: stats.heteroscedastic_smd(1, 0, 9, 1, 0, 9), "nothing to standardise by"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_effect_sizes_are_whole_tables_in_one_call():
    rates = stats.rate_ratio(np.array([[1, 2], [3, 4]]), 10.0, 5, 10.0)
    assert rates.effect.shape == rates.variance.shape == (2, 2)
    assert stats.proportion([[1], [2]], 10).effect.shape == (2, 1)
