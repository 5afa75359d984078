"""Sequential meta-analysis: how many people it takes, and boundaries for looking at them as they come in.

As trial sequential analysis has it (Wetterslev et al. 2008): the information that a trial of adequate size
would need, inflated for the diversity between trials, and Lan and DeMets' boundaries for tests of the
cumulative effect at shares of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from trialpool.stats import checks
from trialpool.stats._numeric import gauss
from trialpool.stats.checks import Floats, check_level, one_analysis, one_of
from trialpool.stats.pooling import cumulative, pool

SPENDING = ("obrien_fleming", "pocock")
WIDEST = 9.0  # a boundary beyond which nothing is spent
POINTS = 401  # of the density between two boundaries
MEASURES = ("MD", "SMD", "RR", "OR", "RD")
MOST = 1e100  # the root of a number of people whose square is still a number


def information_size(
    measure: str,
    effect: float,
    *,
    sd: float | None = None,
    control_risk: float | None = None,
    diversity: float = 0.0,
    alpha: float = 0.05,
    power: float = 0.9,
) -> float:
    """The people that both groups of equal size need together, to find an `effect` that is there.

    4(z₁ + z₂)²·variance/effect², over 1 - `diversity`: of MD the variance is `sd`², of SMD 1 + effect²/8
    (that of the standardised difference), of risks the mean risk times its complement
    (Wetterslev et al. 2009, BMC Med Res Methodol 9: 86). `effect` of ratios is the ratio itself; `diversity`
    D² of 0 to below 1. `alpha` is two-sided.

    >>> round(information_size("MD", 1.0, sd=2.5)), round(information_size("SMD", 0.3))
    (263, 472)
    """
    one_of("measure", measure, MEASURES)
    share = checks.number("diversity", diversity, least=0, most=1)
    if share == 1:
        raise ValueError("diversity is 1: no number of people would do")
    reach = float(ndtri(1 - check_level(alpha, "alpha") / 2) + ndtri(check_level(power, "power")))
    if measure in ("MD", "SMD"):
        apart = checks.number("effect", effect)
        spread = math.hypot(1, apart / math.sqrt(8))
        if measure == "MD":
            spread = checks.number("sd", np.nan if sd is None else sd, above=0)
    else:
        risk = check_level(np.nan if control_risk is None else control_risk, "control_risk")
        other = _other_risk(measure, checks.number("effect", effect), risk)
        apart, middle = other - risk, (other + risk) / 2
        spread = math.sqrt(middle * (1 - middle))
    root = reach * spread / apart if apart else math.inf
    if not abs(root) < MOST:
        raise ValueError(f"effect is {effect:g}: no number of people finds it")
    return 4 * root**2 / (1 - share)


def _other_risk(measure: str, effect: float, risk: float) -> float:
    """The risk of the treated by that of the controls."""
    odds = risk / (1 - risk) * effect
    other = {"RR": risk * effect, "RD": risk + effect, "OR": odds / (1 + odds)}[measure]
    if not 0 < other < 1:
        raise ValueError(f"effect is {effect}: it leaves the treated a risk of {other:g}")
    return other


def diversity(effects: ArrayLike, variances: ArrayLike, *, tau2_method: str = "REML") -> float:
    """D² of effects (k,): the share by which heterogeneity widens the pooled variance (Wetterslev 2009).

    >>> round(diversity([0.1, 0.9, 0.4], [0.02, 0.03, 0.05]), 3)
    0.836
    """
    y, v = one_analysis(effects, variances)
    random = float(pool(y, v, tau2_method=tau2_method, interval="wald").se)
    common = float(pool(y, v, tau2_method="FE", interval="wald").se)
    return max(0.0, 1 - (common / random) ** 2)


def boundaries(information: ArrayLike, *, alpha: float = 0.05, spending: str = "obrien_fleming") -> Floats:
    """Two-sided boundaries (m,) of z at rising shares (m,) of the information, 0 to 1 (Lan & DeMets 1983).

    `alpha` is spent as by O'Brien & Fleming, 2 - 2Φ(z/√t), or Pocock, α log(1 + (e - 1)t). Chances of
    crossing are integrated numerically (Armitage, McPherson & Rowe 1969). Infinite where next to nothing may
    be spent.

    >>> boundaries([0.25, 0.5, 0.75, 1.0]).round(3).tolist()
    [3.92, 2.774, 2.298, 2.043]
    """
    one_of("spending", spending, SPENDING)
    level = check_level(alpha, "alpha")
    t = np.atleast_1d(checks.finite("information", information, above=0, most=1))
    if t.ndim != 1 or (np.diff(t) <= 0).any():
        raise ValueError("information: needs shares that rise, the first above 0, the last at most 1")
    spent = level * np.log1p((np.e - 1) * t)
    if spending == "obrien_fleming":
        spent = 2 * ndtr(-ndtri(1 - level / 2) / np.sqrt(t))
    nodes, weights = gauss(POINTS)
    found, places, mass = [], np.zeros(1), np.ones(1)
    for share, step, goal in zip(t, np.diff(t, prepend=0.0), np.diff(spent, prepend=0.0), strict=True):
        bound = _bound(places, mass, np.sqrt(step), np.sqrt(share), float(goal))
        found.append(bound)
        reach = min(bound, WIDEST) * np.sqrt(share)
        new = reach * nodes
        density = np.exp(-((new[:, None] - places) ** 2) / (2 * step)) / np.sqrt(2 * np.pi * step)
        places, mass = new, (density @ mass) * weights * reach
    return np.array(found)


def _bound(places: Floats, mass: Floats, spread: float, root: float, goal: float) -> float:
    """Where the chance to lie beyond, from what has not crossed so far, is the goal."""
    from scipy.optimize import brentq

    def beyond(z: float) -> float:
        reach = z * root
        return float(mass @ (ndtr((places - reach) / spread) + ndtr((-reach - places) / spread)))

    if beyond(WIDEST) >= goal:
        return np.inf
    return float(brentq(lambda z: beyond(z) - goal, 0.0, WIDEST, xtol=1e-13))


@dataclass(frozen=True, slots=True)
class Sequential:
    """A cumulative meta-analysis with its boundaries, a row a trial in their order.

    `people` (k,) so far of `required`, `share` (k,) of the information, at most 1; `z` (k,) of the cumulative
    effect against the boundary `bound` (k,), infinite where next to nothing may be
    spent. `crossed` is the first trial at which it is crossed, -1 if none.
    """

    people: Floats
    required: float
    diversity: float
    share: Floats
    estimate: Floats
    z: Floats
    bound: Floats
    crossed: int


def sequential_analysis(
    effects: ArrayLike,
    variances: ArrayLike,
    people: ArrayLike,
    required: float,
    *,
    order: ArrayLike | None = None,
    tau2_method: str = "REML",
    alpha: float = 0.05,
    spending: str = "obrien_fleming",
) -> Sequential:
    """Add trials (k,) one by one, of `people` (k,) both groups together, and compare with the boundaries.

    `required` is the `information_size`, with its diversity. Tests are Wald's, on which the boundaries
    rest. Beyond the information required the last boundary holds. Source: Wetterslev et al. 2008, J Clin
    Epidemiol 61: 64.

    >>> found = sequential_analysis([-0.5, -0.4, -0.6, -0.5], [0.05] * 4, [80] * 4, 320)
    >>> found.bound.round(2).tolist(), found.crossed
    ([3.92, 2.77, 2.3, 2.04], 1)
    """
    y, v = one_analysis(effects, variances)
    size = checks.finite("people", people, above=0)
    if size.shape != y.shape:
        raise ValueError(f"people has shape {size.shape}: needs one number for each of the {y.size} trials")
    needed = checks.number("required", required, above=0)
    fit = cumulative(y, v, order=order, tau2_method=tau2_method, interval="wald")  # which checks the order
    at = np.arange(y.size) if order is None else checks.numbers("order", order).astype(np.intp)
    so_far = np.cumsum(size[at])
    share = np.minimum(so_far / needed, 1.0)
    rising = np.flatnonzero(np.diff(share, prepend=0.0) > 0)
    bound = np.full(y.size, np.nan)
    bound[rising] = boundaries(share[rising], alpha=alpha, spending=spending)
    bound = bound[np.maximum.accumulate(np.where(np.isnan(bound), 0, np.arange(y.size)))]
    z = np.asarray(fit.statistic)
    over = np.flatnonzero(np.abs(z) >= bound)
    return Sequential(
        people=so_far,
        required=needed,
        diversity=diversity(y, v, tau2_method=tau2_method) if y.size > 1 else 0.0,
        share=share,
        estimate=np.asarray(fit.estimate),
        z=z,
        bound=bound,
        crossed=int(over[0]) if over.size else -1,
    )
