"""Cluster-robust inference against published digits; test_multilevel has it by dense algebra."""

import time

import numpy as np
import pytest
from published import BCG_V, BCG_Y, DISTRICT, SCHOOLS_V, SCHOOLS_Y

from trialpool.stats import dependent, pool
from trialpool.stats.dependent import correlated_effects, multilevel_regression, robust_pool


def test_konstantopoulos_correlated_effects():
    """robumeta, modelweights CORR, rho 0.8, small-sample correction."""
    fit = correlated_effects(SCHOOLS_Y, SCHOOLS_V, DISTRICT, rho=0.8)
    assert fit.estimate == pytest.approx(0.19753531, abs=5e-9)
    assert fit.robust_se == pytest.approx(0.08758817, abs=5e-9)
    assert fit.robust_df == pytest.approx(9.62911, abs=5e-6)
    assert fit.robust_p_value == pytest.approx(0.04872316, abs=5e-9)


def test_bcg_robust():
    """Published metafor test of clubSandwich on the BCG trials (default solver: 5 digits)."""
    fit = robust_pool(BCG_Y, BCG_V)
    assert fit.robust_se**2 == pytest.approx(0.03229357, abs=5e-7)
    assert fit.robust_df == pytest.approx(11.04125, abs=5e-5)
    assert fit.robust_statistic == pytest.approx(-3.97616, abs=5e-5)
    assert fit.estimate == pytest.approx(float(pool(BCG_Y, BCG_V).estimate), rel=1e-14)


def test_bad_input_of_the_robust_calls_is_named():
    with pytest.raises(ValueError, match="rho"):
        correlated_effects([0.1, 0.2], [0.1, 0.1], [1, 2], rho=1.5)
    with pytest.raises(ValueError, match="cluster"):
        robust_pool([0.1], [0.1])
    with pytest.raises(ValueError, match="level"):
        robust_pool([0.1, 0.2], [0.1, 0.1], level=95)


@pytest.mark.parametrize("rho", [0.0, 0.4])
def test_a_large_cluster_is_told_by_an_integral_what_eigenvectors_tell_it(monkeypatch, rho):
    random = np.random.default_rng(1)
    y, v, x = random.normal(0.3, 0.3, 400), np.exp(random.normal(-3, 1.5, 400)), random.normal(size=(400, 2))
    cluster = np.where(np.arange(400) < 360, 0, np.arange(400) // 5)
    large = multilevel_regression(y, v, cluster, x, rho=rho), robust_pool(y, v, cluster)
    monkeypatch.setattr(dependent, "LARGE_CLUSTER", 400)
    dense = multilevel_regression(y, v, cluster, x, rho=rho), robust_pool(y, v, cluster)
    for one, other in zip(large, dense, strict=True):
        assert one.robust_se == pytest.approx(other.robust_se, rel=1e-9)
        assert one.robust_df == pytest.approx(other.robust_df, rel=1e-9)


def test_a_large_cluster_may_determine_a_coefficient_alone():
    """Its own direction is left out, as for small ones: the second moderator varies in it alone."""
    random = np.random.default_rng(2)
    y, v, inside = random.normal(0.3, 0.3, 160), np.full(160, 0.04), np.arange(160) < 120
    x = np.column_stack([random.normal(size=160), np.where(inside, random.normal(size=160), 0.0)])
    cluster = np.where(inside, 0, np.arange(160) // 5)
    fit = multilevel_regression(y, v, cluster, x)
    assert np.isfinite(fit.robust_se).all()


def test_thousands_of_effects_of_one_cluster_take_seconds():
    random = np.random.default_rng(3)
    y, v = random.normal(0.3, 0.3, 5000), np.exp(random.normal(-3, 0.8, 5000))
    began = time.process_time()
    robust_pool(y, v, np.maximum(np.arange(5000), 4899))
    assert time.process_time() - began < 10


def test_a_coefficient_that_one_cluster_determines_has_no_robust_numbers():
    """Of Satterthwaite's sums rounding leaves nothing: once -1.8e-6 degrees of freedom and a finite SE."""
    y, v, cluster = [0.1, 0.4, 0.2, 0.7, 0.3], [0.1, 0.2, 0.1, 0.3, 0.15], list("aabbc")
    fit = multilevel_regression(y, v, cluster, [1, 21, 97, 4868419, 15])
    assert np.isnan([fit.robust_se[1], fit.robust_df[1], fit.robust_p_value[1], fit.robust_ci_low[1]]).all()
    assert np.isfinite(fit.robust_se[0])
    assert "one cluster alone determines" in fit.caution
    pooled = robust_pool(y, [1e-9, 1e-9, 1, 1, 1], cluster, tau2_method="FE")
    assert np.isnan(pooled.robust_se)
    near = robust_pool(y, [1e-6, 1e-6, 1, 1, 1], cluster, tau2_method="FE")
    assert near.robust_df == pytest.approx(1.0, abs=1e-4)
