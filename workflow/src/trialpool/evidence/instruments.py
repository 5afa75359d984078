"""The instrument catalogue as a lookup: range, direction and unit of every instrument and part.

A part (`CODE:item`, such as `NRS:numbness`) may have an entry of its own; what it does not say is taken
from its instrument (`CODE`). An instrument that is not in the catalogue has no range and no direction: its
rows can still be pooled as they are printed, but never be rescaled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

SCALE_COLUMNS = ("low", "high", "better_usual", "unit_usual", "poolable")


def instrument_entry(catalogue: Mapping[str, Any], instrument: str, item: str = "") -> dict[str, Any]:
    """What the catalogue says of an instrument, or of one part of it; empty if it is unknown.

    >>> catalogue = {"instruments": {"NRS": {"range": [0, 10], "better": "lower"},
    ...                              "NRS:auc": {"range": [0, 70]}}}
    >>> instrument_entry(catalogue, "NRS", "auc")
    {'range': [0, 70], 'better': 'lower'}
    >>> instrument_entry(catalogue, "XYZ")
    {}
    """
    entries = catalogue.get("instruments") or {}
    whole = entries.get(instrument) or {}
    part = entries.get(f"{instrument}:{item}") or {} if item else {}
    return {**whole, **part}


def scale_table(catalogue: Mapping[str, Any], pairs: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """Range and usual direction of every (instrument, item) pair, indexed by the pair.

    Columns: `low`, `high` (NaN if the instrument has no fixed range), `better_usual`, `unit_usual` ("" if
    unknown), `poolable` (False for totals that the instrument does not define).

    >>> catalogue = {"instruments": {"VAS100": {"range": [0, 100], "better": "lower", "unit": "points"}}}
    >>> float(scale_table(catalogue, [("VAS100", "")]).loc[("VAS100", ""), "high"])
    100.0
    """
    index = pd.MultiIndex.from_tuples(sorted(set(pairs)), names=["instrument", "item"])
    rows = [_scale(instrument_entry(catalogue, instrument, item)) for instrument, item in index]
    return pd.DataFrame(rows, index=index, columns=list(SCALE_COLUMNS))


def with_scales(frame: pd.DataFrame, catalogue: Mapping[str, Any]) -> pd.DataFrame:
    """The frame (columns `instrument`, `item`) with the columns of `scale_table` beside it.

    >>> rows = pd.DataFrame({"instrument": ["X"], "item": [""]})
    >>> with_scales(rows, {"instruments": {}})["low"].isna().item()
    True
    """
    unique = frame[["instrument", "item"]].drop_duplicates()
    scales = scale_table(catalogue, unique.itertuples(index=False, name=None))
    joined = frame.join(scales, on=["instrument", "item"])
    joined["poolable"] = joined["poolable"].astype(bool)
    return joined


def _scale(entry: Mapping[str, Any]) -> tuple[float, float, str, str, bool]:
    low, high = entry.get("range") or (np.nan, np.nan)
    return (
        np.nan if low is None else float(low),  # a range may be open on one side
        np.nan if high is None else float(high),
        entry.get("better") or "",
        entry.get("unit") or "",
        entry.get("poolable") is not False,
    )
