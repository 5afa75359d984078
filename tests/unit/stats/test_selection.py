import numpy as np
import pytest
from hackshaw import V, Y
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import ndtr
from scipy.stats import norm

from trialpool.stats import pool, selection
from trialpool.stats.selection import _bands_of, _slope, selection_model

# Egger et al. 2001: intravenous magnesium after myocardial infarction, log odds ratios; the last is ISIS-4.
MAGNESIUM_Y = [
    -0.8303,
    -1.0561,
    -1.2783,
    -0.0435,
    0.2231,
    -2.4075,
    -1.2809,
    -1.1917,
    -0.6957,
    -2.2083,
    -2.0382,
]
MAGNESIUM_Y += [-0.8502, -0.7932, -0.2993, -1.5708, 0.0576]
MAGNESIUM_V = [1.5551, 0.1715, 0.6531, 2.0435, 0.2393, 1.1496, 1.425, 2.7599, 0.2875, 1.2313, 0.6095, 0.3825]
MAGNESIUM_V += [0.3917, 0.0215, 0.3295, 0.001]


def literal_log_likelihood(y, v, mu, tau2, delta, steps):
    """Vevea & Hedges 1995, study by study, p-values of large effects being small."""
    chances = [1.0, *delta]
    edges = [0.0, *steps, 1.0]
    total = 0.0
    for effect, variance in zip(y, v, strict=True):
        p = norm.sf(effect / np.sqrt(variance))
        band = next(j for j in range(len(chances)) if p <= edges[j + 1])
        spread = np.sqrt(variance + tau2)
        kept = 0.0
        for j, chance in enumerate(chances):
            # p between the edges of band j is an effect between these limits
            high, low = (norm.isf(edge) * np.sqrt(variance) for edge in (edges[j], edges[j + 1]))
            kept += chance * (norm.cdf(high, mu, spread) - norm.cdf(low, mu, spread))
        total += np.log(chances[band]) + norm.logpdf(effect, mu, spread) - np.log(kept)
    return total


def test_hackshaw_three_parameters():
    """metafor 3.8-1 selmodel(type='stepfun', steps=.025), solved tightly."""
    fit = selection_model(Y, V)
    assert fit.estimate == pytest.approx(0.19440142, abs=5e-9)
    assert fit.tau2 == pytest.approx(0.01662262, abs=5e-9)
    assert fit.delta[0] == pytest.approx(0.76439448, abs=5e-9)
    assert (fit.lrt, fit.lrt_df) == (pytest.approx(0.11705273, abs=5e-9), 1)
    assert (fit.refused, fit.caution, fit.k, sum(fit.studies_in_band)) == ("", "", 37, 37)


def test_hackshaw_four_steps():
    """Published in metafor's tests (Vevea & Hedges' weights)."""
    fit = selection_model(Y, V, steps=[0.05, 0.1, 0.5])
    np.testing.assert_allclose(fit.delta, [2.422079, 0.977543, 0.396713], atol=5e-6)
    assert (fit.lrt, fit.lrt_df) == (pytest.approx(7.066137, abs=5e-6), 3)


@pytest.mark.parametrize("steps", [[0.025], [0.05, 0.5], [0.025, 0.2, 0.6]])
def test_likelihood_and_its_derivatives(steps):
    selection = _bands_of(Y, V, np.array(steps))
    rng = np.random.default_rng(1)
    for mu, tau2 in ((0.2, 0.03), (-0.5, 0.4), (1.5, 0.001)):
        delta = rng.uniform(0.1, 2, len(steps))
        here = _slope(selection, mu, tau2, delta)
        expected = literal_log_likelihood(Y, V, mu, tau2, delta, steps)
        assert here.log_likelihood == pytest.approx(expected, rel=1e-12)
        at = np.array([mu, tau2, *delta])
        for i in range(at.size):
            h = np.zeros(at.size)
            h[i] = 1e-5 * abs(at[i])
            up, down = (_slope(selection, x[0], x[1], x[2:]) for x in (at + h, at - h))
            assert here.gradient[i] == pytest.approx(
                (up.log_likelihood - down.log_likelihood) / (2 * h[i]), rel=1e-6, abs=1e-6
            )
            np.testing.assert_allclose(
                here.hessian[i], (up.gradient - down.gradient) / (2 * h[i]), rtol=1e-5, atol=1e-5
            )


@pytest.mark.parametrize("seed", range(3))
def test_the_maximum_is_the_best_that_a_blunt_search_finds(seed):
    rng = np.random.default_rng(seed)
    v = rng.uniform(0.01, 0.3, 20)
    y = rng.normal(0.25, np.sqrt(v + 0.05))
    limit, significant = 1.959963984540054 * np.sqrt(v), y > 1.959963984540054 * np.sqrt(v)

    def minus(x):
        spread, chance = np.sqrt(v + np.exp(x[1])), np.exp(x[2])
        above = ndtr((x[0] - limit) / spread)
        kept = above + chance * (1 - above)
        normal = -0.5 * (np.log(2 * np.pi) + ((y - x[0]) / spread) ** 2) - np.log(spread)
        return -(np.where(significant, 0, x[2]) + normal - np.log(kept)).sum()

    fit = selection_model(y, v)
    at = [fit.estimate, np.log(max(fit.tau2, 1e-300)), np.log(fit.delta[0])]
    assert fit.log_likelihood == pytest.approx(-minus(at), abs=1e-9)
    bounds = [(-3, 3), (-40, 3), (-10, 10)]
    starts = [(m, t, d) for m in (0.0, 0.5) for t in (-30, -3) for d in (-3, 0.5)]
    found = min(minimize(minus, start, method="L-BFGS-B", bounds=bounds).fun for start in starts)
    assert fit.log_likelihood >= -found - 1e-7
    without = pool(y, v, tau2_method="ML")
    null = norm.logpdf(y, float(without.estimate), np.sqrt(v + float(without.tau2))).sum()
    assert fit.lrt == pytest.approx(max(0, 2 * (fit.log_likelihood - null)), abs=1e-9)


def test_magnesium_has_two_stories_and_the_likelier_one_is_told():
    """Small trials say magnesium helps, ISIS-4 that it does nothing; one climb alone finds a benefit."""
    fit = selection_model(MAGNESIUM_Y, MAGNESIUM_V, alternative="less")
    assert abs(fit.estimate) < 0.1
    assert fit.delta[0] < 0.1
    assert "second maximum at an effect of -0." in fit.caution


def test_no_heterogeneity_is_a_boundary():
    rng = np.random.default_rng(4)
    v = rng.uniform(0.05, 0.2, 15)
    y = 0.6 + 0.3 * rng.normal(0, np.sqrt(v))
    fit = selection_model(y, v)
    assert fit.tau2 == 0
    assert np.isnan(fit.tau2_se)
    assert np.isfinite([fit.se, *fit.delta_se]).all()


def test_what_cannot_be_estimated_is_refused_with_the_reason():
    assert "more studies than its 3 parameters" in selection_model([0.1, 0.9, 0.2], [0.1] * 3).refused
    nothing_significant = selection_model([0.1, 0.2, -0.1, 0.0, 0.3], [0.1] * 5)
    assert "from 0 to 0.025" in nothing_significant.refused
    assert np.isnan(nothing_significant.estimate)
    assert nothing_significant.studies_in_band == (0, 5)
    assert "from 0.025 to 1" in selection_model([3.0, 2.5, 2.8, 4.0, 3.1], [0.1] * 5).refused


def test_small_numbers_are_cautioned_about():
    fit = selection_model([0.1, 0.2, 0.5, 0.6, 0.9, 0.7], [0.01, 0.02, 0.04, 0.05, 0.09, 0.06])
    assert "with 6 studies" in fit.caution
    assert "fewer than 4" in fit.caution


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 300), st.floats(0.05, 20))
def test_order_scale_and_sign(seed, factor):
    """No shift here: significance is against zero."""
    rng = np.random.default_rng(seed)
    v = rng.uniform(0.01, 0.3, 16)
    y = rng.normal(0.3, np.sqrt(v + 0.05))
    order = rng.permutation(16)
    fit = selection_model(y, v)
    moved = selection_model(-factor * y[order], factor**2 * v[order], alternative="less")
    assert moved.refused == fit.refused
    if not fit.refused:
        assert moved.log_likelihood == pytest.approx(fit.log_likelihood - 16 * np.log(factor), abs=1e-8)
        assert moved.estimate == pytest.approx(-factor * fit.estimate, abs=1e-5 * factor)
        assert moved.delta == pytest.approx(fit.delta, rel=1e-5)
        assert fit.ci_low < fit.estimate < fit.ci_high


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"effects": [0.1, np.nan, 0.2]}, r"effects\[1\]"),
        ({"variances": [0.1, 0.1, 0.0]}, r"variances\[2\]"),
        ({"effects": [[0.1, 0.2, 0.3]]}, "one analysis"),
        ({"steps": [0.025, 1.5]}, r"steps\[1\]"),
        ({"steps": [0.0, 0.5]}, r"steps\[0\]"),
        ({"steps": [0.5, 0.025]}, r"steps\[1\]"),
        ({"steps": [0.025, 1.0]}, r"steps\[1\]"),
        ({"steps": []}, "steps"),
        ({"steps": [[0.025]]}, "steps"),
        ({"alternative": "two-sided"}, "alternative"),
        ({"level": 0}, "level"),
    ],
)
def test_bad_input_is_named(change, words):
    with pytest.raises(ValueError, match=words):
        selection_model(**({"effects": [0.1, 0.2, 0.4], "variances": [0.1, 0.2, 0.3]} | change))


def test_a_likelihood_that_rises_for_ever_is_given_up_soon(monkeypatch):
    """Climbs once crept with chances beyond those that can be squared, thousands of places a climb."""
    places, slope = [], selection._slope
    monkeypatch.setattr(selection, "_slope", lambda *at: places.append(at) or slope(*at))
    fit = selection_model([0.1, 95, 0.2, 0.7, 0.3], [0.1, 0.2, 0.1, 0.3, 0.15])
    assert "no maximum" in fit.refused
    assert len(places) < 8 * 400
