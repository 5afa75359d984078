"""The normal-normal model of a chunk of analyses.

Studies run along the first axis, analyses along the second, so that every pass over a chunk sums long
rows. An absent study has an infinite variance, hence weight 0, and costs no further bookkeeping.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialpool.stats.checks import Bools, Floats

# Numbers a temporary array of a chunk holds, 768 KiB: the fastest on a processor with 2 MiB of cache a core.
CHUNK_NUMBERS = 98_304


@dataclass(frozen=True, slots=True)
class Model:
    """One chunk: `effects` (k, n) centred on `centre` (n,), `variances` (k, n) or shared (k, 1).

    `count` (n,) is the number of studies present; `present` is None when all are. `basis` (k, p) spans the
    design of a meta-regression orthonormally; it is None for the mean alone. `scratch` (3, at least k·n) is
    room for temporary arrays, shared by models made of each other: asking the system for fresh pages at
    every step costs more than the arithmetic (measured).
    """

    effects: Floats
    variances: Floats
    centre: Floats
    count: Floats
    present: Bools | None
    scratch: Floats
    basis: Floats | None = None

    @property
    def freedom(self) -> Floats:
        """Residual degrees of freedom, studies less coefficients, shape (n,)."""
        return self.count - (1 if self.basis is None else self.basis.shape[1])


def buffers(model: Model) -> tuple[Floats, Floats, Floats]:
    """Three arrays (k, n) to write into; their content lasts until the next evaluation of the model."""
    size, shape = model.effects.size, model.effects.shape
    first, second, third = (row[:size].reshape(shape) for row in model.scratch)
    return first, second, third


def model_of(
    effects: Floats, variances: Floats, present: Bools | None, scratch: Floats | None = None
) -> Model:
    """Centre the effects of a chunk (k, n) or (k, 1) and drop absent studies by an infinite variance.

    Effects of the full shape are overwritten.

    Centring twice, on a study and on the inverse-variance mean, keeps equal effects exactly equal and
    takes a large common shift out before anything is squared.
    """
    k, n = np.broadcast_shapes(effects.shape, variances.shape, () if present is None else present.shape)
    if present is None:
        first, count = effects[0].copy(), np.full(n, float(k))
        y = np.subtract(effects, first, out=effects if effects.shape[1] == n > 1 else None)
    else:
        present = np.broadcast_to(present, (k, n))
        y = np.where(present, effects, 0.0)
        first = y[present.argmax(0), np.arange(n)]
        y = np.where(present, y - first, 0.0)
        variances = np.where(present, variances, np.inf)
        count = present.sum(0, dtype=np.float64)
    scratch = _room(scratch, k * n)
    weights = np.divide(1, variances, out=scratch[0][: variances.size].reshape(variances.shape))
    mean = np.einsum("ij,ij->j", weights, y) / weights.sum(0)
    y = y - mean if y.shape[1] < n else np.subtract(y, mean, out=y)
    if present is not None:
        y *= present
    return Model(
        np.broadcast_to(y, (k, n)), variances, np.broadcast_to(first + mean, n), count, present, scratch
    )


def take(model: Model, chosen: Bools | np.ndarray[tuple[int], np.dtype[np.intp]]) -> Model:
    """Keep the chosen analyses of a chunk."""
    index = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
    shared = model.variances.shape[1] == 1
    return Model(
        model.effects.take(index, axis=1),
        model.variances if shared else model.variances.take(index, axis=1),
        model.centre[index],
        model.count[index],
        None if model.present is None else model.present.take(index, axis=1),
        _room(model.scratch, len(model.effects) * len(index)),
        model.basis,
    )


def repeat(model: Model, times: int) -> Model:
    """Lay the chunk beside itself `times` times, to evaluate it at as many values of tau2 at once."""
    shared = model.variances.shape[1] == 1
    size = model.effects.size * times
    return Model(
        np.tile(model.effects, times),
        model.variances if shared else np.tile(model.variances, times),
        np.tile(model.centre, times),
        np.tile(model.count, times),
        None if model.present is None else np.tile(model.present, times),
        _room(model.scratch, size),
        model.basis,
    )


def _room(scratch: Floats | None, size: int) -> Floats:
    return np.empty((3, size)) if scratch is None or scratch.shape[1] < size else scratch
