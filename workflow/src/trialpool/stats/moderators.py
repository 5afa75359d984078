"""Read the moderators of a meta-regression: no constant, no repeated column, one basis for all units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialpool.stats import design
from trialpool.stats.batch import Batch
from trialpool.stats.checks import Floats, finite

REPEATED = 1e-9  # share of a standardised column that must be new
FURTHEST = 1e12


@dataclass(frozen=True, slots=True)
class Moderators:
    """An orthonormal `basis` (k, p) of intercept and moderators, and the `back` (p, p) that turns
    coefficients on the basis into the intercept and the slopes in the moderators' own units.
    """

    basis: Floats
    back: Floats


def moderators_of(values: ArrayLike, k: int) -> Moderators:
    """Read a design (k, m) or (k,) without intercept and add the intercept.

    Columns are centred and scaled before they are made orthonormal, so that years and dummies mix safely.
    A constant or repeated column is refused by its number.

    >>> moderators_of([[1, 2], [2, 4], [3, 6], [5, 10]], 4)
    Traceback (most recent call last):
        ...
    ValueError: design[:, 1] is a combination of the intercept and the columns before it
    """
    columns = finite("design", values)
    columns = columns[:, None] if columns.ndim == 1 else columns
    if columns.ndim != 2 or len(columns) != k or not columns.shape[1]:
        raise ValueError(f"design has shape {np.shape(values)}: needs one row for each of the {k} studies")
    p = columns.shape[1] + 1
    if k <= p:
        raise ValueError(f"design: {k} studies cannot carry {p} coefficients and their uncertainty")
    middle = columns.mean(0)
    centred = columns - middle
    scale = np.sqrt((centred**2).sum(0))
    size = np.abs(columns).max(0) * np.sqrt(k)
    for column in np.flatnonzero(scale <= 1e-13 * size):
        raise ValueError(f"design[:, {column}] is constant: the intercept is already in the model")
    basis, upper = np.linalg.qr(np.column_stack([np.full(k, 1 / np.sqrt(k)), centred / scale]))
    for column in np.flatnonzero(abs(np.diagonal(upper)) < REPEATED) - 1:
        raise ValueError(f"design[:, {column}] is a combination of the intercept and the columns before it")
    back = np.linalg.inv(upper)
    back[1:] /= scale[:, None]
    back[0] /= np.sqrt(k)
    back[0] -= middle @ back[1:]
    return Moderators(basis, back)


def check_solvable(batch: Batch, moderators: Moderators) -> None:
    """Refuse what floating-point numbers cannot regress.

    That is variances more than 12 orders of magnitude apart in one analysis, and masks under which the
    design loses rank or leaves no residual degree of freedom.
    """
    v = np.broadcast_to(batch.variances, (*batch.shape, batch.k))
    asked = True if batch.where is None else batch.where
    spread = v.max(-1, initial=0.0, where=asked) / v.min(-1, initial=np.inf, where=asked)
    if (spread > FURTHEST).any():
        raise ValueError(f"variances: the largest is {spread.max():.1g} times the smallest, too far apart")
    if batch.where is None:
        return
    k, p = moderators.basis.shape
    masks = np.broadcast_to(batch.where, (*batch.where.shape[:-1], k)).reshape(-1, k)
    lowest = np.linalg.eigvalsh(design.gram(moderators.basis, masks.T.astype(np.float64)))[:, 0]
    poor = (masks.sum(1) <= p) | (lowest < REPEATED**2)
    for row in np.flatnonzero(poor):
        place = [int(axis) for axis in np.unravel_index(row, batch.where.shape[:-1])]
        raise ValueError(f"where{place}: too few or too similar studies are present to fit the design")
