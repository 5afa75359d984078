"""The quadratic forms of `forms` for a design of several columns: mixed-effects meta-regression.

The design enters as an orthonormal basis of its column space, which spans the same model and keeps the
p x p systems well conditioned whatever the units of the moderators.
"""

from __future__ import annotations

import numpy as np

from trialpool.stats.checks import Floats


def gram(basis: Floats, weights: Floats) -> Floats:
    """Z'WZ for each column of `weights` (k, n), shape (n, p, p)."""
    k, p = basis.shape
    products = (basis[:, :, None] * basis[:, None, :]).reshape(k, p * p)
    return np.asarray(weights.T @ products, dtype=np.float64).reshape(-1, p, p)


def invert(matrices: Floats) -> Floats:
    """Inverse of each symmetric positive definite matrix (n, p, p)."""
    inverse = np.asarray(np.linalg.inv(matrices), dtype=np.float64)
    symmetric: Floats = (inverse + inverse.swapaxes(-1, -2)) / 2
    return symmetric


def coefficients(basis: Floats, weights: Floats, effects: Floats, inverse: Floats) -> Floats:
    """Weighted least squares coefficients on the basis, shape (n, p)."""
    solution: Floats = np.einsum("nij,nj->ni", inverse, (weights * effects).T @ basis)
    return solution


def residuals(basis: Floats, weights: Floats, effects: Floats) -> tuple[Floats, Floats]:
    """Inverse of Z'WZ (n, p, p) and the residuals of the weighted fit (k, n)."""
    inverse = invert(gram(basis, weights))
    return inverse, effects - basis @ coefficients(basis, weights, effects, inverse).T


def trace_lost(inverse: Floats, middle: Floats) -> Floats:
    """tr((Z'WZ)^-1 M) of each analysis: what fitting the coefficients takes from a trace."""
    lost: Floats = np.einsum("nij,nji->n", inverse, middle)
    return lost


def second_trace(basis: Floats, weights: Floats, inverse: Floats) -> Floats:
    """tr PP = Σw² - 2·tr(C·Z'W³Z) + tr(C·Z'W²Z·C·Z'W²Z), with C the inverse of Z'WZ."""
    squares = weights * weights
    once = inverse @ gram(basis, squares)
    total: Floats = squares.sum(0) + np.einsum("nij,nji->n", once, once)
    return total - 2 * trace_lost(inverse, gram(basis, squares * weights))


def cubes(basis: Floats, weights: Floats, weighted: Floats, inverse: Floats) -> Floats:
    """y'PPPy from the weighted residuals r = Py: Σwr² - (Z'Wr)'C(Z'Wr)."""
    scaled = weights * weighted
    lost = scaled.T @ basis
    total: Floats = np.einsum("ij,ij->j", scaled, weighted)
    taken: Floats = np.einsum("ni,nij,nj->n", lost, inverse, lost)
    return total - taken
