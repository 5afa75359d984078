"""The likelihood of a step-function selection model, with exact first and second derivatives.

A study's one-sided p-value falls in a band between steps; a result of band j is published with relative
chance d_j, the first band's being 1. Effects are N(mu, v + t). A study contributes
log d + log N(y; mu, v + t) - log A, with A = sum of d_j times the chance of band j (Vevea & Hedges 1995).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from trialpool.stats.checks import Floats

CLIMB_STEPS = 300
SETTLED = 1e-12
LONGEST_LOG_STEP = 1.5


@dataclass(frozen=True, slots=True)
class Selection:
    """Effects and variances (k,), band of each study (k,), and the bands' lower effect limits (k, steps)."""

    y: Floats
    v: Floats
    band: NDArray[np.intp]
    limits: Floats


@dataclass(frozen=True, slots=True)
class Slope:
    """Log-likelihood with gradient (p,) and Hessian (p, p) in (mu, t, d_2, d_3, …)."""

    height: float
    gradient: Floats
    hessian: Floats


def selection_of(y: Floats, v: Floats, steps: Floats) -> Selection:
    """Place studies in the bands of one-sided p-values, large effects being significant."""
    root = np.sqrt(v)
    p_values = ndtr(-y / root)
    limits = ndtri(1 - steps) * root[:, None]
    return Selection(y, v, np.searchsorted(steps, p_values, side="left"), limits)


def slope(selection: Selection, mu: float, t: float, weights: Floats) -> Slope:
    """Evaluate at mean mu, heterogeneity t and relative chances `weights` of the bands after the first."""
    y, v, band = selection.y, selection.v, selection.band
    variance = v + t
    residual = y - mu
    share, share_slope, share_bend = _shares(selection, mu, variance)
    chances = np.append(1.0, weights)
    kept = share @ chances
    # Of A: its gradient in (mu, t, d_2 …), and its second derivatives, which involve mu and t alone or once.
    first = np.column_stack([share_slope @ chances, share[:, 1:]])
    second = np.zeros((y.size, first.shape[1], first.shape[1]))
    second[:, :2, :2] = np.einsum("nabj,j->nab", share_bend, chances)
    second[:, :2, 2:] = share_slope[:, :, 1:]
    second[:, 2:, :2] = np.swapaxes(share_slope[:, :, 1:], 1, 2)
    relative = first / kept[:, None]
    hessian = np.einsum("na,nb->ab", relative, relative) - (second / kept[:, None, None]).sum(axis=0)
    count = np.bincount(band, minlength=chances.size)[1:]
    gradient = -relative.sum(axis=0)
    gradient[:2] += (residual / variance).sum(), 0.5 * ((residual / variance) ** 2 - 1 / variance).sum()
    gradient[2:] += count / weights
    hessian[0, 0] -= (1 / variance).sum()
    hessian[0, 1] -= (residual / variance**2).sum()
    hessian[1, 0] = hessian[0, 1]
    hessian[1, 1] += (0.5 / variance**2 - residual**2 / variance**3).sum()
    hessian[2:, 2:] -= np.diag(count / weights**2)
    height = np.log(chances[band]) - 0.5 * (np.log(2 * np.pi * variance) + residual**2 / variance)
    return Slope(float((height - np.log(kept)).sum()), gradient, hessian)


def _shares(selection: Selection, mu: float, variance: Floats) -> tuple[Floats, Floats, Floats]:
    """Chance of each band (k, bands), its slopes in mu and t (k, 2, bands), and bends (k, 2, 2, bands)."""
    s = np.sqrt(variance)[:, None]
    b = (selection.limits - mu) / s
    density = np.exp(-0.5 * b * b) / np.sqrt(2 * np.pi)
    above = [
        ndtr(-b),
        density / s,
        density * b / (2 * s**2),
        density * b / s**2,
        density * (b * b - 1) / (2 * s**3),
        density * b * (b * b - 3) / (4 * s**4),
    ]
    k = b.shape[0]
    share, mu_, t_, mu_mu, mu_t, t_t = (
        np.diff(part, axis=1, prepend=np.zeros((k, 1)), append=np.full((k, 1), float(order == 0)))
        for order, part in enumerate(above)
    )
    # The last band's chance is a lower tail: as 1 minus an upper tail it would lose its digits.
    share[:, -1] = ndtr(b[:, -1])
    bend = np.stack([np.stack([mu_mu, mu_t], axis=1), np.stack([mu_t, t_t], axis=1)], axis=1)
    return share, np.stack([mu_, t_], axis=1), bend


def climb(selection: Selection, start: Floats) -> tuple[Floats, Slope, bool]:
    """Climb to a maximum over mu, t >= 0 and positive chances, from `start` = (mu, t, log d_2, …).

    Newton steps with the Hessian's eigenvalues turned downhill; chances move on the log scale. Returns the
    place, its slope in natural parameters, and whether the climb came to rest.
    """
    at = start.copy()
    here = slope(selection, at[0], at[1], np.exp(at[2:]))
    unit = np.append([np.sqrt(selection.v.mean()), selection.v.mean()], np.ones(at.size - 2))
    for _ in range(CLIMB_STEPS):
        step = _newton(here, at, unit)
        moved, there = _longest(selection, at, here, step)
        change = np.abs(moved - at) / (unit + np.abs(at))
        at, here = moved, there
        if change.max() <= SETTLED:
            return at, here, True
    return at, here, False


def _newton(here: Slope, at: Floats, unit: Floats) -> Floats:
    """The step in units of (mu, t, log d), 0 in t where t is 0 and would fall."""
    scale = np.append(unit[:2], np.exp(at[2:]))
    gradient = here.gradient * scale
    hessian = here.hessian * np.outer(scale, scale)
    hessian[2:, 2:] += np.diag(gradient[2:])
    free = np.ones(at.size, dtype=bool)
    free[1] = at[1] > 0 or gradient[1] > 0
    values, vectors = np.linalg.eigh(hessian[np.ix_(free, free)])
    downhill = np.maximum(np.abs(values), 1e-10 * max(1.0, np.abs(values).max()))
    step = np.zeros(at.size)
    step[free] = vectors @ ((vectors.T @ gradient[free]) / downhill)
    step *= min(1.0, LONGEST_LOG_STEP / max(np.abs(step[2:]).max(initial=0.0), 1e-300))
    return step * np.append(unit[:2], np.ones(at.size - 2))


def _longest(selection: Selection, at: Floats, here: Slope, step: Floats) -> tuple[Floats, Slope]:
    """Go the longest of 1, 1/2, 1/4 … of a step, t cut at 0, that does not lower the likelihood."""
    allowed = 1e-12 * (1 + abs(here.height))
    for halvings in range(50):
        moved = at + step / 2**halvings
        moved[1] = max(moved[1], 0.0)
        there = slope(selection, moved[0], moved[1], np.exp(moved[2:]))
        if there.height >= here.height - allowed:
            return moved, there
    return at, here
