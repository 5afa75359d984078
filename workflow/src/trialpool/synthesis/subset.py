"""A record restricted to the trials that had a certain dose, pooled again by the record's own methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialpool.synthesis.pooled import pool_rows

Row = Mapping[str, Any]
OF_THE_WHOLE = ("robustness", "small_study")  # answers of the unrestricted record that the judgement reads


def restricted(record: Row, where: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """The record of those rows whose numbers lie within all bounds, `where` = {column: [low, high]}.

    A row that does not report a number is left out: nothing is assumed of it.

    >>> record = {"analysis": "a", "status": "no_data", "studies": []}
    >>> restricted(record, {"sessions": [8, 16]})["status"]
    'no_data'
    """
    rows = [study for study in record["studies"] if _within(study, where)]
    trials = {row["study_id"] for row in rows}
    status = "no_data" if not rows else "single_study" if len(trials) == 1 else "pooled"
    if status == record["status"] and len(rows) == len(record["studies"]):
        return dict(record)
    spec = {"measure": record["measure"], **record["methods"]} if rows else {}
    pooled, weights = pool_rows(spec, rows, status)
    studies = [row | {"weight": weight} for row, weight in zip(rows, weights, strict=True)]
    kept = {key: value for key, value in record.items() if key not in OF_THE_WHOLE}
    return {**kept, "status": status, "k": len(trials), "pooled": pooled, "studies": studies} | {
        f"n_{side}": _people(rows, side) for side in ("experimental", "control")
    }


def _within(study: Row, where: Mapping[str, Sequence[float]]) -> bool:
    return all(study[key] is not None and low <= study[key] <= high for key, (low, high) in where.items())


def _people(rows: Sequence[Row], side: str) -> int | None:
    """People of one side; a trial with several rows counts once, with its largest number."""
    largest: dict[str, float] = {}
    for row in rows:
        if row[f"n_{side}"] is None:
            return None
        largest[row["study_id"]] = max(largest.get(row["study_id"], 0.0), row[f"n_{side}"])
    return round(sum(largest.values())) if rows else None
