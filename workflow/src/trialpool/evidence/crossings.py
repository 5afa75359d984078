"""Other defensible answers combined: several choices of data changed together, for the multiverse.

Only variants that pool other numbers are combined, each dimension (the word before "=") at most once; the
combinations that depart least come first, and not more than MOST of them an analysis.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

Variant = tuple[int, str, Mapping[str, Any]]
Numbers = frozenset[tuple[str, str, str]]
MOST = 128
SEPARATOR = "; "
# dependent effects are another model, not another choice of data
DEPENDENT = ("several_effects=multilevel", "multi_arm=covariance")


def crossings(
    specs: Sequence[Mapping[str, Any]], singles: Sequence[Variant], most: Mapping[int, int] | None = None
) -> list[Variant]:
    """Combinations of two or more variants of the same analysis, each with all their changed settings.

    `most` says for an analysis how many, MOST where it does not.

    >>> spec = {"r": 0.5, "t": 1}
    >>> crossings([spec], [(0, "r=0.3", {"r": 0.3, "t": 1}), (0, "t=2", {"r": 0.5, "t": 2})])
    [(0, 'r=0.3; t=2', {'r': 0.3, 't': 2})]
    """
    by_analysis: dict[int, dict[str, list[Variant]]] = {}
    for variant in singles:
        dimension = variant[1].split("=")[0]
        if variant[1] not in DEPENDENT:
            by_analysis.setdefault(variant[0], {}).setdefault(dimension, []).append(variant)
    found = []
    for position, dimensions in by_analysis.items():
        sets = itertools.chain.from_iterable(
            itertools.product(*(dimensions[name] for name in names))
            for size in range(2, len(dimensions) + 1)
            for names in itertools.combinations(dimensions, size)
        )
        count = (most or {}).get(position, MOST)
        found += [_together(position, specs[position], parts) for parts in itertools.islice(sets, count)]
    return found


def _together(position: int, spec: Mapping[str, Any], parts: Sequence[Variant]) -> Variant:
    changed = dict(spec)
    for _, _, other in parts:
        changed |= {key: value for key, value in other.items() if value != spec.get(key)}
    return position, SEPARATOR.join(name for _, name, _ in parts), changed


def numbers(rows: pd.DataFrame) -> Numbers:
    """What is pooled, to ten digits: two choices that pool the same numbers are one.

    >>> numbers(pd.DataFrame({"study_id": ["A"], "effect": [0.5], "variance": [0.1]}))
    frozenset({('A', '0.5', '0.1')})
    """
    return frozenset(
        (study, f"{effect:.10g}", f"{variance:.10g}")
        for study, effect, variance in zip(rows["study_id"], rows["effect"], rows["variance"], strict=True)
    )


def new_ones(variants: Sequence[Variant], rows: pd.DataFrame, seen: dict[int, set[Numbers]]) -> list[int]:
    """Which variants pool numbers that no earlier set of their analysis pooled; `seen` learns them.

    `rows` are the effects of all variants, `variant_at` their position among them.
    """
    groups = dict(iter(rows.groupby("variant_at", sort=False)))
    kept = []
    for at, (position, _, _) in enumerate(variants):
        pooled = numbers(groups[at]) if at in groups else frozenset()
        if pooled and pooled not in seen.setdefault(position, set()):
            seen[position].add(pooled)
            kept.append(at)
    return kept
