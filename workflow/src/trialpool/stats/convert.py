"""From what trials print to what effects need: means, SDs and SEs, combined arms, other effect measures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit

from trialpool.stats.checks import (
    Bools,
    Floats,
    at_least,
    between,
    check_level,
    counts,
    finite,
    not_negative,
    one_of,
    plain,
    positive,
    refuse,
    together,
)
from trialpool.stats.effect_sizes import Effects, made

# A standard logistic distribution has SD π/√3 (Hasselblad & Hedges 1995); Chinn (2000) rounds to 1.81.
LOGISTIC = {"hasselblad_hedges": float(np.pi / np.sqrt(3)), "chinn": 1.81}


@dataclass(frozen=True, slots=True)
class Arm:
    """Mean, SD and number of people of an arm; unpacks in that order."""

    mean: Floats
    sd: Floats
    n: Floats

    def __iter__(self) -> Iterator[Floats]:
        """Unpack as mean, sd, n."""
        return iter((self.mean, self.sd, self.n))


def smd_to_log_odds_ratio(
    effect: ArrayLike, variance: ArrayLike, *, method: str = "hasselblad_hedges"
) -> Effects:
    """Turn standardised mean differences into log odds ratios: times π/√3 (or "chinn": 1.81).

    Hasselblad & Hedges 1995; Chinn 2000; Cochrane Handbook 10.6.

    >>> effect, variance = smd_to_log_odds_ratio(0.5, 0.04)
    >>> round(float(effect), 6), round(float(variance), 6)
    (0.9069, 0.131595)
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
    """SD of the change from the SDs before and after and their correlation (Cochrane Handbook 6.5.2.8).

    √(s0² + s1² - 2·r·s0·s1); with r < 0.5 and equal SDs changes are less precise than final values.

    >>> round(float(change_sd(12.4, 15.2, 0.8)), 8)
    9.12315735
    """
    before, after, r = together(
        sd_before=not_negative("sd_before", sd_before),
        sd_after=not_negative("sd_after", sd_after),
        correlation=between("correlation", correlation, -1, 1),
    )
    return plain(np.sqrt(np.maximum(before**2 + after**2 - 2 * r * before * after, 0)))


def change_correlation(sd_before: ArrayLike, sd_after: ArrayLike, sd_change: ArrayLike) -> Floats:
    """Before–after correlation from an arm that prints all three SDs (Cochrane Handbook 6.5.2.8).

    SDs that no correlation between -1 and 1 can explain are refused.

    >>> round(float(change_correlation(6.4, 7.1, 4.5)), 8)
    0.78257042
    """
    before, after, change = together(
        sd_before=positive("sd_before", sd_before),
        sd_after=positive("sd_after", sd_after),
        sd_change=not_negative("sd_change", sd_change),
    )
    r = (before**2 + after**2 - change**2) / (2 * before * after)
    refuse("sd_change", change, abs(r) > 1, "no correlation explains these three SDs")
    return plain(r)


def combine_arms(mean: ArrayLike, sd: ArrayLike, n: ArrayLike) -> Arm:
    """Combine the arms along the last axis as if they had been one (Cochrane Handbook 6.5.2.10).

    Means keep their sign, so that changes in opposite directions widen the combined SD as they must.

    >>> arm = combine_arms([-2.0, 1.0], [1.5, 1.7], [20, 22])
    >>> round(float(arm.sd), 8), float(arm.n)
    (2.19603698, 42.0)
    """
    m, s, a = together(mean=finite("mean", mean), sd=not_negative("sd", sd), n=counts("n", n, least=1))
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
    error, size = together(se=not_negative("se", se), n=at_least("n", n, 1))
    return plain(error * np.sqrt(size))


def se_from_sd(sd: ArrayLike, n: ArrayLike) -> Floats:
    """Return the standard error of an arm's mean from its SD: sd/√n.

    >>> float(se_from_sd(2.0, 16))
    0.5
    """
    spread, size = together(sd=not_negative("sd", sd), n=at_least("n", n, 1))
    return plain(spread / np.sqrt(size))


def sd_from_ci(low: ArrayLike, high: ArrayLike, n: ArrayLike, *, level: float = 0.95) -> Floats:
    """SD of an arm from the confidence interval of its mean, by t on n - 1 df (Cochrane Handbook 6.5.2.2).

    >>> round(float(sd_from_ci(1.0, 3.0, 10)), 6)
    1.397904
    """
    size = at_least("n", n, 2)
    return sd_from_se(se_from_ci(low, high, df=size - 1, level=level), size)


def se_from_ci(
    low: ArrayLike, high: ArrayLike, *, df: ArrayLike | None = None, level: float = 0.95
) -> Floats:
    """Standard error from a confidence interval: by t on `df` degrees of freedom, or by z without.

    For a difference of two small arms df = n1 + n2 - 2 (Cochrane Handbook 6.3.2); ratios: give log limits.

    >>> round(float(se_from_ci(1.0, 5.0, df=18)), 6)
    0.951963
    """
    bottom, top = together(low=finite("low", low), high=finite("high", high))
    refuse("high", top, top < bottom, "the upper limit lies below the lower one")
    return plain((top - bottom) / (2 * _quantile((1 + check_level(level)) / 2, df)))


def se_from_p(difference: ArrayLike, p_value: ArrayLike, *, df: ArrayLike | None = None) -> Floats:
    """Standard error from an exact two-sided p-value: |difference|/t (Cochrane Handbook 6.3.2, 6.5.2.3).

    >>> round(float(se_from_p(3.8, 0.008, df=45)), 4)
    1.3691
    """
    effect, p = together(difference=finite("difference", difference), p_value=finite("p_value", p_value))
    refuse("p_value", p, (p <= 0) | (p >= 1), "must lie strictly between 0 and 1")
    refuse("difference", effect, effect == 0, "a difference of 0 says nothing about its standard error")
    return plain(abs(effect) / -_quantile(p / 2, df))  # from the lower tail: 1 - p/2 is 1 for a tiny p


def sd_from_difference_se(se: ArrayLike, n1: ArrayLike, n2: ArrayLike) -> Floats:
    """SD common to two arms from the standard error of their difference (Cochrane Handbook 6.5.2.3).

    >>> round(float(sd_from_difference_se(1.3691, 25, 22)), 4)
    4.6835
    """
    error, a1, a2 = together(se=not_negative("se", se), n1=at_least("n1", n1, 1), n2=at_least("n2", n2, 1))
    return plain(error / np.sqrt(1 / a1 + 1 / a2))


def paired_effects(mean_difference: ArrayLike, sd_difference: ArrayLike, n: ArrayLike) -> Effects:
    """Mean difference of a crossover or paired trial with its variance sd²/n (Cochrane Handbook 23.2.7.1).

    >>> round(float(paired_effects(0.5, 2.0, 10).variance), 6)
    0.4
    """
    effect, sd, size = together(
        mean_difference=finite("mean_difference", mean_difference),
        sd_difference=positive("sd_difference", sd_difference),
        n=counts("n", n, least=2),
    )
    return made(effect, sd**2 / size)


def _scaled(effect: ArrayLike, variance: ArrayLike, factor: float) -> Effects:
    y, v = together(effect=finite("effect", effect), variance=positive("variance", variance))
    return made(y * factor, v * factor**2)


def _quantile(probability: Floats | float, df: ArrayLike | None) -> Floats:
    if df is None:
        return np.asarray(ndtri(probability))
    return np.asarray(stdtrit(positive("df", df), probability))


@dataclass(frozen=True, slots=True)
class FromQuartiles:
    """Estimated mean and SD; unpacks as `mean, sd = ...`.

    `skewness` is Shi's statistic, `critical` its 5 % bound: where `skewed`, the data are too asymmetric
    for mean and SD to stand for them, and the numbers should not be used unwarned.
    """

    mean: Floats
    sd: Floats
    skewness: Floats
    critical: Floats
    skewed: Bools

    def __iter__(self) -> Iterator[Floats]:
        """Unpack as mean, sd."""
        return iter((self.mean, self.sd))


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

    >>> result = mean_sd_from_quartiles(5, 40, q1=3, q3=8)
    >>> round(float(result.mean), 6), round(float(result.sd), 6), bool(result.skewed)
    (5.354875, 3.84465, False)
    """
    middle, size = finite("median", median), at_least("n", n, 5)
    quartiles = _pair("q1", q1, "q3", q3)
    extremes = _pair("minimum", minimum, "maximum", maximum)
    if quartiles and extremes:
        (low, high), (lower, upper) = extremes, quartiles
        return _from_five(*_ordered(minimum=low, q1=lower, median=middle, q3=upper, maximum=high, n=size))
    if quartiles:
        return _from_iqr(*_ordered(q1=quartiles[0], median=middle, q3=quartiles[1], n=size))
    if extremes:
        return _from_range(*_ordered(minimum=extremes[0], median=middle, maximum=extremes[1], n=size))
    raise ValueError("q1: give q1 and q3, or minimum and maximum, or all four")


def _pair(
    low_name: str, low: ArrayLike | None, high_name: str, high: ArrayLike | None
) -> tuple[Floats, Floats] | None:
    if (low is None) != (high is None):
        raise ValueError(f"{high_name if high is None else low_name}: missing, its partner is given")
    if low is None or high is None:
        return None
    return finite(low_name, low), finite(high_name, high)


def _ordered(**arrays: Floats) -> tuple[Floats, ...]:
    values = together(**arrays)
    names = list(arrays)
    spread = len(values) - 1  # the last argument is n
    for place in range(1, spread):
        below = values[place] < values[place - 1]
        refuse(names[place], values[place], below, f"lies below {names[place - 1]}")
    top = values[spread - 1]
    refuse(names[spread - 1], top, top <= values[0], f"equals {names[0]}: no spread to take an SD from")
    return values


def _range_score(n: Floats) -> Floats:
    return np.asarray(2 * ndtri((n - 0.375) / (n + 0.25)))


def _iqr_score(n: Floats) -> Floats:
    return np.asarray(2 * ndtri((0.75 * n - 0.125) / (n + 0.25)))


def _asymmetry(low: Floats, median: Floats, high: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):  # no spread: no asymmetry either
        return np.where(high > low, abs(low + high - 2 * median) / (high - low), 0.0)


def _from_range(low: Floats, median: Floats, high: Floats, n: Floats) -> FromQuartiles:
    weight = 4 / (4 + n**0.75)
    mean = weight * (low + high) / 2 + (1 - weight) * median
    critical = 1 / np.log(n + 9) + 2.5 / (n + 1)
    return _judged(mean, (high - low) / _range_score(n), _asymmetry(low, median, high), critical)


def _from_iqr(q1: Floats, median: Floats, q3: Floats, n: Floats) -> FromQuartiles:
    weight = 0.7 + 0.39 / n
    mean = weight * (q1 + q3) / 2 + (1 - weight) * median
    critical = 2.65 / np.sqrt(n) - 6 / n**2
    return _judged(mean, (q3 - q1) / _iqr_score(n), _asymmetry(q1, median, q3), critical)


def _from_five(low: Floats, q1: Floats, median: Floats, q3: Floats, high: Floats, n: Floats) -> FromQuartiles:
    outer, inner = 2.2 / (2.2 + n**0.75), 0.7 - 0.72 / n**0.55
    mean = outer * (low + high) / 2 + inner * (q1 + q3) / 2 + (1 - outer - inner) * median
    weight = 1 / (1 + 0.07 * n**0.6)
    sd = weight * (high - low) / _range_score(n) + (1 - weight) * (q3 - q1) / _iqr_score(n)
    tails = 2.65 * np.log(0.6 * n) / np.sqrt(n) * _asymmetry(low, median, high)
    return _judged(mean, sd, np.maximum(tails, _asymmetry(q1, median, q3)), 3 / np.sqrt(n) - 40 / n**3)


def _judged(mean: Floats, sd: Floats, skewness: Floats, critical: Floats) -> FromQuartiles:
    skewed: Bools = np.asarray(skewness >= critical)
    return FromQuartiles(plain(mean), plain(sd), plain(skewness), plain(critical), skewed[()])
