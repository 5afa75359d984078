"""One group a study: proportions, rates over person-time, means and correlations, and the way back to them.

A code says what is estimated and on which scale it is pooled, as in R's metafor:
- of events among n people PR (the proportion), PLN (its logarithm), PLO (log odds), PAS (arcsine of the root)
  and PFT (Freeman & Tukey 1950, the double arcsine);
- of events over person-time IR, IRLN (logarithm), IRS (square root) and IRFT (Freeman and Tukey's);
- of values MN (the mean) and MNLN (its logarithm); of correlations COR and ZCOR (Fisher's z).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from trialpool import measures
from trialpool.measures import MEASURES
from trialpool.stats import checks
from trialpool.stats.checks import Bools, Floats, finite, one_of, plain, read, refuse
from trialpool.stats.effect_sizes import Effects, ZeroCells, made, rule_of

PROPORTIONS = (*measures.PROPORTIONS, "PFT")
RATES = (*measures.RATES, "IRFT")
MEANS, CORRELATIONS = measures.GROUP_MEANS, measures.CORRELATIONS
NO_EVENT = "the logarithm is infinite: set zero_cells above 0"
NO_VARIANCE = "no sampling variance: set zero_cells above 0"


def proportion(
    events: ArrayLike, n: ArrayLike, *, scale: str = "PLO", zero_cells: ZeroCells = 0.5
) -> Effects:
    """The proportion of n people who had the event, on a `scale` of PROPORTIONS, with its variance.

    Where nobody or everybody had it, `zero_cells` is added to both counts, but on the arcsine scales, which
    need nothing.

    >>> proportion(3, 10, scale="PLO").effect.round(6), proportion(0, 10, scale="PFT").effect.round(6)
    (np.float64(-0.847298), np.float64(0.153139))
    """
    one_of("scale", scale, PROPORTIONS)
    x, size = read({"events": "events", "n": "people"}, events, n)
    refuse("events", x, x > size, "more events than people (n)")
    if scale == "PAS":
        return made(np.arcsin(np.sqrt(x / size)), 1 / (4 * size))
    if scale == "PFT":
        return made(_freeman_tukey(x, size), 1 / (4 * size + 2))
    added = _added((x == 0) | (x == size), zero_cells)
    x, rest = x + added, size - x + added
    whole = x + rest
    refuse("events", x, (x == 0) & (scale != "PR"), NO_EVENT)
    refuse("events", x, (rest == 0) & (scale == "PLO"), NO_EVENT)
    if scale == "PLO":
        return made(np.log(x / rest), 1 / x + 1 / rest, added)
    variance = 1 / x - 1 / whole if scale == "PLN" else x * rest / whole**3
    refuse("events", x, variance <= 0, NO_VARIANCE)
    return made(np.log(x / whole) if scale == "PLN" else x / whole, variance, added)


def _added(empty: Bools, zero_cells: ZeroCells) -> Floats:
    """What is added to counts of which some are empty."""
    add = rule_of(zero_cells)[1]
    checks.together(events=empty, zero_cells=add)
    return np.asarray(np.where(empty, add, 0.0))


def rate(events: ArrayLike, time: ArrayLike, *, scale: str = "IRLN", zero_cells: ZeroCells = 0.5) -> Effects:
    """Events over person-time on a `scale` of RATES; where there are none, `zero_cells` is added to them.

    >>> rate(5, 100.0, scale="IRLN").effect.round(6), rate(0, 100.0, scale="IRS").effect
    (np.float64(-2.995732), np.float64(0.0))
    """
    one_of("scale", scale, RATES)
    x, period = read({"events": "events", "time": "positive"}, events, time)
    checks.not_vanishing("time", period)
    if scale == "IRS":
        return made(np.sqrt(x / period), 1 / (4 * period))
    if scale == "IRFT":
        return made((np.sqrt(x / period) + np.sqrt((x + 1) / period)) / 2, 1 / (4 * period))
    added = _added(x == 0, zero_cells)
    x = x + added
    refuse("events", x, x == 0, NO_EVENT if scale == "IRLN" else NO_VARIANCE)
    if scale == "IRLN":
        return made(np.log(x / period), 1 / x, added)
    return made(x / period, x / period**2, added)


def single_mean(mean: ArrayLike, sd: ArrayLike, n: ArrayLike, *, scale: str = "MN") -> Effects:
    """The mean of n values with variance sd²/n (MN), or its logarithm with sd²/(n·mean²) (MNLN).

    >>> single_mean(5.0, 2.0, 16).variance
    np.float64(0.25)
    """
    one_of("scale", scale, MEANS)
    m, s, size = read({"mean": "number", "sd": "positive", "n": "people"}, mean, sd, n)
    if scale == "MN":
        return made(m, s**2 / size)
    refuse("mean", m, m <= 0, "must be above 0, to have a logarithm")
    return made(np.log(m), s**2 / (size * m**2))


def correlation(r: ArrayLike, n: ArrayLike, *, scale: str = "ZCOR") -> Effects:
    """A correlation of n pairs as Fisher's z with variance 1/(n - 3), or as it is with (1 - r²)²/(n - 1).

    >>> correlation(0.5, 28).effect.round(6), correlation(0.5, 28).variance
    (np.float64(0.549306), np.float64(0.04))
    """
    one_of("scale", scale, CORRELATIONS)
    value, size = read({"r": "correlation", "n": "people"}, r, n)
    refuse("n", size, size < 4, "too few pairs: at least 4")
    refuse("r", value, abs(value) == 1, "must lie strictly between -1 and 1")
    if scale == "ZCOR":
        return made(np.arctanh(value), 1 / (size - 3))
    return made(value, (1 - value**2) ** 2 / (size - 1))


def _freeman_tukey(x: Floats | float, n: Floats) -> Floats:
    one, two = (np.arcsin(np.sqrt((x + more) / (n + 1))) for more in (0, 1))
    return np.asarray((one + two) / 2)


def _double_arcsine(value: Floats, n: Floats) -> Floats:
    """The proportion of which the double arcsine is a value, of n people (Miller 1978)."""
    low, high = _freeman_tukey(0.0, n), _freeman_tukey(n, n)
    inside = (value > low) & (value < high)
    sine = np.sin(2 * np.where(inside, value, np.pi / 4))
    square = np.maximum(1 - (sine + (sine - 1 / sine) / n) ** 2, 0.0)
    share = (1 - np.sign(np.cos(2 * value)) * np.sqrt(square)) / 2
    return np.asarray(np.where(inside, share, value >= high))


def _double_root(value: Floats, n: Floats) -> Floats:
    """The rate of which Freeman and Tukey's root is a value, over a person-time n."""
    least = 1 / (2 * np.sqrt(n))  # that of no event
    root = np.maximum(value, least)
    return np.asarray((1 / n - 8 * root**2 + 16 * n * root**4) / (16 * root**2 * n))


# Scales whose way back hangs on the number of people, or on the person-time.
BY_SIZE: Mapping[str, Callable[[Floats, Floats], Floats]] = {"PFT": _double_arcsine, "IRFT": _double_root}


def back_transformed(scale: str, values: ArrayLike, n: ArrayLike | None = None) -> Floats:
    """Pooled values as proportions, rates, means or correlations again.

    PFT and IRFT need `n`, people or person-time: of a pooled value the harmonic mean over the studies
    (Miller 1978), whose result hangs on it (Schwarzer et al. 2019 advise against it). What lies outside the
    possible, such as the bound of an interval, becomes the nearest possible value; infinite is what no
    number holds.

    >>> back_transformed("PLO", [0.0, -2.0]).round(4).tolist()
    [0.5, 0.1192]
    >>> round(float(back_transformed("PFT", proportion(3, 10, scale="PFT").effect, 10)), 10)
    0.3
    """
    one_of("scale", scale, (*PROPORTIONS, *RATES, *MEANS, *CORRELATIONS))
    value = finite("values", values)
    if n is None and scale in BY_SIZE:
        raise ValueError(f"n: {scale} leads back by people or person-time, such as their harmonic mean")
    value, size = checks.together(values=value, n=finite("n", 1.0 if n is None else n, above=0))
    if scale in BY_SIZE:
        return plain(BY_SIZE[scale](value, size))
    return plain(np.vectorize(MEASURES[scale].natural, otypes=[float])(value))
