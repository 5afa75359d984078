"""The rows of results/summary.csv, studies.csv and excluded.csv, taken from the records as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialpool.contracts import NOT_USED, STUDY_ROWS, SUMMARY
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

SUMMARY_COLUMNS, STUDY_COLUMNS, EXCLUDED_COLUMNS = SUMMARY.names, STUDY_ROWS.names, NOT_USED.names


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
