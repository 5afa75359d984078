"""How sure a ranking is: a fitted network in, the probability of every rank of every treatment out.

The effects follow a mixture of normals (one normal, Student's t, or a posterior). The probabilities of their
ranks are integrals over as many dimensions as there are treatments less one; they are taken over a lattice of
points, always the same ones, each with its mirror image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from trialpool.stats import checks
from trialpool.stats.checks import Floats, check_level, one_of
from trialpool.stats.network import NetworkFit, rank_treatments

POINTS = 2**15  # of the lattice, without mirror images
SMALL = 2**13  # points in memory at once


@dataclass(frozen=True, slots=True)
class Rankogram:
    """Probabilities (t, t) of each treatment, the row, to have each rank, the column; 1 is best.

    `sucra` (t,) is the mean share of the other treatments that a treatment beats, exact (it is the P-score);
    `median_rank`, and `rank_low` to `rank_high`, an interval of `level`, are those of the rank. `sucra_low`
    to `sucra_high` is the same interval as a share of others beaten. `poth` (Wigle et al. 2025) is the
    variance of the SUCRAs over the largest there can be: 0 if nothing is known of the order, 1 if all is.
    `error` is the largest difference between a SUCRA of the lattice and the exact one.
    """

    treatments: tuple[str, ...]
    probabilities: Floats
    sucra: Floats
    sucra_low: Floats
    sucra_high: Floats
    median_rank: Floats
    rank_low: Floats
    rank_high: Floats
    poth: float
    error: float


def rankogram(fit: NetworkFit, *, better: str, level: float = 0.95) -> Rankogram:
    """The rankogram of a fit, `better` being "lower" or "higher" effects (Salanti et al. 2011).

    A SUCRA already is a mean over the uncertainty of the effects and has no interval of its own; what is
    uncertain is the rank, whose distribution this is. Lattice of Richtmyer (1951); no random numbers.

    >>> from trialpool.stats import network_meta_analysis
    >>> arms = ["b", "c", "c"], ["a", "b", "a"], ["1", "2", "3"]
    >>> fit = network_meta_analysis([0.5, 0.4, 1.0], [0.1, 0.1, 0.1], *arms)
    >>> rankogram(fit, better="lower").probabilities.round(2).tolist()
    [[0.98, 0.02, 0.0], [0.02, 0.93, 0.05], [0.0, 0.05, 0.95]]
    """
    checks.a_fit(fit, NetworkFit)
    one_of("better", better, ("lower", "higher"))
    level = check_level(level)
    t = len(fit.treatments)
    counts = np.zeros((t, t))
    for effects in _points(fit):
        ranks = np.argsort(np.argsort(effects if better == "lower" else -effects, axis=1), axis=1)
        counts += np.bincount((t * np.arange(t) + ranks).ravel(), minlength=t * t).reshape(t, t)
    chances = counts / counts.sum(axis=1, keepdims=True)
    reached = np.cumsum(chances, axis=1)
    exact = rank_treatments(fit, better=better).p_scores
    tails = np.array([0.5, (1 - level) / 2, (1 + level) / 2])
    middle, low, high = (1.0 + (reached < tail - 1e-9).sum(axis=1) for tail in tails)
    others = t - 1
    return Rankogram(
        fit.treatments,
        chances,
        exact,
        (t - high) / others,
        (t - low) / others,
        middle,
        low,
        high,
        float(((exact - 0.5) ** 2).mean() * 12 * others / (t + 1)),
        float(np.abs(reached[:, :-1].mean(axis=1) - exact).max()),
    )


def _points(fit: NetworkFit) -> list[Floats]:
    """Effects (points, t) at the lattice, in pieces: the part of the mixture, then a normal within it."""
    roots = np.linalg.cholesky(_full(fit.grid_covariances[:, 1:, 1:]))
    edges = np.cumsum(fit.grid_weights)
    pieces = []
    for start in range(0, POINTS, SMALL):
        u = _lattice(np.arange(start, start + SMALL), fit.effects.shape[0])
        part = np.minimum(np.searchsorted(edges, u[:, 0] * edges[-1]), edges.size - 1)
        z = ndtri(u[:, 1:])
        away = z @ roots[0].T if edges.size == 1 else (roots[part] @ z[:, :, None])[:, :, 0]
        centre = fit.grid_effects[part, 1:]
        pieces += [np.pad(centre + sign * away, ((0, 0), (1, 0))) for sign in (1, -1)]
    return pieces


def _full(covariances: Floats) -> Floats:
    """Covariances of full rank: what an additive model ties together is let go by a hair."""
    scale, one = np.trace(covariances, axis1=1, axis2=2)[:, None, None], np.eye(covariances.shape[1])
    # Without any error at all chance orders those that are equal, the reference as any other.
    return np.asarray(covariances + 1e-14 * np.where(scale > 0, scale / len(one) * one, one + 1))


def _lattice(index: np.ndarray, dimensions: int) -> Floats:
    """Points in the open unit cube: multiples of the square roots of primes, without their whole parts."""
    primes: list[int] = []
    number = 2
    while len(primes) < dimensions:
        if all(number % prime for prime in primes):
            primes.append(number)
        number += 1
    u = np.outer(index + 0.5, np.sqrt(primes)) % 1.0
    return np.asarray(np.clip(u, 1e-15, 1 - 1e-15))
