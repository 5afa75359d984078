"""Mean and SD of an arm that prints its median with quartiles, range, or both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from trialpool.stats.checks import Bools, Floats, at_least, finite, plain, refuse, together


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
