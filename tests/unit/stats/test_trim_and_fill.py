from itertools import pairwise

import numpy as np
import pytest
from hackshaw import V, Y
from hypothesis import given, settings
from hypothesis import strategies as st

from trialpool.stats import pool
from trialpool.stats.bias import _missing, trim_and_fill

FEW_Y, FEW_V = np.array([0.1, 0.2, 0.3, 0.5, 0.9]), np.array([0.01, 0.02, 0.04, 0.09, 0.2])


def rank_sum_variance(k, k0):
    """Variance of the rank sum when k0 are missing (Duval & Tweedie 2000, Biometrics, equation 8)."""
    cubic = 10 * k0**3 + 27 * k0**2 + 17 * k0 - 18 * k * k0**2 - 18 * k * k0 + 6 * k**2 * k0
    return (k * (k + 1) * (2 * k + 1) + cubic) / 24


VARIANCE_L0, VARIANCE_Q0 = rank_sum_variance(5, 14 / 9), rank_sum_variance(5, 2)
BCG_Y = [
    -0.8893113339,
    -1.5853886572,
    -1.3480731483,
    -1.4415511900,
    -0.2175473222,
    -0.7861155858,
    -1.6208982236,
]
BCG_Y += [0.0119523335, -0.4694176487, -1.3713448035, -0.3393588283, 0.4459134006, -0.0173139482]
BCG_V = [0.3255847650, 0.1945811214, 0.4153679654, 0.0200100319, 0.0512101721, 0.0069056185, 0.2230172476]
BCG_V += [0.0039615793, 0.0564342105, 0.0730247936, 0.0124122140, 0.5325058452, 0.0714046597]


@pytest.mark.parametrize(("estimator", "se"), [("L0", 4.03993726), ("R0", 4.0), ("Q0", 5.08110671)])
def test_hackshaw(estimator, se):
    """metafor 3.8-1, REML with tight solvers: seven studies missing on the left by all three.

    With its default tolerance inside trimfill() metafor prints 0.17447117.
    """
    filled = trim_and_fill(Y, V, estimator=estimator, interval="wald")
    assert (filled.missing, filled.side, filled.caution) == (7, "left", "")
    assert filled.missing_se == pytest.approx(se, abs=5e-9)
    assert (filled.estimate, filled.se) == (
        pytest.approx(0.17447111, abs=5e-9),
        pytest.approx(0.04843174, abs=5e-9),
    )
    assert filled.tau2 == pytest.approx(0.02445576, abs=5e-9)


def test_hackshaw_common_effect():
    filled = trim_and_fill(Y, V, tau2_method="FE", interval="wald")
    assert (filled.missing, filled.estimate) == (7, pytest.approx(0.15559958, abs=5e-9))
    assert filled.se == pytest.approx(0.03643512, abs=5e-9)


@pytest.mark.parametrize(("method", "missing", "estimate"), [("REML", 1, -0.6571), ("FE", 4, -0.2910)])
def test_the_fitted_model_trims(method, missing, estimate):
    """BCG trials: the number of missing studies depends on the model that trims."""
    filled = trim_and_fill(BCG_Y, BCG_V, tau2_method=method, interval="wald")
    assert (filled.missing, filled.side, filled.estimate) == (
        missing,
        "right",
        pytest.approx(estimate, abs=5e-5),
    )


def test_filled_studies_mirror_the_most_extreme_ones():
    filled = trim_and_fill(FEW_Y, FEW_V, tau2_method="FE")
    assert (filled.missing, filled.side) == (2, "left")
    centre = float(pool(FEW_Y[:3], FEW_V[:3], tau2_method="FE").estimate)
    np.testing.assert_allclose(filled.filled_effects, 2 * centre - FEW_Y[3:])
    np.testing.assert_array_equal(filled.filled_variances, FEW_V[3:])
    again = pool(
        np.append(FEW_Y, filled.filled_effects), np.append(FEW_V, filled.filled_variances), tau2_method="FE"
    )
    assert (filled.estimate, filled.ci_low) == (float(again.estimate), float(again.ci_low))


def test_a_side_may_be_given():
    filled = trim_and_fill(FEW_Y, FEW_V, side="right", tau2_method="FE")
    assert (filled.side, filled.missing) == ("right", 0)
    assert filled.filled_effects.size == 0
    assert filled.estimate == float(pool(FEW_Y, FEW_V, tau2_method="FE").estimate)


@pytest.mark.parametrize(
    ("estimator", "missing", "se"),
    [("L0", 2, 4 / 9 * np.sqrt(VARIANCE_L0)), ("R0", 1, 2.0), ("Q0", 2, 2 / 2.5 * np.sqrt(VARIANCE_Q0))],
)
def test_estimators_by_hand(estimator, missing, se):
    """Ranks 3, 1, 2, 4, 5: S = 11, L0 = 14/9, Q0 = 4.5 - 2.5, two ranks beyond the largest negative."""
    found = _missing(np.array([-3.0, -1.0, 2.0, 4.0, 5.0]), estimator)
    assert found == (missing, pytest.approx(se, rel=1e-12))


def test_p_value_of_none_missing():
    assert trim_and_fill(Y, V, estimator="R0").missing_p_value == pytest.approx(0.5**8)
    assert np.isnan(trim_and_fill(Y, V).missing_p_value)


def naive_r0(y, v, trimmed):
    """One round of R0 under DerSimonian and Laird, on ascending effects: what `trimmed` leads to."""
    kept = len(y) - trimmed
    distances = y - float(pool(y[:kept], v[:kept], tau2_method="DL").estimate)
    ranks = np.abs(distances).argsort().argsort() + 1
    return max(0, len(y) - ranks[distances < 0].max() - 1)


def test_a_number_that_circles_is_reported():
    """Found by search: after any number of rounds the number is never the one it was trimmed by."""
    y = np.array([0.54, -1.42, 0.38, -0.15, 0.45, -0.33, -0.23, 0.04, -1.27, -0.65, 0.51])
    v = np.array([0.35, 0.35, 0.19, 0.01, 0.12, 0.38, 0.45, 0.2, 0.46, 0.22, 0.25])
    filled = trim_and_fill(y, v, estimator="R0", tau2_method="DL")
    sign = -1 if filled.side == "right" else 1
    order = np.argsort(sign * y)
    trail = [0]
    for _ in range(20):
        trail.append(naive_r0(sign * y[order], v[order], trail[-1]))
    assert all(a != b for a, b in pairwise(trail))
    assert filled.missing == max(trail[10:])
    assert "did not settle" in filled.caution


def test_too_few_studies_are_refused_with_the_reason():
    filled = trim_and_fill([0.1, 0.2], [0.1, 0.2])
    assert "at least 3 studies" in filled.refused
    assert np.isnan(filled.estimate)
    assert filled.pooled is None
    assert "with 5 studies" in trim_and_fill(FEW_Y, FEW_V).caution


def test_equal_effects_and_equal_sizes_have_nothing_to_fill():
    for estimator in ("L0", "R0", "Q0"):
        assert trim_and_fill([0.2] * 5, FEW_V, estimator=estimator).missing == 0
        assert trim_and_fill([-0.2, -0.1, 0.0, 0.1, 0.2], [0.1] * 5, estimator=estimator).missing == 0


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 9999),
    st.floats(0.01, 100),
    st.floats(-3, 3),
    st.sampled_from(["L0", "R0", "Q0"]),
    st.sampled_from(["FE", "DL", "REML"]),
)
def test_order_shift_scale_and_sign(seed, factor, shift, estimator, method):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(3, 20))
    y, v = rng.normal(0, 0.6, k), rng.uniform(0.02, 0.6, k)
    order = rng.permutation(k)
    filled = trim_and_fill(y, v, estimator=estimator, tau2_method=method)
    moved = trim_and_fill(
        -factor * (y + shift)[order], factor**2 * v[order], estimator=estimator, tau2_method=method
    )
    assert moved.refused == filled.refused
    if filled.refused:  # Q0 without a solution
        return
    assert moved.missing == filled.missing < k
    assert {moved.side, filled.side} == {"left", "right"}
    assert moved.estimate == pytest.approx(
        -factor * (filled.estimate + shift), abs=1e-6 * factor * (1 + abs(shift))
    )
    extreme = np.argsort(y if filled.side == "left" else -y)[k - filled.missing :]
    np.testing.assert_array_equal(filled.filled_variances, v[extreme])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"effects": [0.1, np.nan, 0.2]}, r"effects\[1\]"),
        ({"variances": [0.1, 0.1, 0.0]}, r"variances\[2\]"),
        ({"effects": [[0.1, 0.2, 0.3]]}, "one analysis"),
        ({"estimator": "l0"}, "estimator"),
        ({"side": "top"}, "side"),
        ({"tau2_method": "XX"}, "tau2_method"),
        ({"interval": "XX"}, "interval"),
        ({"level": 2}, "level"),
    ],
)
def test_bad_input_is_named(change, words):
    good = {"effects": [0.1, 0.2, 0.4], "variances": [0.1, 0.2, 0.3]}
    with pytest.raises(ValueError, match=words):
        trim_and_fill(**(good | change))


def test_a_standard_error_that_the_formula_has_not_is_nan():
    """7 studies, rank sum 7: L0 = (28 - 56)/13, and Duval & Tweedie's variance is -117.6/24·(4/13)²."""
    y, v = [0.0, 0.14, 0.28, 0.06, 0.14, 0.06, -1.07], [0.27, 0.2, 0.34, 0.16, 0.17, 0.37, 0.37]
    result = trim_and_fill(y, v, tau2_method="DL")
    assert (result.missing, result.refused) == (0, "")
    assert np.isnan(result.missing_se)
    assert result.estimate == pool(y, v, tau2_method="DL").estimate
