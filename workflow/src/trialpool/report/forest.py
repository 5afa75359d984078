"""One analysis as the page shows it: its sentence, its key numbers and its forest table, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialpool import text as words
from trialpool.report import naming, plots
from trialpool.report.findings import certainty_view
from trialpool.report.marked import (
    NOT_ESTIMABLE,
    estimate_cell,
    interval_cell,
    mark,
    marked,
    shown_estimate,
)
from trialpool.report.rob import light
from trialpool.report.robust import robustness_view
from trialpool.report.sentences import (
    excludes_no_effect,
    favoured,
    near_misses,
    result_sentence,
    verdict_words,
)
from trialpool.report.statements import informative_statement
from trialpool.report.trials import row_ids
from trialpool.report.unused import OTHER_QUESTION
from trialpool.view.axis import Axis, mcid_threshold, no_effect
from trialpool.view.forest_table import (
    POOLED,
    SIDES,
    Arm,
    ForestTable,
    Pooled,
    Study,
    forest_axis,
    forest_table,
)

Row = Mapping[str, Any]
SHOWN_ELSEWHERE = frozenset(
    {"analysis", "title", "note", "mcid", "experimental_name", "control_name", "formats"}
)


def analysis_view(
    record: Row,
    raw: Mapping[str, Row],
    instruments: Mapping[str, Any],
    spec: Row | None = None,
) -> dict[str, Any]:
    """Everything the template of an analysis needs.

    `raw` holds raw rows by row_id, `instruments` their full names, `spec` the resolved
    settings that made the record.
    """
    table = forest_table(record)
    return {
        "record": record,
        "analysis": record["analysis"],
        "title": record["title"],
        "status": record["status"],
        "sentence": result_sentence(record),
        "verdict": verdict_words(record),
        "side": clear_side(record),
        "key_numbers": key_numbers(record, table),
        "forest": forest_view(record, table, raw, instruments) if record["pooled"] else None,
        "table": table,
        "judged": any(study.judgements for study in table.studies),
        "settings": settings_shown(spec or {}),
        "methods": (record.get("methods") or {}).get("text") or [],
        "not_used": near_misses(record),
        "elsewhere": sum(row.get("reason_code") in OTHER_QUESTION for row in record.get("not_used") or []),
        "known": [row for row in record.get("known") or [] if row["study_id"] not in _used(record)],
        "note": record.get("note") or "",
        "certainty": certainty_view(record),
        "robust": robustness_view(record),
        "statement": informative_statement(record),
    }


def settings_shown(spec: Row) -> list[tuple[str, str]]:
    """The settings of an analysis as names and texts; empty ones and those shown elsewhere are left out.

    >>> settings_shown({"measure": "MD", "outcomes": ["NRS", "VAS10"], "note": "", "title": "T"})
    [('measure', 'MD'), ('outcomes', 'NRS, VAS10')]
    """
    shown = []
    for key, value in spec.items():
        if key not in SHOWN_ELSEWHERE and value not in (None, "", [], {}):
            parts = value if isinstance(value, list) else [value]
            shown.append((key, ", ".join("(no item)" if part == "" else str(part) for part in parts)))
    return shown


def _used(record: Row) -> set[str]:
    return {study["study_id"] for study in record["studies"]}


def clear_side(record: Row) -> str:
    """The side whose benefit the confidence interval bears out ("experimental", "control"), else ""."""
    pooled = record.get("pooled")
    if not pooled or not excludes_no_effect(record, pooled["ci_low"], pooled["ci_high"]):
        return ""
    return favoured(record, pooled["estimate"])


def key_numbers(record: Row, table: ForestTable) -> list[dict[str, Any]]:
    """The numbers under a result's sentence: name and value."""
    result = table.result
    if not result:
        return []
    name = words.capital(words.measure_name(record["measure"]))
    numbers = [(f"{name}, {table.level} CI", shown_estimate(record, result.effect, NOT_ESTIMABLE))]
    chance = record["pooled"]["p_value"]
    numbers += [("Test of no difference", mark(record, "pooled.p_value", chance, words.p_value(chance)))]
    if table.total:
        numbers += [
            (f"{table.level} prediction interval", interval_cell(record, table.prediction)),
            ("Heterogeneity, I²", marked(record, result.i2)),
            ("Between-trial variance, τ²", shown_estimate(record, result.tau2)),
        ]
    return [{"name": name, "value": value} for name, value in numbers]


def forest_view(
    record: Row, table: ForestTable, raw: Mapping[str, Row], instruments: Mapping[str, Any]
) -> dict[str, Any]:
    """The forest table on the page: rows, the pooled row, the axis and its landmarks in per cent."""
    axis, total = forest_axis(table, mcid_threshold(record)), table.total
    squares = iter(plots.square_sides(study.weight.value for study in table.studies))
    groups = [
        {
            "name": group.name,
            "rows": [
                _study_view(record, study, axis, next(squares), raw, instruments) for study in group.studies
            ],
            "subtotal": _diamond(record, group.subtotal, axis),
        }
        for group in table.groups
    ]
    return {
        "groups": groups,
        "ticks": plots.ticks(axis),
        "null": plots.percent_position(axis, no_effect(record["measure"])),
        "centre": plots.percent_position(axis, total.effect.estimate.value) if total else None,
        "band": plots.benefit_band(record, axis),
        "pooled": _diamond(record, total, axis),
        "people": table.people,
        "totals": [table.totals[side].n for side in SIDES],
        "prediction": table.prediction and plots.whisker(axis, *table.prediction.values),
        "prediction_cell": interval_cell(record, table.prediction),
        "direction": record["direction"],
        "arms": any(study["kind"] != "contrast" for study in record["studies"]),
        "columns": "events / n" if record["measure"] in {"RR", "OR", "RD"} else "mean ± SD (n)",
        "imputed": any(study.imputed for study in table.studies),
    }


def _diamond(record: Row, found: Pooled | None, axis: Axis) -> dict[str, Any] | None:
    if found is None:
        return None
    cell = shown_estimate(record, found.effect, NOT_ESTIMABLE)
    return {"trials": found.trials, "plot": plots.whisker(axis, *found.effect.values), "cell": cell}


def _study_view(
    record: Row,
    shown: Study,
    axis: Axis,
    square: float,
    raw: Mapping[str, Row],
    instruments: Mapping[str, Any],
) -> dict[str, Any]:
    study = record["studies"][shown.number]
    ids = row_ids(study["row_ids"])
    return {
        "study": study,
        "shown": shown,
        "arms": {side: _arm_cell(arm) for side, arm in shown.arms.items()},
        "plot": plots.whisker(axis, *shown.effect.values),
        "square": square,
        "light": light(shown.worst_judgement) if shown.judgements else None,
        "cell": shown_estimate(record, shown.effect, NOT_ESTIMABLE),
        "weight": "" if shown.weight.value is None else marked(record, shown.weight),
        "outcome": naming.instrument_name(study["instrument"], study["item"], instruments),
        "time": _time(study, shown.weeks),
        "steps": [step for step in str(study["derivation"] or "").split("; ") if step],
        "cautions": [text for text in str(study["cautions"] or "").split("; ") if text],
        "raw": [raw[row_id] for row_id in ids if row_id in raw],
        "row_ids": ids,
    }


def _arm_cell(arm: Arm) -> str:
    """What one arm reported on the analysis' scale in one cell: events / n, mean ± SD (n), or only n."""
    n = arm.n or words.MISSING
    if arm.events:
        return f"{arm.events} / {n}"
    if arm.mean:
        return f"{arm.mean}{f' ± {arm.sd}' if arm.sd else ''} ({n})"
    return f"n = {n}" if arm.n else ""


def _time(study: Row, weeks: str) -> str:
    """When a result was measured: its week, and that it is a follow-up."""
    name = words.TIMEPOINT_NAMES.get(study["timepoint"], words.spaced(study["timepoint"]))
    if not weeks:
        return name
    return f"week {weeks}, {name}" if study["timepoint"] == "follow_up" else f"week {weeks}"


def overview_rows(views: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows of the table of all analyses, each with a small plot on the axis of its measure and scale."""
    axes = plots.shared_axes([view["record"] for view in views])
    return [_overview_row(view, axes) for view in views]


def _overview_row(view: Row, axes: Mapping[tuple[Any, ...], Any]) -> dict[str, Any]:
    record, pooled, table = view["record"], view["record"].get("pooled"), view["table"]
    outcome, comparison = naming.title_parts(record)
    row = {
        "title": words.capital(comparison or outcome),
        "detail": words.capital(outcome) if comparison else "",
        "view": view,
        "record": record,
        "people": words.people(record) if pooled else 0,
        "plot": None,
    }
    if pooled:
        axis = axes[plots.scale_key(record)]
        row |= {
            "plot": plots.whisker(axis, *(pooled[key] for key in POOLED)),
            "null": plots.percent_position(axis, no_effect(record["measure"])),
        }
    return row | {
        "effect": estimate_cell(record, pooled or {}, "pooled.", POOLED),
        "prediction": interval_cell(record, table.prediction),
        "i2": marked(record, table.result.i2) if table.result else words.MISSING,
    }
