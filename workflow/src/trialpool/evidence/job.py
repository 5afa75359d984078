"""The three jobs of the evidence: ingest, harmonise, compare; each writes all of its files or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from trialpool import io
from trialpool.errors import Fault, InputError
from trialpool.evidence.read import examine
from trialpool.evidence.rules import unknown_instruments
from trialpool.settings import load_catalogue

Specs = Mapping[str, Mapping[str, Any]]


def ingest(
    folders: Sequence[str], catalogue_path: str, conditions: Sequence[str], paths: Sequence[str]
) -> None:
    """Read and check the evidence tables and write each as parquet, or raise InputError with every fault.

    `conditions` are those that the config asks about; the catalogue's groups name the arm categories, so a
    review of other conditions or treatments adds its own words there.
    """
    catalogue = load_catalogue(catalogue_path)
    categories = sorted({word for members in catalogue["groups"].values() for word in members})
    tables, faults = examine(folders, {"condition": list(conditions), "category": categories})
    faults = [*faults, *unknown_instruments(tables, catalogue), *_unasked(tables, conditions)]
    if faults:
        raise InputError(faults)
    for path in paths:
        io.write_parquet(path, tables[Path(path).stem])


def _unasked(tables: Mapping[str, pd.DataFrame], conditions: Sequence[str]) -> list[Fault]:
    """A condition that no trial has is a slip in the config, not a gap in the evidence."""
    if "studies" not in tables:
        return []
    known = set(tables["studies"]["condition"].dropna())
    remedy = f"use one of: {', '.join(sorted(known))}"
    return [
        Fault("config", None, "condition", condition, "not the condition of any trial in studies.csv", remedy)
        for condition in conditions
        if condition not in known
    ]


def read_tables(paths: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Parquet files as frames, keyed by their names without suffix."""
    return {Path(path).stem: pd.read_parquet(path) for path in paths}


def harmonise(table_paths: Sequence[str], paths: Sequence[str]) -> None:
    """Bring what trials report to arm summaries, contrasts and events."""
    from trialpool.evidence.harmonise import harmonise, write_harmonised

    write_harmonised(harmonise(read_tables(table_paths)), paths)


def compare(
    table_paths: Sequence[str],
    harmonised_paths: Sequence[str],
    catalogue_path: str,
    specs: Specs,
    first_path: str,
) -> None:
    """Turn arm summaries into effects: per analysis its effects, what was not used and why, and its trials.

    `first_path` is the first of the files to write, <folder>/<analysis>/effects.parquet.
    """
    from trialpool.evidence.compare import compare, write_comparison

    tables, harmonised = read_tables(table_paths), read_tables(harmonised_paths)
    catalogue = load_catalogue(catalogue_path)
    comparison = compare(harmonised, tables, catalogue, list(specs.values()))
    effects = comparison.effects
    effects["risk_of_bias"] = effects["study_id"].map(overall_risk_of_bias(tables["risk_of_bias"])).fillna("")
    comparison = replace(comparison, effects=effects)
    write_comparison(comparison, list(specs), Path(first_path).parents[1])


def overall_risk_of_bias(judgements: pd.DataFrame) -> dict[str, str]:
    """One word a trial: high if any domain is, low if every judged domain is, else unclear.

    >>> rows = pd.DataFrame({"study_id": ["A", "A", "B"], "judgement": ["low", "high", "low"]})
    >>> overall_risk_of_bias(rows)
    {'A': 'high', 'B': 'low'}
    """
    words = {}
    for study, given in judgements.groupby("study_id", sort=True)["judgement"]:
        found = set(given)
        words[str(study)] = "high" if "high" in found else "low" if found == {"low"} else "unclear"
    return words
