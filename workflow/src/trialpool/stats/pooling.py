"""Pool effects: common-effect and random-effects meta-analysis of one data set or of a hundred thousand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialpool.stats.batch import Batch, batch_of, chunks
from trialpool.stats.checks import Floats, check_level, one_of, plain
from trialpool.stats.forms import Start, start, weights_at
from trialpool.stats.heterogeneity import TAU2_METHODS, estimate_tau2
from trialpool.stats.model import Model, buffers
from trialpool.stats.tails import chi2_tail, quantile, ratio, two_sided

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


NUMBERS = tuple(name for name in Pooled.__slots__ if name != "weights")


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
    batch = batch_of(effects, variances, where)
    return pool_batch(batch, tau2_method, interval, level)


def pool_batch(batch: Batch, tau2_method: str, interval: str, level: float, weights: bool = True) -> Pooled:
    """Pool a checked batch chunk by chunk; without `weights` that field stays empty, to save memory."""
    record = {name: np.empty(batch.size) for name in NUMBERS}
    shares = np.empty((batch.size if weights else 0, batch.k))
    for stretch, model in chunks(batch):
        begin = start(model)
        tau2 = estimate_tau2(model, begin, tau2_method)
        numbers, w = summarise(model, begin, tau2, interval, level, common=tau2_method == "FE")
        for name, values in numbers.items():
            record[name][stretch] = values
        if weights:
            shares[stretch] = w.T
    whole = {name: plain(values.reshape(batch.shape)) for name, values in record.items()}
    return Pooled(**whole, weights=shares.reshape((*batch.shape, batch.k) if weights else shares.shape))


def summarise(
    model: Model,
    begin: Start,
    tau2: Floats,
    interval: str,
    level: float,
    *,
    common: bool = False,
    correction: tuple[Floats, Floats] | None = None,
) -> tuple[dict[str, Floats], Floats]:
    """Everything that follows from tau2 (n,): the fields of `Pooled` but the weights, and these (k, n).

    The weights stand in a buffer of the model: copy them before it is evaluated again.
    `correction` overrides the scale and the df that `interval` would take from the model.
    """
    w = weights_at(model, tau2)
    total = w.sum(0)
    middle = np.einsum("ij,ij->j", w, model.effects) / total
    scale, df = correction or _correction(model, w, middle, interval)
    estimate, se = model.centre + middle, np.sqrt(scale / total)
    half = quantile(df, (1 + level) / 2)
    predicted = half * np.sqrt(tau2 + se**2)
    unknown = common | ((model.count < 2) if correction is None else False)
    predicted = np.where(unknown, np.nan, predicted) if np.any(unknown) else predicted
    statistic = ratio(estimate, se)
    record = {
        "estimate": estimate,
        "se": se,
        "ci_low": estimate - half * se,
        "ci_high": estimate + half * se,
        "statistic": statistic,
        "df": df,
        "p_value": two_sided(statistic, df),
        "pi_low": estimate - predicted,
        "pi_high": estimate + predicted,
    }
    w *= 100 / total
    return record | _heterogeneity(model, begin, tau2, common), w


def _correction(model: Model, w: Floats, middle: Floats, interval: str) -> tuple[Floats, Floats]:
    """Scale of the variance and degrees of freedom; one study alone has the normal interval."""
    n = len(model.count)
    if interval == "wald":
        return np.ones(n), np.full(n, np.inf)
    alone = model.count < 2
    residual = np.subtract(model.effects, middle, out=buffers(model)[1])
    scale = np.einsum("ij,ij,ij->j", w, residual, residual) / np.maximum(model.freedom, 1)
    if interval == "hksj_adhoc":
        scale = np.maximum(scale, 1.0)
    if alone.any():
        return np.where(alone, 1.0, scale), np.where(alone, np.inf, model.freedom)
    return scale, model.freedom


def _heterogeneity(model: Model, begin: Start, tau2: Floats, common: bool) -> dict[str, Floats]:
    freedom = model.freedom
    p = chi2_tail(begin.q, np.maximum(freedom, 1))  # 1 for one study, whose Q is 0
    record = {"tau2": tau2, "q": begin.q, "q_df": freedom, "q_p_value": p}
    return record | inconsistency(begin, freedom, tau2, common)


def inconsistency(begin: Start, freedom: Floats, tau2: Floats, common: bool) -> dict[str, Floats]:
    """I² in per cent and H² (Higgins & Thompson 2002), one study alone having 0 and 1."""
    if common:
        h2 = begin.q / np.maximum(freedom, 1) + (freedom < 1)
        return {"i2": 100 * np.maximum(1 - 1 / np.maximum(h2, 1.0), 0.0), "h2": h2}
    relative = tau2 * begin.trace / np.maximum(freedom, 1)
    return {"i2": 100 * relative / (1 + relative), "h2": 1 + relative}
