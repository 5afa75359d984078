"""One analysis from its effects to its result record.

The record is the only thing that tables, figures and the page read: no number is computed twice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from trialpool.synthesis.categories import with_category_words
from trialpool.synthesis.methods import method_sentences
from trialpool.synthesis.pooled import arrays, natural, pool_rows

Row = dict[str, Any]
ELSEWHERE = ("other_comparison", "other_purpose")  # reasons why a trial is of another question
METHOD_KEYS = ("tau2_method", "interval", "level", "several_effects", "multi_arm")


def analyse(
    spec: Mapping[str, Any], effects: Sequence[Row], excluded: Sequence[Row], known: Sequence[Row]
) -> dict[str, Any]:
    """Pool the selected effects of one analysis.

    `spec` is a resolved analysis of `settings`, `effects` the rows of its effects table (those with
    `selected` are pooled), `excluded` what met its condition and domain and was not used, `known` the
    trials that are known to have asked the question. Returns the record of `result.json`: estimates and
    interval bounds on the natural scale (RR, not log RR), `se` and `tau2` on the analysis scale.
    """
    chosen = sorted((row for row in effects if row["selected"]), key=_forest_order)
    trials = {row["study_id"] for row in chosen}
    status = "no_data" if not chosen else "single_study" if len(trials) == 1 else "pooled"
    pooled, weights = pool_rows(spec, chosen, status)
    studies = _with_intervals(spec, chosen, weights)
    experimental, control = spec["experimental_name"], spec["control_name"]
    return {
        **{key: spec[key] for key in ("analysis", "title", "note", "condition", "purpose", "domain")},
        "comparison": f"{experimental} versus {control}",
        "experimental_name": experimental,
        "control_name": control,
        **{key: spec[key] for key in ("measure", "scale", "unit", "better", "timepoint", "forest", "mcid")},
        "status": status,
        "k": len(trials),
        "effects": len(chosen),
        "n_experimental": _people(chosen, "n_experimental"),
        "n_control": _people(chosen, "n_control"),
        "n_imputed": sum(bool(row["imputed"]) for row in chosen),
        "methods": {
            **{key: spec[key] for key in METHOD_KEYS},
            "text": method_sentences(spec),
        },
        "pooled": pooled,
        "direction": direction_words(spec),
        "studies": studies,
        **_subgroups(spec, studies),
        "not_used": [_unused(row) for row in excluded],
        "known": [with_category_words(row) for row in known],
    }


def direction_words(spec: Mapping[str, Any]) -> dict[str, str]:
    """What lies to the left and to the right of no effect.

    >>> direction_words({"better": "lower", "experimental_name": "acupuncture", "control_name": "sham"})
    {'left': 'favours acupuncture', 'right': 'favours sham'}
    """
    sides = [f"favours {spec['experimental_name']}", f"favours {spec['control_name']}"]
    left, right = sides if spec["better"] == "lower" else reversed(sides)
    return {"left": left, "right": right}


def _forest_order(row: Row) -> tuple[Any, ...]:
    return (row["year"] or 0, row["study_id"], row["arm_experimental"], row["instrument"], row["item"] or "")


def _people(rows: Sequence[Row], column: str) -> int | None:
    """People on one side: a trial with several effects counts once, with its largest number."""
    largest: dict[tuple[str, str], float] = {}
    side = column.replace("n_", "arm_")
    for row in rows:
        if row[column] is not None:
            key = (row["study_id"], row[side])
            largest[key] = max(largest.get(key, 0.0), row[column])
    return round(sum(largest.values())) if largest else None


def _with_intervals(
    spec: Mapping[str, Any], rows: Sequence[Row], weights: Sequence[float | None]
) -> list[Row]:
    """Every row with its own interval (normal quantiles, as each study stands alone) and its weight."""
    if not rows:
        return []
    from scipy.special import ndtri

    reach = float(ndtri(0.5 + spec["level"] / 2))
    measure, studies = spec["measure"], []
    for row, weight in zip(rows, weights, strict=True):
        half = reach * math.sqrt(row["variance"])
        low, high = row["effect"] - half, row["effect"] + half
        studies.append(
            {
                **with_category_words(row),
                "ci_low": low,
                "ci_high": high,
                "weight": weight,
                "estimate": natural(measure, row["effect"]),
                "estimate_low": natural(measure, low),
                "estimate_high": natural(measure, high),
            }
        )
    return studies


def _subgroups(spec: Mapping[str, Any], studies: Sequence[Row]) -> dict[str, Any]:
    """The pooled effect of every subgroup (own τ²), the column that makes them, and the test between them.

    The test needs at least two subgroups of independent effects; statistic and degrees of freedom are of the
    test between subgroups with separate τ² (see `stats.subgroups`).
    """
    column = spec["subgroups"]
    if not column or not studies:
        return {"subgroups": [], "subgroup_column": column, "subgroup_test": None}
    labels = [str(row[column]) for row in studies]
    groups = []
    for name in sorted(set(labels)):
        rows = [row for row, label in zip(studies, labels, strict=True) if label == name]
        status = "pooled" if len({row["study_id"] for row in rows}) > 1 else "single_study"
        pooled, _ = pool_rows(spec, rows, status)
        groups.append({"name": name, "k": len({row["study_id"] for row in rows}), "pooled": pooled})
    test = _between(spec, studies, labels) if len(groups) > 1 else None
    return {"subgroups": groups, "subgroup_column": column, "subgroup_test": test}


def _between(spec: Mapping[str, Any], studies: Sequence[Row], labels: Sequence[str]) -> Row | None:
    if len({row["study_id"] for row in studies}) < len(studies):
        return None
    from trialpool.stats import subgroups

    settings = {name: spec[name] for name in ("tau2_method", "interval", "level")}
    found = subgroups(*arrays(studies), labels, **settings)
    return {name: float(getattr(found, name)) for name in ("statistic", "df", "df2", "p_value")}


def _unused(row: Row) -> Row:
    """A row that was not used; of a trial that compares something else only what it says.

    >>> _unused({"study_id": "A", "reason_code": "other_comparison", "item": ""})
    {'study_id': 'A', 'reason_code': 'other_comparison'}
    """
    if row["reason_code"] not in ELSEWHERE:
        return dict(row)
    return {key: value for key, value in row.items() if value not in (None, "")}
