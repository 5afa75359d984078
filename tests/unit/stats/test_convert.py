import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialpool.stats import (
    change_correlation,
    change_sd,
    combine_arms,
    hedges_factor,
    log_odds_ratio_to_smd,
    mean_difference,
    mean_sd_from_quartiles,
    odds_ratio,
    paired_effects,
    risk_difference,
    sd_from_ci,
    sd_from_difference_se,
    sd_from_se,
    se_from_ci,
    se_from_p,
    se_from_sd,
    shared_control_events,
    shared_control_means,
    smd_to_log_odds_ratio,
)


def test_the_change_sd_of_the_handbook():
    assert change_correlation([6.4, 7.0], [7.1, 6.9], [4.5, 4.2]) == pytest.approx(
        [0.78257042, 0.81749482], abs=5e-9
    )
    assert change_sd(12.4, 15.2, 0.8) == pytest.approx(9.12315735, abs=5e-9)


@given(st.floats(0.1, 50), st.floats(0.1, 50), st.floats(-0.99, 0.99))
def test_correlation_and_change_sd_undo_each_other(before, after, r):
    assert change_correlation(before, after, change_sd(before, after, r)) == pytest.approx(r, abs=1e-9)


def test_changes_in_opposite_directions_widen_a_combined_arm():
    # With absolute means, as one program's help page has it, the SD would be 1.66686642.
    mean, sd, n = combine_arms([-2, 1], [1.5, 1.7], [20, 22])
    assert (mean, sd, n) == pytest.approx((-18 / 42, 2.19603698, 42), abs=5e-9)
    assert tuple(combine_arms([26.5, 32.9], [4.5, 5.8], [50, 50])) == pytest.approx(
        (29.7, 6.08409916, 100), abs=5e-9
    )


@given(st.lists(st.lists(st.floats(-9, 9), min_size=2, max_size=6), min_size=1, max_size=4))
def test_combined_arms_are_the_arm_of_all_their_people(arms):
    everybody = np.concatenate(arms)
    combined = combine_arms(
        [np.mean(arm) for arm in arms], [np.std(arm, ddof=1) for arm in arms], [len(arm) for arm in arms]
    )
    assert tuple(combined) == pytest.approx(
        (everybody.mean(), everybody.std(ddof=1), len(everybody)), abs=1e-9
    )


def test_intervals_and_p_values_of_small_trials_need_t():
    assert se_from_p(3.8, 0.008, df=45) == pytest.approx(1.3691, abs=5e-5)
    assert sd_from_difference_se(se_from_p(3.8, 0.008, df=45), 25, 22) == pytest.approx(4.6835, abs=5e-5)
    assert se_from_ci(-1.96, 1.96) == pytest.approx(1, abs=2e-5)
    assert se_from_ci(0, 2 * 2.262157, df=9) == pytest.approx(1, abs=1e-6)


@given(st.floats(0.01, 40), st.integers(2, 300), st.floats(0.5, 0.999))
def test_an_interval_gives_back_the_sd_it_was_made_of(sd, n, level):
    from scipy.stats import t

    half = t.ppf((1 + level) / 2, n - 1) * se_from_sd(sd, n)
    assert sd_from_ci(3 - half, 3 + half, n, level=level) == pytest.approx(sd, rel=1e-7)
    assert sd_from_se(se_from_sd(sd, n), n) == pytest.approx(sd)


QUARTILES = {"q1": 3, "q3": 8}
EXTREMES = {"minimum": 1, "maximum": 12}


@pytest.mark.parametrize(
    ("given", "mean", "sd"),
    [
        (QUARTILES, 5.354875, 3.84464951),
        (EXTREMES, 5.30142552, 2.55059960),
        (QUARTILES | EXTREMES, 5.48493232, 3.05570392),
    ],
)
def test_medians_by_luo_wan_and_shi(given, mean, sd):
    result = mean_sd_from_quartiles(5, 40, **given)
    assert tuple(result) == pytest.approx((mean, sd), abs=6e-9)
    assert not result.skewed


def test_skewed_medians_are_said_to_be_so():
    skewed = mean_sd_from_quartiles([5, 2.2], 40, q1=[3, 2], q3=8, minimum=1, maximum=[12, 30])
    assert skewed.skewed.tolist() == [False, True]
    assert skewed.critical == pytest.approx(3 / np.sqrt(40) - 40 / 40**3)
    alone = mean_sd_from_quartiles(2.2, 40, q1=2, q3=8)
    assert alone.skewness == pytest.approx(5.6 / 6)
    assert alone.critical == pytest.approx(2.65 / np.sqrt(40) - 6 / 1600)
    ends = mean_sd_from_quartiles(2.2, 40, minimum=2, maximum=8)
    assert ends.critical == pytest.approx(1 / np.log(49) + 2.5 / 41)


def test_smd_and_log_odds_ratio_turn_into_each_other():
    effect, variance = smd_to_log_odds_ratio([0.5, -1], [0.04, 0.1])
    assert effect == pytest.approx(np.array([0.5, -1]) * np.pi / np.sqrt(3))
    back = log_odds_ratio_to_smd(effect, variance)
    assert (back.effect, back.variance) == (pytest.approx([0.5, -1]), pytest.approx([0.04, 0.1]))
    assert smd_to_log_odds_ratio(0.5, 0.04, method="chinn").effect == pytest.approx(0.905)


def test_the_crossover_of_the_handbook():
    assert np.sqrt(paired_effects(0.5, 2, 10).variance) == pytest.approx(0.63245553, abs=5e-9)
    sd = change_sd(2.38, 2.21, 0.68)
    assert np.sqrt(paired_effects(0.5, sd, 10).variance) == pytest.approx(0.58268104, abs=5e-9)


def pooled_by_treatment(effects, covariances, treatments):
    """Generalised least squares of a mean for each treatment over independent trials."""
    y, x = np.concatenate(effects), np.eye(max(map(max, treatments)) + 1)[np.concatenate(treatments)]
    v = np.zeros((len(y), len(y)))
    start = 0
    for block in covariances:
        v[start : start + len(block), start : start + len(block)] = block
        start += len(block)
    w = np.linalg.inv(v)
    covariance = np.linalg.inv(x.T @ w @ x)
    beta = covariance @ x.T @ w @ y
    return beta, covariance, (y - x @ beta) @ w @ (y - x @ beta)


@pytest.mark.parametrize(
    ("measure", "effects", "q"),
    [("RD", [0.0200, 0.0043, 0.0211], 7.1907), ("OR", [0.5099, 0.0044, 0.4301], 2.0563)],
)
def test_trials_that_share_a_control_as_gleser_and_olkin_pool_them(measure, effects, q):
    # Their effects are control minus treatment: turn the sign.
    trials = [([100, 150], 4000, 40, 1000), ([15], 400, 10, 200), ([40, 80, 50], 1000, 150, 2000)]
    shared = [shared_control_events(measure, *trial) for trial in trials]
    beta, _, heterogeneity = pooled_by_treatment(
        [trial.effect for trial in shared], [trial.covariance for trial in shared], [[0, 1], [0], [0, 1, 2]]
    )
    assert -beta == pytest.approx(effects, abs=5e-5)
    assert heterogeneity == pytest.approx(q, abs=5e-4)


def test_smds_that_share_a_control_have_gleser_and_olkins_covariance():
    effect, covariance = shared_control_means("SMD", [7.8, 6.2], [1.5, 1.4], [25, 20], 4.5, 1.6, 30)
    total = 75
    assert covariance[0, 1] == pytest.approx(1 / 30 + effect[0] * effect[1] / (2 * total))
    assert covariance[0, 0] == pytest.approx(1 / 25 + 1 / 30 + effect[0] ** 2 / (2 * total))
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_standardised_differences_of_gleser_and_olkins_first_study():
    # The chapter does not correct for small samples: J on 25 + 22 + 25 - 3 degrees of freedom is taken out.
    effect, _ = shared_control_means("SMD", [7.87, 4.35], 4.2593, [25, 22], -1.36, 4.2593, 25)
    assert effect / hedges_factor(69) == pytest.approx([2.1670, 1.3406], abs=5e-5)


@pytest.mark.parametrize("measure", ["MD", "SMD", "ROM"])
def test_the_diagonal_is_the_variance_of_the_pair_alone(measure):
    _, covariance = shared_control_means(measure, [7.8, 6.2], [1.5, 1.4], [25, 20], 4.5, 1.6, 30)
    if measure == "MD":
        assert covariance[1, 1] == pytest.approx(mean_difference(6.2, 1.4, 20, 4.5, 1.6, 30).variance)
    assert covariance[0, 1] == covariance[1, 0] > 0


def test_one_arm_sharing_a_control_is_an_ordinary_comparison():
    shared = shared_control_events("OR", [3], [20], 5, 25)
    assert (shared.effect[0], shared.covariance[0, 0]) == pytest.approx(tuple(odds_ratio(3, 20, 5, 25)))
    shared = shared_control_events("RD", [3], [20], 5, 25)
    assert shared.covariance[0, 0] == pytest.approx(risk_difference(3, 20, 5, 25).variance)


def test_an_empty_cell_is_filled_in_every_arm_of_its_trial():
    with_zero = shared_control_events("RR", [0, 4], [20, 20], 5, 25)
    by_hand = shared_control_events("RR", [1, 9], [42, 42], 11, 52, zero_cells=0)
    assert with_zero.effect == pytest.approx(by_hand.effect)
