"""From what trials print to what effects need (SDs, SEs, combined arms), and what a pooled effect means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from trialpool.stats import checks
from trialpool.stats.checks import Bools, Floats, Unpacks, finite, one_of, plain, read, refuse
from trialpool.stats.effect_sizes import Effects, made

# A standard logistic distribution has SD π/√3 (Hasselblad & Hedges 1995); Chinn (2000) rounds to 1.81.
LOGISTIC = {"hasselblad_hedges": float(np.pi / np.sqrt(3)), "chinn": 1.81}
# VanderWeele & Ding 2017: a standardised difference d is about the risk ratio exp(0.91 d).
LOG_RISK_RATIO_PER_SMD = 0.91
RATIOS = ("RR", "OR")


@dataclass(frozen=True, slots=True)
class Arm(Unpacks):
    """Mean, SD and number of people of an arm; unpacks in that order."""

    first: ClassVar[int] = 3
    mean: Floats
    sd: Floats
    n: Floats


def smd_to_log_odds_ratio(
    effect: ArrayLike, variance: ArrayLike, *, method: str = "hasselblad_hedges"
) -> Effects:
    """Turn standardised mean differences into log odds ratios: times π/√3, or "chinn": 1.81 (Handbook 10.6).

    >>> smd_to_log_odds_ratio(0.5, 0.04).effect.round(6)
    np.float64(0.9069)
    """
    return _scaled(effect, variance, LOGISTIC[one_of("method", method, LOGISTIC)])


def log_odds_ratio_to_smd(
    effect: ArrayLike, variance: ArrayLike, *, method: str = "hasselblad_hedges"
) -> Effects:
    """Turn log odds ratios into standardised mean differences: times √3/π (or "chinn": over 1.81).

    >>> round(float(log_odds_ratio_to_smd(0.9069, 0.131595).effect), 6)
    0.5
    """
    return _scaled(effect, variance, 1 / LOGISTIC[one_of("method", method, LOGISTIC)])


def change_sd(sd_before: ArrayLike, sd_after: ArrayLike, correlation: ArrayLike) -> Floats:
    """SD of a change, √(s0² + s1² - 2·r·s0·s1), from the SDs before and after (Cochrane Handbook 6.5.2.8).

    >>> round(float(change_sd(12.4, 15.2, 0.8)), 8)
    9.12315735
    """
    kinds = {"sd_before": "not negative", "sd_after": "not negative", "correlation": "correlation"}
    before, after, r = read(kinds, sd_before, sd_after, correlation)
    return plain(np.sqrt(np.maximum(before**2 + after**2 - 2 * r * before * after, 0)))


def change_correlation(sd_before: ArrayLike, sd_after: ArrayLike, sd_change: ArrayLike) -> Floats:
    """Before–after correlation from an arm that prints all three SDs (Cochrane Handbook 6.5.2.8).

    >>> round(float(change_correlation(6.4, 7.1, 4.5)), 8)
    0.78257042
    """
    kinds = {"sd_before": "positive", "sd_after": "positive", "sd_change": "not negative"}
    before, after, change = read(kinds, sd_before, sd_after, sd_change)
    checks.not_vanishing("sd_before", before)
    checks.not_vanishing("sd_after", after)
    r = (before**2 + after**2 - change**2) / (2 * before * after)
    refuse("sd_change", change, abs(r) > 1, "no correlation explains these three SDs")
    return plain(r)


def combine_arms(mean: ArrayLike, sd: ArrayLike, n: ArrayLike) -> Arm:
    """Combine the arms along the last axis as if they had been one (Cochrane Handbook 6.5.2.10).

    >>> combine_arms([-2.0, 1.0], [1.5, 1.7], [20, 22]).sd.round(8)
    np.float64(2.19603698)
    """
    m, s, a = read({"mean": "number", "sd": "not negative", "n": "people"}, mean, sd, n)
    if m.ndim == 0:
        raise ValueError("mean has no axis: give the arms to combine along the last axis")
    total = a.sum(-1)
    refuse("n", total, total < 2, "all arms together need at least 2 people")
    middle = (a * m).sum(-1) / total
    squares = ((a - 1) * s**2).sum(-1) + (a * (m - middle[..., None]) ** 2).sum(-1)
    return Arm(plain(middle), plain(np.sqrt(squares / (total - 1))), plain(total))


def sd_from_se(se: ArrayLike, n: ArrayLike) -> Floats:
    """SD of an arm from the standard error of its mean: se·√n (Cochrane Handbook 6.5.2.2).

    >>> float(sd_from_se(0.5, 16))
    2.0
    """
    error, size = read({"se": "not negative", "n": "at least 1"}, se, n)
    return plain(error * np.sqrt(size))


def se_from_sd(sd: ArrayLike, n: ArrayLike) -> Floats:
    """Return the standard error of an arm's mean from its SD: sd/√n.

    >>> float(se_from_sd(2.0, 16))
    0.5
    """
    spread, size = read({"sd": "not negative", "n": "at least 1"}, sd, n)
    return plain(spread / np.sqrt(size))


def sd_from_ci(low: ArrayLike, high: ArrayLike, n: ArrayLike, *, level: float = 0.95) -> Floats:
    """SD of an arm from the confidence interval of its mean, by t on n - 1 df (Cochrane Handbook 6.5.2.2).

    >>> round(float(sd_from_ci(1.0, 3.0, 10)), 6)
    1.397904
    """
    bottom, top, size = read({"low": "number", "high": "number", "n": "at least 2"}, low, high, n)
    return sd_from_se(se_from_ci(bottom, top, df=size - 1, level=level), size)


def se_from_ci(
    low: ArrayLike, high: ArrayLike, *, df: ArrayLike | None = None, level: float = 0.95
) -> Floats:
    """Standard error from a confidence interval: by t on `df` degrees of freedom, or by z without.

    For a difference of two small arms df = n1 + n2 - 2 (Cochrane Handbook 6.3.2); ratios: give log limits.

    >>> round(float(se_from_ci(1.0, 5.0, df=18)), 6)
    0.951963
    """
    bottom, top = read({"low": "number", "high": "number"}, low, high)
    refuse("high", top, top < bottom, "the upper limit lies below the lower one")
    if checks.check_level(level) < 1e-6:
        raise ValueError(f"level is {level}: an interval of so small a level says nothing; at least 1e-6")
    return plain((top - bottom) / (2 * _quantile((1 + level) / 2, df, low=bottom)))


def se_from_p(difference: ArrayLike, p_value: ArrayLike, *, df: ArrayLike | None = None) -> Floats:
    """Standard error from an exact two-sided p-value: |difference|/t (Cochrane Handbook 6.3.2, 6.5.2.3).

    >>> round(float(se_from_p(3.8, 0.008, df=45)), 4)
    1.3691
    """
    effect, p = read({"difference": "number", "p_value": "number"}, difference, p_value)
    refuse("p_value", p, (p <= 0) | (p >= 1), "must lie strictly between 0 and 1")
    refuse("difference", effect, effect == 0, "a difference of 0 says nothing about its standard error")
    return plain(
        abs(effect) / -_quantile(p / 2, df, p_value=p)
    )  # from the lower tail: 1 - p/2 is 1 for a tiny p


def sd_from_difference_se(se: ArrayLike, n1: ArrayLike, n2: ArrayLike) -> Floats:
    """SD common to two arms from the standard error of their difference (Cochrane Handbook 6.5.2.3).

    >>> round(float(sd_from_difference_se(1.3691, 25, 22)), 4)
    4.6835
    """
    error, a1, a2 = read({"se": "not negative", "n1": "at least 1", "n2": "at least 1"}, se, n1, n2)
    return plain(error / np.sqrt(1 / a1 + 1 / a2))


def paired_effects(mean_difference: ArrayLike, sd_difference: ArrayLike, n: ArrayLike) -> Effects:
    """Mean difference of a crossover or paired trial with its variance sd²/n (Cochrane Handbook 23.2.7.1).

    >>> round(float(paired_effects(0.5, 2.0, 10).variance), 6)
    0.4
    """
    kinds = {"mean_difference": "number", "sd_difference": "positive", "n": "two people"}
    effect, sd, size = read(kinds, mean_difference, sd_difference, n)
    return made(effect, sd**2 / size)


def _scaled(effect: ArrayLike, variance: ArrayLike, factor: float) -> Effects:
    y, v = read({"effect": "number", "variance": "positive"}, effect, variance)
    return made(y * factor, v * factor**2)


def _quantile(probability: Floats | float, df: ArrayLike | None, **beside: Floats) -> Floats:
    """Of a t distribution whose `df` must broadcast with the arrays `beside`; of a normal one without."""
    if df is None:
        return np.asarray(ndtri(probability))
    freedom = finite("df", df, above=0)
    checks.together(**beside, df=freedom)
    return np.asarray(stdtrit(freedom, probability))


@dataclass(frozen=True, slots=True)
class FromQuartiles(Unpacks):
    """Estimated mean and SD, unpacking as these two.

    `skewness` is Shi's statistic, `critical` its 5 % bound: where `skewed`, the data are too asymmetric for
    mean and SD to stand for them.
    """

    mean: Floats
    sd: Floats
    skewness: Floats
    critical: Floats
    skewed: Bools


def mean_sd_from_quartiles(
    median: ArrayLike,
    n: ArrayLike,
    *,
    q1: ArrayLike | None = None,
    q3: ArrayLike | None = None,
    minimum: ArrayLike | None = None,
    maximum: ArrayLike | None = None,
) -> FromQuartiles:
    """Mean by Luo et al. (2018), SD by Wan et al. (2014) or, with five numbers, Shi et al. (2020).

    Give `q1` and `q3`, or `minimum` and `maximum`, or all four; n at least 5. The quantiles of the normal
    scores come from Wan's formula, not from the rounded tables of the paper. Skewness: Shi et al. (2023).

    >>> mean_sd_from_quartiles(5, 40, q1=3, q3=8).sd.round(6)
    np.float64(3.84465)
    """
    asked = {"minimum": minimum, "q1": q1, "median": median, "q3": q3, "maximum": maximum}
    given = {name: finite(name, value) for name, value in asked.items() if value is not None}
    for name, partner in (("q1", "q3"), ("minimum", "maximum")):
        if (name in given) != (partner in given):
            raise ValueError(f"{partner if name in given else name}: missing, its partner is given")
    if len(given) == 1:
        raise ValueError("q1: give q1 and q3, or minimum and maximum, or all four")
    *values, size = checks.together(**given, n=finite("n", n, least=5))
    first, last, names = values[0], values[-1], list(given)
    for place in range(1, len(values)):
        below = values[place] < values[place - 1]
        refuse(names[place], values[place], below, f"lies below {names[place - 1]}")
    refuse(names[-1], last, last <= first, f"equals {names[0]}: no spread to take an SD from")
    mean, sd, skewness, critical = _of_quartiles(values, size, whole_range="minimum" in given)
    skewed: Bools = np.asarray(skewness >= critical)[()]
    return FromQuartiles(plain(mean), plain(sd), plain(skewness), plain(critical), skewed)


def _of_quartiles(values: list[Floats], n: Floats, whole_range: bool) -> tuple[Floats, ...]:
    """Mean, SD, skewness and its critical value from five ascending numbers, or three: range or quartiles."""

    def asymmetry(low: Floats, high: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):  # no spread: no asymmetry either
            return np.where(high > low, abs(low + high - 2 * median) / (high - low), 0.0)

    (low, *_, high), median = values, values[len(values) // 2]
    range_sd = (high - low) / (2 * ndtri((n - 0.375) / (n + 0.25)))
    iqr_score = 2 * ndtri((0.75 * n - 0.125) / (n + 0.25))
    if len(values) == 5:
        q1, q3 = values[1], values[3]
        outer, inner = 2.2 / (2.2 + n**0.75), 0.7 - 0.72 / n**0.55
        mean = outer * (low + high) / 2 + inner * (q1 + q3) / 2 + (1 - outer - inner) * median
        weight = 1 / (1 + 0.07 * n**0.6)
        sd = weight * range_sd + (1 - weight) * (q3 - q1) / iqr_score
        tails = 2.65 * np.log(0.6 * n) / np.sqrt(n) * asymmetry(low, high)
        return mean, sd, np.maximum(tails, asymmetry(q1, q3)), 3 / np.sqrt(n) - 40 / n**3
    weight = 4 / (4 + n**0.75) if whole_range else 0.7 + 0.39 / n
    mean = weight * (low + high) / 2 + (1 - weight) * median
    if whole_range:
        return mean, range_sd, asymmetry(low, high), 1 / np.log(n + 9) + 2.5 / (n + 1)
    return mean, (high - low) / iqr_score, asymmetry(low, high), 2.65 / np.sqrt(n) - 6 / n**2


@dataclass(frozen=True, slots=True)
class Beyond:
    """Chances that a new study's true effect is at least the MCID in the good direction (`benefit`) or the
    other (`harm`), or less (`trivial`); and that it is on the good side of no effect at all (`better`)."""

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

    `number_needed` people treated make one event more or less, `_low` and `_high` by the limits; where
    `through_infinity` the interval contains no difference, and these are the ends of "so many for one event
    less … infinity … so many for one more" (Altman 1998). `capped` marks a risk that would pass 0 or 1.
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

    Centre `estimate`, scale √(tau2 + se²), `df` degrees of freedom (infinite: normal); all broadcast.
    Source: Higgins, Thompson & Spiegelhalter 2009; Mathur & VanderWeele 2019 for the question.

    >>> round(float(probability_below(0.0, -0.7145, 0.1798, 0.3132, 12)), 4)
    0.8762
    """
    freedom = checks.numbers("df", df)
    refuse("df", freedom, ~(freedom > 0), "must be above 0")
    kinds = {"threshold": "number", "estimate": "number", "se": "not negative", "tau2": "not negative"}
    limit, centre, error, between = read(kinds, threshold, estimate, se, tau2)
    checks.together(threshold=limit, df=freedom)
    scale2 = between + error**2
    refuse("se", scale2, scale2 <= 0, "se and tau2 are both 0, so nothing is uncertain")
    return plain(stdtr(freedom, (limit - centre) / np.sqrt(scale2)))


def beyond_mcid(
    mcid: ArrayLike, *, better: str, estimate: ArrayLike, se: ArrayLike, tau2: ArrayLike, df: ArrayLike
) -> Beyond:
    """Chances that a new study's true effect is an important benefit, trivial, or an important harm.

    `mcid` is a positive size on the scale of `estimate`, `better` ("lower" or "higher") the good direction;
    the rest as `probability_below`, e.g. the fields of a `Pooled`.

    >>> beyond_mcid(1.0, better="lower", estimate=-1.2, se=0.3, tau2=0.4, df=9).benefit.round(3)
    np.float64(0.609)
    """
    one_of("better", better, ("lower", "higher"))
    size = finite("mcid", mcid, above=0)
    spread = {name: checks.numbers(name, x) for name, x in (("se", se), ("tau2", tau2), ("df", df))}
    middle = finite("estimate", estimate)
    checks.together(mcid=size, estimate=middle, **spread)
    centre = middle * (1 if better == "lower" else -1)
    benefit, harm = (probability_below(-size, each, **spread) for each in (centre, -centre))
    trivial = plain(np.maximum(0.0, 1 - benefit - harm))
    return Beyond(benefit, trivial, harm, probability_below(0.0, centre, **spread))


def smd_to_units(
    estimate: ArrayLike, ci_low: ArrayLike, ci_high: ArrayLike, reference_sd: ArrayLike
) -> Units:
    """Express a standardised mean difference in an instrument's units: times its SD in some population.

    The SD should be that of a representative sample (Cochrane Handbook 15.5.3.2); it is taken as known.

    >>> smd_to_units(-0.5, -0.75, -0.25, 24.0)
    Units(estimate=np.float64(-12.0), ci_low=np.float64(-18.0), ci_high=np.float64(-6.0))
    """
    sd = finite("reference_sd", reference_sd, above=0)
    middle, low, high = _interval(estimate, ci_low, ci_high)
    middle, sd = checks.together(estimate=middle, reference_sd=sd)
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

    `measure` is RR, OR, HR (on their natural scale), RD or SMD; arguments broadcast. An RR multiplies the
    risk, an OR its odds (Cochrane Handbook 15.4.4), an RD adds. An HR is a power of the share S of people
    without the event by a time, S^HR, where hazards are proportional; `control_risk` is 1 - S then, and all
    numbers are of that time (Altman & Andersen 1999). An SMD d (sign: towards more events) moves a
    normally distributed outcome, of which the event is a part, by d SDs: Φ(d + Φ⁻¹(risk)) (Furukawa &
    Leucht 2011). The interval is that of the effect; the risk is taken as known.

    >>> absolute_effect("SMD", 0.5, 0.2, 0.8, 0.2).number_needed.round(6)
    np.float64(6.012579)
    >>> absolute_effect("HR", 0.72, 0.55, 0.92, 1 - 0.33).number_needed.round(2)
    np.float64(8.32)
    """
    one_of("measure", measure, (*RATIOS, "HR", "RD", "SMD"))
    risk0 = finite("control_risk", control_risk, least=0, most=1)
    at_the_end = (risk0 == 0) | (risk0 == 1)
    refuse("control_risk", risk0, at_the_end & (measure != "RD"), "must lie strictly between 0 and 1")
    many = checks.number("per", per, above=0)
    limits = _interval(estimate, ci_low, ci_high)
    checks.together(estimate=limits[0], control_risk=risk0)
    if measure in (*RATIOS, "HR"):
        refuse("ci_low", limits[1], limits[1] < 0, f"{measure} on its natural scale is never below 0")
    moved: Callable[[Floats], Floats] = {
        "RR": lambda effect: effect * risk0,
        "OR": lambda effect: effect * risk0 / (1 - risk0 + effect * risk0),
        "HR": lambda effect: 1 - (1 - risk0) ** effect,
        "RD": lambda effect: risk0 + effect,
        "SMD": lambda effect: ndtr(effect + ndtri(risk0)),
    }[measure]
    raw = [moved(limit) for limit in limits]
    risks = [np.clip(value, 0.0, 1.0) for value in raw]
    differences = [risk - risk0 for risk in risks]
    with np.errstate(divide="ignore"):
        needed = [1 / np.abs(value) for value in differences]
    scaled = [many * value for value in risks + differences]
    names = [name for name in Absolute.__slots__ if name not in ("per", "through_infinity", "capped")]
    numbers = {name: plain(value) for name, value in zip(names, scaled + needed, strict=True)}
    through: Bools = np.asarray((differences[1] <= 0) & (differences[2] >= 0))[()]
    capped: Bools = np.any([(value < 0) | (value > 1) for value in raw], axis=0)[()]
    return Absolute(per=many, **numbers, through_infinity=through, capped=capped)


def e_value(
    measure: str, estimate: ArrayLike, ci_low: ArrayLike, ci_high: ArrayLike, *, rare: bool = False
) -> EValue:
    """How strong unmeasured confounding must be to explain an effect away, as a risk ratio on either side.

    `measure` is RR, OR (natural scale; unless the event is `rare`, under about 15 %, its square root stands
    for the RR) or SMD (exp(0.91 d)). RR + √(RR(RR - 1)), for RR below 1 after inversion. Source: VanderWeele
    & Ding 2017. For randomised trials it speaks only of what randomisation failed to balance.

    >>> e_value("RR", 0.4894, 0.3441, 0.6962).estimate.round(6)
    np.float64(3.503398)
    """
    one_of("measure", measure, (*RATIOS, "SMD"))
    rare = checks.yes_or_no("rare", rare)
    limits = _interval(estimate, ci_low, ci_high)
    if measure in RATIOS:
        refuse("ci_low", limits[1], limits[1] <= 0, f"{measure} on its natural scale is above 0")
        power = 0.5 if measure == "OR" and not rare else 1.0
        log_rr = [power * np.log(limit) for limit in limits]
    else:
        log_rr = [LOG_RISK_RATIO_PER_SMD * limit for limit in limits]
    middle, low, high = log_rr
    nearer = np.where((low <= 0) & (high >= 0), 0.0, np.minimum(np.abs(low), np.abs(high)))
    sizes = np.abs(middle), nearer
    return EValue(*(plain(np.exp(log) * (1 + np.sqrt(-np.expm1(-log)))) for log in sizes))


def _interval(estimate: ArrayLike, ci_low: ArrayLike, ci_high: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Estimate and limits, finite and in order."""
    kinds = {"estimate": "number", "ci_low": "number", "ci_high": "number"}
    middle, low, high = read(kinds, estimate, ci_low, ci_high)
    refuse("ci_low", low, low > middle, "lies above the estimate")
    refuse("ci_high", high, high < middle, "lies below the estimate")
    return middle, low, high
