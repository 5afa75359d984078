"""Pool effects: common-effect and random-effects meta-analysis of one data set or of a hundred thousand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, chdtri

from trialpool.stats._model import Fit, Model, batch_of, intercept
from trialpool.stats._numeric import infer
from trialpool.stats._tau2 import TAU2_METHODS, estimate_tau2, solve_q
from trialpool.stats.checks import Bools, Floats, check_level, one_of

INTERVALS = ("wald", "hksj", "hksj_adhoc")


@dataclass(frozen=True, slots=True)
class Pooled:
    """A pooled effect; every field has the batch shape (numbers for a single analysis), weights (…, k).

    `statistic`, `p_value`, `ci_low` and `ci_high` use t on `df` degrees of freedom, `df` infinite meaning
    the normal distribution. `i2` and `weights` are per cent. `pi_low` and `pi_high` bound a new study's
    true effect; they are NaN where no distribution of effects is estimated (one study, method FE).
    """

    estimate: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    statistic: Floats
    df: Floats
    p_value: Floats
    tau2: Floats
    q: Floats
    q_df: Floats
    q_p_value: Floats
    i2: Floats
    h2: Floats
    pi_low: Floats
    pi_high: Floats
    weights: Floats


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
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    one_of("interval", interval, INTERVALS)
    level = check_level(level)

    def analyse(model: Model) -> dict[str, Floats]:
        start = model.start()
        tau2 = estimate_tau2(model, start, tau2_method)
        fit = model.at(tau2)
        alone = model.count < 2
        scale, df = knapp_hartung(model, fit, interval)
        scale, df = np.where(alone, 1.0, scale), np.where(alone, np.inf, df)
        return summarise(model, start, fit, tau2, scale, df, level, tau2_method == "FE")

    batch = batch_of(effects, variances, where)
    return Pooled(**batch.analysed(intercept(batch.effects.shape[1]), analyse))


def knapp_hartung(model: Model, fit: Fit, interval: str) -> tuple[Floats, Floats]:
    """Scale of the variance and degrees of freedom (n,), 1 and infinite for a Wald interval."""
    if interval == "wald":
        return np.ones(len(model.count)), np.full(len(model.count), np.inf)
    scale = fit.q / np.maximum(model.freedom, 1)
    return np.maximum(scale, 1.0) if interval == "hksj_adhoc" else scale, model.freedom


def summarise(
    model: Model, start: Fit, fit: Fit, tau2: Floats, scale: Floats, df: Floats, level: float, common: bool
) -> dict[str, Floats]:
    """The fields of `Pooled` (n,), from the fits at 0 and at tau2 (n,), and the variance's scale and df."""
    estimate = model.centre + fit.coefficients[:, 0]
    se = np.sqrt(scale * fit.inverse[:, 0, 0])
    found = infer(estimate, se, df, level)
    predicted = found.quantile * np.sqrt(tau2 + se**2)
    predicted = np.where(common | (model.count < 2), np.nan, predicted)
    return {
        "estimate": estimate,
        "se": se,
        "ci_low": found.low,
        "ci_high": found.high,
        "statistic": found.statistic,
        "df": df,
        "p_value": found.p_value,
        "pi_low": estimate - predicted,
        "pi_high": estimate + predicted,
        "weights": 100 * fit.weights * fit.inverse[:, 0],
        **heterogeneity(model, start, tau2, common),
    }


def heterogeneity(model: Model, start: Fit, tau2: Floats, common: bool) -> dict[str, Floats]:
    """Tau2, Q and its test, I² (per cent) and H² (Higgins & Thompson 2002), 0 and 1 for one study alone."""
    freedom = np.maximum(model.freedom, 1)
    relative = tau2 * start.trace / freedom
    i2, h2 = 100 * relative / (1 + relative), 1 + relative
    if common:
        h2 = start.q / freedom + (model.freedom < 1)
        i2 = 100 * np.maximum(1 - 1 / np.maximum(h2, 1.0), 0.0)
    p_value = np.asarray(chdtrc(freedom, start.q), dtype=np.float64)  # 1 for one study, whose Q is 0
    return {"tau2": tau2, "q": start.q, "q_df": model.freedom, "q_p_value": p_value, "i2": i2, "h2": h2}


@dataclass(frozen=True, slots=True)
class Tau2Interval:
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

    def __iter__(self) -> Iterator[Floats]:
        """Unpack as low, high."""
        return iter((self.low, self.high))


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
