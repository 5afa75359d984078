"""Kenward and Roger's small-sample inference for a meta-regression by restricted maximum likelihood.

The covariance of the coefficients is widened for the uncertainty of τ², and t and F have the degrees of
freedom that match their first two moments (Kenward & Roger 1997, Biometrics 53: 983).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtrc

from trialpool.stats import checks
from trialpool.stats._model import batch_of, estimate_tau2, intercept
from trialpool.stats._numeric import Tested, infer
from trialpool.stats.checks import Floats, check_level, one_analysis
from trialpool.stats.regression import WaldTest

VANISHED = 1e-8  # what two sums differ by that rounding alone keeps apart


@dataclass(frozen=True, slots=True)
class KenwardRoger(Tested[Floats]):
    """Coefficients (p,), intercept first, with their t inference on `df` (p,) each; `covariance` adjusted.

    `omnibus` tests all moderators together, NaN without any.
    """

    coefficients: Floats
    df: Floats
    covariance: Floats
    tau2: float
    omnibus: WaldTest


def kenward_roger(
    effects: ArrayLike, variances: ArrayLike, design: ArrayLike | None = None, *, level: float = 0.95
) -> KenwardRoger:
    """Pool effects (k,), or regress them on a `design` (k, m) without intercept, by REML.

    With two coefficients more than there are degrees of freedom, or τ² = 0, the formulas still hold: the
    variance of τ² is that of its expected information.

    >>> fit = kenward_roger([0.1, 0.9, 0.4, 0.3], [0.02, 0.03, 0.05, 0.04])
    >>> round(float(fit.se[0]), 4), round(float(fit.df[0]), 3)
    (0.1809, 2.956)
    """
    level = check_level(level)
    y, v = one_analysis(effects, variances)
    batch = batch_of(y, v)
    columns = intercept(y.size) if design is None else batch.regressed_on(design)
    if y.size <= columns.basis.shape[1]:
        raise ValueError(f"effects: {y.size} studies leave no degree of freedom")
    (model,) = batch.models(columns)
    tau2 = estimate_tau2(model, model.start(), "REML")
    checks.comparable(v + tau2)
    fit, back, p = model.at(tau2), columns.back, columns.basis.shape[1]
    phi = back @ fit.inverse[0] @ back.T
    rows = columns.basis @ np.linalg.inv(back)
    w = fit.weights[0]
    scaled = np.sqrt(w)[:, None] * rows
    basis = np.linalg.qr(scaled)[0]
    left = w[:, None] * scaled
    left -= basis @ (
        basis.T @ left
    )  # of the weights, what the design leaves: no variance falls below that of phi
    squares = scaled.T @ (w[:, None] * scaled)
    apart = np.diag(w) - basis @ (basis.T * w)
    information = ((apart - (apart @ basis) @ basis.T) ** 2).sum()
    spread = 2 / information  # the variance of τ²
    adjusted = phi + 2 * spread * (left @ phi).T @ (left @ phi)
    coefficients = back @ fit.coefficients[0]
    coefficients[0] += float(model.centre[0])
    moved = phi @ squares @ phi
    df = 2 * np.diag(phi) ** 2 / (spread * np.diag(moved) ** 2)
    found = infer(coefficients, np.sqrt(np.diag(adjusted)), df, level)
    omnibus = WaldTest(np.nan, 0.0, np.nan, np.nan)
    if p > 1:
        omnibus = _together(coefficients, phi, moved, adjusted, spread)
    return KenwardRoger(
        **found.named(),
        coefficients=coefficients,
        df=df,
        covariance=adjusted,
        tau2=float(tau2[0]),
        omnibus=omnibus,
    )


def _together(coefficients: Floats, phi: Floats, moved: Floats, adjusted: Floats, spread: float) -> WaldTest:
    """The scaled F test of all slopes."""
    q = len(coefficients) - 1
    unit = np.linalg.inv(phi[1:, 1:])
    shape = unit @ moved[1:, 1:]
    a1, a2 = spread * np.trace(shape) ** 2, spread * np.trace(shape @ shape)
    b, g = (a1 + 6 * a2) / (2 * q), ((q + 1) * a1 - (q + 4) * a2) / ((q + 2) * a2)
    below = 3 * q + 2 * (1 - g)
    c1, c2, c3 = g / below, (q - g) / below, (q + 2 - g) / below
    rest, under = 1 - a2 / q, 1 - c2 * b  # both vanish on 2 degrees of freedom, where F has no mean
    share = (rest / under if abs(under) > VANISHED else 1.0) ** 2 * (1 + c1 * b) / (1 - c3 * b)
    df2 = 4 + (q + 2) / (share - 1)
    scale = df2 * rest / (df2 - 2) if abs(df2 - 2) > VANISHED else 1.0
    slopes = coefficients[1:]
    statistic = scale / q * float(slopes @ np.linalg.solve(adjusted[1:, 1:], slopes))
    return WaldTest(float(statistic), float(q), float(df2), float(fdtrc(q, df2, statistic)))
