"""Missing outcomes of people who were randomised: what is assumed of them, and when a conclusion falls.

Of events the informative missingness odds ratio (IMOR) is the odds of the event among the missing over those
among the observed; of means the informative missingness difference (IMDoM) is the mean of the missing less
that of the observed. Both stand for one arm; without information they are 1 and 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from trialpool.stats import checks
from trialpool.stats.checks import Floats, Unpacks, check_level, one_of, plain
from trialpool.stats.pooling import pool

MEASURES = ("RR", "OR", "RD")
FURTHEST_ODDS = 1e3  # an IMOR beyond which the missing all have the event, or none
FURTHEST_SDS = 10.0  # standard deviations by which the missing are moved at most
SCAN = 81  # assumptions tried before the tipping point is solved for


@dataclass(frozen=True, slots=True)
class WithMissing(Unpacks):
    """Effects (…) and sampling variances (…) that count the missing; unpacks as `effect, variance`."""

    effect: Floats
    variance: Floats


def _arm_risk(p: Floats, n: Floats, missing: Floats, imor: Floats) -> tuple[Floats, Floats]:
    """The risk among all randomised, and its variance by the delta method, from that of the n observed."""
    share, whole = missing / (n + missing), n + missing
    odds = p * imor + 1 - p
    with np.errstate(over="ignore", invalid="ignore"):
        of_missing = np.where(np.isinf(imor), 1.0, p * imor / odds)
        slope = np.where(np.isinf(imor), 0.0, imor / odds**2)
    risk = p * (1 - share) + of_missing * share
    variance = p * (1 - p) / n * (1 - share + share * slope) ** 2
    return risk, variance + share * (1 - share) / whole * (of_missing - p) ** 2


def missing_events(
    events1: ArrayLike,
    n1: ArrayLike,
    missing1: ArrayLike,
    events2: ArrayLike,
    n2: ArrayLike,
    missing2: ArrayLike,
    *,
    imor1: ArrayLike = 1.0,
    imor2: ArrayLike = 1.0,
    measure: str = "RR",
) -> WithMissing:
    """Effects of 2x2 tables in which `missing` people had no outcome, under an IMOR of each arm; all (…).

    `n` are those observed. The risk of all randomised is p(1 - m) + p_missing m, p_missing by the IMOR, its
    variance by the delta method with m estimated (White, Higgins & Wood 2008, Stat Med 27: 711; Higgins,
    White & Wood 2008). An IMOR of 0 lets no missing have the event, an infinite one all. Of a table with an
    empty cell half is added to events and people, of the risks only, as in metasens' `metamiss`, whose
    numbers these are. `measure` RR, OR or RD.

    >>> effect, variance = missing_events(25, 50, 2, 18, 51, 0, imor1=2.0)
    >>> round(float(effect), 4), round(float(variance), 4)
    (0.361, 0.0554)
    """
    one_of("measure", measure, MEASURES)
    kinds = {"events1": "events", "n1": "people", "missing1": "events", "events2": "events"}
    kinds |= {"n2": "people", "missing2": "events", "imor1": "not negative", "imor2": "not negative"}
    odds1, odds2 = checks.numbers("imor1", imor1), checks.numbers("imor2", imor2)
    bounded = [np.where(np.isposinf(each), 1.0, each) for each in (odds1, odds2)]
    given = (events1, n1, missing1, events2, n2, missing2, *bounded)
    a, size1, m1, c, size2, m2, _, _ = checks.read(kinds, *given)
    for name, events, size in (("events1", a, size1), ("events2", c, size2)):
        checks.refuse(name, events, events > size, "more than the people observed")
    added = 0.5 * ((a == 0) | (c == 0) | (a == size1) | (c == size2))
    one = _arm_risk((a + added) / (size1 + added), size1, m1, odds1)
    two = _arm_risk((c + added) / (size2 + added), size2, m2, odds2)
    (p, vp), (q, vq) = one, two
    for name, missing, risk in (("missing1", m1, p), ("missing2", m2, q)):
        undefined = (risk <= 0) & (measure != "RD") | (risk >= 1) & (measure == "OR")
        checks.refuse(name, missing, undefined, "so many that nobody or everybody has the event, no ratio")
    if measure == "RD":
        return WithMissing(plain(p - q), plain(vp + vq))
    if measure == "RR":
        return WithMissing(plain(np.log(p / q)), plain(vp / p**2 + vq / q**2))
    logits = np.log(p / (1 - p)) - np.log(q / (1 - q))
    return WithMissing(plain(logits), plain(vp / (p * (1 - p)) ** 2 + vq / (q * (1 - q)) ** 2))


def gamble_hollis(
    events1: ArrayLike,
    n1: ArrayLike,
    missing1: ArrayLike,
    events2: ArrayLike,
    n2: ArrayLike,
    missing2: ArrayLike,
    *,
    measure: str = "RR",
    level: float = 0.95,
) -> WithMissing:
    """Effects of those observed, with the uncertainty of the best and the worst case (Gamble & Hollis 2005).

    The variance is that of an interval from the lower limit where no missing of the first arm and all of the
    second have the event to the upper limit of the reverse. Arguments as `missing_events`.

    >>> effect, variance = gamble_hollis(25, 50, 2, 18, 51, 0)
    >>> round(float(effect), 4), round(float(variance), 4)
    (0.3483, 0.0648)
    """
    from scipy.special import ndtri

    from trialpool.stats.effect_sizes import odds_ratio, risk_difference, risk_ratio

    one_of("measure", measure, MEASURES)
    make = {"RR": risk_ratio, "OR": odds_ratio, "RD": risk_difference}[measure]
    reach = float(ndtri((1 + check_level(level)) / 2))
    names = ("events1", "n1", "missing1", "events2", "n2", "missing2")
    kinds = dict(zip(names, ("events", "people", "events") * 2, strict=True))
    a, size1, m1, c, size2, m2 = checks.read(kinds, events1, n1, missing1, events2, n2, missing2)
    low, high = make(a, size1 + m1, c + m2, size2 + m2), make(a + m1, size1 + m1, c, size2 + m2)
    lower = low.effect - reach * np.sqrt(low.variance)
    upper = high.effect + reach * np.sqrt(high.variance)
    return WithMissing(make(a, size1, c, size2).effect, plain(((upper - lower) / (2 * reach)) ** 2))


def missing_means(
    mean1: ArrayLike,
    sd1: ArrayLike,
    n1: ArrayLike,
    missing1: ArrayLike,
    mean2: ArrayLike,
    sd2: ArrayLike,
    n2: ArrayLike,
    missing2: ArrayLike,
    *,
    imdom1: ArrayLike = 0.0,
    imdom2: ArrayLike = 0.0,
    uncertainty: ArrayLike = 0.0,
    measure: str = "MD",
) -> WithMissing:
    """Differences of means in which `missing` people had no outcome, under an IMDoM of each arm; all (…).

    The mean of all randomised is that of the observed plus the share missing times the IMDoM; its variance by
    the delta method with the share estimated, and the `uncertainty` (a standard deviation of the IMDoM)
    besides (Mavridis et al. 2015, Stat Med 34: 721). `measure` MD, or SMD, for which the IMDoM is in units of
    the arm's own SD and the pooled SD of the observed divides (with Hedges' correction).

    >>> effect, variance = missing_means(10, 2, 40, 10, 12, 2, 45, 5, imdom1=1.0)
    >>> round(float(effect), 4), round(float(variance), 4)
    (-1.8, 0.1921)
    """
    one_of("measure", measure, ("MD", "SMD"))
    names = (
        "mean1",
        "sd1",
        "n1",
        "missing1",
        "mean2",
        "sd2",
        "n2",
        "missing2",
        "imdom1",
        "imdom2",
        "uncertainty",
    )
    forms = ("number", "positive", "two people", "events") * 2 + ("number", "number", "not negative")
    kinds = dict(zip(names, forms, strict=True))
    given = (mean1, sd1, n1, missing1, mean2, sd2, n2, missing2, imdom1, imdom2, uncertainty)
    one, s1, size1, m1, two, s2, size2, m2, moved1, moved2, unsure = checks.read(kinds, *given)
    scale = np.ones_like(one)
    if measure == "SMD":
        from trialpool.stats.effect_sizes import hedges_factor

        freedom = size1 + size2 - 2
        pooled = np.sqrt(((size1 - 1) * s1**2 + (size2 - 1) * s2**2) / freedom)
        scale, moved1, moved2 = pooled / hedges_factor(freedom), moved1 * s1, moved2 * s2
    difference, variance = one - two, np.zeros_like(one)
    for sign, spread, size, missing, moved, sd in (
        (1, s1, size1, m1, moved1, s1),
        (-1, s2, size2, m2, moved2, s2),
    ):
        share, whole = missing / (size + missing), size + missing
        difference = difference + sign * share * moved
        own = unsure * (sd if measure == "SMD" else 1.0)
        variance = variance + spread**2 / size + share * (1 - share) / whole * moved**2 + (share * own) ** 2
    effect = difference / scale
    variance = variance / scale**2
    if measure == "SMD":  # that the SD is estimated
        variance = variance + effect**2 / (2 * (size1 + size2))
    return WithMissing(plain(effect), plain(variance))


def _of_an_assumption(effects_of: object) -> None:
    """Refuse what is no function of one number that gives effects and variances."""
    words = "must be a function of an assumption that gives effects and variances"
    if not callable(effects_of):
        raise TypeError(f"effects_of is {type(effects_of).__name__}: {words}")
    try:
        signature(effects_of).bind(1.0)
    except TypeError:
        raise TypeError(f"effects_of does not take one argument: {words}") from None
    found = effects_of(1.0)
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise TypeError(f"effects_of gives {type(found).__name__}: {words}")


@dataclass(frozen=True, slots=True)
class TippingPoint:
    """What must be true of the missing for a conclusion to fall.

    `assumption` is the IMOR or IMDoM nearest to none at which the interval first reaches (or first leaves)
    no effect, NaN where none within reach does. `tried` (n,) are assumptions, `estimate`, `low` and `high`
    the pooled effect under each, on the analysis scale.
    """

    assumption: float
    tried: Floats
    estimate: Floats
    low: Floats
    high: Floats


def tipping_point(
    effects_of: Callable[[float], tuple[Floats, Floats]],
    *,
    ratio: bool,
    unit: float = 1.0,
    tau2_method: str = "REML",
    interval: str = "hksj_adhoc",
    level: float = 0.95,
) -> TippingPoint:
    """Move the missing of one or both arms, and find where the pooled interval changes its conclusion.

    `effects_of` gives effects (k,) and variances (k,) under an assumption: an IMOR where `ratio`, tried from
    1/1000 to 1000, else an IMDoM, tried to ten times `unit` either way. All assumptions are pooled in one
    batch; between the last that agrees with no information and the first that does not the point is solved
    for. What lies on the other side of no information counts too, the nearer one is given.

    >>> def moved(imdom):
    ...     effect, variance = missing_means([2, 3, 2.5], 2, 40, 10, 0, 2, 40, 10, imdom1=imdom)
    ...     return effect, variance
    >>> round(tipping_point(moved, ratio=False, interval="wald").assumption, 2)
    -8.73
    """
    from scipy.optimize import brentq

    ratio, unit = checks.yes_or_no("ratio", ratio), checks.number("unit", unit, above=0)
    _of_an_assumption(effects_of)
    half = np.linspace(0.0, 1.0, SCAN // 2 + 1)
    steps = np.concatenate([-half[:0:-1], half])
    tried = FURTHEST_ODDS**steps if ratio else steps * FURTHEST_SDS * unit
    kind: Any = {"tau2_method": tau2_method, "interval": interval, "level": level}
    pairs = [effects_of(float(value)) for value in tried]
    fit = pool(np.array([y for y, _ in pairs]), np.array([v for _, v in pairs]), **kind)
    low, high = np.asarray(fit.ci_low), np.asarray(fit.ci_high)
    said = np.where(low > 0, 1, np.where(high < 0, -1, 0))
    middle = len(tried) // 2

    def margin(step: float, side: float) -> float:
        """How far the bound that matters lies from no effect at a step between no information and the end."""
        value = FURTHEST_ODDS**step if ratio else step * FURTHEST_SDS * unit
        found = pool(*effects_of(float(value)), **kind)
        return float(found.ci_low if side > 0 else found.ci_high)

    nearest = np.nan
    for direction in (1, -1):
        for at in range(middle, len(tried) - 1) if direction > 0 else range(middle, 0, -1):
            if said[at + direction] != said[middle]:
                side = said[middle] or said[at + direction]
                ends = sorted((float(steps[at]), float(steps[at + direction])))
                step = float(brentq(margin, ends[0], ends[1], args=(float(side),), xtol=1e-12))
                if np.isnan(nearest) or abs(step) < abs(nearest):
                    nearest = step
                break
    value = (
        np.nan if np.isnan(nearest) else FURTHEST_ODDS**nearest if ratio else nearest * FURTHEST_SDS * unit
    )
    return TippingPoint(float(value), tried, np.asarray(fit.estimate), low, high)
