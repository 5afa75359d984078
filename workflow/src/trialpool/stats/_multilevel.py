"""Three-level meta-analysis: effects within trials, with known correlation of their sampling errors.

Within a cluster the effects' covariance is M = diag((1 - rho)v + s2w) + rho·√v√v' + s2b·11': a diagonal
plus two columns, so its inverse, determinant and traces come from a 2 x 2 matrix a cluster (Woodbury), and
the cost grows with n, not with n². The components are climbed by average-information steps (Gilmour,
Thompson & Cullis 1995) with zero as a genuine boundary, from every local maximum of a coarse grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, chdtri

from trialpool.stats._model import design_of, intercept
from trialpool.stats._numeric import infer
from trialpool.stats.checks import Floats, between, check_level, one_analysis, one_of
from trialpool.stats.robust import cluster_numbers, cr2, few_df_caution

METHODS = ("REML", "ML")
INTERVALS = ("wald", "t")
CLIMB_STEPS = 200
SETTLED = 1e-13
GRID = (0.0, 3e-3, 0.03, 0.2, 1.0, 6.0, 50.0)
MOST_DOUBLINGS = 60


@dataclass(frozen=True, slots=True)
class Multilevel:
    """A three-level pooled effect.

    `estimate … ci_high` are model-based; `robust_*` are CR2 with Satterthwaite degrees of freedom, right
    even if `rho` or the levels are not, and the ones to report. `sigma2_between` is the variance of the
    clusters' true effects, `sigma2_within` that of effects within a cluster; `i2_*` are their shares of
    the total in per cent. `pi_low pi_high` bound the true effect of one outcome in a new cluster.
    `q` tests both components at once. `caution` says what not to trust, and is empty otherwise.
    """

    estimate: float
    se: float
    statistic: float
    df: float
    p_value: float
    ci_low: float
    ci_high: float
    pi_low: float
    pi_high: float
    sigma2_between: float
    sigma2_within: float
    i2_between: float
    i2_within: float
    log_likelihood: float
    q: float
    q_df: int
    q_p_value: float
    robust_se: float
    robust_statistic: float
    robust_df: float
    robust_p_value: float
    robust_ci_low: float
    robust_ci_high: float
    k: int
    clusters: int
    caution: str


@dataclass(frozen=True, slots=True)
class MultilevelRegression:
    """A three-level meta-regression: coefficients (p,), intercept first; other fields as `Multilevel`."""

    coefficients: Floats
    se: Floats
    statistic: Floats
    df: float
    p_value: Floats
    ci_low: Floats
    ci_high: Floats
    sigma2_between: float
    sigma2_within: float
    log_likelihood: float
    q: float
    q_df: int
    q_p_value: float
    robust_se: Floats
    robust_statistic: Floats
    robust_df: Floats
    robust_p_value: Floats
    robust_ci_low: Floats
    robust_ci_high: Floats
    k: int
    clusters: int
    caution: str


def multilevel(
    effects: ArrayLike,
    variances: ArrayLike,
    cluster: ArrayLike,
    *,
    rho: float = 0.0,
    method: str = "REML",
    interval: str = "wald",
    level: float = 0.95,
) -> Multilevel:
    """Pool effects (k,) that are nested in clusters (trials), their sampling errors correlated by `rho`.

    `cluster` (k,) are labels. `rho` in [0, 1) is the correlation of sampling errors within a cluster, the
    same for all pairs. `interval` "wald" is normal, "t" uses clusters - 1 degrees of freedom. Raises
    ValueError for faulty input or fewer than 2 clusters.

    Source: Konstantopoulos 2011; correlated and hierarchical effects: Pustejovsky & Tipton 2022; CR2:
    Tipton 2015; shares of variance: Cheung 2014. The numbers are those of R's rma.mv and clubSandwich.

    >>> fit = multilevel([0.1, 0.3, 0.6, 0.5, -0.1, 0.2], [0.04] * 6, ["a", "a", "b", "b", "c", "c"])
    >>> round(fit.estimate, 4), round(fit.sigma2_between, 4), fit.sigma2_within
    (0.2667, 0.0458, 0.0)
    """
    nested, back = _read(effects, variances, cluster, None, rho, method, interval)
    fit = _report(nested, back, interval, check_level(level))
    # The typical sampling variance (Higgins & Thompson 2002), from P without heterogeneity.
    typical = (fit.k - 1) / float(traces(nested, gaussian(nested, 0.0, 0.0), restricted=True)[1])
    total = typical + fit.sigma2_between + fit.sigma2_within
    spread = np.sqrt(fit.se[0] ** 2 + fit.sigma2_between + fit.sigma2_within)
    new = infer(fit.coefficients[0], spread, fit.df, level)
    fields = {name: getattr(fit, name) for name in MultilevelRegression.__slots__ if name != "coefficients"}
    only = {name: float(value[0]) for name, value in fields.items() if isinstance(value, np.ndarray)}
    return Multilevel(
        estimate=float(fit.coefficients[0]),
        pi_low=float(new.low),
        pi_high=float(new.high),
        i2_between=100 * fit.sigma2_between / total,
        i2_within=100 * fit.sigma2_within / total,
        **(fields | only),
    )


def multilevel_regression(
    effects: ArrayLike,
    variances: ArrayLike,
    cluster: ArrayLike,
    design: ArrayLike | None,
    *,
    rho: float = 0.0,
    method: str = "REML",
    interval: str = "wald",
    level: float = 0.95,
) -> MultilevelRegression:
    """Regress effects (k,) nested in clusters on a `design` (k, m) without intercept; None has no moderator.

    Other arguments, errors and sources as `multilevel`; `interval` "t" uses clusters - p degrees of freedom.
    A constant or repeated column, and as many coefficients as effects, are refused.

    >>> y, v, study = [0.1, 0.3, 0.6, 0.5, -0.1, 0.2], [0.04] * 6, [1, 1, 2, 2, 3, 3]
    >>> multilevel_regression(y, v, study, [0, 1, 0, 1, 0, 1]).coefficients.round(4)
    array([0.2   , 0.1333])
    """
    nested, back = _read(effects, variances, cluster, design, rho, method, interval)
    return _report(nested, back, interval, check_level(level))


def _read(
    effects: ArrayLike,
    variances: ArrayLike,
    cluster: ArrayLike,
    design: ArrayLike | None,
    rho: float,
    method: str,
    interval: str,
) -> tuple[Nested, Floats]:
    """Check the arguments; the data by cluster, and the way `back` to the moderators' own units."""
    one_of("method", method, METHODS)
    one_of("interval", interval, INTERVALS)
    y, v = one_analysis(effects, variances)
    numbers, _ = cluster_numbers(cluster, y.size)
    correlation = float(between("rho", rho, 0, 1))
    if correlation == 1:
        raise ValueError("rho is 1: sampling errors cannot be the same in all effects of a cluster; below 1")
    columns = intercept(y.size) if design is None else design_of(design, y.size)
    return nested_of(y, columns.basis, v, numbers, correlation, method == "REML"), columns.back


def _report(nested: Nested, back: Floats, interval: str, level: float) -> MultilevelRegression:
    """Fit, then say everything about the fit, its coefficients taken `back` to the moderators' own units."""
    s2_between, s2_within, fit = best_components(nested)
    (k, p), clusters = nested.design.shape, nested.first.size
    coefficients = back @ fit.coefficients
    se = np.sqrt(np.diag(back @ fit.covariance @ back.T))
    df = float(clusters - p) if interval == "t" else np.inf
    model = infer(coefficients, se, df, level)
    residuals = nested.y - nested.design @ fit.coefficients
    working = blocks(nested, s2_between, s2_within)
    variance, freedom = cr2(nested.design, residuals, nested.cluster, working, back)
    robust_se = np.sqrt(np.diag(variance))
    robust = infer(coefficients, robust_se, freedom, level)
    q = float(nested.y @ gaussian(nested, 0.0, 0.0).weighted_residual)
    return MultilevelRegression(
        coefficients=coefficients,
        se=se,
        statistic=model.statistic,
        df=df,
        p_value=model.p_value,
        ci_low=model.low,
        ci_high=model.high,
        sigma2_between=s2_between,
        sigma2_within=s2_within,
        log_likelihood=fit.log_likelihood,
        q=q,
        q_df=k - p,
        q_p_value=float(chdtrc(k - p, q)),
        robust_se=robust_se,
        robust_statistic=robust.statistic,
        robust_df=freedom,
        robust_p_value=robust.p_value,
        robust_ci_low=robust.low,
        robust_ci_high=robust.high,
        k=k,
        clusters=clusters,
        caution=_caution(nested, float(freedom.min())),
    )


def _caution(nested: Nested, least_df: float) -> str:
    alone = "no cluster has two effects, so all heterogeneity is put between clusters"
    parts = [alone if nested.alone else "", few_df_caution(least_df)]
    return "; ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class ComponentIntervals:
    """Intervals of `sigma2_between` and `sigma2_within`; a limit may be 0, and infinite if nothing bounds it.

    Without any cluster of two effects the second does not exist: NaN.
    """

    between_low: float
    between_high: float
    within_low: float
    within_high: float


def component_intervals(
    effects: ArrayLike,
    variances: ArrayLike,
    cluster: ArrayLike,
    *,
    rho: float = 0.0,
    method: str = "REML",
    level: float = 0.95,
) -> ComponentIntervals:
    """Intervals of the variance components of `multilevel`, from where the profile likelihood drops by χ²/2.

    Arguments and errors as `multilevel`. Each component is fixed in turn and the other re-estimated
    (Hardy & Thompson 1996; Viechtbauer 2007).

    >>> y, study = [0.1, 0.3, 0.9, 1.1, -0.4, -0.1], ["a", "a", "b", "b", "c", "c"]
    >>> found = component_intervals(y, [0.02] * 6, study)
    >>> round(found.between_low, 4), round(found.between_high, 2), found.within_low
    (0.0707, 7.01, 0.0)
    """
    drop = float(chdtri(1, 1 - check_level(level))) / 2
    nested, _ = _read(effects, variances, cluster, None, rho, method, "wald")
    low, high = _profile(nested, 0, drop)
    return ComponentIntervals(low, high, *((np.nan, np.nan) if nested.alone else _profile(nested, 1, drop)))


def _profile(nested: Nested, which: int, drop: float) -> tuple[float, float]:
    """Limits of one component, where the other's best log-likelihood lies `drop` below the maximum."""
    # Imported here: it would double the time that importing the statistics takes.
    from scipy.optimize import brentq

    *best, fit = best_components(nested)
    other = 1 - which
    free = np.array([which == 1, which == 0 and not nested.alone])
    scale = float(np.var(nested.y)) + float(nested.variances.mean())

    def excess(value: float) -> float:
        ends = []
        for start in {best[other], 0.0 if nested.alone else 0.1 * scale}:
            at = np.array([value, start]) if which == 0 else np.array([start, value])
            ends.append(climb(nested, at, free)[1].log_likelihood)
        return fit.log_likelihood - drop - max(ends)

    low, high = 0.0, max(best[which], 1e-3 * scale)
    if best[which] > 0 and excess(0.0) > 0:
        low = brentq(excess, 0.0, best[which], xtol=1e-13 * scale, rtol=1e-11)
    for _ in range(MOST_DOUBLINGS):
        if excess(high) > 0:
            return low, brentq(excess, best[which], high, xtol=1e-13 * scale, rtol=1e-11)
        high *= 2
    return low, np.inf


@dataclass(frozen=True, slots=True)
class Nested:
    """Effects y (n,), design (n, p) and variances (n,), sorted by cluster number (n,) 0, 1, ….

    `first` (clusters,) is where each cluster begins; `rho` the correlation of sampling errors within one.
    """

    y: Floats
    design: Floats
    variances: Floats
    cluster: NDArray[np.intp]
    first: NDArray[np.intp]
    rho: float
    restricted: bool

    @property
    def alone(self) -> bool:
        """No cluster has two effects."""
        return self.first.size == self.y.size


def nested_of(
    y: Floats, design: Floats, variances: Floats, cluster: NDArray[np.intp], rho: float, restricted: bool
) -> Nested:
    """Sort the effects by cluster."""
    order = np.argsort(cluster, kind="stable")
    sorted_cluster = cluster[order]
    first = np.flatnonzero(np.diff(sorted_cluster, prepend=-1))
    return Nested(y[order], design[order], variances[order], sorted_cluster, first, rho, restricted)


@dataclass(frozen=True, slots=True)
class Gaussian:
    """The model at given components: what the likelihood, its slope and the coefficients are made of."""

    diagonal: Floats
    columns: Floats
    inner: Floats
    log_determinant: float
    coefficients: Floats
    covariance: Floats
    weighted_design: Floats
    weighted_residual: Floats
    log_likelihood: float


def by_cluster(nested: Nested, rows: Floats) -> Floats:
    """Sum rows (n, q) within clusters to (clusters, q)."""
    sums: Floats = np.add.reduceat(rows, nested.first, axis=0)
    return sums


def _apply(nested: Nested, diagonal: Floats, columns: Floats, inner: Floats, right: Floats) -> Floats:
    """M^-1 times the columns of `right` (n, q)."""
    plain = right / diagonal[:, None]
    middle = by_cluster(nested, columns[:, :, None] * plain[:, None, :])
    pulled = inner @ middle
    solved: Floats = plain - np.einsum("ni,niq->nq", columns, pulled[nested.cluster]) / diagonal[:, None]
    return solved


def gaussian(nested: Nested, between: float, within: float) -> Gaussian:
    """Fit the coefficients by generalised least squares at given components, with the log-likelihood.

    The constants are those of R's rma.mv: REML counts n - p observations and adds back log|X'X|/2.
    """
    diagonal = (1 - nested.rho) * nested.variances + within
    columns = np.column_stack(
        [np.sqrt(nested.rho * nested.variances), np.full(nested.y.size, np.sqrt(between))]
    )
    gram = np.eye(2) + by_cluster(nested, columns[:, :, None] * columns[:, None, :] / diagonal[:, None, None])
    inner = np.asarray(np.linalg.inv(gram), dtype=np.float64)
    log_determinant = float(np.log(diagonal).sum() + np.linalg.slogdet(gram)[1].sum())
    weighted = _apply(nested, diagonal, columns, inner, np.column_stack([nested.design, nested.y]))
    weighted_design, weighted_y = weighted[:, :-1], weighted[:, -1]
    information = nested.design.T @ weighted_design
    covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
    coefficients = covariance @ (nested.design.T @ weighted_y)
    weighted_residual = weighted_y - weighted_design @ coefficients
    n, p = nested.design.shape
    log_likelihood = -0.5 * (n * np.log(2 * np.pi) + log_determinant + float(nested.y @ weighted_residual))
    if nested.restricted:
        own = np.linalg.slogdet(nested.design.T @ nested.design)[1]
        log_likelihood += 0.5 * (p * np.log(2 * np.pi) + own - np.linalg.slogdet(information)[1])
    return Gaussian(
        diagonal,
        columns,
        inner,
        log_determinant,
        coefficients,
        covariance,
        weighted_design,
        weighted_residual,
        float(log_likelihood),
    )


def blocks(nested: Nested, between: float, within: float) -> list[Floats]:
    """The covariance matrix of each cluster's effects, in the order of the cluster numbers."""
    made = []
    for v in np.split(nested.variances, nested.first[1:]):
        root = np.sqrt(v)
        made.append(np.diag((1 - nested.rho) * v + within) + nested.rho * np.outer(root, root) + between)
    return made


def traces(nested: Nested, fit: Gaussian, restricted: bool) -> Floats:
    """Tr(PJ) and tr(P), J the block matrix of ones; P is M^-1 unless `restricted`, then it spans X out."""
    ones = np.ones((nested.y.size, 1))
    inverse_ones = _apply(nested, fit.diagonal, fit.columns, fit.inner, ones)[:, 0]
    scaled = fit.columns / fit.diagonal[:, None]
    taken = np.einsum("ni,nij,nj->", scaled, fit.inner[nested.cluster], scaled)
    found = np.array([inverse_ones.sum(), (1 / fit.diagonal).sum() - taken])
    if restricted:
        sums = by_cluster(nested, fit.weighted_design)
        found[0] -= np.einsum("ij,ci,cj->", fit.covariance, sums, sums)
        found[1] -= np.einsum("ij,ni,nj->", fit.covariance, fit.weighted_design, fit.weighted_design)
    return found


def slope(nested: Nested, fit: Gaussian) -> tuple[Floats, Floats]:
    """Score of (between, within) and its average information matrix (2, 2)."""
    residual = fit.weighted_residual
    spread = by_cluster(nested, residual[:, None])[nested.cluster, 0]
    directions = np.column_stack([spread, residual])
    score = 0.5 * (residual @ directions - traces(nested, fit, nested.restricted))
    solved = _apply(nested, fit.diagonal, fit.columns, fit.inner, directions)
    along = fit.weighted_design.T @ directions
    information = 0.5 * (directions.T @ solved - along.T @ fit.covariance @ along)
    return score, information


def climb(nested: Nested, start: Floats, free: NDArray[np.bool_]) -> tuple[Floats, Gaussian]:
    """Climb from `start` to a maximum over the `free` components, each of at least 0."""
    at = start.astype(np.float64)
    fit = gaussian(nested, *at)
    for _ in range(CLIMB_STEPS):
        score, information = slope(nested, fit)
        moving = free & ((at > 0) | (score > 0))
        if not moving.any():
            break
        step = np.zeros(2)
        step[moving] = np.linalg.lstsq(information[np.ix_(moving, moving)], score[moving], rcond=None)[0]
        reached, reached_fit = _step(nested, at, fit, step)
        change = np.abs(reached - at)
        at, fit = reached, reached_fit
        if (change <= SETTLED * (at + nested.variances.mean() * SETTLED)).all():
            break
    return at, fit


def _step(nested: Nested, at: Floats, fit: Gaussian, step: Floats) -> tuple[Floats, Gaussian]:
    """Go the longest of 1, 1/2, 1/4 … of a step, cut at the boundary, that does not lower the likelihood."""
    allowed = 1e-12 * (1 + abs(fit.log_likelihood))
    for halvings in range(40):
        reached = np.maximum(at + step / 2**halvings, 0.0)
        reached_fit = gaussian(nested, *reached)
        if reached_fit.log_likelihood >= fit.log_likelihood - allowed:
            return reached, reached_fit
    return at, fit


def best_components(nested: Nested) -> tuple[float, float, Gaussian]:
    """The components of greatest (restricted) likelihood: climbs from every local maximum of a grid.

    When no cluster has two effects only the sum of the two is identified; it is all put between.
    """
    free = np.array([True, not nested.alone])
    scale = max(float(np.var(nested.y)), 1e-3 * float(nested.variances.mean()))
    values = scale * np.array(GRID)
    columns = values[:1] if nested.alone else values
    heights = np.array([[gaussian(nested, b, w).log_likelihood for w in columns] for b in values])
    padded = np.pad(heights, 1, constant_values=-np.inf)
    around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).max(axis=(2, 3))
    peaks = np.argwhere(heights >= around)
    climbed = [climb(nested, np.array([values[i], columns[j]]), free) for i, j in peaks]
    (between, within), fit = max(climbed, key=lambda end: end[1].log_likelihood)
    return float(between), float(within), fit
