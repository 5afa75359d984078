from itertools import combinations

import numpy as np
import pytest
from published import BCG_V, BCG_Y, BCG_YEAR

from trialpool.stats import bootstrap, cumulative, gosh, influence, leave_one_out, pool

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


def test_bcg_case_diagnostics():
    result = influence(BCG_Y, BCG_V, interval="wald")
    # The printed values come from a solver that stopped at 1e-5 of tau2.
    assert result.cook[:4] == pytest.approx([0.00171654, 0.11324970, 0.02598033, 0.22948164], rel=2e-5)
    assert result.rstudent[:2] == pytest.approx([-0.21814249, -1.29179019], rel=2e-5)
    assert result.baujat_x[:2] == pytest.approx([0.04781834, 1.49341141], rel=2e-5)
    assert result.baujat_y[:2] == pytest.approx([0.00153750, 0.11210707], rel=2e-5)
    assert result.weight.sum() == pytest.approx(100)


@pytest.mark.parametrize("interval", ["wald", "hksj", "hksj_adhoc"])
@pytest.mark.parametrize("method", ["FE", "DL", "REML"])
def test_every_diagnostic_from_two_plain_fits(method, interval):
    options = {"tau2_method": method, "interval": interval}
    result = influence(BCG_Y, BCG_V, **options)
    full = pool(BCG_Y, BCG_V, **options)
    for study in (0, 5, 12):
        rest = np.arange(13) != study
        less = pool(BCG_Y[rest], BCG_V[rest], **options)
        scale = less.se**2 * (1 / (BCG_V[rest] + less.tau2)).sum()
        shift, own = full.estimate - less.estimate, BCG_V[study] + less.tau2
        assert result.tau2_deleted[study] == pytest.approx(less.tau2)
        assert result.q_deleted[study] == pytest.approx(less.q)
        assert result.hat[study] == pytest.approx(full.weights[study] / 100)
        assert result.cook[study] == pytest.approx((shift / full.se) ** 2)
        assert result.cov_ratio[study] == pytest.approx((less.se / full.se) ** 2)
        assert result.dffits[study] == pytest.approx(shift / np.sqrt(scale * result.hat[study] * own))
        plugged = 1 / (1 / (BCG_V + less.tau2)).sum()
        assert result.dfbetas[study] == pytest.approx(shift / np.sqrt(scale * plugged))
        error = np.sqrt(scale * own + less.se**2)
        assert result.rstudent[study] == pytest.approx((BCG_Y[study] - less.estimate) / error)


def test_an_outlier_is_named_and_like_studies_are_not():
    y, v = np.array([0.1, 0.2, 0.15, 0.2, 0.12, 1.8]), np.full(6, 0.02)
    assert influence(y, v, interval="wald").influential.tolist() == [False] * 5 + [True]
    calm = influence(np.full(6, 0.2), v, interval="hksj")
    assert not calm.influential.any()
    assert calm.cook.tolist() == [0] * 6


def test_case_diagnostics_of_batches():
    batch = influence(np.stack([BCG_Y, -BCG_Y]), BCG_V)
    assert batch.cook.shape == (2, 13)
    assert batch.cook[1] == pytest.approx(batch.cook[0])
    assert batch.rstudent[1] == pytest.approx(-batch.rstudent[0])
