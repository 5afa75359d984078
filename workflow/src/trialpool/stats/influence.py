"""How much each study sways the result: case diagnostics from one batched leave-one-out fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtr

from trialpool.stats.checks import Bools, Floats, check_effects
from trialpool.stats.pooling import Pooled, pool
from trialpool.stats.subsets import leave_one_out


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
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    tau2_method: str = "REML",
    interval: str = "hksj_adhoc",
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
    return _compare(y, v, full, without)


def _compare(y: Floats, v: Floats, full: Pooled, without: Pooled) -> Influence:
    k = y.shape[-1]
    estimate, variance, tau2 = (np.asarray(a)[..., None] for a in (full.estimate, full.se**2, full.tau2))
    shift, hat = estimate - without.estimate, full.weights / 100
    scale, deleted_total = _scale(v, without), v + without.tau2
    dffits = _over(shift, np.sqrt(scale * hat * deleted_total))
    plugged = 1 / (1 / (v[..., None, :] + without.tau2[..., None])).sum(-1)
    dfbetas = _over(shift, np.sqrt(scale * plugged))
    cook = _over(shift**2, np.broadcast_to(variance, shift.shape))
    influential = (abs(dffits) > 3 / np.sqrt(k - 1)) | (chdtr(1, cook) > 0.5) | (hat > 3 / k)
    return Influence(
        rstudent=_over(y - without.estimate, np.sqrt(deleted_total * scale + without.se**2)),
        dffits=dffits,
        cook=cook,
        cov_ratio=_over(without.se**2, np.broadcast_to(variance, shift.shape)),
        tau2_deleted=without.tau2,
        q_deleted=without.q,
        hat=hat,
        weight=full.weights,
        dfbetas=dfbetas,
        baujat_x=(y - estimate) ** 2 / (v + tau2),
        baujat_y=_over(shift**2, without.se**2),
        influential=influential | (abs(dfbetas) > 1),
    )


def _scale(v: Floats, without: Pooled) -> Floats:
    """Knapp-Hartung scale of each deleted fit: its variance over that of the weights alone."""
    present = ~np.eye(v.shape[-1], dtype=bool)
    weights = np.where(present, 1 / (v[..., None, :] + without.tau2[..., None]), 0.0)
    total: Floats = weights.sum(-1)
    return without.se**2 * total


def _over(value: Floats, by: Floats) -> Floats:
    """Divide; 0/0 of equal effects is 0, anything else over 0 infinite."""
    sign = np.where(value == 0, 0.0, np.copysign(np.inf, value))
    return np.divide(value, by, out=sign, where=by > 0)
