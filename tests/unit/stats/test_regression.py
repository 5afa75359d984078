from itertools import permutations, product
from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from published import BCG_ALLOCATION, BCG_LATITUDE, BCG_V, BCG_Y, BCG_YEAR, HINE_TABLES
from scipy.stats import t

from trialpool.stats import (
    INTERVALS,
    TAU2_METHODS,
    egger,
    kenward_roger,
    meta_regression,
    permutation_test,
    pool,
    predict,
    risk_difference,
    subgroups,
    tau2_interval,
)
from trialpool.stats.regression import _distinct_orders


def test_bcg_on_latitude():
    fit = meta_regression(BCG_Y, BCG_V, BCG_LATITUDE, interval="wald")
    assert fit.coefficients == pytest.approx([0.2514682100, -0.0291017250], abs=1e-10)
    assert fit.se == pytest.approx([0.2490953966, 0.0071953273], abs=1e-10)
    assert (fit.tau2, fit.i2, fit.r2, fit.qe, fit.qm) == pytest.approx(
        (0.0763479640, 68.39122484, 75.62662181, 30.73309001, 16.35823215), abs=6e-9
    )
    assert (fit.qe_df, fit.qm_df, fit.df) == (11, 1, np.inf)


def test_bcg_on_latitude_by_knapp_and_hartung():
    fit = meta_regression(BCG_Y, BCG_V, BCG_LATITUDE, interval="hksj")
    assert fit.p_value == pytest.approx([0.39473707, 0.00456505], abs=6e-9)
    assert fit.df == 11
    assert fit.qm == pytest.approx(fit.statistic[1] ** 2)
    assert fit.qm_p_value == pytest.approx(fit.p_value[1])


def test_subgroups_of_bcg():
    common = subgroups(BCG_Y, BCG_V, BCG_ALLOCATION, tau2="common", interval="wald")
    assert (common.statistic, common.p_value) == pytest.approx((1.76751140, 0.41322803), abs=6e-9)
    assert common.pooled.tau2 == pytest.approx([0.36150366] * 3, abs=6e-9)
    hksj = subgroups(BCG_Y, BCG_V, BCG_ALLOCATION, tau2="common", interval="hksj")
    assert (hksj.statistic, hksj.p_value) == pytest.approx((0.96622084, 0.41338375), abs=6e-9)
    assert (hksj.df, hksj.df2) == (2, 10)
    separate = subgroups(BCG_Y, BCG_V, BCG_ALLOCATION)
    assert separate.names == ("random", "alternate", "systematic")
    assert separate.k.tolist() == [7, 2, 4]
    assert separate.pooled.estimate == pytest.approx([-0.97096470, -0.54079296, -0.42420739], abs=6e-9)
    assert separate.pooled.tau2 == pytest.approx([0.39252801, 0.13257704, 0.40034588], abs=6e-9)


def dummies(groups):
    _, *others = dict.fromkeys(groups)
    return np.array([[float(group == other) for other in others] for group in groups])


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("method", ["FE", "DL", "REML", "PM"])
def test_a_common_tau2_is_regression_on_the_labels(method, interval):
    options = {"tau2_method": method, "interval": interval}
    groups = subgroups(BCG_Y, BCG_V, BCG_ALLOCATION, tau2="common", **options)
    fit = meta_regression(BCG_Y, BCG_V, dummies(BCG_ALLOCATION), **options)
    assert groups.pooled.estimate == pytest.approx(fit.coefficients[0] + np.array([0, *fit.coefficients[1:]]))
    assert (groups.pooled.se[0], groups.pooled.ci_low[0]) == pytest.approx((fit.se[0], fit.ci_low[0]))
    assert (groups.statistic, groups.p_value) == pytest.approx((fit.qm, fit.qm_p_value))
    assert groups.pooled.weights.sum(1) == pytest.approx([100] * 3)


def test_one_subgroup_is_no_contrast():
    result = subgroups(BCG_Y, BCG_V, ["all"] * 13)
    assert (result.statistic, result.df, result.p_value) == (pytest.approx(0), 0, 1)
    assert result.pooled.estimate[0] == pytest.approx(pool(BCG_Y, BCG_V).estimate)


@pytest.mark.parametrize("method", TAU2_METHODS)
def test_one_subgroup_with_a_common_tau2_is_the_whole(method):
    result = subgroups(BCG_Y, BCG_V, ["all"] * 13, tau2="common", tau2_method=method).pooled
    whole = pool(BCG_Y, BCG_V, tau2_method=method)
    for name in ("estimate", "se", "ci_low", "tau2", "i2", "q"):
        assert getattr(result, name)[0] == pytest.approx(getattr(whole, name), rel=1e-12)


def by_hand(y, v, x, tau2):
    w = np.diag(1 / (v + tau2))
    covariance = np.linalg.inv(x.T @ w @ x)
    beta = covariance @ x.T @ w @ y
    residual = y - x @ beta
    return beta, covariance, residual @ w @ residual, w - w @ x @ covariance @ x.T @ w


rows = st.lists(
    st.tuples(st.floats(-2, 2), st.floats(-3, 1).map(np.exp), st.floats(-3, 3), st.floats(-3, 3)),
    min_size=5,
    max_size=9,
)


def well_posed(data):
    """Two moderators that differ enough for plain matrix algebra to be the judge."""
    x = np.array(data)[:, 2:]
    return np.linalg.svd(x - x.mean(0), compute_uv=False).min() > 0.5


@given(rows.filter(well_posed), st.sampled_from(TAU2_METHODS), st.sampled_from(INTERVALS))
def test_any_regression_is_weighted_least_squares_at_its_tau2(data, method, interval):
    y, v, *columns = np.array(data).T
    x = np.column_stack([np.ones(len(y)), *columns])
    fit = meta_regression(y, v, x[:, 1:], tau2_method=method, interval=interval)
    beta, covariance, q, p = by_hand(y, v, x, fit.tau2)
    scale = {"wald": 1, "hksj": q / (len(y) - 3), "hksj_adhoc": max(1, q / (len(y) - 3))}[interval]
    assert fit.coefficients == pytest.approx(beta, rel=1e-7, abs=1e-8)
    assert fit.covariance == pytest.approx(covariance * scale, rel=1e-6, abs=1e-9)
    if fit.tau2 > 0 and method in ("REML", "PM", "ML"):
        ratio = {
            "REML": y @ p @ p @ y / np.trace(p),
            "ML": y @ p @ p @ y / (1 / (v + fit.tau2)).sum(),
            "PM": q / (len(y) - 3),
        }[method]
        assert ratio == pytest.approx(1, abs=1e-7)
    if interval != "wald":
        half = t.ppf(0.975, len(y) - 3) * fit.se
        assert fit.ci_high == pytest.approx(fit.coefficients + half, rel=1e-7, abs=1e-8)


@given(rows.filter(well_posed), st.floats(0.1, 10), st.floats(-50, 50))
def test_units_and_origins_of_moderators_do_not_matter(data, factor, origin):
    y, v, first, second = np.array(data).T
    plain = meta_regression(y, v, np.column_stack([first, second]))
    other = meta_regression(y, v, np.column_stack([first * factor + origin, second]))
    assert other.coefficients[1:] * [factor, 1] == pytest.approx(plain.coefficients[1:], rel=1e-6, abs=1e-7)
    assert (other.tau2, other.qm) == pytest.approx((plain.tau2, plain.qm), rel=1e-6, abs=1e-7)


def test_years_need_no_centring():
    far = meta_regression(BCG_Y, BCG_V, BCG_YEAR * 1000.0)
    near = meta_regression(BCG_Y, BCG_V, BCG_YEAR - 1960.0)
    assert far.coefficients[1] * 1000 == pytest.approx(near.coefficients[1], rel=1e-10)
    assert far.tau2 == pytest.approx(near.tau2, rel=1e-10)


def test_a_batch_of_regressions_and_masks():
    y = np.stack([BCG_Y, BCG_Y + 0.01 * BCG_LATITUDE])
    batch = meta_regression(y, BCG_V, BCG_LATITUDE)
    assert batch.coefficients.shape == (2, 2)
    assert batch.coefficients[1, 1] - batch.coefficients[0, 1] == pytest.approx(0.01)
    masks = ~np.eye(13, dtype=bool)
    without = meta_regression(BCG_Y, BCG_V, BCG_LATITUDE, where=masks)
    for study in (0, 7):
        alone = meta_regression(BCG_Y[masks[study]], BCG_V[masks[study]], BCG_LATITUDE[masks[study]])
        assert without.coefficients[study] == pytest.approx(alone.coefficients)
        assert (without.tau2[study], without.r2[study]) == pytest.approx((alone.tau2, alone.r2))


@pytest.mark.parametrize("method", TAU2_METHODS)
def test_masked_regressions_are_deletions_under_every_method(method):
    mask = np.arange(13) % 3 > 0
    masked = meta_regression(BCG_Y, BCG_V, BCG_LATITUDE, where=mask, tau2_method=method)
    alone = meta_regression(BCG_Y[mask], BCG_V[mask], BCG_LATITUDE[mask], tau2_method=method)
    assert (masked.tau2, masked.i2, masked.r2) == pytest.approx((alone.tau2, alone.i2, alone.r2))


def test_heterogeneity_left_has_its_interval():
    limits = tau2_interval(BCG_Y, BCG_V, design=BCG_LATITUDE)
    assert tuple(limits) == pytest.approx((0.0166800683, 0.7848352546), rel=1e-8)


def test_predictions_lie_on_the_line():
    fit = meta_regression(BCG_Y, BCG_V, BCG_LATITUDE, interval="wald")
    at = predict(fit, [0, 33])
    assert at.estimate == pytest.approx([fit.coefficients[0], fit.coefficients @ [1, 33]])
    assert (at.se[0], at.ci_high[0]) == pytest.approx((fit.se[0], fit.ci_high[0]))
    half = 1.959963984540054 * np.sqrt(at.se**2 + fit.tau2)
    assert at.pi_low == pytest.approx(at.estimate - half)


def test_a_perfect_line_has_certain_coefficients():
    fit = meta_regression([1.0, 2.0, 3.0, 5.0], [0.1] * 4, [1, 2, 3, 5], interval="hksj")
    assert fit.coefficients == pytest.approx([0, 1], abs=1e-12)
    assert fit.tau2 == 0
    assert fit.p_value[1] < 1e-12


def test_flipping_signs_of_hine():
    effects = risk_difference(*HINE_TABLES)
    for interval in ("wald", "hksj", "hksj_adhoc"):
        result = permutation_test(*effects, interval=interval)
        assert (result.p_value[0], result.count, result.exact) == (0.0625, 64, True)


@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(0.05, 2)), min_size=2, max_size=6))
def test_flipping_signs_counts_every_choice_of_signs(rows):
    y, v = np.array(rows).T
    signs = np.array(list(product((1, -1), repeat=len(y))))
    statistics = abs(pool(y * signs, v, interval="wald").statistic)
    expected = np.mean(statistics >= statistics[0] - 1.5e-8)
    assert permutation_test(y, v).p_value[0] == pytest.approx(expected)


def test_exchanging_rows_counts_every_order():
    y, v, x = BCG_Y[:5], BCG_V[:5], BCG_LATITUDE[:5]
    observed = meta_regression(y, v, x, interval="wald")
    fits = [meta_regression(y, v, x[list(order)], interval="wald") for order in permutations(range(5))]
    expected = np.mean([abs(fit.statistic) >= abs(observed.statistic) - 1.5e-8 for fit in fits], axis=0)
    result = permutation_test(y, v, x)
    assert (result.exact, result.count) == (True, 120)
    assert result.p_value == pytest.approx(expected)
    assert result.qm_p_value == pytest.approx(np.mean([fit.qm >= observed.qm - 1.5e-8 for fit in fits]))


def test_equal_rows_make_fewer_orders():
    random = np.array([allocation == "random" for allocation in BCG_ALLOCATION], dtype=float)
    result = permutation_test(BCG_Y, BCG_V, random)
    assert (result.exact, result.count) == (True, factorial(13) // (factorial(7) * factorial(6)))
    assert result.p_value[1] * result.count == pytest.approx(round(result.p_value[1] * result.count))


@given(st.lists(st.integers(0, 2), min_size=3, max_size=6))
def test_distinct_orders_are_all_deals_of_studies_to_kinds_of_rows(labels):
    values, coded, repeats = np.unique(labels, return_inverse=True, return_counts=True)
    orders = _distinct_orders(coded, list(repeats))
    kinds = np.argsort(orders, axis=1)  # which row each study got
    deals = {tuple(coded[row]) for row in kinds}
    assert len(deals) == len(orders)
    assert deals == {tuple(deal) for deal in permutations(coded)}
    assert len(values) == len(repeats)


def test_random_permutations_start_with_the_observed_order():
    result = permutation_test(BCG_Y, BCG_V, BCG_LATITUDE, draws=400, seed=1)
    assert (result.exact, result.count) == (False, 400)
    assert result.p_value.min() >= 1 / 400
    assert result.p_value[1] < 0.02
    again = permutation_test(BCG_Y, BCG_V, BCG_LATITUDE, draws=400, seed=1)
    assert again.p_value.tolist() == result.p_value.tolist()
    flips = permutation_test(np.tile(BCG_Y, 2), np.tile(BCG_V, 2), draws=300)
    assert (flips.exact, flips.count) == (False, 300)
    assert flips.p_value[0] == pytest.approx(1 / 300)


# One study 10^8 times as precise as the others: 50-digit arithmetic on the textbook formulas.
HEAVY_Y = [0.1, 0.027404, 1.146387, 0.355144, 0.528091, 1.343143, 0.771511, 0.919299]
HEAVY_V = [1e-9, 0.16217, 0.11341, 0.23697, 0.17796, 0.2228, 0.33312, 0.29894]


def test_one_study_far_more_precise_than_the_rest_keeps_the_digits_of_heterogeneity():
    fit = meta_regression(HEAVY_Y, HEAVY_V, np.sqrt(HEAVY_V), tau2_method="DL")
    assert fit.tau2 == pytest.approx(0.0605046456, rel=1e-9)
    test = egger(HEAVY_Y, HEAVY_V, form="random_hksj", tau2_method="DL")
    found = (test.intercept, test.slope, test.p_value)
    assert found == pytest.approx((0.132647367, 1.2967501, 0.0975966), rel=1e-6)


def test_a_precise_study_that_alone_has_its_moderator_says_nothing_of_heterogeneity():
    dummy = [1, 0, 0, 0, 0, 0, 0, 0]
    fit = meta_regression(HEAVY_Y, HEAVY_V, dummy, tau2_method="DL")
    assert fit.tau2 == pytest.approx(pool(HEAVY_Y[1:], HEAVY_V[1:], tau2_method="DL").tau2, rel=1e-9)


@pytest.mark.parametrize(
    ("variance", "tau2"), [(1e-10, 0.0605031843359), (1e-11, 0.0605027222792), (4e-13, 0.0605025513316)]
)
def test_a_study_of_any_precision_does_not_hide_what_the_others_say(variance, tau2):
    v = [variance, *HEAVY_V[1:]]
    assert meta_regression(HEAVY_Y, v, np.sqrt(v), tau2_method="DL").tau2 == pytest.approx(tau2, rel=1e-8)


def test_a_design_that_a_mask_makes_collinear_is_refused_by_its_analysis():
    design = np.column_stack([[2009, 2007, 2002, 1994, 2000, 2003, 1994, 2002], [1, 1, 0, 0, 0, 0, 0, 0]])
    where = [False, False] + [True] * 6
    with pytest.raises(ValueError, match="too few or too similar studies"):
        meta_regression(HEAVY_Y, [0.1] * 8, design, where=where)


@pytest.mark.parametrize("k", [5, 6, 8])
def test_kenward_and_roger_are_exact_where_all_studies_weigh_the_same(k):
    # Least squares then, whose F has k - 3 degrees of freedom: 2 of them too, where F has no mean.
    y = [1.0, 5.0, -2.0, 7.0, 0.3, 4.0, -6.0, 2.0][:k]
    x = np.column_stack([np.arange(k) % 2, np.arange(k) ** 1.5])
    found = kenward_roger(y, [0.1] * k, x).omnibus
    exact = meta_regression(y, [0.1] * k, x, interval="hksj")
    assert (found.statistic, found.df, found.df2, found.p_value) == pytest.approx(
        (exact.qm, exact.qm_df, exact.df, exact.qm_p_value)
    )
