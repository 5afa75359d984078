"""The job that reads the evidence tables: all of them valid, or none written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from trialpool import io
from trialpool.contracts import TABLES, stored
from trialpool.errors import Fault, InputError
from trialpool.evidence.read import examine
from trialpool.evidence.rules import unknown_instruments
from trialpool.settings import load_catalogue


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
        io.write_parquet(path, tables[Path(path).stem], stored(TABLES[Path(path).stem]))


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
