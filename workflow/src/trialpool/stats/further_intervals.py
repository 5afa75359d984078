"""Intervals that are asked for by name: of τ² by likelihood or a quadratic form, of the mean, of a new study.

All are of one mean or one meta-regression; leading axes of τ²'s intervals are batches as everywhere. What is
a quadratic form of normal effects has the distribution of a weighted sum of χ² variables, whose function is
had by inverting its Laplace transform along Talbot's contour, as all its singularities lie on
the negative axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri, gammainc, ndtr, stdtr, stdtrit

from trialpool.stats import checks
from trialpool.stats._model import LIKELIHOODS, Model, batch_of, estimate_tau2, intercept, log_likelihood
from trialpool.stats._numeric import Rows, gauss, infer, roots
from trialpool.stats.checks import Floats, Unpacks, check_level, one_analysis, one_of, plain
from trialpool.stats.pooling import pool

TALBOT = 30  # points of the contour, and a third as many more as there are variables: an error of 1e-12
WEIGHTS = {"inverse_sd": 0.5, "inverse_variance": 1.0, "equal": 0.0}  # powers of 1/v
PREDICTIONS = ("k-1", "k-2", "normal", "V", "HTS", "HK", "HK-PR", "KR", "KR-PR", "bootstrap")
HALF_POINTS, REACH = 24, 2.9  # of the double exponential rule on either side, and how far it goes


@dataclass(frozen=True, slots=True)
class Interval(Unpacks):
    """An interval, with the batch shape; unpacks as `low, high`."""

    low: Floats
    high: Floats


def profile_interval(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    design: ArrayLike | None = None,
    where: ArrayLike | None = None,
    method: str = "REML",
    level: float = 0.95,
) -> Interval:
    """Profile-likelihood interval of τ² (Hardy & Thompson 1996; Viechtbauer 2007): where it drops by χ²/2.

    `effects` and `variances` (…, k); `method` REML or ML; `design` (k, m) as in `tau2_interval`. The limits
    next to the highest maximum count, 0 where none lies below it. One study says nothing: 0 to infinity.

    >>> low, high = profile_interval([0.1, 0.9, 0.4], [0.02, 0.03, 0.05])
    >>> round(float(low), 5), round(float(high), 4)
    (0.01281, 2.9581)
    """
    one_of("method", method, LIKELIHOODS)
    drop = float(chdtri(1, 1 - check_level(level))) / 2
    restricted = method == "REML"

    def analyse(model: Model) -> dict[str, Floats]:
        best = estimate_tau2(model, model.start(), method)
        goal = log_likelihood(model, best, restricted) - drop
        beyond, alone = _beyond(model, best, goal, restricted), model.freedom < 1
        low = best - _distance(model, (best, goal), best.copy(), -1.0, restricted)
        high = best + _distance(model, (best, goal), beyond, 1.0, restricted)
        return {"low": np.where(alone, 0.0, np.maximum(low, 0.0)), "high": np.where(alone, np.inf, high)}

    batch = batch_of(effects, variances, where)
    whole = intercept(batch.effects.shape[1]) if design is None else batch.regressed_on(design)
    return Interval(**batch.analysed(whole, analyse))


def _distance(
    model: Model, top: tuple[Floats, Floats], reach: Floats, sign: float, restricted: bool
) -> Floats:
    """How far (n,) from its maximum, up or down, the likelihood meets its goal: at most `reach`."""
    best, goal = top
    ends = np.where(np.isfinite(reach), np.maximum(best + sign * reach, 0.0), best)
    crosses = (log_likelihood(model, ends, restricted) < goal) & np.isfinite(reach)
    rows, found = np.flatnonzero(crosses), reach.copy()

    def excess(step: Floats, at: Rows) -> tuple[Floats, Floats]:
        which = rows[at]
        part, t = model.take(which), best[which] + sign * step
        fit = part.at(t)
        slope = (fit.squares - (fit.trace if restricted else fit.total)) / 2
        return goal[which] - log_likelihood(part, t, restricted), -sign * slope

    if len(rows):
        own = reach[rows]
        found[rows] = roots(excess, np.zeros(len(rows)), own, own / 2, model.variances.min(-1)[rows])
    return found


def _beyond(model: Model, best: Floats, goal: Floats, restricted: bool) -> Floats:
    """How far above its maximum the likelihood has surely dropped (n,); infinite where it does not."""
    step: Floats = best + np.where(model.present, model.variances, 0.0).max(-1)
    for _ in range(60):
        above = log_likelihood(model, best + step, restricted) > goal
        if not above.any():
            break
        step = np.where(above, 4 * step, step)
    else:
        step = np.where(above, np.inf, step)
    return step


def generalised_q_interval(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    design: ArrayLike | None = None,
    weights: str = "inverse_sd",
    level: float = 0.95,
) -> Interval:
    """Interval of τ² by a generalised Q of fixed weights (Jackson 2013; Jackson et al. 2014), k effects.

    `weights` are "inverse_sd", 1/√v, as Jackson advises, "inverse_variance", 1/v, which is the interval of
    Biggerstaff & Jackson 2008 (near that of Biggerstaff & Tweedie), or "equal". The limits are the τ² under
    which the Q seen has the tail probabilities (1 ± level)/2: exact, not by moments. A limit below 0 is 0.

    >>> low, high = generalised_q_interval([0.1, 0.9, 0.4], [0.02, 0.03, 0.05])
    >>> round(float(low), 5), round(float(high), 4)
    (0.01667, 7.1502)
    """
    level = check_level(level)
    one_of("weights", weights, tuple(WEIGHTS))
    y, v = one_analysis(effects, variances)
    checks.comparable(v, float(np.ptp(y)))
    k = y.size
    basis = np.ones((k, 1)) / np.sqrt(k) if design is None else batch_of(y, v).regressed_on(design).basis
    a = (1 / v) ** WEIGHTS[weights]
    if k <= basis.shape[1]:
        return Interval(plain(0.0), plain(np.inf))
    matrix = _residual_form(basis, a)
    q = float(y @ matrix @ y)
    tails = (1 + level) / 2, (1 - level) / 2
    low, high = (_tau2_of(matrix, v, q, tail) for tail in tails)
    return Interval(plain(low), plain(high))


def _residual_form(basis: Floats, a: Floats) -> Floats:
    """The matrix of the quadratic form that is the generalised Q with weights a (k,)."""
    weighted = a[:, None] * basis
    return np.asarray(np.diag(a) - weighted @ np.linalg.solve(basis.T @ weighted, weighted.T))


def _tau2_of(matrix: Floats, v: Floats, q: float, probability: float) -> float:
    """The τ² at which a form as small as q has a probability, 0 where even τ² = 0 makes it too rare.

    Infinite where that is farther off than digits reach.
    """

    def below(tau2: float) -> float:
        return float(weighted_chi2(np.array([q]), _scales(matrix, v + tau2))[0])

    if not q > 0 or below(0.0) <= probability:
        return 0.0
    high = float(v.max())
    while below(high) > probability and high < checks.FURTHEST * float(v.mean()):
        high *= 4
    if below(high) > probability:
        return np.inf
    from scipy.optimize import brentq  # it would double the time that importing the statistics takes

    return float(brentq(lambda t: below(t) - probability, 0.0, high, xtol=1e-15 * high, rtol=1e-14))


def _scales(matrix: Floats, variances: Floats) -> Floats:
    """The weights of the χ² variables of which the form is a sum, for effects of some variances."""
    root = np.sqrt(variances)
    values = np.linalg.eigvalsh(root[:, None] * matrix * root)
    return np.asarray(values[values > 1e-10 * values.max()])


def weighted_chi2(q: Floats, scales: Floats) -> Floats:
    """The distribution function at q (n,) > 0 of a sum of χ² variables of 1 df with positive `scales`.

    Of the Laplace transform Π(1 + 2λs)^(-1/2)/s, along the contour of Trefethen, Weideman & Schmelzer 2006
    (BIT 46: 653).

    >>> weighted_chi2(np.array([3.841458820694124]), np.array([1.0])).round(10)
    array([0.95])
    """
    points = 2 * ((TALBOT + len(scales) // 3) // 2)
    angle = (2 * np.arange(points) + 1) * np.pi / points - np.pi
    place = points * (-0.6122 + 0.5017 * angle / np.tan(0.6407 * angle) + 0.2645j * angle)
    turn = 0.5017 / np.tan(0.6407 * angle) - 0.5017 * 0.6407 * angle / np.sin(0.6407 * angle) ** 2
    s = place / q[:, None]
    transform = np.exp(place - 0.5 * np.log1p(2 * scales[:, None, None] * s).sum(0)) / s
    return np.asarray((transform * (turn + 0.2645j)).imag.sum(-1) / q)


@dataclass(frozen=True, slots=True)
class CommonWeights:
    """A mean with the weights of the common effect and an interval that allows for heterogeneity."""

    estimate: float
    se: float
    ci_low: float
    ci_high: float
    tau2: float


def ivhet(effects: ArrayLike, variances: ArrayLike, *, level: float = 0.95) -> CommonWeights:
    """The inverse-variance heterogeneity model (Doi et al. 2015): common-effect weights, honest variance.

    Its variance is Σw²(v + τ²)/(Σw)² with w = 1/v and τ² by DerSimonian & Laird; normal interval.

    >>> round(ivhet([0.1, 0.9, 0.4], [0.02, 0.03, 0.05]).se, 4)
    0.2694
    """
    y, v = one_analysis(effects, variances)
    fit = pool(y, v, tau2_method="DL", interval="wald", level=level)
    w, tau2 = 1 / v, float(fit.tau2)
    mean = float(pool(y, v, tau2_method="FE", interval="wald").estimate)
    se = float(np.sqrt((w**2 * (v + tau2)).sum()) / w.sum())
    found = infer(mean, se, np.inf, level)
    return CommonWeights(mean, se, float(found.ci_low), float(found.ci_high), tau2)


def henmi_copas(effects: ArrayLike, variances: ArrayLike, *, level: float = 0.95) -> CommonWeights:
    """The common-effect mean with the interval of Henmi & Copas 2010, which publication bias shifts less.

    The quantile of the pivot follows from the joint distribution of the mean and DerSimonian & Laird's Q,
    whose conditional distribution is taken for a gamma with its first two moments. The numbers are those of
    metafor's `hc`. Needs two studies.

    >>> fit = henmi_copas([0.1, 0.9, 0.4, 0.3], [0.02, 0.03, 0.05, 0.04])
    >>> round(fit.ci_low, 4), round(fit.ci_high, 4)
    (-0.1623, 0.9493)
    """
    from scipy.optimize import brentq

    level = check_level(level)
    start = ivhet(effects, variances, level=level)
    y, v = one_analysis(effects, variances)
    if y.size < 2:
        raise ValueError("effects: the interval of Henmi and Copas needs at least 2 studies")
    checks.comparable(v, float(np.ptp(y)))
    w = 1 / v
    w1, (w2, w3, w4) = w.sum(), ((w**power).sum() / w.sum() for power in (2, 3, 4))
    t, k = start.tau2, y.size
    ratio = 1 + t * w2  # variance of the mean, relative to that without heterogeneity
    nodes, shares = gauss(200)

    def conditional(r: Floats) -> tuple[Floats, Floats]:
        """Mean and variance of Q given the standardised mean."""
        squared = r**2 * ratio
        first, second, third = w3 - w2**2, w4 - 2 * w2 * w3 + w2**3, squared / ratio**2 - 1 / ratio
        mean = (k - 1) + t * (w1 - w2) + t**2 * third * first
        spread = 2 * (k - 1) + 4 * t * (w1 - w2) + 2 * t**2 * (w1 * w2 - 2 * w3 + w2**2)
        spread = spread + 4 * t**2 * third * first + 4 * t**3 * third * second
        spread = spread + 2 * t**4 * (1 / ratio**2 - 2 * squared / ratio**3) * first**2
        return mean, spread

    def tail(x: float) -> float:
        """The chance that the pivot exceeds x."""
        r = x + (nodes + 1) / 2 * (12 - min(x, 6.0))
        mean, spread = conditional(r)
        limit = (w1 / w2 - 1) * ((r / x) ** 2 - 1) + (k - 1)
        inside = gammainc(mean**2 / spread, np.maximum(limit, 0.0) * mean / spread)
        density = np.exp(-(r**2) / 2) / np.sqrt(2 * np.pi)
        return float((inside * density * shares).sum() * (12 - min(x, 6.0)) / 2)

    goal, least, most = (1 - level) / 2, 1e-12, 2.0
    while tail(most) > goal:
        most *= 2
    pivot = brentq(lambda x: tail(x) - goal, least, most, xtol=1e-14) if tail(least) > goal else 0.0
    half = float(np.sqrt(ratio) * start.se * pivot)
    low, high = start.estimate - half, start.estimate + half
    return CommonWeights(start.estimate, start.se, low, high, t)


def prediction_interval(
    effects: ArrayLike,
    variances: ArrayLike,
    kind: str = "k-1",
    *,
    tau2_method: str = "REML",
    interval: str = "hksj_adhoc",
    level: float = 0.95,
) -> Interval:
    """The interval of a new study's true effect, by the name of its method; of k effects, k at least 3.

    With quantile and error of the mean:

    - "k-1", "k-2": t on so many degrees of freedom and the error of `interval`;
    - "normal": normal (metafor's default, meta's S), "V": t on k - 1 (Veroniki et al. 2019), "HTS": t on
      k - 2 (Higgins, Thompson & Spiegelhalter 2009), these three with the classic error;
    - "HK", "HK-PR": t on k - 1 (meta), k - 2 (Partlett & Riley 2017) and the error of Hartung and Knapp;
    - "KR", "KR-PR": the error of Kenward and Roger, with their degrees of freedom, or one less (Partlett &
      Riley 2017), with τ² by REML;
    - "bootstrap": the method of Nagashima, Noma & Furukawa 2019 with τ² by DerSimonian & Laird, whatever
      `tau2_method`. Its draws are integrated over instead: what it gives with endlessly many, no seed.

    >>> low, high = prediction_interval([0.1, 0.9, 0.4, 0.3], [0.02, 0.03, 0.05, 0.04], "HTS")
    >>> round(float(low), 3), round(float(high), 3)
    (-1.118, 1.96)
    """
    one_of("kind", kind, PREDICTIONS)
    y, v = one_analysis(effects, variances)
    if y.size < 3:
        raise ValueError(f"effects: a prediction interval needs at least 3 studies, here are {y.size}")
    if kind == "bootstrap" and np.ptp(y) > 0:  # of equal effects it is a point, as of the others below
        return _by_confidence_distribution(y, v, check_level(level))
    error = dict.fromkeys(("normal", "V", "HTS"), "wald") | {
        "HK": "hksj",
        "HK-PR": "hksj",
        "bootstrap": "hksj",
    }
    fit = pool(y, v, tau2_method=tau2_method, interval=error.get(kind, interval), level=level)
    freedom = {"normal": np.inf, "HTS": y.size - 2.0, "HK-PR": y.size - 2.0, "k-2": y.size - 2.0}
    se, df = float(fit.se), freedom.get(kind, y.size - 1.0)
    if kind in ("KR", "KR-PR"):
        from trialpool.stats.small_samples import kenward_roger

        adjusted = kenward_roger(y, v, level=level)
        se, df, tau2 = float(adjusted.se[0]), float(adjusted.df[0]) - (kind != "KR"), adjusted.tau2
        mean = float(adjusted.coefficients[0])
    else:
        mean, tau2 = float(fit.estimate), float(fit.tau2)
    if kind == "k-1" and interval == "wald":
        df = np.inf
    half = stdtrit(df, (1 + level) / 2) * np.sqrt(tau2 + se**2)
    return Interval(plain(mean - half), plain(mean + half))


def _by_confidence_distribution(y: Floats, v: Floats, level: float) -> Interval:
    """Quantiles of μ(τ²) + τZ - t·SE(τ²) with τ² from the confidence distribution of its DL estimate.

    That has a lump at 0, the chance of a larger Q without heterogeneity. The shares of the rest and of t are
    integrated over by the double exponential rule (Takahasi & Mori 1974), Z in closed form.
    """
    from scipy.optimize import brentq

    checks.comparable(v, float(np.ptp(y)))
    k, (shares, parts) = y.size, _double_exponential()
    matrix = _residual_form(np.ones((k, 1)), 1 / v)
    q = float(y @ matrix @ y)
    lump = 1 - float(weighted_chi2(np.array([q]), _scales(matrix, v))[0])
    above = [_tau2_of(matrix, v, q, (1 - lump) * (1 - share)) for share in shares]
    above = np.minimum(above, checks.FURTHEST * v.mean())  # of three studies the ends, which weigh nothing
    tau2, chance = np.append(0.0, above), np.append(lump, (1 - lump) * parts)
    w = 1 / (v + tau2[:, None])
    mean = (w * y).sum(1) / w.sum(1)
    se = np.sqrt((w * (y - mean[:, None]) ** 2).sum(1) / ((k - 1) * w.sum(1)))
    centre = mean[1:, None] - se[1:, None] * stdtrit(k - 1, shares)
    spread = np.sqrt(np.maximum(tau2[1:, None], np.finfo(float).tiny))

    def below(x: float) -> float:
        smooth = ndtr((x - centre) / spread) @ parts
        return float(chance[0] * stdtr(k - 1, (x - mean[0]) / se[0]) + chance[1:] @ smooth)

    def quantile_of(probability: float) -> float:
        reach = float(np.ptp(y) + np.sqrt(v.max()))
        low, high = float(y.min()) - reach, float(y.max()) + reach
        while below(low) > probability or below(high) < probability:
            low, high, reach = low - reach, high + reach, 4 * reach
        return float(brentq(lambda x: below(x) - probability, low, high, xtol=1e-12, rtol=1e-14))

    return Interval(plain(quantile_of((1 - level) / 2)), plain(quantile_of((1 + level) / 2)))


def _double_exponential() -> tuple[Floats, Floats]:
    """Places between 0 and 1 and their weights, for integrands that are smooth but at the ends."""
    steps = np.arange(-HALF_POINTS, HALF_POINTS + 1) * REACH / HALF_POINTS
    inner = np.pi / 2 * np.sinh(steps)
    places = 1 / (1 + np.exp(-2 * inner))
    weights = np.pi / 2 * np.cosh(steps) / np.cosh(inner) ** 2 / 2 * REACH / HALF_POINTS
    return places, weights / weights.sum()
