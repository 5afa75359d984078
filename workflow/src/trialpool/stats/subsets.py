"""The same analysis on other choices of studies: without one, cumulatively, on all subsets, resampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialpool.stats.batch import batch_of
from trialpool.stats.checks import Bools, Floats, check_effects, check_level, counts, one_of
from trialpool.stats.heterogeneity import TAU2_METHODS
from trialpool.stats.pooling import INTERVALS, Pooled, pool, pool_batch

ALL_SUBSETS_UP_TO = 2**17


def leave_one_out(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    tau2_method: str = "REML",
    interval: str = "hksj_adhoc",
    level: float = 0.95,
) -> Pooled:
    """Pool k - 1 studies, leaving each out in turn; fields have shape (…, k), weights (…, k, k).

    Entry i is the analysis without study i. At least two studies are needed.

    >>> leave_one_out([0.1, 0.3, 0.8], [0.1, 0.1, 0.1]).estimate.round(2).tolist()
    [0.55, 0.45, 0.2]
    """
    y, v = check_effects(effects, variances)
    k = y.shape[-1]
    if k < 2:
        raise ValueError("effects: leaving one study out needs at least 2")
    return _on_masks(y, v, ~np.eye(k, dtype=bool), tau2_method, interval, level)


def cumulative(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    order: ArrayLike | None = None,
    tau2_method: str = "REML",
    interval: str = "hksj_adhoc",
    level: float = 0.95,
) -> Pooled:
    """Pool the first study, the first two, … all k; fields have shape (…, k), weights (…, k, k).

    `order` (k,) lists the positions of the studies, first to last (default: as given), such as
    `np.argsort(years, kind="stable")`. The first entry is one study alone, see `pool`.

    >>> cumulative([0.1, 0.3, 0.8], [0.1, 0.1, 0.1]).estimate.round(2).tolist()
    [0.1, 0.2, 0.4]
    """
    y, v = check_effects(effects, variances)
    k = y.shape[-1]
    sequence = np.arange(k) if order is None else counts("order", order).astype(np.intp)
    if sequence.shape != (k,) or not np.array_equal(np.sort(sequence), np.arange(k)):
        raise ValueError(f"order: must hold each position from 0 to {k - 1} once")
    masks = np.empty((k, k), dtype=bool)
    masks[:, sequence] = np.tri(k, dtype=bool)
    return _on_masks(y, v, masks, tau2_method, interval, level)


@dataclass(frozen=True, slots=True)
class Gosh:
    """Subsets of studies and what each gives: `members` (m, k), all else (m,); `i2` in per cent.

    `complete` says whether the m subsets are all there are.
    """

    members: Bools
    size: Floats
    estimate: Floats
    tau2: Floats
    i2: Floats
    complete: bool


def gosh(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    draws: int = 10_000,
    seed: int = 1,
    tau2_method: str = "REML",
    smallest: int = 1,
) -> Gosh:
    """Pool all subsets of at least `smallest` studies (Olkin, Dahabreh & Trikalinos 2012).

    With more than 2^17 subsets, `draws` of them instead, each study being in with probability ½, from
    numpy's generator with `seed`: the same seed gives the same subsets. Subset number i of a complete
    answer holds the studies that are the bits of i.

    >>> result = gosh([0.1, 0.3, 0.8], [0.1, 0.1, 0.1], smallest=2)
    >>> result.size.tolist(), result.estimate.round(2).tolist()
    ([2.0, 2.0, 2.0, 3.0], [0.2, 0.45, 0.55, 0.4])
    """
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    y, v = check_effects(effects, variances)
    if y.ndim != 1:
        raise ValueError(f"effects has shape {y.shape}: takes one analysis, shape (k,)")
    k = len(y)
    if not 1 <= smallest <= k:
        raise ValueError(f"smallest is {smallest}: must lie between 1 and the {k} studies")
    complete = 2**k <= ALL_SUBSETS_UP_TO
    if complete:
        members = (np.arange(2**k)[:, None] >> np.arange(k)) & 1 == 1
        members = members[members.sum(1) >= smallest]
    else:
        members = _random_members(k, int(counts("draws", draws, least=1)), seed, smallest)
    batch = batch_of(y, v, members)
    fit = pool_batch(batch, tau2_method, "wald", 0.95, weights=False)
    return Gosh(members, members.sum(1).astype(float), fit.estimate, fit.tau2, fit.i2, complete)


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Resampled analyses: `estimate` and `tau2` (draws,), and the percentile interval of each."""

    estimate: Floats
    tau2: Floats
    estimate_low: Floats
    estimate_high: Floats
    tau2_low: Floats
    tau2_high: Floats


def bootstrap(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    draws: int = 2000,
    seed: int = 1,
    tau2_method: str = "REML",
    level: float = 0.95,
) -> Bootstrap:
    """Resample the k studies with replacement and pool each draw (Efron & Tibshirani 1993).

    Percentile intervals at `level`; the same seed gives the same draws.

    >>> result = bootstrap([0.1, 0.3, 0.8, 0.4], [0.1, 0.1, 0.1, 0.2], draws=200)
    >>> bool(result.estimate_low < 0.4 < result.estimate_high)
    True
    """
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    level = check_level(level)
    y, v = check_effects(effects, variances)
    if y.ndim != 1:
        raise ValueError(f"effects has shape {y.shape}: takes one analysis, shape (k,)")
    size = (int(counts("draws", draws, least=1)), len(y))
    picked = np.random.default_rng(seed).integers(0, len(y), size)
    fit = pool_batch(batch_of(y[picked], v[picked]), tau2_method, "wald", level, weights=False)
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(fit.estimate, tails)
    tau2_low, tau2_high = np.quantile(fit.tau2, tails)
    return Bootstrap(fit.estimate, fit.tau2, low, high, tau2_low, tau2_high)


def _on_masks(y: Floats, v: Floats, masks: Bools, tau2_method: str, interval: str, level: float) -> Pooled:
    one_of("interval", interval, INTERVALS)
    return pool(
        y[..., None, :],
        v[..., None, :],
        where=masks,
        tau2_method=tau2_method,
        interval=interval,
        level=level,
    )


def _random_members(k: int, draws: int, seed: int, smallest: int) -> Bools:
    generator = np.random.default_rng(seed)
    members = np.empty((0, k), dtype=bool)
    while len(members) < draws:
        more = generator.random((draws, k)) < 0.5
        members = np.concatenate([members, more[more.sum(1) >= smallest]])
        if smallest > k / 2 and not len(members):
            raise ValueError(f"smallest is {smallest}: random subsets of {k} are too rarely that large")
    return members[:draws]
