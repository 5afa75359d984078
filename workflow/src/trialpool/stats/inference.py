"""From an estimate and its standard error to statistic, p-value and interval, normal or t."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from trialpool.stats.checks import Floats


@dataclass(frozen=True, slots=True)
class Inference:
    """Statistic, two-sided p-value and confidence limits, all of one shape."""

    statistic: Floats
    p_value: Floats
    low: Floats
    high: Floats


def infer(estimate: Floats | float, se: Floats | float, df: Floats | float, level: float) -> Inference:
    """t inference on `df` degrees of freedom, normal where `df` is infinite; arguments broadcast.

    A standard error of 0 gives an infinite statistic, or 0 for an estimate of 0.

    >>> found = infer(2.0, 1.0, np.inf, 0.95)
    >>> round(float(found.p_value), 6), round(float(found.low), 6)
    (0.0455, 0.040036)
    """
    centre, spread = np.asarray(estimate, dtype=np.float64), np.asarray(se, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.asarray(np.where(centre == 0, 0.0, centre / spread), dtype=np.float64)
    half = stdtrit(df, (1 + level) / 2) * spread
    p_value = np.asarray(2 * stdtr(df, -np.abs(statistic)), dtype=np.float64)
    return Inference(statistic, p_value, np.asarray(centre - half), np.asarray(centre + half))
