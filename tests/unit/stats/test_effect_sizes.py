import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from published import BCG_TABLES, HINE_TABLES, NORMAND
from scipy.special import gamma

from trialpool.stats import (
    hedges_factor,
    mean_difference,
    odds_ratio,
    peto_odds_ratio,
    pool,
    ratio_of_means,
    risk_difference,
    risk_ratio,
    standardized_mean_difference,
)

NORMAND_G = [-0.35516964, -0.34794002, -2.31756916, -1.88798225, -0.38396414, 0.17214867, 0.27205207]
NORMAND_G += [-0.42459627, 0.28955623]
EDINBURGH = (55, 47, 155, 75, 64, 156)


@pytest.mark.parametrize(
    ("freedom", "factor"), [(4, 0.79788456), (8, 0.90270333), (18, 0.95764643), (38, 0.98011040)]
)
def test_the_exact_correction_is_hedges_own(freedom, factor):
    assert hedges_factor(freedom) == pytest.approx(factor, abs=5e-9)
    assert hedges_factor(freedom) == pytest.approx(
        gamma(freedom / 2) / np.sqrt(freedom / 2) / gamma((freedom - 1) / 2), rel=1e-13
    )


def test_the_exact_correction_survives_where_gamma_overflows():
    assert hedges_factor(10_000) == pytest.approx(1 - 3 / (4 * 10_000 - 1), abs=1e-9)


@pytest.mark.parametrize(
    ("variance", "expected"),
    [
        ("LS", [0.01306468, 0.06446888, 0.04581211, 0.16061774, 0.20543328, 0.03691057]),
        ("UB", [0.01306715, 0.06452963, 0.04629685, 0.16636429, 0.20619364, 0.03691541]),
    ],
)
def test_hedges_g_of_normand(variance, expected):
    effect, v = standardized_mean_difference(*NORMAND, variance=variance)
    assert effect == pytest.approx(NORMAND_G, abs=6e-9)
    assert v[:6] == pytest.approx(expected, abs=6e-9)


def test_the_revman_mode_gives_the_variance_of_revman():
    effect, v = standardized_mean_difference(*EDINBURGH, variance="revman5")
    assert v == pytest.approx(0.01306728, abs=6e-9)
    assert effect == pytest.approx((1 - 3 / (4 * 311 - 9)) * -20 / np.sqrt((154 * 47**2 + 155 * 64**2) / 309))


def test_normands_published_heterogeneity_needs_pooled_sds():
    assert pool(*mean_difference(*NORMAND, pooled=True), interval="wald").tau2 == pytest.approx(
        685.1965, 1e-6
    )
    plain = pool(*mean_difference(*NORMAND), interval="wald")
    assert [plain.tau2, plain.estimate, plain.se] == pytest.approx(
        [684.64615193, -15.10602747, 8.94655284], rel=1e-9
    )


def test_the_ratio_of_means_is_a_log_with_delta_variance():
    effect, variance = ratio_of_means(4.0, 1.0, 25, 2.0, 1.0, 16)
    assert (effect, variance) == pytest.approx((np.log(2), 1 / 25 / 16 + 1 / 16 / 4))
    assert ratio_of_means(-4.0, 1.0, 25, -2.0, 1.0, 16).effect == pytest.approx(np.log(2))


def test_ratios_of_bcg():
    effect, variance = risk_ratio(*BCG_TABLES)
    assert effect[[0, 1, 7]] == pytest.approx([-0.8893113339, -1.5853886572, 0.0119523335], abs=1e-10)
    assert variance[[0, 1, 7]] == pytest.approx([0.3255847650, 0.1945811214, 0.0039615793], abs=1e-10)
    assert pool(*odds_ratio(*BCG_TABLES), tau2_method="FE").estimate == pytest.approx(-0.4361, abs=5e-5)
    assert pool(*risk_difference(*BCG_TABLES), tau2_method="FE").estimate == pytest.approx(-0.0009, abs=5e-5)


def test_risk_differences_of_hine():
    fit = pool(*risk_difference(*HINE_TABLES), interval="wald")
    assert (fit.tau2, fit.estimate, fit.se) == pytest.approx((0, 0.02944432, 0.01306832), abs=5e-9)


@pytest.mark.parametrize("measure", [risk_ratio, odds_ratio, risk_difference])
def test_a_half_is_added_to_tables_with_an_empty_cell_alone_and_said(measure):
    result = measure([0, 3, 5, 0], [10, 10, 5, 8], [2, 4, 1, 0], [12, 12, 5, 9])
    assert result.added.tolist() == [0.5, 0, 0.5, 0.5]
    by_hand = measure([1, 3], [22, 10], [5, 4], [26, 12], zero_cells=0)
    assert result.effect[:2] == pytest.approx(by_hand.effect)
    other = measure(0, 10, 2, 12, zero_cells=0.25)
    assert other.added == 0.25
    assert other.effect != pytest.approx(result.effect[0])


def test_peto_adds_nothing():
    result = peto_odds_ratio([0, 1], [10, 20], [3, 5], [12, 20])
    assert result.added.tolist() == [0, 0]
    x, n1, n2, total = 3, 10, 12, 22
    v = n1 * n2 * x * (total - x) / (total**2 * (total - 1))
    assert result.effect[0] == pytest.approx((0 - n1 * x / total) / v)
    assert result.variance[0] == pytest.approx(1 / v)


def test_a_result_unpacks_into_effect_and_variance():
    effect, variance = mean_difference(5.0, 2.0, 20, 6.0, 2.0, 20)
    assert (effect, variance) == (-1.0, pytest.approx(0.4))
    assert f"{effect:.1f}" == "-1.0"


arm = st.tuples(st.floats(0.5, 50), st.floats(0.1, 20), st.integers(3, 400))


@given(arm, arm)
def test_exchanging_the_arms_turns_the_sign(first, second):
    for measure in (mean_difference, standardized_mean_difference, ratio_of_means):
        there, back = measure(*first, *second), measure(*second, *first)
        assert there.effect == pytest.approx(-back.effect, rel=1e-12, abs=1e-12)
        assert there.variance == pytest.approx(back.variance, rel=1e-12)


@given(arm, arm, st.floats(0.01, 100))
def test_a_change_of_unit_scales_differences_and_leaves_the_rest(first, second, factor):
    (m1, s1, n1), (m2, s2, n2) = first, second
    scaled = (factor * m1, factor * s1, n1, factor * m2, factor * s2, n2)
    wide, plain = mean_difference(*scaled), mean_difference(*first, *second)
    assert wide.effect == pytest.approx(factor * plain.effect, rel=1e-9, abs=1e-9)
    assert wide.variance == pytest.approx(factor**2 * plain.variance, rel=1e-9)
    for measure in (standardized_mean_difference, ratio_of_means):
        assert tuple(measure(*scaled)) == pytest.approx(tuple(measure(*first, *second)), rel=1e-9, abs=1e-9)


tables = st.tuples(st.integers(0, 20), st.integers(20, 50), st.integers(0, 20), st.integers(20, 50))


@given(tables)
def test_counting_the_others_turns_odds_and_differences(table):
    e1, n1, e2, n2 = table
    for measure in (odds_ratio, risk_difference):
        there, back = measure(e1, n1, e2, n2), measure(n1 - e1, n1, n2 - e2, n2)
        assert there.effect == pytest.approx(-back.effect, rel=1e-9, abs=1e-12)
        assert there.variance == pytest.approx(back.variance, rel=1e-9)


@pytest.mark.parametrize("m", [12.0, 9_999.0, 10_000.5, 3e4, 1e6, 1e8])
def test_hedges_factor_keeps_its_digits_in_large_trials(m):
    """J(m)·J(m + 1) = (m - 1)/√(m(m + 1)), as Γ((m + 1)/2) = (m - 1)/2·Γ((m - 1)/2)."""
    product = hedges_factor(m) * hedges_factor(m + 1)
    assert product == pytest.approx((m - 1) / np.sqrt(m * (m + 1)), rel=1e-11)
    assert hedges_factor(m) <= hedges_factor(m + 1) < 1
