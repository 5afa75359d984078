"""Location-scale models: moderators of the mean effect, and of how far true effects spread around it.

Effects are N(X beta, v + exp(Z alpha)). The (restricted) likelihood is climbed in alpha, beta profiled out,
with its exact first and second derivatives (Viechtbauer & López-López 2022, Res Synth Methods 13: 697).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from trialpool.stats import checks
from trialpool.stats._model import LIKELIHOODS, Design, design_of, intercept
from trialpool.stats._numeric import Likelihood, Tested, climb, infer
from trialpool.stats.checks import Floats, check_level, one_analysis, one_of
from trialpool.stats.pooling import pool
from trialpool.stats.regression import WaldTest

SETTLED = 1e-10
FARTHEST = 40.0  # of the logarithm of a variance, from that of the effects: beyond, it is 0 or infinite
LONGEST = 2.0  # a step, in logarithms of a variance


@dataclass(frozen=True, slots=True)
class LocationScale(Tested[Floats]):
    """A location-scale model: coefficients (p,) of the mean, intercept first, with normal tests.

    `scale` (q,) are those of log τ², `scale_se` … `scale_ci_high` their normal inference, `scale_test` tests
    all but the first together, NaN without any; `tau2` (k,) each study's own. `caution` says what not to
    trust, else empty.
    """

    coefficients: Floats
    covariance: Floats
    scale: Floats
    scale_covariance: Floats
    scale_se: Floats
    scale_statistic: Floats
    scale_p_value: Floats
    scale_ci_low: Floats
    scale_ci_high: Floats
    scale_test: WaldTest
    tau2: Floats
    log_likelihood: float
    caution: str


@dataclass(frozen=True, slots=True)
class _Heights(Likelihood):
    """The likelihood at some scale coefficients, with its slope (q,) and bend (q, q) in them."""

    slope: Floats
    bend: Floats
    coefficients: Floats
    covariance: Floats


def location_scale_model(
    effects: ArrayLike,
    variances: ArrayLike,
    design: ArrayLike | None = None,
    scale: ArrayLike | None = None,
    *,
    method: str = "REML",
    level: float = 0.95,
) -> LocationScale:
    """Regress effects (k,) on a `design` (k, m), and log τ² on a `scale` design (k, n), without intercepts.

    None stands for an intercept alone. `method` REML or ML. The numbers are those of metafor's
    `rma(yi, vi, mods=, scale=)` with its log link. Raises ValueError where no maximum is found, as where all
    heterogeneity of some studies is 0.

    >>> y, v, z = [0.1, 0.9, 0.35, 0.9, -0.5, 0.4, 1.3, -0.9], [0.02] * 8, [0, 0, 0, 1, 1, 0, 1, 1]
    >>> location_scale_model(y, v, scale=z).scale.round(3).tolist()
    [-2.416, 2.31]
    """
    one_of("method", method, LIKELIHOODS)
    level = check_level(level)
    y, v = one_analysis(effects, variances)
    checks.comparable(v, float(np.ptp(y)))
    k = y.size
    mean, spread = (intercept(k) if given is None else design_of(given, k) for given in (design, scale))
    if k <= mean.basis.shape[1] + spread.basis.shape[1]:
        raise ValueError(f"effects: {k} studies cannot carry so many coefficients and their uncertainty")
    centre = float(y.mean())
    tau2 = max(float(pool(y, v, tau2_method="ML").tau2), 0.1 * float(v.mean()))
    start = np.linalg.lstsq(spread.basis, np.full(k, np.log(tau2)), rcond=None)[0]

    def model(at: Floats) -> _Heights:
        return _heights(y - centre, v, mean, spread.basis, at, method == "REML")

    at, here, rested = climb(model, _step(spread.basis), start, -np.inf, 1.0, SETTLED)
    logs = spread.basis @ at
    if not rested or np.abs(logs - np.log(tau2)).max() > FARTHEST or np.linalg.eigvalsh(here.bend).max() >= 0:
        raise ValueError(
            "the likelihood has no maximum: these studies do not determine the coefficients of scale"
        )
    return _reported(mean, spread, at, here, centre, level)


def _step(basis: Floats) -> Callable[[Floats, _Heights], Floats]:
    def newton(at: Floats, here: _Heights) -> Floats:
        values, vectors = np.linalg.eigh(here.bend)
        uphill = vectors @ ((vectors.T @ here.slope) / np.maximum(np.abs(values), 1e-8))
        return np.asarray(uphill * min(1.0, LONGEST / max(float(np.abs(basis @ uphill).max()), 1e-300)))

    return newton


def _heights(y: Floats, v: Floats, mean: Design, basis: Floats, at: Floats, restricted: bool) -> _Heights:
    tau2 = np.exp(np.clip(basis @ at, -300, 300))
    w = 1 / (v + tau2)
    x = mean.basis
    inverse = np.asarray(np.linalg.inv(x.T @ (w[:, None] * x)), dtype=np.float64)
    coefficients = inverse @ (x.T @ (w * y))
    residual = y - x @ coefficients
    pulled = w * residual  # Py
    hat = w[:, None] * x
    projected = np.diag(w) - hat @ inverse @ hat.T  # P
    own = projected if restricted else np.diag(w)
    along = tau2[:, None] * basis  # of the variances in the coefficients
    gap = pulled**2 - np.diag(own)
    slope = 0.5 * along.T @ gap
    twice = 0.5 * own**2 - pulled[:, None] * projected * pulled
    bend = along.T @ twice @ along + 0.5 * basis.T @ ((gap * tau2)[:, None] * basis)
    k, p = x.shape
    height = 0.5 * (np.log(w).sum() - float(pulled @ residual) - k * np.log(2 * np.pi))
    if restricted:
        gram = np.linalg.slogdet(x.T @ x)[1] + np.linalg.slogdet(inverse)[1]
        height += 0.5 * (p * np.log(2 * np.pi) + gram)
    return _Heights(float(height), slope, bend, coefficients, inverse)


def _reported(
    mean: Design, spread: Design, at: Floats, here: _Heights, centre: float, level: float
) -> LocationScale:
    coefficients, scale = mean.back @ here.coefficients, spread.back @ at
    coefficients[0] += centre
    covariance = mean.back @ here.covariance @ mean.back.T
    of_scale = spread.back @ np.linalg.inv(-here.bend) @ spread.back.T
    found = infer(coefficients, np.sqrt(np.diag(covariance)), np.inf, level)
    inferred = infer(scale, np.sqrt(np.diag(of_scale)), np.inf, level)
    q = len(scale) - 1
    statistic = float(scale[1:] @ np.linalg.solve(of_scale[1:, 1:], scale[1:])) if q else np.nan
    p_value = float(chdtrc(q, statistic)) if q else np.nan
    few = len(spread.basis) < 10 * len(scale)
    caution = "fewer than 10 studies a coefficient of scale: its tests are not trustworthy" if few else ""
    return LocationScale(
        **found.named(),
        coefficients=coefficients,
        covariance=covariance,
        scale=scale,
        scale_covariance=of_scale,
        **inferred.named("scale_"),
        scale_test=WaldTest(statistic, float(q), np.inf, p_value),
        tau2=np.exp(spread.basis @ at),
        log_likelihood=here.log_likelihood,
        caution=caution,
    )
