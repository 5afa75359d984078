"""The rows of results/summary.csv, studies.csv and excluded.csv, taken from the records as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialpool.records import Status
from trialpool.view.read import Appraised

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


def summary_row(record: Appraised) -> dict[str, Any]:
    """One row of summary.csv: keys are SUMMARY_COLUMNS, numbers untouched, ratios on their natural scale.

    Pooling methods are left empty where nothing was pooled: a single trial used none of them.

    >>> from trialpool.view.read import filled
    >>> row = summary_row(filled(Appraised, {"analysis": "a", "condition": ["DPN"], "status": "no_data"}))
    >>> row["condition"], row["estimate"], row["interval"]
    ('DPN', None, None)
    """
    pooled, methods, mcid = record.pooled, record.methods, record.mcid
    row: dict[str, Any] = {column: getattr(record, column, None) for column in SUMMARY_COLUMNS}
    row |= {
        "condition": " ".join(record.condition),
        "experimental": record.experimental_name,
        "control": record.control_name,
        "level": methods.level,
        "n_effects": len(record.studies),
        "n_known": len({known.study_id for known in record.known}),
        "n_not_used": len(record.not_used),
        "mcid": mcid and mcid.value,
        "mcid_unit": mcid and mcid.unit,
        "mcid_source": mcid and mcid.source,
        "certainty": record.certainty and record.certainty.level,
    }
    row |= {key: getattr(record.absolute, key, None) for key in ABSOLUTE_NUMBERS}
    if pooled:
        numbers = (*POOLED_NUMBERS, *HETEROGENEITY_NUMBERS, *FURTHER_NUMBERS)
        row |= {key: getattr(pooled, key) for key in numbers}
    if record.status == Status.POOLED:
        settings = ("tau2_method", "interval", "several_effects", "multi_arm")
        row |= {key: getattr(methods, key) for key in settings}
    return row


def study_rows(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of one analysis' studies.csv: the record's studies, which hold every STUDY_COLUMNS key.

    >>> study_rows({"analysis": "a", "studies": [{"study_id": "Lu2020", "effect": -1.0}]})[0]["analysis"]
    'a'
    """
    return [{"analysis": record["analysis"], **study} for study in record.get("studies") or []]
