"""The normal-normal model as a function of tau: priors, likelihood, and where the posterior has mass."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trialpool.stats.checks import Floats, finite, positive
from trialpool.stats.quadrature import find_support

PRIORS = ("half_normal", "half_cauchy", "uniform")


@dataclass(frozen=True, slots=True)
class Model:
    """Flattened data (rows, k), the substitution's scale s (rows) and the priors."""

    y: Floats
    v: Floats
    s: Floats
    kind: str
    scale: float
    prior_mean: float
    prior_precision: float


def check_tau_prior(prior: tuple[str, float]) -> tuple[str, float]:
    """Name and scale of a prior of tau; the scale must be finite and above 0."""
    if len(prior) != 2 or prior[0] not in PRIORS:
        raise ValueError(f"tau_prior is {prior!r}: must be (name, scale) with a name of {', '.join(PRIORS)}")
    return prior[0], float(positive("tau_prior", prior[1]))


def check_mu_prior(prior: tuple[float, float] | None) -> tuple[float, float]:
    """Mean and precision; a flat prior is a precision of zero."""
    if prior is None:
        return 0.0, 0.0
    if len(prior) != 2:
        raise ValueError(f"mu_prior is {prior!r}: must be (mean, sd), or None for a flat prior")
    return float(finite("mu_prior", prior[0])), float(positive("mu_prior", prior[1])) ** -2


def rows_of(model: Model, rows: slice) -> Model:
    """A part of the data under the same priors."""
    return replace(model, y=model.y[rows], v=model.v[rows], s=model.s[rows])


def _conditional(model: Model, tau: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean and sd of the mean effect given tau, and the log likelihood of tau; all of tau's shape."""
    total = model.v[:, None, :] + tau[:, :, None] ** 2
    w = 1 / total
    precision = w.sum(axis=-1) + model.prior_precision
    centre = model.y[:, :1]
    y = model.y - centre
    pulled = (model.prior_mean - centre) * model.prior_precision
    mean = ((w * y[:, None, :]).sum(axis=-1) + pulled) / precision
    q = (w * (y[:, None, :] - mean[:, :, None]) ** 2).sum(axis=-1)
    q += model.prior_precision * (mean + centre - model.prior_mean) ** 2
    k = model.y.shape[-1]
    log_likelihood = -0.5 * (np.log(total).sum(axis=-1) + np.log(precision) + q + (k - 1) * np.log(2 * np.pi))
    if model.prior_precision:
        log_likelihood += 0.5 * np.log(model.prior_precision / (2 * np.pi))
    return mean + centre, 1 / np.sqrt(precision), log_likelihood


def _log_prior(model: Model, tau: Floats) -> Floats:
    ratio = tau / model.scale
    if model.kind == "half_normal":
        shape = 0.5 * np.log(2 / np.pi) - 0.5 * ratio**2
    elif model.kind == "half_cauchy":
        shape = np.log(2 / np.pi) - np.log1p(ratio**2)
    else:
        shape = np.zeros_like(tau)
    log_prior: Floats = shape - np.log(model.scale)
    return log_prior


def log_density(model: Model, u: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Log posterior density (not normalised) of u, with tau, and mean and sd of the mean effect there."""
    tau = model.s[:, None] * np.sinh(u)
    if model.kind == "uniform":
        tau = np.minimum(tau, model.scale)
    mean, sd, log_likelihood = _conditional(model, tau)
    jacobian = np.log(model.s)[:, None] + np.log(np.cosh(u))
    return log_likelihood + _log_prior(model, tau) + jacobian, tau, mean, sd


def finite_moments(model: Model) -> int:
    """How many of the first two moments of tau the posterior has: a half-Cauchy tail falls as tau^-(k+1)."""
    if model.kind != "half_cauchy":
        return 2
    return min(2, int(model.y.shape[-1]) - 1 + (model.prior_precision > 0))


def support(model: Model) -> tuple[Floats, Floats]:
    """The interval of u outside which neither the density nor its existing moments have any mass."""
    spread = np.ptp(model.y, axis=-1) + np.sqrt(model.v.max(axis=-1))
    farthest = {
        "half_normal": np.full_like(spread, 13 * model.scale),
        "half_cauchy": np.maximum(spread, model.scale) * 1e21,
        "uniform": np.full_like(spread, model.scale),
    }[model.kind]
    power = finite_moments(model)

    def log_densities(u: Floats) -> tuple[Floats, Floats]:
        plain = log_density(model, u)[0]
        return plain, plain + power * np.log(np.maximum(np.sinh(u), 1e-300))

    return find_support(log_densities, np.zeros_like(spread), np.arcsinh(farthest / model.s))
