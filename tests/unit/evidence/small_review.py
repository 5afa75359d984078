"""Made-up trials in the codebook's tables, a few cells at a time; what is not said has a harmless value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from trialpool.contracts import TABLES
from trialpool.evidence.compare import Comparison, compare
from trialpool.evidence.summaries import harmonise
from trialpool.records import Steps

Row = dict[str, Any]
CATALOGUE: dict[str, Any] = {
    "groups": {},
    "instruments": {
        "NRS": {"range": [0, 10], "better": "lower", "unit": "points"},
        "VAS100": {"range": [0, 100], "better": "lower", "unit": "points"},
        "FACT_GOG_NTX": {"range": [0, 44], "better": "higher", "unit": "points"},
        "MNCV": {"range": None, "better": "higher", "unit": "m/s"},
        "TSS": {"range": [0, 14.64], "better": "lower", "unit": "points"},
    },
}
STUDY = {"first_author": "Lu", "year": 2020, "condition": "DPN", "design": "parallel", "purpose": "treatment"}
SHAM = {"arm": "s", "category": "sham", "role": "control"}
ARM = {"role": "experimental", "label": "an arm", "category": "manual_acupuncture"}
PLACE = {
    "domain": "pain",
    "weeks": 8,
    "timepoint": "end_of_treatment",
    "reading": "double",
    "locator": "Table 1",
}
CONTINUOUS = PLACE | {
    **{"instrument": "NRS", "unit": "points", "better": "lower", "measure": "final", "n": 20},
    **{"centre_type": "mean", "centre": 4.0, "spread_type": "sd", "spread_low": 2.0},
}
CONTRAST = PLACE | {
    **{"instrument": "NRS", "unit": "points", "better": "lower", "measure": "mean_difference"},
    **{"estimate": -1.0, "spread_type": "ci95", "spread_low": -2.0, "spread_high": 0.0},
}
EVENT = PLACE | {"domain": "responder", "outcome": "improved", "events": 10, "n": 20}
LAST: list[Any] = []  # the tables asked last, and what was harmonised of them
DEFAULTS = {"studies": STUDY, "arms": ARM, "continuous": CONTINUOUS, "contrasts": CONTRAST, "events": EVENT}


def review(**rows: list[Row]) -> dict[str, pd.DataFrame]:
    """Evidence tables as `evidence.read` hands them over: unless said, one study A with arms `a` and `s`."""
    rows = {
        "studies": [{}],
        "arms": [{"arm": "a"}, {"arm": "s", "category": "sham", "role": "control"}],
    } | rows
    return {name: _frame(name, rows.get(name, [])) for name in DEFAULTS}


def _frame(name: str, rows: list[Row]) -> pd.DataFrame:
    full = [{"study_id": "A", "source_url": "https://example.org"} | DEFAULTS[name] | row for row in rows]
    columns = {}
    for column in TABLES[name].columns:
        values = [row.get(column.name) for row in full]
        if column.is_number:
            columns[column.name] = np.array([np.nan if v is None else v for v in values], dtype=float)
        else:
            columns[column.name] = pd.array([pd.NA if v in (None, "") else v for v in values], dtype="string")
    columns["row_id"] = pd.array([f"{name}.csv:{place + 2}" for place in range(len(full))], dtype="string")
    return pd.DataFrame(columns)


def question(**changes: Any) -> Row:
    """A resolved analysis: acupuncture versus sham, pain on one 0-10 scale."""
    spec: Row = {
        **{"analysis": "q", "title": "", "condition": ["DPN"], "purpose": None, "domain": "pain"},
        **{"outcomes": [], "items": [], "experimental": ["manual_acupuncture", "electroacupuncture"]},
        **{"control": ["sham"], "timepoint": "end_of_treatment", "measure": "MD", "scale": None},
        **{"better": "lower", "several_effects": "prefer", "multi_arm": "combine"},
        **{"change_correlation": 0.5, "zero_cells": 0.5, "smd_variance": "LS"},
    }
    return spec | changes


def answer(tables: dict[str, pd.DataFrame], *specs: Row) -> Comparison:
    """Harmonise and compare; without a question the usual one is asked."""
    if not LAST or LAST[0] is not tables:
        LAST[:] = tables, harmonise(tables)
    return compare(LAST[1], tables, CATALOGUE, specs or (question(),))


def chosen(comparison: Comparison) -> list[Row]:
    """The selected effects as dicts, steps and cautions as texts."""
    effects = comparison.effects
    rows: list[Row] = effects[effects["selected"]].to_dict("records")
    return [row | {name: str(Steps(row[name])) for name in ("derivation", "cautions")} for row in rows]


def reasons(comparison: Comparison) -> dict[str, str]:
    """Reason code -> words of everything excluded."""
    return dict(zip(comparison.excluded["reason_code"], comparison.excluded["reason"], strict=True))


def two_arms(**cells: Any) -> list[Row]:
    """Rows of continuous.csv of an experimental and a sham arm, alike but for their mean."""
    return [{"arm": "a", "centre": 3.0, **cells}, {"arm": "s", "centre": 5.0, **cells}]
