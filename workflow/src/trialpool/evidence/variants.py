"""The effects that other defensible choices of data would have selected: material for sensitivity analysis.

Each choice (time, instrument, part, kind of value, several arms, assumed correlation) is a changed setting of
the same analysis, run through the same comparison; only choices that select other numbers are kept, and then
combined with each other. Choices that merely leave trials out, and choices of model, need no new effects.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

Spec = Mapping[str, Any]
Choice = tuple[str, str, Any]  # dimension, what it is called, the changed setting
Effects = Callable[[Sequence[Spec]], pd.DataFrame]

MOST_COMBINATIONS = 128
CORRELATIONS = (0.3, 0.5, 0.7, 0.9)
TIMES = ("end_of_treatment", "follow_up", ("end_of_treatment", "during", "follow_up"))
SEPARATOR = "; "
MARK = "|"  # never in a slug


def variant_effects(specs: Sequence[Spec], effects: pd.DataFrame, compare: Effects) -> pd.DataFrame:
    """Rows like those of `effects`, one set for every distinct variant of every analysis that has effects.

    `compare` gives the effects of any specs. `variant` names the choices ("timepoint=follow_up;
    multi_arm=split"), `selected` stays false: a variant never enters the main result.
    """
    default = {name: rows for name, rows in effects.groupby("analysis", sort=False) if rows["selected"].any()}
    asked = [spec for spec in specs if spec["analysis"] in default]
    singles = {spec["analysis"]: list(_choices(spec, default[spec["analysis"]])) for spec in asked}
    jobs = [(spec, (choice,)) for spec in asked for choice in singles[spec["analysis"]]]
    seen = {name: {_numbers(rows)} for name, rows in default.items()}
    first = _run(jobs, compare)
    useful: dict[str, list[Choice]] = {spec["analysis"]: [] for spec in asked}
    for (spec, choices), rows in zip(jobs, first, strict=True):
        if _numbers(rows) - _numbers(default[spec["analysis"]]):
            useful[spec["analysis"]].append(choices[0])
    more = [(spec, choices) for spec in asked for choices in _combinations(useful[spec["analysis"]])]
    kept = []
    for (spec, choices), rows in [
        *zip(jobs, first, strict=True),
        *zip(more, _run(more, compare), strict=True),
    ]:
        numbers = _numbers(rows)
        if numbers and numbers not in seen[spec["analysis"]]:
            seen[spec["analysis"]].add(numbers)
            label = SEPARATOR.join(f"{dimension}={name}" for dimension, name, _ in choices)
            kept.append(rows.assign(variant=label, selected=False, analysis=spec["analysis"]))
    return pd.concat(kept, ignore_index=True) if kept else effects.iloc[:0]


def _choices(spec: Spec, rows: pd.DataFrame) -> Iterator[Choice]:
    """Every other value of every dimension, one at a time; those that cannot matter are not offered."""
    for time in TIMES:
        value = list(time) if isinstance(time, tuple) else time
        if value != spec["timepoint"]:
            yield "timepoint", time if isinstance(time, str) else "any", {"timepoint": value}
    for dimension, key, column in (("instrument", "outcomes", "instrument"), ("part", "items", "item")):
        present = [str(name) for name in dict.fromkeys(rows[column].fillna(""))]
        for name in present if len(present) > 1 else []:
            others = [word for word in spec[key] or present if word != name]
            yield dimension, name or "whole", {key: [name, *others]}
    if (rows["kind"] != "events").any():
        for value in ("final", "change"):
            yield "kinds", value, {"kinds": [value]}
        for correlation in CORRELATIONS:
            if correlation != spec["change_correlation"]:
                yield "change_correlation", f"{correlation:g}", {"change_correlation": correlation}
    if spec["several_effects"] == "prefer":
        yield "several_effects", "multilevel", {"several_effects": "multilevel"}
    for rule in ("combine", "split", "first"):
        if rule != spec["multi_arm"]:
            yield "multi_arm", rule, {"multi_arm": rule}


def _combinations(choices: Sequence[Choice]) -> list[tuple[Choice, ...]]:
    """Choices of two or more dimensions together, those that depart least from the default first."""
    dimensions: dict[str, list[Choice]] = {}
    for choice in choices:
        if choice[0] != "several_effects":  # dependent effects are another model, not another choice of data
            dimensions.setdefault(choice[0], []).append(choice)
    found: list[tuple[Choice, ...]] = []
    for size in range(2, len(dimensions) + 1):
        for names in itertools.combinations(dimensions, size):
            found.extend(itertools.product(*(dimensions[name] for name in names)))
    return found[:MOST_COMBINATIONS]


def _run(jobs: Sequence[tuple[Spec, tuple[Choice, ...]]], compare: Effects) -> list[pd.DataFrame]:
    """The selected effects of each changed spec, all in one comparison."""
    if not jobs:
        return []
    changed = []
    for number, (spec, choices) in enumerate(jobs):
        settings = {key: value for _, _, change in choices for key, value in change.items()}
        changed.append({**spec, **settings, "analysis": f"{spec['analysis']}{MARK}{number}"})
    rows = compare(changed)
    groups = dict(iter(rows[rows["selected"]].groupby("analysis", sort=False)))
    return [groups.get(spec["analysis"], rows.iloc[:0]) for spec in changed]


def _numbers(rows: pd.DataFrame) -> frozenset[tuple[str, str, str]]:
    """What is pooled, to ten digits: two choices that pool the same numbers are one."""
    chosen = rows[rows["selected"]]
    return frozenset(
        (study, f"{effect:.10g}", f"{variance:.10g}")
        for study, effect, variance in zip(
            chosen["study_id"], chosen["effect"], chosen["variance"], strict=True
        )
    )
