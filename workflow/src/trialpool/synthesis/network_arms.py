"""The contrasts of a network from the trials of several analyses, no trial counted twice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialpool.synthesis.categories import categories_of

Row = Mapping[str, Any]
MEANS = ("mean", "sd", "n")
EVENTS = ("events", "n")
SIDES = ("experimental", "control")


@dataclass(frozen=True, slots=True)
class Contrast:
    """One comparison of a trial on the analysis scale; `shared` is the variance of the trial's common arm."""

    study: str
    label: str
    experimental: str
    control: str
    effect: float
    variance: float
    shared: float
    analysis: str
    outcome: str


def contrasts_of(records: Sequence[Row], nodes: Mapping[str, str]) -> list[Contrast]:
    """The contrasts of all trials, each trial's arms - 1, sorted by trial.

    A trial that the analyses hold with one pair of treatments gives that effect as it stands. A trial with
    several pairs is taken apart into its arms and all are compared with the one in most pairs; arms without
    numbers of their own cannot share a variance, so of such a trial the first pair is kept. Only the outcome
    of the trial's first row counts.
    """
    by_study: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        for row in record["studies"]:
            pair = [node_of(categories_of(row[f"category_{side}"]), nodes) for side in SIDES]
            if None in pair or pair[0] == pair[1]:
                continue
            known = by_study.setdefault(row["study_id"], [])
            same = not known or all(
                known[0]["row"][key] == row[key] for key in ("instrument", "item", "weeks")
            )
            if same and {*pair} not in [{*entry["pair"]} for entry in known]:
                known.append({"row": row, "pair": pair, "record": record})
    found: list[Contrast] = []
    for study in sorted(by_study):
        found += _of_trial(by_study[study])
    return found


def node_of(categories: Sequence[str], nodes: Mapping[str, str]) -> str | None:
    """The treatment of an arm, or of arms combined; None where they are of none or of several.

    >>> nodes = {"sham": "sham", "manual_acupuncture": "acupuncture", "warm_needling": "acupuncture"}
    >>> node_of(["manual_acupuncture", "warm_needling"], nodes), node_of(["sham", "warm_needling"], nodes)
    ('acupuncture', None)
    """
    found = {nodes.get(category) for category in categories}
    return found.pop() if len(found) == 1 else None


def _of_trial(entries: Sequence[Mapping[str, Any]]) -> list[Contrast]:
    if len(entries) == 1:
        return [_as_it_stands(entries[0])]
    arms: dict[str, tuple[float, float]] = {}
    for entry in entries:
        for side, node in zip(SIDES, entry["pair"], strict=True):
            numbers = arm_effect(entry["record"]["measure"], entry["row"], side)
            if numbers is None:
                return [_as_it_stands(entries[0])]
            arms.setdefault(node, numbers)
    pairs = [node for entry in entries for node in entry["pair"]]
    common = max(sorted(arms), key=pairs.count)
    row, record = entries[0]["row"], entries[0]["record"]
    return [
        Contrast(
            row["study_id"],
            row["label"],
            node,
            common,
            effect - arms[common][0],
            variance + arms[common][1],
            arms[common][1],
            record["analysis"],
            row["instrument"],
        )
        for node, (effect, variance) in sorted(arms.items())
        if node != common
    ]


def _as_it_stands(entry: Mapping[str, Any]) -> Contrast:
    row, (experimental, control) = entry["row"], entry["pair"]
    known = (row["study_id"], row["label"], experimental, control)
    return Contrast(
        *known, row["effect"], row["variance"], 0.0, entry["record"]["analysis"], row["instrument"]
    )


def arm_effect(measure: str, row: Row, side: str) -> tuple[float, float] | None:
    """An arm's own number and variance: its mean and sd²/n, or its log risk and 1/events - 1/n.

    None where the arm has no numbers of its own, no events, or the measure has no such form.

    >>> arm_effect("MD", {"mean_control": 4.0, "sd_control": 2.0, "n_control": 16}, "control")
    (4.0, 0.25)
    """
    wanted = MEANS if measure == "MD" else EVENTS if measure == "RR" else ()
    numbers: list[Any] = [row.get(f"{name}_{side}") for name in wanted]
    if not numbers or any(number is None for number in numbers):
        return None
    if measure == "MD":
        mean, sd, n = numbers
        return (float(mean), sd**2 / n) if sd > 0 else None
    events, n = numbers
    return (math.log(events / n), 1 / events - 1 / n) if 0 < events < n else None


def components(contrasts: Sequence[Contrast]) -> list[list[str]]:
    """The connected parts of a network, largest first, the treatments of each sorted.

    >>> one = Contrast("S", "S", "a", "b", 0.1, 0.1, 0.0, "x", "NRS")
    >>> components([one, Contrast("T", "T", "c", "d", 0.1, 0.1, 0.0, "x", "NRS")])
    [['a', 'b'], ['c', 'd']]
    """
    parts: list[set[str]] = []
    for contrast in contrasts:
        pair = {contrast.experimental, contrast.control}
        touching = [part for part in parts if part & pair]
        parts = [part for part in parts if not part & pair] + [pair.union(*touching)]
    return sorted((sorted(part) for part in parts), key=lambda part: (-len(part), part))
