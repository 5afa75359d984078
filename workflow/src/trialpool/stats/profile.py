"""How sure the heterogeneity is: the Q-profile interval for tau2, and with it for I² and H²."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri

from trialpool.stats.batch import batch_of, chunks
from trialpool.stats.checks import Bools, Floats, check_level, plain
from trialpool.stats.forms import start
from trialpool.stats.heterogeneity import solve_q
from trialpool.stats.model import Model
from trialpool.stats.moderators import check_solvable, moderators_of
from trialpool.stats.pooling import inconsistency

# What one study says about heterogeneity: nothing.
NOTHING_KNOWN = {
    "low": 0.0,
    "high": np.inf,
    "i2_low": 0.0,
    "i2_high": 100.0,
    "h2_low": 1.0,
    "h2_high": np.inf,
}


@dataclass(frozen=True, slots=True)
class Tau2Interval:
    """Interval for tau2, and from its limits for I² (per cent) and H²; unpacks as `low, high`.

    Where `empty`, the effects agree better than any tau2 ≥ 0 allows at this level: the interval is the
    empty set, reported as 0 to 0.
    """

    low: Floats
    high: Floats
    empty: Bools
    i2_low: Floats
    i2_high: Floats
    h2_low: Floats
    h2_high: Floats

    def __iter__(self) -> Iterator[Floats]:
        """Unpack as low, high."""
        return iter((self.low, self.high))


def tau2_interval(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    design: ArrayLike | None = None,
    where: ArrayLike | None = None,
    level: float = 0.95,
) -> Tau2Interval:
    """Q-profile interval for tau2 (Viechtbauer 2007) of effects (…, k); fields have the batch shape.

    The limits are the tau2 at which the generalised Q equals the χ² quantiles on k - 1 df; a limit that
    would be negative is 0. One study says nothing about tau2: 0 to infinity. With the `design` (k, m) of a
    meta-regression it is the interval for the tau2 that the moderators leave, on k - p df.

    >>> low, high = tau2_interval([0.1, 0.9, 0.4], [0.02, 0.03, 0.05])
    >>> round(float(low), 6), round(float(high), 6)
    (0.018565, 6.42517)
    """
    level = check_level(level)
    batch = batch_of(effects, variances, where)
    basis = None
    if design is not None:
        moderators = moderators_of(design, batch.k)
        check_solvable(batch, moderators)
        basis = moderators.basis
    parts = [_limits(replace(model, basis=basis), level) for _, model in chunks(batch)]
    record = {name: np.concatenate([part[name] for part in parts]) for name in NOTHING_KNOWN}
    empty = np.concatenate([part["empty"] for part in parts]) > 0
    shaped = {name: plain(values.reshape(batch.shape)) for name, values in record.items()}
    return Tau2Interval(**shaped, empty=empty.reshape(batch.shape)[()])


def _limits(model: Model, level: float) -> dict[str, Floats]:
    begin, alone = start(model), model.freedom < 1
    freedom = np.where(alone, 1.0, model.freedom)
    upper = np.asarray(chdtri(freedom, (1 - level) / 2), dtype=np.float64)
    lower = np.asarray(chdtri(freedom, (1 + level) / 2), dtype=np.float64)
    limits = {}
    for end, target in (("low", upper), ("high", lower)):
        tau2 = solve_q(model, begin, target)
        limits[end] = tau2
        for name, values in inconsistency(begin, freedom, tau2, common=False).items():
            limits[f"{name}_{end}"] = values
    record = {name: np.where(alone, NOTHING_KNOWN[name], limits[name]) for name in NOTHING_KNOWN}
    return record | {"empty": np.where(alone, 0.0, begin.q < lower)}
