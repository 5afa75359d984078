"""Marginal likelihoods by other integration, over every parameter, and what must hold of the average."""

import numpy as np
import pytest
from scipy.integrate import nquad, quad
from scipy.special import ndtr, ndtri
from scipy.stats import invgamma, norm

from trialpool.stats import robust_bayes

Y = np.array([0.45, 0.3, 0.1])
V = np.array([0.04, 0.02, 0.03])
SE = np.sqrt(V)


@pytest.fixture(scope="module")
def fit():
    return robust_bayes(Y, V)


def evidence_of(fit, effect, heterogeneity, bias):
    names = list(zip(fit.effect, fit.heterogeneity, fit.bias, strict=True))
    return fit.log_evidence[names.index((effect, heterogeneity, bias))]


def likelihood(mu, tau, cuts, omega):
    """Of all trials under weights of one-sided p-values: the density of those published."""
    sd, z = np.sqrt(V + tau**2), -ndtri(np.array([0.0, *cuts, 1.0]))
    chance = [ndtr((z[at] * SE - mu) / sd) - ndtr((z[at + 1] * SE - mu) / sd) for at in range(len(omega))]
    own = np.array(omega)[np.searchsorted(cuts, 1 - ndtr(Y / SE))]
    return float(np.prod(norm.pdf(Y, mu, sd) * own / np.array(omega).dot(chance)))


def prior(tau):
    return invgamma.pdf(tau, 1, scale=0.15)


def test_no_effect_no_heterogeneity_is_a_product_of_densities(fit):
    assert evidence_of(fit, False, False, "none") == pytest.approx(norm.logpdf(Y, 0, SE).sum(), abs=1e-12)


def test_an_effect_alone_is_a_normal_of_dependent_trials(fit):
    total = quad(lambda mu: norm.pdf(mu) * np.prod(norm.pdf(Y, mu, SE)), -3, 3, epsabs=0, epsrel=1e-11)[0]
    assert evidence_of(fit, True, False, "none") == pytest.approx(np.log(total), abs=1e-10)


def test_heterogeneity_is_integrated_over_tau(fit):
    total = quad(lambda t: prior(t) * np.prod(norm.pdf(Y, 0, np.hypot(SE, t))), 0, np.inf, epsrel=1e-10)[0]
    assert evidence_of(fit, False, True, "none") == pytest.approx(np.log(total), abs=1e-6)


@pytest.mark.parametrize(("bias", "cuts"), [("one-sided .05", (0.05,)), ("two-sided .05", (0.025, 0.975))])
def test_one_weight_is_integrated_with_the_effect(fit, bias, cuts):
    def density(w, mu):
        omega = (1, w) if len(cuts) == 1 else (1, w, 1)
        return norm.pdf(mu) * likelihood(mu, 0.0, cuts, omega)

    total = nquad(density, [(0, 1), (-2.5, 2)], opts={"epsrel": 1e-6, "limit": 60})[0]
    assert evidence_of(fit, True, False, bias) == pytest.approx(np.log(total), abs=1e-5)


def test_two_weights_fall_and_are_uniform_otherwise(fit):
    def density(second, first):
        return 2 * likelihood(0.0, 0.0, (0.025, 0.05), (1, first, second))

    total = nquad(density, [lambda first: (0, first), (0, 1)], opts={"epsrel": 1e-7})[0]
    assert evidence_of(fit, False, False, "one-sided .025, .05") == pytest.approx(np.log(total), abs=1e-5)


def test_a_weight_with_effect_and_heterogeneity(fit):
    """Simpson's rule in three dimensions, fine enough for five digits."""
    mu, log_tau, w = np.linspace(-3, 3, 241), np.linspace(-5, 4, 181), (np.arange(200) + 0.5) / 200
    tau = np.exp(log_tau)[:, None]
    log = np.log(norm.pdf(mu)) + np.log(prior(tau) * tau) + 0 * mu
    lost = 0.0
    for y, v in zip(Y, V, strict=True):
        sd = np.sqrt(v + tau**2)
        significant = ndtr((mu - 1.6448536269514722 * np.sqrt(v)) / sd)
        log = log + norm.logpdf(y, mu, sd)
        lost = lost + np.log(significant[..., None] + w * (1 - significant[..., None]))
    count = (Y / SE < 1.6448536269514722).sum()
    step = (mu[1] - mu[0]) * (log_tau[1] - log_tau[0])
    total = (np.exp(log) * (w**count * np.exp(-lost)).mean(axis=-1)).sum() * step
    assert evidence_of(fit, True, True, "one-sided .05") == pytest.approx(np.log(total), abs=2e-4)


@pytest.mark.parametrize(("bias", "r", "scale"), [("PET", SE, 1.0), ("PEESE", V, 5.0)])
def test_a_slope_is_integrated_with_the_effect(fit, bias, r, scale):
    normal = np.sqrt(2 * np.pi)

    def density(mu, b):  # by formulas, which take a tenth of the time of SciPy's distributions
        slope = 2 / (np.pi * scale * (1 + (b / scale) ** 2))
        z = (Y - mu - b * r) / SE
        return np.exp(-0.5 * (mu**2 + z @ z)) / normal * slope * np.prod(1 / (normal * SE))

    total = nquad(density, [(-5, 5), (0, 60)], opts={"epsrel": 1e-7, "limit": 60})[0]
    assert evidence_of(fit, True, False, bias) == pytest.approx(np.log(total), abs=1e-6)


def test_the_other_side_is_the_mirror(fit):
    mirrored = robust_bayes(-Y, V, alternative="less")
    assert mirrored.log_evidence == pytest.approx(fit.log_evidence)
    assert mirrored.mean == pytest.approx(-fit.mean)
    assert (mirrored.ci_low, mirrored.ci_high) == pytest.approx((-fit.ci_high, -fit.ci_low))


def test_another_unit_changes_nothing_but_the_unit(fit):
    scaled = robust_bayes(3 * Y, 9 * V, scale=3.0)
    assert scaled.posterior == pytest.approx(fit.posterior)
    for name in ("mean", "ci_low", "ci_high", "conditional_mean", "tau_mean", "tau_high"):
        assert getattr(scaled, name) == pytest.approx(3 * getattr(fit, name))
    assert scaled.log_evidence == pytest.approx(fit.log_evidence - len(Y) * np.log(3))


def test_the_parts_belong_together(fit):
    assert fit.posterior.sum() == pytest.approx(1)
    assert fit.bf_bias == pytest.approx(fit.p_bias / (1 - fit.p_bias))
    assert fit.mean == pytest.approx(fit.conditional_mean * fit.p_effect)
    assert fit.ci_low <= fit.median <= fit.ci_high
    assert fit.largest_error < 3e-3
