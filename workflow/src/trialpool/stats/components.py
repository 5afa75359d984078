"""Profile-likelihood intervals for the two variance components of a three-level model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri

from trialpool.stats.checks import between as within_range
from trialpool.stats.checks import check_level, one_analysis, one_of
from trialpool.stats.multilevel import METHODS
from trialpool.stats.nested import Nested, best_components, climb, nested_of
from trialpool.stats.robust import cluster_numbers

MOST_DOUBLINGS = 60


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
    one_of("method", method, METHODS)
    drop = float(chdtri(1, 1 - check_level(level))) / 2
    y, v = one_analysis(effects, variances)
    numbers, _ = cluster_numbers(cluster, y.size)
    correlation = float(within_range("rho", rho, 0, 0.999999))
    nested = nested_of(y, np.ones((y.size, 1)), v, numbers, correlation, method == "REML")
    low, high = _profile(nested, 0, drop)
    alone = nested.first.size == y.size
    return ComponentIntervals(low, high, *((np.nan, np.nan) if alone else _profile(nested, 1, drop)))


def _profile(nested: Nested, which: int, drop: float) -> tuple[float, float]:
    """Limits of one component, where the other's best log-likelihood lies `drop` below the maximum."""
    # Imported here: it would double the time that importing the statistics takes.
    from scipy.optimize import brentq

    *best, fit = best_components(nested)
    other = 1 - which
    alone = nested.first.size == nested.y.size
    free = np.array([which == 1, which == 0 and not alone])
    scale = float(np.var(nested.y)) + float(nested.variances.mean())

    def excess(value: float) -> float:
        ends = []
        for start in {best[other], 0.0 if alone else 0.1 * scale}:
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
