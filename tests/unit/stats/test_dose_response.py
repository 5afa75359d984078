"""Dose-response curves: by hand, against pooling and regression of trials' slopes, and what is refused."""

import numpy as np
import pytest

from trialpool.stats import dose_response, meta_regression, pool, predict_dose
from trialpool.stats.doses import _bend

Y = np.array([-0.9, -1.3, -2.1, -0.4, -1.0, -2.6, -1.1])
V = np.array([0.1, 0.1, 0.2, 0.05, 0.3, 0.2, 0.1])
X = np.array([5.0, 10.0, 15.0, 6.0, 8.0, 18.0, 12.0])


def test_a_line_is_weighted_least_squares_through_the_origin():
    # Three trials of 5, 10 and 20 sessions; effects -1, -1, -3 with variances 0.5, 0.25, 1, weights 2, 4, 1.
    # Σwxy = 2·5·(-1) + 4·10·(-1) + 1·20·(-3) = -10 - 40 - 60 = -110
    # Σwx² = 2·25 + 4·100 + 1·400 = 850, slope = -110/850 = -11/85, variance 1/850
    # Σwy² = 2·1 + 4·1 + 1·9 = 15, Q = 15 - 110²/850 = 15 - 242/17 = 13/17 on 2 df
    fit = dose_response([-1, -1, -3], [0.5, 0.25, 1], [5, 10, 20], method="FE", interval="wald")
    assert fit.coefficients == pytest.approx([-11 / 85])
    assert fit.covariance == pytest.approx(np.array([[1 / 850]]))
    assert (fit.tau2, fit.q_df, fit.df) == (0.0, 2, np.inf)
    assert fit.q == pytest.approx(13 / 17)
    assert fit.q_p_value == pytest.approx(np.exp(-13 / 34))  # χ² on 2 df
    assert fit.ci_high == pytest.approx([-11 / 85 + 1.959963985 / 850**0.5])
    # At 10 sessions -110/85 with the standard error 10/√850; from 10 to 15 half of that.
    predicted = predict_dose(fit, [0, 10])
    assert predicted.estimate == pytest.approx([0, -110 / 85])
    assert predicted.se == pytest.approx([0, 10 / 850**0.5])
    assert predict_dose(fit, [15], reference=10).estimate == pytest.approx([-55 / 85])
    # Hartung-Knapp: Q/df = 13/34, t on 2 df; with the floor the factor is 1.
    scaled = dose_response([-1, -1, -3], [0.5, 0.25, 1], [5, 10, 20], method="FE", interval="hksj")
    assert scaled.se == pytest.approx([(13 / 34 / 850) ** 0.5])
    floored = dose_response([-1, -1, -3], [0.5, 0.25, 1], [5, 10, 20], method="FE")
    assert floored.ci_high == pytest.approx([-11 / 85 + 4.302652730 / 850**0.5])


@pytest.mark.parametrize("interval", ["wald", "hksj", "hksj_adhoc"])
@pytest.mark.parametrize("method", ["FE", "ML", "REML"])
def test_with_one_dose_a_trial_the_line_pools_the_slopes_and_the_spline_regresses_them(method, interval):
    model = {"tau2_method": method, "interval": interval}
    line = dose_response(Y, V, X, method=method, interval=interval)
    pooled = pool(Y / X, V / X**2, **model)
    for name in ("ci_low", "ci_high", "p_value", "tau2", "q", "df"):
        assert getattr(line, name) == pytest.approx(getattr(pooled, name), rel=1e-9), name
    assert line.slopes == pytest.approx(Y / X)
    assert line.slope_variances == pytest.approx(V / X**2)
    spline = dose_response(Y, V, X, shape="spline", method=method, interval=interval)
    regressed = meta_regression(Y / X, V / X**2, _bend(X, spline.knots) / X, **model)
    for name in ("coefficients", "ci_low", "ci_high", "p_value", "tau2"):
        assert getattr(spline, name) == pytest.approx(getattr(regressed, name), rel=1e-8, abs=1e-12), name
    assert spline.q == pytest.approx(float(regressed.qe))
    assert spline.linearity_p_value == pytest.approx(regressed.p_value[1])


def test_several_doses_of_a_trial_count_once_with_their_shared_control():
    # One trial of doses 10 and 20, SDs and arms so that both effects have variance 2 and covariance 1:
    # S⁻¹ = [[2, -1], [-1, 2]]/3, z = (10, 20): z'S⁻¹ = (0, 10), z'S⁻¹z = 200, z'S⁻¹y = 10·y₂.
    covariance = np.array([[2.0, 1, 0], [1, 2, 0], [0, 0, 4]])
    doses, trial = [10, 20, 10], ["A", "A", "B"]
    fit = dose_response([-1, -3, -1], covariance, doses, trial, method="FE", interval="wald")
    assert fit.slopes == pytest.approx([-30 / 200, -1 / 10])
    assert fit.slope_variances == pytest.approx([1 / 200, 4 / 100])
    # (200·(-0.15) + 25·(-0.1))/225
    assert fit.coefficients == pytest.approx([-32.5 / 225])
    assert (fit.k, fit.trials, fit.q_df) == (3, 2, 2)
    pooled = pool(fit.slopes, fit.slope_variances, interval="wald")
    random = dose_response([-1, -3, -1], covariance, doses, trial, interval="wald")
    assert [random.coefficients[0], random.tau2] == pytest.approx([pooled.estimate, pooled.tau2])


def test_a_reference_dose_other_than_none_counts_from_there():
    against_none = dose_response(Y, V, X)
    shifted = dose_response(Y, V, X + 4, reference=4)
    assert shifted.coefficients == pytest.approx(against_none.coefficients)
    turned = dose_response(-Y, V, np.zeros(7), reference=X)
    assert turned.coefficients == pytest.approx(against_none.coefficients)


def test_the_spline_is_straight_below_the_first_and_above_the_last_knot_and_smooth_between():
    # Knots 0, 1, 3: at 2 the cubic terms are 8 - 1·3/2 = 6.5, over 3² = 13/18.
    knots = np.array([0.0, 1, 3])
    assert _bend(np.array([-1.0, 0, 2]), knots) == pytest.approx([0, 0, 13 / 18])
    beyond = np.diff(_bend(np.array([3.0, 4, 5, 6]), knots))
    assert beyond == pytest.approx([beyond[0]] * 3)
    fit = dose_response(Y, V, X, shape="spline")
    assert fit.knots.tolist() == pytest.approx([5.6, 10, 16.2])
    below = predict_dose(fit, [1, 2]).estimate
    assert below == pytest.approx([fit.coefficients[0], 2 * fit.coefficients[0]])


def test_the_prediction_interval_widens_with_the_dose():
    fit = dose_response(np.array([-1, -4, -1, -6]), [0.1] * 4, [10, 11, 12, 13], interval="wald")
    assert fit.tau2 > 0
    predicted = predict_dose(fit, [10, 20])
    half = predicted.pi_high - predicted.estimate
    assert half[1] == pytest.approx(2 * half[0])
    assert half[0] == pytest.approx(1.959963985 * (predicted.se[0] ** 2 + 100 * fit.tau2) ** 0.5)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"doses": [0] * 7}, "no other dose than that of the reference"),
        ({"doses": [5, 5]}, "doses"),
        ({"doses": [5, np.nan, *X[2:]]}, r"doses\[1\] is nan"),
        ({"shape": "cubic"}, "shape is 'cubic': must be one of linear, spline"),
        ({"method": "DL"}, "method is 'DL'"),
        ({"doses": [10] * 6 + [11], "shape": "spline"}, "percentiles of the doses"),
        ({"shape": "spline", "knots": [1, 2]}, "knots are"),
        ({"shape": "spline", "study": list("aaaabbb")}, "2 trials cannot carry 2 coefficients"),
        ({"study": ["a"] * 7}, "study: needs at least 2 different labels"),
        ({"study": ["a"] * 6}, "study has 6 labels"),
        ({"doses": [0, *X[1:]]}, r"doses\[0\]: .*reference; leave the row out, or give its reference"),
        ({"doses": [-1, *X[1:]]}, r"doses\[0\] is -1: must not be negative"),
        ({"reference": -1}, "reference is -1: must not be negative"),
        ({"shape": "spline", "knots": [100, 200, 300]}, r"knots are \[100. 200. 300.\]: .* no bend"),
        (
            {"effects": Y[:2], "variances": V[:2], "doses": X[:2], "shape": "spline", "interval": "wald"},
            "doses: 2 effects cannot carry the 2 coefficients of a spline",
        ),
        ({"variances": np.ones((7, 7))}, "different trials must not covary"),
        ({"variances": np.ones((7, 7)), "study": list("aaaaaab")}, "different trials"),
        ({"variances": np.eye(6)}, "effects"),
        ({"variances": -V}, "variances"),
    ],
)
def test_what_makes_no_curve_is_refused_by_name(changes, says):
    given = {"effects": Y, "variances": V, "doses": X} | changes
    with pytest.raises(ValueError, match=says):
        dose_response(**given)


def test_a_covariance_that_is_none_is_refused():
    block = np.diag([1.0, 1, 1])
    block[0, 1] = block[1, 0] = 2
    with pytest.raises(ValueError, match=r"those of effects \[0, 1\] are no covariance matrix"):
        dose_response([1, 2, 3], block, [5, 10, 8], list("aab"))
