"""The rows of results/summary.csv, studies.csv and excluded.csv, taken from the records as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from trialpool.report.naming import conditions

POOLED_NUMBERS = ("estimate", "ci_low", "ci_high", "p_value", "pi_low", "pi_high")
HETEROGENEITY_NUMBERS = ("tau2", "tau2_low", "tau2_high", "i2", "q", "q_df", "q_p_value")
# risks and differences in people per 1,000
ABSOLUTE_NUMBERS = (
    *("assumed_risk", "risk", "risk_low", "risk_high"),
    *("difference", "difference_low", "difference_high"),
)
FURTHER_NUMBERS = ("se", "statistic", "df", "h2", "tau2_empty")

SUMMARY_COLUMNS = (
    *("analysis", "title", "condition", "domain", "comparison", "measure", "better", "status"),
    *("k", "n_experimental", "n_control", "tau2_method", "interval"),
    *POOLED_NUMBERS,
    *HETEROGENEITY_NUMBERS,
    *FURTHER_NUMBERS,
    *("level", "purpose", "experimental", "control", "scale", "unit", "several_effects", "multi_arm"),
    *("n_effects", "n_imputed", "n_known", "n_not_used", "mcid", "mcid_unit", "mcid_source", "certainty"),
    *ABSOLUTE_NUMBERS,
)

STUDY_COLUMNS = (
    *("analysis", "study_id", "arm_experimental", "arm_control", "effect", "variance", "ci_low", "ci_high"),
    *("weight", "n_experimental", "n_control", "imputed", "derivation", "source_url", "locator", "row_ids"),
    *("label", "year", "condition", "purpose", "design", "label_experimental", "label_control"),
    *("category_experimental", "category_control", "cointervention", "domain", "instrument", "item", "unit"),
    *("weeks", "timepoint", "kind", "mean_experimental", "sd_experimental", "mean_control", "sd_control"),
    *("events_experimental", "events_control", "measure", "estimate", "estimate_low", "estimate_high"),
    *("cautions", "reading", "sessions", "programme_weeks", "sessions_per_week", "n_randomised", "cluster"),
)

EXCLUDED_COLUMNS = (
    *("analysis", "study_id", "label", "arm_experimental", "arm_control", "instrument", "item", "timepoint"),
    *("weeks", "reason_code", "reason", "source_url", "row_ids", "reason_kind", "domain", "analyses"),
)


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
