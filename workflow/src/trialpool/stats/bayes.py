"""Bayesian random-effects meta-analysis by quadrature: the normal-normal model without sampling.

Given the heterogeneity tau, the posterior of the mean effect is normal, so everything of interest is a
one-dimensional integral over tau (Röver 2020, doi 10.18637/jss.v093.i06, sections 2.2 to 2.6). It runs over u
with tau = s sinh(u), s the smallest standard error: near zero that is linear, in the tail logarithmic, and
the integrand is analytic within pi/2 of the real line, so that Gauss-Legendre panels are exact to below 1e-8.
Priors of the logarithm of tau² have their mass on many scales: there tau = s exp(sinh(u)).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from trialpool.stats._numeric import Rows, roots
from trialpool.stats._tau_priors import Prior, TauPrior, is_pair, read_prior
from trialpool.stats.checks import Floats, a_fit, check_effects, check_level, finite, number, plain

SMALLEST, LARGEST = -700.0, 345.0  # logarithms of tau, within which its square is a number
PANEL_LENGTH = 1.25
FEWEST_PANELS, MOST_PANELS = 8, 320
RESOLVED = 1e-11
CHUNK_NUMBERS = 500_000
WIDEST = 1e25  # of the standard deviations of a mixture, in whose wider parts no quantile lies
SCAN_POINTS, SCAN_ROUNDS = 33, 5
DROP = 45.0  # of a log density, beyond which there is no mass
DIGITLESS = 1e9  # of a log density, beyond which its rounding shows in the density
POINTS, WEIGHTS = np.polynomial.legendre.leggauss(16)
# The first and the last two Legendre coefficients of the polynomial through the values at these points.
ENDS = np.array([0, 14, 15])
COEFFICIENTS = np.polynomial.legendre.legvander(POINTS, 15)[:, ENDS] * WEIGHTS[:, None] * (2 * ENDS + 1) / 2


@dataclass(frozen=True, slots=True)
class BayesPool:
    """Posterior of a random-effects meta-analysis; shapes are the leading axes of the effects.

    `estimate` is the posterior median of the mean effect, `mean` and `sd` its mean and standard deviation,
    `ci_low ci_high` its central credible interval; `tau_*` the same for the heterogeneity. `predictive_*`
    and `pi_*` describe the true effect of a new study, `shrunk_*` (…, k) those of the studies.
    `log_evidence` is the log marginal likelihood (relative to a flat density of 1 for a mean effect without
    a prior). `*_below` answer the threshold asked for (else NaN). A moment that does not exist is infinite.
    `grid_*` (…, n) hold the mixture all this is read from: the weight of each tau, and the mean and sd of
    the mean effect there.
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
    tau_prior: TauPrior = ("half_normal", 0.5),
    mu_prior: tuple[float, float] | None = None,
    level: float = 0.95,
    threshold: float | None = None,
) -> BayesPool:
    """Posterior of the normal-normal random-effects model, by deterministic quadrature.

    `effects` and `variances` have shape (…, k), k >= 1. `tau_prior` is ("half_normal", scale),
    ("half_cauchy", scale) or ("uniform", upper), or of the logarithm of τ² ("log_normal", mean, sd) (Turner
    et al. 2015) or ("log_t", location, scale) with 5 degrees of freedom (Rhodes et al. 2015); `mu_prior` is
    (mean, sd) of a normal prior of the mean effect, None a flat one. `threshold` asks for P(effect <
    threshold) of the mean and of a new study's effect. Source: Röver 2020, J Stat Software 93(6), equations
    8 to 13.

    >>> fit = bayes_pool([0.1, 0.3, 0.35, 0.65], [0.04, 0.03, 0.05, 0.01], threshold=0.0)
    >>> [round(float(x), 4) for x in (fit.estimate, fit.ci_low, fit.ci_high, fit.probability_below)]
    [0.3981, -0.0125, 0.7398, 0.0274]
    """
    y, v, _ = check_effects(effects, variances)
    check_level(level)
    asked = np.nan if threshold is None else number("threshold", threshold)
    leading, (y, v) = y.shape[:-1], (array.reshape(-1, array.shape[-1]) for array in (y, v))
    model = _model(y, v, tau_prior, mu_prior)
    rows = max(1, CHUNK_NUMBERS // (FEWEST_PANELS * POINTS.size * y.shape[1]))
    chunks = [model.take(np.arange(start, min(start + rows, len(y)))) for start in range(0, len(y), rows)]
    supports = [_support(chunk) for chunk in chunks]
    count = _panel_count(chunks, supports)
    fits = [_fit(chunk, *ends, count, level, asked) for chunk, ends in zip(chunks, supports, strict=True)]
    joined = {field.name: np.concatenate([fit[field.name] for fit in fits]) for field in fields(BayesPool)}
    return BayesPool(**{name: plain(a.reshape(leading + a.shape[1:])) for name, a in joined.items()})


def posterior_below(fit: BayesPool, x: ArrayLike) -> Floats:
    """P(mean effect < x) under a fit; x broadcasts with the fit's leading axes.

    >>> fit = bayes_pool([-0.2, 0.2], [0.1, 0.1])
    >>> round(float(posterior_below(fit, 0.0)), 12)
    0.5
    """
    a_fit(fit, BayesPool)
    return plain(Mixture(fit.grid_weights, fit.grid_means, fit.grid_sds).below(finite("x", x)))


def predictive_below(fit: BayesPool, x: ArrayLike) -> Floats:
    """P(true effect of a new study < x) under a fit; x broadcasts with the fit's leading axes.

    >>> fit = bayes_pool([-0.2, 0.2], [0.1, 0.1])
    >>> round(float(predictive_below(fit, 0.0)), 12)
    0.5
    """
    a_fit(fit, BayesPool)
    spread = np.hypot(fit.grid_sds, fit.grid_taus)
    return plain(Mixture(fit.grid_weights, fit.grid_means, spread).below(finite("x", x)))


PARTS = ("weights", "means", "sds")  # of a mixture


@dataclass(frozen=True, slots=True)
class Mixture:
    """Mixtures of normals, the components on the last axis."""

    weights: Floats
    means: Floats
    sds: Floats

    def below(self, x: Floats) -> Floats:
        """P(X < x), x on the axes before the last."""
        chances = self.weights * ndtr((x[..., None] - self.means) / self.sds)
        return np.asarray(chances.sum(axis=-1), dtype=np.float64)

    def moments(self) -> tuple[Floats, Floats]:
        """Mean and variance."""
        centre = (self.weights * self.means).sum(axis=-1)
        return centre, (self.weights * (self.sds**2 + (self.means - centre[..., None]) ** 2)).sum(axis=-1)

    def quantiles(self, tails: Floats) -> Floats:
        """Quantiles (tails, n) of the mixtures (n, components), sought from the normal at the median tau.

        All are sought at once: on single mixtures numpy's calls, not its arithmetic, are the time.
        """
        weights, means, sds = self.weights, self.means, self.sds
        middle = (np.cumsum(weights, axis=-1) < 0.5).sum(axis=-1, keepdims=True)
        mean, sd = (np.take_along_axis(part, middle, axis=-1)[:, 0] for part in (means, sds))
        mixture, tail = np.tile(np.arange(len(means)), len(tails)), np.repeat(tails, len(means))

        def excess(x: Floats, rows: Rows) -> tuple[Floats, Floats]:
            own = mixture[rows]
            weight, spread = weights[own], sds[own]
            z = (x[:, None] - means[own]) / spread
            slope = (weight * np.exp(-0.5 * z * z) / spread).sum(axis=-1) / np.sqrt(2 * np.pi)
            return (weight * ndtr(z)).sum(axis=-1) - tail[rows], slope

        normal = ndtri(tail)
        each = means + ndtri(tails)[:, None, None] * np.where(sds < WIDEST, sds, 0.0)
        low, high = each.min(axis=-1).ravel(), each.max(axis=-1).ravel()
        start = np.clip(mean[mixture] + normal * sd[mixture], low, high)
        return roots(excess, low, high, start, sds.min(axis=-1)[mixture]).reshape(len(tails), -1)


def prior_density(tau_prior: TauPrior, tau: ArrayLike) -> Floats:
    """Density of a prior of tau, as `bayes_pool` has them, at some tau not below 0.

    >>> [round(float(x), 4) for x in prior_density(("log_normal", -2.56, 1.74), [0.1, 0.3, 1.0])]
    [2.2982, 1.5227, 0.1554]
    """
    prior = read_prior(tau_prior)
    taus = np.maximum(finite("tau", tau, least=0), np.exp(SMALLEST / 2))  # at 0 the limit
    density = np.exp(prior.of_log_tau(np.log(taus)) - np.log(taus))
    return plain(np.where(taus <= prior.scale, density, 0.0) if prior.kind == "uniform" else density)


def tau_posterior(
    effects: Floats, variances: Floats, unit: float, tau_prior: TauPrior
) -> tuple[Floats, Floats]:
    """Weights (g,) and values (g,) of tau: its posterior from independent effects (k,) of the known mean 0.

    `unit` is the smallest standard error, near which tau is resolved. Without effects it is the prior.
    """
    prior = read_prior(tau_prior)
    s = np.array([min(unit, prior.scale) if prior.kind == "half_cauchy" else unit])
    model = _Model(effects[None], variances[None], s, prior, 0.0, np.inf)
    ends = _support(model)
    weights, tau = _grid(model, _nodes(*ends, _panel_count([model], [ends])))[:2]
    return weights[0], tau[0]


@dataclass(frozen=True, slots=True)
class _Model:
    """Data (rows, k), the substitution's scale s (rows), and the priors, of tau and of the mean: a flat one
    has precision 0, and one of infinite precision makes it known."""

    y: Floats
    v: Floats
    s: Floats
    prior: Prior
    prior_mean: float
    prior_precision: float

    @property
    def moments(self) -> int:
        """How many of tau's first two moments the posterior has: a half-Cauchy tail falls as tau^-(k+1).

        The tail of "log_t" falls no faster than the likelihood's tau^-(k-1) does.
        """
        if self.prior.kind not in ("half_cauchy", "log_t"):
            return 2
        return min(2, int(self.y.shape[-1]) - 1 + (self.prior_precision > 0))

    def take(self, rows: Rows) -> _Model:
        """A part of the data under the same priors."""
        return replace(self, y=self.y[rows], v=self.v[rows], s=self.s[rows])

    def tau(self, u: Floats) -> Floats:
        """Tau (rows, n) at some u of the substitution."""
        if self.prior.logarithmic:
            return np.asarray(self.s[:, None] * np.exp(np.sinh(u)))
        tau = self.s[:, None] * np.sinh(u)
        return np.asarray(np.minimum(tau, self.prior.scale) if self.prior.kind == "uniform" else tau)


def _model(y: Floats, v: Floats, tau_prior: TauPrior, mu_prior: tuple[float, float] | None) -> _Model:
    prior = read_prior(tau_prior)
    if mu_prior is not None and not is_pair(mu_prior):
        raise ValueError(f"mu_prior is {mu_prior!r}: must be (mean, sd), or None for a flat prior")
    mean, precision = 0.0, 0.0
    if mu_prior is not None:
        mean, sd = number("mu_prior", mu_prior[0]), number("mu_prior", mu_prior[1], above=0)
        precision = sd**-2
    s = np.sqrt(v.min(axis=-1))
    s = np.minimum(s, prior.scale) if prior.kind == "half_cauchy" else s
    return _Model(y, v, s, prior, mean, precision)


def _log_density(model: _Model, u: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Log posterior density (not normalised) of u, with tau, and mean and sd of the mean effect there."""
    tau = model.tau(u)
    height, mean, sd = _log_likelihood(model, tau)
    if model.prior.logarithmic:
        prior = model.prior.of_log_tau(np.log(model.s)[:, None] + np.sinh(u))
        return height + prior + np.log(np.cosh(u)), tau, mean, sd
    jacobian = np.log(model.s)[:, None] + np.log(np.cosh(u))
    return height + model.prior.of_tau(tau) + jacobian, tau, mean, sd


def _log_likelihood(model: _Model, tau: Floats) -> tuple[Floats, Floats, Floats]:
    """Log marginal likelihood of tau (rows, n), with mean and sd of the mean effect there."""
    total, k = model.v[:, None, :] + tau[:, :, None] ** 2, model.y.shape[-1]
    w = 1 / total
    if np.isinf(model.prior_precision):  # the mean is known
        q = (w * (model.y[:, None, :] - model.prior_mean) ** 2).sum(axis=-1)
        height = -0.5 * (np.log(total).sum(axis=-1) + q + k * np.log(2 * np.pi))
        return height, np.full_like(tau, model.prior_mean), np.zeros_like(tau)
    precision = w.sum(axis=-1) + model.prior_precision
    centre = model.y[:, :1]
    y = model.y - centre
    pulled = (model.prior_mean - centre) * model.prior_precision
    mean = ((w * y[:, None, :]).sum(axis=-1) + pulled) / precision
    q = (w * (y[:, None, :] - mean[:, :, None]) ** 2).sum(axis=-1)
    q += model.prior_precision * (mean + centre - model.prior_mean) ** 2
    height = -0.5 * (np.log(total).sum(axis=-1) + np.log(precision) + q + (k - 1) * np.log(2 * np.pi))
    if model.prior_precision:
        height += 0.5 * np.log(model.prior_precision / (2 * np.pi))
    return height, mean + centre, 1 / np.sqrt(precision)


def _support(model: _Model) -> tuple[Floats, Floats]:
    """The interval of u outside which neither the density nor its existing moments have any mass.

    Zooming in a few rounds finds a bump thousands of times narrower than the first interval.
    """
    low, high = _whole(model)
    rows = np.arange(low.size)
    for _ in range(SCAN_ROUNDS):
        u = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, SCAN_POINTS)
        height = _log_density(model, u)[0]
        size = np.sinh(u) if model.prior.logarithmic else np.log(np.maximum(np.sinh(u), 1e-300))
        moment = height + model.moments * size
        kept = np.any([h > h.max(axis=-1, keepdims=True) - DROP for h in (height, moment)], axis=0)
        first = np.maximum(kept.argmax(axis=-1) - 1, 0)
        last = np.minimum(SCAN_POINTS - kept[:, ::-1].argmax(axis=-1), SCAN_POINTS - 1)
        low, high = u[rows, first], u[rows, last]
    if height.max(axis=-1).min() < -DIGITLESS:
        raise ValueError("effects: they lie so far apart that this tau_prior (or mu_prior) rules them out")
    return low, high


def _whole(model: _Model) -> tuple[Floats, Floats]:
    """The interval of u on which the density is sought."""
    if model.prior.logarithmic:
        base = np.log(model.s)
        return np.arcsinh(SMALLEST - base), np.arcsinh(LARGEST - base)
    known = model.y.size > 0  # or there is nothing but the prior
    spread = np.ptp(model.y, axis=-1) + np.sqrt(model.v.max(axis=-1)) if known else model.s
    farthest = {
        "half_normal": np.full_like(spread, 13 * model.prior.scale),
        "half_cauchy": np.maximum(spread, model.prior.scale) * 1e21,
        "uniform": np.full_like(spread, model.prior.scale),
    }[model.prior.kind]
    return np.zeros_like(spread), np.arcsinh(farthest / model.s)


def _nodes(low: Floats, high: Floats, count: int) -> tuple[Floats, Floats]:
    """Points and weights (rows, count * 16) of `count` equal Gauss-Legendre panels on intervals (rows)."""
    half = (high - low) / (2 * count)
    middles = low[:, None] + half[:, None] * (2 * np.arange(count) + 1)
    points = middles[:, :, None] + half[:, None, None] * POINTS
    weights = np.broadcast_to(half[:, None, None] * WEIGHTS, points.shape)
    return points.reshape(low.size, -1), weights.reshape(low.size, -1)


def _panel_count(chunks: list[_Model], supports: list[tuple[Floats, Floats]]) -> int:
    """One number of panels for all: doubled until the last Legendre coefficients of each are negligible."""
    longest = max(float((high - low).max()) for low, high in supports)
    count = max(FEWEST_PANELS, int(np.ceil(longest / PANEL_LENGTH)))
    for chunk, (low, high) in zip(chunks, supports, strict=True):
        while count < MOST_PANELS:
            height = _log_density(chunk, _nodes(low, high, count)[0])[0]
            density = np.exp(height - height.max(axis=-1, keepdims=True))
            found = np.abs(density.reshape(low.size, count, -1) @ COEFFICIENTS)
            if (found[..., 1:].max(axis=(1, 2)) < RESOLVED * found[..., 0].sum(axis=1)).all():
                break
            count = min(2 * count, MOST_PANELS)
    return count


def _grid(model: _Model, nodes: tuple[Floats, Floats]) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Weights (rows, n) at the points of a quadrature, tau, mean and sd there; the log evidence (rows)."""
    points, widths = nodes
    height, tau, mean, sd = _log_density(model, points)
    peak = height.max(axis=-1, keepdims=True)
    weights = np.exp(height - peak) * widths
    mass = weights.sum(axis=-1, keepdims=True)
    weights /= mass
    return weights, tau, mean, sd, (peak + np.log(mass))[:, 0]


def _fit(
    model: _Model, low: Floats, high: Floats, count: int, level: float, threshold: float
) -> dict[str, Floats]:
    points, _ = nodes = _nodes(low, high, count)
    weights, tau, mean, sd, evidence = _grid(model, nodes)
    tails, asked = np.array([0.5, (1 - level) / 2, (1 + level) / 2]), np.full(len(low), threshold)
    posterior, new = Mixture(weights, mean, sd), Mixture(weights, mean, np.hypot(sd, tau))
    centre, variance = posterior.moments()
    tau_mean = (weights * tau).sum(axis=-1)
    record = {
        "log_evidence": evidence,
        "grid_weights": weights,
        "grid_taus": tau,
        "grid_means": mean,
        "grid_sds": sd,
        "probability_below": posterior.below(asked),
        "predictive_probability_below": new.below(asked),
        "mean": centre,
        "sd": np.sqrt(variance),
        "tau_mean": tau_mean,
        "tau_sd": np.sqrt((weights * (tau - tau_mean[:, None]) ** 2).sum(axis=-1)),
        "predictive_sd": np.sqrt(variance + (weights * tau**2).sum(axis=-1)),
    }
    never = ("sd", "tau_sd", "predictive_sd", "tau_mean")[: (4, 3, 0)[model.moments]]
    bounded = {"sd"} if model.prior_precision else set()  # by the prior of the mean
    record |= {name: np.full_like(centre, np.inf) for name in set(never) - bounded}
    start = (np.cumsum(weights, axis=-1) < tails[:, None, None]).sum(axis=-1)
    start = np.take_along_axis(points, np.minimum(start.T, points.shape[1] - 1), axis=-1).T
    taus = _tau_quantiles(model, low, high, count, evidence, start, tails)
    record |= zip(("tau_median", "tau_low", "tau_high"), taus, strict=True)
    both = Mixture(*(np.concatenate([getattr(each, part) for each in (posterior, new)]) for part in PARTS))
    own, predictive = np.split(both.quantiles(tails), 2, axis=1)
    record |= zip(("estimate", "ci_low", "ci_high"), own, strict=True)
    record |= zip(("predictive_median", "pi_low", "pi_high"), predictive, strict=True)
    return record | _shrunk(model, posterior, tau, tails[1:])


def _shrunk(model: _Model, posterior: Mixture, tau: Floats, tails: Floats) -> dict[str, Floats]:
    """The studies' own effects: each is drawn towards the mean effect by v/(v + tau²), given tau."""
    v, y, tau2 = model.v[:, :, None], model.y[:, :, None], tau[:, None, :] ** 2
    pull = v / (v + tau2)
    means = y + pull * (posterior.means[:, None, :] - y)
    sds = np.sqrt(pull * tau2 + (pull * posterior.sds[:, None, :]) ** 2)
    parts = (np.broadcast_to(posterior.weights[:, None, :], means.shape), means, sds)
    own = Mixture(*(part.reshape(-1, tau.shape[1]) for part in parts))
    shrunk = (*own.quantiles(tails), own.moments()[0], np.sqrt(own.moments()[1]))
    names = ("shrunk_low", "shrunk_high", "shrunk_mean", "shrunk_sd")
    return {n: part.reshape(model.y.shape) for n, part in zip(names, shrunk, strict=True)}


def _tau_quantiles(
    model: _Model, low: Floats, high: Floats, count: int, evidence: Floats, start: Floats, tails: Floats
) -> Floats:
    """Where the integral of the density reaches tails (tails, rows), panels laid up to each point tried."""
    model_of, tail = np.tile(np.arange(low.size), len(tails)), np.repeat(tails, low.size)

    def excess(u: Floats, rows: Rows) -> tuple[Floats, Floats]:
        its = model_of[rows]
        part, own = model.take(its), evidence[its, None]
        points, widths = _nodes(low[its], u, count)
        mass = (np.exp(_log_density(part, points)[0] - own) * widths).sum(axis=-1)
        return mass - tail[rows], np.exp(_log_density(part, u[:, None])[0] - own)[:, 0]

    u = roots(excess, low[model_of], high[model_of], start.ravel(), np.zeros(start.size))
    at = u.reshape(start.shape)
    return np.asarray(model.s * (np.exp(np.sinh(at)) if model.prior.logarithmic else np.sinh(at)))
