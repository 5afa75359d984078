"""Generalised least squares with one heterogeneity parameter: covariance V + tau2·R for known V and R.

A restricted likelihood depends on n - p contrasts free of the coefficients only; in the basis in which V is
the unit matrix and R diagonal it is a sum over single numbers, so tau2 is found by bracketing, never missed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialpool.stats.checks import Floats

TAU2_METHODS = ("REML", "ML", "DL", "FE")
GRID_POINTS = 200
BISECTIONS = 200


@dataclass(frozen=True, slots=True)
class Gls:
    """Coefficients (p,) with covariance (p, p); `q` is the residual sum of squares in the metric given."""

    coefficients: Floats
    covariance: Floats
    q: float
    log_determinant: float


@dataclass(frozen=True, slots=True)
class Rotated:
    """The likelihood's numbers: z (m,) with variances 1 + tau2·roots, and the roots of the determinant."""

    z: Floats
    roots: Floats
    determinant_roots: Floats


def gls(y: Floats, design: Floats, covariance: Floats) -> Gls:
    """Generalised least squares of y (n,) on a design (n, p) of full rank."""
    lower = np.linalg.cholesky(covariance)
    whole = np.linalg.solve(lower, np.column_stack([design, y]))
    q, r = np.linalg.qr(whole[:, :-1])
    projected = q.T @ whole[:, -1]
    inverse = np.linalg.inv(r)
    rest = whole[:, -1] - q @ projected
    determinant = 2 * float(np.log(np.diag(lower)).sum())
    return Gls(inverse @ projected, inverse @ inverse.T, float(rest @ rest), determinant)


def estimate_tau2(y: Floats, design: Floats, v: Floats, r: Floats, method: str) -> float:
    """Estimate tau2 by one of REML, ML, DL (the generalised moment estimate) or FE (0).

    DL solves E(Q) = n - p + tau2·tr(P R), P = V^-1 - V^-1X(X'V^-1X)^-1X'V^-1 (Jackson, White & Riley 2012).
    """
    n, p = int(design.shape[0]), int(design.shape[1])
    if method == "FE" or n == p:
        return 0.0
    rotated = rotate(y, design, v, r, restricted=method != "ML")
    if method == "DL":
        # Rotated, Q is the sum of z² and tr(P R) that of the roots.
        excess = float((rotated.z**2).sum()) - float(n - p)
        return max(0.0, excess / float(rotated.roots.sum()))
    return _maximise(rotated)


def rotate(y: Floats, design: Floats, v: Floats, r: Floats, *, restricted: bool) -> Rotated:
    """The residuals in a basis where both V and R are diagonal."""
    free = np.linalg.qr(design, mode="complete")[0][:, design.shape[1] :]
    roots, turn = _relative_roots(free.T @ r @ free, free.T @ v @ free)
    whole = roots if restricted else _relative_roots(r, v)[0]
    return Rotated(turn @ (free.T @ y), roots, whole)


def _relative_roots(r: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues of R against V, and the matrix T with T V T' the unit matrix and T R T' diagonal."""
    lower = np.linalg.cholesky(v)
    middle = np.linalg.solve(lower, np.linalg.solve(lower, r).T)
    roots, turn = np.linalg.eigh((middle + middle.T) / 2)
    return np.maximum(roots, 0.0), np.linalg.solve(lower.T, turn).T


def _height(rotated: Rotated, tau2: Floats) -> Floats:
    """(Restricted) log-likelihood up to a constant, for each tau2."""
    spread = 1 + tau2[:, None] * rotated.roots
    determinant = np.log1p(tau2[:, None] * rotated.determinant_roots).sum(axis=1)
    height: Floats = -0.5 * (determinant + (rotated.z**2 / spread).sum(axis=1))
    return height


def _slope(rotated: Rotated, tau2: float) -> float:
    spread = 1 + tau2 * rotated.roots
    lost = (rotated.determinant_roots / (1 + tau2 * rotated.determinant_roots)).sum()
    return 0.5 * float((rotated.roots * (rotated.z / spread) ** 2).sum() - lost)


def _maximise(rotated: Rotated) -> float:
    """The highest maximum: every sign change of the slope on a grid is bisected, 0 is a candidate too.

    The slope is negative wherever all z² < 1 + tau2·root, and (for ML) the other roots only lower it.
    """
    positive = rotated.roots > 1e-12 * rotated.roots.max()
    top = float(((rotated.z**2 - 1)[positive] / rotated.roots[positive]).max())
    if top <= 0:
        return 0.0
    grid = np.append(0.0, top * np.geomspace(1e-9, 1.0, GRID_POINTS))
    slopes = [_slope(rotated, t) for t in grid]
    candidates = [0.0]
    for low, high, before, after in zip(grid, grid[1:], slopes, slopes[1:], strict=False):
        if before > 0 >= after:
            candidates.append(_bisect(rotated, float(low), float(high)))
    heights = _height(rotated, np.array(candidates))
    return candidates[int(heights.argmax())]


def _bisect(rotated: Rotated, low: float, high: float) -> float:
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if _slope(rotated, middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
