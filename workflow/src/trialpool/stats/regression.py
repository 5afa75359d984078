"""Meta-regression on moderators or subgroups, in batches, and permutation tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import factorial, prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, fdtrc

from trialpool.stats import checks
from trialpool.stats._model import (
    Batch,
    Design,
    Model,
    batch_of,
    estimate_tau2,
    intercept,
    log_likelihood,
    spanned_by,
)
from trialpool.stats._numeric import Rows, Tested, infer, quantile
from trialpool.stats.checks import Bools, Floats, check_level, finite, labels, one_analysis, one_of
from trialpool.stats.pooling import Method, Pooled, heterogeneity, knapp_hartung, pool, summarise

BLOCK = 2**14  # permutations fitted at once
# A permuted statistic this close below the observed one counts as equal: rounding must not break ties.
TIE = 1.5e-8


@dataclass(frozen=True, slots=True)
class MetaRegression(Tested[Floats]):
    """A meta-regression; coefficients and their tests are (…, p), intercept first, the rest (…).

    `covariance` is (…, p, p). `df` is infinite for normal tests. `qe` tests the heterogeneity left, `qm`
    all moderators together: χ² on `qm_df`, or under hksj F on `qm_df` and `df`. `i2` and `r2` are per cent.
    """

    coefficients: Floats
    covariance: Floats
    df: Floats
    tau2: Floats
    i2: Floats
    h2: Floats
    r2: Floats
    qe: Floats
    qe_df: Floats
    qe_p_value: Floats
    qm: Floats
    qm_df: Floats
    qm_p_value: Floats


def meta_regression(
    effects: ArrayLike,
    variances: ArrayLike,
    design: ArrayLike,
    *,
    where: ArrayLike | None = None,
    tau2_method: str = "REML",
    interval: str = "hksj_adhoc",
    level: float = 0.95,
) -> MetaRegression:
    """Regress effects (…, k) on the moderators in `design` (k, m), which has no intercept column.

    Thompson & Sharp 1999; Knapp & Hartung 2003 for "hksj" (t and F on k - p df) and its ad-hoc floor.
    R² is the share of tau2 that the moderators explain (Raudenbush 2009), 0 where there is none to
    explain; under FE it is the adjusted R² of the weighted regression. A constant or repeated column and
    fewer than p + 1 studies are refused.

    >>> fit = meta_regression([0.1, 0.3, 0.2, 0.6], [0.01] * 4, [1, 2, 3, 4], tau2_method="DL")
    >>> fit.coefficients.round(4).tolist(), round(float(fit.tau2), 4)
    ([-0.05, 0.14], 0.011)
    """
    method = Method(tau2_method, interval, level)
    batch = batch_of(effects, variances, where)
    return _regress(batch, batch.regressed_on(design), method)


def _regress(batch: Batch, design: Design, method: Method) -> MetaRegression:
    alone = intercept(len(design.basis))

    def analyse(model: Model) -> dict[str, Floats]:
        null = replace(model, design=alone)
        null_start, start = null.start(), model.start()
        tau2 = estimate_tau2(model, start, method.tau2)
        total, unexplained = estimate_tau2(null, null_start, method.tau2), tau2
        if method.tau2 == "FE":
            total, unexplained = null_start.q / null.freedom, start.q / model.freedom
        gain = total - unexplained
        explained = np.divide(gain, total, out=np.zeros_like(gain), where=total > 0)
        left = heterogeneity(model, start, tau2, method.tau2 == "FE")
        fit = model.at(tau2)
        scale, df = knapp_hartung(model, fit, method.interval)
        beta = fit.coefficients @ design.back.T
        beta[:, 0] += model.centre
        covariance = design.back @ fit.inverse @ design.back.T * scale[:, None, None]
        found = infer(beta, np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)), df[:, None], method.level)
        return {
            "coefficients": beta,
            "covariance": covariance,
            **found.named(),
            "df": df,
            "r2": 100 * np.maximum(explained, 0.0),
            **{name: left[name] for name in ("tau2", "i2", "h2")},
            **{f"qe{name}": left[f"q{name}"] for name in ("", "_df", "_p_value")},
            **_omnibus(beta[:, 1:], covariance[:, 1:, 1:], df),
        }

    return MetaRegression(**batch.analysed(design, analyse))


def _omnibus(slopes: Floats, covariance: Floats, df: Floats) -> dict[str, Floats]:
    """Wald test that all slopes (n, m) are 0: χ², or F (divided by m) where `df` is finite."""
    m = slopes.shape[1]
    unit = 1 / np.sqrt(np.maximum(np.diagonal(covariance, axis1=1, axis2=2), np.finfo(float).tiny))
    correlation = covariance * unit[:, :, None] * unit[:, None, :]
    correlation[~(abs(correlation).max((1, 2)) > 0)] = np.eye(m)  # an SE of 0: the statistic is infinite
    scaled = slopes * unit
    q = np.einsum("ni,ni->n", scaled, np.linalg.solve(correlation, scaled[:, :, None])[:, :, 0])
    finite_df = np.isfinite(df)
    q = np.where(finite_df, q / m, q)
    p = np.where(finite_df, fdtrc(m, np.where(finite_df, df, 1.0), q), chdtrc(m, q))
    return {"qm": q, "qm_df": np.full(len(q), float(m)), "qm_p_value": p}


@dataclass(frozen=True, slots=True)
class WaldTest:
    """A test of several coefficients: χ² on `df`, or where `df2` is finite F on `df` and `df2`."""

    statistic: float
    df: float
    df2: float
    p_value: float


def wald_test(fit: MetaRegression, terms: ArrayLike, *, values: ArrayLike = 0.0) -> WaldTest:
    """Test that some coefficients of one meta-regression, or combinations of them, have given `values`.

    `terms` are numbers of coefficients, the intercept being 0, or a matrix (q, p) of combinations. The test
    follows the fit's own interval: χ² of a Wald one, else F.

    >>> fit = meta_regression([0.1, 0.3, 0.2, 0.6], [0.01] * 4, [1, 2, 3, 4], tau2_method="DL")
    >>> round(wald_test(fit, [1]).p_value, 4) == round(float(fit.qm_p_value), 4)
    True
    """
    checks.a_fit(fit, MetaRegression)
    p = fit.coefficients.shape[-1]
    if fit.coefficients.ndim != 1:
        raise ValueError("fit holds a batch: test one meta-regression at a time")
    asked = finite("terms", terms)
    if asked.ndim < 2:
        numbers = np.atleast_1d(finite("terms", terms, least=0, most=p - 1, whole=True))
        asked = np.eye(p)[numbers.astype(np.intp)]
    fitting = asked.ndim == 2 and asked.shape[1] == p and len(asked) > 0
    if not fitting or np.linalg.matrix_rank(asked) < len(asked):
        raise ValueError(f"terms has shape {asked.shape}: needs independent rows of {p} numbers each")
    wanted = finite("values", values)
    if wanted.shape not in ((), (len(asked),)):
        raise ValueError(f"values has shape {wanted.shape}: needs one number, or one for each of the terms")
    apart = asked @ fit.coefficients - wanted
    covariance, df = asked @ fit.covariance @ asked.T, np.atleast_1d(fit.df).astype(float)
    found = _omnibus(apart[None], covariance[None], df)
    statistic, p_value = float(found["qm"][0]), float(found["qm_p_value"][0])
    return WaldTest(statistic, float(len(asked)), float(df[0]), p_value)


def vif(fit: MetaRegression, groups: Sequence[Sequence[int]] | None = None) -> Floats:
    """Variance inflation factors of the slopes (m,), or generalised ones of `groups` of them.

    Of a group, such as the columns of one factor, it is det R₁ det R₂ / det R of the correlations of the
    coefficients inside, outside and together (Fox & Monette 1992). Numbers count from 1, the intercept is 0.

    >>> fit = meta_regression([0.1, 0.3, 0.2, 0.6, 0.4], [0.01] * 5, [[1, 2], [2, 1], [3, 5], [4, 3], [5, 4]])
    >>> vif(fit).round(4).tolist()
    [1.5625, 1.5625]
    """
    checks.a_fit(fit, MetaRegression)
    covariance = np.asarray(fit.covariance)[..., 1:, 1:]
    m = covariance.shape[-1]
    unit = 1 / np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    correlation = covariance * unit[..., :, None] * unit[..., None, :]
    whole = np.linalg.det(correlation)
    found = []
    for group in _groups(groups, m):
        inside = np.isin(np.arange(1, m + 1), group)
        parts = (correlation[..., part, :][..., :, part] for part in (inside, ~inside))
        found.append(np.prod([np.linalg.det(part) for part in parts], axis=0) / whole)
    return np.asarray(np.stack(found, axis=-1))


def _groups(groups: Sequence[Sequence[int]] | None, m: int) -> list[Floats]:
    """The numbers of the slopes in each group; by default each slope is one."""
    if groups is None:
        return [np.array([float(number)]) for number in range(1, m + 1)]
    if not isinstance(groups, Iterable) or isinstance(groups, str | bytes | Mapping):
        raise ValueError("groups: needs lists of numbers of slopes")
    found = [finite("groups", group, least=1, most=m, whole=True) for group in groups]
    if not found or any(group.ndim != 1 or not group.size for group in found):
        raise ValueError("groups: needs lists of numbers of slopes, at least one in each")
    return found


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """A likelihood-ratio test of two models fitted by maximum likelihood: `statistic` is χ² on `df`.

    `tau2` is of the whole model, `tau2_reduced` of that without the tested terms.
    """

    statistic: float
    df: float
    p_value: float
    log_likelihood: float
    log_likelihood_reduced: float
    tau2: float
    tau2_reduced: float


def likelihood_ratio(
    effects: ArrayLike, variances: ArrayLike, design: ArrayLike, terms: ArrayLike | None = None
) -> LikelihoodRatio:
    """Test the moderators `terms` of a design (k, m) by comparing the likelihoods with and without them.

    `terms` count from 1; by default all. Both models are fitted by ML, as restricted likelihoods of models
    with other coefficients do not compare. The numbers are those of metafor's `anova` of two fits by ML.

    >>> round(likelihood_ratio([0.1, 0.3, 0.2, 0.6], [0.01] * 4, [1, 2, 3, 4]).statistic, 4)
    4.8159
    """
    y, v = one_analysis(effects, variances)
    batch = batch_of(y, v)
    whole = batch.regressed_on(design)
    columns = finite("design", design)
    columns = columns[:, None] if columns.ndim == 1 else columns
    m = columns.shape[1]
    asked = np.arange(1, m + 1) if terms is None else finite("terms", terms, least=1, most=m, whole=True)
    if not asked.size:
        raise ValueError("terms: name at least one moderator by its number, 1 for the first")
    kept = np.delete(columns, np.unique(asked.astype(np.intp)) - 1, axis=1)
    reduced = batch.regressed_on(kept) if kept.shape[1] else intercept(y.size)
    heights, found = [], []
    for chosen in (whole, reduced):
        (model,) = batch.models(chosen)
        tau2 = estimate_tau2(model, model.start(), "ML")
        heights.append(float(log_likelihood(model, tau2, False)[0]) - y.size * np.log(2 * np.pi) / 2)
        found.append(float(tau2[0]))
    statistic, df = max(0.0, float(2 * (heights[0] - heights[1]))), float(m - kept.shape[1])
    return LikelihoodRatio(statistic, df, float(chdtrc(df, statistic)), *heights, *found)


@dataclass(frozen=True, slots=True)
class Predicted:
    """Expected effects at given moderator values, each with its confidence and prediction interval."""

    estimate: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    pi_low: Floats
    pi_high: Floats


def predict(fit: MetaRegression, design: ArrayLike, *, level: float = 0.95) -> Predicted:
    """Predict from a single meta-regression at the moderator values (rows, m), or (rows,) for one moderator.

    The prediction interval adds tau2 to the variance of the expected effect, with the fit's own quantile.

    >>> fit = meta_regression([0.1, 0.3, 0.2, 0.6], [0.01] * 4, [1, 2, 3, 4], tau2_method="DL")
    >>> predict(fit, [2.5]).estimate.round(3).tolist()
    [0.3]
    """
    checks.a_fit(fit, MetaRegression)
    if fit.coefficients.ndim != 1:
        raise ValueError("fit holds a batch: predict from one meta-regression at a time")
    rows = finite("design", design)
    rows = rows[:, None] if rows.ndim == 1 else rows
    if rows.ndim != 2 or rows.shape[1] != len(fit.coefficients) - 1:
        raise ValueError(f"design has shape {rows.shape}: needs {len(fit.coefficients) - 1} columns")
    full = np.column_stack([np.ones(len(rows)), rows])
    estimate = full @ fit.coefficients
    variance = np.einsum("ri,ij,rj->r", full, fit.covariance, full)
    half, se = quantile(fit.df, check_level(level)), np.sqrt(variance)
    near, far = half * se, half * np.sqrt(variance + fit.tau2)
    return Predicted(estimate, se, estimate - near, estimate + near, estimate - far, estimate + far)


@dataclass(frozen=True, slots=True)
class Subgroups:
    """Each subgroup pooled, and the test between them.

    `names` are in order of first appearance and `k` counts the studies of each; fields of `pooled` are
    (G,), weights (G, k). The `statistic` is χ² on `df`, or where `df2` is finite F on `df` and `df2`.
    """

    names: tuple[str, ...]
    k: Floats
    pooled: Pooled
    statistic: float
    df: float
    df2: float
    p_value: float


def subgroups(
    effects: ArrayLike,
    variances: ArrayLike,
    groups: Sequence[object],
    *,
    tau2: str = "separate",
    tau2_method: str = "REML",
    interval: str = "hksj_adhoc",
    level: float = 0.95,
) -> Subgroups:
    """Pool each of the `groups` (one label a study) and test whether they differ.

    With `tau2="separate"` each group is pooled by itself and the estimates are compared by χ² on G - 1 df
    with the SEs of the chosen interval (Borenstein et al. 2009, ch. 19). With "common" one tau2, one
    Knapp-Hartung scale and t on k - G df serve all groups, which is meta-regression on their labels.

    >>> subgroups([0.1, 0.2, 0.7, 0.9], [0.02] * 4, ["a", "a", "b", "b"]).pooled.estimate.round(2).tolist()
    [0.15, 0.8]
    """
    one_of("tau2", tau2, ("common", "separate"))
    method = Method(tau2_method, interval, level)
    y, v = one_analysis(effects, variances)
    label = labels("groups", groups, len(y))
    names = tuple(dict.fromkeys(label))
    masks = np.array([np.equal(label, name) for name in names])
    if tau2 == "separate":
        pooled = pool(y, v, where=masks, tau2_method=tau2_method, interval=interval, level=level)
        df2 = np.inf
    else:
        pooled, df2 = _common(y, v, masks, method)
    statistic, df = 0.0, float(len(names) - 1)
    if (pooled.se > 0).all():
        w = 1 / pooled.se**2
        mean = (w * pooled.estimate).sum() / w.sum()
        statistic = float((w * (pooled.estimate - mean) ** 2).sum())
    elif np.ptp(pooled.estimate) > 0:  # certain and different ones are infinitely far apart
        statistic = np.inf
    if np.isfinite(df2) and df > 0:
        statistic /= df
    p_value = float(fdtrc(df, df2, statistic) if np.isfinite(df2) else chdtrc(df, statistic)) if df else 1.0
    return Subgroups(names, masks.sum(1).astype(float), pooled, statistic, df, df2, p_value)


def _common(y: Floats, v: Floats, masks: Bools, method: Method) -> tuple[Pooled, float]:
    """Estimate tau2 around the subgroup means, then summarise each subgroup with it."""
    number, k = masks.shape
    if k <= number:
        raise ValueError(f"groups: {k} studies in {number} groups are too few for a common tau2")
    design = spanned_by((masks / np.sqrt(masks.sum(1, keepdims=True))).T)
    (whole,) = batch_of(y, v).models(design)
    tau2 = estimate_tau2(whole, whole.start(), method.tau2)
    shared = (tau2, *knapp_hartung(whole, whole.at(tau2), method.interval))

    def analyse(groups: Model) -> dict[str, Floats]:
        t, scale, df = (np.repeat(a, len(groups.count)) for a in shared)
        return summarise(groups, groups.start(), groups.at(t), t, scale, df, method)

    return Pooled(**batch_of(y, v, masks).analysed(intercept(k), analyse)), float(shared[2][0])


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """Two-sided permutation p-values: of each coefficient (p,), intercept first, and of all moderators.

    `count` permutations were compared, `exact` says whether these are all. Without a design there is one
    p-value, that of the pooled effect.
    """

    p_value: Floats
    qm_p_value: float
    count: int
    exact: bool


def permutation_test(
    effects: ArrayLike,
    variances: ArrayLike,
    design: ArrayLike | None = None,
    *,
    tau2_method: str = "REML",
    interval: str = "wald",
    exact_up_to: int = 2**15,
    draws: int = 1000,
    seed: int = 1,
) -> PermutationTest:
    """Test a pooled effect by flipping signs, or moderators by exchanging the rows of `design` (k, m).

    Follmann & Proschan 1999; Higgins & Thompson 2004. Compared is the absolute test statistic, over all
    distinct permutations if there are at most `exact_up_to`, otherwise over the observed order and
    `draws` - 1 random ones, from `seed`.

    >>> permutation_test([0.3, 0.1, 0.5, 0.4, 0.2], [0.1, 0.1, 0.2, 0.1, 0.1]).qm_p_value
    0.0625
    """
    method = Method(tau2_method, interval)
    y, v = one_analysis(effects, variances)
    draws, random = checks.draws(draws, 2), checks.generator(seed)
    checks.number("exact_up_to", exact_up_to)
    moderators = None if design is None else batch_of(y, v).regressed_on(design)
    if moderators is None:
        permuted, count = _signs(len(y), exact_up_to, draws, random)
    else:
        permuted, count = _orders(moderators.basis, exact_up_to, draws, random)
    observed = np.ones(len(y)) if moderators is None else np.arange(len(y))

    def statistics(rows: NDArray[Any]) -> Floats:
        """Absolute statistics of some permutations: of each coefficient, and of all moderators."""
        if moderators is None:
            fit = pool(rows * y, v, tau2_method=tau2_method, interval=interval)
            return np.asarray(abs(fit.statistic))[:, None]
        found = _regress(batch_of(y[rows], v[rows]), moderators, method)
        return np.column_stack([abs(found.statistic), found.qm])

    least = statistics(observed[None])[0] - TIE
    blocks = (permuted[begin : begin + BLOCK] for begin in range(0, len(permuted), BLOCK))
    shares = np.sum([(statistics(block) >= least).sum(0) for block in blocks], axis=0) / len(permuted)
    of_each = shares if moderators is None else shares[:-1]
    return PermutationTest(of_each, float(shares[-1]), count or len(permuted), count > 0)


def _signs(k: int, exact_up_to: int, draws: int, random: np.random.Generator) -> tuple[Rows, int]:
    """Signs (m, k), the observed ones first, and the number of all if these are they, else 0.

    Flipping all of them mirrors the statistic, so that half of the 2^k suffice.
    """
    if 2**k <= exact_up_to:
        return 1 - 2 * (np.arange(2 ** (k - 1))[:, None] >> np.arange(k) & 1), 2**k
    flips = random.integers(0, 2, (draws, k))
    flips[0] = 0
    return 1 - 2 * flips, 0


def _orders(basis: Floats, exact_up_to: int, draws: int, random: np.random.Generator) -> tuple[Rows, int]:
    """Orders of the studies (m, k) among the rows of a design, of which equal ones make fewer; as above."""
    _, labels, counts = np.unique(np.round(basis, 12) + 0.0, axis=0, return_inverse=True, return_counts=True)
    repeats = [int(count) for count in counts]
    number = factorial(len(basis)) // prod(map(factorial, repeats))
    if number <= exact_up_to:
        return _distinct_orders(labels.reshape(-1), repeats), number
    orders = np.argsort(random.random((draws, len(basis))), axis=1)
    orders[0] = np.arange(len(basis))
    return orders, 0


def _distinct_orders(labels: Rows, repeats: list[int]) -> Rows:
    """Every distinct way to deal the studies to the rows of the design, as orders of the studies (m, k).

    Each study in turn is given a kind of row still free; the studies of one kind then take its rows in turn.
    """
    dealt = np.empty((1, 0), dtype=np.intp)
    left = np.array([repeats])
    for _ in range(len(labels)):
        branch, kind = np.nonzero(left)
        dealt = np.column_stack([dealt[branch], kind])
        left = left[branch]
        left[np.arange(len(kind)), kind] -= 1
    studies = np.argsort(dealt, axis=1, kind="stable")
    orders = np.empty_like(studies)
    orders[:, np.argsort(labels, kind="stable")] = studies
    return orders
