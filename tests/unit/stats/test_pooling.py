"""Pooling against printed numbers and those of tightened solvers; tests/reference has the full grid."""

import numpy as np
import pytest
from published import BCG_V, BCG_Y, HINE_TABLES, NORMAND
from scipy.stats import chi2
from tests.reference.agreement import reference

from trialpool import stats
from trialpool.stats import (
    INTERVALS,
    TAU2_METHODS,
    pool,
    risk_difference,
    standardized_mean_difference,
    tau2_interval,
)

BCG = {
    "FE": (0, -0.4302851637, 0.0404987517),
    "DL": (0.3087602629, -0.7141172221, 0.1787420895),
    "HE": (0.3285638580, -0.7158785888, 0.1832799860),
    "HS": (0.2283628637, -0.7045353739, 0.1586520931),
    "SJ": (0.3455157016, -0.7172485926, 0.1870594584),
    "ML": (0.2800281373, -0.7111991355, 0.1718968088),
    "REML": (0.3132432581, -0.7145323422, 0.1797815161),
    "EB": (0.3180684522, -0.7149681535, 0.1808921915),
    "PM": (0.3180684522, -0.7149681535, 0.1808921915),
}


@pytest.mark.parametrize("method", TAU2_METHODS)
def test_bcg_by_every_method(method):
    fit = pool(BCG_Y, BCG_V, tau2_method=method, interval="wald")
    assert (fit.tau2, fit.estimate, fit.se) == pytest.approx(BCG[method], rel=1e-9, abs=1e-10)
    assert (fit.q, fit.q_df) == pytest.approx((152.23300808, 12), rel=1e-10)


@pytest.mark.parametrize("k", [2, 3, 4, 8, 13, 40])
def test_the_p_value_of_q_is_the_tail_of_chi_square(k):
    spread = np.concatenate([np.geomspace(1e-3, 30, 40), [1e15]])
    fit = pool(np.linspace(-1, 1, k) * spread[:, None], np.ones(k))
    assert fit.q_p_value == pytest.approx(chi2.sf(fit.q, k - 1), rel=1e-12, abs=1e-290)


def test_bcg_interval_by_hartung_and_knapp():
    plain, floored = (pool(BCG_Y, BCG_V, interval=interval) for interval in ("hksj", "hksj_adhoc"))
    assert (plain.se, plain.ci_low, plain.ci_high, plain.p_value) == pytest.approx(
        (0.18079174, -1.10844371, -0.32062097, 0.00192002), abs=5e-9
    )
    assert plain.ci_low == floored.ci_low  # the scale is above 1 here


def test_bcg_prediction_intervals():
    wald, hksj = (pool(BCG_Y, BCG_V, interval=interval) for interval in ("wald", "hksj"))
    assert (wald.pi_low, wald.pi_high) == pytest.approx((-1.86669222, 0.43762753), abs=5e-9)
    assert (hksj.pi_low, hksj.pi_high) == pytest.approx((-1.99601683, 0.56695215), abs=5e-9)
    assert pool(BCG_Y, BCG_V, interval="wald").ci_high == pytest.approx(-0.36216705, abs=5e-9)


def test_i2_comes_from_tau2_and_under_fe_from_q():
    assert pool(BCG_Y, BCG_V).i2 == pytest.approx(92.2214, abs=5e-5)
    common = pool(BCG_Y, BCG_V, tau2_method="FE", interval="wald")
    assert (common.i2, common.h2) == pytest.approx((92.11734685, 12.68608401), abs=5e-9)
    assert np.isnan([common.pi_low, common.pi_high]).all()


def test_bcg_weights():
    weights = pool(BCG_Y, BCG_V).weights
    assert weights[:4] == pytest.approx([5.05948, 6.36468, 4.43603, 9.69875], abs=5e-6)
    assert weights.sum() == pytest.approx(100)


def test_q_profile_interval_of_bcg():
    limits = tau2_interval(BCG_Y, BCG_V)
    assert tuple(limits) == pytest.approx((0.1197183611, 1.1114790841), rel=1e-9)
    assert (limits.i2_low, limits.i2_high) == pytest.approx((81.92057456, 97.67807498), abs=5e-8)
    assert (limits.h2_low, limits.h2_high) == pytest.approx((5.53114922, 43.06771243), abs=5e-8)


def test_normand_standardised():
    for variance, tau2, estimate in (("LS", 0.79084291, -0.53710826), ("UB", 0.78873512, -0.53615573)):
        effects = standardized_mean_difference(*NORMAND, variance=variance)
        fit = pool(*effects, interval="hksj")
        assert (fit.tau2, fit.estimate) == pytest.approx((tau2, estimate), abs=5e-9)
    effects = standardized_mean_difference(*NORMAND)
    fit = pool(*effects, interval="hksj")
    assert (fit.se, fit.ci_low, fit.ci_high, fit.p_value, fit.i2, fit.pi_low, fit.pi_high) == pytest.approx(
        (0.30928563, -1.25032221, 0.17610569, 0.12066453, 95.49493707, -2.70830700, 1.63409048), abs=6e-9
    )
    assert tuple(tau2_interval(*effects)) == pytest.approx((0.325384441, 3.10840340), abs=5e-9)
    first_four = [values[:4] for values in effects]
    assert pool(*first_four).tau2 == pytest.approx(1.0090, abs=5e-5)


def test_hksj_alone_is_narrower_than_wald_when_tau2_is_0():
    effects = risk_difference(*HINE_TABLES)
    expected = {
        "wald": (0.003831, 0.055058, 0.0243),
        "hksj": (0.015515, 0.043374, 0.0029),
        "hksj_adhoc": (-0.004149, 0.063037, 0.0740),
    }
    for interval, (low, high, p) in expected.items():
        fit = pool(*effects, interval=interval)
        assert fit.tau2 == 0
        assert (fit.ci_low, fit.ci_high) == pytest.approx((low, high), abs=6e-7)
        assert fit.p_value == pytest.approx(p, abs=5e-5)


def test_the_floor_works_above_tau2_of_0_too():
    y, v = (0.30, 0.10, 0.55, 0.42, 0.20), (0.09, 0.004, 0.10, 0.02, 0.05)
    wald, hksj, floored = (pool(y, v, tau2_method="DL", interval=interval) for interval in INTERVALS)
    assert (wald.tau2, wald.se, hksj.se) == pytest.approx((0.01343167, 0.09071150, 0.07856837), abs=5e-9)
    assert (hksj.ci_low, hksj.ci_high) == pytest.approx((0.02214865, 0.45843019), abs=5e-9)
    assert (floored.ci_low, floored.ci_high) == pytest.approx((-0.01156608, 0.49214492), abs=5e-9)


def test_two_studies():
    fit = pool((0.2, 0.8), (0.04, 0.05), interval="hksj")
    assert (fit.tau2, fit.ci_low, fit.ci_high) == pytest.approx((0.135, -3.31872384, 4.30205718), abs=5e-9)


def test_effects_that_agree_too_well_have_an_empty_q_profile():
    limits = tau2_interval((0.100, 0.102, 0.101, 0.1005), (0.04, 0.05, 0.03, 0.06))
    assert (limits.low, limits.high, limits.empty) == (0, 0, True)
    assert tau2_interval((0.1, 0.3, 0.2, 0.1), (0.04, 0.05, 0.03, 0.06), level=0.5).empty


@pytest.mark.parametrize(
    ("name", "method", "tau2"),
    [
        ("collins_preeclampsia_or", "DL", 0.2297),
        ("collins_preeclampsia_or", "ML", 0.2386),
        ("collins_preeclampsia_or", "REML", 0.3008),
        ("collins_preeclampsia_or", "SJ", 0.4563),
        ("raudenbush_smd", "REML", 0.0188),
        ("raudenbush_smd", "ML", 0.0126),
        ("raudenbush_smd", "DL", 0.0259),
        ("raudenbush_smd", "HE", 0.0804),
    ],
)
def test_published_heterogeneity(name, method, tau2):
    data = reference("pooling")["datasets"][name]
    fit = pool(data["effects"], data["variances"], tau2_method=method)
    assert fit.tau2 == pytest.approx(tau2, abs=5e-5)


def test_raudenbush_and_viechtbauer_as_published():
    data = reference("pooling")["datasets"]["raudenbush_smd"]
    fit = pool(data["effects"], data["variances"], interval="wald")
    assert (fit.estimate, fit.statistic, fit.pi_low, fit.pi_high) == pytest.approx(
        (0.0837, 1.6208, -0.2036, 0.3711),
        abs=1.2e-4,  # the chapter's last limit comes from rounded numbers
    )
    data = reference("pooling")["datasets"]["collins_preeclampsia_or"]
    assert tuple(tau2_interval(data["effects"], data["variances"])) == pytest.approx(
        (0.0723, 2.2027), abs=5e-5
    )


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("method", TAU2_METHODS)
def test_one_study_is_its_own_estimate_with_a_normal_interval(method, interval):
    fit = pool([0.5], [0.04], tau2_method=method, interval=interval)
    assert (fit.estimate, fit.se, fit.tau2, fit.q, fit.q_p_value, fit.i2, fit.h2) == (0.5, 0.2, 0, 0, 1, 0, 1)
    assert (fit.ci_low, fit.df) == (pytest.approx(0.5 - 1.959963984540054 * 0.2), np.inf)
    assert np.isnan([fit.pi_low, fit.pi_high]).all()
    limits = tau2_interval([0.5], [0.04])
    assert (limits.low, limits.high, limits.i2_high, bool(limits.empty)) == (0, np.inf, 100, False)


def test_equal_effects():
    for interval, se in (("wald", 0.1), ("hksj", 0), ("hksj_adhoc", 0.1)):
        fit = pool([0.3] * 4, [0.04] * 4, interval=interval)
        assert (fit.tau2, fit.q, fit.se) == (0, 0, pytest.approx(se))
    assert pool([0.3] * 3, [0.1, 0.2, 0.3], interval="hksj").statistic == np.inf
    assert pool([0.0] * 3, [0.1, 0.2, 0.3], interval="hksj").p_value == 1


def test_a_single_analysis_gives_numbers_and_a_batch_arrays():
    assert isinstance(pool(BCG_Y, BCG_V).estimate, float)
    batch = pool(np.stack([BCG_Y, BCG_Y + 1]), BCG_V)
    assert batch.estimate.shape == (2,)
    assert batch.weights.shape == (2, 13)
    assert batch.estimate[1] - batch.estimate[0] == pytest.approx(1)


def test_a_heavy_study_does_not_cancel_the_typical_variance():
    # With one variance of 1e-14 the textbook Σw - Σw²/Σw is rounding noise.
    fit = pool([0.0, 1.0, -1.0], [1e-14, 1.0, 1.0], tau2_method="DL", interval="wald")
    assert fit.q == pytest.approx(2, rel=1e-9)
    assert fit.i2 == 0
    fit = pool([0.0, 3.0, -1.0], [1e-14, 1.0, 1.0], tau2_method="DL", interval="wald")
    assert fit.tau2 == pytest.approx((10 - 2) / 4, rel=1e-9)


@pytest.mark.parametrize("kind", stats.PREDICTIONS)
@pytest.mark.parametrize("k", [3, 4, 5])
def test_every_prediction_interval_is_there_from_three_studies_on(kind, k):
    y, v = np.array([0.69, -0.96, 0.56, 0.1, 0.2])[:k], np.array([0.124, 0.073, 0.039, 0.05, 0.06])[:k]
    low, high = stats.prediction_interval(y, v, kind)
    assert low < y.mean() < high


def test_the_bootstrapped_prediction_of_three_studies_is_that_of_its_draws():
    """800,000 draws of τ² from its confidence distribution, of Z and of t, seed 1: -1.828 to 2.755."""
    low, high = stats.prediction_interval([0.1, 0.9, 0.4], [0.02, 0.03, 0.05], "bootstrap")
    assert (float(low), float(high)) == pytest.approx((-1.828, 2.755), rel=0.01)
