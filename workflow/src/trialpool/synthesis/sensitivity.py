"""One choice changed at a time: does the conclusion of the main result hold?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from trialpool.synthesis.pooled import natural, pool_rows
from trialpool.synthesis.specifications import (
    ALL,
    COVARIANCE,
    DEFAULT,
    DEPENDENT,
    DataSets,
    conclusion,
    models,
    null_value,
    people,
)
from trialpool.synthesis.untried import untried_rows

Row = dict[str, Any]
SENSITIVITY_COLUMNS = (
    *(
        "analysis",
        "kind",
        "choice",
        "k",
        "n",
        "estimate",
        "ci_low",
        "ci_high",
        "p_value",
        "pi_low",
        "pi_high",
    ),
    *("tau2", "i2", "conclusion", "changes_conclusion", "reason"),
)
THREE_LEVEL = {
    DEPENDENT: "all effects of each trial, three-level model",
    COVARIANCE: "multi arm: covariance, three-level model",
}
NATURAL = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")


def sensitivity_rows(spec: Mapping[str, Any], sets: DataSets, effects: Sequence[Row] = ()) -> list[Row]:
    """Rows of sensitivity.csv: the main result, other models, sparse-event methods, data, inclusions, trials.

    `sets` are the analysis' data sets (`specifications.data_sets`), the main one first; `effects` the rows of
    its effects table. Estimates are on the natural scale (Peto's is an odds ratio whatever the measure).
    `changes_conclusion` compares with the main result: benefit, harm or unclear. What could not be tried has
    no estimate and a `reason`.
    """
    if not sets.rows:
        return []
    rows = [
        _row("main", "as configured", spec, sets, 0),
        *_other_models(spec, sets),
        *_sparse(spec, sets.rows[0]),
        *_other_data(spec, sets),
        *_dependent(spec, effects),
        *_without_each(spec, sets.rows[0]),
    ]
    for row in rows:
        row["analysis"] = spec["analysis"]
        limits = (row["ci_low"], row["ci_high"])
        row["conclusion"] = conclusion(*limits, null_value(spec["measure"]), spec["better"])
    for row in rows:
        row["changes_conclusion"] = row["conclusion"] != rows[0]["conclusion"]
    untried = (
        dict.fromkeys(SENSITIVITY_COLUMNS) | row | {"analysis": spec["analysis"], "changes_conclusion": False}
        for row in untried_rows(spec, sets, effects)
    )
    return [*rows, *untried]


def _row(kind: str, choice: str, spec: Mapping[str, Any], sets: DataSets, index: int) -> Row:
    found = _pooled(spec, sets, [index], spec["tau2_method"], spec["interval"])
    return {"kind": kind, "choice": choice, **found[0]}


def _pooled(
    spec: Mapping[str, Any], sets: DataSets, indices: Sequence[int], tau2_method: str, interval: str
) -> list[Row]:
    """Some data sets pooled in one batch, in the form of a sensitivity row."""
    from trialpool.stats import pool

    fit = pool(
        sets.effects[indices],
        sets.variances[indices],
        where=sets.where[indices],
        tau2_method=tau2_method,
        interval=interval,
        level=spec["level"],
    )
    names = ("estimate", "ci_low", "ci_high", "p_value", "pi_low", "pi_high", "tau2", "i2")
    columns = {name: np.atleast_1d(np.asarray(getattr(fit, name), dtype=float)) for name in names}
    return [
        {
            "k": len({row["study_id"] for row in sets.rows[index]}),
            "n": people(sets.rows[index]),
            **{name: _told(spec["measure"], name, columns[name][place]) for name in names},
        }
        for place, index in enumerate(indices)
    ]


def _told(measure: str, name: str, value: float) -> float | None:
    if not math.isfinite(value):
        return None
    return natural(measure, value) if name in NATURAL else float(value)


def _other_models(spec: Mapping[str, Any], sets: DataSets) -> Iterator[Row]:
    for tau2_method, interval in models():
        if (tau2_method, interval) != (spec["tau2_method"], spec["interval"]):
            found = _pooled(spec, sets, [0], tau2_method, interval)[0]
            yield {"kind": "model", "choice": f"{tau2_method}, {interval}", **found}


def _sparse(spec: Mapping[str, Any], rows: Sequence[Row]) -> Iterator[Row]:
    """Methods for sparse events that need no correction of zero cells."""
    from trialpool.stats import mantel_haenszel, peto

    counts = ("events_experimental", "n_experimental", "events_control", "n_control")
    if spec["measure"] not in ("RR", "OR", "RD") or any(row[name] is None for row in rows for name in counts):
        return
    tables = [np.array([row[name] for row in rows], dtype=float) for name in counts]
    fits = {"Mantel–Haenszel": mantel_haenszel(*tables, measure=spec["measure"], level=spec["level"])}
    if spec["measure"] != "RD":
        fits["Peto" if spec["measure"] == "OR" else "Peto (odds ratio)"] = peto(*tables, level=spec["level"])
    for choice, fit in fits.items():
        numbers = {name: float(getattr(fit, name)) for name in ("estimate", "ci_low", "ci_high", "p_value")}
        told = {name: _told(spec["measure"], name, value) for name, value in numbers.items()}
        size = {"k": len({row["study_id"] for row in rows}), "n": people(rows)}
        yield {"kind": "sparse", "choice": choice, **size, **told, "pi_low": None, "pi_high": None}


def _other_data(spec: Mapping[str, Any], sets: DataSets) -> Iterator[Row]:
    """Data sets that depart from the main one in one choice only."""
    for index, choice in enumerate(sets.choices):
        departs = {name: value for name, value in choice.items() if value not in (DEFAULT, ALL)}
        if len(departs) == 1:
            ((name, value),) = departs.items()
            kind = "inclusion" if name == "inclusion" else "data"
            label = value if kind == "inclusion" else f"{name.replace('_', ' ')}: {value.replace('_', ' ')}"
            yield _row(kind, label, spec, sets, index)


def _dependent(spec: Mapping[str, Any], effects: Sequence[Row]) -> Iterator[Row]:
    """Effects that depend on each other, all of them in the three-level model (see `pooled.pool_rows`)."""
    for label, choice in THREE_LEVEL.items():
        rows = [row for row in effects if row["variant"] == label]
        trials = {row["study_id"] for row in rows}
        if len(trials) < 2 or len(rows) == len(trials):
            continue
        name, value = label.split("=")
        found, _ = pool_rows({**spec, name: value}, rows, "pooled")
        if found:
            numbers = {key: found[key] for key in (*NATURAL, "p_value", "tau2", "i2")}
            yield {"kind": "data", "choice": choice, "k": len(trials), "n": None, **numbers}


def _without_each(spec: Mapping[str, Any], rows: Sequence[Row]) -> Iterator[Row]:
    """Leave one trial out, all in one batch."""
    studies = list(dict.fromkeys(row["study_id"] for row in rows))
    if len(studies) < 3:
        return
    shape = (len(studies), len(rows))
    keep = np.array([[row["study_id"] != study for row in rows] for study in studies])
    sets = DataSets(
        choices=[{} for _ in studies],
        rows=[[row for row in rows if row["study_id"] != study] for study in studies],
        effects=np.broadcast_to(np.array([row["effect"] for row in rows]), shape).copy(),
        variances=np.broadcast_to(np.array([row["variance"] for row in rows]), shape).copy(),
        where=keep,
    )
    found = _pooled(spec, sets, range(len(studies)), spec["tau2_method"], spec["interval"])
    labels = {row["study_id"]: row["label"] for row in rows}
    for study, row in zip(studies, found, strict=True):
        yield {"kind": "leave one out", "choice": f"without {labels[study]}", "study_id": study, **row}
