"""The normal-normal model of a chunk of analyses.

Studies run along the first axis, analyses along the second, so that every pass over a chunk sums long
rows. An absent study has an infinite variance, hence weight 0, and costs no further bookkeeping.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialpool.stats.checks import Bools, Floats

# Numbers a temporary array of a chunk holds: 512 KiB of doubles, a few of which fit a 2 MiB cache (measured).
CHUNK_NUMBERS = 65_536


@dataclass(frozen=True, slots=True)
class Model:
    """One chunk: `effects` (k, n) centred on `centre` (n,), `variances` (k, n) or shared (k, 1).

    `count` (n,) is the number of studies present; `present` is None when all are. `basis` (k, p) spans the
    design of a meta-regression orthonormally; it is None for the mean alone.
    """

    effects: Floats
    variances: Floats
    centre: Floats
    count: Floats
    present: Bools | None
    basis: Floats | None = None

    @property
    def freedom(self) -> Floats:
        """Residual degrees of freedom, studies less coefficients, shape (n,)."""
        return self.count - (1 if self.basis is None else self.basis.shape[1])


def model_of(effects: Floats, variances: Floats, present: Bools | None) -> Model:
    """Centre the effects of a chunk (k, n) or (k, 1) and drop absent studies by an infinite variance.

    Centring twice, on a study and on the inverse-variance mean, keeps equal effects exactly equal and
    takes a large common shift out before anything is squared.
    """
    k, n = np.broadcast_shapes(effects.shape, variances.shape, () if present is None else present.shape)
    if present is None:
        first, count = effects[0], np.full(n, float(k))
        y = effects - first
    else:
        present = np.broadcast_to(present, (k, n))
        y = np.where(present, effects, 0.0)
        first = y[present.argmax(0), np.arange(n)]
        y = np.where(present, y - first, 0.0)
        variances = np.where(present, variances, np.inf)
        count = present.sum(0, dtype=np.float64)
    weights = 1 / variances
    mean = np.einsum("ij,ij->j", weights, y) / weights.sum(0)
    y = np.broadcast_to(y - mean, (k, n))
    if present is not None:
        y = y * present
    return Model(y, variances, np.broadcast_to(first + mean, n), count, present)


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
        model.basis,
    )


def repeat(model: Model, times: int) -> Model:
    """Lay the chunk beside itself `times` times, to evaluate it at as many values of tau2 at once."""
    shared = model.variances.shape[1] == 1
    return Model(
        np.tile(model.effects, times),
        model.variances if shared else np.tile(model.variances, times),
        np.tile(model.centre, times),
        np.tile(model.count, times),
        None if model.present is None else np.tile(model.present, times),
        model.basis,
    )
