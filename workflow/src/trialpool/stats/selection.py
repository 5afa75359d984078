"""Selection model: the pooled effect if significant results were more (or less) likely to be published.

A study's one-sided p-value falls in a band between steps; a result of band j is published with relative
chance d_j, the first band's being 1. Effects are N(mu, v + t). A study contributes
log d + log N(y; mu, v + t) - log A, with A = sum of d_j times the chance of band j (Vevea & Hedges 1995). The
likelihood is climbed with its exact first and second derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr, ndtri

from trialpool.stats import checks
from trialpool.stats._numeric import Likelihood, Rows, climb, filled, floats, infer
from trialpool.stats.bias import Judged, few_studies_caution
from trialpool.stats.checks import Bools, Floats, check_level, one_analysis, one_of, refuse
from trialpool.stats.pooling import pool

ALTERNATIVES = ("greater", "less")
STARTS = (0.05, 0.3, 1.0, 3.0)
FEW_IN_A_BAND = 4
FARTHEST_LOG_CHANCE = 12.0
SQUARABLE = 100.0  # a log chance whose chance can be squared; a climb goes no farther
SETTLED = 1e-12
LONGEST_LOG_STEP = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection(Judged):
    """What selection models by maximum likelihood have alike.

    `estimate … ci_high` is the pooled effect corrected for selection, `delta` the parameters of selection;
    `lrt` tests for it. What is at its boundary, as a tau2 of 0, has no standard error: NaN.
    """

    alternative: str
    estimate: float = np.nan
    se: float = np.nan
    statistic: float = np.nan
    p_value: float = np.nan
    ci_low: float = np.nan
    ci_high: float = np.nan
    tau2: float = np.nan
    tau2_se: float = np.nan
    delta: Floats
    delta_se: Floats
    log_likelihood: float = np.nan
    lrt: float = np.nan
    lrt_df: int
    lrt_p_value: float = np.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionModel(Selection):
    """A step-function selection model: `delta` (steps,) are the relative chances of publication of the bands
    of p-values after the first. `refused` says why there are no numbers, `caution` why they are weak."""

    steps: Floats
    studies_in_band: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slope(Likelihood):
    """Log-likelihood with gradient (p,) and Hessian (p, p) in the mean, tau2 and what selects."""

    gradient: Floats
    hessian: Floats


@dataclass(frozen=True, slots=True)
class _End:
    """Where a climb ended, (mu, tau2, log chances), the likelihood's slope there, and whether it rested."""

    at: Floats
    slope: Slope
    rested: bool

    @property
    def free(self) -> tuple[Bools, Floats]:
        """All parameters but a tau2 of 0, and their Hessian."""
        free = (np.arange(self.at.size) != 1) | (self.at > 0)
        return free, self.slope.hessian[np.ix_(free, free)]

    @property
    def highest(self) -> bool:
        """It is a proper maximum."""
        return self.rested and bool(np.linalg.eigvalsh(self.free[1]).max() < 0)


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
    Psychometrika 60; the default as in Carter et al. 2019.

    >>> y, v = [0.1, 0.2, 0.5, 0.6, 0.9, 0.7], [0.01, 0.02, 0.04, 0.05, 0.09, 0.06]
    >>> selection_model(y, v).delta.round(4).tolist()
    [0.224]
    """
    one_of("alternative", alternative, ALTERNATIVES)
    level = check_level(level)
    y, v = one_analysis(effects, variances)
    checks.comparable(v, float(np.ptp(y)))
    cuts = np.atleast_1d(checks.finite("steps", steps, least=0, most=1))
    if cuts.ndim != 1 or cuts.size == 0:
        raise ValueError(f"steps has shape {cuts.shape}: needs a list of p-values, at least one")
    refuse("steps", cuts, np.diff(cuts, prepend=0.0) <= 0, "steps must be above 0 and ascend")
    refuse("steps", cuts, cuts >= 1, "must be below 1")
    selection = _bands_of(y if alternative == "greater" else -y, v, cuts)
    bands = tuple(np.bincount(selection.band, minlength=cuts.size + 1).tolist())
    nothing = np.full(cuts.size, np.nan)
    result = SelectionModel(
        steps=cuts,
        alternative=alternative,
        delta=nothing,
        delta_se=nothing,
        lrt_df=cuts.size,
        studies_in_band=bands,
        k=y.size,
        refused=_reason(y.size, cuts, bands),
    )
    if result.refused:
        return result
    null = pool(selection.y, v, tau2_method="ML", interval="wald")
    start = np.append([float(null.estimate), float(null.tau2)], np.zeros(cuts.size))
    best, rival = _best(selection, start)
    if best is None:
        reason = "the likelihood has no maximum: these studies do not determine the chances of publication"
        return replace(result, refused=reason)
    without = _slope(selection, start[0], start[1], np.exp(start[2:])).log_likelihood
    return _reported(result, best, rival, without, level)


def _reason(k: int, cuts: Floats, bands: tuple[int, ...]) -> str:
    parameters = cuts.size + 2
    if k <= parameters:
        return f"needs more studies than its {parameters} parameters, there are {k}"
    edges = [0.0, *cuts.tolist(), 1.0]
    for count, low, high in zip(bands, edges, edges[1:], strict=False):
        if not count:
            return f"no study has a one-sided p-value from {low:g} to {high:g}, so its chance has no estimate"
    return ""


def _best(selection: _Banded, start: Floats) -> tuple[_End | None, _End | None]:
    """The highest place where climbs from several starts end, if it is a proper maximum, and a rival."""
    climbs = [
        _climb(selection, np.append([start[0], t], np.full(start.size - 2, np.log(chance))))
        for t in (start[1], float(selection.v.mean()))
        for chance in STARTS
    ]
    best = max(climbs, key=lambda end: end.slope.log_likelihood)
    if np.abs(best.at[2:]).max() > FARTHEST_LOG_CHANCE or not best.highest:
        return None, None
    apart = 0.1 * np.sqrt(-1 / best.slope.hessian[0, 0])
    rivals = (end for end in climbs if abs(end.at[0] - best.at[0]) > apart and end.highest)
    return best, next(rivals, None)


def _reported(
    result: SelectionModel, best: _End, rival: _End | None, without: float, level: float
) -> SelectionModel:
    """Fill in the numbers from the maximum and the log-likelihood `without` selection."""
    at, here = best.at, best.slope
    (free, hessian), se = best.free, np.full(at.size, np.nan)
    se[free] = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    sign = 1.0 if result.alternative == "greater" else -1.0
    lrt = max(0.0, 2 * (here.log_likelihood - without))
    cautions = [few_studies_caution(result.k)]
    if min(result.studies_in_band) < FEW_IN_A_BAND:
        cautions.append(f"a band of p-values has fewer than {FEW_IN_A_BAND} studies")
    if rival:
        effect, gap = sign * rival.at[0], here.log_likelihood - rival.slope.log_likelihood
        cautions.append(
            f"the likelihood has a second maximum at an effect of {effect:.3g}, its logarithm {gap:.2g} lower"
        )
    return filled(
        result,
        estimate=float(sign * at[0]),
        **floats(infer(sign * at[0], se[0], np.inf, level).named()),
        tau2=float(at[1]),
        tau2_se=float(se[1]),
        delta=np.exp(at[2:]),
        delta_se=se[2:],
        log_likelihood=here.log_likelihood,
        lrt=lrt,
        lrt_p_value=float(chdtrc(result.lrt_df, lrt)),
        caution="; ".join(filter(None, cautions)),
    )


@dataclass(frozen=True, slots=True)
class _Banded:
    """Effects and variances (k,), band of each study (k,), and the bands' lower effect limits (k, steps)."""

    y: Floats
    v: Floats
    band: Rows
    limits: Floats


def _bands_of(y: Floats, v: Floats, steps: Floats) -> _Banded:
    """Place studies in the bands of one-sided p-values, large effects being significant."""
    root = np.sqrt(v)
    p_values = ndtr(-y / root)
    limits = ndtri(1 - steps) * root[:, None]
    return _Banded(y, v, np.searchsorted(steps, p_values, side="left"), limits)


def _slope(selection: _Banded, mu: float, t: float, weights: Floats) -> Slope:
    """Evaluate at mean mu, heterogeneity t and relative chances `weights` of the bands after the first."""
    y, v, band = selection.y, selection.v, selection.band
    variance = v + t
    residual = y - mu
    share, share_slope, share_bend = _shares(selection, mu, variance)
    chances = np.append(1.0, weights)
    kept = share @ chances
    # Of A: its gradient in (mu, t, d_2 …), and its second derivatives, which involve mu and t alone or once.
    first = np.column_stack([share_slope @ chances, share[:, 1:]])
    second = np.zeros((y.size, first.shape[1], first.shape[1]))
    second[:, :2, :2] = np.einsum("nabj,j->nab", share_bend, chances)
    second[:, :2, 2:] = share_slope[:, :, 1:]
    second[:, 2:, :2] = np.swapaxes(share_slope[:, :, 1:], 1, 2)
    relative = first / kept[:, None]
    hessian = np.einsum("na,nb->ab", relative, relative) - (second / kept[:, None, None]).sum(axis=0)
    count = np.bincount(band, minlength=chances.size)[1:]
    gradient = -relative.sum(axis=0)
    gradient[:2] += (residual / variance).sum(), 0.5 * ((residual / variance) ** 2 - 1 / variance).sum()
    gradient[2:] += count / weights
    hessian[0, 0] -= (1 / variance).sum()
    hessian[0, 1] -= (residual / variance**2).sum()
    hessian[1, 0] = hessian[0, 1]
    hessian[1, 1] += (0.5 / variance**2 - residual**2 / variance**3).sum()
    hessian[2:, 2:] -= np.diag(count / weights**2)
    height = np.log(chances[band]) - 0.5 * (np.log(2 * np.pi * variance) + residual**2 / variance)
    return Slope(float((height - np.log(kept)).sum()), gradient, hessian)


def _shares(selection: _Banded, mu: float, variance: Floats) -> tuple[Floats, Floats, Floats]:
    """Chance of each band (k, bands), its slopes in mu and t (k, 2, bands), and bends (k, 2, 2, bands)."""
    s = np.sqrt(variance)[:, None]
    b = (selection.limits - mu) / s
    density = np.exp(-0.5 * b * b) / np.sqrt(2 * np.pi)
    above = [
        ndtr(-b),
        density / s,
        density * b / (2 * s**2),
        density * b / s**2,
        density * (b * b - 1) / (2 * s**3),
        density * b * (b * b - 3) / (4 * s**4),
    ]
    k = b.shape[0]
    share, mu_, t_, mu_mu, mu_t, t_t = (
        np.diff(part, axis=1, prepend=np.zeros((k, 1)), append=np.full((k, 1), float(order == 0)))
        for order, part in enumerate(above)
    )
    # The last band's chance is a lower tail: as 1 minus an upper tail it would lose its digits.
    share[:, -1] = ndtr(b[:, -1])
    bend = np.stack([np.stack([mu_mu, mu_t], axis=1), np.stack([mu_t, t_t], axis=1)], axis=1)
    return share, np.stack([mu_, t_], axis=1), bend


def _climb(selection: _Banded, start: Floats) -> _End:
    """Climb to a maximum over mu, t >= 0 and positive chances, from `start` = (mu, t, log d_2, …).

    Newton steps with the Hessian's eigenvalues turned downhill; chances move on the log scale.
    """
    unit = np.append([np.sqrt(selection.v.mean()), selection.v.mean()], np.ones(start.size - 2))
    lowest = np.where(np.arange(start.size) == 1, 0.0, -np.inf)

    def step(at: Floats, here: Slope) -> Floats:
        scale = np.append(unit[:2], np.exp(at[2:]))
        gradient = here.gradient * scale
        hessian = here.hessian * np.outer(scale, scale)
        hessian[2:, 2:] += np.diag(gradient[2:])
        free = np.ones(at.size, dtype=bool)
        free[1] = at[1] > 0 or gradient[1] > 0
        free[2:] = (np.abs(at[2:]) < SQUARABLE) | (gradient[2:] * at[2:] < 0)
        values, vectors = np.linalg.eigh(hessian[np.ix_(free, free)])
        downhill = np.maximum(np.abs(values), 1e-10 * max(1.0, np.abs(values).max()))
        move = np.zeros(at.size)
        move[free] = vectors @ ((vectors.T @ gradient[free]) / downhill)
        move *= min(1.0, LONGEST_LOG_STEP / max(np.abs(move[2:]).max(initial=0.0), 1e-300))
        move[2:] = np.clip(move[2:], -SQUARABLE - at[2:], SQUARABLE - at[2:])
        return np.asarray(move * unit)

    def model(at: Floats) -> Slope:
        return _slope(selection, at[0], at[1], np.exp(at[2:]))

    return _End(*climb(model, step, start, lowest, unit, SETTLED))
