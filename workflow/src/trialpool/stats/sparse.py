"""Pooling of sparse events without corrections: Mantel-Haenszel and Peto."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr, ndtri

from trialpool.stats.checks import Bools, Floats, check_level, one_of, plain, studies
from trialpool.stats.effect_sizes import Effects, odds_ratio, risk_difference, risk_ratio, tables


@dataclass(frozen=True, slots=True)
class PooledTables:
    """A common effect of 2x2 tables (log for RR and OR), normal interval and test; `weights` in per cent.

    Q measures heterogeneity around this effect over the tables that have events and non-events; `i2` is
    in per cent. Fields have the batch shape, `weights` (…, k).
    """

    estimate: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    statistic: Floats
    p_value: Floats
    q: Floats
    q_df: Floats
    q_p_value: Floats
    i2: Floats
    h2: Floats
    weights: Floats


def mantel_haenszel(
    events1: ArrayLike,
    n1: ArrayLike,
    events2: ArrayLike,
    n2: ArrayLike,
    *,
    measure: str = "RR",
    zero_cells: float = 0.5,
    level: float = 0.95,
) -> PooledTables:
    """Pool 2x2 tables (…, k) by Mantel & Haenszel 1959 as RR, OR or RD; nothing is added to any cell.

    Variances: RR Greenland & Robins 1985, OR Robins, Breslow & Greenland 1986, RD Sato, Greenland &
    Robins 1989. Only Q needs the tables' own effects, for which `zero_cells` is added where a cell is
    empty, and from which tables without any event, or with nothing else, are left out. A ratio without
    any event in one of the arms is undefined and refused: take RD or Peto.

    >>> result = mantel_haenszel([4, 6], [123, 306], [11, 29], [139, 303])
    >>> round(float(result.estimate), 6), round(float(result.se), 6)
    (-1.351739, 0.345501)
    """
    one_of("measure", measure, ("RR", "OR", "RD"))
    level = check_level(level)
    a, size1, c, size2 = tables(events1, n1, events2, n2)
    studies("events1", a.shape)
    estimate, variance, weights = _MEASURES[measure](a, size1 - a, c, size2 - c)
    informative = _informative(a, size1, c, size2)
    own = _own_effects(measure, (a, size1, c, size2), informative, zero_cells)
    gap = np.where(informative, (own.effect - estimate[..., None]) ** 2 / own.variance, 0.0)
    return _tested(estimate, variance, gap.sum(-1), informative.sum(-1) - 1, weights, level)


def peto(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, *, level: float = 0.95
) -> PooledTables:
    """Pool 2x2 tables (…, k) as log odds ratio by Peto's one-step method (Yusuf et al. 1985).

    Σ(O - E)/ΣV; tables without events, or with nothing else, have V = 0 and carry no weight. Refused
    where that holds for all.

    >>> result = peto([1, 0, 3], [20, 30, 40], [5, 0, 6], [20, 30, 40])
    >>> round(float(result.estimate), 6), result.weights.round(2).tolist()
    (-1.0511, [39.27, 0.0, 60.73])
    """
    level = check_level(level)
    a, size1, c, size2 = tables(events1, n1, events2, n2)
    studies("events1", a.shape)
    total, events = size1 + size2, a + c
    spread = size1 * size2 * events * (total - events) / (total**2 * (total - 1))
    excess = a - size1 * events / total
    whole = spread.sum(-1)
    if (whole <= 0).any():
        raise ValueError("events1: no table has both events and non-events, Peto's method cannot be used")
    informative = _informative(a, size1, c, size2)
    own = np.divide(excess**2, spread, out=np.zeros_like(excess), where=spread > 0)
    q = np.maximum(own.sum(-1) - excess.sum(-1) ** 2 / whole, 0.0)
    estimate = np.asarray(excess.sum(-1) / whole)
    weights = spread / whole[..., None]
    return _tested(estimate, 1 / whole, q, informative.sum(-1) - 1, weights, level)


def _informative(a: Floats, size1: Floats, c: Floats, size2: Floats) -> Bools:
    events: Floats = a + c
    return (events > 0) & (events < size1 + size2)


def _own_effects(measure: str, cells: tuple[Floats, ...], informative: Bools, zero_cells: float) -> Effects:
    """Effects of the informative tables; the others get a harmless stand-in that is masked out later."""
    a, size1, c, size2 = cells
    compute = {"RR": risk_ratio, "OR": odds_ratio, "RD": risk_difference}[measure]
    safe = (np.where(informative, part, whole) for part, whole in ((a, 1), (size1, 2), (c, 1), (size2, 2)))
    return compute(*safe, zero_cells=zero_cells)


def _as_rr(a: Floats, b: Floats, c: Floats, d: Floats) -> tuple[Floats, Floats, Floats]:
    size1, size2, total = a + b, c + d, a + b + c + d
    over, under = (a * size2 / total).sum(-1), (c * size1 / total).sum(-1)
    _refuse_empty(over, under)
    variance = ((size1 * size2 * (a + c) / total - a * c) / total).sum(-1) / (over * under)
    return np.asarray(np.log(over / under)), variance, _shares(c * size1 / total)


def _as_or(a: Floats, b: Floats, c: Floats, d: Floats) -> tuple[Floats, Floats, Floats]:
    total = a + b + c + d
    p, q = (a + d) / total, (b + c) / total
    r, s = a * d / total, b * c / total
    over, under = r.sum(-1), s.sum(-1)
    _refuse_empty(over, under)
    variance = (p * r).sum(-1) / over**2 + (q * s).sum(-1) / under**2
    variance = (variance + (p * s + q * r).sum(-1) / (over * under)) / 2
    return np.asarray(np.log(over / under)), variance, _shares(s)


def _as_rd(a: Floats, b: Floats, c: Floats, d: Floats) -> tuple[Floats, Floats, Floats]:
    size1, size2, total = a + b, c + d, a + b + c + d
    w = size1 * size2 / total
    estimate = np.asarray(((a * size2 - c * size1) / total).sum(-1) / w.sum(-1))
    p = (c * size1**2 - a * size2**2 + size1 * size2 * (size2 - size1) / 2) / total**2
    q = (a * d + c * b) / (2 * total)
    variance = (estimate * p.sum(-1) + q.sum(-1)) / w.sum(-1) ** 2
    if (variance <= 0).any():
        raise ValueError("events1: nobody or everybody has the event in every arm, no sampling variance")
    return estimate, variance, _shares(w)


_MEASURES = {"RR": _as_rr, "OR": _as_or, "RD": _as_rd}


def _refuse_empty(over: Floats, under: Floats) -> None:
    if ((over <= 0) | (under <= 0)).any():
        raise ValueError(
            "events1: no events (or nothing else) in one arm of all tables, the ratio is undefined"
        )


def _shares(weights: Floats) -> Floats:
    shares: Floats = weights / weights.sum(-1, keepdims=True)
    return shares


def _tested(
    estimate: Floats, variance: Floats, q: Floats, df: Floats, weights: Floats, level: float
) -> PooledTables:
    se = np.sqrt(variance)
    half = ndtri((1 + level) / 2) * se
    some = df > 0
    freedom = np.where(some, df, 1)
    q = np.where(some, q, 0.0)
    h2 = np.where(some, q / freedom, 1.0)
    return PooledTables(
        estimate=plain(estimate),
        se=plain(np.asarray(se)),
        ci_low=plain(np.asarray(estimate - half)),
        ci_high=plain(np.asarray(estimate + half)),
        statistic=plain(np.asarray(estimate / se)),
        p_value=plain(np.asarray(2 * ndtr(-abs(estimate / se)))),
        q=plain(q),
        q_df=plain(np.maximum(df, 0).astype(float)),
        q_p_value=plain(np.where(some, chdtrc(freedom, q), 1.0)),
        i2=plain(100 * np.maximum(1 - 1 / np.maximum(h2, 1.0), 0.0)),
        h2=plain(h2),
        weights=100 * weights,
    )
