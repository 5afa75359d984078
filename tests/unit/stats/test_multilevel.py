"""Three-level models against published digits and dense brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published import BCG_V, BCG_Y, DISTRICT
from published import SCHOOLS_V as V
from published import SCHOOLS_Y as Y

from trialpool.stats import pool, robust_pool
from trialpool.stats.dependent import component_intervals, multilevel, multilevel_regression


def test_konstantopoulos_three_levels():
    """rma.mv (metafor 3.8-1) and clubSandwich; 7 digits is what the print has."""
    fit = multilevel(Y, V, DISTRICT)
    assert (fit.k, fit.clusters, fit.caution) == (56, 11, "")
    assert fit.estimate == pytest.approx(0.18471316, abs=5e-9)
    assert fit.se == pytest.approx(0.08455592, abs=5e-9)
    assert fit.sigma2_between == pytest.approx(0.06506194, abs=5e-9)
    assert fit.sigma2_within == pytest.approx(0.03273652, abs=5e-9)
    assert fit.log_likelihood == pytest.approx(-7.95872403, abs=5e-9)
    assert fit.robust_df == pytest.approx(9.86, abs=0.005)
    assert fit.robust_p_value == pytest.approx(0.05396674, abs=5e-9)
    assert (fit.robust_ci_low, fit.robust_ci_high) == (
        pytest.approx(-0.00383, abs=5e-6),
        pytest.approx(0.373, abs=5e-4),
    )


def test_konstantopoulos_correlated_and_hierarchical():
    fit = multilevel(Y, V, DISTRICT, rho=0.6)
    assert fit.estimate == pytest.approx(0.19101101, abs=5e-9)
    assert fit.sigma2_between == pytest.approx(0.05633009, abs=5e-9)
    assert fit.sigma2_within == pytest.approx(0.04807388, abs=5e-9)


def dense_covariance(v, cluster, rho, between, within):
    same = np.equal.outer(cluster, cluster)
    covariance = same * (rho * np.sqrt(np.outer(v, v)) + between)
    np.fill_diagonal(covariance, v + between + within)
    return covariance


def dense_log_likelihood(y, x, covariance, restricted):
    inverse = np.linalg.inv(covariance)
    information = x.T @ inverse @ x
    residual = y - x @ np.linalg.solve(information, x.T @ inverse @ y)
    value = -0.5 * (np.linalg.slogdet(covariance)[1] + residual @ inverse @ residual)
    n = y.size
    if restricted:
        n -= x.shape[1]
        value += 0.5 * (np.linalg.slogdet(x.T @ x)[1] - np.linalg.slogdet(information)[1])
    return value - n / 2 * np.log(2 * np.pi)


def root_of(matrix, power):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values**power) @ vectors.T


def dense_cr2(y, x, covariance, cluster):
    """CR2 and Satterthwaite from the full n x n matrices, nothing simplified."""
    w = np.linalg.inv(covariance)
    bread = np.linalg.inv(x.T @ w @ x)
    left = np.eye(y.size) - x @ bread @ x.T @ w
    meat, vectors = np.zeros(bread.shape), []
    for label in np.unique(cluster):
        rows = cluster == label
        block = covariance[np.ix_(rows, rows)]
        upper = np.linalg.cholesky(block).T
        adjust = upper.T @ root_of(upper @ (left[rows] @ covariance @ left[rows].T) @ upper.T, -0.5) @ upper
        influence = bread @ x[rows].T @ np.linalg.inv(block) @ adjust
        meat += np.outer(influence @ (left @ y)[rows], influence @ (left @ y)[rows])
        vectors.append(influence @ left[rows])
    freedom = []
    for coefficient in range(x.shape[1]):
        g = np.array([vector[coefficient] for vector in vectors])
        core = g @ covariance @ g.T
        freedom.append(np.trace(core) ** 2 / (core**2).sum())
    return meat, np.array(freedom)


def nested_data(seed, moderator=False):
    rng = np.random.default_rng(seed)
    clusters = int(rng.integers(3, 9))
    sizes = rng.integers(1, 6, clusters)
    sizes[0] = 3
    cluster = rng.permutation(np.repeat(np.arange(clusters), sizes))
    v = rng.uniform(0.02, 0.3, cluster.size)
    y = rng.normal(0, 0.4, clusters)[cluster] + rng.normal(0, 0.2, cluster.size) + rng.normal(0, np.sqrt(v))
    x = rng.normal(size=cluster.size) if moderator else None
    return y, v, cluster, x


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_block_algebra_is_the_dense_model_at_its_maximum(seed, method, rho):
    y, v, cluster, x = nested_data(seed, moderator=seed % 2 == 1)
    fit = multilevel_regression(y, v, cluster, x, rho=rho, method=method)
    whole = np.ones((y.size, 1)) if x is None else np.column_stack([np.ones(y.size), x])

    def height(between, within):
        covariance = dense_covariance(v, cluster, rho, between, within)
        return dense_log_likelihood(y, whole, covariance, method == "REML")

    best = height(fit.sigma2_between, fit.sigma2_within)
    assert fit.log_likelihood == pytest.approx(best, abs=1e-9)
    for between in (0, 0.5, 0.999, 1.001, 2):
        for within in (0, 0.5, 0.999, 1.001, 2):
            assert height(between * fit.sigma2_between, within * fit.sigma2_within) <= best + 1e-12
    for between in (0, 0.01, 0.1, 0.5, 2):
        for within in (0, 0.01, 0.1, 0.5, 2):
            assert height(between, within) <= best + 1e-12
    covariance = dense_covariance(v, cluster, rho, fit.sigma2_between, fit.sigma2_within)
    inverse = np.linalg.inv(covariance)
    information = whole.T @ inverse @ whole
    np.testing.assert_allclose(
        fit.coefficients, np.linalg.solve(information, whole.T @ inverse @ y), rtol=1e-9
    )
    np.testing.assert_allclose(fit.se, np.sqrt(np.diag(np.linalg.inv(information))), rtol=1e-10)
    meat, freedom = dense_cr2(y, whole, covariance, cluster)
    np.testing.assert_allclose(fit.robust_se, np.sqrt(np.diag(meat)), rtol=1e-8)
    np.testing.assert_allclose(fit.robust_df, freedom, rtol=1e-8)


def test_shares_of_variance_add_up_to_the_classic_ones_without_levels():
    """One effect a cluster is the ordinary random-effects model."""
    labels = [f"trial {i}" for i in range(13)]
    fit, plain = multilevel(BCG_Y, BCG_V, labels), pool(BCG_Y, BCG_V, interval="wald")
    assert fit.sigma2_within == 0
    assert "no cluster has two effects" in fit.caution
    assert fit.sigma2_between == pytest.approx(float(plain.tau2), rel=1e-9)
    for name in ("estimate", "se", "ci_low", "p_value", "q", "q_p_value", "pi_low", "pi_high"):
        assert getattr(fit, name) == pytest.approx(float(getattr(plain, name)), rel=1e-8)
    assert fit.i2_between + fit.i2_within == pytest.approx(float(plain.i2), rel=1e-8)
    assert fit.robust_se == pytest.approx(robust_pool(BCG_Y, BCG_V).robust_se, rel=1e-8)


def test_equal_effects_put_both_components_on_the_boundary():
    fit = multilevel([0.3] * 6, [0.1, 0.2, 0.1, 0.3, 0.1, 0.2], [1, 1, 2, 2, 3, 3])
    assert (fit.sigma2_between, fit.sigma2_within) == (0, 0)
    assert fit.estimate == pytest.approx(0.3)
    assert fit.robust_se == pytest.approx(0, abs=1e-12)


def test_few_clusters_are_cautioned_about():
    y, v, cluster, _ = nested_data(1)
    kept = np.isin(cluster, np.unique(cluster)[:3])
    fit = multilevel(y[kept], v[kept], cluster[kept])
    assert fit.robust_df < 4
    assert "not trustworthy" in fit.caution


def test_t_interval_counts_clusters():
    wald, t = multilevel(Y, V, DISTRICT), multilevel(Y, V, DISTRICT, interval="t")
    assert (wald.df, t.df) == (np.inf, 10)
    assert t.ci_high - t.estimate == pytest.approx(
        (wald.ci_high - wald.estimate) * 2.228138851965 / 1.959963984540, rel=1e-9
    )
    assert t.pi_low < t.ci_low < wald.ci_low


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 500), st.floats(0.01, 50), st.floats(-3, 3), st.sampled_from([0.0, 0.5]))
def test_order_shift_scale_and_sign(seed, factor, shift, rho):
    y, v, cluster, _ = nested_data(seed)
    order = np.random.default_rng(seed).permutation(y.size)
    fit = multilevel(y, v, cluster, rho=rho)
    names = np.array(["a", "b", "c", "d", "e", "f", "g", "h", "i"])[cluster]
    moved = multilevel(-factor * (y + shift)[order], v[order] * factor**2, names[order], rho=rho)
    unit = factor * (1 + abs(shift))
    assert moved.estimate == pytest.approx(-factor * (fit.estimate + shift), abs=1e-7 * unit)
    assert moved.sigma2_between == pytest.approx(factor**2 * fit.sigma2_between, abs=1e-6 * factor**2)
    assert moved.sigma2_within == pytest.approx(factor**2 * fit.sigma2_within, abs=1e-6 * factor**2)
    assert moved.robust_ci_low == pytest.approx(-factor * (fit.robust_ci_high + shift), abs=1e-5 * unit)
    assert moved.robust_df == pytest.approx(fit.robust_df, rel=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"effects": [0.1, 0.2, np.nan]}, r"effects\[2\]"),
        ({"variances": [0.1, 0.0, 0.1]}, r"variances\[1\]"),
        ({"effects": [[0.1, 0.2, 0.3]]}, "one analysis"),
        ({"cluster": [1, 1, 1]}, "at least 2"),
        ({"cluster": [1, 2]}, "one label for each"),
        ({"cluster": ["a", None, "b"]}, r"cluster\[1\]"),
        ({"cluster": [1.0, np.nan, 2.0]}, r"cluster\[1\]"),
        ({"rho": 1.0}, "rho"),
        ({"rho": -0.1}, "rho"),
        ({"method": "DL"}, "method"),
        ({"interval": "hksj"}, "interval"),
        ({"level": 1.0}, "level"),
        ({"design": [1.0, 1.0, 1.0]}, r"design\[:, 0\] is constant"),
        ({"design": [1.0, 2.0]}, "design"),
        ({"design": [[1, 0], [0, 1], [0, 0]]}, "3 studies cannot carry 3 coefficients"),
    ],
)
def test_bad_input_is_named(change, words):
    good = {"effects": [0.1, 0.2, 0.4], "variances": [0.1] * 3, "cluster": [1, 1, 2], "design": None}
    with pytest.raises(ValueError, match=words):
        multilevel_regression(**(good | change))


def test_konstantopoulos_profile_intervals_of_the_components():
    """Published (metafor's tests): 0.0222 to 0.2072 between districts, 0.0163 to 0.0628 within."""
    found = component_intervals(Y, V, DISTRICT)
    assert (found.between_low, found.between_high) == (
        pytest.approx(0.0222, abs=5e-5),
        pytest.approx(0.2072, abs=5e-5),
    )
    assert (found.within_low, found.within_high) == (
        pytest.approx(0.0163, abs=5e-5),
        pytest.approx(0.0628, abs=5e-5),
    )


def test_profile_intervals_with_boundaries():
    fit = component_intervals(BCG_Y, BCG_V, range(13))
    assert np.isnan(fit.within_low)
    assert 0 < fit.between_low < 0.3132432581 < fit.between_high
    equal = component_intervals([0.3, 0.3, 0.3, 0.3], [0.1] * 4, [1, 1, 2, 2])
    assert (equal.between_low, equal.within_low) == (0, 0)
    assert equal.within_high > 0


def test_profile_limits_are_where_the_dense_likelihood_has_dropped():
    y, v, cluster, _ = nested_data(2)
    found, fit = component_intervals(y, v, cluster, level=0.9), multilevel(y, v, cluster)
    ones = np.ones((y.size, 1))
    heights = [
        dense_log_likelihood(y, ones, dense_covariance(v, cluster, 0.0, found.between_high, within), True)
        for within in [0, *np.geomspace(1e-5, 3, 400)]
    ]
    assert fit.log_likelihood - max(heights) == pytest.approx(2.705543454095404 / 2, abs=1e-3)


@pytest.mark.parametrize("effect", [1.0, 20.0, 3.4750637e22])
def test_equal_effects_have_no_heterogeneity_and_a_q_of_0(effect):
    """A Q by rounding below 0 has no p-value: once -2e-15 and NaN."""
    fit = multilevel_regression([effect] * 5, [0.1, 0.2, 0.1, 0.3, 0.15], list("aabbc"), [1, 2, 4, 3, 5])
    assert (fit.q, fit.q_p_value, fit.sigma2_between) == (0.0, 1.0, 0.0)
    assert fit.coefficients.tolist() == [effect, 0.0]


def test_intervals_of_components_where_nothing_varies_or_hardly_any_drop_is_asked_for():
    clusters = list("aabbc")
    wide = component_intervals([5.0] * 5, [1.0] * 5, clusters, level=0.5)
    assert wide.between_low == wide.within_low == 0.0
    assert 0 < wide.between_high < np.inf
    y, v = [0.1, 0.4, 0.2, 0.7, 0.3], [0.04, 0.08, 0.04, 0.12, 0.06]
    narrow = component_intervals(y, v, clusters, rho=0.5, level=1e-9)
    assert narrow.between_low == narrow.between_high
