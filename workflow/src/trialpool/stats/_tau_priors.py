"""Priors of the heterogeneity tau: by name what is asked for, their densities, and masses on a grid."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, sici

from trialpool.stats.checks import Floats, check_level, number

TauPrior = tuple[str, float] | tuple[str, float, float]
PRIORS = ("half_normal", "half_cauchy", "uniform")  # (name, scale) of tau
LOG_PRIORS = ("log_normal", "log_t")  # (name, mean, sd) of the logarithm of tau², the latter a t distribution
LOG_DF = 5  # degrees of freedom of "log_t", those of Rhodes et al. 2015
FINEST_LEVEL = 0.999999
# Log densities of tau over its scale; "inverse_gamma" is of shape 1.
OF_RATIO: dict[str, Callable[[Floats], Floats]] = {
    "half_normal": lambda ratio: np.asarray(0.5 * np.log(2 / np.pi) - 0.5 * ratio**2),
    "half_cauchy": lambda ratio: np.asarray(np.log(2 / np.pi) - np.log1p(ratio**2)),
    "uniform": np.zeros_like,
    "inverse_gamma": lambda ratio: np.asarray(-2 * np.log(ratio) - 1 / ratio),
}


@dataclass(frozen=True, slots=True)
class Prior:
    """A prior of tau by its scale, or of the logarithm of tau² by its spread (`scale`) and `location`."""

    kind: str
    scale: float
    location: float = 0.0

    @property
    def logarithmic(self) -> bool:
        """Whether it is one of the logarithm of tau²."""
        return self.kind in LOG_PRIORS

    def of_tau(self, tau: Floats) -> Floats:
        """Log density of tau, of those that have a scale of tau."""
        return np.asarray(OF_RATIO[self.kind](tau / self.scale) - np.log(self.scale))

    def of_log_tau(self, log_tau: Floats) -> Floats:
        """Log density of the logarithm of tau."""
        if not self.logarithmic:
            return np.asarray(self.of_tau(np.exp(log_tau)) + log_tau)
        z = (2 * log_tau - self.location) / self.scale
        if self.kind == "log_normal":
            return np.asarray(np.log(2 / self.scale) - 0.5 * z**2 - 0.5 * np.log(2 * np.pi))
        constant = gammaln((LOG_DF + 1) / 2) - gammaln(LOG_DF / 2) - 0.5 * np.log(LOG_DF * np.pi)
        return np.asarray(np.log(2 / self.scale) + constant - (LOG_DF + 1) / 2 * np.log1p(z**2 / LOG_DF))


def read_prior(
    tau_prior: TauPrior, names: Collection[str] = PRIORS, logarithmic: Collection[str] = LOG_PRIORS
) -> Prior:
    """A prior by its name, one of `names` with a scale or of `logarithmic` with mean and sd.

    >>> read_prior(("log_normal", -2.56, 1.74))
    Prior(kind='log_normal', scale=1.74, location=-2.56)
    """
    named = isinstance(tau_prior, tuple | list) and len(tau_prior) > 0 and isinstance(tau_prior[0], str)
    if named and tau_prior[0] in logarithmic and len(tau_prior) == 3:
        mean, spread = tau_prior[1], tau_prior[2]
        return Prior(tau_prior[0], number("tau_prior", spread, above=0), number("tau_prior", mean))
    if not named or not is_pair(tau_prior) or tau_prior[0] not in names:
        known = f"(name, scale) with a name of {', '.join(names)}"
        known += f", or (name, mean, sd) with one of {', '.join(logarithmic)}" if logarithmic else ""
        raise ValueError(f"tau_prior is {tau_prior!r}: must be {known}")
    return Prior(tau_prior[0], number("tau_prior", tau_prior[1], above=0))


def is_pair(value: object) -> bool:
    """Whether it is a pair, not an array of them."""
    return isinstance(value, tuple | list | np.ndarray) and np.shape(np.array(value, object))[:1] == (2,)


def level_on_grid(level: float) -> float:
    """Check a level whose tails are interpolated on a grid."""
    if (found := check_level(level)) > FINEST_LEVEL:
        raise ValueError(f"level is {found}: must be at most {FINEST_LEVEL}, whose tails the grid resolves")
    return found


def mass_below(x: float, weights: Floats, at: Floats, steps: Floats | float) -> float:
    """The mass below `x` of what the trapezoidal rule integrates: sinc functions interpolate `weights` there.

    >>> round(mass_below(0.0, np.array([0.2, 0.6, 0.2]), np.array([-1.0, 0.0, 1.0]), 1.0), 12)
    0.5
    """
    return float(weights @ (0.5 + sici(np.pi * (x - at) / steps)[0] / np.pi))
