"""Cluster-robust inference against published digits; test_multilevel has it by dense algebra."""

import pytest
from published import BCG_V, BCG_Y, DISTRICT, SCHOOLS_V, SCHOOLS_Y

from trialpool.stats import pool
from trialpool.stats.dependent import correlated_effects, robust_pool


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
