"""Which sets of effects others could defensibly have pooled: data choices times inclusions, as matrices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Row = dict[str, Any]
DEFAULT = "default"
INERT = {"sham", "placebo"}
# dependent effects: another model, not another set of independent effects
DEPENDENT = "several_effects=multilevel"
COVARIANCE = "multi_arm=covariance"

INCLUSIONS: dict[str, Callable[[Row], bool]] = {
    "all trials": lambda row: True,
    "low risk of bias": lambda row: row.get("risk_of_bias") == "low",
    "nothing imputed": lambda row: not row["imputed"],
    "nothing flagged by the audit": lambda row: not row.get("audit"),
    "sham or placebo control": lambda row: set(row["category_control"]) <= INERT,
    "read twice": lambda row: row["reading"] == "double",
}
ALL = next(iter(INCLUSIONS))


@dataclass(frozen=True, slots=True)
class DataSets:
    """D sets of effects as padded matrices of shape (D, K); `where` marks what is there.

    `choices` names each set: {"timepoint": "follow_up", "inclusion": "all trials"}, defaults included.
    `rows` are the effects themselves. The first set is that of the main result.
    """

    choices: list[dict[str, str]]
    rows: list[list[Row]]
    effects: NDArray[np.float64]
    variances: NDArray[np.float64]
    where: NDArray[np.bool_]


def data_sets(effects: Sequence[Row], *, smallest: int = 2) -> DataSets:
    """The distinct sets of at least `smallest` trials that some choice of data and inclusion gives.

    `effects` are the rows of an analysis' effects table, variants included. A set that pools the same rows as
    an earlier one is not another choice and is left out.

    >>> row = {"study_id": "A", "effect": 0.1, "variance": 0.2, "selected": True, "variant": "",
    ...        "imputed": False, "category_control": ["sham"], "reading": "double"}
    >>> data_sets([row, row | {"study_id": "B", "imputed": True}]).choices
    [{'inclusion': 'all trials'}]
    """
    by_label: dict[str, list[Row]] = {}
    for row in effects:
        if row["variant"] or row["selected"]:
            by_label.setdefault(row["variant"], []).append(row)
    for label in (DEPENDENT, COVARIANCE):
        by_label.pop(label, None)
    dimensions = list(dict.fromkeys(name for label in by_label for name, _ in _parts(label)))
    choices, rows, seen = [], [], set()
    for label, candidates in sorted(by_label.items(), key=lambda entry: entry[0] != ""):
        given = dict(_parts(label))
        for inclusion, keeps in INCLUSIONS.items():
            kept = [row for row in candidates if keeps(row)]
            numbers = frozenset((row["study_id"], row["effect"], row["variance"]) for row in kept)
            if len({row["study_id"] for row in kept}) < smallest or numbers in seen:
                continue
            seen.add(numbers)
            choices.append({name: given.get(name, DEFAULT) for name in dimensions} | {"inclusion": inclusion})
            rows.append(kept)
    return DataSets(choices, rows, *_matrices(rows))


def _parts(label: str) -> list[tuple[str, str]]:
    pairs = (part.split("=", 1) for part in label.split("; ") if part)
    return [(name, value) for name, value in pairs]


def _matrices(
    rows: Sequence[Sequence[Row]],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    shape = (len(rows), max((len(entry) for entry in rows), default=0))
    effects, variances = np.zeros(shape), np.ones(shape)
    where = np.zeros(shape, dtype=bool)
    for index, entry in enumerate(rows):
        effects[index, : len(entry)] = [row["effect"] for row in entry]
        variances[index, : len(entry)] = [row["variance"] for row in entry]
        where[index, : len(entry)] = True
    return effects, variances, where


def models() -> list[tuple[str, str]]:
    """Pairs of τ² method and interval: eight random-effects methods by three intervals, and FE with Wald."""
    from trialpool.stats import INTERVALS, TAU2_METHODS

    random = [(method, interval) for method in TAU2_METHODS if method != "FE" for interval in INTERVALS]
    return [*random, ("FE", "wald")]


def conclusion(low: float | None, high: float | None, null: float, better: str) -> str:
    """What an interval says: benefit, harm, or unclear when it includes no effect (or is missing).

    >>> conclusion(-2.0, -0.5, 0.0, "lower"), conclusion(0.8, 1.2, 1.0, "higher")
    ('benefit', 'unclear')
    """
    if low is None or high is None or low <= null <= high:
        return "unclear"
    return "benefit" if (high < null) == (better == "lower") else "harm"


def null_value(measure: str) -> float:
    """No effect on the natural scale: 1 for ratios, 0 for differences.

    >>> null_value("RR"), null_value("SMD")
    (1.0, 0.0)
    """
    return 1.0 if measure in ("RR", "OR", "ROM") else 0.0


def people(rows: Sequence[Mapping[str, Any]]) -> int | None:
    """People in some effects, both sides, where every effect says how many."""
    sides = [row[side] for row in rows for side in ("n_experimental", "n_control")]
    return None if any(side is None for side in sides) else round(sum(sides))
