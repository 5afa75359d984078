"""Dose-response meta-analysis of aggregated data: a line or a restricted cubic spline, no effect at no dose.

In: effects of dose groups against the reference group of their trial, their covariances and doses. Out: the
curve. In trial i, with z the differences of dose,

    y_ij = Σ β_p (f_p(x_ij) - f_p(x0_i)) + b_i z_ij + e_ij, f_1(x) = x, b_i ~ N(0, tau2), e_i ~ N(0, S_i),

the one-stage model (Crippa, Discacciati, Bottai, Spiegelman & Orsini 2019, Stat Methods Med Res 28: 1579)
with a random effect of the linear term alone. A matrix A with Az = 1 and ASA' = vI turns the rows of a trial
into slopes whose random effect they share: the model becomes that of `dependent`, without a component within
trials. Of a line only each trial's own slope matters, z'S⁻¹y/z'S⁻¹z with variance 1/z'S⁻¹z: there it is the
two-stage model (Berlin, Longnecker & Greenland 1993, Epidemiology 4: 218), and with one dose a trial and
tau2 = 0 weighted least squares through the origin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from trialpool.stats import checks
from trialpool.stats._model import LIKELIHOODS
from trialpool.stats._numeric import Rows, Tested, infer, quantile
from trialpool.stats.checks import Floats, check_level, finite, one_analysis, one_of
from trialpool.stats.dependent import best_components, cluster_numbers, gaussian, nest
from trialpool.stats.pooling import INTERVALS
from trialpool.stats.regression import Predicted

METHODS = ("FE", *LIKELIHOODS)
SHAPES = ("linear", "spline")
KNOTS = (0.1, 0.5, 0.9)  # quantiles of the doses, of three knots (Harrell 2015, table 2.3)


@dataclass(frozen=True, slots=True)
class DoseResponse(Tested[Floats]):
    """A dose-response curve; coefficients (p,) per unit of dose and their tests, linear term first.

    `df` is trials - p, infinite for normal tests. `tau2` is the variance of the random slope. `q` tests at
    tau2 = 0 all that the curve leaves over. `linearity_p_value` is that of the spline's second coefficient,
    a Wald test; NaN of a line, which has no `knots`. `slopes` and `slope_variances` (trials,) are the trials'
    own lines, in order of appearance.
    """

    coefficients: Floats
    covariance: Floats
    df: float
    tau2: float
    q: float
    q_df: int
    q_p_value: float
    linearity_p_value: float
    knots: Floats
    slopes: Floats
    slope_variances: Floats
    k: int
    trials: int


def dose_response(
    effects: ArrayLike,
    variances: ArrayLike,
    doses: ArrayLike,
    study: ArrayLike | None = None,
    *,
    reference: ArrayLike = 0.0,
    shape: str = "linear",
    knots: ArrayLike | None = None,
    method: str = "REML",
    interval: str = "hksj_adhoc",
    level: float = 0.95,
) -> DoseResponse:
    """Fit effects (k,) over their `doses` (k,), each against the `reference` dose of its trial (0 for none).

    `variances` are (k,), or the whole covariance (k, k), which is 0 between trials. `study` (k,) labels the
    trials; None makes each effect one. `shape` "spline" has three `knots`, by default the 10th, 50th and
    90th percentile of the doses. `method` of tau2 is REML, ML or FE (none). `interval` "wald" is normal,
    "hksj" t on trials - p df with the variance times the weighted mean square of the residuals, on k - p df
    (Knapp & Hartung 2003), "hksj_adhoc" the same with a factor of at least 1.

    A slope other than 0 says that the treatment has an effect, which grows with the dose by assumption.

    >>> fit = dose_response([-0.9, -1.3, -2.1], [0.1, 0.1, 0.2], [5, 10, 15], method="FE", interval="wald")
    >>> fit.coefficients.round(4).tolist(), fit.slopes.round(2).tolist()
    ([-0.14], [-0.18, -0.13, -0.14])
    """
    for name, value, allowed in (("shape", shape, SHAPES), ("method", method, METHODS)):
        one_of(name, value, allowed)
    one_of("interval", interval, INTERVALS)
    check_level(level)
    y, cov = _checked(effects, variances)
    given = {"doses": finite("doses", doses, least=0), "reference": finite("reference", reference, least=0)}
    _, x, x0 = checks.together(effects=y, **given)
    if x.shape != y.shape:
        raise ValueError(f"doses {x.shape}: needs one for each of the {y.size} effects")
    numbers, trials = cluster_numbers(np.arange(y.size) if study is None else study, y.size, "study")
    if (cov[numbers[:, None] != numbers] != 0).any():
        raise ValueError("variances: effects of different trials must not covary")
    at = _knots(x, knots) if shape == "spline" else np.empty(0)
    rows = [_as_slopes(y, cov, x, x0, at, np.flatnonzero(numbers == number)) for number in range(trials)]
    slopes, own, bends = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    return _report(slopes, own, bends, np.sort(numbers), at, method, interval, level)


def _checked(effects: ArrayLike, variances: ArrayLike) -> tuple[Floats, Floats]:
    """The effects, and their covariance (k, k)."""
    given = finite("variances", variances)
    y, v = one_analysis(effects, np.diagonal(given) if given.ndim == 2 else given)
    cov = given if given.ndim == 2 else np.diag(v)
    if cov.shape != (y.size, y.size) or not np.allclose(cov, cov.T, rtol=1e-12, atol=0):
        raise ValueError(f"variances has shape {cov.shape}: needs one for each effect, or a symmetric matrix")
    return y, cov


def _knots(doses: Floats, knots: ArrayLike | None) -> Floats:
    at = np.quantile(doses, KNOTS) if knots is None else finite("knots", knots)
    if at.shape != (len(KNOTS),) or not (np.diff(at) > 0).all():
        given = "the percentiles of the doses" if knots is None else "knots"
        raise ValueError(f"{given} are {np.array2string(at)}: three rising numbers make a spline")
    return at


def _bend(doses: Floats, knots: Floats) -> Floats:
    """The spline's second term, a cubic between the knots and straight beyond them (Harrell 2015, 2.4.5).

    Divided by the square of the outer knots' distance it is in the unit of the doses.
    """
    first, middle, last = ((doses[..., None] - knots).clip(min=0) ** 3).T
    low, mid, high = knots
    cubic = first - middle * (high - low) / (high - mid) + last * (mid - low) / (high - mid)
    return np.asarray(cubic.T / (high - low) ** 2)


def _as_slopes(
    y: Floats, cov: Floats, x: Floats, x0: Floats, knots: Floats, rows: Rows
) -> tuple[Floats, Floats, Floats]:
    """A trial's rows as slopes with one variance and independent errors, and the bend of each (m, p - 1)."""
    z = (x - x0)[rows]
    try:
        lower = np.linalg.cholesky(cov[np.ix_(rows, rows)])
    except np.linalg.LinAlgError:
        raise ValueError(f"variances: those of effects {rows.tolist()} are no covariance matrix") from None
    unit = np.linalg.solve(lower, z)
    length = float(np.sqrt(unit @ unit))
    if not length > 0:
        remedy = "leave the row out, or give its reference"
        raise ValueError(f"doses{rows.tolist()}: no other dose than that of the reference; {remedy}")
    even = np.full(rows.size, rows.size**-0.5)
    mirror = unit / length - even  # the reflection that turns `unit` into the direction of all ones
    size = mirror @ mirror
    turn = np.eye(rows.size) - (2 / size * np.outer(mirror, mirror) if size > 1e-30 else 0.0)
    bent = [_bend(x[rows], knots) - _bend(x0[rows], knots)] if knots.size else []
    turned = turn @ np.linalg.solve(lower, np.column_stack([y[rows], *bent])) * rows.size**0.5 / length
    return turned[:, 0], np.full(rows.size, rows.size / length**2), turned[:, 1:]


def _report(
    slopes: Floats,
    own: Floats,
    bends: Floats,
    numbers: Rows,
    knots: Floats,
    method: str,
    interval: str,
    level: float,
) -> DoseResponse:
    if knots.size and slopes.size < 3:
        raise ValueError(f"doses: {slopes.size} effects cannot carry the 2 coefficients of a spline")
    if knots.size and np.ptp(bends) <= 1e-12 * abs(bends).max():
        raise ValueError(f"knots are {np.array2string(knots)}: between the doses the curve has no bend")
    nested, back = nest(slopes, own, numbers, bends if knots.size else None, 0.0, method == "REML")
    (k, p), trials = nested.design.shape, nested.first.size
    t = interval != "wald"
    if t and trials <= p:
        raise ValueError(f"study: {trials} trials cannot carry {p} coefficients and their uncertainty")
    fixed = gaussian(nested, 0.0, 0.0)
    tau2, _, fit = (0.0, 0.0, fixed) if method == "FE" else best_components(nested, within=False)
    left = max(0.0, float(nested.y @ fit.weighted_residual)) / (k - p) if k > p else 1.0
    scale = (max(left, 1.0) if interval == "hksj_adhoc" else left) if t else 1.0
    coefficients = back @ fit.coefficients
    coefficients[0] += nested.centre
    covariance = back @ fit.covariance @ back.T * scale
    df = float(trials - p) if t else np.inf
    tested = infer(coefficients, np.sqrt(np.diag(covariance)), df, level)
    q = max(0.0, float(nested.y @ fixed.weighted_residual))
    sizes = np.bincount(numbers)
    return DoseResponse(
        coefficients=coefficients,
        covariance=covariance,
        **tested.named(),
        df=df,
        tau2=tau2,
        q=q,
        q_df=k - p,
        q_p_value=float(chdtrc(k - p, q)) if k > p else 1.0,
        linearity_p_value=float(tested.p_value[1]) if p > 1 else np.nan,
        knots=knots,
        slopes=np.bincount(numbers, weights=slopes) / sizes,
        slope_variances=own[nested.first] / sizes,
        k=k,
        trials=trials,
    )


def predict_dose(
    fit: DoseResponse, doses: ArrayLike, *, reference: float = 0.0, level: float = 0.95
) -> Predicted:
    """Expected effects of `doses` (rows,) against the `reference` dose, with the fit's own quantile.

    The prediction interval, for a new trial, adds tau2 times the squared difference of dose.

    >>> fit = dose_response([-0.9, -1.3, -2.1], [0.1, 0.1, 0.2], [5, 10, 15], method="FE", interval="wald")
    >>> predict_dose(fit, [0, 12]).estimate.round(2).tolist()
    [0.0, -1.68]
    """
    checks.a_fit(fit, DoseResponse)
    x = np.atleast_1d(finite("doses", doses, least=0))
    x0 = np.array([checks.number("reference", reference, least=0)])
    if x.ndim != 1:
        raise ValueError(f"doses has shape {x.shape}: needs one dose a row")
    bent = [_bend(x, fit.knots) - _bend(x0, fit.knots)] if fit.knots.size else []
    full = np.column_stack([x - x0, *bent])
    estimate = full @ fit.coefficients
    variance = np.einsum("ri,ij,rj->r", full, fit.covariance, full).clip(min=0)
    half = quantile(fit.df, check_level(level))
    near, far = half * np.sqrt(variance), half * np.sqrt(variance + fit.tau2 * full[:, 0] ** 2)
    return Predicted(
        estimate, np.sqrt(variance), estimate - near, estimate + near, estimate - far, estimate + far
    )
