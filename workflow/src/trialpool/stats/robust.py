"""Cluster-robust standard errors for few clusters: CR2 with Satterthwaite degrees of freedom.

Weights are the inverse of a working covariance matrix, one block a cluster; the bias-reduced linearisation
makes the variance exact if the working model holds (Bell & McCaffrey 2002; Tipton 2015; Pustejovsky &
Tipton 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.stats._numeric import infer
from trialpool.stats.checks import Floats, between, check_level, one_analysis
from trialpool.stats.pooling import pool

FEWEST_DF = 4
FEWEST_CLUSTERS = 2


@dataclass(frozen=True, slots=True)
class Robust:
    """A pooled effect with its cluster-robust inference; `caution` is empty when there is none.

    `tau2` is the heterogeneity of the working model, `weights` (k,) its weights in per cent.
    """

    estimate: float
    tau2: float
    robust_se: float
    robust_df: float
    robust_statistic: float
    robust_p_value: float
    robust_ci_low: float
    robust_ci_high: float
    clusters: int
    weights: Floats
    caution: str


def cluster_numbers(cluster: ArrayLike, k: int) -> tuple[NDArray[np.intp], int]:
    """Number the clusters 0, 1, … in order of appearance; labels may be numbers or text, none missing."""
    labels = np.asarray(cluster)
    if labels.shape != (k,):
        raise ValueError(f"cluster has shape {labels.shape}: needs one label for each of the {k} effects")
    numbers: dict[object, int] = {}
    found = []
    for position, label in enumerate(labels.tolist()):
        if label is None or label == "" or label != label:
            raise ValueError(f"cluster[{position}] is {label!r}: every effect needs the label of its cluster")
        found.append(numbers.setdefault(label, len(numbers)))
    if len(numbers) < FEWEST_CLUSTERS:
        raise ValueError(
            f"cluster: needs at least {FEWEST_CLUSTERS} different labels, there is {len(numbers)}"
        )
    return np.array(found, dtype=np.intp), len(numbers)


def few_df_caution(df: float) -> str:
    """What to say when the Satterthwaite approximation is not to be trusted (Tipton 2015)."""
    if df >= FEWEST_DF:
        return ""
    return (
        f"the robust interval and p-value rest on {df:.1f} degrees of freedom; "
        f"below {FEWEST_DF} they are not trustworthy"
    )


def cr2(
    design: Floats,
    residuals: Floats,
    cluster: NDArray[np.intp],
    working: Sequence[Floats],
    back: Floats | None = None,
) -> tuple[Floats, Floats]:
    """CR2 covariance (p, p) of generalised least squares coefficients, and Satterthwaite df (p,) of each.

    `design` (n, p), `residuals` (n,), `working` the covariance block of each cluster, whose inverses are
    the weights; with `back` (p, p) not the coefficients themselves are asked for but `back` times them.
    The adjustment of a cluster is A = D'(D(F - XBX')D')^(-1/2)D with F = D'D its block.

    Source: Pustejovsky & Tipton 2018, equations 6 to 10; Satterthwaite df of Bell & McCaffrey 2002.
    """
    rows = [np.flatnonzero(cluster == number) for number in range(len(working))]
    weighted = [np.linalg.solve(block, design[row]) for block, row in zip(working, rows, strict=True)]
    information = sum((design[row].T @ part for row, part in zip(rows, weighted, strict=True)), np.zeros(1))
    bread = np.asarray(np.linalg.inv(information), dtype=np.float64)
    asked = bread if back is None else bread @ back.T
    adjusted = [
        _adjustment(block, design[row], bread) @ part @ asked
        for block, row, part in zip(working, rows, weighted, strict=True)
    ]
    scores = np.array([part.T @ residuals[row] for part, row in zip(adjusted, rows, strict=True)])
    # The covariance under the working model of the clusters' scores for one coefficient is diag(own) - ZBZ'.
    own = np.array([np.einsum("ni,nm,mi->i", a, f, a) for a, f in zip(adjusted, working, strict=True)])
    across = np.array([design[row].T @ part for part, row in zip(adjusted, rows, strict=True)])
    squares = np.einsum("cai,ab,cbi->ci", across, bread, across)
    gram = np.einsum("cai,cbi->iab", across, across) @ bread
    total = (own - squares).sum(axis=0)
    spread = (own**2 - 2 * own * squares).sum(axis=0) + np.einsum("iab,iba->i", gram, gram)
    return scores.T @ scores, total**2 / spread


def _adjustment(block: Floats, design: Floats, bread: Floats) -> Floats:
    upper = np.linalg.cholesky(block).T
    middle = upper @ (block - design @ bread @ design.T) @ upper.T
    values, vectors = np.linalg.eigh((middle + middle.T) / 2)
    # A cluster that alone determines a coefficient leaves a zero: its direction is left out.
    kept = values > 1e-12 * max(values.max(), 0.0)
    powers = np.where(kept, 1 / np.sqrt(np.where(kept, values, 1.0)), 0.0)
    adjustment: Floats = upper.T @ (vectors * powers) @ vectors.T @ upper
    return adjustment


def robust_pool(
    effects: ArrayLike,
    variances: ArrayLike,
    cluster: ArrayLike | None = None,
    *,
    tau2_method: str = "REML",
    level: float = 0.95,
) -> Robust:
    """Pool effects (k,) as `pool` does and give the estimate a CR2 standard error.

    `cluster` (k,) labels effects that belong together; None makes each effect its own cluster, which
    guards against misstated variances only. Raises ValueError for faulty input or fewer than 2 clusters.

    Source: Tipton 2015, Psychological Methods 20(3).

    >>> fit = robust_pool([0.1, 0.4, 0.3, 0.6], [0.04, 0.05, 0.03, 0.06])
    >>> round(fit.robust_se, 4), round(fit.robust_df, 3)
    (0.0891, 2.775)
    """
    y, v = one_analysis(effects, variances)
    numbers, clusters = cluster_numbers(np.arange(y.size) if cluster is None else cluster, y.size)
    tau2 = float(pool(y, v, tau2_method=tau2_method).tau2)
    return _robust(y, 1 / (v + tau2), tau2, numbers, clusters, level)


def correlated_effects(
    effects: ArrayLike, variances: ArrayLike, cluster: ArrayLike, *, rho: float = 0.8, level: float = 0.95
) -> Robust:
    """Pool effects (k,) within clusters by the correlated-effects working model, with CR2 inference.

    An effect of a cluster of m effects with mean variance u has weight 1/(m(u + tau2)); tau2 is the
    moment estimate assuming sampling errors within a cluster correlate by `rho`, 0 to 1.

    Source: Hedges, Tipton & Johnson 2010, Research Synthesis Methods 1(1), section 3.2; Tipton 2015.

    >>> fit = correlated_effects([0.1, 0.4, 0.3, 0.6, 0.2], [0.04, 0.05, 0.03, 0.06, 0.05], [1, 1, 2, 3, 3])
    >>> round(fit.estimate, 4), round(fit.robust_df, 3)
    (0.3096, 1.872)
    """
    y, v = one_analysis(effects, variances)
    numbers, clusters = cluster_numbers(cluster, y.size)
    correlation = float(between("rho", rho, 0, 1))
    size = np.bincount(numbers)
    mean_variance = np.bincount(numbers, weights=v) / size
    w = 1 / (size * mean_variance)
    estimate = (w[numbers] @ y) / (w @ size)
    q = w[numbers] @ (y - estimate) ** 2
    # E(Q) = sum of w tr(S) - sum of w² 1'S1 / sum of w, S the cluster's covariance: linear in tau2.
    sampling = w / size * (correlation * size**2 + (1 - correlation) * size)
    total = w @ size
    excess = q - clusters + sampling.sum() / total
    tau2 = max(0.0, float(excess / (total - (w**2 @ size**2) / total)))
    weights = 1 / (size * (mean_variance + tau2))
    return _robust(y, weights[numbers], tau2, numbers, clusters, level)


def _robust(
    y: Floats, w: Floats, tau2: float, numbers: NDArray[np.intp], clusters: int, level: float
) -> Robust:
    check_level(level)
    estimate = float(w @ y / w.sum())
    working = [np.diag(1 / w[numbers == number]) for number in range(clusters)]
    variance, freedom = cr2(np.ones((y.size, 1)), y - estimate, numbers, working)
    se, df = float(np.sqrt(variance[0, 0])), float(freedom[0])
    found = infer(estimate, se, df, level)
    return Robust(
        estimate=estimate,
        tau2=tau2,
        robust_se=se,
        robust_df=df,
        robust_statistic=float(found.statistic),
        robust_p_value=float(found.p_value),
        robust_ci_low=float(found.low),
        robust_ci_high=float(found.high),
        clusters=clusters,
        weights=100 * w / w.sum(),
        caution=few_df_caution(df),
    )
