"""Fail-safe N: how many studies without an effect would undo a result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from trialpool.stats.checks import Floats, finite, one_analysis, one_of

METHODS = ("rosenthal", "orwin", "rosenberg")
CAUTION = "assumes the missing studies average no effect and ignores heterogeneity; not a test of bias"


@dataclass(frozen=True, slots=True)
class FailSafe:
    """Number of studies (whole, or infinite); `target` is Orwin's negligible effect, else NaN."""

    method: str
    number: float
    alpha: float
    target: float
    k: int
    caution: str


def fail_safe_n(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    method: str = "rosenthal",
    alpha: float = 0.05,
    target: float | None = None,
) -> FailSafe:
    """Count the null studies that would make a result of effects (k,), variances (k,) go away.

    "rosenthal": Stouffer's combined one-sided p rises to `alpha` (Rosenthal 1979). "orwin": the plain mean
    effect falls to `target`, by default half of it; a target of the other sign is mirrored (Orwin 1983).
    "rosenberg": the two-sided common-effect p rises to `alpha`, new studies being of average weight
    (Rosenberg 2005). Advised against as a test of publication bias (Cochrane Handbook 10.4.4.3, version
    5.1), hence always with a `caution`. Raises ValueError for faulty input.

    >>> fail_safe_n([0.4, 0.5, 0.3], [0.04, 0.05, 0.03]).number
    11.0
    """
    one_of("method", method, METHODS)
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}: must lie between 0 and 1")
    y, v = one_analysis(effects, variances)
    aim = np.nan
    if method == "rosenthal":
        count = float((y / np.sqrt(v)).sum() / ndtri(1 - alpha)) ** 2 - y.size
    elif method == "rosenberg":
        weight = float((1 / v).sum())
        count = y.size * (float((y / v).sum() / ndtri(1 - alpha / 2)) ** 2 - weight) / weight
    else:
        aim, count = _orwin(y, target)
    return FailSafe(method, _whole(max(0.0, count)), alpha, aim, y.size, CAUTION)


def _orwin(y: Floats, target: float | None) -> tuple[float, float]:
    mean = float(y.mean())
    aim = mean / 2 if target is None else float(np.copysign(finite("target", target), mean))
    return aim, np.inf if aim == 0 else y.size * (mean - aim) / aim


def _whole(count: float) -> float:
    """Round up, but not a whole number with a rounding error."""
    near = round(count) if np.isfinite(count) else count
    return float(near if near == count or abs(count - near) < 1e-8 else np.ceil(count))
