"""Sparse events in two arms, pooled as they are: Mantel and Haenszel, Peto, penalised logistic regression.

These give one common effect and need no correction of empty cells: trials without any event take part where
the method lets them, with a weight of 0 otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, expit

from trialpool.measures import METHODS, OF_EVENTS, RATIOS_OF_COUNTS
from trialpool.stats import checks
from trialpool.stats._model import TINY
from trialpool.stats._numeric import Tested, infer
from trialpool.stats.checks import Bools, Floats, check_level, one_of, plain
from trialpool.stats.effect_sizes import (
    HALF,
    ZeroCells,
    excess_events,
    excess_rates,
    of_events,
    of_rates,
    rates,
    rule_of,
    tables,
)
from trialpool.stats.pooling import PooledTables, i2_h2

NO_RATIO = "no events (or nothing else) in one arm of all tables, the ratio is undefined"
Parts = tuple[Floats, Floats, Floats]  # the estimate, its variance, and the weights of the tables
STEPS = 500  # of Fisher's scoring, which halves the distance at least


def mantel_haenszel(
    events1: ArrayLike,
    n1: ArrayLike,
    events2: ArrayLike,
    n2: ArrayLike,
    *,
    measure: str = "RR",
    zero_cells: ZeroCells = 0.5,
    level: float = 0.95,
) -> PooledTables:
    """Pool tables (…, k) by Mantel & Haenszel 1959 as RR, OR, RD or, with person-time in n, IRR, IRD.

    Variances: RR Greenland & Robins 1985, OR Robins, Breslow & Greenland 1986, RD Sato, Greenland & Robins
    1989, IRR and IRD Rothman et al. 2008. Nothing is added to any cell, but by the rule "revman" of ratios of
    people 0.5 to those of tables with an empty one; `zero_cells` is otherwise for Q alone, which leaves out
    tables without any event, with nothing else, or without an effect of their own. A ratio without any event
    in one of the arms is undefined and refused: take a difference or Peto.

    >>> mantel_haenszel([4, 6], [123, 306], [11, 29], [139, 303]).estimate.round(6)
    np.float64(-1.351739)
    """
    one_of("measure", measure, METHODS["mh"])
    level, (rule, add) = check_level(level), rule_of(zero_cells)
    counts = (tables if measure in OF_EVENTS else rates)(events1, n1, events2, n2)
    checks.studies("events1", counts[0].shape)
    checks.together(events1=counts[0], zero_cells=add)
    informative = _informative(counts, measure in OF_EVENTS)
    used = counts
    if rule == "revman" and measure in ("RR", "OR"):
        a, size1, c, size2 = counts
        half = np.where(informative & _empty(counts), HALF, 0.0)
        used = a + half, size1 + 2 * half, c + half, size2 + 2 * half
    estimate, variance, weights = (_of_people if measure in OF_EVENTS else _of_time)(measure, *used)
    own = informative & ~(_empty(counts) & (add == 0)) if measure != "RD" else informative
    q = _q(measure, counts, estimate, own, zero_cells)
    return _tested(estimate, variance, q, own, weights / weights.sum(-1, keepdims=True), level)


def _informative(counts: tuple[Floats, ...], of_people: bool) -> Bools:
    """Which tables have any event, and of people anybody without one."""
    a, size1, c, size2 = counts
    return np.asarray((a + c > 0) & (~np.full(a.shape, of_people) | (a + c < size1 + size2)))


def _empty(counts: tuple[Floats, ...]) -> Bools:
    a, size1, c, size2 = counts
    return np.asarray((a == 0) | (c == 0) | (a == size1) | (c == size2))


def _q(
    measure: str, counts: tuple[Floats, ...], estimate: Floats, own: Bools, zero_cells: ZeroCells
) -> Floats:
    """Squared distances of the tables' own effects from the estimate, by inverse variance."""
    of_people = measure in OF_EVENTS
    # Other tables get a harmless stand-in that is masked out.
    cells = tuple(np.where(own, *pair) for pair in zip(counts, (1, 2, 1, 2), strict=True))
    effects = (of_events if of_people else of_rates)(measure, cells, zero_cells)
    return np.asarray(
        np.where(own, (effects.effect - estimate[..., None]) ** 2 / effects.variance, 0.0).sum(-1)
    )


def _of_people(measure: str, a: Floats, size1: Floats, c: Floats, size2: Floats) -> Parts:
    """Mantel and Haenszel's estimate among people."""
    b, d, total = size1 - a, size2 - c, size1 + size2
    if measure == "RD":
        w = size1 * size2 / total
        estimate = np.asarray(((a * size2 - c * size1) / total).sum(-1) / w.sum(-1))
        p = (c * size1**2 - a * size2**2 + size1 * size2 * (size2 - size1) / 2) / total**2
        variance = (estimate * p.sum(-1) + ((a * d + c * b) / (2 * total)).sum(-1)) / w.sum(-1) ** 2
        if (variance <= 0).any():
            raise ValueError("events1: nobody or everybody has the event in every arm, no sampling variance")
        return estimate, variance, w
    r, s = (a * size2 / total, c * size1 / total) if measure == "RR" else (a * d / total, b * c / total)
    over, under = _sums(r, s)
    if measure == "RR":
        variance = ((size1 * size2 * (a + c) / total - a * c) / total).sum(-1) / (over * under)
    else:
        p, q = (a + d) / total, (b + c) / total
        variance = (p * r).sum(-1) / over**2 + (q * s).sum(-1) / under**2
        variance = (variance + (p * s + q * r).sum(-1) / (over * under)) / 2
    return np.asarray(np.log(over / under)), variance, s


def _of_time(measure: str, x: Floats, time1: Floats, z: Floats, time2: Floats) -> Parts:
    """The same over person-time."""
    total = time1 + time2
    w = time1 * time2 / total
    if measure == "IRD":
        whole = w.sum(-1)
        variance = (w**2 * (x / time1**2 + z / time2**2)).sum(-1) / whole**2
        if (variance <= 0).any():
            raise ValueError("events1: no event in any arm, no sampling variance")
        return np.asarray(((x * time2 - z * time1) / total).sum(-1) / whole), variance, w
    r, s = x * time2 / total, z * time1 / total
    over, under = _sums(r, s)
    return np.log(over / under), (w * (x + z) / total).sum(-1) / (over * under), s


def _sums(r: Floats, s: Floats) -> tuple[Floats, Floats]:
    over, under = np.asarray(r.sum(-1)), np.asarray(s.sum(-1))
    if ((over <= 0) | (under <= 0)).any():
        raise ValueError(f"events1: {NO_RATIO}")
    return over, under


def peto(
    events1: ArrayLike,
    n1: ArrayLike,
    events2: ArrayLike,
    n2: ArrayLike,
    *,
    measure: str = "OR",
    level: float = 0.95,
) -> PooledTables:
    """Pool tables (…, k) as log OR, or with person-time in n as log IRR, by Peto's one-step method.

    Σ(O - E)/ΣV (Yusuf et al. 1985); tables without events, or with nothing else, carry no weight; refused
    where all are such. Of person-time E = x·t1/(t1 + t2) and V = x·t1·t2/(t1 + t2)², x the events of both.

    >>> peto([1, 0, 3], [20, 30, 40], [5, 0, 6], [20, 30, 40]).weights.round(2).tolist()
    [39.27, 0.0, 60.73]
    """
    one_of("measure", measure, RATIOS_OF_COUNTS)
    level, of_people = check_level(level), measure == "OR"
    counts = (tables if of_people else rates)(events1, n1, events2, n2)
    checks.studies("events1", counts[0].shape)
    excess, spread = (excess_events if of_people else excess_rates)(*counts)
    whole = spread.sum(-1)
    if (whole <= 0).any():
        raise ValueError("events1: no table has both events and non-events, Peto's method cannot be used")
    own = np.divide(excess**2, spread, out=np.zeros_like(excess), where=spread > 0)
    q = np.maximum(own.sum(-1) - excess.sum(-1) ** 2 / whole, 0.0)
    informative, weights = _informative(counts, of_people), spread / whole[..., None]
    return _tested(np.asarray(excess.sum(-1) / whole), 1 / whole, q, informative, weights, level)


def _tested(
    estimate: Floats, variance: Floats, q: Floats, informative: Bools, weights: Floats, level: float
) -> PooledTables:
    found = infer(estimate, np.sqrt(variance), np.inf, level)
    df = np.maximum(informative.sum(-1) - 1, 0).astype(float)
    q = np.where(df > 0, q, 0.0)
    i2, h2 = i2_h2(q, df)
    values = {"estimate": estimate, **found.named(), "q": q, "q_df": df, "i2": i2, "h2": h2}
    values["q_p_value"] = np.where(df > 0, chdtrc(np.maximum(df, 1), q), 1.0)
    return PooledTables(**{name: plain(value) for name, value in values.items()}, weights=100 * weights)


@dataclass(frozen=True, slots=True)
class Penalised(Tested[float]):
    """A common log ratio by penalised likelihood, with normal interval and test, of `k` trials.

    `weights` (k, and the trials left out) in per cent are the shares in its information.
    """

    estimate: float
    measure: str
    k: int
    weights: Floats


def penalised(
    events1: ArrayLike,
    n1: ArrayLike,
    events2: ArrayLike,
    n2: ArrayLike,
    *,
    measure: str = "OR",
    level: float = 0.95,
) -> Penalised:
    """Pool tables (k,) as log odds ratio by logistic regression with Firth's penalty, an intercept a trial.

    Jeffreys' prior takes out the bias of few events and keeps the estimate finite where an arm has none in
    any trial (Firth 1993; Heinze & Schemper 2002). Of person-time in n, Poisson regression for the log rate
    ratio. Trials without any event, or with nothing else, are left out. One common effect; the standard error
    is from the information at the estimate, as in R's brglm2 and meta.

    >>> fit = penalised([0, 0, 1], [20, 30, 40], [3, 2, 6], [20, 30, 40])
    >>> round(fit.estimate, 4), round(fit.se, 4)
    (-2.153, 0.8568)
    """
    one_of("measure", measure, RATIOS_OF_COUNTS)
    level, of_people = check_level(level), measure == "OR"
    counts = (tables if of_people else rates)(events1, n1, events2, n2)
    if counts[0].ndim != 1 or not counts[0].size:
        raise ValueError(f"events1 has shape {counts[0].shape}: one analysis at a time here, shape (k,)")
    kept = _informative(counts, of_people)
    if not kept.any():
        raise ValueError("events1: no table has both events and non-events")
    a, size1, c, size2 = (part[kept] for part in counts)
    y, size = np.stack([a, c]), np.stack([size1, size2])
    estimate, information = _firth(y, size, of_people)
    found = infer(estimate, np.sqrt(1 / information.sum()), np.inf, level)
    weights = np.zeros(kept.shape)
    weights[kept] = 100 * information / information.sum()
    numbers = {name: float(value) for name, value in found.named().items()}
    return Penalised(**numbers, estimate=estimate, measure=measure, k=int(kept.sum()), weights=weights)


def _firth(y: Floats, size: Floats, of_people: bool) -> tuple[float, Floats]:
    """The effect, and each trial's information on it, from events and sizes (2, k) of both arms.

    Scores of log odds α + θ and α, each with half a hat value added per event and per non-event.
    """
    k = y.shape[1]
    theta = 0.0
    rest = np.where(of_people, size.sum(0) - y.sum(0), size.sum(0))
    alpha = np.log((y.sum(0) + HALF) / (rest + HALF * of_people))
    for _ in range(STEPS):
        eta = np.stack([alpha + theta, alpha])
        expected = size * (expit(eta) if of_people else np.exp(eta))
        w = expected * expit(-eta) if of_people else expected
        both = w.sum(0)
        information = w[0] * w[1] / both
        # hat values: of the trial's intercept, and of the effect beside all intercepts
        hat = w / both + w * np.stack([w[1], -w[0]]) ** 2 / both**2 / information.sum()
        score = y - expected + hat * (HALF - expit(eta) if of_people else HALF)
        of_effect = (score[0] - w[0] / both * score.sum(0)).sum() / information.sum()
        own = (score.sum(0) - w[0] * of_effect) / both
        longest = max(abs(of_effect), float(abs(own).max()), TINY)
        scale = min(1.0, 2.0 / longest)
        theta, alpha = theta + scale * of_effect, alpha + scale * own
        if longest < 1e-13 * (1 + abs(theta)) * k:
            break
    return float(theta), information
