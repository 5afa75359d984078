"""How much hangs on each trial: influence measures, Baujat coordinates, and the evidence as it came in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trialpool.synthesis.pooled import arrays, natural

Row = dict[str, Any]
MEASURES = (
    *("rstudent", "dffits", "cook", "cov_ratio", "tau2_deleted", "q_deleted", "hat", "weight"),
    *("baujat_x", "baujat_y", "influential"),
)
INFLUENCE_COLUMNS = ("analysis", "study_id", "label", *MEASURES)
SMALLEST = 3


def influence_rows(spec: Mapping[str, Any], rows: Sequence[Row]) -> list[Row]:
    """One row a trial with the measures of Viechtbauer & Cheung 2010; none below three trials.

    `rows` are the pooled effects. `influential` marks a trial that any of metafor's usual limits marks.
    """
    if len(rows) < SMALLEST:
        return []
    from trialpool.stats import influence

    found = influence(*arrays(rows), tau2_method=spec["tau2_method"], interval=spec["interval"])
    columns = {name: np.asarray(getattr(found, name)) for name in MEASURES}
    return [
        {
            "analysis": spec["analysis"],
            **{name: row[name] for name in ("study_id", "label")},
            **{name: _plain(values[at]) for name, values in columns.items()},
        }
        for at, row in enumerate(rows)
    ]


def cumulative_rows(spec: Mapping[str, Any], rows: Sequence[Row]) -> list[Row]:
    """The pooled estimate after each trial in order of year, natural scale; the rows are in that order."""
    if len(rows) < 2:
        return []
    from trialpool.stats import cumulative

    fit = cumulative(
        *arrays(rows), tau2_method=spec["tau2_method"], interval=spec["interval"], level=spec["level"]
    )
    return [
        {
            "study_id": row["study_id"],
            "label": row["label"],
            "year": row["year"],
            **{
                name: natural(spec["measure"], float(getattr(fit, name)[at]))
                for name in ("estimate", "ci_low", "ci_high")
            },
        }
        for at, row in enumerate(rows)
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, np.bool_ | bool):
        return bool(value)
    return float(value) if math.isfinite(value) else None
