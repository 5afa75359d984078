"""Bayesian meta-regression by quadrature: effects and moderators in, posteriors of coefficients out.

Given the heterogeneity tau, the coefficients are normal, so everything of interest is a one-dimensional
integral over tau (Röver & Friede 2023, Computer Methods and Programs in Biomedicine 229: 107303), as in
`bayes`: it runs over the logarithm of tau by the trapezoidal rule, exact to exponentially small terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import logsumexp

from trialpool.stats._tau_priors import Prior, TauPrior, is_pair, level_on_grid, mass_below, read_prior
from trialpool.stats.bayes import Mixture
from trialpool.stats.checks import Floats, comparable, finite, number, one_analysis, yes_or_no

SPAN, POINTS = 40.0, 4001  # how far the logarithm of tau is followed beyond errors and prior, and how finely


@dataclass(frozen=True, slots=True)
class BayesRegression:
    """Posterior of a meta-regression.

    Of every coefficient (p,) `estimate`, its median, `mean sd`, the central
    credible interval and the probability that it is below 0; `tau_*` the same of the residual heterogeneity;
    `log_evidence`, the log marginal likelihood (relative to a flat density of 1 for coefficients without a
    prior), with which models of the same priors are compared. `grid_*` hold the mixture all this is read
    from: weights and tau (n,), means (n, p) and covariances (n, p, p) of the coefficients."""

    estimate: Floats
    mean: Floats
    sd: Floats
    ci_low: Floats
    ci_high: Floats
    probability_below: Floats
    tau_median: float
    tau_mean: float
    tau_low: float
    tau_high: float
    log_evidence: float
    grid_weights: Floats
    grid_taus: Floats
    grid_means: Floats
    grid_covariances: Floats


def bayes_regression(
    effects: ArrayLike,
    variances: ArrayLike,
    design: ArrayLike,
    *,
    tau_prior: TauPrior = ("half_normal", 0.5),
    coefficient_priors: Sequence[tuple[float, float] | None] | None = None,
    intercept: bool = True,
    level: float = 0.95,
) -> BayesRegression:
    """Posterior of a random-effects meta-regression, by deterministic quadrature.

    `effects` and `variances` have shape (k,), `design` (k,) or (k, moderators); `intercept` puts a column of
    ones before it. `tau_prior` is as `bayes_pool` has it; `coefficient_priors` holds for every coefficient
    (mean, sd) of a normal prior or None for a flat one, by default flat ones. Raises ValueError for
    moderators that cannot be told apart.

    >>> fit = bayes_regression([0.1, 0.3, 0.35, 0.65], [0.04, 0.03, 0.05, 0.01], [1, 2, 3, 4])
    >>> [round(float(x), 3) for x in (fit.estimate[1], fit.ci_low[1], fit.ci_high[1])]
    [0.179, -0.098, 0.445]
    """
    y, v = one_analysis(effects, variances)
    comparable(v, float(np.ptp(y)))
    x = _design(design, len(y), yes_or_no("intercept", intercept))
    precision, centre, constant = _coefficient_priors(coefficient_priors, x.shape[1])
    size = np.abs(x).max(axis=0)
    known = np.diag(precision > 0)
    if np.linalg.matrix_rank(np.vstack([x / np.where(size > 0, size, 1.0), known])) < x.shape[1]:
        raise ValueError("design: its columns cannot be told apart by these trials")
    level = level_on_grid(level)
    prior = read_prior(tau_prior)
    u, log_tau, jacobian = _line(prior, y, v)
    tau, step = np.exp(log_tau), float(u[1] - u[0])
    w = 1 / (v + tau[:, None] ** 2)
    inverse = np.einsum("ki,nk,kj->nij", x, w, x) + np.diag(precision)
    covariance = np.linalg.inv(inverse)
    means = np.einsum("nij,nj->ni", covariance, (w * y) @ x + precision * centre)
    misfit = (w * (y - means @ x.T) ** 2).sum(axis=1) + ((means - centre) ** 2 * precision).sum(axis=1)
    flat = int((precision == 0).sum())
    height = 0.5 * (np.log(w).sum(axis=1) - np.linalg.slogdet(inverse)[1] - misfit) + constant
    height += -0.5 * (len(y) - flat) * np.log(2 * np.pi) + prior.of_log_tau(log_tau)
    height += jacobian
    evidence = float(logsumexp(height)) + float(np.log(step))
    weights = np.exp(height + np.log(step) - evidence)
    tails = np.array([0.5, (1 - level) / 2, (1 + level) / 2])
    at = _tau_quantiles(weights, u, tails)
    taus = prior.scale / (1 + np.exp(-at)) if prior.kind == "uniform" else np.exp(at)
    return _summed(weights, tau, means, covariance, taus, evidence, tails)


def _design(design: ArrayLike, k: int, intercept: bool) -> Floats:
    x = finite("design", design)
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or len(x) != k:
        raise ValueError(f"design has shape {x.shape}: needs a row for each of the {k} effects")
    return np.hstack([np.ones((k, 1)), x]) if intercept else x


def _coefficient_priors(
    priors: Sequence[tuple[float, float] | None] | None, count: int
) -> tuple[Floats, Floats, float]:
    """Precisions and means (p,) of the coefficients' priors, and the log constant of their densities."""
    known: Sequence[tuple[float, float] | None] = [None] * count if priors is None else priors
    if not isinstance(known, list | tuple) or len(known) != count:
        raise ValueError(f"coefficient_priors is {priors!r}: needs one for each of {count} coefficients")
    if not all(each is None or is_pair(each) for each in known):
        raise ValueError(f"coefficient_priors is {priors!r}: each must be (mean, sd) or None")
    pairs = [(0.0, np.inf) if each is None else each for each in known]
    centre = np.array([number("coefficient_priors", mean) for mean, _ in pairs])
    sds = np.array([sd if sd == np.inf else number("coefficient_priors", sd, above=0) for _, sd in pairs])
    precision = sds**-2.0
    return precision, centre, float(0.5 * np.log(precision[precision > 0]).sum())


def _line(prior: Prior, y: Floats, v: Floats) -> tuple[Floats, Floats, Floats]:
    """Even steps of a substitution u, the logarithm of tau there, and the log of its derivative by u.

    u is the logarithm of tau, of a uniform prior that of its odds, so that what is integrated decays.
    """
    base, own = 0.5 * float(np.log(v.min())), float(np.log(prior.scale))
    low = min(base, own) - SPAN
    if prior.kind == "uniform":
        u = np.linspace(low - own, SPAN, POINTS)
        return u, own - np.log1p(np.exp(-u)), -np.log1p(np.exp(u))
    high = max(base, float(np.log(np.ptp(y) + v.max() ** 0.5)), own) + SPAN
    if prior.kind == "half_normal":
        high = own + 3.0
    elif prior.logarithmic:
        low = (prior.location - (12.0 if prior.kind == "log_normal" else 150.0) * prior.scale) / 2
        high = max(high, (prior.location + 12.0 * prior.scale) / 2)
    u = np.linspace(low, high, POINTS)
    return u, u, np.zeros_like(u)


def _tau_quantiles(weights: Floats, u: Floats, tails: Floats) -> Floats:
    """Where the posterior of u reaches tails."""
    step = u[1] - u[0]
    kept = weights > 1e-16
    mass, at = weights[kept], u[kept]

    def excess(q: float, tail: float) -> float:
        return mass_below(q, mass, at, step) - tail

    ends = at[0] - 50 * step, at[-1] + 50 * step
    return np.array([brentq(excess, *ends, args=(tail,), xtol=1e-13) for tail in tails])


def _summed(
    weights: Floats,
    tau: Floats,
    means: Floats,
    covariance: Floats,
    taus: Floats,
    evidence: float,
    tails: Floats,
) -> BayesRegression:
    kept = weights > 1e-18
    weights, tau, means, covariance = weights[kept], tau[kept], means[kept], covariance[kept]
    sds = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    mixture = Mixture(np.broadcast_to(weights, sds.T.shape), means.T, sds.T)
    middle, low, high = mixture.quantiles(tails)
    mean, variance = mixture.moments()
    return BayesRegression(
        *(middle, mean, np.sqrt(variance), low, high, mixture.below(np.zeros(len(mean)))),
        *(float(taus[0]), float(weights @ tau), float(taus[1]), float(taus[2]), evidence),
        *(weights, tau, means, covariance),
    )
