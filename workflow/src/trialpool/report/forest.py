"""One analysis as the page shows it: its sentence, its key numbers and its forest table, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from trialpool.report import naming, plots, words
from trialpool.report.findings import certainty_view
from trialpool.report.marked import estimate_cell, interval_cell, mark
from trialpool.report.robust import robustness_view
from trialpool.report.sentences import favoured, near_misses, no_effect, result_sentence, verdict_words
from trialpool.report.statements import informative_statement
from trialpool.report.trials import row_ids
from trialpool.report.unused import OTHER_QUESTION

Row = Mapping[str, Any]
SHOWN_ELSEWHERE = frozenset(
    {"analysis", "title", "note", "mcid", "experimental_name", "control_name", "formats"}
)
OWN = ("estimate", "estimate_low", "estimate_high")
POOLED = ("estimate", "ci_low", "ci_high")


def analysis_view(
    record: Row,
    raw: Mapping[str, Row],
    instruments: Mapping[str, Any],
    marks: Mapping[str, Row] | None = None,
    spec: Row | None = None,
) -> dict[str, Any]:
    """Everything the template of an analysis needs.

    `raw` holds raw rows by row_id, `instruments` their full names, `marks` judgements of bias by trial,
    `spec` the resolved settings that made the record.
    """
    return {
        "record": record,
        "analysis": record["analysis"],
        "title": record["title"],
        "status": record["status"],
        "sentence": result_sentence(record),
        "verdict": verdict_words(record),
        "side": clear_side(record),
        "key_numbers": key_numbers(record),
        "forest": forest_view(record, raw, instruments) if record["pooled"] else None,
        "marks": marks or {},
        "judged": bool(_used(record) & set(marks or {})),
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
    from trialpool.report.sentences import excludes_no_effect

    pooled = record.get("pooled")
    if not pooled or not excludes_no_effect(record, pooled["ci_low"], pooled["ci_high"]):
        return ""
    return favoured(record, pooled["estimate"])


def key_numbers(record: Row) -> list[dict[str, Any]]:
    """The numbers under a result's sentence: name, value, remark."""
    pooled = record.get("pooled")
    if not pooled:
        return []
    level = (record.get("methods") or {}).get("level") or 0.95
    name = words.capital(words.measure_name(record["measure"]))
    effect = estimate_cell(record, pooled, "pooled.", POOLED)
    numbers = [{"name": f"{name}, {words.percent(level)} CI", "value": effect}]
    p_value = mark(record, "pooled.p_value", pooled["p_value"], words.p_value(pooled["p_value"]))
    numbers.append({"name": "Test of no difference", "value": p_value})
    if record["status"] != "pooled":
        return numbers
    prediction = interval_cell(record, pooled, "pooled.", ("pi_low", "pi_high"))
    numbers.append({"name": f"{words.percent(level)} prediction interval", "value": prediction})
    i2 = mark(record, "pooled.i2", pooled["i2"], f"{words.number(pooled['i2'], 0)}%")
    numbers.append({"name": "Heterogeneity, I²", "value": i2})
    return [*numbers, {"name": "Between-trial variance, τ²", "value": _tau2(record)}]


def _tau2(record: Row) -> Markup:
    pooled = record["pooled"]
    shown = [
        mark(record, f"pooled.{key}", pooled[key], words.significant(pooled[key]))
        for key in ("tau2", "tau2_low", "tau2_high")
    ]
    if words.absent(pooled["tau2_low"]) or words.absent(pooled["tau2_high"]):
        return shown[0]
    return Markup('{} <span class="ci">({} to {})</span>').format(*shown)


def forest_view(record: Row, raw: Mapping[str, Row], instruments: Mapping[str, Any]) -> dict[str, Any]:
    """The forest table: rows, the pooled row, the axis and its landmarks in per cent."""
    axis = plots.plan_forest_axis(record)
    sides = plots.square_sides(study["weight"] for study in record["studies"])
    pooled = record["pooled"]
    whole = record["status"] == "pooled"
    return {
        "groups": _groups(
            record,
            [_study_view(record, index, axis, side, raw, instruments) for index, side in enumerate(sides)],
            axis,
        ),
        "ticks": plots.ticks(axis),
        "null": plots.percent_position(axis, no_effect(record["measure"])),
        "centre": plots.percent_position(axis, pooled["estimate"]) if whole else None,
        "band": plots.benefit_band(record, axis),
        "pooled": plots.whisker(axis, *(pooled[key] for key in POOLED)) if whole else None,
        "pooled_cell": estimate_cell(record, pooled, "pooled.", POOLED) if whole else None,
        "prediction": None
        if not whole or words.absent(pooled["pi_low"])
        else plots.whisker(axis, pooled["estimate"], pooled["pi_low"], pooled["pi_high"]),
        "prediction_cell": interval_cell(record, pooled, "pooled.", ("pi_low", "pi_high")) if whole else None,
        "direction": record["direction"],
        "arms": any(study["kind"] != "contrast" for study in record["studies"]),
        "columns": "events / n" if record["measure"] in {"RR", "OR", "RD"} else "mean ± SD (n)",
        "imputed": any(study["imputed"] for study in record["studies"]),
    }


def _groups(record: Row, rows: Sequence[dict[str, Any]], axis: Any) -> list[dict[str, Any]]:
    """Rows under the record's subgroups, each with its subtotal; one group without a name otherwise."""
    subgroups = record.get("subgroups") or []
    if not subgroups:
        return [{"name": "", "rows": rows, "subtotal": None}]
    names, column = [str(group["name"]) for group in subgroups], record["subgroup_column"]
    return [
        {
            "name": words.capital(words.spaced(name)),
            "rows": [row for row in rows if str(row["study"][column]) == name],
            "subtotal": _subtotal(record, index, axis) if subgroups[index]["k"] > 1 else None,
        }
        for index, name in enumerate(names)
    ]


def _subtotal(record: Row, index: int, axis: Any) -> dict[str, Any]:
    group = record["subgroups"][index]
    pooled = group["pooled"]
    return {
        "k": group["k"],
        "plot": plots.whisker(axis, *(pooled[key] for key in POOLED)),
        "cell": estimate_cell(record, pooled, f"subgroups.{index}.pooled.", POOLED),
    }


def _study_view(
    record: Row, index: int, axis: Any, side: float, raw: Mapping[str, Row], instruments: Mapping[str, Any]
) -> dict[str, Any]:
    study = record["studies"][index]
    ids = row_ids(study["row_ids"])
    weight = study["weight"]
    return {
        "study": study,
        "number": index,
        "arms": {name: _arm_cell(study, name) for name in ("experimental", "control")},
        "n": [study["n_experimental"], study["n_control"]],
        "plot": plots.whisker(axis, *(study[key] for key in OWN)),
        "square": side,
        "cell": estimate_cell(record, study, f"studies.{index}.", OWN),
        "weight": ""
        if words.absent(weight)
        else mark(record, f"studies.{index}.weight", weight, f"{words.number(weight, 1)}%"),
        "outcome": naming.instrument_name(study["instrument"], study["item"], instruments),
        "time": time_words(study),
        "steps": [step for step in str(study["derivation"] or "").split("; ") if step],
        "cautions": [text for text in str(study["cautions"] or "").split("; ") if text],
        "raw": [raw[row_id] for row_id in ids if row_id in raw],
        "row_ids": ids,
    }


def _arm_cell(study: Row, side: str) -> str:
    """What one arm reported on the analysis' scale: events / n, mean ± SD (n), or only n."""
    amount, events = study[f"n_{side}"], study[f"events_{side}"]
    if not words.absent(events):
        return f"{words.plain_number(events)} / {words.plain_number(amount)}"
    mean, spread = study[f"mean_{side}"], study[f"sd_{side}"]
    if words.absent(mean):
        return "" if words.absent(amount) else f"n = {words.plain_number(amount)}"
    digits = words.digits_for([mean, spread])
    return f"{words.number(mean, digits)} ± {words.number(spread, digits)} ({words.number(amount, 0)})"


def time_words(study: Row) -> str:
    """When a result was measured: its week, and that it is a follow-up.

    >>> time_words({"weeks": 8.0, "timepoint": "end_of_treatment"})
    'week 8'
    >>> time_words({"weeks": None, "timepoint": "end_of_treatment"})
    'end of treatment'
    """
    name = words.TIMEPOINT_NAMES.get(study["timepoint"], words.spaced(study["timepoint"]))
    if words.absent(study["weeks"]):
        return name
    weeks = f"week {words.number(study['weeks'], 1).removesuffix('.0')}"
    return f"{weeks}, {name}" if study["timepoint"] == "follow_up" else weeks


def overview_rows(views: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows of the table of all analyses, each with a small plot on the axis of its measure and scale."""
    axes = plots.shared_axes([view["record"] for view in views])
    return [_overview_row(view, axes) for view in views]


def _overview_row(view: Row, axes: Mapping[tuple[Any, ...], Any]) -> dict[str, Any]:
    record, pooled = view["record"], view["record"].get("pooled")
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
        "prediction": interval_cell(record, pooled or {}, "pooled.", ("pi_low", "pi_high")),
        "i2": mark(record, "pooled.i2", pooled["i2"], f"{words.number(pooled['i2'], 0)}%")
        if pooled
        else words.MISSING,
    }
