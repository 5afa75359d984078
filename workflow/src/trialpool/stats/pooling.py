"""Pool effects: common-effect and random-effects meta-analysis of one data set or of a hundred thousand.

Sparse events are pooled without corrections by Mantel and Haenszel's or Peto's method.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, chdtri

from trialpool.stats._model import TAU2_METHODS, Fit, Model, batch_of, estimate_tau2, intercept, solve_q
from trialpool.stats._numeric import Tested, infer
from trialpool.stats.checks import Bools, Floats, Unpacks, check_level, one_of, plain, studies
from trialpool.stats.effect_sizes import excess_events, of_events, tables

INTERVALS = ("wald", "hksj", "hksj_adhoc")


@dataclass(frozen=True, slots=True)
class PooledTables(Tested[Floats]):
    """A common effect of 2x2 tables (log for RR and OR), normal interval and test; `weights` in per cent.

    Q measures heterogeneity around this effect over the tables that have events and non-events; `i2` is
    in per cent. Fields have the batch shape, `weights` (…, k).
    """

    estimate: Floats
    q: Floats
    q_df: Floats
    q_p_value: Floats
    i2: Floats
    h2: Floats
    weights: Floats


@dataclass(frozen=True, slots=True)
class Pooled(PooledTables):
    """A pooled effect; every field has the batch shape (numbers for a single analysis), weights (…, k).

    `statistic`, `p_value`, `ci_low` and `ci_high` use t on `df` degrees of freedom, `df` infinite meaning
    the normal distribution. `i2` and `weights` are per cent. `pi_low` and `pi_high` bound a new study's
    true effect; they are NaN where no distribution of effects is estimated (one study, method FE).
    """

    df: Floats
    tau2: Floats
    pi_low: Floats
    pi_high: Floats


@dataclass(frozen=True, slots=True)
class Method:
    """How to pool, checked."""

    tau2: str
    interval: str
    level: float = 0.95

    def __post_init__(self) -> None:
        one_of("tau2_method", self.tau2, TAU2_METHODS)
        one_of("interval", self.interval, INTERVALS)
        check_level(self.level)

    @property
    def common(self) -> bool:
        """Without heterogeneity."""
        return self.tau2 == "FE"


def pool(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    where: ArrayLike | None = None,
    tau2_method: str = "REML",
    interval: str = "hksj_adhoc",
    level: float = 0.95,
) -> Pooled:
    """Pool effects (…, k) with their sampling variances (…, k); leading axes are separate analyses.

    `where` (…, k) marks the studies present (default all); all three broadcast. `tau2_method` is one of
    FE DL HE HS SJ ML REML EB PM. `interval` "wald" is normal, "hksj" t on k - 1 df with the SE of Hartung &
    Knapp 2001 and Sidik & Jonkman 2002, "hksj_adhoc" the same but never below the classic SE (Knapp &
    Hartung 2003; Röver et al. 2015). The prediction interval has the same quantile and SE (Higgins et al.
    2009; IntHout et al. 2016). I² = tau2/(tau2 + typical variance) and H² = 1 + tau2/typical variance
    (Higgins & Thompson 2002); under FE, which has no tau2, they come from Q.

    One study is its own estimate, with tau2 = 0 and a normal interval whatever `interval` says. Equal
    effects have the SE 0 under "hksj": the interval is a point. Faulty input is a ValueError.

    >>> result = pool([0.2, 0.8], [0.04, 0.05], interval="hksj")
    >>> round(float(result.tau2), 4), round(float(result.ci_low), 4), round(float(result.ci_high), 4)
    (0.135, -3.3187, 4.3021)
    """
    method = Method(tau2_method, interval, level)

    def analyse(model: Model) -> dict[str, Floats]:
        start = model.start()
        tau2 = estimate_tau2(model, start, tau2_method)
        fit = model.at(tau2)
        alone = model.count < 2
        scale, df = knapp_hartung(model, fit, interval)
        scale, df = np.where(alone, 1.0, scale), np.where(alone, np.inf, df)
        return summarise(model, start, fit, tau2, scale, df, method)

    batch = batch_of(effects, variances, where)
    return Pooled(**batch.analysed(intercept(batch.effects.shape[1]), analyse))


def knapp_hartung(model: Model, fit: Fit, interval: str) -> tuple[Floats, Floats]:
    """Scale of the variance and degrees of freedom (n,), 1 and infinite for a Wald interval."""
    if interval == "wald":
        return np.ones(len(model.count)), np.full(len(model.count), np.inf)
    scale = fit.q / np.maximum(model.freedom, 1)
    return np.maximum(scale, 1.0) if interval == "hksj_adhoc" else scale, model.freedom


def summarise(
    model: Model, start: Fit, fit: Fit, tau2: Floats, scale: Floats, df: Floats, method: Method
) -> dict[str, Floats]:
    """The fields of `Pooled` (n,), from the fits at 0 and at tau2 (n,), and the variance's scale and df."""
    estimate = model.centre + fit.coefficients[:, 0]
    se = np.sqrt(scale * fit.inverse[:, 0, 0])
    found = infer(estimate, se, df, method.level)
    predicted = found.quantile * np.sqrt(tau2 + se**2)
    predicted = np.where(method.common | (model.count < 2), np.nan, predicted)
    return {
        "estimate": estimate,
        **found.named(),
        "df": df,
        "pi_low": estimate - predicted,
        "pi_high": estimate + predicted,
        "weights": 100 * fit.weights * fit.inverse[:, 0],
        **heterogeneity(model, start, tau2, method.common),
    }


def heterogeneity(model: Model, start: Fit, tau2: Floats, common: bool) -> dict[str, Floats]:
    """Tau2, Q and its test, I² (per cent) and H² (Higgins & Thompson 2002), 0 and 1 for one study alone."""
    freedom = np.maximum(model.freedom, 1)
    relative = tau2 * start.trace / freedom
    i2, h2 = 100 * relative / (1 + relative), 1 + relative
    if common:
        i2, h2 = i2_h2(start.q, model.freedom)
    p_value = np.asarray(chdtrc(freedom, start.q), dtype=np.float64)  # 1 for one study, whose Q is 0
    return {"tau2": tau2, "q": start.q, "q_df": model.freedom, "q_p_value": p_value, "i2": i2, "h2": h2}


def i2_h2(q: Floats, df: Floats) -> tuple[Floats, Floats]:
    """I² (per cent) and H² from Q, 0 and 1 without degrees of freedom."""
    h2 = np.where(df > 0, q / np.maximum(df, 1), 1.0)
    return 100 * np.maximum(1 - 1 / np.maximum(h2, 1.0), 0.0), h2


@dataclass(frozen=True, slots=True)
class Tau2Interval(Unpacks):
    """Interval for tau2, and from its limits for I² (per cent) and H²; unpacks as `low, high`.

    Where `empty`, the effects agree better than any tau2 ≥ 0 allows at this level: the interval is the
    empty set, reported as 0 to 0.
    """

    low: Floats
    high: Floats
    empty: Bools
    i2_low: Floats
    i2_high: Floats
    h2_low: Floats
    h2_high: Floats


def tau2_interval(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    design: ArrayLike | None = None,
    where: ArrayLike | None = None,
    level: float = 0.95,
) -> Tau2Interval:
    """Q-profile interval for tau2 (Viechtbauer 2007) of effects (…, k); fields have the batch shape.

    The limits are the tau2 at which the generalised Q equals the χ² quantiles on k - 1 df; a limit that
    would be negative is 0. One study says nothing about tau2: 0 to infinity. With the `design` (k, m) of a
    meta-regression it is the interval for the tau2 that the moderators leave, on k - p df.

    >>> low, high = tau2_interval([0.1, 0.9, 0.4], [0.02, 0.03, 0.05])
    >>> round(float(low), 6), round(float(high), 6)
    (0.018565, 6.42517)
    """
    level = check_level(level)

    def analyse(model: Model) -> dict[str, Floats]:
        start, alone = model.start(), model.freedom < 1
        limits = {}
        for end, tail, unknown in (
            ("low", (1 - level) / 2, (0, 0, 1)),
            ("high", (1 + level) / 2, (np.inf, 100, np.inf)),
        ):
            quantiles = np.asarray(chdtri(np.maximum(model.freedom, 1), tail), dtype=np.float64)
            tau2 = solve_q(model, start, quantiles)
            left = heterogeneity(model, start, tau2, common=False)
            for name, value, nothing in zip(
                ("", "i2_", "h2_"), (tau2, left["i2"], left["h2"]), unknown, strict=True
            ):
                limits[name + end] = np.where(alone, nothing, value)
        return limits | {"empty": np.where(alone, 0.0, start.q < quantiles)}

    batch = batch_of(effects, variances, where)
    whole = intercept(batch.effects.shape[1]) if design is None else batch.regressed_on(design)
    found = batch.analysed(whole, analyse)
    return Tau2Interval(empty=(found.pop("empty") > 0)[()], **found)


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
    informative = (a + c > 0) & (a + c < size1 + size2)
    # Uninformative tables get a harmless stand-in that is masked out.
    cells = zip((a, size1, c, size2), (1, 2, 1, 2), strict=True)
    own = of_events(measure, tuple(np.where(informative, *pair) for pair in cells), zero_cells)
    gap = np.where(informative, (own.effect - estimate[..., None]) ** 2 / own.variance, 0.0)
    shares = weights / weights.sum(-1, keepdims=True)
    return _tested(estimate, variance, gap.sum(-1), informative, shares, level)


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
    excess, spread = excess_events(a, size1, c, size2)
    whole = spread.sum(-1)
    if (whole <= 0).any():
        raise ValueError("events1: no table has both events and non-events, Peto's method cannot be used")
    own = np.divide(excess**2, spread, out=np.zeros_like(excess), where=spread > 0)
    q = np.maximum(own.sum(-1) - excess.sum(-1) ** 2 / whole, 0.0)
    informative, weights = (a + c > 0) & (a + c < size1 + size2), spread / whole[..., None]
    return _tested(np.asarray(excess.sum(-1) / whole), 1 / whole, q, informative, weights, level)


def _as_rr(a: Floats, b: Floats, c: Floats, d: Floats) -> tuple[Floats, Floats, Floats]:
    size1, size2, total = a + b, c + d, a + b + c + d
    over, under = _defined((a * size2 / total).sum(-1), (c * size1 / total).sum(-1))
    variance = ((size1 * size2 * (a + c) / total - a * c) / total).sum(-1) / (over * under)
    return np.asarray(np.log(over / under)), variance, c * size1 / total


def _as_or(a: Floats, b: Floats, c: Floats, d: Floats) -> tuple[Floats, Floats, Floats]:
    total = a + b + c + d
    p, q = (a + d) / total, (b + c) / total
    r, s = a * d / total, b * c / total
    over, under = _defined(r.sum(-1), s.sum(-1))
    variance = (p * r).sum(-1) / over**2 + (q * s).sum(-1) / under**2
    variance = (variance + (p * s + q * r).sum(-1) / (over * under)) / 2
    return np.asarray(np.log(over / under)), variance, s


def _as_rd(a: Floats, b: Floats, c: Floats, d: Floats) -> tuple[Floats, Floats, Floats]:
    size1, size2, total = a + b, c + d, a + b + c + d
    w = size1 * size2 / total
    estimate = np.asarray(((a * size2 - c * size1) / total).sum(-1) / w.sum(-1))
    p = (c * size1**2 - a * size2**2 + size1 * size2 * (size2 - size1) / 2) / total**2
    q = (a * d + c * b) / (2 * total)
    variance = (estimate * p.sum(-1) + q.sum(-1)) / w.sum(-1) ** 2
    if (variance <= 0).any():
        raise ValueError("events1: nobody or everybody has the event in every arm, no sampling variance")
    return estimate, variance, w


def _defined(over: Floats, under: Floats) -> tuple[Floats, Floats]:
    """Numerator and denominator of a ratio, neither of them 0."""
    if ((over <= 0) | (under <= 0)).any():
        raise ValueError(
            "events1: no events (or nothing else) in one arm of all tables, the ratio is undefined"
        )
    return over, under


_MEASURES = {"RR": _as_rr, "OR": _as_or, "RD": _as_rd}


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
