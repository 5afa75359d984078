"""Selection model: the pooled effect if significant results were more (or less) likely to be published."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from trialpool.stats._numeric import infer
from trialpool.stats.checks import Floats, check_level, one_analysis, one_of, refuse
from trialpool.stats.checks import between as within_range
from trialpool.stats.pooling import pool
from trialpool.stats.selection_likelihood import Selection, Slope, climb, selection_of, slope
from trialpool.stats.small_study import few_studies_caution

ALTERNATIVES = ("greater", "less")
STARTS = (0.05, 0.3, 1.0, 3.0)
FEW_IN_A_BAND = 4
FARTHEST_LOG_CHANCE = 12.0


@dataclass(frozen=True, slots=True)
class SelectionModel:
    """A step-function selection model by maximum likelihood.

    `estimate … ci_high` is the pooled effect corrected for selection, `delta` (steps,) the relative chances
    of publication of the p-value bands after the first, `studies_in_band` how many studies each band has.
    `lrt` tests for selection on `lrt_df` degrees of freedom. Where tau2 is 0 it has no standard error: NaN.
    `refused` says why there are no numbers, `caution` why they are weak.
    """

    steps: Floats
    alternative: str
    estimate: float
    se: float
    statistic: float
    p_value: float
    ci_low: float
    ci_high: float
    tau2: float
    tau2_se: float
    delta: Floats
    delta_se: Floats
    log_likelihood: float
    lrt: float
    lrt_df: int
    lrt_p_value: float
    studies_in_band: tuple[int, ...]
    k: int
    refused: str
    caution: str


@dataclass(frozen=True, slots=True)
class _End:
    """Where a climb ended, (mu, tau2, log chances), and the likelihood's slope there."""

    at: Floats
    slope: Slope


def selection_model(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    steps: ArrayLike = (0.025,),
    alternative: str = "greater",
    level: float = 0.95,
) -> SelectionModel:
    """Fit a step-function selection model to effects (k,) and variances (k,); one step: three parameters.

    `steps` are ascending one-sided p-values between 0 and 1 where the chance of publication may change;
    `alternative` is the direction, "greater" or "less", in which a result is significant. Needs more studies
    than parameters and a study in every band, otherwise `refused`. Source: Vevea & Hedges 1995,
    Psychometrika 60; the default as in Carter et al. 2019. Faulty input is a ValueError.

    >>> y, v = [0.1, 0.2, 0.5, 0.6, 0.9, 0.7], [0.01, 0.02, 0.04, 0.05, 0.09, 0.06]
    >>> fit = selection_model(y, v)
    >>> round(fit.estimate, 4), fit.delta.round(4).tolist(), fit.studies_in_band
    (0.2629, [0.224], (4, 2))
    """
    one_of("alternative", alternative, ALTERNATIVES)
    level = check_level(level)
    y, v = one_analysis(effects, variances)
    cuts = np.atleast_1d(within_range("steps", steps, 0, 1))
    if cuts.ndim != 1 or cuts.size == 0:
        raise ValueError(f"steps has shape {cuts.shape}: needs a list of p-values, at least one")
    refuse("steps", cuts, np.diff(cuts, prepend=0.0) <= 0, "steps must be above 0 and ascend")
    refuse("steps", cuts, cuts >= 1, "must be below 1")
    selection = selection_of(y if alternative == "greater" else -y, v, cuts)
    bands = tuple(np.bincount(selection.band, minlength=cuts.size + 1).tolist())
    reason = _reason(y.size, cuts, bands)
    if reason:
        return _refused(cuts, alternative, bands, y.size, reason)
    null = pool(selection.y, v, tau2_method="ML", interval="wald")
    best, rival = _best(selection, float(null.estimate), float(null.tau2), cuts.size)
    if best is None:
        reason = "the likelihood has no maximum: these studies do not determine the chances of publication"
        return _refused(cuts, alternative, bands, y.size, reason)
    without = slope(selection, float(null.estimate), float(null.tau2), np.ones(cuts.size)).height
    return _record(best, without, cuts, alternative, bands, level, rival)


def _reason(k: int, cuts: Floats, bands: tuple[int, ...]) -> str:
    parameters = cuts.size + 2
    if k <= parameters:
        return f"needs more studies than its {parameters} parameters, there are {k}"
    edges = [0.0, *cuts.tolist(), 1.0]
    for count, low, high in zip(bands, edges, edges[1:], strict=False):
        if not count:
            return f"no study has a one-sided p-value from {low:g} to {high:g}, so its chance has no estimate"
    return ""


def _best(selection: Selection, mu: float, tau2: float, chances: int) -> tuple[_End | None, _End | None]:
    """The highest place where climbs from several starts end, if it is a proper maximum, and a rival.

    One climb often ends at a lower maximum: a huge study then decides which of two stories is told.
    """
    climbs = [
        climb(selection, np.append([mu, t], np.full(chances, np.log(chance))))
        for t in (tau2, float(selection.v.mean()))
        for chance in STARTS
    ]
    at, here, rested = max(climbs, key=lambda end: end[1].height)
    best = _End(at, here)
    if not rested or np.abs(at[2:]).max() > FARTHEST_LOG_CHANCE or not _is_maximum(best):
        return None, None
    se = np.sqrt(-1 / here.hessian[0, 0])
    for other_at, other, other_rested in climbs:
        if other_rested and abs(other_at[0] - at[0]) > 0.1 * se and _is_maximum(_End(other_at, other)):
            return best, _End(other_at, other)
    return best, None


def _free(at: Floats) -> NDArray[np.bool_]:
    """All parameters but a tau2 of 0."""
    free = np.ones(at.size, dtype=bool)
    free[1] = at[1] > 0
    return free


def _is_maximum(end: _End) -> bool:
    free = _free(end.at)
    return bool(np.linalg.eigvalsh(end.slope.hessian[np.ix_(free, free)]).max() < 0)


def _record(
    best: _End,
    without: float,
    cuts: Floats,
    alternative: str,
    bands: tuple[int, ...],
    level: float,
    rival: _End | None,
) -> SelectionModel:
    at, here = best.at, best.slope
    free, k = _free(at), sum(bands)
    se = np.full(at.size, np.nan)
    se[free] = np.sqrt(np.diag(np.linalg.inv(-here.hessian[np.ix_(free, free)])))
    sign = 1.0 if alternative == "greater" else -1.0
    found = infer(sign * at[0], se[0], np.inf, level)
    lrt = max(0.0, 2 * (here.height - without))
    second = "" if rival is None else _second(sign * rival.at[0], here.height - rival.slope.height)
    few = f"a band of p-values has fewer than {FEW_IN_A_BAND} studies" if min(bands) < FEW_IN_A_BAND else ""
    return SelectionModel(
        steps=cuts,
        alternative=alternative,
        estimate=float(sign * at[0]),
        se=float(se[0]),
        statistic=float(found.statistic),
        p_value=float(found.p_value),
        ci_low=float(found.low),
        ci_high=float(found.high),
        tau2=float(at[1]),
        tau2_se=float(se[1]),
        delta=np.exp(at[2:]),
        delta_se=se[2:],
        log_likelihood=here.height,
        lrt=lrt,
        lrt_df=cuts.size,
        lrt_p_value=float(chdtrc(cuts.size, lrt)),
        studies_in_band=bands,
        k=k,
        refused="",
        caution="; ".join(filter(None, (few_studies_caution(k), few, second))),
    )


def _second(effect: float, gap: float) -> str:
    return f"the likelihood has a second maximum at an effect of {effect:.3g}, its logarithm {gap:.2g} lower"


def _refused(cuts: Floats, alternative: str, bands: tuple[int, ...], k: int, reason: str) -> SelectionModel:
    nothing = np.full(cuts.size, np.nan)
    eight, nan = (np.nan,) * 8, np.nan
    return SelectionModel(
        cuts, alternative, *eight, nothing, nothing, nan, nan, cuts.size, nan, bands, k, reason, ""
    )
