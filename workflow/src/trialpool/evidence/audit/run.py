"""Evidence tables in, findings out: what a careful reader would ask about the numbers before believing them.

The audit reports and never drops: every finding names its rule, the rows, the numbers and what to check.
Severity `high` = cannot be, or hardly, as printed; `medium` = does not fit other numbers; `low` = worth
knowing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialpool.contracts import AUDIT
from trialpool.evidence.audit.checks import CHECKS, Tables
from trialpool.evidence.audit.rules import RULES, SEVERITIES, numbers_of
from trialpool.evidence.derivation import plain_text
from trialpool.evidence.scales import instrument_entry
from trialpool.evidence.summaries import centre_and_spread


def audit(tables: Mapping[str, pd.DataFrame], catalogue: Mapping[str, Any]) -> pd.DataFrame:
    """Every finding of every rule, columns of `contracts.AUDIT`, the gravest first, then by trial and row.

    `tables` are the evidence tables (`evidence.read`), `catalogue` the instruments. `row_ids` are separated
    by spaces; `study_id` is empty for a finding about all trials together, and a review's id for a published
    pool.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from trialpool.contracts import PUBLISHED_POOLS, TABLES
    >>> from trialpool.evidence.read import read_evidence
    >>> pool = {"review_id": "Ho2020", "condition": "DPN", "comparison": "A vs B", "outcome": "pain",
    ...         "measure": "MD", "estimate": 9, "ci_low": 1, "ci_high": 3,
    ...         "source_url": "https://example.org/ho", "locator": "Table 2"}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for table in TABLES.values():
    ...         rows = pd.DataFrame([pool] if table is PUBLISHED_POOLS else [], columns=table.names)
    ...         rows.to_csv(Path(folder, table.file), index=False)
    ...     findings = audit(read_evidence(folder), {"instruments": {}})
    >>> findings[["study_id", "rule", "severity"]].to_dict("records")
    [{'study_id': 'Ho2020', 'rule': 'estimate_outside_interval', 'severity': 'high'}]
    """
    prepared = prepare(tables, catalogue)
    parts = [finding_rows(rule, rows) for check in CHECKS for rule, rows in check(prepared)]
    findings = pd.concat(parts, ignore_index=True)
    findings["severity"] = pd.Categorical(findings["severity"], SEVERITIES, ordered=True)
    findings = findings.sort_values(["severity", "study_id", "rule", "row_ids", "numbers"], kind="stable")
    findings["severity"] = findings["severity"].astype(object)
    return findings[list(AUDIT.names)].reset_index(drop=True)


def finding_rows(rule: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Findings of one rule, one a row of `rows` (which has study_id, source_url and row_ids or row_id).

    >>> rows = pd.DataFrame({"study_id": ["A"], "row_id": ["events.csv:2"], "source_url": ["u"],
    ...                      "use_reason": ["a misprint"]})
    >>> finding_rows("doubted_row", rows).iloc[0].tolist()[:5]
    ['doubted_row', 'low', 'A', 'events.csv:2', 'a misprint']
    """
    words = RULES[rule]
    ids = rows["row_ids"] if "row_ids" in rows else rows["row_id"]
    columns = {
        "rule": rule,
        "severity": rows["severity"].to_numpy(dtype=object) if "severity" in rows else words.severity,
        "study_id": rows["study_id"].to_numpy(dtype=object),
        "row_ids": ids.to_numpy(dtype=object),
        "numbers": numbers_of(words.numbers, rows),
        "finding": words.finding,
        "check": words.check,
        "source_url": rows["source_url"].to_numpy(dtype=object),
    }
    return pd.DataFrame(columns, index=range(len(rows)), columns=list(AUDIT.names))


def prepare(tables: Mapping[str, pd.DataFrame], catalogue: Mapping[str, Any]) -> Tables:
    """The evidence tables as the rules want them: text plain, scores with their scale and their SD.

    `continuous` gains the columns of `with_facts`, `n_any` (n, or the number randomised) and `sd` (as
    printed, or from the row's own SE, interval or quartiles; NaN where none leads to one), `contrasts` those
    of `with_facts`.
    """
    frames = {name: plain_text(frame) for name, frame in tables.items()}
    rows = with_facts(frames["continuous"], catalogue)
    randomised = tables["arms"].set_index(["study_id", "arm"])["n_randomised"]
    stand_in = rows[["study_id", "arm"]].join(randomised, on=["study_id", "arm"])["n_randomised"]
    rows["n_any"] = rows["n"].fillna(stand_in)
    rows["sd"] = centre_and_spread(rows.assign(n=rows["n_any"]))["sd"].astype(float)
    return {**frames, "continuous": rows, "contrasts": with_facts(frames["contrasts"], catalogue)}


FACTS = {
    **{"low": float, "high": float, "better_usual": object, "unit_usual": object},
    **{"integer_items": float, "binary": bool, "defined": bool},
}


def with_facts(rows: pd.DataFrame, catalogue: Mapping[str, Any]) -> pd.DataFrame:
    """The rows with what the catalogue says of their instrument or part.

    Columns: `low`, `high` (its range where the row is in its unit, else NaN), `better_usual`, `unit_usual`,
    `integer_items` (NaN if not declared), `binary`, `defined`.

    >>> rows = pd.DataFrame({"instrument": ["NRS"], "item": [""], "unit": ["percent"]})
    >>> catalogue = {"instruments": {"NRS": {"range": [0, 10], "unit": "points", "better": "lower"}}}
    >>> with_facts(rows, catalogue)[["low", "unit_usual"]].to_dict("records")
    [{'low': nan, 'unit_usual': 'points'}]
    """
    pairs = list(zip(rows["instrument"], rows["item"], strict=True))
    facts = {pair: _facts(instrument_entry(catalogue, *pair)) for pair in dict.fromkeys(pairs)}
    table = pd.DataFrame([facts[pair] for pair in pairs], index=rows.index, columns=list(FACTS))
    table = table.astype(FACTS)  # a table without rows has no types of its own
    own_unit = (rows["unit"] == table["unit_usual"]) | (table["unit_usual"] == "") | (rows["unit"] == "")
    table[["low", "high"]] = table[["low", "high"]].where(own_unit)
    return pd.concat([rows, table], axis=1)


def _facts(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    low, high = (np.nan if bound is None else float(bound) for bound in entry.get("range") or (None, None))
    better, unit = entry.get("better") or "", entry.get("unit") or ""
    items, binary = float(entry.get("integer_items") or np.nan), bool(entry.get("binary"))
    return low, high, better, unit, items, binary, entry.get("poolable") is not False
