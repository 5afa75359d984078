"""Meta-regression: mixed-effects models with moderators, by any tau2 method, in batches."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, fdtrc

from trialpool.stats import design as forms_of_design
from trialpool.stats.batch import Batch, batch_of, chunks
from trialpool.stats.checks import Floats, check_level, finite, one_of, plain
from trialpool.stats.forms import start, weights_at
from trialpool.stats.heterogeneity import TAU2_METHODS, estimate_tau2
from trialpool.stats.model import Model
from trialpool.stats.moderators import Moderators, check_solvable, moderators_of
from trialpool.stats.pooling import INTERVALS, inconsistency
from trialpool.stats.tails import chi2_tail, quantile, ratio, two_sided


@dataclass(frozen=True, slots=True)
class MetaRegression:
    """A meta-regression; coefficients and their tests are (…, p), intercept first, the rest (…).

    `covariance` is (…, p, p). `df` is infinite for normal tests. `qe` tests the heterogeneity left, `qm`
    all moderators together: χ² on `qm_df`, or under hksj F on `qm_df` and `df`. `i2` and `r2` are per cent.
    """

    coefficients: Floats
    covariance: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    statistic: Floats
    p_value: Floats
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
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    one_of("interval", interval, INTERVALS)
    level = check_level(level)
    batch = batch_of(effects, variances, where)
    moderators = moderators_of(design, batch.k)
    check_solvable(batch, moderators)
    return regress_batch(batch, moderators, tau2_method, interval, level)


def regress_batch(
    batch: Batch, moderators: Moderators, tau2_method: str, interval: str, level: float
) -> MetaRegression:
    """Fit a checked batch chunk by chunk."""
    parts: dict[str, list[Floats]] = {name: [] for name in MetaRegression.__slots__}
    for _, model in chunks(batch):
        fit = _fit(model, moderators, tau2_method, interval, level)
        for name, values in fit.items():
            parts[name].append(values)
    whole = {name: np.concatenate(values) for name, values in parts.items()}
    shaped = {name: plain(a.reshape((*batch.shape, *a.shape[1:]))) for name, a in whole.items()}
    return MetaRegression(**shaped)


def _fit(
    model: Model, moderators: Moderators, tau2_method: str, interval: str, level: float
) -> dict[str, Floats]:
    null, null_df, null_tau2 = start(model), model.freedom, np.zeros(len(model.count))
    common = tau2_method == "FE"
    if not common:
        null_tau2 = estimate_tau2(model, null, tau2_method)
    model = replace(model, basis=moderators.basis)
    begin, freedom = start(model), model.freedom
    tau2 = estimate_tau2(model, begin, tau2_method)
    beta, covariance, scale = solve(model, moderators, tau2)
    beta[:, 0] += model.centre
    df = np.full(len(tau2), np.inf)
    if interval != "wald":
        scale = np.maximum(scale, 1.0) if interval == "hksj_adhoc" else scale
        covariance, df = covariance * scale[:, None, None], freedom
    unexplained = (null.q / null_df, begin.q / freedom) if common else (null_tau2, tau2)
    left = {
        "tau2": tau2,
        "r2": _share(unexplained[0] - unexplained[1], unexplained[0]),
        "qe": begin.q,
        "qe_df": freedom,
        "qe_p_value": chi2_tail(begin.q, freedom),
    }
    left |= inconsistency(begin, freedom, tau2, common) | omnibus(beta[:, 1:], covariance[:, 1:, 1:], df)
    return left | _tested(beta, covariance, df, level)


def _tested(beta: Floats, covariance: Floats, df: Floats, level: float) -> dict[str, Floats]:
    se = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    statistic = ratio(beta, se)
    half = quantile(df, (1 + level) / 2)[:, None] * se
    return {
        "coefficients": beta,
        "covariance": covariance,
        "se": se,
        "ci_low": beta - half,
        "ci_high": beta + half,
        "statistic": statistic,
        "p_value": two_sided(statistic, np.broadcast_to(df[:, None], se.shape)),
        "df": df,
    }


def solve(model: Model, moderators: Moderators, tau2: Floats) -> tuple[Floats, Floats, Floats]:
    """Coefficients (n, p) in the moderators' units, their covariance, and the Knapp-Hartung scale (n,)."""
    w = weights_at(model, tau2)
    inverse, residual = forms_of_design.residuals(moderators.basis, w, model.effects)
    onto = forms_of_design.coefficients(moderators.basis, w, model.effects, inverse)
    scale = np.einsum("ij,ij,ij->j", w, residual, residual) / model.freedom
    back = moderators.back
    return onto @ back.T, back @ inverse @ back.T, scale


def omnibus(slopes: Floats, covariance: Floats, df: Floats) -> dict[str, Floats]:
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


def _share(gain: Floats, total: Floats) -> Floats:
    return 100 * np.maximum(np.divide(gain, total, out=np.zeros_like(gain), where=total > 0), 0.0)


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
    if fit.coefficients.ndim != 1:
        raise ValueError("fit holds a batch: predict from one meta-regression at a time")
    rows = finite("design", design)
    rows = rows[:, None] if rows.ndim == 1 else rows
    if rows.ndim != 2 or rows.shape[1] != len(fit.coefficients) - 1:
        raise ValueError(f"design has shape {rows.shape}: needs {len(fit.coefficients) - 1} columns")
    full = np.column_stack([np.ones(len(rows)), rows])
    estimate = full @ fit.coefficients
    variance = np.einsum("ri,ij,rj->r", full, fit.covariance, full)
    crit = quantile(np.atleast_1d(fit.df), (1 + check_level(level)) / 2)
    near, far = crit * np.sqrt(variance), crit * np.sqrt(variance + fit.tau2)
    se = np.sqrt(variance)
    return Predicted(estimate, se, estimate - near, estimate + near, estimate - far, estimate + far)
