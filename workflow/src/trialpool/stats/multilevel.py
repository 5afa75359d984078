"""Three-level meta-analysis: effects within trials, with known correlation of their sampling errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from trialpool.stats._numeric import infer
from trialpool.stats.checks import Floats, between, check_level, finite, one_analysis, one_of
from trialpool.stats.nested import Nested, best_components, blocks, gaussian, nested_of, traces
from trialpool.stats.robust import cluster_numbers, cr2, few_df_caution

METHODS = ("REML", "ML")
INTERVALS = ("wald", "t")


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
    fit = multilevel_regression(
        effects, variances, cluster, None, rho=rho, method=method, interval=interval, level=level
    )
    typical = _typical_variance(np.asarray(variances, dtype=np.float64), cluster, rho, fit.k)
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
    A design whose columns depend on each other (or on the intercept) is refused.

    >>> y, v, study = [0.1, 0.3, 0.6, 0.5, -0.1, 0.2], [0.04] * 6, [1, 1, 2, 2, 3, 3]
    >>> multilevel_regression(y, v, study, [0, 1, 0, 1, 0, 1]).coefficients.round(4)
    array([0.2   , 0.1333])
    """
    one_of("method", method, METHODS)
    one_of("interval", interval, INTERVALS)
    check_level(level)
    y, v = one_analysis(effects, variances)
    numbers, clusters = cluster_numbers(cluster, y.size)
    correlation = float(between("rho", rho, 0, 1))
    if correlation == 1:
        raise ValueError("rho is 1: sampling errors cannot be the same in all effects of a cluster; below 1")
    basis, back = _centred(_design(design, y.size))
    nested = nested_of(y, basis, v, numbers, correlation, method == "REML")
    if nested.design.shape[1] >= y.size:
        raise ValueError(
            f"design: {nested.design.shape[1]} coefficients cannot be estimated from {y.size} effects"
        )
    return _report(nested, back, clusters, interval, level)


def _report(nested: Nested, back: Floats, clusters: int, interval: str, level: float) -> MultilevelRegression:
    """Fit, then say everything about the fit, its coefficients taken `back` to the moderators' own units."""
    s2_between, s2_within, fit = best_components(nested)
    k, p = nested.design.shape
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
    parts = [alone if nested.first.size == nested.y.size else "", few_df_caution(least_df)]
    return "; ".join(part for part in parts if part)


def _design(design: ArrayLike | None, k: int) -> Floats:
    """The design with its intercept, of full column rank."""
    moderators = np.empty((k, 0)) if design is None else finite("design", design)
    if moderators.ndim == 1:
        moderators = moderators[:, None]
    if moderators.ndim != 2 or moderators.shape[0] != k:
        raise ValueError(f"design has shape {moderators.shape}: needs ({k}, number of moderators)")
    whole = np.column_stack([np.ones(k), moderators])
    scaled = whole / np.maximum(np.abs(whole).max(axis=0), np.finfo(float).tiny)
    if np.linalg.matrix_rank(scaled) < whole.shape[1]:
        raise ValueError("design: its columns depend on each other or on the intercept; leave some out")
    return whole


def _centred(whole: Floats) -> tuple[Floats, Floats]:
    """Moderators centred and scaled, without which years near 2000 cost seven digits, and the way back.

    Coefficients of the original columns are the returned matrix times those of the centred ones.
    """
    centre, scale = whole.mean(axis=0), whole.std(axis=0)
    centre[0], scale[0] = 0.0, 1.0
    back = np.diag(1 / scale)
    back[0, 1:] = -centre[1:] / scale[1:]
    return (whole - centre) / scale, back


def _typical_variance(v: Floats, cluster: ArrayLike, rho: float, k: int) -> float:
    """Typical sampling variance, (k - 1) / tr(P) without heterogeneity (Higgins & Thompson 2002)."""
    variances = np.broadcast_to(v, (k,))
    numbers, _ = cluster_numbers(cluster, k)
    nested = nested_of(np.zeros(k), np.ones((k, 1)), variances, numbers, float(rho), True)
    return (k - 1) / float(traces(nested, gaussian(nested, 0.0, 0.0), restricted=True)[1])
