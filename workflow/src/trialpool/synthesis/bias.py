"""Risk of bias of one result: by published judgements, by who knew the treatment, and by the integrity audit.

Levels down follow the GRADE guidance on study limitations (Guyatt 2011, J Clin Epidemiol 64: 407). Numbers
that the audit questions belong here too: a result that may be misprinted or impossible deserves no more
belief than one from a trial at high risk of bias.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialpool.evidence.risk_of_bias import overall_judgements
from trialpool.synthesis.categories import categories_of

Row = Mapping[str, Any]
Finding = tuple[int, str]
RESULT_TABLES = ("continuous.csv", "contrasts.csv", "events.csv")


def study_weights(record: Row) -> dict[str, float]:
    """Share of the weight of each trial, in per cent; equal shares where no weights are known.

    >>> study_weights({"studies": [{"study_id": "A", "weight": 60.0}, {"study_id": "B", "weight": 40.0}]})
    {'A': 60.0, 'B': 40.0}
    """
    weights: dict[str, float] = {}
    for study in record["studies"]:
        weights[study["study_id"]] = weights.get(study["study_id"], 0.0) + (study["weight"] or 0.0)
    total = sum(weights.values())
    if not total:
        return dict.fromkeys(weights, 100.0 / len(weights))
    return {study: 100.0 * weight / total for study, weight in weights.items()}


def risk_of_bias(
    record: Row, judgements: Sequence[Row], rules: Mapping[str, Any], audit: Sequence[Row] = ()
) -> Finding:
    """Levels down for risk of bias, at most two, with the reasons.

    By the weight of trials at high, unclear and unjudged risk; by controls that people can tell where they
    judge the outcome themselves; and by the weight of results that `audit`, rows of audit.csv, questions.
    """
    levels, told = _judged(record, judgements, rules)
    questioned, doubt = questioned_numbers(record, audit, rules)
    return min(levels + questioned, 2), f"{told}; {doubt}" if doubt else told


def _judged(record: Row, judgements: Sequence[Row], rules: Mapping[str, Any]) -> Finding:
    overall = overall_judgements(judgements, rules["not_bias"])
    shares = {"low": 0.0, "unclear": 0.0, "high": 0.0, "not judged": 0.0}
    for study, weight in study_weights(record).items():
        shares[overall.get(study, "not judged")] += weight
    told = _shares_told(shares)
    open_label = _open_and_self_reported(record, rules)
    opening = f"; people knew their treatment ({open_label}) and judged the outcome themselves"
    if shares["high"] >= rules["very_serious_share"]:
        return 2, f"{told}{opening if open_label else ''}"
    if open_label:
        return 1, f"{told}{opening}"
    if 100.0 - shares["low"] >= rules["serious_share"]:
        return 1, told
    return 0, told


def questioned_numbers(record: Row, audit: Sequence[Row], rules: Mapping[str, Any]) -> Finding:
    """Levels down for results that the audit questions, and which trials and findings these are.

    A finding on a result row counts for the effects made from it, one on the report as a whole for every
    effect of its trial. One level from `grave_share` per cent of the weight with findings of high severity,
    or `questioned_share` with high or medium; two from `very_grave_share` with high.

    >>> rules = {"questioned_share": 50, "grave_share": 20, "very_grave_share": 50}
    >>> studies = [{"study_id": "A", "label": "A 2001", "weight": 30.0, "row_ids": "continuous.csv:2"},
    ...            {"study_id": "B", "label": "B 2002", "weight": 70.0, "row_ids": "continuous.csv:4"}]
    >>> finding = {"severity": "high", "study_id": "A", "row_ids": "continuous.csv:2",
    ...            "finding": "the SD is too small"}
    >>> questioned_numbers({"studies": studies}, [finding], rules)
    (1, 'the audit gravely questions 30% of the weight (A 2001: the SD is too small)')
    """
    severities = dict.fromkeys(("high", "medium"), 0.0)
    told: dict[str, dict[str, None]] = {}
    for study, weight in zip(record["studies"], _row_weights(record), strict=True):
        met = [row for row in audit if row["severity"] in severities and _concerns(row, study)]
        if met:
            worst = "high" if any(row["severity"] == "high" for row in met) else "medium"
            severities[worst] += weight
            label = str(study.get("label") or study["study_id"])
            told.setdefault(label, {}).update(dict.fromkeys(str(row["finding"]) for row in met))
    grave, all_questioned = severities["high"], sum(severities.values())
    named = ". ".join(f"{label}: {', '.join(found)}" for label, found in told.items())
    if grave >= rules["grave_share"]:
        levels = 2 if grave >= rules["very_grave_share"] else 1
        return levels, f"the audit gravely questions {grave:.0f}% of the weight ({named})"
    if all_questioned >= rules["questioned_share"]:
        return 1, f"the audit questions {all_questioned:.0f}% of the weight ({named})"
    return 0, f"the audit questions {all_questioned:.0f}% of the weight ({named})" if told else ""


def _concerns(finding: Row, study: Row) -> bool:
    """Whether a finding of the audit bears on an effect: on one of its rows, or on its whole report."""
    rows = str(finding.get("row_ids") or "").split()
    if set(rows) & set(str(study.get("row_ids") or "").split()):
        return True
    whole = not any(row.rpartition("/")[2].startswith(RESULT_TABLES) for row in rows)
    return whole and finding.get("study_id") == study["study_id"]


def _row_weights(record: Row) -> list[float]:
    """Share of the weight of each row of `studies`, in per cent; equal where no weights are known."""
    weights = [float(study.get("weight") or 0.0) for study in record["studies"]]
    total = sum(weights)
    return [100.0 * weight / total if total else 100.0 / len(weights) for weight in weights]


def _shares_told(shares: Mapping[str, float]) -> str:
    names = {
        "low": "at low risk",
        "unclear": "at unclear risk",
        "high": "at high risk",
        "not judged": "without a published judgement",
    }
    parts = [f"{share:.0f}% {names[key]}" for key, share in shares.items() if share >= 0.5]
    return f"Of the weight {', '.join(parts)}"


def _open_and_self_reported(record: Row, rules: Mapping[str, Any]) -> str:
    """The control that cannot be blinded, where most of the weight has one and people report the outcome."""
    if record["domain"] not in rules["self_reported"]:
        return ""
    weights, open_weight, names = study_weights(record), 0.0, []
    for study in record["studies"]:
        categories = set(categories_of(study["category_control"]))
        if categories and categories <= set(rules["open_controls"]):
            open_weight += weights.get(study["study_id"], 0.0)
            weights[study["study_id"]] = 0.0  # a trial with several rows counts once
            names += sorted(categories)
    if open_weight < rules["serious_share"]:
        return ""
    return " or ".join(name.replace("_", " ") for name in dict.fromkeys(names))
