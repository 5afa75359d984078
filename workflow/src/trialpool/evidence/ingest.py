"""From folders of evidence tables to typed frames: all of them valid, or every fault told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trialpool.errors import Fault, InputError
from trialpool.evidence.read import examine
from trialpool.evidence.rules import unknown_instruments


def valid_tables(
    folders: Sequence[str], catalogue: Mapping[str, Any], conditions: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """Read and check the evidence tables of all folders; raises InputError with every fault.

    `conditions` are those that the config asks about; the catalogue's groups name the arm categories, so a
    review of other conditions or treatments adds its own words there.
    """
    categories = sorted({word for members in catalogue.get("groups", {}).values() for word in members})
    tables, faults = examine(folders, {"condition": list(conditions), "category": categories})
    faults = [*faults, *unknown_instruments(tables, catalogue), *_unasked(tables, conditions)]
    if faults:
        raise InputError(faults)
    return tables


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
