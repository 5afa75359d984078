"""The integrity audit: what a careful reader would ask about the numbers before believing a pooled result.

It reports and never drops: every finding names its rule, the rows, the numbers and what to check. Severity
`high` = cannot be, or hardly, as printed; `medium` = does not fit other numbers; `low` = worth knowing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from trialpool import io
from trialpool.evidence import audit_rules_agreement as agreement
from trialpool.evidence import audit_rules_count as count
from trialpool.evidence import audit_rules_interval as interval
from trialpool.evidence import audit_rules_spread as spread
from trialpool.evidence import audit_rules_trial as trial
from trialpool.evidence.audit_frame import FINDING_COLUMNS, SEVERITIES, Tables, prepare
from trialpool.evidence.tables import read_tables
from trialpool.settings import load_catalogue

RULES: tuple[Callable[[Tables], pd.DataFrame], ...] = (
    spread.outside_range,
    spread.mean_sd_impossible,
    spread.spread_against_other_trials,
    spread.spread_unequal,
    interval.interval_and_estimate,
    interval.p_and_interval,
    interval.scored_otherwise,
    agreement.arms_against_contrasts,
    agreement.p_and_means,
    count.people_beyond_randomised,
    count.whole_numbers,
    trial.baseline_imbalance,
    trial.repeated_numbers,
    trial.doubts_on_record,
)


def audit(tables: Mapping[str, pd.DataFrame], catalogue: Mapping[str, Any]) -> pd.DataFrame:
    """Every finding of every rule, columns FINDING_COLUMNS, the gravest first, then by trial and row.

    `tables` are the evidence tables (`evidence.read`), `catalogue` the instruments. `row_ids` are separated
    by spaces; `study_id` is empty for a finding about all trials together, and a review's id for a published
    pool.

    >>> import tempfile
    >>> from trialpool.evidence.codebook import PUBLISHED_POOLS, TABLES
    >>> from trialpool.evidence.read import read_evidence
    >>> pool = {"review_id": "Ho2020", "condition": "DPN", "comparison": "A vs B", "outcome": "pain",
    ...         "measure": "MD", "estimate": 9, "ci_low": 1, "ci_high": 3,
    ...         "source_url": "https://example.org/ho", "locator": "Table 2"}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for table in TABLES.values():
    ...         rows = pd.DataFrame([pool] if table is PUBLISHED_POOLS else [], columns=table.names)
    ...         rows.to_csv(Path(folder, table.file), index=False)
    ...     found = audit(read_evidence(folder), {"instruments": {}})
    >>> found[["study_id", "rule", "severity"]].to_dict("records")
    [{'study_id': 'Ho2020', 'rule': 'estimate_outside_interval', 'severity': 'high'}]
    """
    prepared = prepare(tables, catalogue)
    found = pd.concat([rule(prepared) for rule in RULES], ignore_index=True)
    found["severity"] = pd.Categorical(found["severity"], SEVERITIES, ordered=True)
    found = found.sort_values(["severity", "study_id", "rule", "row_ids", "numbers"], kind="stable")
    found["severity"] = found["severity"].astype(object)
    return found[list(FINDING_COLUMNS)].reset_index(drop=True)


def write_audit(found: pd.DataFrame, path: str | Path) -> None:
    """Write the findings as CSV."""
    io.write_csv(path, found.to_dict("records"), FINDING_COLUMNS)


def audit_files(table_paths: Sequence[str], catalogue_path: str, findings_path: str, path: str) -> None:
    """Audit evidence tables in parquet files; findings as parquet for the comparison, CSV for readers."""
    found = audit(read_tables(table_paths), load_catalogue(catalogue_path))
    io.write_parquet(findings_path, found)
    write_audit(found, path)
