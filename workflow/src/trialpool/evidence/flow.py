"""The flow of evidence: from the trials known to exist to the effects pooled, with a reason at each step.

One part for the whole review (`analysis` empty) and one for every analysis. A trial counts once in each
part: under the step it reached, or under one reason for leaving, the one nearest to being usable. How trials
were searched and screened is not in the evidence tables, so the flow starts with the trials that are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from trialpool import io
from trialpool.contracts import FLOW

FLOW_COLUMNS = FLOW.names
KNOWN, LEFT_WITHOUT, WITH_NUMBERS, LEFT_UNUSED, USED = (
    *("known", "no_numbers", "with_numbers", "not_usable", "used"),
)
POOLED, ALONE = "pooled_with_others", "alone"
RESULT_TABLES = ("continuous", "contrasts", "events")

# why a trial's numbers were not used, the nearest to usable first; a code not listed comes before these
REASONS = {
    "no_events": "no event in either arm, so no ratio",
    "no_n": "the number of people is not reported",
    "no_people": "the number of people is not reported",
    "no_spread": "no spread, interval or exact p-value",
    "bad_spread": "a spread that cannot be",
    "adjusted": "an adjusted difference without an SD to standardise by",
    "skewed": "median and quartiles too skewed for a mean",
    "too_few": "too few people for a mean from quartiles",
    "one_side": "numbers for one side of the comparison only",
    "crossover": "crossover trial without paired data",
    "cluster": "cluster trial without what its design needs",
    "unspecified": "the report does not say what the number is",
    "held_back": "numbers held back by the note beside them",
    "impossible": "numbers that cannot be",
    "direction": "a direction that cannot be turned",
    "no_range": "an instrument without a fixed range, so not rescaled",
    "other_unit": "percent changes instead of scores",
    "other_scale": "an instrument on another scale",
    "other_instrument": "an instrument that cannot be pooled with the leading one",
    "other_measure": "a ratio or difference of another kind",
    "other_kind": "a kind of value that is not asked for",
    "other_time": "another time than asked for",
    "other_item": "another part, nerve or subscale than asked for",
    "other_outcome": "another instrument or outcome than asked for",
    "other_comparison": "no analysis compares these arms",
    "other_purpose": "no analysis of this purpose",
}
NOT_ASKED = "not_asked"
NOT_ASKED_WORDS = "reports only what no analysis asks for"
MISMATCHES = ("other_kind", "other_time", "other_item", "other_outcome", "other_comparison", "other_purpose")
WORDS = {
    KNOWN: "trials known",
    LEFT_WITHOUT: "no number could be read at a source",
    WITH_NUMBERS: "trials with any number",
    USED: "trials used",
    POOLED: "pooled with at least one other",
    ALONE: "alone in every analysis they are in",
}


def flow(
    tables: Mapping[str, pd.DataFrame],
    effects: pd.DataFrame,
    excluded: pd.DataFrame,
    known: pd.DataFrame,
    analyses: Iterable[str],
) -> pd.DataFrame:
    """The flow of the whole review and of every analysis, columns FLOW_COLUMNS, in the order of the steps.

    `tables` are the evidence tables; `effects`, `excluded` and `known` those of `evidence.compare` for all
    analyses; `analyses` their slugs in the order wanted. `people` are those randomised, as far as reported;
    `results` counts rows of the result tables (whole review) or effects pooled (analyses).
    """
    people = tables["studies"].set_index("study_id")["n_randomised"]
    chosen = effects[effects["selected"].fillna(False).astype(bool) & (effects["variant"].fillna("") == "")]
    codes = excluded[["analysis", "study_id", "reason_code"]].dropna()
    rows = _review(tables, chosen, codes)
    used, left = _by_analysis(chosen), _by_analysis(codes)
    asked = _by_analysis(known)
    for analysis in analyses:
        rows += _one(analysis, asked.get(analysis), used.get(analysis), left.get(analysis))
    return _table(rows, people)


def write_flow(table: pd.DataFrame, path: str | Path) -> None:
    """Write the flow as CSV."""
    io.write_csv(path, table.to_dict("records"), FLOW_COLUMNS)


Step = tuple[str, str, str, str, list[str], int | None]


def _review(tables: Mapping[str, pd.DataFrame], chosen: pd.DataFrame, codes: pd.DataFrame) -> list[Step]:
    results = pd.concat([tables[name]["study_id"] for name in RESULT_TABLES]).value_counts()
    trials = list(tables["studies"]["study_id"])
    numbered = [trial for trial in trials if trial in results]
    used = set(chosen["study_id"])
    company = chosen.groupby("analysis")["study_id"].nunique()
    pooled = set(chosen.loc[chosen["analysis"].map(company).gt(1).to_numpy(), "study_id"])
    reasons = {
        trial: reason if reason not in MISMATCHES else NOT_ASKED
        for trial, reason in _nearest_reasons(codes[codes["reason_code"] != LEFT_WITHOUT]).items()
    }
    left: dict[str, list[str]] = {}
    for trial in numbered:
        if trial not in used:
            left.setdefault(reasons.get(trial, NOT_ASKED), []).append(trial)

    def step(name: str, members: Sequence[str], reason: str = "", words: str = "") -> Step:
        return (
            "",
            name,
            reason,
            words or WORDS[name],
            list(members),
            int(results.reindex(members).fillna(0).sum()),
        )

    return [
        step(KNOWN, trials),
        step(LEFT_WITHOUT, [trial for trial in trials if trial not in results], LEFT_WITHOUT),
        step(WITH_NUMBERS, numbered),
        *(step(LEFT_UNUSED, left[code], code, reason_words(code)) for code in _in_order(left)),
        step(USED, [trial for trial in numbered if trial in used]),
        step(POOLED, [trial for trial in numbered if trial in pooled]),
        step(ALONE, [trial for trial in numbered if trial in used - pooled]),
    ]


def _one(
    analysis: str, asked: pd.DataFrame | None, used: pd.DataFrame | None, codes: pd.DataFrame | None
) -> list[Step]:
    trials = [] if asked is None else list(dict.fromkeys(asked["study_id"]))
    numbered = (
        set()
        if asked is None
        else set(asked.loc[asked["has_numbers"].fillna(False).astype(bool), "study_id"])
    )
    members = set() if used is None else set(used["study_id"])
    numbered |= members
    reasons = {} if codes is None else _nearest_reasons(codes)
    left: dict[str, list[str]] = {}
    for trial in trials:
        if trial in numbered - members:
            left.setdefault(reasons.get(trial, NOT_ASKED), []).append(trial)

    def step(name: str, chosen: Sequence[str], reason: str = "", results: int | None = None) -> Step:
        words = reason_words(reason) if name == LEFT_UNUSED else WORDS[name]
        return (analysis, name, reason, words, list(chosen), results)

    return [
        step(KNOWN, trials),
        step(LEFT_WITHOUT, [trial for trial in trials if trial not in numbered], LEFT_WITHOUT),
        step(WITH_NUMBERS, [trial for trial in trials if trial in numbered]),
        *(step(LEFT_UNUSED, left[code], code) for code in _in_order(left)),
        step(USED, [trial for trial in trials if trial in members], results=0 if used is None else len(used)),
    ]


def reason_words(code: str) -> str:
    """What a reason code means.

    >>> reason_words("no_n"), reason_words("other_colour")
    ('the number of people is not reported', 'other colour')
    """
    return NOT_ASKED_WORDS if code == NOT_ASKED else REASONS.get(code, code.replace("_", " "))


def _nearest_reasons(codes: pd.DataFrame) -> dict[str, str]:
    """For every trial the one of its reason codes that is nearest to being usable."""
    order = {code: place for place, code in enumerate(REASONS)}
    rank = codes["reason_code"].map(order).fillna(-1)
    first = (
        codes.assign(rank=rank)
        .sort_values(["rank", "reason_code"], kind="stable")
        .drop_duplicates("study_id")
    )
    return dict(zip(first["study_id"], first["reason_code"], strict=True))


def _in_order(reasons: Iterable[str]) -> list[str]:
    order = {code: place for place, code in enumerate([*REASONS, NOT_ASKED])}
    return sorted(reasons, key=lambda code: (order.get(code, -1), code))


def _by_analysis(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(name): group for name, group in frame.groupby("analysis", sort=False)}


def _table(rows: Sequence[Step], people: pd.Series) -> pd.DataFrame:
    def total(trials: list[str]) -> int | None:
        known = people.reindex(trials).dropna()
        return int(known.sum()) if len(known) else None

    records: list[dict[str, Any]] = [
        {
            "analysis": analysis,
            "step": step,
            "reason_code": code,
            "reason": reason,
            "trials": len(trials),
            "people": total(trials),
            "results": results,
            "study_ids": " ".join(sorted(trials)),
        }
        for analysis, step, code, reason, trials, results in rows
    ]
    table = pd.DataFrame(records, columns=list(FLOW_COLUMNS))
    return table.astype({"people": "Int64", "results": "Int64"})
