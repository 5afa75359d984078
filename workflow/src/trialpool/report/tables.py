"""The rows of results/summary.csv, studies.csv and excluded.csv, taken from the records as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from trialpool.contracts import NOT_USED, STUDY_ROWS, SUMMARY
from trialpool.report.naming import conditions

POOLED_NUMBERS = ("estimate", "ci_low", "ci_high", "p_value", "pi_low", "pi_high")
HETEROGENEITY_NUMBERS = ("tau2", "tau2_low", "tau2_high", "i2", "q", "q_df", "q_p_value")
# risks and differences in people per 1,000
ABSOLUTE_NUMBERS = (
    *("assumed_risk", "risk", "risk_low", "risk_high"),
    *("difference", "difference_low", "difference_high"),
)
FURTHER_NUMBERS = ("se", "statistic", "df", "h2", "tau2_empty")

SUMMARY_COLUMNS, STUDY_COLUMNS, EXCLUDED_COLUMNS = SUMMARY.names, STUDY_ROWS.names, NOT_USED.names


def summary_row(record: Mapping[str, Any]) -> dict[str, Any]:
    """One row of summary.csv: keys are SUMMARY_COLUMNS, numbers untouched, ratios on their natural scale.

    Pooling methods are left empty where nothing was pooled: a single trial used none of them.

    >>> row = summary_row({"analysis": "a", "condition": ["DPN"], "status": "no_data", "k": 0})
    >>> row["condition"], row["estimate"], row["interval"]
    ('DPN', None, None)
    """
    pooled = record.get("pooled") or {}
    methods = record.get("methods") or {}
    mcid = record.get("mcid") or {}
    row: dict[str, Any] = {column: record.get(column) for column in SUMMARY_COLUMNS}
    row |= {key: pooled.get(key) for key in (*POOLED_NUMBERS, *HETEROGENEITY_NUMBERS, *FURTHER_NUMBERS)}
    row |= {
        "condition": " ".join(conditions(record)),
        "experimental": record.get("experimental_name"),
        "control": record.get("control_name"),
        "level": methods.get("level"),
        "n_effects": len(record.get("studies") or []),
        "n_known": len({known["study_id"] for known in record.get("known") or []}),
        "n_not_used": len(record.get("not_used") or []),
        "mcid": mcid.get("value"),
        "mcid_unit": mcid.get("unit"),
        "mcid_source": mcid.get("source"),
        "certainty": (record.get("certainty") or {}).get("level"),
    }
    row |= {key: (record.get("absolute") or {}).get(key) for key in ABSOLUTE_NUMBERS}
    if record.get("status") == "pooled":
        row |= {key: methods.get(key) for key in ("tau2_method", "interval", "several_effects", "multi_arm")}
    return row


def summary_rows(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All rows of summary.csv, in the order of the records (the order of the config).

    >>> summary_rows([])
    []
    """
    return [summary_row(record) for record in records]


def study_rows(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of one analysis' studies.csv: the record's studies, which hold every STUDY_COLUMNS key.

    >>> study_rows({"analysis": "a", "studies": [{"study_id": "Lu2020", "effect": -1.0}]})[0]["analysis"]
    'a'
    """
    return [{"analysis": record["analysis"], **study} for study in record.get("studies") or []]
