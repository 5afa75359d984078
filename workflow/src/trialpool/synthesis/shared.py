"""How much the effects of several arms against one control correlate, because they share that control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Row = dict[str, Any]
SIDES = ("experimental", "control")


def shared_correlation(spec: Mapping[str, Any], rows: Sequence[Row]) -> float:
    """Mean correlation of sampling errors over all pairs of effects that share a control (0 if none do).

    From the arms' own numbers (Gleser & Olkin 2009); pairs known only as published contrasts count as 1/2,
    the correlation of two equally large arms against a control of their size.

    >>> row = {"study_id": "A", "arm_control": "c", "mean_experimental": 1.0, "sd_experimental": 2.0,
    ...        "n_experimental": 20, "mean_control": 0.0, "sd_control": 2.0, "n_control": 20}
    >>> shared_correlation({"measure": "MD", "zero_cells": 0.5}, [row, row | {"mean_experimental": 2.0}])
    0.5
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["study_id"], row["arm_control"]), []).append(row)
    found = [_correlations(spec, group) for group in groups.values() if len(group) > 1]
    return float(np.concatenate(found).mean()) if found else 0.0


def _correlations(spec: Mapping[str, Any], rows: Sequence[Row]) -> np.ndarray:
    """The correlations of all pairs of one group, shape (m(m - 1)/2,)."""
    from trialpool.stats import shared_control_events, shared_control_means

    above = np.triu_indices(len(rows), 1)
    events = spec["measure"] in ("RR", "OR", "RD")
    names = ("events", "n") if events else ("mean", "sd", "n")
    columns = {side: [[row[f"{name}_{side}"] for row in rows] for name in names] for side in SIDES}
    if any(value is None for values in columns.values() for column in values for value in column):
        return np.full(len(above[0]), 0.5)
    arms = columns["experimental"]
    control = [column[0] for column in columns["control"]]
    if events:
        result = shared_control_events(spec["measure"], *arms, *control, zero_cells=spec["zero_cells"])
    else:
        result = shared_control_means(spec["measure"], *arms, *control)
    spread = np.sqrt(np.diagonal(result.covariance))
    return np.asarray((result.covariance / np.outer(spread, spread))[above])
