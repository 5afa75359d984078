"""The likelihood of effects nested in clusters, by block algebra: its cost grows with n, not with n².

Within a cluster the effects' covariance is M = diag((1 - rho)v + s2w) + rho·√v√v' + s2b·11': a diagonal
plus two columns, so its inverse, determinant and traces come from a 2 x 2 matrix a cluster (Woodbury).
The components are climbed by average-information steps (Gilmour, Thompson & Cullis 1995) with zero as a
genuine boundary, from every local maximum of a coarse grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialpool.stats.checks import Floats

CLIMB_STEPS = 200
SETTLED = 1e-13
GRID = (0.0, 3e-3, 0.03, 0.2, 1.0, 6.0, 50.0)


@dataclass(frozen=True, slots=True)
class Nested:
    """Effects y (n,), design (n, p) and variances (n,), sorted by cluster number (n,) 0, 1, ….

    `first` (clusters,) is where each cluster begins; `rho` the correlation of sampling errors within one.
    """

    y: Floats
    design: Floats
    variances: Floats
    cluster: NDArray[np.intp]
    first: NDArray[np.intp]
    rho: float
    restricted: bool


def nested_of(
    y: Floats, design: Floats, variances: Floats, cluster: NDArray[np.intp], rho: float, restricted: bool
) -> Nested:
    """Sort the effects by cluster."""
    order = np.argsort(cluster, kind="stable")
    sorted_cluster = cluster[order]
    first = np.flatnonzero(np.diff(sorted_cluster, prepend=-1))
    return Nested(y[order], design[order], variances[order], sorted_cluster, first, rho, restricted)


@dataclass(frozen=True, slots=True)
class Gaussian:
    """The model at given components: what the likelihood, its slope and the coefficients are made of."""

    diagonal: Floats
    columns: Floats
    inner: Floats
    log_determinant: float
    coefficients: Floats
    covariance: Floats
    weighted_design: Floats
    weighted_residual: Floats
    log_likelihood: float


def by_cluster(nested: Nested, rows: Floats) -> Floats:
    """Sum rows (n, q) within clusters to (clusters, q)."""
    sums: Floats = np.add.reduceat(rows, nested.first, axis=0)
    return sums


def _apply(nested: Nested, diagonal: Floats, columns: Floats, inner: Floats, right: Floats) -> Floats:
    """M^-1 times the columns of `right` (n, q)."""
    plain = right / diagonal[:, None]
    middle = by_cluster(nested, columns[:, :, None] * plain[:, None, :])
    pulled = inner @ middle
    solved: Floats = plain - np.einsum("ni,niq->nq", columns, pulled[nested.cluster]) / diagonal[:, None]
    return solved


def gaussian(nested: Nested, between: float, within: float) -> Gaussian:
    """Fit the coefficients by generalised least squares at given components, with the log-likelihood.

    The constants are those of R's rma.mv: REML counts n - p observations and adds back log|X'X|/2.
    """
    diagonal = (1 - nested.rho) * nested.variances + within
    columns = np.column_stack(
        [np.sqrt(nested.rho * nested.variances), np.full(nested.y.size, np.sqrt(between))]
    )
    gram = np.eye(2) + by_cluster(nested, columns[:, :, None] * columns[:, None, :] / diagonal[:, None, None])
    inner = np.asarray(np.linalg.inv(gram), dtype=np.float64)
    log_determinant = float(np.log(diagonal).sum() + np.linalg.slogdet(gram)[1].sum())
    weighted = _apply(nested, diagonal, columns, inner, np.column_stack([nested.design, nested.y]))
    weighted_design, weighted_y = weighted[:, :-1], weighted[:, -1]
    information = nested.design.T @ weighted_design
    covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
    coefficients = covariance @ (nested.design.T @ weighted_y)
    weighted_residual = weighted_y - weighted_design @ coefficients
    n, p = nested.design.shape
    log_likelihood = -0.5 * (n * np.log(2 * np.pi) + log_determinant + float(nested.y @ weighted_residual))
    if nested.restricted:
        own = np.linalg.slogdet(nested.design.T @ nested.design)[1]
        log_likelihood += 0.5 * (p * np.log(2 * np.pi) + own - np.linalg.slogdet(information)[1])
    return Gaussian(
        diagonal,
        columns,
        inner,
        log_determinant,
        coefficients,
        covariance,
        weighted_design,
        weighted_residual,
        float(log_likelihood),
    )


def blocks(nested: Nested, between: float, within: float) -> list[Floats]:
    """The covariance matrix of each cluster's effects, in the order of the cluster numbers."""
    made = []
    for v in np.split(nested.variances, nested.first[1:]):
        root = np.sqrt(v)
        made.append(np.diag((1 - nested.rho) * v + within) + nested.rho * np.outer(root, root) + between)
    return made


def traces(nested: Nested, fit: Gaussian, restricted: bool) -> Floats:
    """Tr(PJ) and tr(P), J the block matrix of ones; P is M^-1 unless `restricted`, then it spans X out."""
    ones = np.ones((nested.y.size, 1))
    inverse_ones = _apply(nested, fit.diagonal, fit.columns, fit.inner, ones)[:, 0]
    scaled = fit.columns / fit.diagonal[:, None]
    taken = np.einsum("ni,nij,nj->", scaled, fit.inner[nested.cluster], scaled)
    found = np.array([inverse_ones.sum(), (1 / fit.diagonal).sum() - taken])
    if restricted:
        sums = by_cluster(nested, fit.weighted_design)
        found[0] -= np.einsum("ij,ci,cj->", fit.covariance, sums, sums)
        found[1] -= np.einsum("ij,ni,nj->", fit.covariance, fit.weighted_design, fit.weighted_design)
    return found


def slope(nested: Nested, fit: Gaussian) -> tuple[Floats, Floats]:
    """Score of (between, within) and its average information matrix (2, 2)."""
    residual = fit.weighted_residual
    spread = by_cluster(nested, residual[:, None])[nested.cluster, 0]
    directions = np.column_stack([spread, residual])
    score = 0.5 * (residual @ directions - traces(nested, fit, nested.restricted))
    solved = _apply(nested, fit.diagonal, fit.columns, fit.inner, directions)
    along = fit.weighted_design.T @ directions
    information = 0.5 * (directions.T @ solved - along.T @ fit.covariance @ along)
    return score, information


def climb(nested: Nested, start: Floats, free: NDArray[np.bool_]) -> tuple[Floats, Gaussian]:
    """Climb from `start` to a maximum over the `free` components, each of at least 0."""
    at = start.astype(np.float64)
    fit = gaussian(nested, *at)
    for _ in range(CLIMB_STEPS):
        score, information = slope(nested, fit)
        moving = free & ((at > 0) | (score > 0))
        if not moving.any():
            break
        step = np.zeros(2)
        step[moving] = np.linalg.lstsq(information[np.ix_(moving, moving)], score[moving], rcond=None)[0]
        reached, reached_fit = _step(nested, at, fit, step)
        change = np.abs(reached - at)
        at, fit = reached, reached_fit
        if (change <= SETTLED * (at + nested.variances.mean() * SETTLED)).all():
            break
    return at, fit


def _step(nested: Nested, at: Floats, fit: Gaussian, step: Floats) -> tuple[Floats, Gaussian]:
    """Go the longest of 1, 1/2, 1/4 … of a step, cut at the boundary, that does not lower the likelihood."""
    allowed = 1e-12 * (1 + abs(fit.log_likelihood))
    for halvings in range(40):
        reached = np.maximum(at + step / 2**halvings, 0.0)
        reached_fit = gaussian(nested, *reached)
        if reached_fit.log_likelihood >= fit.log_likelihood - allowed:
            return reached, reached_fit
    return at, fit


def best_components(nested: Nested) -> tuple[float, float, Gaussian]:
    """The components of greatest (restricted) likelihood: climbs from every local maximum of a grid.

    When no cluster has two effects only the sum of the two is identified; it is all put between.
    """
    alone = bool(np.bincount(nested.cluster).max() == 1)
    free = np.array([True, not alone])
    scale = max(float(np.var(nested.y)), 1e-3 * float(nested.variances.mean()))
    values = scale * np.array(GRID)
    columns = values[:1] if alone else values
    heights = np.array([[gaussian(nested, b, w).log_likelihood for w in columns] for b in values])
    padded = np.pad(heights, 1, constant_values=-np.inf)
    neighbours = [
        padded[1 + i : padded.shape[0] - 1 + i, 1 + j : padded.shape[1] - 1 + j]
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
        if i or j
    ]
    peaks = np.argwhere(heights >= np.max(neighbours, axis=0))
    climbed = [climb(nested, np.array([values[i], columns[j]]), free) for i, j in peaks]
    (between, within), fit = max(climbed, key=lambda end: end[1].log_likelihood)
    return float(between), float(within), fit
