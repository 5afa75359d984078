"""Trim and fill: what the pooled effect would be if the funnel plot were made symmetric.

Source: Duval & Tweedie 2000, JASA 95 and Biometrics 56. Conventions where programs differ are those of R's
metafor: the fitted model (not the common-effect one) does the trimming, the side follows the slope of the
effects on their standard errors under that model, ties of distance keep the order of the effects, and the
number of missing studies is rounded half to even.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from trialpool.stats._tau2 import TAU2_METHODS
from trialpool.stats.checks import Floats, check_level, one_analysis, one_of
from trialpool.stats.pooling import INTERVALS, Pooled, pool
from trialpool.stats.regression import meta_regression
from trialpool.stats.small_study import few_studies_caution

ESTIMATORS = ("L0", "R0", "Q0")
SIDES = ("left", "right")
FEWEST_STUDIES = 3
NO_ROOT = "trimming leaves nearly all studies on one side of the centre: no solution for Q0; take L0 or R0"
CIRCLING = "the number of missing studies did not settle; the largest of its cycle is taken"


@dataclass(frozen=True, slots=True)
class TrimAndFill:
    """The number of studies `missing` on a `side` and the effect pooled with their mirror images filled in.

    `filled_effects`, `filled_variances` (missing,) are the added studies; `pooled` is the whole record of
    the filled data (the original data if none are missing). `missing_p_value` tests for none missing and
    exists for R0 only, NaN otherwise. `refused` says why there are no numbers, `caution` why they are weak.
    """

    estimator: str
    side: str
    missing: int
    missing_se: float
    missing_p_value: float
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    p_value: float
    tau2: float
    filled_effects: Floats
    filled_variances: Floats
    pooled: Pooled | None
    k: int
    refused: str
    caution: str


@dataclass(frozen=True, slots=True)
class _Trimmed:
    """Where trimming ended: the number, its SE, the trimmed centre, and whether it ran in a circle."""

    missing: int
    se: float
    centre: float
    circled: bool


def trim_and_fill(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    estimator: str = "L0",
    side: str | None = None,
    tau2_method: str = "REML",
    interval: str = "hksj_adhoc",
    level: float = 0.95,
) -> TrimAndFill:
    """Estimate how many studies are missing among effects (k,), variances (k,), and pool with them.

    `estimator` is "L0", "R0" or "Q0"; `side` where studies are missing, by default opposite to where small
    studies lie; `tau2_method`, `interval`, `level` as in `pool`. Needs 3 studies, otherwise `refused`. It
    assumes that asymmetry is due to missing studies; treat as a sensitivity analysis.

    >>> filled = trim_and_fill([0.1, 0.2, 0.3, 0.5, 0.9], [0.01, 0.02, 0.04, 0.09, 0.2], tau2_method="FE")
    >>> filled.missing, filled.side, round(filled.estimate, 4)
    (2, 'left', 0.1571)
    """
    one_of("estimator", estimator, ESTIMATORS)
    if side is not None:
        one_of("side", side, SIDES)
    check_level(level)
    y, v = one_analysis(effects, variances)
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    one_of("interval", interval, INTERVALS)
    if y.size < FEWEST_STUDIES:
        reason = f"needs at least {FEWEST_STUDIES} studies to see a side missing, there are {y.size}"
        return _refused(estimator, side or "", y.size, reason)
    found = side or _emptier_side(y, v, tau2_method)
    sign = -1.0 if found == "right" else 1.0
    order = np.argsort(sign * y, kind="stable")
    trimmed = _trim(sign * y[order], v[order], estimator, tau2_method)
    if not np.isfinite(trimmed.se):
        return _refused(estimator, found, y.size, NO_ROOT)
    beyond = order[y.size - trimmed.missing :]
    whole = np.append(y, 2 * sign * trimmed.centre - y[beyond]), np.append(v, v[beyond])
    pooled = pool(*whole, tau2_method=tau2_method, interval=interval, level=level)
    return _record(estimator, found, trimmed, pooled, *whole, y.size)


def _record(
    estimator: str, side: str, trimmed: _Trimmed, pooled: Pooled, y: Floats, v: Floats, k: int
) -> TrimAndFill:
    cautions = (few_studies_caution(k), CIRCLING if trimmed.circled else "")
    return TrimAndFill(
        estimator=estimator,
        side=side,
        missing=trimmed.missing,
        missing_se=trimmed.se,
        missing_p_value=0.5 ** (trimmed.missing + 1) if estimator == "R0" else np.nan,
        estimate=float(pooled.estimate),
        se=float(pooled.se),
        ci_low=float(pooled.ci_low),
        ci_high=float(pooled.ci_high),
        p_value=float(pooled.p_value),
        tau2=float(pooled.tau2),
        filled_effects=y[k:],
        filled_variances=v[k:],
        pooled=pooled,
        k=k,
        refused="",
        caution="; ".join(filter(None, cautions)),
    )


def _refused(estimator: str, side: str, k: int, reason: str) -> TrimAndFill:
    nothing = np.empty(0)
    numbers = (np.nan,) * 8
    return TrimAndFill(estimator, side, 0, *numbers, nothing, nothing, None, k, reason, "")


def _emptier_side(y: Floats, v: Floats, tau2_method: str) -> str:
    """Where studies would be missing: right if effects fall with their standard errors, else left."""
    root = np.sqrt(v)
    if np.ptp(root) <= 1e-9 * root.max():
        return "left"
    slope = meta_regression(y, v, root, tau2_method=tau2_method, interval="wald").coefficients[1]
    return "right" if slope < 0 else "left"


def _trim(y: Floats, v: Floats, estimator: str, tau2_method: str) -> _Trimmed:
    """Trim the rightmost studies of ascending `y` until their number settles.

    If it runs in a circle instead, the round that gave the largest number of the circle counts.
    """
    rounds: dict[int, _Trimmed] = {}
    trimmed = 0
    while trimmed not in rounds:
        kept = y.size - trimmed
        centre = float(pool(y[:kept], v[:kept], tau2_method=tau2_method, interval="wald").estimate)
        missing, se = _missing(y - centre, estimator)
        rounds[trimmed] = _Trimmed(missing, se, centre, False)
        if missing == trimmed:
            return rounds[trimmed]
        trimmed = missing
    circle = [rounds[trimmed]]
    while circle[-1].missing != trimmed:
        circle.append(rounds[circle[-1].missing])
    return replace(max(circle, key=lambda end: end.missing), circled=True)


def _missing(distances: Floats, estimator: str) -> tuple[int, float]:
    """The number of missing studies and its standard error, from distances to the centre.

    With S the rank sum of the positive distances and g the number of ranks beyond the largest negative
    one: L0 = (4S - k(k + 1))/(2k - 1), R0 = g - 1, Q0 = k - 1/2 - √(2k² - 4S + 1/4).
    """
    k = distances.size
    ranks = np.empty(k)
    ranks[np.argsort(np.abs(distances), kind="stable")] = np.arange(1, k + 1)
    if estimator == "R0":
        beyond = k - ranks[distances < 0].max(initial=0.0) - 1
        count = float(beyond) if (distances < 0).any() else 0.0
        return max(0, round(count)), float(np.sqrt(2 * max(0.0, count) + 2))
    total = float(ranks[distances > 0].sum())
    if estimator == "L0":
        count, unit = (4 * total - k * (k + 1)) / (2 * k - 1), 4 / (2 * k - 1)
    else:
        # Negative only if a single study is kept and all others lie right of it.
        root = float(np.sqrt(max(0.0, 2 * k**2 - 4 * total + 0.25)))
        count, unit = k - 0.5 - root, 2 / root if root else np.inf
    variance = k * (k + 1) * (2 * k + 1) + 10 * count**3 + 27 * count**2 + 17 * count
    variance += -18 * k * count**2 - 18 * k * count + 6 * k**2 * count
    return min(k - 1, max(0, round(count))), float(unit * np.sqrt(max(0.0, variance) / 24))
