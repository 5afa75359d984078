"""What may enter the statistics: every refusal names the argument and the first offending position."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Fourth powers of effects and weights must stay floating-point numbers.
HUGE = 1e50


def numbers(name: str, values: ArrayLike | None) -> Floats:
    """Read array-like `values` as float64, masked entries as NaN; anything else is refused by name.

    >>> numbers("effects", [1, 2])
    array([1., 2.])
    >>> numbers("effects", ["a"])
    Traceback (most recent call last):
        ...
    ValueError: effects: not an array of numbers
    """
    try:
        array = np.asarray(np.ma.filled(values, np.nan) if np.ma.isMaskedArray(values) else values)
        if array.dtype.kind in "cUS":
            raise TypeError("neither complex numbers nor text")
        return array.astype(np.float64, copy=False)
    except (TypeError, ValueError) as problem:
        raise ValueError(f"{name}: not an array of numbers") from problem


def refuse(name: str, values: Floats, bad: NDArray[Any] | bool, problem: str) -> None:
    """Raise a ValueError for the first entry of `values` where `bad`.

    >>> refuse("variances", np.array([1.0, 0.0]), np.array([False, True]), "must be above 0")
    Traceback (most recent call last):
        ...
    ValueError: variances[1] is 0: must be above 0
    """
    if not np.any(bad):
        return
    marks = np.broadcast_to(bad, np.broadcast_shapes(np.shape(bad), values.shape))
    position = tuple(int(axis) for axis in np.argwhere(marks)[0])
    place = f"[{', '.join(map(str, position))}]" if position else ""
    value = np.broadcast_to(values, marks.shape)[position]
    raise ValueError(f"{name}{place} is {value:g}: {problem}")


def finite(name: str, values: ArrayLike | None) -> Floats:
    """Read `values`; NaN and infinity are refused."""
    array = numbers(name, values)
    refuse(name, array, ~np.isfinite(array), "must be a finite number")
    return array


def positive(name: str, values: ArrayLike | None) -> Floats:
    """Read `values`; anything but finite numbers above 0 is refused."""
    array = finite(name, values)
    refuse(name, array, array <= 0, "must be above 0")
    return array


def not_negative(name: str, values: ArrayLike | None) -> Floats:
    """Read `values`; anything but finite numbers of at least 0 is refused."""
    array = finite(name, values)
    refuse(name, array, array < 0, "must not be negative")
    return array


def at_least(name: str, values: ArrayLike | None, least: float) -> Floats:
    """Read `values`; anything below `least` is refused."""
    array = finite(name, values)
    refuse(name, array, array < least, f"must be at least {least:g}")
    return array


def counts(name: str, values: ArrayLike | None, *, least: int = 0) -> Floats:
    """Read whole numbers of at least `least`."""
    array = at_least(name, values, least)
    refuse(name, array, array != np.floor(array), "must be a whole number")
    return array


def between(name: str, values: ArrayLike | None, low: float, high: float) -> Floats:
    """Read `values` inside the closed range from `low` to `high`."""
    array = finite(name, values)
    refuse(name, array, (array < low) | (array > high), f"must lie between {low:g} and {high:g}")
    return array


def check_level(level: float) -> float:
    """Check a confidence level: a single number strictly between 0 and 1."""
    array = finite("level", level)
    if array.ndim or not 0 < array < 1:
        raise ValueError(f"level is {level}: must be one number between 0 and 1, such as 0.95")
    return float(array)


def check_effects(effects: ArrayLike, variances: ArrayLike) -> tuple[Floats, Floats]:
    """Read effects and variances of shape (…, k), k ≥ 1, and broadcast them.

    Effects must be finite, variances above 0, and both of a size that can be squared twice.

    >>> check_effects([0.1, 0.2], [0.1, -1])
    Traceback (most recent call last):
        ...
    ValueError: variances[1] is -1: must be above 0
    """
    y, v = numbers("effects", effects), numbers("variances", variances)
    studies("effects", y.shape)
    studies("variances", v.shape)
    usable(y, v)
    y, v = together(effects=y, variances=v)
    return y, v


def one_analysis(effects: ArrayLike, variances: ArrayLike) -> tuple[Floats, Floats]:
    """Read the effects and variances of a single analysis: both (k,)."""
    y, v = check_effects(effects, variances)
    if y.ndim != 1:
        raise ValueError(f"effects has shape {y.shape}: one analysis at a time here, shape (k,)")
    return y, v


def usable(effects: Floats, variances: Floats, present: Bools | None = None) -> None:
    """Refuse effects and variances that cannot be pooled; where not `present` anything goes.

    >>> usable(np.array([0.1, np.nan]), np.array([0.1, 0.1]))
    Traceback (most recent call last):
        ...
    ValueError: effects[1] is nan: must be a finite number
    """
    ends = (effects.min(), effects.max(), variances.min(), variances.max())  # NaN if any is
    if ends[0] >= -HUGE and ends[1] <= HUGE and ends[2] >= 1 / HUGE and ends[3] <= HUGE:
        return
    asked: Bools | bool = True if present is None else present
    bad = {"effects": ~(abs(effects) <= HUGE), "variances": ~((variances >= 1 / HUGE) & (variances <= HUGE))}
    for name, values in (("effects", effects), ("variances", variances)):
        if not bad[name].any():
            continue
        wrong = bad[name] & asked
        refuse(name, values, wrong & ~np.isfinite(values), "must be a finite number")
        refuse(name, values, wrong & (values <= 0) & (name == "variances"), "must be above 0")
        refuse(name, values, wrong, "is beyond 1e-50 to 1e50 in size: change the unit")


def studies(name: str, shape: tuple[int, ...]) -> None:
    """Refuse the shape of an array without a last axis of at least one study."""
    if not shape or not shape[-1]:
        raise ValueError(f"{name} has shape {shape}: needs a last axis of at least one study")


def one_of(name: str, value: str, allowed: Collection[str]) -> str:
    """Check a choice.

    >>> one_of("interval", "hk", ("wald", "hksj"))
    Traceback (most recent call last):
        ...
    ValueError: interval is 'hk': must be one of wald, hksj
    """
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} is {value!r}: must be one of {', '.join(allowed)}")
    return value


def together(**arrays: Floats) -> tuple[Floats, ...]:
    """Broadcast the arrays to one shape; a mismatch is refused with every name and shape.

    >>> together(mean1=np.zeros(2), mean2=np.zeros(3))
    Traceback (most recent call last):
        ...
    ValueError: mean1 (2,), mean2 (3,): these shapes do not fit together
    """
    try:
        return tuple(np.broadcast_arrays(*arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(f"{shapes}: these shapes do not fit together") from None


def plain(array: NDArray[Any]) -> Floats:
    """Hand back an array, or where it has no axes the number itself, which formats and compares."""
    return cast(Floats, array[()])
