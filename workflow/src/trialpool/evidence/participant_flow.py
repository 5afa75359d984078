"""The flow of evidence: from the trials known to exist to the effects pooled, with a reason at each step.

In: the evidence tables, and the effects, excluded and known tables of all analyses. Out: a table (columns
FLOW) with one part for the whole review (`analysis` empty) and one for every analysis. A trial counts once in
each part: under the step it reached, or under one reason for leaving, the one nearest to being usable (the
order of `schemas/flow.csv`). How trials were searched and screened is not in the evidence tables, so the flow
starts with the trials that are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

import pandas as pd

from trialpool.contracts import FLOW, schema_rows
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


Flow = Iterator[tuple[Step, str, list[str]]]  # a step, why trials left there, the trials
RESULT_TABLES = ("continuous", "contrasts", "events")
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
    tables: Mapping[str, pd.DataFrame],
    effects: pd.DataFrame,
    excluded: pd.DataFrame,
    known: pd.DataFrame,
    analyses: Iterable[str],
) -> pd.DataFrame:
    """The flow of the whole review and of every analysis, columns FLOW, in the order of the steps.

    `tables` are the evidence tables; `effects`, `excluded` and `known` those of `evidence.compare` for all
    analyses; `analyses` their slugs in the order wanted. `people` are those randomised, as far as reported;
    `results` counts rows of the result tables (whole review) or effects pooled (analyses).
    """
    people = tables["studies"].set_index("study_id")["n_randomised"]
    chosen = effects[effects["selected"].fillna(False).astype(bool)]
    codes = excluded[["analysis", "study_id", "reason_code"]].dropna()
    results = pd.concat([tables[name]["study_id"] for name in RESULT_TABLES]).value_counts()
    rows = [
        _row("", step, code, trials, people, int(results.reindex(trials).fillna(0).sum()))
        for step, code, trials in _of_review(list(people.index), set(results.index), chosen, codes)
    ]
    used, left, eligible = (dict(iter(frame.groupby("analysis"))) for frame in (chosen, codes, known))
    for slug in analyses:
        mine = used.get(slug, chosen[:0])
        flow = _of_analysis(eligible.get(slug, known[:0]), mine, left.get(slug, codes[:0]))
        for step, code, trials in flow:
            rows.append(_row(slug, step, code, trials, people, len(mine) if step is Step.USED else None))
    return pd.DataFrame(rows, columns=FLOW.names).astype({"people": "Int64", "results": "Int64"})


def _of_review(trials: list[str], numbered: set[str], chosen: pd.DataFrame, codes: pd.DataFrame) -> Flow:
    used = set(chosen["study_id"])
    company = chosen.groupby("analysis")["study_id"].nunique()
    pooled = set(chosen.loc[chosen["analysis"].map(company).gt(1).to_numpy(), "study_id"])
    nearest = _nearest_reasons(codes[codes["reason_code"] != Reason.NO_NUMBERS])
    reasons = {trial: NOT_ASKED if code in MISMATCHES else code for trial, code in nearest.items()}
    yield from _steps(trials, numbered, used, reasons)
    yield Step.POOLED, "", [trial for trial in trials if trial in numbered & pooled]
    yield Step.ALONE, "", [trial for trial in trials if trial in numbered & used - pooled]


def _of_analysis(known: pd.DataFrame, used: pd.DataFrame, codes: pd.DataFrame) -> Flow:
    trials, members = list(dict.fromkeys(known["study_id"])), set(used["study_id"])
    numbered = members | set(known.loc[known["has_numbers"].fillna(False).astype(bool), "study_id"])
    return _steps(trials, numbered, members, _nearest_reasons(codes))


def _steps(trials: list[str], numbered: set[str], used: set[str], reasons: Mapping[str, str]) -> Flow:
    """The steps that a review and an analysis share; trials that left, by their reason."""
    left: dict[str, list[str]] = {}
    for trial in trials:
        if trial in numbered - used:
            left.setdefault(reasons.get(trial, NOT_ASKED), []).append(trial)
    yield Step.KNOWN, "", trials
    yield Step.LEFT_WITHOUT, Reason.NO_NUMBERS.value, [trial for trial in trials if trial not in numbered]
    yield Step.WITH_NUMBERS, "", [trial for trial in trials if trial in numbered]
    for code in sorted(left, key=lambda code: (ORDER.get(code, -1), code)):
        yield Step.LEFT_UNUSED, code, left[code]
    yield Step.USED, "", [trial for trial in trials if trial in numbered & used]


def _nearest_reasons(codes: pd.DataFrame) -> dict[str, str]:
    """For every trial the one of its reason codes that is nearest to being usable."""
    ranked = codes.assign(rank=codes["reason_code"].map(ORDER).fillna(-1))
    first = ranked.sort_values(["rank", "reason_code"], kind="stable").drop_duplicates("study_id")
    return dict(zip(first["study_id"], first["reason_code"], strict=True))


def reason_words(code: str) -> str:
    """What a reason code means."""
    return REASONS.get(code, code.replace("_", " "))


def _row(
    analysis: str, step: Step, code: str, trials: Sequence[str], people: pd.Series, results: int | None
) -> dict[str, object]:
    reported = people.reindex(trials).dropna()
    return {
        "analysis": analysis,
        "step": step.value,
        "reason_code": code,
        "reason": WORDS.get((step, code)) or reason_words(code),
        "trials": len(trials),
        "people": int(reported.sum()) if len(reported) else None,
        "results": results,
        "study_ids": " ".join(sorted(trials)),
    }
