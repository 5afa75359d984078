"""Bias by name: smooth selection models, Copas, limit meta-analysis, excess significance, p-uniform.

Each says what would be if trials had been selected in its manner; none shows that they were. A smooth
selection model weighs a study's one-sided p-value p by w(p) = exp(Σ δ_j f_j(p)); a study contributes
log w + log N(y; mu, v + t) - log A, A being the mean of w. As the weights are an exponential family, slope
and bend of log A are means and covariances under the weighted density, by Gauss's rule piece by piece.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import comb, factorial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, log_ndtr, ndtr, ndtri

from trialpool.stats import checks
from trialpool.stats._numeric import climb, filled, floats, gauss, infer
from trialpool.stats.bias import Judged, few_studies_caution
from trialpool.stats.checks import Floats, check_level, one_analysis, one_of
from trialpool.stats.pooling import pool
from trialpool.stats.selection import ALTERNATIVES, Selection, Slope

SMALLEST_P = 1e-5  # of the beta form, below which selection stays as it is (metafor's)
REACH = 12.0  # standard deviations over which densities are integrated
NODES = 60  # of each piece
SETTLED = 1e-10
FARTHEST = 60.0  # a parameter of selection beyond which the data do not bound it
CHANCES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
LARGEST_STUDY = 0.99  # chance of publication of the most precise study, in Copas' model
EXACT_UP_TO = 40  # studies whose p-values' sum has an exact distribution


def _beta(p: Floats) -> Floats:
    clipped = np.clip(p, SMALLEST_P, 1 - SMALLEST_P)
    return np.stack([np.log(clipped), np.log1p(-clipped)], axis=-1)


# What multiplies the parameters in log w, and what they are where there is no selection, by metafor's names.
FORMS: dict[str, tuple[Callable[[Floats], Floats], Floats]] = {
    "beta": (_beta, np.ones(2)),
    "halfnorm": (lambda p: -(p**2)[..., None], np.zeros(1)),
    "negexp": (lambda p: -p[..., None], np.zeros(1)),
    "power": (lambda p: np.log1p(-np.minimum(p, 1 - 1e-15))[..., None], np.zeros(1)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmoothSelection(Selection):
    """A selection model with a smooth weight of p-values, `delta` being the parameters of its `form`."""

    form: str


def smooth_selection(
    effects: ArrayLike,
    variances: ArrayLike,
    form: str = "beta",
    *,
    alternative: str = "greater",
    tau2_method: str = "ML",
    level: float = 0.95,
) -> SmoothSelection:
    """Fit a selection model of effects (k,) and variances (k,) with the weights of a `form`.

    With p one-sided in the direction of the `alternative`: "beta" p^(δ₁-1)(1 - p)^(δ₂-1) (Citkowicz & Vevea
    2017; p is kept within 1e-5 of its ends), "halfnorm" exp(-δp²), "negexp" exp(-δp), "power" (1 - p)^δ
    (Preston, Ashby & Smyth 2004; Viechtbauer 2024), δ not below 0. Needs more studies than parameters.

    >>> y, v = [0.1, 0.2, 0.5, 0.6, 0.9, 0.7], [0.01, 0.02, 0.04, 0.05, 0.09, 0.06]
    >>> smooth_selection(y, v, "negexp").delta.round(3).tolist()
    [10.396]
    """
    one_of("form", form, tuple(FORMS))
    one_of("alternative", alternative, ALTERNATIVES)
    one_of("tau2_method", tau2_method, ("ML", "FE"))
    level = check_level(level)
    y, v = one_analysis(effects, variances)
    checks.comparable(v, float(np.ptp(y)))
    features, none = FORMS[form]
    count = none.size
    result = SmoothSelection(
        form=form,
        alternative=alternative,
        k=y.size,
        delta=none * np.nan,
        delta_se=none * np.nan,
        lrt_df=count,
    )
    if y.size <= count + 2:
        return replace(
            result, refused=f"needs more studies than its {count + 2} parameters, there are {y.size}"
        )
    turned = y if alternative == "greater" else -y
    null = pool(turned, v, tau2_method=tau2_method, interval="wald")
    start = np.append([float(null.estimate), float(null.tau2)], none)

    def model(at: Floats) -> Slope:
        return _weighted(turned, v, features, at, none)

    return _most_likely(result, model, start, v, tau2_method == "FE", level)


def _most_likely(
    result: SmoothSelection,
    model: Callable[[Floats], Slope],
    start: Floats,
    v: Floats,
    held: bool,
    level: float,
) -> SmoothSelection:
    """Fill in the numbers of the highest maximum that climbs end at; `start` is without selection."""
    form, alternative, count = result.form, result.alternative, result.lrt_df
    lowest = np.append([-np.inf, 0.0], np.full(count, 1e-5 if form == "beta" else 0.0))
    unit = np.append([np.sqrt(v.mean()), v.mean()], np.ones(count))
    ends = [
        climb(model, _uphill(lowest, unit, held), np.maximum(begin, lowest), lowest, unit, SETTLED)
        for begin in _starts(start, 0.0 if held else float(v.mean()), count)
    ]
    at, here, rested = max(ends, key=lambda end: end[1].log_likelihood)
    free = at > lowest
    bend = here.hessian[np.ix_(free, free)]
    if not rested or at[2:].max() > FARTHEST or np.linalg.eigvalsh(bend).max() >= 0:
        why = "the likelihood has no maximum: these studies do not determine how they were selected"
        return replace(result, refused=why)
    se = np.full(at.size, np.nan)
    se[free] = np.sqrt(np.diag(np.linalg.inv(-bend)))
    sign = 1.0 if alternative == "greater" else -1.0
    lrt = max(0.0, 2 * (here.log_likelihood - model(start).log_likelihood))
    return filled(
        result,
        estimate=float(sign * at[0]),
        **floats(infer(sign * at[0], se[0], np.inf, level).named()),
        tau2=float(at[1]),
        tau2_se=float(se[1]),
        delta=at[2:],
        delta_se=se[2:],
        log_likelihood=here.log_likelihood,
        lrt=lrt,
        lrt_p_value=float(chdtrc(count, lrt)),
        caution=few_studies_caution(result.k),
    )


def _starts(start: Floats, variance: float, count: int) -> list[Floats]:
    tried = [start]
    for tau2 in (start[1], variance, 0.1 * variance):
        for delta in ([0.5, 3.0], [1.0, 8.0]) if count == 2 else ([1.0], [4.0], [12.0]):
            tried.append(np.append([start[0] / 2, tau2], delta))
    return tried


def _weighted(y: Floats, v: Floats, features: Callable[[Floats], Floats], at: Floats, none: Floats) -> Slope:
    mu, t, delta = at[0], at[1], at[2:]
    spread, root = np.sqrt(v + t), np.sqrt(v)
    nodes, weights = gauss(NODES)
    edges = [mu - REACH * spread, mu + REACH * spread]
    inner = [np.clip(ndtri(1 - cut) * root, *edges) for cut in (1 - SMALLEST_P, 0.5, SMALLEST_P)]
    ends = np.stack([edges[0], *inner, edges[1]], axis=-1)
    half = np.diff(ends, axis=-1) / 2
    x = (ends[:, :-1] + half)[:, :, None] + half[:, :, None] * nodes
    area = (half[:, :, None] * weights).reshape(y.size, -1)
    x = x.reshape(y.size, -1)
    f = features(ndtr(-x / root[:, None]))
    z = (x - mu) / spread[:, None]
    log_density = f @ (delta - none) - z**2 / 2 - np.log(spread)[:, None] - 0.5 * np.log(2 * np.pi)
    top = log_density.max(-1, keepdims=True)
    mass = area * np.exp(log_density - top)
    total = mass.sum(-1)
    share = mass / total[:, None]
    variance = (v + t)[:, None]
    slopes = np.concatenate(
        [(z / spread[:, None])[..., None], ((z**2 - 1) / (2 * variance))[..., None], f], axis=-1
    )
    own_f = features(ndtr(-y / root))
    own_z = (y - mu) / spread
    own = np.column_stack([own_z / spread, (own_z**2 - 1) / (2 * (v + t)), own_f])
    mean = np.einsum("kn,knp->kp", share, slopes)
    second = np.einsum("kn,knp,knq->pq", share, slopes, slopes) - mean.T @ mean
    hessian = -second
    for weight, places, sign in ((share, z, -1.0), (np.ones((y.size, 1)), own_z[:, None], 1.0)):
        w = weight / variance
        hessian[0, 0] += sign * -w.sum()
        hessian[0, 1] += sign * -(w * places / spread[:, None]).sum()
        hessian[1, 1] += sign * (w / variance * (0.5 - places**2)).sum()
    hessian[1, 0] = hessian[0, 1]
    height = own_f @ (delta - none) - own_z**2 / 2 - np.log(spread) - 0.5 * np.log(2 * np.pi)
    value = float((height - np.log(total) - top[:, 0]).sum())
    return Slope(value, (own - mean).sum(0), hessian)


def _uphill(lowest: Floats, unit: Floats, held: bool) -> Callable[[Floats, Slope], Floats]:
    """Newton steps, eigenvalues turned downhill, of what is at no boundary; τ² may be `held`."""

    def step(at: Floats, here: Slope) -> Floats:
        gradient, hessian = here.gradient * unit, here.hessian * np.outer(unit, unit)
        free = (at > lowest) | (gradient > 0)
        free[1] &= not held
        values, vectors = np.linalg.eigh(hessian[np.ix_(free, free)])
        downhill = np.maximum(np.abs(values), 1e-10 * max(1.0, float(np.abs(values).max(initial=0.0))))
        move = np.zeros(at.size)
        move[free] = vectors @ ((vectors.T @ gradient[free]) / downhill)
        move *= min(1.0, 3.0 / max(float(np.abs(move).max()), 1e-300))
        return np.asarray(move * unit)

    return step


@dataclass(frozen=True, slots=True)
class ExcessSignificance:
    """A test of excess significance: `observed` significant studies where `expected` were to be.

    `statistic` is χ² on 1 df (infinite where what is seen was all but impossible), `p_value` one-sided (too
    many); `p_exact` is that of the number of significant studies with the `power` (k,) that each has, at the
    pooled `effect` and `tau2`.
    """

    observed: int
    expected: float
    power: Floats
    effect: float
    tau2: float
    statistic: float
    p_value: float
    p_exact: float


def excess_significance(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    alpha: float = 0.05,
    alternative: str = "two-sided",
    tau2_method: str = "FE",
) -> ExcessSignificance:
    """Test whether more studies are significant at `alpha` than effects (k,) and variances (k,) let expect.

    Ioannidis & Trikalinos 2007; with a `tau2_method` other than FE power allows for heterogeneity (Francis
    2013). `alternative` "two-sided", "greater" or "less" is that of the studies' tests. The numbers are those
    of metafor's `tes`.

    >>> found = excess_significance([0.5, 0.6, 0.4, 0.9, 0.1], [0.04, 0.06, 0.03, 0.1, 0.02])
    >>> found.observed, round(found.expected, 3)
    (4, 2.305)
    """
    alpha = check_level(alpha, "alpha")
    one_of("alternative", alternative, ("two-sided", *ALTERNATIVES))
    y, v = one_analysis(effects, variances)
    fit = pool(y, v, tau2_method=tau2_method, interval="wald")
    theta, tau2, root = float(fit.estimate), float(fit.tau2), np.sqrt(v)
    spread = np.sqrt(v + tau2)
    tail = alpha / 2 if alternative == "two-sided" else alpha
    limit = ndtri(1 - tail) * root
    high, low = ndtr((theta - limit) / spread), ndtr((-limit - theta) / spread)
    above, below = y / root >= ndtri(1 - tail), y / root <= ndtri(tail)
    power = {"two-sided": high + low, "greater": high, "less": low}[alternative]
    found = {"two-sided": above | below, "greater": above, "less": below}[alternative]
    observed, expected = int(found.sum()), float(power.sum())
    apart = observed - expected
    chance = expected * (y.size - expected) / y.size
    statistic = apart**2 / chance if chance > 0 else np.inf if apart else 0.0
    both = float(chdtrc(1, statistic))
    chances = np.ones(1)
    for chance in power:  # of each number of significant studies
        chances = np.convolve(chances, [1 - chance, chance])
    return ExcessSignificance(
        observed=observed,
        expected=expected,
        power=power,
        effect=theta,
        tau2=tau2,
        statistic=float(statistic),
        p_value=both / 2 if apart > 0 else 1 - both / 2,
        p_exact=float(chances[observed:].sum()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitMeta(Judged):
    """A limit meta-analysis: the effect of a study of endless size, with normal inference.

    `bias` is the intercept of the generalised radial plot, in standard errors; `shrunken` (k,) the studies at
    their limits. Cochran's Q is `q_small`, on 1 df, of small-study effects, and `q_residual` on k - 2;
    `g2` is the share of variation that they do not explain, per cent.
    """

    estimate: float = np.nan
    se: float = np.nan
    statistic: float = np.nan
    p_value: float = np.nan
    ci_low: float = np.nan
    ci_high: float = np.nan
    bias: float = np.nan
    tau2: float = np.nan
    shrunken: Floats
    q_small: float = np.nan
    q_small_p_value: float = np.nan
    q_residual: float = np.nan
    q_residual_p_value: float = np.nan
    g2: float = np.nan


def _radial(y: Floats, se: Floats) -> tuple[float, float, float, float]:
    """Least squares in the radial plot: intercept, slope, residual sum of squares, R²."""
    x, z = 1 / se, y / se
    apart = x - x.mean()
    slope = float(apart @ z / (apart @ apart))
    intercept = float(z.mean() - slope * x.mean())
    residual = float(((z - intercept - slope * x) ** 2).sum())
    total = float(((z - z.mean()) ** 2).sum())
    return intercept, slope, residual, 1 - residual / total if total > 0 else 1.0


def limit_meta_analysis(
    effects: ArrayLike, variances: ArrayLike, *, tau2_method: str = "REML", level: float = 0.95
) -> LimitMeta:
    """The expectation of effects (k,) as precision grows without end, k at least 3.

    From the radial plot with errors √(v + τ²): slope + √τ² · intercept (Rücker et al. 2011, Biostatistics 12:
    122, section 3; metasens' `method.adjust = "beta0"`), the errors' variance being 1.

    >>> fit = limit_meta_analysis([0.1, 0.2, 0.5, 0.9, 1.1], [0.01, 0.02, 0.05, 0.2, 0.25])
    >>> round(fit.estimate, 3)
    np.float64(0.076)
    """
    y, v = one_analysis(effects, variances)
    checks.comparable(v, float(np.ptp(y)))
    level = check_level(level)
    nothing = LimitMeta(k=y.size, shrunken=np.full(y.size, np.nan))
    if y.size < 3 or np.ptp(v) == 0:
        return replace(nothing, refused="needs at least 3 studies, of different precision")
    fit = pool(y, v, tau2_method=tau2_method, interval="wald")
    tau2, total = float(fit.tau2), np.sqrt(v + float(fit.tau2))
    tau, x = np.sqrt(tau2), 1 / total
    bias, slope, _, _ = _radial(y, total)
    apart = float(((x - x.mean()) ** 2).sum())
    variance = (1 + tau2 * (x**2).mean() - 2 * tau * x.mean()) / apart
    shrunken = slope + tau / total * (y - slope)
    *_, residual, _ = _radial(y, np.sqrt(v))
    *_, explained = _radial(shrunken, np.sqrt(v))
    small = max(0.0, float(fit.q) - residual)
    estimate = slope + tau * bias
    return filled(
        nothing,
        estimate=estimate,
        **floats(infer(estimate, np.sqrt(variance), np.inf, level).named()),
        bias=bias,
        tau2=tau2,
        shrunken=shrunken,
        q_small=small,
        q_small_p_value=float(chdtrc(1, small)),
        q_residual=residual,
        q_residual_p_value=float(chdtrc(y.size - 2, residual)),
        g2=100 * (1 - explained),
        caution=few_studies_caution(y.size),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Copas(Judged):
    """Copas' selection model at several chances that the least precise study would be published.

    All fields of a chance are (c,): estimate, se, interval, `tau2`, `rho` (of effect and chance; NaN
    without selection), how many studies would be `unpublished`, and `residual_p_value`, of small-study
    effects that the selection leaves.
    `chosen` is the first chance that leaves none at 10 per cent, -1 if there is none. All are NaN, as
    `caution` says, at a chance at which the likelihood has no maximum.
    """

    chances: Floats
    estimate: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    tau2: Floats
    rho: Floats
    unpublished: Floats
    log_likelihood: Floats
    residual_p_value: Floats
    chosen: int


def copas(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    chances: Sequence[float] = CHANCES,
    largest: float = LARGEST_STUDY,
    level: float = 0.95,
) -> Copas:
    """Copas & Shi's selection model of effects (k,), k at least 3 (2001, Stat Methods Med Res 10: 251).

    A study is published with probability Φ(γ₀ + γ₁/s), s being its standard error, and effect and selection
    correlate by ρ. For each of the `chances` of the study of the largest s, that of the smallest being
    `largest`, mean, τ and ρ are fitted by maximum likelihood. Where metasens follows a line across its
    contours, here it is the chance itself that says how strong selection is; the likelihood is the same.

    >>> fit = copas([0.1, 0.2, 0.5, 0.9, 1.1], [0.01, 0.02, 0.05, 0.2, 0.25], chances=[1.0, 0.5])
    >>> fit.estimate.round(2).tolist()
    [0.25, 0.18]
    """
    level = check_level(level)
    y, v = one_analysis(effects, variances)
    checks.comparable(v, float(np.ptp(y)))
    asked = checks.finite("chances", chances, above=0, most=1)
    if asked.ndim != 1:
        raise ValueError(f"chances has shape {asked.shape}: needs a list of numbers")
    most = check_level(largest, "largest")
    s = np.sqrt(v)
    nothing = np.full(asked.size, np.nan)
    columns: dict[str, Any] = dict.fromkeys(COPAS_FIELDS, nothing)
    result = Copas(k=y.size, chances=asked, chosen=-1, **columns)
    if y.size < 3 or np.ptp(v) == 0:
        return replace(result, refused="needs at least 3 studies, of different precision")
    side = float(np.sign(_radial(y, s)[0])) or 1.0
    rows = [_copas_at(y, s, min(chance, 1.0), most, side, level) for chance in asked]
    columns |= {name: np.array([row[name] for row in rows]) for name in COPAS_FIELDS}
    left = np.flatnonzero(columns["residual_p_value"] > 0.1)
    chosen = int(left[0]) if left.size else -1
    lost = ", ".join(f"{chance:g}" for chance in asked[np.isnan(columns["estimate"])])
    unknown = f"the likelihood has no maximum at a chance of {lost}" if lost else ""
    caution = "; ".join(filter(None, (few_studies_caution(y.size), unknown)))
    return filled(result, **columns, chosen=chosen, caution=caution)


COPAS_FIELDS = (
    *("estimate", "se", "ci_low", "ci_high", "tau2", "rho", "unpublished", "log_likelihood"),
    "residual_p_value",
)


def _copas_at(
    y: Floats, s: Floats, chance: float, most: float, side: float, level: float
) -> dict[str, float]:
    """The model at one chance; without selection it is the random-effects model by ML."""
    from scipy.optimize import minimize

    u = np.full(y.size, 40.0)  # all are published
    if chance < most:
        slope = (ndtri(most) - ndtri(chance)) / (1 / s.min() - 1 / s.max())
        u = ndtri(chance) + slope * (1 / s - 1 / s.max())
    height, unit = _copas_height(y, s, u), np.array([s.mean(), s.mean(), 1.0, 1.0])
    null = pool(y, s**2, tau2_method="ML", interval="wald")
    start = np.array([float(null.estimate), np.sqrt(float(null.tau2) + 1e-4 * s.mean() ** 2), 0.0, 0.0])

    def best(n: int, turns: Sequence[float]) -> tuple[Floats, float]:
        ends = []
        for turn in turns:
            begin = np.append(start[:2], [turn, 0.0])[:n] / unit[:n]
            search: Any = minimize  # whose types do not take a function with two values
            found = search(lambda x: -height(x * unit[:n]), begin, method="BFGS", options={"gtol": 1e-9})
            ends.append((found.x * unit[:n], -found.fun))
        return max(ends, key=lambda end: end[1])

    turns = (0.5 * side, 1.5 * side, 0.0, -0.5 * side) if chance < most else (0.0,)
    at, bend = _polished(height, best(3, turns)[0], unit[:3], fixed=chance >= most)
    if np.linalg.eigvalsh(bend).max() >= 0:
        return dict.fromkeys(COPAS_FIELDS, np.nan)
    here = height(at)
    _, steeper = best(4, (float(at[2]), *turns))
    se = float(np.sqrt(np.linalg.inv(-bend)[0, 0]))
    found = infer(float(at[0]), se, np.inf, level)
    published = ndtr(u)
    return {
        "estimate": float(at[0]),
        "se": se,
        "ci_low": float(found.ci_low),
        "ci_high": float(found.ci_high),
        "tau2": float(at[1] ** 2),
        "rho": float(np.tanh(at[2])) if chance < most else np.nan,
        "unpublished": float(((1 - published) / published).sum()),
        "log_likelihood": here,
        "residual_p_value": float(chdtrc(1, max(0.0, 2 * (steeper - here)))),
    }


def _copas_height(y: Floats, s: Floats, u: Floats) -> Callable[[Floats], float]:
    """The log-likelihood of mean, τ and the inverse tanh of ρ, and of a slope on s if it is given."""
    ratio = np.exp(-(u**2) / 2 - 0.5 * np.log(2 * np.pi) - log_ndtr(u))

    def height(at: Floats) -> float:
        mean, tau, turn, *slope = at
        rho, middle = np.tanh(turn), mean + sum(slope) * s
        within = s**2 / (1 - rho**2 * ratio * (u + ratio))
        total = np.sqrt(tau**2 + within)
        along = rho * np.sqrt(within) / total
        z = (y - middle) / total
        chosen = log_ndtr((u + along * z) / np.sqrt(1 - along**2)) - log_ndtr(u)
        return float((-np.log(total) - z**2 / 2 + chosen).sum() - y.size * 0.5 * np.log(2 * np.pi))

    return height


def _polished(
    height: Callable[[Floats], float], at: Floats, unit: Floats, *, fixed: bool
) -> tuple[Floats, Floats]:
    """Newton steps on differences to the last digits, and the Hessian; `fixed` holds the last parameter.

    A spread at 0 and a correlation without bound are held as well.
    """
    free = np.array([True, abs(at[1]) > 1e-3 * unit[1], not fixed and abs(at[2]) < 8])
    at = np.where([False, not free[1], False], 0.0, at)
    places = np.flatnonzero(free)

    def bends(x: Floats) -> tuple[Floats, Floats]:
        n = len(places)
        gradient, hessian = np.zeros(n), np.zeros((n, n))
        h = 2e-3 * unit

        def moved(*steps: tuple[int, float]) -> float:
            y = x.copy()
            for number, times in steps:
                y[places[number]] += times * h[places[number]]
            return height(y)

        for a in range(n):
            gradient[a] = (8 * (moved((a, 1)) - moved((a, -1))) - moved((a, 2)) + moved((a, -2))) / (
                12 * h[places[a]]
            )
            for b in range(a + 1):

                def crossed(t: float, a: int = a, b: int = b) -> float:
                    signs = ((t, t, 1), (t, -t, -1), (-t, t, -1), (-t, -t, 1))
                    return sum(sign * moved((a, one), (b, two)) for one, two, sign in signs) / (4 * t**2)

                value = (4 * crossed(1.0) - crossed(2.0)) / 3 / (h[places[a]] * h[places[b]])
                hessian[a, b] = hessian[b, a] = value
        return gradient, hessian

    for _ in range(12):
        gradient, hessian = bends(at)
        if np.linalg.eigvalsh(hessian).max() >= 0:
            break
        move = -np.linalg.solve(hessian, gradient)
        at = at.copy()
        at[places] += move
        if (np.abs(move) <= 1e-11 * (unit[places] + np.abs(at[places]))).all():
            break
    return at, bends(at)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class PUniform(Judged):
    """The effect at which the conditional p-values of significant studies are uniform.

    `k` studies were given, `significant` of them used; `p_value` tests no effect, `bias_p_value` that the
    common effect of all is too large for them. A bound is infinite where nothing bounds it.
    """

    significant: int
    estimate: float = np.nan
    ci_low: float = np.nan
    ci_high: float = np.nan
    p_value: float = np.nan
    bias_p_value: float = np.nan


def p_uniform(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    alternative: str = "greater",
    alpha: float = 0.05,
    level: float = 0.95,
) -> PUniform:
    """p-uniform (van Assen, van Aert & Wicherts 2015, Psychol Methods 20: 293) with their sum of p-values.

    Used are studies significant in a two-sided test at `alpha` in the direction of the `alternative`. It
    assumes one common effect: under heterogeneity it is biased (van Aert et al. 2016). The sum's distribution
    is exact (Irwin-Hall) up to 40 studies, normal beyond.

    >>> fit = p_uniform([0.5, 0.6, 0.4, 0.9, 0.1], [0.04, 0.06, 0.03, 0.1, 0.02])
    >>> fit.significant, round(fit.estimate, 3)
    (4, 0.348)
    """
    one_of("alternative", alternative, ALTERNATIVES)
    alpha, level = check_level(alpha, "alpha"), check_level(level)
    y, v = one_analysis(effects, variances)
    checks.comparable(v, float(np.ptp(y)))
    sign = 1.0 if alternative == "greater" else -1.0
    root = np.sqrt(v)
    cut = float(ndtri(1 - alpha / 2))
    used = sign * y / root >= cut
    n = int(used.sum())
    result = PUniform(k=y.size, significant=n)
    if n < 1:
        return replace(result, refused="no study is significant in this direction")
    z, s = (sign * y / root)[used], root[used]

    def total(effect: float) -> float:
        """The sum of the conditional p-values at an effect; it rises with it."""
        at = effect / s
        return float(np.exp(log_ndtr(at - z) - log_ndtr(at - cut)).sum())

    ends = -float(s.max()), float((z * s).max()) + float(s.max())
    tails = _sum_quantile(n, (1 - level) / 2), _sum_quantile(n, (1 + level) / 2)
    low, high, estimate = (_where(total, goal, *ends) for goal in (*tails, n / 2))
    common = sign * float(pool(y, v, tau2_method="FE", interval="wald").estimate)
    bounds = (low, high) if sign > 0 else (-high, -low)
    return filled(
        result,
        estimate=sign * estimate,
        ci_low=bounds[0],
        ci_high=bounds[1],
        p_value=_sum_below(n, total(0.0)),
        bias_p_value=1 - _sum_below(n, total(common)),
        caution=few_studies_caution(n),
    )


def _where(rising: Callable[[float], float], goal: float, low: float, high: float) -> float:
    """Where a rising function meets a goal, looked for ever farther out; infinite where it does not."""
    from scipy.optimize import brentq

    step = high - low
    for _ in range(60):
        if rising(low) <= goal <= rising(high):
            return float(brentq(lambda x: rising(x) - goal, low, high, xtol=1e-14, rtol=1e-13))
        low = low - step if rising(low) > goal else low
        high = high + step if rising(high) < goal else high
        step *= 2
    return -np.inf if rising(low) > goal else np.inf


def _sum_below(n: int, x: float) -> float:
    """The chance that n uniform numbers add up to at most x."""
    if n > EXACT_UP_TO:
        return float(ndtr((x - n / 2) / np.sqrt(n / 12)))
    x = min(max(x, 0.0), float(n))
    exact = Fraction(x)
    terms = ((-1) ** j * comb(n, j) * (exact - j) ** n for j in range(int(x) + 1))
    return float(sum(terms) / factorial(n))


def _sum_quantile(n: int, probability: float) -> float:
    from scipy.optimize import brentq

    if n > EXACT_UP_TO:
        return float(n / 2 + ndtri(probability) * np.sqrt(n / 12))
    return float(brentq(lambda x: _sum_below(n, x) - probability, 0.0, float(n), xtol=1e-14))
