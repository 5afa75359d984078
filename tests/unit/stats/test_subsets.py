from itertools import combinations, permutations, product
from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from published import BCG_ALLOCATION, BCG_LATITUDE, BCG_V, BCG_Y, BCG_YEAR, HINE_TABLES

from trialpool.stats import (
    bootstrap,
    cumulative,
    gosh,
    leave_one_out,
    meta_regression,
    permutation_test,
    pool,
    risk_difference,
)
from trialpool.stats.regression import _distinct_orders

BCG_WITHOUT = [-0.70708378, -0.65403120, -0.68555441, -0.62840937, -0.76417010, -0.71087656, -0.65524760]
BCG_WITHOUT += [-0.79476760, -0.74119730, -0.65303292, -0.75785863, -0.75981210, -0.77753618]


def test_leaving_out_each_bcg_trial():
    fits = leave_one_out(BCG_Y, BCG_V)
    assert fits.estimate == pytest.approx(BCG_WITHOUT, abs=6e-9)
    assert fits.tau2[:3] == pytest.approx([0.33615670, 0.29258308, 0.32073793], abs=6e-9)
    assert (np.diagonal(fits.weights) == 0).all()


def test_leaving_out_works_on_batches():
    fits = leave_one_out(np.stack([BCG_Y, -BCG_Y]), BCG_V)
    assert fits.estimate.shape == (2, 13)
    assert fits.estimate[1] == pytest.approx(-fits.estimate[0])


def test_bcg_cumulated_by_year():
    order = np.argsort(BCG_YEAR, kind="stable")
    fits = cumulative(BCG_Y, BCG_V, order=order)
    assert fits.estimate[-3:] == pytest.approx([-0.70820599, -0.79476760, -0.71453234], abs=6e-9)
    assert fits.estimate[0] == BCG_Y[order[0]]
    assert fits.estimate[4] == pytest.approx(pool(BCG_Y[order[:5]], BCG_V[order[:5]]).estimate)
    assert (fits.weights[4, order[5:]] == 0).all()


def test_gosh_is_every_subset_once():
    result = gosh(BCG_Y[:6], BCG_V[:6])
    assert result.complete
    assert len(result.estimate) == 2**6 - 1
    assert len({tuple(row) for row in result.members}) == 2**6 - 1
    for size in (1, 3, 6):
        for chosen in combinations(range(6), size):
            row = sum(2**study for study in chosen) - 1
            fit = pool(BCG_Y[list(chosen)], BCG_V[list(chosen)])
            assert (result.size[row], result.estimate[row], result.tau2[row]) == pytest.approx(
                (size, fit.estimate, fit.tau2), rel=1e-9, abs=1e-12
            )


def test_many_studies_are_sampled_by_seed():
    y, v = np.tile(BCG_Y, 2), np.tile(BCG_V, 2)
    one, again, other = (gosh(y, v, draws=50, seed=seed, smallest=2) for seed in (3, 3, 4))
    assert not one.complete
    assert len(one.estimate) == 50
    assert (one.size >= 2).all()
    assert one.estimate.tolist() == again.estimate.tolist() != other.estimate.tolist()
    with pytest.raises(ValueError, match="smallest is 26"):
        gosh(y, v, draws=50, smallest=26)


def test_a_bootstrap_is_by_seed_and_spreads_like_the_standard_error():
    one, again = (bootstrap(BCG_Y, BCG_V, draws=4000, seed=2) for _ in range(2))
    assert one.estimate.tolist() == again.estimate.tolist()
    assert np.std(one.estimate) == pytest.approx(pool(BCG_Y, BCG_V).se, rel=0.1)
    assert one.estimate_low < pool(BCG_Y, BCG_V).estimate < one.estimate_high
    assert one.tau2_low <= np.median(one.tau2) <= one.tau2_high


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
