"""How an analysis depends on its studies: the same analysis on other choices of them, case diagnostics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtr

from trialpool.stats.checks import Bools, Floats, check_effects, check_level, finite, one_analysis
from trialpool.stats.pooling import Pooled, pool

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
    masks, options = ~np.eye(k, dtype=bool), {"tau2_method": tau2_method, "interval": interval}
    return pool(y[..., None, :], v[..., None, :], where=masks, level=level, **options)


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
    sequence = np.arange(k) if order is None else finite("order", order, least=0, whole=True).astype(np.intp)
    if sequence.shape != (k,) or not np.array_equal(np.sort(sequence), np.arange(k)):
        raise ValueError(f"order: must hold each position from 0 to {k - 1} once")
    masks = np.empty((k, k), dtype=bool)
    masks[:, sequence] = np.tri(k, dtype=bool)
    options = {"tau2_method": tau2_method, "interval": interval}
    return pool(y[..., None, :], v[..., None, :], where=masks, level=level, **options)


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
    y, v = one_analysis(effects, variances)
    k = len(y)
    if not 1 <= smallest <= k:
        raise ValueError(f"smallest is {smallest}: must lie between 1 and the {k} studies")
    complete = 2**k <= ALL_SUBSETS_UP_TO
    if complete:
        members = (np.arange(2**k)[:, None] >> np.arange(k)) & 1 == 1
        members = members[members.sum(1) >= smallest]
    else:
        draws = int(finite("draws", draws, least=1, whole=True))
        generator, members = np.random.default_rng(seed), np.empty((0, k), dtype=bool)
        while len(members) < draws:
            more = generator.random((draws, k)) < 0.5
            members = np.concatenate([members, more[more.sum(1) >= smallest]])
            if smallest > k / 2 and not len(members):
                raise ValueError(f"smallest is {smallest}: random subsets of {k} are too rarely that large")
        members = members[:draws]
    fit = pool(y, v, where=members, tau2_method=tau2_method, interval="wald")
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
    level = check_level(level)
    y, v = one_analysis(effects, variances)
    size = (int(finite("draws", draws, least=1, whole=True)), len(y))
    picked = np.random.default_rng(seed).integers(0, len(y), size)
    fit = pool(y[picked], v[picked], tau2_method=tau2_method, interval="wald")
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(fit.estimate, tails)
    tau2_low, tau2_high = np.quantile(fit.tau2, tails)
    return Bootstrap(fit.estimate, fit.tau2, low, high, tau2_low, tau2_high)


@dataclass(frozen=True, slots=True)
class Influence:
    """Case diagnostics, each (…, k); `weight` in per cent.

    `influential` marks studies with |dffits| > 3/√(k - 1), a Cook's distance past the median of χ² on
    1 df, a hat value above 3/k, or |dfbetas| > 1 (Viechtbauer & Cheung 2010).
    """

    rstudent: Floats
    dffits: Floats
    cook: Floats
    cov_ratio: Floats
    tau2_deleted: Floats
    q_deleted: Floats
    hat: Floats
    weight: Floats
    dfbetas: Floats
    baujat_x: Floats
    baujat_y: Floats
    influential: Bools


def influence(
    effects: ArrayLike, variances: ArrayLike, *, tau2_method: str = "REML", interval: str = "hksj_adhoc"
) -> Influence:
    """Case diagnostics of a random-effects meta-analysis (Viechtbauer & Cheung 2010); k at least 3.

    Effects and variances are (…, k). Variances of estimates carry the scale of the chosen `interval`.
    Baujat coordinates (Baujat et al. 2002): x is the squared Pearson residual, y the squared shift of the
    estimate when the study is left out, over that estimate's variance.

    >>> result = influence([0.1, 0.2, 0.15, 0.2, 1.5], [0.01, 0.01, 0.02, 0.02, 0.02], interval="wald")
    >>> int(result.cook.argmax()), bool(result.influential[4])
    (4, True)
    """
    y, v = check_effects(effects, variances)
    k = y.shape[-1]
    if k < 3:
        raise ValueError(f"effects: case diagnostics need at least 3 studies, here are {k}")
    full = pool(y, v, tau2_method=tau2_method, interval=interval)
    without = leave_one_out(y, v, tau2_method=tau2_method, interval=interval)
    estimate, variance, tau2 = (np.asarray(a)[..., None] for a in (full.estimate, full.se**2, full.tau2))
    shift, hat, variance = estimate - without.estimate, full.weights / 100, np.broadcast_to(variance, y.shape)
    # Of each deleted fit: the sum of its weights, and the Knapp-Hartung scale, its variance times that sum.
    weights = 1 / (v[..., None, :] + without.tau2[..., None])
    scale = without.se**2 * np.where(np.eye(k, dtype=bool), 0.0, weights).sum(-1)
    deleted_total = v + without.tau2
    dffits = _over(shift, np.sqrt(scale * hat * deleted_total))
    dfbetas = _over(shift, np.sqrt(scale * (1 / weights.sum(-1))))
    cook = _over(shift**2, variance)
    influential = (abs(dffits) > 3 / np.sqrt(k - 1)) | (chdtr(1, cook) > 0.5) | (hat > 3 / k)
    return Influence(
        rstudent=_over(y - without.estimate, np.sqrt(deleted_total * scale + without.se**2)),
        dffits=dffits,
        cook=cook,
        cov_ratio=_over(without.se**2, variance),
        tau2_deleted=without.tau2,
        q_deleted=without.q,
        hat=hat,
        weight=full.weights,
        dfbetas=dfbetas,
        baujat_x=(y - estimate) ** 2 / (v + tau2),
        baujat_y=_over(shift**2, without.se**2),
        influential=influential | (abs(dfbetas) > 1),
    )


def _over(value: Floats, by: Floats) -> Floats:
    """Divide; 0/0 of equal effects is 0, anything else over 0 infinite."""
    sign = np.where(value == 0, 0.0, np.copysign(np.inf, value))
    return np.divide(value, by, out=sign, where=by > 0)
