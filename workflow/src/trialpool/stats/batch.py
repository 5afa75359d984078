"""Batches of analyses in chunks that fit the cache: any leading axes, any mask, bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from trialpool.stats.checks import Bools, Floats, numbers, refuse, studies, usable
from trialpool.stats.model import CHUNK_NUMBERS, Model, model_of

SHORTEST = 32  # analyses, as long as that is not more than four chunks

_Array = TypeVar("_Array", Floats, Bools)


@dataclass(frozen=True, slots=True)
class Batch:
    """Checked input of a batched call: arrays of shape (…, k) and the batch shape they broadcast to."""

    effects: Floats
    variances: Floats
    where: Bools | None
    shape: tuple[int, ...]
    k: int

    @property
    def size(self) -> int:
        """Count the analyses of the batch."""
        return int(np.prod(self.shape, dtype=np.int64))


def batch_of(effects: ArrayLike, variances: ArrayLike, where: ArrayLike | None = None) -> Batch:
    """Check effects and variances (…, k) and the mask `where` (True: the study is present).

    Entries that are absent everywhere may be NaN. Refused with a ValueError that names argument and
    position: non-finite effects, variances that are not above 0, shapes that do not broadcast, and an
    analysis without any study.

    >>> batch_of([0.1, 0.2], [[0.1, 0.2], [0.2, 0.3]]).shape
    (2,)
    """
    y, v = numbers("effects", effects), numbers("variances", variances)
    arrays = {"effects": y, "variances": v}
    mask = None
    if where is not None:
        mask = np.asarray(where)
        if mask.dtype != np.bool_:
            raise ValueError(f"where has dtype {mask.dtype}: must be True or False for each study")
        arrays["where"] = mask
    for name, array in arrays.items():
        studies(name, array)
    try:
        *shape, k = np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(f"{shapes}: these shapes do not fit together") from None
    if mask is not None:
        refuse(
            "where",
            mask.astype(float),
            ~np.asarray(mask.any(-1, keepdims=True)),
            "this analysis has no study",
        )
    usable(y, v, mask)
    return Batch(y, v, mask, tuple(shape), k)


def chunks(batch: Batch) -> Iterator[tuple[slice, Model]]:
    """Yield consecutive stretches of the flattened batch, each loaded as a model of shape (k, stretch).

    With thousands of studies rows of a few analyses would cost more than a larger chunk does.
    """
    scratch = None
    length = max(1, CHUNK_NUMBERS // batch.k, min(SHORTEST, 4 * CHUNK_NUMBERS // batch.k))
    for start in range(0, batch.size, length):
        stop = min(start + length, batch.size)
        model = load(batch, start, stop, scratch)
        scratch = model.scratch
        yield slice(start, stop), model


def load(batch: Batch, start: int, stop: int, scratch: Floats | None = None) -> Model:
    """Load the analyses from `start` to `stop` of the flattened batch, studies along the first axis."""
    y = _stretch(batch.effects, batch, start, stop)
    v = _stretch(batch.variances, batch, start, stop)
    if batch.where is None:
        return model_of(y, v, None, scratch)
    return model_of(y, v, _stretch(batch.where, batch, start, stop), scratch)


def _stretch(array: _Array, batch: Batch, start: int, stop: int) -> _Array:
    if array.size == array.shape[-1] and array.shape[-1] == batch.k:  # shared by the whole batch
        return array.reshape(-1, 1)
    full = np.broadcast_to(array, (*batch.shape, batch.k))
    if full.flags.c_contiguous:
        part = full.reshape(-1, batch.k)[start:stop]
    else:
        part = full[np.unravel_index(np.arange(start, stop), batch.shape)]
    return part.T.copy(order="C")
