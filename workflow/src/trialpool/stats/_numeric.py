"""What many methods compute alike: t and normal inference, roots of increasing functions, climbs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtr, stdtrit

from trialpool.stats.checks import Floats

Rows = NDArray[np.intp]
R = TypeVar("R")
N = TypeVar("N", float, Floats)

STEPS = 300  # of roots: halving a bracket alone needs some 60
HALVINGS = 50  # of a step uphill
TRIED = 300  # places on one climb, of which sane data need 60: after these it crawls where nothing rests
SETTLED = 1e-8  # a last Newton step this short leaves an error of its square


@dataclass(frozen=True, slots=True)
class Tested(Generic[N]):
    """Standard error, statistic, two-sided p-value and confidence limits of an estimate, or of each."""

    se: N
    statistic: N
    p_value: N
    ci_low: N
    ci_high: N


TESTED = tuple(each.name for each in fields(Tested))


@dataclass(frozen=True, slots=True)
class Inference(Tested[Floats]):
    """Inference, and the `quantile` that made its limits."""

    quantile: Floats

    def named(self, prefix: str = "") -> dict[str, Floats]:
        """All but the quantile, by name."""
        return {prefix + name: getattr(self, name) for name in TESTED}


def infer(estimate: Floats | float, se: Floats | float, df: Floats | float, level: float) -> Inference:
    """t inference on `df` degrees of freedom, normal where `df` is infinite; arguments broadcast.

    A standard error of 0 gives an infinite statistic, or 0 for an estimate of 0.
    """
    centre, spread = np.asarray(estimate, dtype=np.float64), np.asarray(se, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.asarray(np.where(centre == 0, 0.0, centre / spread), dtype=np.float64)
    critical = quantile(df, level)
    half = critical * spread
    tail = -np.abs(statistic)
    p_value = 2 * np.where(np.isinf(df), ndtr(tail), stdtr(df, tail))
    return Inference(
        spread, statistic, p_value, np.asarray(centre - half), np.asarray(centre + half), critical
    )


@cache
def gauss(points: int) -> tuple[Floats, Floats]:
    """Places between -1 and 1, and weights, of Gauss and Legendre's rule."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    nodes.flags.writeable = weights.flags.writeable = False
    return nodes, weights


def floats(values: Mapping[str, Floats]) -> dict[str, float]:
    """Numbers without axes as Python's own."""
    return {name: float(value) for name, value in values.items()}


def filled(record: R, **values: object) -> R:
    """A record with some more of its fields filled in."""
    return cast(R, cast(Any, replace)(record, **values))


def quantile(df: Floats | float, level: float) -> Floats:
    """Half-width, in standard errors, of a t interval of a `level`; each distinct df is computed once."""
    if np.size(df) == 1:
        return np.asarray(stdtrit(df, (1 + level) / 2), dtype=np.float64)
    distinct, inverse = np.unique(df, return_inverse=True)
    return np.asarray(stdtrit(distinct, (1 + level) / 2)[inverse.reshape(np.shape(df))], dtype=np.float64)


def roots(
    function: Callable[[Floats, Rows], tuple[Floats, Floats]],
    low: Floats,
    high: Floats,
    start: Floats,
    unit: Floats,
) -> Floats:
    """Where increasing functions cross 0 between `low` and `high` (n,), by Newton steps kept in the bracket.

    `function(x, rows)` gives values and slopes of the functions numbered `rows` at x, or both divided by the
    same positive number. A step that leaves the bracket, or is longer than half the one before, is replaced
    by halving it. Steps count as short in comparison with |x| + `unit` (n,).

    >>> def squares(x, rows):
    ...     return x**2 - np.array([4.0, 9.0])[rows], 2 * x
    >>> roots(squares, np.zeros(2), np.full(2, 10.0), np.ones(2), np.ones(2)).round(12).tolist()
    [2.0, 3.0]
    """
    answer, rows = start.copy(), np.arange(start.size)
    x, before = start, high - low
    for _ in range(STEPS):
        value, slope = function(x, rows)
        low, high = np.where(value < 0, x, low), np.where(value < 0, high, x)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            new = x - value / slope
        newton = (new >= low) & (new <= high) & (abs(new - x) <= before / 2)
        new = np.where(newton, new, low + (high - low) / 2)
        size, step = abs(x) + unit, abs(new - x)
        answer[rows] = new
        active = np.flatnonzero(~(newton & (step <= SETTLED * size)) & (high - low > 4e-16 * size))
        if not active.size:
            break
        x, before = new[active], np.where(newton, step, high - low)[active]
        low, high, unit, rows = low[active], high[active], unit[active], rows[active]
    return answer


def root(
    function: Callable[[float], tuple[float, float]], low: float, high: float, start: float, unit: float
) -> float:
    """The same of one function of one number, in plain numbers, which costs a tenth.

    >>> root(lambda x: (x**2 - 4, 2 * x), 0.0, 10.0, 1.0, 1.0)
    2.0
    """
    x, before = start, high - low
    for _ in range(STEPS):
        value, slope = function(x)
        low, high = (x, high) if value < 0 else (low, x)
        new = x - value / slope if slope else math.inf
        newton = low <= new <= high and abs(new - x) <= before / 2
        new = new if newton else low + (high - low) / 2
        size, step = abs(x) + unit, abs(new - x)
        if (newton and step <= SETTLED * size) or high - low <= 4e-16 * size:
            break
        x, before = new, step if newton else high - low
    return new


@dataclass(frozen=True, slots=True)
class Likelihood:
    """A model at some parameters."""

    log_likelihood: float


L = TypeVar("L", bound=Likelihood)


def climb(
    model: Callable[[Floats], L],
    newton: Callable[[Floats, L], Floats],
    at: Floats,
    lowest: Floats | float,
    unit: Floats | float,
    settled: float,
) -> tuple[Floats, L, bool]:
    """Climb the likelihood of a `model` of parameters of at least `lowest`; the end, and whether it rests.

    Goes the longest of 1, 1/2, 1/4 … of each step of `newton` that does not lower the likelihood, until a
    step is short in comparison with |parameters| + `unit`.
    """
    here, places = model(at), 0
    while places < TRIED:
        step, before = newton(at, here), at
        allowed = here.log_likelihood - 1e-12 * (1 + abs(here.log_likelihood))
        for halvings in range(HALVINGS):
            tried = np.maximum(before + step / 2**halvings, lowest)
            there, places = model(tried), places + 1
            if there.log_likelihood >= allowed:
                at, here = tried, there
                break
        if (np.abs(at - before) <= settled * (unit + np.abs(before))).all():
            return at, here, True
    return at, here, False
