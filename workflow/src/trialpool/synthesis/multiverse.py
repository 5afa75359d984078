"""All defensible choices together: every set of data under every model, and what decides the answer.

Steegen, Tuerlinckx, Gelman & Vanpaemel 2016 (multiverse); Simonsohn, Simmons & Nelson 2020 (specification
curve). One batched fit a model; nothing is fitted one specification at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialpool.synthesis.pooled import RATIOS
from trialpool.synthesis.specifications import DataSets, models, null_value

Columns = dict[str, Any]
Floats = NDArray[np.float64]
MULTIVERSE_COLUMNS = (
    "dimension",
    "level",
    "specifications",
    "median",
    "benefit",
    "clear_benefit",
    "clear_harm",
)
FITTED = ("estimate", "ci_low", "ci_high")


def multiverse(spec: Mapping[str, Any], sets: DataSets) -> Columns:
    """Every specification of one analysis as columns, natural scale, sorted by estimate.

    Columns: `estimate ci_low ci_high k` (arrays of length S), and one list of S words for every dimension of
    choice (`tau2_method`, `interval`, `inclusion`, and the data dimensions that this analysis has).
    """
    from trialpool.stats import pool

    pairs = models()
    numbers: dict[str, list[Floats]] = {name: [] for name in FITTED}
    for tau2_method, interval in pairs:
        fit = pool(
            sets.effects,
            sets.variances,
            where=sets.where,
            tau2_method=tau2_method,
            interval=interval,
            level=spec["level"],
        )
        for name in FITTED:
            numbers[name].append(np.asarray(getattr(fit, name), dtype=float))
    columns: Columns = {name: np.concatenate(values) for name, values in numbers.items()}
    if spec["measure"] in RATIOS:
        columns = {name: np.exp(values) for name, values in columns.items()}
    columns["k"] = np.tile(sets.where.sum(axis=-1), len(pairs))
    dimensions = _dimensions(sets, pairs)
    order = np.argsort(columns["estimate"], kind="stable")
    sorted_numbers = {name: values[order] for name, values in columns.items()}
    return sorted_numbers | {name: [words[at] for at in order] for name, words in dimensions.items()}


def _dimensions(sets: DataSets, pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    size = len(sets.rows)
    words = {
        "tau2_method": [method for method, _ in pairs for _ in range(size)],
        "interval": [interval for _, interval in pairs for _ in range(size)],
    }
    names = list(sets.choices[0])
    return words | {name: [choice[name] for choice in sets.choices] * len(pairs) for name in names}


def multiverse_summary(spec: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """What the multiverse says: shares of specifications, range of estimates, which choice moves them most.

    `benefit`: the estimate is on the side of benefit; `clear_benefit`, `clear_harm`: the interval excludes no
    effect; `beyond_mcid`: the estimate reaches the MCID, where there is one. `variance_share`: between-level
    sum of squares of a dimension over the total (estimates on the analysis scale); shares of dimensions need
    not add to one, because not every combination exists.
    """
    null, lower = null_value(spec["measure"]), spec["better"] == "lower"
    estimate, low, high = (columns[name] for name in FITTED)
    below, above = high < null, low > null
    mcid = (spec["mcid"] or {}).get("value")
    reached = (estimate - null) * (-1 if lower else 1) >= mcid if mcid else None
    scaled = np.log(estimate) if spec["measure"] in RATIOS else estimate
    names = [name for name in columns if name not in (*FITTED, "k")]
    return {
        "specifications": len(estimate),
        "data_sets": len(estimate) // len(models()),
        "models": len(models()),
        "estimate_low": float(estimate.min()),
        "estimate_median": float(np.median(estimate)),
        "estimate_high": float(estimate.max()),
        "benefit": float(np.mean(estimate < null if lower else estimate > null)),
        "clear_benefit": float(np.mean(below if lower else above)),
        "clear_harm": float(np.mean(above if lower else below)),
        "beyond_mcid": None if reached is None else float(np.mean(reached)),
        "variance_share": {name: _variance_share(scaled, columns[name]) for name in names},
    }


def _variance_share(values: Floats, words: list[str]) -> float:
    total = float(np.sum((values - values.mean()) ** 2))
    if total <= 1e-20 * max(1.0, float(np.sum(values**2))):
        return 0.0
    labels = np.array(words)
    groups = [values[labels == word] for word in np.unique(labels)]
    return float(sum(len(group) * (group.mean() - values.mean()) ** 2 for group in groups) / total)


def level_rows(spec: Mapping[str, Any], columns: Columns) -> list[dict[str, Any]]:
    """Rows of multiverse.csv: for every level of every choice, how its specifications come out."""
    null, lower = null_value(spec["measure"]), spec["better"] == "lower"
    estimate, low, high = (columns[name] for name in FITTED)
    rows = []
    for dimension in [name for name in columns if name not in (*FITTED, "k")]:
        labels = np.array(columns[dimension])
        for level in dict.fromkeys(sorted(columns[dimension])):
            at = labels == level
            below, above = np.mean(high[at] < null), np.mean(low[at] > null)
            better = estimate[at] < null if lower else estimate[at] > null
            rows.append(
                {
                    "dimension": dimension,
                    "level": level,
                    "specifications": int(at.sum()),
                    "median": float(np.median(estimate[at])),
                    "benefit": float(np.mean(better)),
                    "clear_benefit": float(below if lower else above),
                    "clear_harm": float(above if lower else below),
                }
            )
    return rows
