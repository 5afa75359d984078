"""Subgroups of studies, each pooled, with a common or a separate tau2, and the test between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, fdtrc

from trialpool.stats import design
from trialpool.stats.batch import batch_of, load
from trialpool.stats.checks import Bools, Floats, check_effects, check_level, one_of
from trialpool.stats.forms import start, weights_at
from trialpool.stats.heterogeneity import TAU2_METHODS, estimate_tau2
from trialpool.stats.pooling import INTERVALS, Pooled, pool, summarise


@dataclass(frozen=True, slots=True)
class Subgroups:
    """Each subgroup pooled, and the test between them.

    `names` are in order of first appearance and `k` counts the studies of each; fields of `pooled` are
    (G,), its weights (G, k) sum to 100 within a subgroup. The `statistic` is χ² on `df`, or where `df2` is
    finite F on `df` and `df2`.
    """

    names: tuple[str, ...]
    k: Floats
    pooled: Pooled
    statistic: float
    df: float
    df2: float
    p_value: float


def subgroups(
    effects: ArrayLike,
    variances: ArrayLike,
    groups: Sequence[object],
    *,
    tau2: str = "separate",
    tau2_method: str = "REML",
    interval: str = "hksj_adhoc",
    level: float = 0.95,
) -> Subgroups:
    """Pool each of the `groups` (one label a study) and test whether they differ.

    With `tau2="separate"` each group is pooled by itself and the estimates are compared by χ² on G - 1 df
    with the SEs of the chosen interval (Borenstein et al. 2009, ch. 19). With "common" one tau2, one
    Knapp-Hartung scale and t on k - G df serve all groups, which is meta-regression on their labels.

    >>> result = subgroups([0.1, 0.2, 0.7, 0.9], [0.02] * 4, ["a", "a", "b", "b"], interval="wald")
    >>> result.names, result.pooled.estimate.round(2).tolist(), round(result.p_value, 4)
    (('a', 'b'), [0.15, 0.8], 0.0)
    """
    one_of("tau2", tau2, ("common", "separate"))
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    one_of("interval", interval, INTERVALS)
    level = check_level(level)
    y, v = check_effects(effects, variances)
    names, masks = _masks(groups, y)
    if tau2 == "separate":
        pooled = pool(y, v, where=masks, tau2_method=tau2_method, interval=interval, level=level)
        df2 = np.inf
    else:
        pooled, df2 = _common(y, v, masks, tau2_method, interval, level)
    statistic, df = _between(pooled), float(len(names) - 1)
    if np.isfinite(df2) and df > 0:
        statistic /= df
    p_value = float(fdtrc(df, df2, statistic) if np.isfinite(df2) else chdtrc(df, statistic)) if df else 1.0
    return Subgroups(names, masks.sum(1).astype(float), pooled, statistic, df, df2, p_value)


def _masks(groups: Sequence[object], y: Floats) -> tuple[tuple[str, ...], Bools]:
    labels = [str(group) for group in groups]
    if y.ndim != 1 or len(labels) != len(y):
        raise ValueError(f"groups has {len(labels)} labels for effects of shape {y.shape}: needs one a study")
    names = tuple(dict.fromkeys(labels))
    return names, np.array([[label == name for label in labels] for name in names])


def _common(
    y: Floats, v: Floats, masks: Bools, tau2_method: str, interval: str, level: float
) -> tuple[Pooled, float]:
    """Estimate tau2 around the subgroup means, then summarise each subgroup with it."""
    number, k = masks.shape
    if k <= number:
        raise ValueError(f"groups: {k} studies in {number} groups are too few for a common tau2")
    basis = (masks / np.sqrt(masks.sum(1, keepdims=True))).T
    whole = replace(load(batch_of(y, v), 0, 1), basis=basis)
    tau2 = estimate_tau2(whole, start(whole), tau2_method)
    w = weights_at(whole, tau2)
    residual = design.residuals(basis, w, whole.effects)[1]
    scale = float((w * residual**2).sum()) / (k - number)
    df2 = np.inf if interval == "wald" else float(k - number)
    scale = {"wald": 1.0, "hksj": scale, "hksj_adhoc": max(scale, 1.0)}[interval]
    parts = load(batch_of(y, v, masks), 0, number)
    record, weights = summarise(
        parts,
        start(parts),
        np.repeat(tau2, number),
        interval,
        level,
        common=tau2_method == "FE",
        correction=(np.full(number, scale), np.full(number, df2)),
    )
    return Pooled(**record, weights=weights.T), df2


def _between(pooled: Pooled) -> float:
    """Q between the estimates; certain and different ones (SE 0) are infinitely far apart."""
    if (pooled.se <= 0).any():
        return 0.0 if np.ptp(pooled.estimate) == 0 else np.inf
    w = 1 / pooled.se**2
    mean = (w * pooled.estimate).sum() / w.sum()
    return float((w * (pooled.estimate - mean) ** 2).sum())
