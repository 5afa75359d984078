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
from trialpool.evidence.audit.rules import SEVERITIES, finding_rows
from trialpool.evidence.derivation import plain_text, with_randomised
from trialpool.evidence.scales import instrument_entry, with_scales
from trialpool.evidence.summaries import centre_and_spread
from trialpool.vocabulary import Vocabulary, general


def audit(
    tables: Mapping[str, pd.DataFrame], catalogue: Mapping[str, Any], vocabulary: Vocabulary | None = None
) -> pd.DataFrame:
    """Every finding of every rule, columns of `contracts.AUDIT`, the gravest first, then by trial and row.

    `tables` are the evidence tables (`evidence.read`), `catalogue` the instruments, `vocabulary` the words of
    the review. `row_ids` are separated by spaces; `study_id` is empty for a finding about all trials
    together, and a review's id for a published pool.
    """
    prepared = prepare(tables, catalogue, vocabulary or general())
    findings = pd.concat(
        [finding_rows(rule, rows) for check in CHECKS for rule, rows in check(prepared)], ignore_index=True
    )
    order = findings["severity"].map({severity: place for place, severity in enumerate(SEVERITIES)})
    findings = findings.assign(order=order)
    findings = findings.sort_values(["order", "study_id", "rule", "row_ids", "numbers"], kind="stable")
    return findings[list(AUDIT.names)].reset_index(drop=True)


def prepare(
    tables: Mapping[str, pd.DataFrame], catalogue: Mapping[str, Any], vocabulary: Vocabulary
) -> Tables:
    """The evidence tables as the rules want them: text plain, scores with their scale and their SD.

    `continuous` and `contrasts` gain the columns of `scales.with_scales` (the range only where the row is in
    the instrument's unit), `integer_items` (NaN if not declared) and `binary`; `continuous` also `n_any` (n,
    or the number randomised), `sd` (as printed, or from the row's own SE, interval or quartiles; NaN where
    none leads to one) and `one_scale` (the name of its domain, if all scales of that measure one thing).
    """
    frames = {name: plain_text(frame) for name, frame in tables.items()}
    rows, contrasts = (_with_scales(frames[name], catalogue) for name in ("continuous", "contrasts"))
    domains = {code: vocabulary.domain(code) for code in rows["domain"].unique()}
    rows["one_scale"] = rows["domain"].map({code: d.name for code, d in domains.items() if d.one_scale})
    rows["n_any"], _ = with_randomised(rows, frames["arms"])
    rows["sd"] = centre_and_spread(rows.assign(n=rows["n_any"]))["sd"].astype(float)
    return {**frames, "continuous": rows, "contrasts": contrasts}


def _with_scales(frame: pd.DataFrame, catalogue: Mapping[str, Any]) -> pd.DataFrame:
    rows = with_scales(frame, catalogue)
    pairs = zip(rows["instrument"], rows["item"], strict=True)
    entries = [instrument_entry(catalogue, *pair) for pair in pairs]
    items = [entry.get("integer_items") or np.nan for entry in entries]
    rows["integer_items"] = np.array(items, dtype=float)
    rows["binary"] = np.array([bool(entry.get("binary")) for entry in entries], dtype=bool)
    own_unit = (rows["unit"] == rows["unit_usual"]) | (rows["unit_usual"] == "") | (rows["unit"] == "")
    rows[["low", "high"]] = rows[["low", "high"]].astype(float).where(own_unit)
    return rows
