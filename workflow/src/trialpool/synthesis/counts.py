"""Trials of events in, pooled as the counts that they are out: by an analysis' `method`.

That is Mantel and Haenszel's, Peto's, a mixed model, or penalised regression; and when these are advised.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialpool.measures import MEASURES, METHODS, OF_EVENTS, OF_RATES, Of
from trialpool.records import Effect
from trialpool.text import listing

Spec = Mapping[str, Any]
Floats = NDArray[np.float64]
IV = "iv"
RARE = 0.05  # of the people had the event, below which inverse variance is not advised, if as a rule an arm
FEW = 5  # has fewer events than these: standard errors come from counts, and large trials have enough
UNLIKE = 0.5  # of the trials have an arm without events
BALANCED = 1.5  # between the sizes of both arms, up to which Peto's method is not biased


@dataclass(frozen=True, slots=True)
class Counted:
    """The numbers of a fit by the names of a record (log of ratios), and weights in %, where it has any."""

    values: Mapping[str, Any]
    weights: Sequence[float | None]


def method_of(spec: Spec) -> str:
    """How the trials of an analysis are pooled."""
    return str(spec.get("method") or IV)


def of_counts(spec: Spec) -> bool:
    """Whether they are pooled as counts, not by inverse variance."""
    return method_of(spec) != IV


def tables_of(measure: str, effects: Sequence[Effect]) -> tuple[tuple[float, ...], ...] | None:
    """Events and people (person-years of rates) of each arm, each (k,); None where a trial lacks one."""
    size = "person_years" if MEASURES[measure].of is Of.TIMES else "n"
    names = [f"{name}_{side}" for side in MEASURES[measure].sides for name in ("events", size)]
    columns = [tuple(getattr(row, name) for row in effects) for name in names]
    if not effects or any(value is None for column in columns for value in column):
        return None
    return tuple(columns)


def pooled(spec: Spec, effects: Sequence[Effect]) -> Counted | None:
    """Some trials by the method of their analysis; None where it cannot estimate from these.

    >>> from trialpool.records import sketch
    >>> trials = [sketch(Effect, events_experimental=a, n_experimental=20, events_control=c, n_control=20)
    ...           for a, c in ((0, 3), (2, 4), (0, 0))]
    >>> spec = {"method": "mh", "measure": "OR", "level": 0.95, "zero_cells": 0.5, "glmm_model": "UM.FS"}
    >>> found = pooled(spec, trials)
    >>> round(found.values["estimate"], 3), [round(weight, 1) for weight in found.weights]
    (-1.417, [45.5, 54.5, 0.0])
    """
    tables = tables_of(spec["measure"], effects)
    if tables is None:
        return None
    return _pooled(method_of(spec), settings_of(spec), tables)


def settings_of(spec: Spec) -> tuple[str, float, Any, str]:
    """Measure, level, rule for empty cells, and mixed model of an analysis."""
    return spec["measure"], spec["level"], spec.get("zero_cells", 0.5), spec.get("glmm_model") or "UM.FS"


@lru_cache(maxsize=1024)
def _pooled(
    method: str, settings: tuple[str, float, Any, str], tables: tuple[tuple[float, ...], ...]
) -> Counted | None:
    """A fit once: the same trials are the headline, their number, a row of the sensitivity analysis."""
    try:
        return fitted(method, settings, tables)
    except ValueError:
        return None


def fitted(
    method: str, settings: tuple[str, float, Any, str], tables: tuple[tuple[float, ...], ...]
) -> Counted:
    """Tables by a method, with the measure, level, rule for empty cells and mixed model of `settings`.

    Raises ValueError where the method has no estimate from these.
    """
    from trialpool import stats

    measure, level, zero_cells, model = settings
    data = [np.array(column, dtype=float) for column in tables]
    kind: dict[str, Any] = {"measure": measure, "level": level}
    make: Mapping[str, Callable[..., Any]] = {
        "mh": partial(stats.mantel_haenszel, zero_cells=zero_cells),
        "peto": stats.peto,
        "glmm": partial(stats.glmm, model=model) if MEASURES[measure].compares else stats.glmm_single,
        "penalised": stats.penalised,
    }
    fit = make[method](*data, **kind)
    found = (
        (each.name, getattr(fit, each.name)) for each in fields(fit) if each.name not in ("weights", "k")
    )
    values = {name: value if isinstance(value, str) else float(value) for name, value in found}
    if method == "glmm":
        from scipy.special import ndtri

        half = float(ndtri((1 + level) / 2)) * math.hypot(fit.se, math.sqrt(fit.tau2))
        values |= {"pi_low": fit.estimate - half, "pi_high": fit.estimate + half}
    weights = getattr(fit, "weights", None)
    none: list[float | None] = [None] * len(tables[0])
    return Counted(values, none if weights is None else np.asarray(weights).tolist())


def advice(measure: str, effects: Sequence[Effect]) -> str:
    """Which method suits rare events better than inverse variance; "" where that is well (Handbook 10.4.4).

    >>> from trialpool.records import sketch
    >>> rare = sketch(Effect, events_experimental=1, n_experimental=400, events_control=2, n_control=400)
    >>> advice("RR", [rare, rare])
    'only 0.38% of the people had the event'
    """
    tables = tables_of(measure, effects) if measure in OF_EVENTS or measure in OF_RATES else None
    if tables is None or len(effects) < 2:
        return ""
    a, n1, c, n2 = (np.array(column, dtype=float) for column in tables)
    empty = float(np.mean((a == 0) | (c == 0)))
    share, fewest = (a + c).sum() / (n1 + n2).sum(), float(np.median(np.minimum(a, c)))
    if measure in OF_EVENTS and share < RARE and fewest < FEW:
        return f"only {100 * share:.2g}% of the people had the event"
    if empty > UNLIKE:
        return f"in {round(empty * len(a))} of {len(a)} trials an arm has no event"
    return ""


def advised(measure: str, effects: Sequence[Effect]) -> str:
    """The methods that would suit, in words.

    >>> advised("RD", [])
    'Mantel–Haenszel (method: mh)'
    """
    found = ["Mantel–Haenszel (method: mh)"]
    if measure in METHODS["peto"]:
        tables = tables_of(measure, effects)
        sizes = [np.array(column, dtype=float) for column in tables[1::2]] if tables else []
        even = not sizes or float(np.max([*(sizes[0] / sizes[1]), *(sizes[1] / sizes[0])])) <= BALANCED
        found += ["Peto (peto)"] if even else []
        found += ["a mixed model of events (glmm)", "penalised regression (penalised)"]
    return listing(found, "or")
