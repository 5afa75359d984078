"""Two readings of the same things in, how well they agree out: kappa of words, ICC and limits of numbers."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtri, ndtri

from trialpool.stats.checks import numbers, refuse


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient of agreement with its interval, all NaN where there is nothing to tell apart."""

    estimate: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True, slots=True)
class Limits:
    """Mean of the second less the first reading, and where 95 % of such differences are expected to lie."""

    mean: float
    low: float
    high: float


NOTHING = Coefficient(float("nan"), float("nan"), float("nan"))


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable], *, level: float = 0.95) -> Coefficient:
    """Cohen's κ of two readings of the same k things, with its large-sample interval.

    Cohen 1960; variance: Fleiss, Cohen & Everitt 1969, equation 13. NaN where both readings have the same one
    word throughout. Raises ValueError for readings of different length, or of nothing.

    >>> found = cohen_kappa("l" * 25 + "h" * 25, "l" * 20 + "h" * 5 + "l" * 10 + "h" * 15)
    >>> round(found.estimate, 3), round(found.ci_low, 3), round(found.ci_high, 3)
    (0.4, 0.151, 0.649)
    """
    n = len(first)
    if n != len(second) or not n:
        raise ValueError(f"first has {n} entries, second {len(second)}: must be as many, and some")
    place = {word: at for at, word in enumerate(dict.fromkeys([*first, *second]))}
    p = np.zeros((len(place), len(place)))
    np.add.at(p, ([place[word] for word in first], [place[word] for word in second]), 1 / n)
    rows, columns, same = p.sum(1), p.sum(0), np.diag(p)
    chance = float(rows @ columns)
    if len(place) == 1:
        return NOTHING
    value = (float(same.sum()) - chance) / (1 - chance)
    agreeing = same @ (1 - (rows + columns) * (1 - value)) ** 2
    others = p * np.add.outer(columns, rows) ** 2
    differing = (1 - value) ** 2 * (others.sum() - np.diag(others).sum())
    variance = (agreeing + differing - (value - chance * (1 - value)) ** 2) / (n * (1 - chance) ** 2)
    half = float(ndtri((1 + level) / 2) * np.sqrt(max(variance, 0.0)))
    return Coefficient(value, value - half, min(value + half, 1.0))


def icc(readings: ArrayLike, *, level: float = 0.95) -> Coefficient:
    """Intraclass correlation of readings, an array of n things × k readers, for absolute agreement.

    ICC(2,1) of Shrout & Fleiss 1979, which is ICC(A,1) of McGraw & Wong 1996, with their interval: things and
    readers random, one reading each. NaN of fewer than two things, or where nothing varies. Raises
    ValueError for another shape, and for what is not finite.

    >>> table = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> found = icc(table)
    >>> round(found.estimate, 3), round(found.ci_low, 3), round(found.ci_high, 3)
    (0.29, 0.019, 0.761)
    """
    x = numbers("readings", readings)
    if x.ndim != 2 or x.shape[1] < 2:
        raise ValueError(f"readings has shape {x.shape}: must be things × readers, two readers or more")
    refuse("readings", x, ~np.isfinite(x), "must be finite")
    n, k = x.shape
    if n < 2 or np.ptp(x) == 0:
        return NOTHING
    things, readers, mean = x.mean(1), x.mean(0), x.mean()
    msr = k * float(((things - mean) ** 2).sum()) / (n - 1)
    msc = n * float(((readers - mean) ** 2).sum()) / (k - 1)
    mse = float(((x - things[:, None] - readers + mean) ** 2).sum()) / ((n - 1) * (k - 1))
    if max(msc, mse) <= 1e-14 * msr:  # all the same, but for the last bit
        return Coefficient(1.0, 1.0, 1.0)
    total = msr + (k - 1) * mse + k * (msc - mse) / n
    if total <= 1e-14 * mse:  # of two things only, that differ between readers alone
        return NOTHING
    value = (msr - mse) / total
    if max(msr, mse) <= 1e-14 * msc:  # one reader adds the same to everything, which else does not vary
        return Coefficient(value, float("nan"), float("nan"))
    a = k * value / (n * (1 - value))
    b = 1 + k * value * (n - 1) / (n * (1 - value))
    df = (a * msc + b * mse) ** 2 / ((a * msc) ** 2 / (k - 1) + (b * mse) ** 2 / ((n - 1) * (k - 1)))
    tail, rest = (1 + level) / 2, k * msc + (k * n - k - n) * mse
    below, above = fdtri(n - 1, df, tail), fdtri(df, n - 1, tail)
    low = n * (msr - below * mse) / (below * rest + n * msr)
    high = n * (above * msr - mse) / (rest + n * above * msr)
    return Coefficient(float(value), float(low), float(high))


def limits_of_agreement(first: ArrayLike, second: ArrayLike) -> Limits:
    """Mean difference, second less first, and the 95 % limits of agreement of two readings of n things.

    Bland & Altman 1986: mean ± 1.96 standard deviations of the differences. NaN limits of one thing. Raises
    ValueError for readings of different length, of nothing, or that are not finite.

    >>> limits_of_agreement([10, 12, 9], [11, 12, 10]).mean.__round__(2)
    0.67
    """
    one, other = numbers("first", first), numbers("second", second)
    if one.ndim != 1 or one.shape != other.shape or not one.size:
        raise ValueError(f"first has shape {one.shape}, second {other.shape}: must be as many, and some")
    refuse("first", one, ~np.isfinite(one), "must be finite")
    refuse("second", other, ~np.isfinite(other), "must be finite")
    difference = other - one
    mean, sd = float(difference.mean()), float(difference.std(ddof=1)) if one.size > 1 else float("nan")
    return Limits(mean, mean - 1.96 * sd, mean + 1.96 * sd)
