"""How sure the heterogeneity is: the Q-profile interval for tau2, and with it for I² and H²."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri

from trialpool.stats.batch import batch_of, chunks
from trialpool.stats.checks import Bools, Floats, check_level, plain
from trialpool.stats.heterogeneity import solve_q
from trialpool.stats.model import start
from trialpool.stats.pooling import inconsistency


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
    effects: ArrayLike, variances: ArrayLike, *, where: ArrayLike | None = None, level: float = 0.95
) -> Tau2Interval:
    """Q-profile interval for tau2 (Viechtbauer 2007) of effects (…, k); fields have the batch shape.

    The limits are the tau2 at which the generalised Q equals the χ² quantiles on k - 1 df; a limit that
    would be negative is 0. One study says nothing about tau2: 0 to infinity.

    >>> low, high = tau2_interval([0.1, 0.9, 0.4], [0.02, 0.03, 0.05])
    >>> round(float(low), 6), round(float(high), 6)
    (0.018565, 6.42517)
    """
    level = check_level(level)
    batch = batch_of(effects, variances, where)
    names = ("low", "high", "i2_low", "i2_high", "h2_low", "h2_high")
    record = {name: np.empty(batch.size) for name in names}
    empty = np.empty(batch.size, dtype=bool)
    for stretch, model in chunks(batch):
        begin, freedom = start(model), model.count - 1
        alone = freedom < 1
        upper = np.asarray(chdtri(np.maximum(freedom, 1), (1 - level) / 2), dtype=np.float64)
        lower = np.asarray(chdtri(np.maximum(freedom, 1), (1 + level) / 2), dtype=np.float64)
        low, high = solve_q(model, begin, upper), solve_q(model, begin, lower)
        empty[stretch] = (begin.q < lower) & ~alone
        limits = {"low": np.where(alone, 0.0, low), "high": np.where(alone, np.inf, high)}
        for end, tau2 in (("low", low), ("high", high)):
            for name, values in inconsistency(begin, freedom, tau2, common=False).items():
                worst = (100.0 if name == "i2" else np.inf) if end == "high" else float(name == "h2")
                limits[f"{name}_{end}"] = np.where(alone, worst, values)
        for name, values in limits.items():
            record[name][stretch] = values
    shaped = {name: plain(values.reshape(batch.shape)) for name, values in record.items()}
    return Tau2Interval(**shaped, empty=empty.reshape(batch.shape)[()])
