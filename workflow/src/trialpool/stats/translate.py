"""What a pooled effect means: chances beyond the MCID, natural units, people in a thousand, E-values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtr

from trialpool.stats.checks import (
    Bools,
    Floats,
    between,
    finite,
    not_negative,
    numbers,
    one_of,
    plain,
    positive,
    refuse,
    together,
)

RATIOS = ("RR", "OR")
MEASURES = ("RR", "OR", "RD", "SMD")
E_MEASURES = ("RR", "OR", "SMD")
# VanderWeele & Ding 2017: a standardised difference d is about the risk ratio exp(0.91 d).
LOG_RISK_RATIO_PER_SMD = 0.91


@dataclass(frozen=True, slots=True)
class Beyond:
    """Chances of where the true effect in a new, similar study lies; `benefit + trivial + harm` is 1.

    `benefit` is at least the MCID in the good direction, `harm` at least as much in the other, `better` on
    the good side of no effect at all.
    """

    benefit: Floats
    trivial: Floats
    harm: Floats
    better: Floats


@dataclass(frozen=True, slots=True)
class Units:
    """An effect with its interval in another unit."""

    estimate: Floats
    ci_low: Floats
    ci_high: Floats


@dataclass(frozen=True, slots=True)
class Absolute:
    """Risk with the experimental treatment, and the difference it makes, both in people of `per`.

    `number_needed` people treated make one event more or less, `number_needed_low` and `_high` by the limits
    of the interval; where `through_infinity` the interval contains no difference, so these two are the ends
    of "so many for one event less … infinity … so many for one more" (Altman 1998), not a range between.
    `capped` marks a ratio that would lift a risk above 1.
    """

    per: float
    risk: Floats
    risk_low: Floats
    risk_high: Floats
    difference: Floats
    difference_low: Floats
    difference_high: Floats
    number_needed: Floats
    number_needed_low: Floats
    number_needed_high: Floats
    through_infinity: Bools
    capped: Bools


@dataclass(frozen=True, slots=True)
class EValue:
    """E-values of the estimate and of the interval's limit nearer to no effect (1 if it includes none)."""

    estimate: Floats
    interval: Floats


def probability_below(
    threshold: ArrayLike, estimate: ArrayLike, se: ArrayLike, tau2: ArrayLike, df: ArrayLike
) -> Floats:
    """P(true effect of a new study < threshold), from the predictive t distribution.

    Centre `estimate`, scale √(tau2 + se²), `df` degrees of freedom (infinite: normal); all broadcast. The
    scale contains the uncertainty of the mean, which N(estimate, tau2) would leave out. Source: Higgins,
    Thompson & Spiegelhalter 2009; Mathur & VanderWeele 2019 for the question.

    >>> round(float(probability_below(0.0, -0.7145, 0.1798, 0.3132, 12)), 4)
    0.8762
    """
    scale2 = not_negative("tau2", tau2) + not_negative("se", se) ** 2
    freedom = numbers("df", df)
    refuse("df", freedom, ~(freedom > 0), "must be above 0")
    refuse("se", scale2, scale2 <= 0, "se and tau2 are both 0, so nothing is uncertain")
    z = (finite("threshold", threshold) - finite("estimate", estimate)) / np.sqrt(scale2)
    return plain(np.asarray(stdtr(freedom, z)))


def beyond_mcid(
    mcid: ArrayLike, *, better: str, estimate: ArrayLike, se: ArrayLike, tau2: ArrayLike, df: ArrayLike
) -> Beyond:
    """Chances that a new study's true effect is an important benefit, trivial, or an important harm.

    `mcid` is a positive size on the scale of `estimate`, `better` ("lower" or "higher") the good direction;
    the rest as `probability_below`, e.g. the fields of a `Pooled`.

    >>> chance = beyond_mcid(1.0, better="lower", estimate=-1.2, se=0.3, tau2=0.4, df=9)
    >>> [round(float(x), 3) for x in (chance.benefit, chance.trivial, chance.harm, chance.better)]
    [0.609, 0.385, 0.006, 0.94]
    """
    one_of("better", better, ("lower", "higher"))
    size = positive("mcid", mcid)
    centre = finite("estimate", estimate) * (1 if better == "lower" else -1)
    benefit = probability_below(-size, centre, se, tau2, df)
    harm = probability_below(-size, -centre, se, tau2, df)
    return Beyond(
        benefit,
        plain(np.maximum(0.0, 1 - benefit - harm)),
        harm,
        probability_below(0.0, centre, se, tau2, df),
    )


def smd_to_units(
    estimate: ArrayLike, ci_low: ArrayLike, ci_high: ArrayLike, reference_sd: ArrayLike
) -> Units:
    """Express a standardised mean difference in an instrument's units: times its SD in some population.

    The SD should come from an observational or representative trial sample (Cochrane Handbook 15.5.3.2). Its
    own uncertainty is not in the interval.

    >>> smd_to_units(-0.5, -0.75, -0.25, 24.0)
    Units(estimate=np.float64(-12.0), ci_low=np.float64(-18.0), ci_high=np.float64(-6.0))
    """
    sd = positive("reference_sd", reference_sd)
    middle, low, high = _interval(estimate, ci_low, ci_high)
    return Units(plain(middle * sd), plain(low * sd), plain(high * sd))


def absolute_effect(
    measure: str,
    estimate: ArrayLike,
    ci_low: ArrayLike,
    ci_high: ArrayLike,
    control_risk: ArrayLike,
    *,
    per: float = 1000,
) -> Absolute:
    """What an effect means for `per` people whose risk without the experimental treatment is `control_risk`.

    `measure` is RR, OR (both on their natural scale), RD or SMD; arguments broadcast. An RR multiplies the
    risk, an OR its odds (Cochrane Handbook 15.4.4), an RD adds. An SMD d (sign: towards more events) moves a
    normally distributed outcome, of which the event is a part, by d SDs: Φ(d + Φ⁻¹(risk)) (Furukawa &
    Leucht 2011). The interval is that of the effect; the risk is taken as known.

    >>> absolute_effect("SMD", 0.5, 0.2, 0.8, 0.2).number_needed.round(6)
    np.float64(6.012579)
    """
    one_of("measure", measure, MEASURES)
    risk0 = between("control_risk", control_risk, 0, 1)
    at_the_end = (risk0 == 0) | (risk0 == 1)
    refuse("control_risk", risk0, at_the_end & (measure != "RD"), "must lie strictly between 0 and 1")
    many = float(positive("per", per))
    limits = _interval(estimate, ci_low, ci_high)
    if measure in RATIOS:
        for name, limit in zip(("estimate", "ci_low", "ci_high"), limits, strict=True):
            refuse(name, limit, limit < 0, f"{measure} on its natural scale is never below 0")
    raw = [_moved(measure, limit, risk0) for limit in limits]
    risks = [np.clip(value, 0.0, 1.0) for value in raw]
    differences = [risk - risk0 for risk in risks]
    with np.errstate(divide="ignore"):
        needed = [plain(np.asarray(1 / np.abs(value))) for value in differences]
    scaled = [plain(np.asarray(many * value)) for value in risks + differences]
    through = np.asarray((differences[1] <= 0) & (differences[2] >= 0))
    capped = np.any([(value < 0) | (value > 1) for value in raw], axis=0)
    names = [name for name in Absolute.__slots__ if name not in ("per", "through_infinity", "capped")]
    fields = dict(zip(names, scaled + needed, strict=True))
    return Absolute(per=many, **fields, through_infinity=through[()], capped=np.asarray(capped)[()])


def _moved(measure: str, effect: Floats, risk: Floats) -> Floats:
    """The risk under an effect; may leave 0 to 1 for RR and RD."""
    if measure == "RR":
        return np.asarray(effect * risk)
    if measure == "OR":
        return np.asarray(effect * risk / (1 - risk + effect * risk))
    if measure == "RD":
        return np.asarray(risk + effect)
    return np.asarray(ndtr(effect + ndtri(risk)))


def e_value(
    measure: str, estimate: ArrayLike, ci_low: ArrayLike, ci_high: ArrayLike, *, rare: bool = False
) -> EValue:
    """How strong unmeasured confounding must be to explain an effect away, as a risk ratio on either side.

    `measure` is RR, OR (natural scale; unless the event is `rare`, under about 15 %, its square root stands
    for the RR) or SMD (exp(0.91 d)). RR + √(RR(RR - 1)), for RR below 1 after inversion. Source: VanderWeele
    & Ding 2017. For randomised trials it speaks only of what randomisation failed to balance.

    >>> found = e_value("RR", 0.4894, 0.3441, 0.6962)
    >>> round(float(found.estimate), 6), round(float(found.interval), 4)
    (3.503398, 2.2281)
    """
    one_of("measure", measure, E_MEASURES)
    limits = _interval(estimate, ci_low, ci_high)
    if measure in RATIOS:
        for name, limit in zip(("estimate", "ci_low", "ci_high"), limits, strict=True):
            refuse(name, limit, limit <= 0, f"{measure} on its natural scale is above 0")
        power = 0.5 if measure == "OR" and not rare else 1.0
        log_rr = [power * np.log(limit) for limit in limits]
    else:
        log_rr = [LOG_RISK_RATIO_PER_SMD * limit for limit in limits]
    middle, low, high = log_rr
    nearer = np.where((low <= 0) & (high >= 0), 0.0, np.minimum(np.abs(low), np.abs(high)))
    return EValue(_e_value(np.abs(middle)), _e_value(nearer))


def _e_value(log_rr: Floats) -> Floats:
    """E-value of a risk ratio of at least 1, given as its logarithm."""
    return plain(np.asarray(np.exp(log_rr) * (1 + np.sqrt(-np.expm1(-log_rr)))))


def _interval(estimate: ArrayLike, ci_low: ArrayLike, ci_high: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Estimate and limits, finite and in order."""
    middle, low, high = together(
        estimate=finite("estimate", estimate),
        ci_low=finite("ci_low", ci_low),
        ci_high=finite("ci_high", ci_high),
    )
    refuse("ci_low", low, low > middle, "lies above the estimate")
    refuse("ci_high", high, high < middle, "lies below the estimate")
    return middle, low, high
