from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, quad_vec
from scipy.special import ndtr, ndtri
from scipy.stats import halfcauchy, halfnorm, norm
from scipy.stats import t as student

from trialpool.stats.bayes import bayes_pool, posterior_below, predictive_below

Y = np.array([0.1, 0.3, 0.35, 0.65, -0.4])
V = np.array([0.04, 0.03, 0.05, 0.01, 0.2])
PRIORS = [("half_normal", 0.5), ("half_cauchy", 0.3), ("uniform", 2.0)]
LOG_PRIORS = [("log_normal", -2.06, 1.51), ("log_t", -3.44, 2.59)]
MEAN_PRIORS = [None, (0.1, 0.7)]


def prior_density(prior):
    name, *_, scale = prior
    log_prior = {"log_normal": norm, "log_t": student(5)}.get(name)
    return {
        name: lambda t: 2 / t / scale * log_prior.pdf((2 * np.log(t) - prior[1]) / scale),
        "half_normal": lambda t: halfnorm.pdf(t, scale=scale),
        "half_cauchy": lambda t: halfcauchy.pdf(t, scale=scale),
        "uniform": lambda t: 1 / scale * (t <= scale),
    }[name]


def brute_force(y, v, tau_prior, mu_prior):
    """Prior times likelihood on a grid of mu and tau, trapezoidal in exponential substitutions of both."""
    step_tau, step_mu = 0.06, 0.04
    lowest = -300 if tau_prior[0] == "log_t" else -30  # its tails are a power of the logarithm
    tau = np.exp(np.arange(lowest, 25, step_tau))[:, None]
    if tau_prior[0] == "uniform":
        half = np.pi / 2 * np.sinh(np.arange(-4.3, 4.3, 0.02))[:, None]
        tau = tau_prior[1] / (1 + np.exp(-2 * half))
        jacobian = (
            0.02 * np.pi * np.cosh(np.arange(-4.3, 4.3, 0.02))[:, None] * tau * (1 - tau / tau_prior[1])
        )
    else:
        jacobian = step_tau * tau
    x = np.arange(-22, 22, step_mu)[None, :]
    mu = 0.3 + 0.1 * np.sinh(x)
    log_density = np.zeros((tau.size, mu.size))
    for effect, variance in zip(y, v, strict=True):
        log_density -= 0.5 * (
            np.log(2 * np.pi * (variance + tau**2)) + (effect - mu) ** 2 / (variance + tau**2)
        )
    density = np.exp(log_density) * prior_density(tau_prior)(tau) * jacobian * step_mu * 0.1 * np.cosh(x)
    return mu, tau, density if mu_prior is None else density * norm.pdf(mu, *mu_prior)


@pytest.mark.parametrize("mu_prior", MEAN_PRIORS)
@pytest.mark.parametrize("tau_prior", [*PRIORS, *LOG_PRIORS], ids=lambda prior: prior[0])
def test_agrees_with_brute_force_over_both_parameters(tau_prior, mu_prior):
    """All is recomputed as a double integral of prior times likelihood, mu not integrated by formula."""
    fit = bayes_pool(Y, V, tau_prior=tau_prior, mu_prior=mu_prior, threshold=0.2)
    mu, tau, density = brute_force(Y, V, tau_prior, mu_prior)
    total = density.sum()
    mean, tau_mean = (density * mu).sum() / total, (density * tau).sum() / total
    assert fit.log_evidence == pytest.approx(np.log(total), rel=1e-8)
    assert fit.mean == pytest.approx(mean, rel=1e-8)
    assert fit.sd == pytest.approx(np.sqrt((density * (mu - mean) ** 2).sum() / total), rel=1e-8)
    assert fit.tau_mean == pytest.approx(tau_mean, rel=1e-8)
    assert fit.tau_sd == pytest.approx(np.sqrt((density * (tau - tau_mean) ** 2).sum() / total), rel=1e-8)
    for threshold, probability in ((0.2, fit.predictive_probability_below), (fit.pi_high, 0.975)):
        new_below = (density * ndtr((threshold - mu) / tau)).sum() / total
        # at tiny tau the sum over mu sees a step, not a slope: 1e-4 of the mass, misplaced by half a cell
        assert probability == pytest.approx(new_below, rel=1e-5)


def marginal_tau(tau, y, v, prior):
    """Posterior density of tau, not normalised, flat mean: the textbook formula, study by study."""
    w = 1 / (v + tau**2)
    mean = (w * y).sum() / w.sum()
    return (
        prior_density(prior)(tau)
        * np.prod(np.sqrt(w))
        / np.sqrt(w.sum())
        * np.exp(-0.5 * (w * (y - mean) ** 2).sum())
    )


@pytest.mark.parametrize("prior", [*PRIORS, LOG_PRIORS[0]], ids=lambda prior: prior[0])
def test_quantiles_cut_off_what_they_should(prior):
    fit = bayes_pool(Y, V, tau_prior=prior)
    top = 2.0 if prior[0] == "uniform" else np.inf

    def mass(low, high):
        return quad(marginal_tau, low, high, args=(Y, V, prior), epsabs=0, epsrel=1e-11, limit=400)[0]

    total = mass(0, 1.0) + mass(1.0, top)
    for quantile, probability in ((fit.tau_median, 0.5), (fit.tau_low, 0.025)):
        assert mass(0, quantile) / total == pytest.approx(probability, rel=1e-8)
    assert mass(fit.tau_high, top) / total == pytest.approx(0.025, rel=1e-8)

    def mu_below(tau, x):
        w = 1 / (V + tau**2)
        return marginal_tau(tau, Y, V, prior) * ndtr((x - (w * Y).sum() / w.sum()) * np.sqrt(w.sum()))

    for quantile, probability in ((fit.estimate, 0.5), (fit.ci_low, 0.025), (fit.ci_high, 0.975)):
        cuts = ((0, 1.0), (1.0, top))
        below = sum(
            quad(mu_below, a, b, args=(quantile,), epsabs=0, epsrel=1e-11, limit=400)[0] for a, b in cuts
        )
        assert below / total == pytest.approx(probability, rel=1e-8)


def test_shrunk_effects_against_their_own_integrals():
    fit = bayes_pool(Y, V)

    def parts(tau):
        w = 1 / (V + tau**2)
        mean, weight = (w * Y).sum() / w.sum(), marginal_tau(tau, Y, V, ("half_normal", 0.5))
        if tau == 0:
            return np.concatenate(
                [
                    [weight],
                    weight * np.full(5, mean),
                    weight * ndtr((fit.shrunk_low - mean) * np.sqrt(w.sum())),
                ]
            )
        own = (Y / V + mean / tau**2) / (1 / V + 1 / tau**2)
        var = 1 / (1 / V + 1 / tau**2) + (1 / tau**2 / (1 / V + 1 / tau**2)) ** 2 / w.sum()
        return np.concatenate([[weight], weight * own, weight * ndtr((fit.shrunk_low - own) / np.sqrt(var))])

    values = quad_vec(parts, 0, 8, epsabs=0, epsrel=1e-11)[0]
    np.testing.assert_allclose(fit.shrunk_mean, values[1:6] / values[0], rtol=1e-9)
    np.testing.assert_allclose(values[6:] / values[0], 0.025, rtol=1e-8)


def test_no_room_for_heterogeneity_gives_the_common_effect():
    fit = bayes_pool(Y, V, tau_prior=("half_normal", 1e-9))
    w = 1 / V
    assert fit.estimate == pytest.approx((w * Y).sum() / w.sum(), rel=1e-9)
    assert fit.sd == pytest.approx(w.sum() ** -0.5, rel=1e-9)
    assert fit.ci_low == pytest.approx((w * Y).sum() / w.sum() + ndtri(0.025) * w.sum() ** -0.5, rel=1e-9)
    np.testing.assert_allclose(fit.shrunk_mean, fit.estimate, rtol=1e-6)
    assert fit.pi_low == pytest.approx(fit.ci_low, rel=1e-9)


def test_a_tight_mean_prior_overrules_the_data_and_a_wide_one_does_not_matter():
    tight = bayes_pool(Y, V, mu_prior=(1.0, 1e-6))
    assert tight.estimate == pytest.approx(1.0, abs=1e-5)
    wide, flat = bayes_pool(Y, V, mu_prior=(1.0, 1e5)), bayes_pool(Y, V)
    assert wide.estimate == pytest.approx(flat.estimate, rel=1e-8)
    assert wide.tau_median == pytest.approx(flat.tau_median, rel=1e-8)


def test_one_study_leaves_tau_at_its_prior():
    fit = bayes_pool([0.4], [0.09], tau_prior=("half_normal", 0.5))
    assert fit.tau_median == pytest.approx(0.5 * ndtri(0.75), rel=1e-10)
    assert fit.tau_mean == pytest.approx(0.5 * np.sqrt(2 / np.pi), rel=1e-10)
    assert fit.estimate == pytest.approx(0.4, rel=1e-12)
    assert fit.sd == pytest.approx(np.sqrt(0.09 + 0.25), rel=1e-10)


@pytest.mark.parametrize(("k", "sd", "tau_mean"), [(1, np.inf, np.inf), (2, np.inf, None), (3, None, None)])
def test_moments_that_do_not_exist_are_infinite(k, sd, tau_mean):
    fit = bayes_pool(Y[:k], V[:k], tau_prior=("half_cauchy", 0.5))
    assert (fit.sd == np.inf) == (sd is np.inf)
    assert (fit.tau_mean == np.inf) == (tau_mean is np.inf)
    assert np.isfinite([fit.estimate, fit.ci_low, fit.ci_high, fit.tau_high]).all()


def test_half_cauchy_tail_moment_of_two_studies():
    """The mean of tau exists here but converges slowly: the quadrature must reach far out."""
    prior = ("half_cauchy", 0.5)
    fit = bayes_pool(Y[:2], V[:2], tau_prior=prior)
    cuts = [0, 0.2, 1, 10, 1e3]
    parts = np.zeros(2)
    for low, high in [*pairwise(cuts), (1e3, np.inf)]:
        for power in (0, 1):
            parts[power] += quad(
                lambda t, p=power: t**p * marginal_tau(t, Y[:2], V[:2], prior),
                low,
                high,
                epsabs=0,
                epsrel=1e-11,
            )[0]
    assert fit.tau_mean == pytest.approx(parts[1] / parts[0], rel=1e-8)


def test_extreme_weights_and_many_studies():
    """Variances over eight orders of magnitude, and a posterior a hundredth as wide as its place."""
    y, v = np.array([0.2, 0.21, 1.0, -2.0]), np.array([1e-8, 1e-6, 1.0, 25.0])
    fit = bayes_pool(y, v)
    total, below = 0.0, 0.0
    cuts = [0, 1e-4, 1e-3, 1e-2, 1e-1, 1, 8]
    for low, high in pairwise(cuts):
        total += quad(marginal_tau, low, high, args=(y, v, ("half_normal", 0.5)), epsabs=0, epsrel=1e-11)[0]
        if low < fit.tau_median:
            end = min(high, fit.tau_median)
            below += quad(marginal_tau, low, end, args=(y, v, ("half_normal", 0.5)), epsabs=0, epsrel=1e-11)[
                0
            ]
    assert below / total == pytest.approx(0.5, rel=1e-8)
    rng = np.random.default_rng(5)
    many = bayes_pool(rng.normal(0.3, 0.2, 3000), np.full(3000, 0.01))
    assert many.tau_median == pytest.approx(np.sqrt(0.03), abs=0.01)
    assert many.grid_weights.max() < 0.1  # the peak is spread over many nodes, not caught by one


def test_batch_equals_single():
    rng = np.random.default_rng(1)
    y, v = rng.normal(size=(2, 3, 4)), rng.uniform(0.05, 0.5, (2, 3, 4))
    batch = bayes_pool(y, v, threshold=0.1)
    assert batch.estimate.shape == (2, 3)
    assert batch.shrunk_low.shape == (2, 3, 4)
    for place in np.ndindex(2, 3):
        single = bayes_pool(y[place], v[place], threshold=0.1)
        for name in (
            "estimate",
            "ci_low",
            "tau_high",
            "pi_high",
            "shrunk_sd",
            "probability_below",
            "log_evidence",
        ):
            np.testing.assert_allclose(getattr(batch, name)[place], getattr(single, name), rtol=1e-9)


def test_probabilities_and_quantiles_are_inverse():
    fit = bayes_pool(Y, V, threshold=0.0)
    assert posterior_below(fit, fit.ci_high) == pytest.approx(0.975, abs=1e-12)
    assert predictive_below(fit, fit.pi_low) == pytest.approx(0.025, abs=1e-12)
    assert posterior_below(fit, 0.0) == fit.probability_below
    assert np.isnan(bayes_pool(Y, V).probability_below)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-5, 5), st.sampled_from(PRIORS))
def test_shift_scale_sign_and_order(seed, factor, shift, prior):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, 9))
    y, v = rng.normal(0, 0.5, k), rng.uniform(0.01, 0.5, k)
    name, scale = prior
    fit = bayes_pool(y, v, tau_prior=prior)
    order = rng.permutation(k)
    moved = bayes_pool(-factor * (y[order] + shift), v[order] * factor**2, tau_prior=(name, scale * factor))
    tolerance = 1e-7 * factor * (1 + abs(shift))
    assert moved.estimate == pytest.approx(-factor * (fit.estimate + shift), abs=tolerance)
    assert moved.ci_low == pytest.approx(-factor * (fit.ci_high + shift), abs=tolerance * 10)
    assert moved.tau_median == pytest.approx(factor * fit.tau_median, rel=1e-7)
    np.testing.assert_allclose(moved.shrunk_mean, -factor * (fit.shrunk_mean[order] + shift), atol=tolerance)
    assert fit.pi_low <= fit.ci_low <= fit.estimate <= fit.ci_high <= fit.pi_high


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"effects": [0.1, np.nan]}, r"effects\[1\]"),
        ({"variances": [0.1, 0.0]}, r"variances\[1\]"),
        ({"variances": [0.1, 0.2, 0.3]}, "do not fit together"),
        ({"effects": [], "variances": []}, "study"),
        ({"effects": 0.1, "variances": 0.1}, "study"),
        ({"tau_prior": ("gamma", 1)}, "tau_prior"),
        ({"tau_prior": ("uniform", 0)}, "tau_prior"),
        ({"mu_prior": (0.0, 0.0)}, "mu_prior"),
        ({"mu_prior": (0.0,)}, "mu_prior"),
        ({"level": 95}, "level"),
        ({"threshold": np.nan}, "threshold"),
    ],
)
def test_bad_input_is_named(change, words):
    given = {"effects": [0.1, 0.2], "variances": [0.1, 0.2]} | change
    with pytest.raises(ValueError, match=words):
        bayes_pool(given.pop("effects"), given.pop("variances"), **given)


@pytest.mark.parametrize(("scale", "sd"), [(0.3, 0.65705), (2.0, 1.20295)])
def test_a_prior_of_the_mean_bounds_its_sd_though_taus_does_not_exist(scale, sd):
    """Against adaptive quadrature of 50 digits."""
    fit = bayes_pool([0.7], [0.09], tau_prior=("half_cauchy", scale), mu_prior=(0.0, 2.0))
    assert fit.sd == pytest.approx(sd, rel=1e-5)
    assert (fit.tau_sd, fit.predictive_sd) == (np.inf, np.inf)
