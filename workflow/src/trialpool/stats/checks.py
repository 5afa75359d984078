"""What may enter the statistics: every refusal names the argument and the first offending position."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, ClassVar, TypedDict, Unpack, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Bounds(TypedDict, total=False):
    """What numbers may be: `above` one, of at `least` one, at `most` one, `whole`."""

    above: float
    least: float
    most: float
    whole: bool


# What the numbers of an argument may be, by the kind of number.
KINDS: dict[str, Bounds] = {
    "number": {},
    "positive": {"above": 0},
    "not negative": {"least": 0},
    "share": {"least": 0, "most": 1},
    "correlation": {"least": -1, "most": 1},
    "at least 1": {"least": 1},
    "at least 2": {"least": 2},
    "people": {"least": 1, "whole": True},
    "two people": {"least": 2, "whole": True},
    "events": {"least": 0, "whole": True},
}

# Fourth powers of effects and weights must stay floating-point numbers.
HUGE = 1e50
FURTHEST = 1e12  # between the variances of one analysis whose digits must survive
MOST_DRAWS = 10**7
MISSING = ("", "None", "nan", "<NA>", "NaT")


def numbers(name: str, values: ArrayLike | None) -> Floats:
    """Read array-like `values` as float64, masked entries as NaN; anything else is refused by name."""
    try:
        array = np.asarray(np.ma.filled(values, np.nan) if np.ma.isMaskedArray(values) else values)
        if array.dtype.kind in "cUS":
            raise TypeError("neither complex numbers nor text")
        return array.astype(np.float64, copy=False)
    except (TypeError, ValueError, OverflowError) as problem:
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


def finite(name: str, values: ArrayLike | None, **bounds: Unpack[Bounds]) -> Floats:
    """Read finite numbers within `bounds`."""
    array = numbers(name, values)
    refuse(name, array, ~np.isfinite(array), "must be a finite number")
    refuse(name, array, np.abs(array) > HUGE, "is beyond 1e50 in size: change the unit")
    above, least, most = bounds.get("above"), bounds.get("least"), bounds.get("most")
    if above is not None:
        refuse(name, array, array <= above, f"must be above {above:g}")
    if least is not None and most is not None:
        refuse(name, array, (array < least) | (array > most), f"must lie between {least:g} and {most:g}")
    elif least is not None:
        problem = f"must be at least {least:g}" if least else "must not be negative"
        refuse(name, array, array < least, problem)
    elif most is not None:
        refuse(name, array, array > most, f"must be at most {most:g}")
    if bounds.get("whole"):
        refuse(name, array, array != np.floor(array), "must be a whole number")
    return array


def read(kinds: Mapping[str, str], *values: ArrayLike) -> tuple[Floats, ...]:
    """Read `values`, each of the kind given for the argument at its place, and broadcast them together.

    >>> read({"sd": "not negative", "n": "people"}, [1.0, 2.0], 10)
    (array([1., 2.]), array([10., 10.]))
    """
    named = zip(kinds.items(), values, strict=True)
    return together(**{name: finite(name, value, **KINDS[kind]) for (name, kind), value in named})


def not_vanishing(name: str, values: Floats) -> None:
    """Refuse positive numbers whose squares vanish."""
    refuse(name, values, values < 1 / HUGE, "is beyond 1e-50 in size: change the unit")


def number(name: str, value: ArrayLike, **bounds: Unpack[Bounds]) -> float:
    """Read one number within `bounds`."""
    array = finite(name, value, **bounds)
    if array.ndim:
        raise ValueError(f"{name} has shape {array.shape}: must be one number")
    return float(array)


def whole(name: str, value: ArrayLike, least: int) -> int:
    """Read one whole number."""
    return int(number(name, value, least=least, whole=True))


def draws(value: ArrayLike, least: int) -> int:
    """Read how often chance is asked."""
    count = whole("draws", value, least)
    if count > MOST_DRAWS:
        raise ValueError(f"draws is {count}: at most {MOST_DRAWS:,}, which memory holds")
    return count


def generator(seed: int) -> np.random.Generator:
    """Random numbers that are the same for the same seed."""
    return np.random.default_rng(whole("seed", seed, 0))


def check_level(level: float, name: str = "level") -> float:
    """Check a confidence level, or another number strictly between 0 and 1."""
    if not 0.5 < (1 + (level if isinstance(level, float) else number(name, level))) / 2 < 1:
        raise ValueError(f"{name} is {level}: must lie between 0 and 1")
    return float(level)


def check_effects(
    effects: ArrayLike, variances: ArrayLike, where: ArrayLike | None = None, *, batch: bool = False
) -> tuple[Floats, Floats, Bools]:
    """Read effects and variances of shape (…, k), k ≥ 1, that can be squared twice, and the mask `where`.

    All are broadcast, but only in a `batch` does one number serve several studies. Where studies are absent
    anything goes; an analysis without any study is refused.
    """
    y, v, mask = numbers("effects", effects), numbers("variances", variances), _mask(where)
    arrays: dict[str, NDArray[Any]] = {"effects": y, "variances": v}
    if where is not None:
        arrays["where"] = mask
    for name, array in arrays.items():
        studies(name, array.shape)
    if not batch and y.shape[-1] != v.shape[-1]:
        raise ValueError(f"effects {y.shape}, variances {v.shape}: these shapes do not fit together")
    whole = together(**arrays)
    if where is not None:
        empty = np.asarray(~mask.any(-1, keepdims=True))
        refuse("where", mask.astype(float), empty, "this analysis has no study")
    ends = (y.min(), y.max(), v.min(), v.max())  # NaN if any is
    if not (ends[0] >= -HUGE and ends[1] <= HUGE and ends[2] >= 1 / HUGE and ends[3] <= HUGE):
        for name, values, least in (("effects", y, -HUGE), ("variances", v, 1 / HUGE)):
            wrong = ~((values >= least) & (values <= HUGE)) & mask
            refuse(name, values, wrong & ~np.isfinite(values), "must be a finite number")
            refuse(name, values, wrong & (values <= 0) & (least > 0), "must be above 0")
            refuse(name, values, wrong, "is beyond 1e-50 to 1e50 in size: change the unit")
    return whole[0], whole[1], np.broadcast_to(mask, whole[0].shape)


def _mask(where: ArrayLike | None) -> Bools:
    if where is None:
        return np.ones(1, dtype=bool)
    try:
        mask: Bools = np.asarray(where)
    except ValueError:
        raise ValueError("where: its rows differ in length") from None
    if mask.dtype != np.bool_:
        raise ValueError(f"where has dtype {mask.dtype}: must be True or False for each study")
    return mask


def one_analysis(effects: ArrayLike, variances: ArrayLike) -> tuple[Floats, Floats]:
    """Read the effects and variances of a single analysis: both (k,)."""
    y, v, _ = check_effects(effects, variances)
    if y.ndim != 1:
        raise ValueError(f"effects has shape {y.shape}: one analysis at a time here, shape (k,)")
    return y, v


def comparable(variances: Floats, span: float = 0.0) -> None:
    """Refuse variances, and effects that `span` a range, between which rounding leaves no digits."""
    if max(float(variances.max()), span**2) > FURTHEST * float(variances.min()):
        raise ValueError("effects, variances: they lie too far apart, compared with the smallest variance")


def labels(name: str, values: ArrayLike | Sequence[object], count: int) -> list[str]:
    """Read one label, number or text, for each of `count` effects; none may be missing."""
    array = np.asarray(list(values) if isinstance(values, str) else values, dtype=object)
    if array.shape != (count,):
        given = f"{len(array)} labels" if array.ndim == 1 else f"shape {array.shape}"
        raise ValueError(f"{name} has {given}: needs one label for each of the {count} effects")
    found = [str(label) for label in array]
    for position, label in enumerate(found):
        if label in MISSING:
            raise ValueError(f"{name}[{position}] is {label!r}: every effect needs a label")
    return found


def studies(name: str, shape: tuple[int, ...]) -> None:
    """Refuse the shape of an array without a last axis of at least one study, or of no analysis."""
    if not shape or 0 in shape:
        raise ValueError(f"{name} has shape {shape}: needs a last axis of at least one study")


def a_fit(value: object, kind: type) -> None:
    """Check what is handed on as the `fit` of another function."""
    if not isinstance(value, kind):
        raise TypeError(f"fit is {type(value).__name__}: must be a {kind.__name__}")


def one_of(name: str, value: str, allowed: Collection[str]) -> str:
    """Check a choice."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} is {value!r}: must be one of {', '.join(allowed)}")
    return value


def yes_or_no(name: str, value: object) -> bool:
    """Check a choice that is either made or not."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} is {type(value).__name__}: must be True or False")
    return bool(value)


def together(**arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Broadcast the arrays to one shape, a mismatch being refused with every name and shape."""
    if len({array.shape for array in arrays.values()}) == 1:
        return tuple(arrays.values())
    try:
        return tuple(np.broadcast_arrays(*arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(f"{shapes}: these shapes do not fit together") from None


def plain(values: ArrayLike) -> Floats:
    """Hand back an array, or where it has no axes the number itself, which formats and compares."""
    return cast(Floats, np.asarray(values)[()])


class Unpacks:
    """A record that unpacks as its first fields."""

    __slots__ = ()
    first: ClassVar[int] = 2

    def __iter__(self) -> Iterator[Floats]:
        names = [each.name for each in fields(cast(Any, self))]
        return (getattr(self, name) for name in names[: self.first])
