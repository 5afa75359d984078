"""Pool effects: common-effect and random-effects meta-analysis of one data set or of a hundred thousand.

The same analysis on other choices of its studies, and case diagnostics, say how it depends on them. Events
too sparse for this are pooled in `sparse` and `mixed_events`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtr, chdtrc, chdtri

from trialpool.measures import EVERY_TAU2
from trialpool.stats import checks
from trialpool.stats._model import (
    Fit,
    Model,
    batch_of,
    estimate_tau2,
    intercept,
    solve_q,
)
from trialpool.stats._numeric import Tested, infer, quantile
from trialpool.stats.checks import Bools, Floats, Unpacks, check_effects, check_level, one_of

ALL_SUBSETS_UP_TO = 2**17
INTERVALS = ("wald", "hksj", "hksj_adhoc")


@dataclass(frozen=True, slots=True)
class PooledTables(Tested[Floats]):
    """A common effect of tables of events (log for ratios), normal interval and test; `weights` (…, k) in %.

    Q and `i2` (per cent) are of the tables that say something: with events, and of people with non-events.
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

    Test and interval use t on `df` degrees of freedom, normal where infinite. `i2` and `weights` are per
    cent. `pi_low` and `pi_high` bound a new study's true effect; they are NaN where no distribution of
    effects is estimated (one study, method FE).
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
        one_of("tau2_method", self.tau2, EVERY_TAU2)
        one_of("interval", self.interval, INTERVALS)
        check_level(self.level)


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
    FE DL HE HS SJ ML REML EB PM, or HSk GENQ PMM DLIT SJIT. `interval` "wald" is normal, "hksj" t on k - 1
    df with the SE of Hartung & Knapp 2001 and Sidik & Jonkman 2002, "hksj_adhoc" the same but never below
    the classic SE (Knapp & Hartung 2003; Röver et al. 2015). The prediction interval has the same quantile
    and SE (Higgins et al. 2009; IntHout et al. 2016). I² = tau2/(tau2 + typical variance) and H² = 1 +
    tau2/typical variance (Higgins & Thompson 2002); under FE, which has no tau2, they come from Q.

    One study is its own estimate, with tau2 = 0 and a normal interval whatever `interval` says. Equal
    effects have the SE 0 under "hksj": the interval is a point.

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
    predicted = np.where((method.tau2 == "FE") | (model.count < 2), np.nan, predicted)
    return {
        "estimate": estimate,
        **found.named(),
        "df": df,
        "pi_low": estimate - predicted,
        "pi_high": estimate + predicted,
        "weights": 100 * fit.weights * fit.inverse[:, 0],
        **heterogeneity(model, start, tau2, method.tau2 == "FE"),
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

    Where `empty`, reported as 0 to 0, the effects agree better than any tau2 ≥ 0 allows at this level.
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
        limits: dict[str, Floats] = {}
        for end, tail, unknown in (
            ("low", (1 - level) / 2, (0, 0, 1)),
            ("high", (1 + level) / 2, (np.inf, 100, np.inf)),
        ):
            quantiles = np.asarray(chdtri(np.maximum(model.freedom, 1), tail), dtype=np.float64)
            tau2 = solve_q(model, start, quantiles)
            left = heterogeneity(model, start, tau2, common=False)
            parts = zip(("", "i2_", "h2_"), (tau2, left["i2"], left["h2"]), unknown, strict=True)
            limits |= {name + end: np.where(alone, nothing, value) for name, value, nothing in parts}
        return limits | {"empty": np.where(alone, 0.0, start.q < quantiles)}

    batch = batch_of(effects, variances, where)
    whole = intercept(batch.effects.shape[1]) if design is None else batch.regressed_on(design)
    found = batch.analysed(whole, analyse)
    return Tau2Interval(empty=(found.pop("empty") > 0)[()], **found)


@dataclass(frozen=True, slots=True)
class Shrunken:
    """What each study's true effect is predicted to be, (…, k): estimate, standard error and interval."""

    estimate: Floats
    se: Floats
    pi_low: Floats
    pi_high: Floats


def blup(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    tau2_method: str = "REML",
    interval: str = "hksj_adhoc",
    level: float = 0.95,
) -> Shrunken:
    """Best linear unbiased predictions of the studies' true effects, shrunken towards the mean; (…, k).

    Study and mean share as τ² and the sampling variance do (Robinson 1991; Raudenbush & Bryk 1985); quantile
    and error of the mean are those of the chosen `interval`. The numbers are those of metafor's `blup`.

    >>> blup([0.1, 0.3, 0.8], [0.1, 0.02, 0.02], tau2_method="DL").estimate.round(3).tolist()
    [0.277, 0.325, 0.739]
    """
    y, v, _ = check_effects(effects, variances)
    fit = pool(y, v, tau2_method=tau2_method, interval=interval, level=level)
    mean, se, tau2, df = (np.asarray(a)[..., None] for a in (fit.estimate, fit.se, fit.tau2, fit.df))
    share = tau2 / (tau2 + v)
    estimate, spread = share * y + (1 - share) * mean, np.sqrt(share * v + (1 - share) ** 2 * se**2)
    half = quantile(df, level) * spread
    return Shrunken(estimate, spread, estimate - half, estimate + half)


def leave_one_out(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    tau2_method: str = "REML",
    interval: str = "hksj_adhoc",
    level: float = 0.95,
) -> Pooled:
    """Pool k - 1 studies, leaving each out in turn; fields have shape (…, k), weights (…, k, k).

    Entry i is the analysis without study i. At least two studies are needed.

    >>> leave_one_out([0.1, 0.3, 0.8], [0.1, 0.1, 0.1]).estimate.round(2).tolist()
    [0.55, 0.45, 0.2]
    """
    y, v, _ = check_effects(effects, variances)
    k = y.shape[-1]
    if k < 2:
        raise ValueError("effects: leaving one study out needs at least 2")
    y, v, others = y[..., None, :], v[..., None, :], ~np.eye(k, dtype=bool)
    return pool(y, v, where=others, tau2_method=tau2_method, interval=interval, level=level)


def cumulative(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    order: ArrayLike | None = None,
    tau2_method: str = "REML",
    interval: str = "hksj_adhoc",
    level: float = 0.95,
) -> Pooled:
    """Pool the first study, the first two, … all k; fields have shape (…, k), weights (…, k, k).

    `order` (k,) lists the positions of the studies, first to last (default: as given), such as
    `np.argsort(years, kind="stable")`. The first entry is one study alone, see `pool`.

    >>> cumulative([0.1, 0.3, 0.8], [0.1, 0.1, 0.1]).estimate.round(2).tolist()
    [0.1, 0.2, 0.4]
    """
    y, v, _ = check_effects(effects, variances)
    k = y.shape[-1]
    sequence = np.arange(k) if order is None else checks.finite("order", order, least=0, whole=True)
    if sequence.shape != (k,) or not np.array_equal(np.sort(sequence), np.arange(k)):
        raise ValueError(f"order: must hold each position from 0 to {k - 1} once")
    masks = np.empty((k, k), dtype=bool)
    masks[:, sequence.astype(np.intp)] = np.tri(k, dtype=bool)
    y, v = y[..., None, :], v[..., None, :]
    return pool(y, v, where=masks, tau2_method=tau2_method, interval=interval, level=level)


@dataclass(frozen=True, slots=True)
class Gosh:
    """Subsets of studies and what each gives: `members` (m, k), all else (m,); `i2` in per cent.

    `complete` says whether the m subsets are all there are.
    """

    members: Bools
    size: Floats
    estimate: Floats
    tau2: Floats
    i2: Floats
    complete: bool


def gosh(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    draws: int = 10_000,
    seed: int = 1,
    tau2_method: str = "REML",
    smallest: int = 1,
) -> Gosh:
    """Pool all subsets of at least `smallest` studies (Olkin, Dahabreh & Trikalinos 2012).

    With more than 2^17 subsets, `draws` of them instead, each study being in with probability ½, from
    numpy's generator with `seed`: the same seed gives the same subsets. Subset number i of a complete
    answer holds the studies that are the bits of i.

    >>> gosh([0.1, 0.3, 0.8], [0.1, 0.1, 0.1], smallest=2).estimate.round(2).tolist()
    [0.2, 0.45, 0.55, 0.4]
    """
    y, v = checks.one_analysis(effects, variances)
    k = len(y)
    checks.number("smallest", smallest, least=1, most=k)
    complete = 2**k <= ALL_SUBSETS_UP_TO
    if complete:
        members = (np.arange(2**k)[:, None] >> np.arange(k)) & 1 == 1
        members = members[members.sum(1) >= smallest]
    else:
        draws, random = checks.draws(draws, 1), checks.generator(seed)
        members = np.empty((0, k), dtype=bool)
        while len(members) < draws:
            more = random.random((draws, k)) < 0.5
            members = np.concatenate([members, more[more.sum(1) >= smallest]])
            if smallest > k / 2 and not len(members):
                raise ValueError(f"smallest is {smallest}: random subsets of {k} are too rarely that large")
        members = members[:draws]
    fit = pool(y, v, where=members, tau2_method=tau2_method, interval="wald")
    return Gosh(members, members.sum(1).astype(float), fit.estimate, fit.tau2, fit.i2, complete)


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Resampled analyses: `estimate` and `tau2` (draws,), and the percentile interval of each."""

    estimate: Floats
    tau2: Floats
    estimate_low: Floats
    estimate_high: Floats
    tau2_low: Floats
    tau2_high: Floats


def bootstrap(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    draws: int = 2000,
    seed: int = 1,
    tau2_method: str = "REML",
    level: float = 0.95,
) -> Bootstrap:
    """Resample the k studies with replacement and pool each draw (Efron & Tibshirani 1993).

    Percentile intervals at `level`; the same seed gives the same draws.

    >>> bootstrap([0.1, 0.3, 0.8, 0.4], [0.1, 0.1, 0.1, 0.2], draws=200).estimate.shape
    (200,)
    """
    level = check_level(level)
    y, v = checks.one_analysis(effects, variances)
    picked = checks.generator(seed).integers(0, len(y), (checks.draws(draws, 1), len(y)))
    fit = pool(y[picked], v[picked], tau2_method=tau2_method, interval="wald")
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(fit.estimate, tails)
    tau2_low, tau2_high = np.quantile(fit.tau2, tails)
    return Bootstrap(fit.estimate, fit.tau2, low, high, tau2_low, tau2_high)


@dataclass(frozen=True, slots=True)
class Influence:
    """Case diagnostics, each (…, k); `weight` in per cent.

    `influential` marks studies with |dffits| > 3/√(k - 1), a Cook's distance past the median of χ² on
    1 df, a hat value above 3/k, or |dfbetas| > 1 (Viechtbauer & Cheung 2010).
    """

    rstudent: Floats
    dffits: Floats
    cook: Floats
    cov_ratio: Floats
    tau2_deleted: Floats
    q_deleted: Floats
    hat: Floats
    weight: Floats
    dfbetas: Floats
    baujat_x: Floats
    baujat_y: Floats
    influential: Bools


def influence(
    effects: ArrayLike, variances: ArrayLike, *, tau2_method: str = "REML", interval: str = "hksj_adhoc"
) -> Influence:
    """Case diagnostics of a random-effects meta-analysis (Viechtbauer & Cheung 2010); k at least 3.

    Effects and variances are (…, k). Variances of estimates carry the scale of the chosen `interval`.
    Baujat coordinates (Baujat et al. 2002): x is the squared Pearson residual, y the squared shift of the
    estimate when the study is left out, over that estimate's variance.

    >>> influence([0.1, 0.2, 0.15, 0.2, 1.5], [0.01, 0.01, 0.02, 0.02, 0.02]).cook.argmax()
    np.int64(4)
    """
    y, v, _ = check_effects(effects, variances)
    k = y.shape[-1]
    if k < 3:
        raise ValueError(f"effects: case diagnostics need at least 3 studies, here are {k}")
    full = pool(y, v, tau2_method=tau2_method, interval=interval)
    without = leave_one_out(y, v, tau2_method=tau2_method, interval=interval)
    estimate, variance, tau2 = (np.asarray(a)[..., None] for a in (full.estimate, full.se**2, full.tau2))
    shift, hat, variance = estimate - without.estimate, full.weights / 100, np.broadcast_to(variance, y.shape)
    # Of each deleted fit: the sum of its weights, and the Knapp-Hartung scale, its variance times that sum.
    weights = 1 / (v[..., None, :] + without.tau2[..., None])
    scale = without.se**2 * np.where(np.eye(k, dtype=bool), 0.0, weights).sum(-1)
    deleted_total = v + without.tau2
    dffits = _over(shift, np.sqrt(scale * hat * deleted_total))
    dfbetas = _over(shift, np.sqrt(scale * (1 / weights.sum(-1))))
    cook = _over(shift**2, variance)
    influential = (abs(dffits) > 3 / np.sqrt(k - 1)) | (chdtr(1, cook) > 0.5) | (hat > 3 / k)
    return Influence(
        rstudent=_over(y - without.estimate, np.sqrt(deleted_total * scale + without.se**2)),
        dffits=dffits,
        cook=cook,
        cov_ratio=_over(without.se**2, variance),
        tau2_deleted=without.tau2,
        q_deleted=without.q,
        hat=hat,
        weight=full.weights,
        dfbetas=dfbetas,
        baujat_x=(y - estimate) ** 2 / (v + tau2),
        baujat_y=_over(shift**2, without.se**2),
        influential=influential | (abs(dfbetas) > 1),
    )


def _over(value: Floats, by: Floats) -> Floats:
    """Divide; 0/0 of equal effects is 0, anything else over 0 infinite."""
    sign = np.where(value == 0, 0.0, np.copysign(np.inf, value))
    return np.divide(value, by, out=sign, where=by > 0)
