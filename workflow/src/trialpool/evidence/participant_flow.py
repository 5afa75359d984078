"""The flow of evidence: from the trials known to exist to the effects pooled, with a reason at each step.

In: the evidence tables, and the effects, excluded and known tables of all analyses. Out: a table (columns
FLOW) with one part for the whole review (`analysis` empty) and one for every analysis. A trial counts once in
each part: under the step it reached, or under one reason for leaving, the one nearest to being usable (the
order of `schemas/flow.csv`). How trials were searched and screened is not in the evidence tables, so the flow
starts with the trials that are known.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from enum import StrEnum
from itertools import chain
from typing import Any

from trialpool.contracts import RESULT_TABLES, schema_rows
from trialpool.evidence.derivation import Reason


class Step(StrEnum):
    """Where a trial can be counted."""

    KNOWN = "known"
    LEFT_WITHOUT = "no_numbers"
    WITH_NUMBERS = "with_numbers"
    LEFT_UNUSED = "not_usable"
    USED = "used"
    POOLED = "pooled_with_others"
    ALONE = "alone"


Row = Mapping[str, Any]
Flow = Iterator[tuple[Step, str, list[str]]]  # a step, why trials left there, the trials
# Step by step the words for it; why a trial's numbers were not used, the nearest to usable first.
WORDS = {(row["step"], row["reason_code"]): row["reason"] for row in schema_rows("flow")}
REASONS = {code: reason for (step, code), reason in WORDS.items() if step == Step.LEFT_UNUSED}
ORDER = {code: rank for rank, code in enumerate(REASONS)}  # a code not listed comes before these
NOT_ASKED = "not_asked"
MISMATCHES = (
    *(Reason.OTHER_KIND, Reason.OTHER_TIME, Reason.OTHER_ITEM, Reason.OTHER_OUTCOME),
    *(Reason.OTHER_COMPARISON, Reason.OTHER_PURPOSE),
)


def participant_flow(
    tables: Mapping[str, Sequence[Row]],
    effects: Iterable[Row],
    excluded: Iterable[Row],
    known: Iterable[Row],
    analyses: Iterable[str],
) -> list[Row]:
    """The flow of the whole review and of every analysis, columns FLOW, in the order of the steps.

    `tables` are the rows of the evidence tables; `effects`, `excluded` and `known` those of
    `evidence.compare` for all analyses; `analyses` their slugs in the order wanted. `people` are those
    randomised, as far as reported; `results` counts rows of the result tables (whole review) or effects
    pooled (analyses).
    """
    people = {row["study_id"]: row["n_randomised"] for row in tables["studies"]}
    results = Counter(row["study_id"] for name in RESULT_TABLES for row in tables[name])
    used, left, eligible = map(_by_analysis, ((row for row in effects if row["selected"]), excluded, known))
    rows = [
        _row("", step, code, trials, people, sum(results[trial] for trial in trials))
        for step, code, trials in _of_review(list(people), results.keys(), used.values(), left.values())
    ]
    for slug in analyses:
        mine = used.get(slug, [])
        for step, code, trials in _of_analysis(eligible.get(slug, []), mine, left.get(slug, [])):
            rows.append(_row(slug, step, code, trials, people, len(mine) if step is Step.USED else None))
    return rows


def _by_analysis(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["analysis"]].append(row)
    return dict(found)


def _trials(rows: Iterable[Row]) -> set[str]:
    return {row["study_id"] for row in rows}


def _of_review(
    trials: list[str], numbered: Set[str], used: Iterable[list[Row]], left: Iterable[list[Row]]
) -> Flow:
    members = [_trials(rows) for rows in used]
    chosen = set().union(*members)
    pooled = set().union(*(each for each in members if len(each) > 1))
    whole = (row for row in chain(*left) if row["reason_code"] != Reason.NO_NUMBERS)
    reasons = {
        trial: NOT_ASKED if code in MISMATCHES else code for trial, code in _nearest_reasons(whole).items()
    }
    yield from _steps(trials, numbered, chosen, reasons)
    for step, reached in ((Step.POOLED, numbered & pooled), (Step.ALONE, numbered & chosen - pooled)):
        yield step, "", [trial for trial in trials if trial in reached]


def _of_analysis(known: Sequence[Row], used: Sequence[Row], left: Sequence[Row]) -> Flow:
    trials, members = list(dict.fromkeys(row["study_id"] for row in known)), _trials(used)
    numbered = members | _trials(row for row in known if row["has_numbers"])
    return _steps(trials, numbered, members, _nearest_reasons(left))


def _steps(trials: list[str], numbered: Set[str], used: Set[str], reasons: Mapping[str, str]) -> Flow:
    """The steps that a review and an analysis share; trials that left, by their reason."""
    left: dict[str, list[str]] = {}
    unused, usable = numbered - used, numbered & used
    for trial in trials:
        if trial in unused:
            left.setdefault(reasons.get(trial, NOT_ASKED), []).append(trial)
    yield Step.KNOWN, "", trials
    yield Step.LEFT_WITHOUT, Reason.NO_NUMBERS.value, [trial for trial in trials if trial not in numbered]
    yield Step.WITH_NUMBERS, "", [trial for trial in trials if trial in numbered]
    for code in sorted(left, key=lambda code: (ORDER.get(code, -1), code)):
        yield Step.LEFT_UNUSED, code, left[code]
    yield Step.USED, "", [trial for trial in trials if trial in usable]


def _nearest_reasons(left: Iterable[Row]) -> dict[str, str]:
    """For every trial the one of its reason codes that is nearest to being usable."""
    pairs = {(row["study_id"], row["reason_code"]) for row in left if row["reason_code"] is not None}
    farthest_first = sorted(pairs, key=lambda pair: (ORDER.get(pair[1], -1), pair[1]), reverse=True)
    return dict(farthest_first)


def reason_words(code: str) -> str:
    """What a reason code means."""
    return REASONS.get(code, code.replace("_", " "))


def _row(
    analysis: str,
    step: Step,
    code: str,
    trials: Sequence[str],
    people: Mapping[str, float | None],
    results: int | None,
) -> Row:
    reported = [number for trial in trials if (number := people.get(trial)) is not None]
    return {
        "analysis": analysis,
        "step": step.value,
        "reason_code": code,
        "reason": WORDS.get((step, code)) or reason_words(code),
        "trials": len(trials),
        "people": int(sum(reported)) if reported else None,
        "results": results,
        "study_ids": " ".join(sorted(trials)),
    }
