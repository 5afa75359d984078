import numpy as np
import pytest
from published import BCG_V, BCG_Y

from trialpool.stats import influence, pool


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


def test_batches():
    batch = influence(np.stack([BCG_Y, -BCG_Y]), BCG_V)
    assert batch.cook.shape == (2, 13)
    assert batch.cook[1] == pytest.approx(batch.cook[0])
    assert batch.rstudent[1] == pytest.approx(-batch.rstudent[0])
