"""Quantiles and tail probabilities of t, χ² and the normal distribution for many statistics at once.

Degrees of freedom are whole numbers and mostly the same for a whole chunk. Then finite series, summed in a
few passes, replace the general incomplete beta and gamma functions, which cost more than a whole fit.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betaln, chdtrc, erfc, ndtr, ndtri, stdtr, stdtrit

from trialpool.stats.checks import Floats

LONGEST = 30  # df up to which the series are shorter and as exact as the general functions
FAR = 0.6  # df/(df + t²) below which the tail has a fast series of its own


def quantile(df: Floats, probability: float) -> Floats:
    """Quantile of t on `df` degrees of freedom (normal where infinite), each distinct df computed once.

    >>> quantile(np.array([9.0, np.inf]), 0.975).round(4).tolist()
    [2.2622, 1.96]
    """
    if (df == df[:1]).all():
        df = df[:1]
    distinct, inverse = np.unique(df, return_inverse=True)
    finite = np.isfinite(distinct)
    values = np.where(finite, stdtrit(np.where(finite, distinct, 1.0), probability), ndtri(probability))
    return np.asarray(values[inverse])


def ratio(estimate: Floats, se: Floats) -> Floats:
    """Test statistic estimate/se; with an SE of 0 it is infinite, or 0 for an estimate of 0."""
    if (se > 0).all():
        return estimate / se
    sign = np.where(estimate == 0, 0.0, np.copysign(np.inf, estimate))
    return np.divide(estimate, se, out=sign, where=se > 0)


def two_sided(statistic: Floats, df: Floats) -> Floats:
    """Two-sided p-value of t on `df` degrees of freedom (normal where infinite).

    >>> two_sided(np.array([2.262157, 1.959964]), np.array([9.0, np.inf])).round(6).tolist()
    [0.05, 0.05]
    """
    tail = -abs(statistic)
    finite = np.isfinite(df)
    if not finite.any():
        return np.asarray(2 * ndtr(tail))
    if not finite.all():
        return np.where(finite, 2 * stdtr(np.where(finite, df, 1.0), tail), 2 * ndtr(tail))
    number = _one_of(df)
    if number is None or not np.isfinite(tail).all():
        return np.asarray(2 * stdtr(df, tail))
    return _two_sided_t(tail.ravel(), number).reshape(tail.shape)


def chi2_tail(q: Floats, df: Floats) -> Floats:
    """Probability that χ² on `df` degrees of freedom exceeds `q`.

    >>> chi2_tail(np.array([16.918978, 0.0]), np.array([9.0, 9.0])).round(6).tolist()
    [0.05, 1.0]
    """
    number = _one_of(df)
    if number is None:
        return np.asarray(chdtrc(df, q))
    half = np.minimum(q / 2, 800.0)  # further out the tail is 0 in floating point
    with np.errstate(under="ignore"):
        factor = np.exp(-half)
        if number % 2 == 0:
            return factor * _horner(half, [1 / j for j in range(1, number // 2)])
        tail = np.asarray(erfc(np.sqrt(half)))
        if number == 1:
            return tail
        steps = [1 / (j + 0.5) for j in range(1, number // 2)]
        return tail + factor * np.sqrt(half / np.pi) * 2 * _horner(half, steps)


def _one_of(df: Floats) -> int | None:
    """Say which df all share, if it is one that the series serve."""
    shared = df.size > 0 and 1 <= df.flat[0] <= LONGEST and (df == df.flat[0]).all()
    return int(df.flat[0]) if shared else None


def _two_sided_t(tail: Floats, df: int) -> Floats:
    """Two-sided p of t: finite series (Abramowitz & Stegun 26.7.3-4), and far out the tail's own."""
    x = df / (df + tail * tail)
    p = 1 - _inside(-tail, x, df)
    far = np.flatnonzero(x < FAR)
    if len(far):
        p[far] = _outside(x[far], df)
    return p


def _inside(t: Floats, x: Floats, df: int) -> Floats:
    """P(|T| < t) with x = df/(df + t²), the squared cosine of the angle whose tangent is t/√df."""
    if df % 2 == 0:
        sine: Floats = t / np.sqrt(df + t * t)
        return sine * _horner(x, [(j - 0.5) / j for j in range(1, df // 2)])
    angle: Floats = np.arctan(t / np.sqrt(df)) * (2 / np.pi)
    if df == 1:
        return angle
    slope: Floats = t * (2 / np.pi / np.sqrt(df)) * x
    return angle + slope * _horner(x, [j / (j + 0.5) for j in range(1, df // 2)])


def _outside(x: Floats, df: int) -> Floats:
    """The incomplete beta function I_x(df/2, 1/2) by its power series, all of whose terms are positive."""
    a = df / 2
    terms = int(np.ceil(np.log(1e-17) / np.log(FAR)))
    series = _horner(x, [(a + j - 0.5) / (a + j) for j in range(1, terms)])
    with np.errstate(under="ignore"):
        front: Floats = x**a * np.sqrt(1 - x)
    return front * series * float(np.exp(-betaln(a, 0.5)) / a)


def _horner(x: Floats, steps: list[float]) -> Floats:
    """1 + s1·x·(1 + s2·x·(1 + …)) for the ratios s of successive coefficients."""
    total = np.ones_like(x)
    for step in reversed(steps):
        total *= x
        total *= step
        total += 1
    return total
