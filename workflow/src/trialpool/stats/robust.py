"""Robust Bayesian meta-analysis: effect and variances in, an average over models of publication bias out.

36 models, effect or none, heterogeneity or none, and no bias, six weight functions of p-values, PET or PEESE,
are weighed by their marginal likelihoods (RoBMA-PSMA, Bartoš, Maier, Wagenmakers, Doucouliagos & Stanley
2023, Res Synth Methods 14: 99-116, table 1). What RoBMA samples is integrated here: the mean effect of a
linear model by its formula, the logarithm of tau and the mean under selection by the trapezoidal rule, which
is exact to exponentially small terms for what decays at both ends, weights and slopes by Gauss-Legendre
quadrature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import gammaln, logsumexp, ndtr, ndtri

from trialpool.stats import checks
from trialpool.stats._tau_priors import Prior, level_on_grid, mass_below, read_prior
from trialpool.stats.checks import Bools, Floats, number, one_analysis, one_of

LOG_2PI = float(np.log(2 * np.pi))
# Of every weight function the one-sided p-values at which the weight changes, and the weights of the bands.
FUNCTIONS: dict[str, tuple[tuple[float, ...], tuple[int, ...]]] = {
    "two-sided .05": ((0.025, 0.975), (0, 1, 0)),
    "two-sided .05, .10": ((0.025, 0.05, 0.95, 0.975), (0, 1, 2, 1, 0)),
    "one-sided .05": ((0.05,), (0, 1)),
    "one-sided .025, .05": ((0.025, 0.05), (0, 1, 2)),
    "one-sided .05, .50": ((0.05, 0.5), (0, 1, 2)),
    "one-sided .025, .05, .50": ((0.025, 0.05, 0.5), (0, 1, 2, 3)),
}
TAU_PRIORS = ("inverse_gamma", "half_normal")
SLOPES = {"PET": 1.0, "PEESE": 5.0}  # the scales of their half-Cauchy priors
NONE = "none"
SHARES = {NONE: 1 / 2} | dict.fromkeys(FUNCTIONS, 1 / 24) | dict.fromkeys(SLOPES, 1 / 8)
SEARCHED, ROUNDS, DROP = 13, 9, 28.0  # points of a search, how often it zooms in, log density without mass
COARSE, DOUBLINGS = 17, 2  # points an axis of the first grid, how often it may be made twice as fine
ORDERS, STEEPNESS = (8, 12, 18, 26), 4  # quadrature points of a weight; it is their power, as it may be tiny
# Of two logarithms of a marginal likelihood: the error of the finer is its square.
CLOSE, SETTLED = 3e-3, 1e-4
MATTERS = 18.0  # of a log density, below whose top a rough number is enough
SLOPE_POINTS = 48
FACTORS = 8  # probabilities that are multiplied before a logarithm is taken
CHUNK_NUMBERS = 200_000
NO_MASS = 1e-13


@dataclass(frozen=True, slots=True)
class RobustBayes:
    """The average over models of effect, heterogeneity and publication bias.

    `mean` is that of the averaged posterior of the effect, in which models without an effect say 0;
    `median ci_low ci_high` its quantiles; `conditional_*` are those given an effect. `tau_*` say the same of
    the heterogeneity. `p_effect p_heterogeneity p_bias` are posterior probabilities, `bf_*` the inclusion
    Bayes factors (posterior over prior odds), infinite beyond 1e308. Of the models (m,): `effect
    heterogeneity bias`, what each holds, `prior posterior`, its probabilities, `log_evidence`, its log
    marginal likelihood, and `model_mean`, its mean effect. `largest_error` is the largest change of a log
    marginal likelihood when its grid was made twice as fine.
    """

    mean: float
    median: float
    ci_low: float
    ci_high: float
    conditional_mean: float
    conditional_low: float
    conditional_high: float
    tau_mean: float
    tau_low: float
    tau_high: float
    p_effect: float
    p_heterogeneity: float
    p_bias: float
    bf_effect: float
    bf_heterogeneity: float
    bf_bias: float
    effect: tuple[bool, ...]
    heterogeneity: tuple[bool, ...]
    bias: tuple[str, ...]
    prior: Floats
    posterior: Floats
    log_evidence: Floats
    model_mean: Floats
    largest_error: float


def robust_bayes(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    scale: float = 1.0,
    tau_prior: tuple[str, float] = ("inverse_gamma", 0.15),
    effect_sd: float = 1.0,
    alternative: str = "greater",
    level: float = 0.95,
) -> RobustBayes:
    """Robust Bayesian meta-analysis (RoBMA-PSMA) by deterministic quadrature.

    `effects` and `variances` have shape (k,). Priors are those of RoBMA-PSMA, on the scale of
    standardised mean differences: normal (0, `effect_sd`) of the effect, inverse gamma (1, 0.15) of τ
    (`tau_prior` ("inverse_gamma", scale) or ("half_normal", scale)), half-Cauchy (1) and (5) of the slopes of
    PET and PEESE, cumulative Dirichlet (1, …) of the weights. `scale` is the unit of the effects: what a
    standardised mean difference of 1 is in them (π/√3 for log odds ratios), by which all priors are moved.
    `alternative` says on which side published results lie, "greater" or "less".

    >>> fit = robust_bayes([0.2, 0.25, 0.1, 0.3], [0.01, 0.02, 0.004, 0.03])
    >>> round(fit.bf_bias, 2), round(fit.p_effect, 2)
    (6.48, 0.27)
    """
    y, v = one_analysis(effects, variances)
    one_of("alternative", alternative, ("greater", "less"))
    level = level_on_grid(level)
    tau = read_prior(tau_prior, TAU_PRIORS, ())
    unit, prior = number("scale", scale, above=0), _Priors(number("effect_sd", effect_sd, above=0), tau)
    _comparable(y, v, unit, prior)
    sign = 1.0 if alternative == "greater" else -1.0
    y, se = sign * y / unit, np.sqrt(v) / unit
    keys = list(product((False, True), (False, True), SHARES))
    fits = [_fitted(_Model(y, se, prior, *key)) for key in keys]
    return _averaged(keys, fits, sign * unit, -len(y) * float(np.log(unit)), level)


@dataclass(frozen=True, slots=True)
class _Priors:
    """Of the effect, normal with this standard deviation, and of tau."""

    effect_sd: float
    tau: Prior


def _comparable(y: Floats, v: Floats, unit: float, prior: _Priors) -> None:
    """Refuse effects, errors and priors between which rounding leaves no digits."""
    checks.comparable(v, float(np.ptp(y)))
    sizes = np.array([unit * prior.effect_sd, unit * prior.tau.scale, np.sqrt(v.min()), np.sqrt(v.max())])
    if max(float(sizes.max()), float(np.abs(y).max())) > float(sizes.min()) * checks.FURTHEST**0.5:
        raise ValueError("effects, variances: they and the priors on this scale lie too far apart")


@dataclass(frozen=True, slots=True)
class _Model:
    """Effects and standard errors (k,), priors, and what the model holds."""

    y: Floats
    se: Floats
    prior: _Priors
    effect: bool
    heterogeneity: bool
    bias: str

    def taus(self, t: Floats) -> tuple[Floats, Floats]:
        """Tau at points of a grid, and the log prior there; without heterogeneity it is 0."""
        if not self.heterogeneity:
            return np.zeros_like(t), np.zeros_like(t)
        return np.exp(t), self.prior.tau.of_log_tau(t)

    def linear(self, tau: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Weights (n, k) at tau (n,), the mean effect's precision, mean and sd if all is published."""
        w = 1 / (self.se**2 + tau[:, None] ** 2)
        precision = w.sum(axis=1) + self.prior.effect_sd**-2
        return w, precision, (w @ self.y) / precision, 1 / np.sqrt(precision)


@dataclass(frozen=True, slots=True)
class _Posterior:
    """A model's log marginal likelihood and its posterior at points.

    These are: their weights (n,), the mean effect there,
    the width of the kernel around it, whether that is the normal one or that of a grid, the logarithm of tau,
    with the step of its grid; and how much the log marginal likelihood still changed."""

    log_evidence: float
    weights: Floats
    means: Floats
    widths: Floats
    normal: bool
    log_taus: Floats
    step: float
    change: float


def _fitted(model: _Model) -> _Posterior:
    """The posterior of one model: its grid is made finer until its marginal likelihood stays."""
    selected = model.bias in FUNCTIONS
    order = _order(model) if selected else 0
    ends = _support(model, order)
    before, points = np.inf, COARSE
    for _ in range(DOUBLINGS + 1):
        found = _on_grid(model, ends, points, order)
        change = abs(found.log_evidence - before)
        if change < CLOSE or not ends:
            break
        before, points = found.log_evidence, 2 * points - 1
    return replace(found, change=change if ends else 0.0)


def _axes(model: _Model) -> list[tuple[float, float]]:
    """The widest interval of each axis of a grid: the effect in standard deviations, the logarithm of tau."""
    axes = []
    if model.effect and model.bias in FUNCTIONS:
        _, _, mean, sd = model.linear(np.zeros(1))
        reach = float((10 * model.prior.effect_sd + np.abs(mean)[0]) / sd[0])
        axes.append((-reach, reach))
    if model.heterogeneity:
        small, large = min(model.se.min(), model.prior.tau.scale), max(model.se.max(), model.prior.tau.scale)
        axes.append((float(np.log(small)) - 35, float(np.log(large + np.ptp(model.y))) + 35))
    return axes


def _support(model: _Model, order: int) -> list[tuple[float, float]]:
    """The intervals of the axes outside which there is no mass, by zooming in."""
    ends = _axes(model)
    for _ in range(ROUNDS if ends else 0):
        lines = [np.linspace(*end, SEARCHED) for end in ends]
        density = _densities(model, lines, min(order, ORDERS[0]))[0]
        kept = density > density.max() - DROP
        for axis, line in enumerate(lines):
            at = np.flatnonzero(kept.any(axis=tuple(set(range(density.ndim)) - {axis})))
            ends[axis] = float(line[max(at[0] - 1, 0)]), float(line[min(at[-1] + 1, SEARCHED - 1)])
    return ends


def _order(model: _Model) -> int:
    """How many quadrature points a weight needs: those that no longer change the marginal likelihood."""
    ends = _support(model, ORDERS[0])
    before = np.inf
    for order in ORDERS:
        found = _on_grid(model, ends, COARSE, order).log_evidence
        if abs(found - before) < SETTLED:
            break
        before = found
    return order


def _on_grid(model: _Model, ends: list[tuple[float, float]], points: int, order: int) -> _Posterior:
    """The posterior on a grid of so many points an axis, by the trapezoidal rule."""
    lines = [np.linspace(*end, points) for end in ends]
    steps = [float(line[1] - line[0]) for line in lines]
    density, means, widths, log_taus = _densities(model, lines, order)
    log_evidence = float(logsumexp(density)) + float(np.log(steps).sum())
    weights = np.exp(density - logsumexp(density)).ravel()
    normal = model.bias not in FUNCTIONS
    if model.effect and not normal:
        widths = widths * steps[0]
    step = steps[-1] if model.heterogeneity else 0.0
    parts = (np.broadcast_to(part, density.shape).ravel() for part in (means, widths, log_taus))
    means, widths, log_taus = parts
    return _Posterior(log_evidence, weights, means, widths, normal, log_taus, step, 0.0)


def _densities(model: _Model, lines: list[Floats], order: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Log of prior times likelihood on a grid; mean effect, width of its kernel, log tau there."""
    t = lines[-1] if model.heterogeneity else np.zeros(1)
    if model.bias in FUNCTIONS:
        x = lines[0] if model.effect else np.zeros(1)
        density, means, widths = _selected(model, x[:, None] + 0 * t, t + 0 * x[:, None], order)
        shape = tuple(line.size for line in lines) or (1,)
        grid = (density, means, widths, t + 0 * x[:, None])
        return tuple(part.reshape(shape) for part in grid)  # type: ignore[return-value]
    if model.bias in SLOPES:
        return _regressed(model, t)
    density, means, widths = _unbiased(model, t)
    return density, means, widths, t


def _unbiased(model: _Model, t: Floats) -> tuple[Floats, Floats, Floats]:
    """All is published: the mean effect integrated by its formula, or 0."""
    tau, prior = model.taus(t)
    w, precision, mean, sd = model.linear(tau)
    height = prior + 0.5 * np.log(w).sum(axis=1) - 0.5 * (w @ model.y**2) - 0.5 * len(model.y) * LOG_2PI
    if not model.effect:
        return height, np.zeros_like(t), np.zeros_like(t)
    height += 0.5 * precision * mean**2 - 0.5 * np.log(precision) - np.log(model.prior.effect_sd)
    return height, mean, sd


def _regressed(model: _Model, t: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Effects grow with standard error (PET) or variance (PEESE): as the above given the slope, which is
    integrated over the angle whose tangent it is, on which its prior is uniform; shapes (t, slopes)."""
    tau, _ = model.taus(t)
    w, precision, mean, sd = model.linear(tau)
    r, scale = model.se if model.bias == "PET" else model.se**2, SLOPES[model.bias]
    level, _, _ = _unbiased(model, t)
    pull = (w @ r) / precision if model.effect else np.zeros_like(t)  # of the mean by the slope
    a = w @ r**2 - precision * pull**2
    b = w @ (r * model.y) - precision * pull * mean
    best, reach = b / a, np.sqrt(2 * DROP / a)
    start = np.maximum(best, 0.0)
    high = best + np.hypot(start - best, reach)
    low = np.maximum(best - reach, 0.0)
    angles = np.arctan(np.stack([low, high]) / scale)
    nodes, widths = np.polynomial.legendre.leggauss(SLOPE_POINTS)
    half = (angles[1] - angles[0])[:, None] / 2
    slope = scale * np.tan(angles.mean(axis=0)[:, None] + half * nodes)
    density = level[:, None] + slope * b[:, None] - 0.5 * slope**2 * a[:, None]
    density += np.log(2 / np.pi * half * widths)
    means = mean[:, None] - pull[:, None] * slope if model.effect else np.zeros_like(slope)
    return density, means, (sd if model.effect else 0 * sd)[:, None], t[:, None]


def _selected(model: _Model, x: Floats, t: Floats, order: int) -> tuple[Floats, Floats, Floats]:
    """Results are published by their p-values: the weights are integrated; x and t have one shape."""
    tau, prior = model.taus(t.ravel())
    w, _, centre, sd = model.linear(tau)
    mean = centre + sd * x.ravel() if model.effect else np.zeros(x.size)
    misfit = (w * (model.y - mean[:, None]) ** 2).sum(axis=1)
    height = prior + 0.5 * np.log(w).sum(axis=1) - 0.5 * misfit - 0.5 * len(model.y) * LOG_2PI
    if model.effect:
        own = model.prior.effect_sd
        height += np.log(sd / own) - 0.5 * (mean / own) ** 2 - 0.5 * LOG_2PI
    cuts, of = FUNCTIONS[model.bias]
    borders = np.concatenate([[np.inf], -ndtri(cuts), [-np.inf]])  # of y / se, from the smallest p-value on
    bands = (borders[:-1, None] > model.y / model.se) & (model.y / model.se >= borders[1:, None])
    counts = np.zeros(max(of) + 1)
    np.add.at(counts, list(of), bands.sum(axis=1))
    chances = _chances(model, mean, w, borders, of)
    rough = height + _over_weights(chances, counts, ORDERS[0])
    if order > ORDERS[0]:
        kept = rough > rough.max() - MATTERS
        rough[kept] = height[kept] + _over_weights(chances[:, kept], counts, order)
    height = rough
    return height.reshape(x.shape), mean.reshape(x.shape), (sd if model.effect else 0 * sd).reshape(x.shape)


def _chances(model: _Model, mean: Floats, w: Floats, borders: Floats, of: tuple[int, ...]) -> Floats:
    """How likely a result of each trial falls under each weight, (k, n, weights)."""
    found = np.zeros((model.y.size, mean.size, max(of) + 1))
    z = (borders[:, None, None] * model.se[:, None] - mean) * np.sqrt(w.T)
    for band, weight in enumerate(of):  # on the side where the difference keeps its digits
        above, below = z[band], z[band + 1]
        found[:, :, weight] += np.where(below > 0, ndtr(-below) - ndtr(-above), ndtr(above) - ndtr(below))
    return found


def _over_weights(chances: Floats, counts: Floats, order: int) -> Floats:
    """Log of the mean over the prior of the weights of what they make of the likelihood, (n,)."""
    omegas, logs = _omegas(counts.size, order)
    gained = logs + counts @ np.log(omegas).T
    result = np.empty(chances.shape[1])
    rows = max(1, CHUNK_NUMBERS // len(omegas))
    for start in range(0, len(result), rows):
        part = chances[:, start : start + rows]
        lost = np.zeros((part.shape[1], len(omegas)))
        for first in range(0, len(part), FACTORS):
            factor = np.ones_like(lost)
            for each in part[first : first + FACTORS]:
                factor *= sum(each[:, at, None] * omegas[:, at] for at in range(counts.size))
            lost += np.log(factor)
        result[start : start + rows] = logsumexp(gained - lost, axis=1)
    return result


@lru_cache(maxsize=32)
def _omegas(count: int, order: int) -> tuple[Floats, Floats]:
    """Weights (m, count), the first 1, the others falling, and log of their quadrature weights.

    Cumulative sums of a Dirichlet (1, …) are uniform among falling numbers; each is a share of the one
    before.
    """
    nodes, widths = np.polynomial.legendre.leggauss(order)
    share = ((nodes + 1) / 2) ** STEEPNESS
    log_width = np.log(widths / 2 * STEEPNESS) + (STEEPNESS - 1) * np.log((nodes + 1) / 2)
    grid = np.array(list(product(range(order), repeat=count - 1)))
    shares, left = share[grid], np.arange(count - 2, -1, -1)  # how many weights a share is part of besides
    logs = (log_width[grid] + left * np.log(shares)).sum(axis=1) + gammaln(count)
    return np.hstack([np.ones((len(grid), 1)), np.cumprod(shares, axis=1)]), logs


def _averaged(
    keys: list[tuple[bool, bool, str]], fits: list[_Posterior], unit: float, shift: float, level: float
) -> RobustBayes:
    """The models weighed by prior times marginal likelihood; `unit` brings effects to their own scale."""
    prior = np.array([SHARES[bias] / 4 for _, _, bias in keys])
    evidence = np.array([fit.log_evidence for fit in fits])
    posterior = np.exp(evidence + np.log(prior) - logsumexp(evidence, b=prior))
    effect, heterogeneity = (np.array([key[at] for key in keys]) for at in (0, 1))
    bias = np.array([key[2] != NONE for key in keys])
    chances = [float(posterior[each].sum()) for each in (effect, heterogeneity, bias)]
    odds = [_odds(evidence + np.log(prior), each) for each in (effect, heterogeneity, bias)]
    means = np.array([fit.weights @ fit.means for fit in fits])
    tails = np.array([0.5, (1 - level) / 2, (1 + level) / 2])
    tails = tails if unit > 0 else 1 - tails
    held = [(p, fit) for p, fit, has in zip(posterior, fits, effect, strict=True) if has]
    below = _effect_below(held)
    median, low, high = (unit * _quantile(below, 1 - chances[0], tail, _reach(held)) for tail in tails)
    given = [unit * _quantile(lambda q: below(q) / chances[0], 0.0, tail, _reach(held)) for tail in tails[1:]]
    spread = [(p, fit) for p, fit, has in zip(posterior, fits, heterogeneity, strict=True) if has]
    tau_low, tau_high = (abs(unit) * _tau_quantile(spread, chances[1], tail) for tail in sorted(tails[1:]))
    tau_mean = abs(unit) * sum(p * float(fit.weights @ np.exp(fit.log_taus)) for p, fit in spread)
    mean = unit * float(posterior @ means)
    return RobustBayes(
        mean=mean,
        median=median,
        ci_low=low,
        ci_high=high,
        conditional_mean=mean / chances[0],
        conditional_low=given[0],
        conditional_high=given[1],
        tau_mean=tau_mean,
        tau_low=tau_low,
        tau_high=tau_high,
        **dict(zip(("p_effect", "p_heterogeneity", "p_bias"), chances, strict=True)),
        **dict(zip(("bf_effect", "bf_heterogeneity", "bf_bias"), odds, strict=True)),
        effect=tuple(map(bool, effect)),
        heterogeneity=tuple(map(bool, heterogeneity)),
        bias=tuple(key[2] for key in keys),
        prior=prior,
        posterior=posterior,
        log_evidence=evidence + shift,
        model_mean=unit * means,
        largest_error=max(fit.change for fit in fits),
    )


def _odds(heights: Floats, has: Bools) -> float:
    """Posterior odds, which are Bayes factors where prior odds are even."""
    with np.errstate(over="ignore"):
        return float(np.exp(logsumexp(heights[has]) - logsumexp(heights[~has])))


Weighed = list[tuple[float, _Posterior]]


def _reach(fits: Weighed) -> float:
    """An effect beyond which there is no mass."""
    return max(float((np.abs(fit.means) + 40 * fit.widths)[fit.weights > NO_MASS].max()) for _, fit in fits)


def _effect_below(fits: Weighed) -> Callable[[float], float]:
    """The mass of the models with an effect below a number: normal kernels, and those of grids."""
    parts = []
    for normal in (True, False):
        some = [(p * fit.weights, fit.means, fit.widths) for p, fit in fits if fit.normal is normal]
        columns = [np.concatenate(column) for column in zip(*some, strict=True)]
        parts.append([column[columns[0] > NO_MASS] for column in columns])
    smooth, grid = parts

    def below(q: float) -> float:
        mass = smooth[0] @ ndtr((q - smooth[1]) / smooth[2])
        return float(mass + mass_below(q, *grid))

    return below


def _quantile(below: Callable[[float], float], at_zero: float, tail: float, reach: float) -> float:
    """Where the mass below, and that at 0, reaches a tail."""
    under = below(0.0)
    if under < tail <= under + at_zero:
        return 0.0
    target = tail if tail <= under else tail - at_zero
    return float(brentq(lambda q: below(q) - target, -reach, reach, xtol=1e-12 * reach, rtol=1e-12))


def _tau_quantile(fits: Weighed, chance: float, tail: float) -> float:
    """Where the mass at 0 and that of the models with heterogeneity reach a tail."""
    if tail <= 1 - chance:
        return 0.0
    weights, logs, steps = (
        np.concatenate(column)
        for column in zip(
            *((p * fit.weights, fit.log_taus, np.full(fit.log_taus.size, fit.step)) for p, fit in fits),
            strict=True,
        )
    )

    def excess(q: float) -> float:
        return mass_below(q, weights, logs, steps) - (tail - (1 - chance))

    return float(np.exp(brentq(excess, logs.min() - 1, logs.max() + 1, xtol=1e-12)))
