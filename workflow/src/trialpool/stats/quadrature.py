"""Deterministic integration for posteriors: Gauss-Legendre panels, their quantiles, and normal mixtures.

A density known only up to a constant is described by its values at the nodes of a few panels. Inside a
panel it is a polynomial to machine precision, so distribution function and quantiles come from the same
values, without evaluating the density again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from trialpool.stats.checks import Floats

NODES_PER_PANEL = 16
SCAN_POINTS = 33
SCAN_ROUNDS = 5
NEWTON_STEPS = 100
STEP_TOLERANCE = 1e-12

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(NODES_PER_PANEL)
_DEGREES = np.arange(NODES_PER_PANEL)
# Legendre coefficients of the polynomial through the values at the nodes (orthogonality on [-1, 1]).
_TO_COEFFICIENTS = (
    np.polynomial.legendre.legvander(_POINTS, NODES_PER_PANEL - 1).T
    * _WEIGHTS
    * (2 * _DEGREES[:, None] + 1)
    / 2
)


@dataclass(frozen=True, slots=True)
class Panels:
    """Nodes `points` and their `weights`, both (rows, panels * 16), on the intervals [low, high] (rows)."""

    points: Floats
    weights: Floats
    low: Floats
    high: Floats


def make_panels(low: Floats, high: Floats, count: int) -> Panels:
    """Cut each interval [low, high] (rows) into `count` equal Gauss-Legendre panels of 16 nodes.

    >>> panels = make_panels(np.array([0.0]), np.array([1.0]), 2)
    >>> bool(abs((np.exp(panels.points) * panels.weights).sum() - np.expm1(1.0)) < 1e-14)
    True
    """
    half = (high - low) / (2 * count)
    middles = low[:, None] + half[:, None] * (2 * np.arange(count) + 1)
    points = middles[:, :, None] + half[:, None, None] * _POINTS
    weights = np.broadcast_to(half[:, None, None] * _WEIGHTS, points.shape)
    rows = low.size
    return Panels(points.reshape(rows, -1), weights.reshape(rows, -1), low, high)


def find_support(
    log_densities: Callable[[Floats], tuple[Floats, ...]], low: Floats, high: Floats, drop: float = 45.0
) -> tuple[Floats, Floats]:
    """Shrink each interval to where any of some log densities is within `drop` of its own maximum.

    `log_densities` maps points (rows, n) to arrays of that shape. Zooming in a few rounds finds a bump
    thousands of times narrower than the interval; a neighbouring point is kept on each side.
    """
    for _ in range(SCAN_ROUNDS):
        points = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, SCAN_POINTS)
        kept = np.zeros(points.shape, dtype=bool)
        for values in log_densities(points):
            kept |= values > values.max(axis=-1, keepdims=True) - drop
        first = np.maximum(kept.argmax(axis=-1) - 1, 0)
        last = np.minimum(SCAN_POINTS - 1 - kept[:, ::-1].argmax(axis=-1) + 1, SCAN_POINTS - 1)
        rows = np.arange(low.size)
        low, high = points[rows, first], points[rows, last]
    return low, high


def panel_quantiles(panels: Panels, density: Floats, probabilities: Floats) -> Floats:
    """Quantiles (rows, q) of a density given at the nodes of the panels, by safeguarded Newton steps.

    >>> panels = make_panels(np.array([0.0]), np.array([40.0]), 16)
    >>> panel_quantiles(panels, np.exp(-panels.points), np.array([0.5])).round(12).tolist()
    [[0.69314718056]]
    """
    rows = density.shape[0]
    values = density.reshape(rows, -1, NODES_PER_PANEL)
    half = (panels.high - panels.low) / (2 * values.shape[1])
    masses = np.maximum((values * _WEIGHTS).sum(axis=-1), 0.0)
    ends = np.cumsum(masses, axis=-1)
    targets = probabilities * ends[:, -1:]
    chosen = np.minimum((ends[:, None, :] < targets[:, :, None]).sum(axis=-1), masses.shape[1] - 1)
    before = np.take_along_axis(ends - masses, chosen, axis=-1)
    inside = np.take_along_axis(values, chosen[:, :, None], axis=1)
    position = _invert_inside(inside @ _TO_COEFFICIENTS.T, targets - before)
    quantiles: Floats = panels.low[:, None] + half[:, None] * (2 * chosen + 1 + position)
    return quantiles


def roughness(density: Floats) -> float:
    """The worst row's last Legendre coefficients relative to its mass: how far a density is from resolved.

    >>> panels = make_panels(np.array([0.0]), np.array([40.0]), 16)
    >>> roughness(np.exp(-panels.points)) < 1e-11 < roughness(np.exp(-(panels.points**4)))
    True
    """
    values = density.reshape(density.shape[0], -1, NODES_PER_PANEL)
    coefficients = np.abs(values @ _TO_COEFFICIENTS.T)
    return float((coefficients[..., -2:].max(axis=(1, 2)) / coefficients[..., 0].sum(axis=1)).max())


def _invert_inside(coefficients: Floats, targets: Floats) -> Floats:
    """Solve integral from -1 to t of a Legendre series = target, for t in [-1, 1]."""
    left, right = np.full_like(targets, -1.0), np.full_like(targets, 1.0)
    position = np.zeros_like(targets)
    for _ in range(NEWTON_STEPS):
        mass, slope = _legendre_integral(coefficients, position)
        too_far = mass > targets
        right = np.where(too_far, position, right)
        left = np.where(too_far, left, position)
        step = (mass - targets) / np.where(slope > 0, slope, np.inf)
        settled = (np.abs(step) <= STEP_TOLERANCE) & (slope > 0)
        moved = position - step
        outside = (moved <= left) | (moved >= right) | (step == 0)
        position = np.where(settled, position, np.where(outside, (left + right) / 2, moved))
        if settled.all():
            break
    return position


def _legendre_integral(coefficients: Floats, t: Floats) -> tuple[Floats, Floats]:
    """Integral from -1 to t of a Legendre series, and its value at t (three-term recurrence)."""
    previous, current = np.ones_like(t), t
    total, value = coefficients[..., 0] * (t + 1), coefficients[..., 0].copy()
    for degree in range(1, NODES_PER_PANEL):
        following = ((2 * degree + 1) * t * current - degree * previous) / (degree + 1)
        total += coefficients[..., degree] * (following - previous) / (2 * degree + 1)
        value += coefficients[..., degree] * current
        previous, current = current, following
    return total, value


def mixture_below(x: Floats, weights: Floats, means: Floats, sds: Floats) -> Floats:
    """P(X < x) of a mixture of normals; components on the last axis, x on the axes before it.

    >>> one = np.ones(1)
    >>> float(mixture_below(np.array(0.0), one, 0 * one, one))
    0.5
    """
    below: Floats = (weights * ndtr((x[..., None] - means) / sds)).sum(axis=-1)
    return below


def mixture_quantile(
    probability: float, weights: Floats, means: Floats, sds: Floats, start: Floats
) -> Floats:
    """Quantile of a mixture of normals (components on the last axis), by Newton steps kept in a bracket.

    The bracket is exact: a quantile of a mixture lies between the least and the greatest of its
    components' quantiles. `start` is a first guess.

    >>> one = np.ones(1)
    >>> round(float(mixture_quantile(0.975, one, 0 * one, one, np.array(1.0))), 12)
    1.95996398454
    """
    quantiles = means + ndtri(probability) * sds
    left, right = quantiles.min(axis=-1), quantiles.max(axis=-1)
    x, narrowest = np.clip(start, left, right), sds.min(axis=-1)
    for _ in range(NEWTON_STEPS):
        z = (x[..., None] - means) / sds
        excess = (weights * ndtr(z)).sum(axis=-1) - probability
        slope = (weights * np.exp(-0.5 * z * z) / sds).sum(axis=-1) / np.sqrt(2 * np.pi)
        left, right = np.where(excess < 0, x, left), np.where(excess > 0, x, right)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = excess / slope
        # A settled root may lie on the bracket's end: it must not be thrown back to the middle.
        settled = np.abs(step) <= STEP_TOLERANCE * (np.abs(x) + narrowest)
        moved = x - step
        inside = (moved > left) & (moved < right)
        x = np.where(settled, x, np.where(inside, moved, (left + right) / 2))
        if settled.all():
            break
    return x
