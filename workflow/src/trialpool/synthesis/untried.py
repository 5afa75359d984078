"""Choices that a sensitivity analysis ought to try and this analysis cannot: each with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trialpool.synthesis.specifications import ALL, DEFAULT, INCLUSIONS, DataSets

Row = dict[str, Any]
EVENTS = ("RR", "OR", "RD")
OF_SCORES = ("kinds", "r", "source", "borrow_sd")
# dimension of choice: its name, and why no variant of it pools other effects
DIMENSIONS = {
    "kinds": ("final values only, changes only", "no trial in use offers the other kind of value too"),
    "timepoint": ("another timepoint", "no trial reports another time that the analysis could take"),
    "outcomes": ("another instrument or outcome", "no trial offers another one of those listed"),
    "items": ("another nerve or subscale", "no trial offers another one of those listed"),
    "multi_arm": ("another rule for several arms", "no trial in use has several arms on one side"),
    "r": ("another correlation of baseline and final value", "no SD in use rests on an assumed correlation"),
    "source": ("arms or published contrasts", "no result in use is printed both ways"),
    "borrow_sd": ("borrowed SDs", "no trial lacks only an SD that others could lend"),
}


def untried_rows(spec: Mapping[str, Any], sets: DataSets, effects: Sequence[Row]) -> Iterator[Row]:
    """Rows with kind, choice, k and `reason`, for what `sensitivity_rows` could not try.

    `effects` are the rows of the effects table: a variant that is there but not among `sets` left too few
    trials or changed nothing.
    """
    main = sets.rows[0]
    events = spec["measure"] in EVENTS
    yield from _not_for_sparse(spec, main)
    tried = {name for choice in sets.choices for name, value in choice.items() if value != DEFAULT}
    for name, (choice, reason) in DIMENSIONS.items():
        if name not in tried and not (events and name in OF_SCORES):
            yield {"kind": "data", "choice": choice, "reason": _few(name, effects) or reason}
    given = {choice["inclusion"] for choice in sets.choices if len(set(choice.values()) - {DEFAULT}) == 1}
    for name, keeps in INCLUSIONS.items():
        kept = {row["study_id"] for row in main if keeps(row)}
        if name == ALL or name in given:
            continue
        dropped = sum(not keeps(row) for row in main)
        reason = "leaves out no trial" if not dropped else f"leaves {_trials(len(kept))}: too few to pool"
        if dropped and len(kept) > 1:
            reason = "pools what another choice above pools"
        yield {"kind": "inclusion", "choice": name, "k": len(kept), "reason": reason}
    if len({row["study_id"] for row in main}) < 3:
        yield {
            "kind": "leave one out",
            "choice": "one trial left out",
            "k": 1,
            "reason": "would leave a single trial",
        }


def _not_for_sparse(spec: Mapping[str, Any], main: Sequence[Row]) -> Iterator[Row]:
    if spec["measure"] not in EVENTS:
        return
    counts = ("events_experimental", "n_experimental", "events_control", "n_control")
    if any(row[name] is None for row in main for name in counts):
        reason = "a trial prints a ratio without its counts"
        yield {"kind": "sparse", "choice": "Mantel–Haenszel, Peto", "reason": reason}
    elif spec["measure"] == "RD":
        yield {"kind": "sparse", "choice": "Peto", "reason": "gives odds ratios, not risk differences"}


def _few(name: str, effects: Sequence[Row]) -> str:
    """Why variants that exist are not among the data sets."""
    trials: dict[str, set[str]] = {}
    for row in effects:
        if row["variant"].startswith(f"{name}=") and ";" not in row["variant"]:
            trials.setdefault(row["variant"], set()).add(row["study_id"])
    most = max((len(found) for found in trials.values()), default=0)
    return f"leaves {_trials(most)}: too few to pool" if most == 1 else ""


def _trials(count: int) -> str:
    return f"{count or 'no'} trial{'' if count == 1 else 's'}"
