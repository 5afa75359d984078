"""Bayesian random-effects meta-analysis by quadrature: the normal-normal model without sampling.

Given the heterogeneity tau, the posterior of the mean effect is normal, so everything of interest is a
one-dimensional integral over tau (Röver 2020, doi 10.18637/jss.v093.i06, sections 2.2 to 2.6). The
integral runs over u with tau = s sinh(u), s the smallest standard error: near zero that is linear, in the
tail logarithmic, and the integrand is analytic within pi/2 of the real line whatever the data, which is
what makes a fixed number of Gauss-Legendre panels exact to far below 1e-8.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from trialpool.stats.bayes_model import (
    Model,
    check_mu_prior,
    check_tau_prior,
    finite_moments,
    log_density,
    rows_of,
    support,
)
from trialpool.stats.checks import Floats, check_effects, check_level, finite, plain
from trialpool.stats.quadrature import (
    Panels,
    make_panels,
    mixture_below,
    mixture_quantile,
    panel_quantiles,
    roughness,
)

PANEL_LENGTH = 1.25
FEWEST_PANELS, MOST_PANELS = 8, 320
RESOLVED = 1e-11
CHUNK_NUMBERS = 2_000_000


@dataclass(frozen=True, slots=True)
class BayesPool:
    """Posterior of a random-effects meta-analysis; shapes are the leading axes of the effects.

    `estimate` is the posterior median of the mean effect, `mean` and `sd` its mean and standard
    deviation, `ci_low ci_high` its central credible interval; `tau_*` the same for the heterogeneity.
    `predictive_*` and `pi_*` describe the true effect of a new study. `shrunk_*` (…, k) describe the true
    effects of the studies. `log_evidence` is the log marginal likelihood (relative to a flat density of
    1 for the mean effect when it has no prior). `probability_below` and `predictive_probability_below`
    answer the threshold asked for (NaN if none was). A moment that does not exist is infinite: with a
    half-Cauchy prior and flat mean, the sds need three studies, the mean of tau two.

    `grid_*` (…, n) hold the mixture all this is read from: the weight of each tau, and the mean and sd
    of the mean effect there.
    """

    estimate: Floats
    mean: Floats
    sd: Floats
    ci_low: Floats
    ci_high: Floats
    tau_median: Floats
    tau_mean: Floats
    tau_sd: Floats
    tau_low: Floats
    tau_high: Floats
    predictive_median: Floats
    predictive_sd: Floats
    pi_low: Floats
    pi_high: Floats
    shrunk_mean: Floats
    shrunk_sd: Floats
    shrunk_low: Floats
    shrunk_high: Floats
    probability_below: Floats
    predictive_probability_below: Floats
    log_evidence: Floats
    grid_weights: Floats
    grid_taus: Floats
    grid_means: Floats
    grid_sds: Floats


def bayes_pool(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    tau_prior: tuple[str, float] = ("half_normal", 0.5),
    mu_prior: tuple[float, float] | None = None,
    level: float = 0.95,
    threshold: float | None = None,
) -> BayesPool:
    """Posterior of the normal-normal random-effects model, by deterministic quadrature.

    `effects` and `variances` have shape (…, k), k >= 1. `tau_prior` is ("half_normal", scale),
    ("half_cauchy", scale) or ("uniform", upper); `mu_prior` is (mean, sd) of a normal prior of the mean
    effect, None a flat one. `threshold` asks for P(effect < threshold) of the mean and of a new study's
    effect. Faulty input is a ValueError. Source: Röver 2020, J Stat Software 93(6), equations 8 to 13.

    >>> fit = bayes_pool([0.1, 0.3, 0.35, 0.65], [0.04, 0.03, 0.05, 0.01], threshold=0.0)
    >>> [round(float(x), 4) for x in (fit.estimate, fit.ci_low, fit.ci_high, fit.probability_below)]
    [0.3981, -0.0125, 0.7398, 0.0274]
    """
    y, v = check_effects(effects, variances)
    check_level(level)
    asked = np.nan if threshold is None else float(finite("threshold", threshold))
    kind, scale = check_tau_prior(tau_prior)
    prior_mean, prior_precision = check_mu_prior(mu_prior)
    flat_y, flat_v = y.reshape(-1, y.shape[-1]), v.reshape(-1, y.shape[-1])
    s = np.sqrt(flat_v.min(axis=-1))
    if kind == "half_cauchy":
        s = np.minimum(s, scale)
    model = Model(flat_y, flat_v, s, kind, scale, prior_mean, prior_precision)
    rows = max(1, CHUNK_NUMBERS // (FEWEST_PANELS * 16 * y.shape[-1]))
    chunks = [rows_of(model, slice(start, start + rows)) for start in range(0, flat_y.shape[0], rows)]
    supports = [support(chunk) for chunk in chunks]
    count = _panel_count(chunks, supports)
    fits = [
        _fit(chunk, make_panels(low, high, count), level, asked)
        for chunk, (low, high) in zip(chunks, supports, strict=True)
    ]
    return _join(fits, y.shape[:-1])


def posterior_below(fit: BayesPool, x: ArrayLike) -> Floats:
    """P(mean effect < x) under a fit; x broadcasts with the fit's leading axes.

    >>> fit = bayes_pool([-0.2, 0.2], [0.1, 0.1])
    >>> round(float(posterior_below(fit, 0.0)), 12)
    0.5
    """
    at = finite("x", x)
    return plain(mixture_below(at, fit.grid_weights, fit.grid_means, fit.grid_sds))


def predictive_below(fit: BayesPool, x: ArrayLike) -> Floats:
    """P(true effect of a new study < x) under a fit; x broadcasts with the fit's leading axes.

    >>> fit = bayes_pool([-0.2, 0.2], [0.1, 0.1])
    >>> round(float(predictive_below(fit, 0.0)), 12)
    0.5
    """
    at = finite("x", x)
    spread = np.hypot(fit.grid_sds, fit.grid_taus)
    return plain(mixture_below(at, fit.grid_weights, fit.grid_means, spread))


def _panel_count(chunks: list[Model], supports: list[tuple[Floats, Floats]]) -> int:
    """One number of panels for all: from the longest support, doubled until every density is resolved."""
    longest = max(float((high - low).max()) for low, high in supports)
    count = max(FEWEST_PANELS, int(np.ceil(longest / PANEL_LENGTH)))
    for chunk, (low, high) in zip(chunks, supports, strict=True):
        while count < MOST_PANELS:
            height = log_density(chunk, make_panels(low, high, count).points)[0]
            if roughness(np.exp(height - height.max(axis=-1, keepdims=True))) < RESOLVED:
                break
            count = min(2 * count, MOST_PANELS)
    return count


def _fit(model: Model, panels: Panels, level: float, threshold: float) -> dict[str, Floats]:
    height, tau, mean, sd = log_density(model, panels.points)
    peak = height.max(axis=-1, keepdims=True)
    density = np.exp(height - peak)
    mass = (density * panels.weights).sum(axis=-1, keepdims=True)
    weights = density * panels.weights / mass
    tails = np.array([0.5, (1 - level) / 2, (1 + level) / 2])
    tau_at = model.s[:, None] * np.sinh(panel_quantiles(panels, density, tails))
    record = {
        "log_evidence": (peak + np.log(mass))[:, 0],
        "tau_median": tau_at[:, 0],
        "tau_low": tau_at[:, 1],
        "tau_high": tau_at[:, 2],
        "grid_weights": weights,
        "grid_taus": tau,
        "grid_means": mean,
        "grid_sds": sd,
    }
    spread = np.hypot(sd, tau)
    record |= _moments(weights, tau, mean, sd, finite_moments(model))
    record |= _quantiles(("estimate", "ci_low", "ci_high"), tails, weights, mean, sd)
    record |= _quantiles(("predictive_median", "pi_low", "pi_high"), tails, weights, mean, spread)
    record |= _shrunk(model, weights, tau, mean, sd, tails)
    asked = np.full(weights.shape[0], threshold)
    record["probability_below"] = mixture_below(asked, weights, mean, sd)
    record["predictive_probability_below"] = mixture_below(asked, weights, mean, spread)
    return record


def _moments(weights: Floats, tau: Floats, mean: Floats, sd: Floats, finite: int) -> dict[str, Floats]:
    centre = (weights * mean).sum(axis=-1)
    tau_mean = (weights * tau).sum(axis=-1)
    between = (weights * tau**2).sum(axis=-1)
    variance = (weights * (sd**2 + (mean - centre[:, None]) ** 2)).sum(axis=-1)
    tau_variance = (weights * (tau - tau_mean[:, None]) ** 2).sum(axis=-1)
    never = np.full_like(centre, np.inf)
    return {
        "mean": centre,
        "sd": np.sqrt(variance) if finite > 1 else never,
        "tau_mean": tau_mean if finite > 0 else never,
        "tau_sd": np.sqrt(tau_variance) if finite > 1 else never,
        "predictive_sd": np.sqrt(variance + between) if finite > 1 else never,
    }


def _quantiles(
    names: tuple[str, ...], tails: Floats, weights: Floats, means: Floats, sds: Floats
) -> dict[str, Floats]:
    """Quantiles of a mixture, each started from the component at the median tau."""
    middle = (np.cumsum(weights, axis=-1) < 0.5).sum(axis=-1, keepdims=True)
    mean, sd = (np.take_along_axis(part, middle, axis=-1)[..., 0] for part in (means, sds))
    return {
        name: mixture_quantile(float(tail), weights, means, sds, mean + ndtri(tail) * sd)
        for name, tail in zip(names, tails, strict=True)
    }


def _shrunk(
    model: Model, weights: Floats, tau: Floats, mean: Floats, sd: Floats, tails: Floats
) -> dict[str, Floats]:
    """The studies' own true effects: given tau, each is drawn towards the mean effect by v / (v + tau²)."""
    v, tau2 = model.v[:, :, None], tau[:, None, :] ** 2
    pull = v / (v + tau2)
    means = model.y[:, :, None] + pull * (mean[:, None, :] - model.y[:, :, None])
    sds = np.sqrt(pull * tau2 + (pull * sd[:, None, :]) ** 2)
    own = np.broadcast_to(weights[:, None, :], means.shape)
    centre = (own * means).sum(axis=-1)
    variance = (own * (sds**2 + (means - centre[:, :, None]) ** 2)).sum(axis=-1)
    interval = _quantiles(("shrunk_low", "shrunk_high"), tails[1:], own, means, sds)
    return {"shrunk_mean": centre, "shrunk_sd": np.sqrt(variance), **interval}


def _join(fits: list[dict[str, Floats]], leading: tuple[int, ...]) -> BayesPool:
    joined = {
        name: plain(np.concatenate([fit[name] for fit in fits]).reshape(leading + fits[0][name].shape[1:]))
        for name in (field.name for field in fields(BayesPool))
    }
    return BayesPool(**joined)
