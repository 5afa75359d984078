"""What a result says in one sentence, generated from its numbers and careful not to say more than they do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from trialpool.text import (
    absent,
    capital,
    count,
    domain_name,
    effect,
    people,
    percent,
    some_uncounted,
)
from trialpool.view.axis import no_effect
from trialpool.view.forest_table import prediction

ELSEWHERE = frozenset({"other_comparison", "other_purpose", "no_numbers"})


def favoured(record: Mapping[str, Any], value: float | None) -> str:
    """Which side a value favours: "experimental", "control" or "" at no effect (or without a value).

    >>> favoured({"measure": "MD", "better": "lower"}, -1.0)
    'experimental'
    >>> favoured({"measure": "RR", "better": "lower"}, 2.0)
    'control'
    """
    if absent(value) or value is None or value == no_effect(record["measure"]):
        return ""
    above = value > no_effect(record["measure"])
    return "experimental" if above == (record["better"] == "higher") else "control"


def excludes_no_effect(record: Mapping[str, Any], low: float | None, high: float | None) -> bool:
    """Whether an interval lies wholly on one side of no effect.

    >>> excludes_no_effect({"measure": "RR"}, 1.1, 2.0), excludes_no_effect({"measure": "MD"}, -1, 0.5)
    (True, False)
    """
    if absent(low) or absent(high) or low is None or high is None:
        return False
    return low > no_effect(record["measure"]) or high < no_effect(record["measure"])


def people_words(record: Mapping[str, Any]) -> str:
    """How many people were analysed.

    >>> people_words({"n_experimental": 100, "n_control": None})
    'number of people not reported'
    >>> people_words({"n_experimental": 9, "n_control": 8, "studies": [{"n_control": 8}]})
    'at least 17 people'
    """
    amount = people(record)
    if amount is None:
        return "number of people not reported"
    return ("at least " if some_uncounted(record) else "") + count(amount, "person", "people")


def size_words(record: Mapping[str, Any]) -> str:
    """How much evidence there is: trials and analysed people.

    >>> size_words({"k": 5, "n_experimental": 100, "n_control": 98})
    '5 trials, 198 people'
    """
    return f"{count(record['k'], 'trial')}, {people_words(record)}"


def verdict_words(record: Mapping[str, Any]) -> str:
    """The shortest honest reading of a result, for a table cell.

    >>> verdict_words({"status": "no_data"})
    'no poolable trial'
    """
    if record["status"] == "no_data":
        return "no poolable trial"
    pooled = record["pooled"]
    side = favoured(record, pooled["estimate"])
    if not side or not excludes_no_effect(record, pooled["ci_low"], pooled["ci_high"]):
        words = "no clear difference"
    else:
        words = f"favours {record[f'{side}_name']}"
    return f"{words} (one trial)" if record["status"] == "single_study" else words


def result_sentence(record: Mapping[str, Any]) -> str:
    """One result in words: direction, numbers, amount of evidence, and what a new trial might show.

    >>> result_sentence({"status": "no_data", "domain": "pain", "experimental_name": "acupuncture",
    ...                  "control_name": "sham", "known": [], "not_used": []})
    'No trial with numbers that can be pooled compares acupuncture with sham for pain.'
    """
    if record["status"] == "no_data":
        return no_data_sentence(record)
    pooled, measure = record["pooled"], record["measure"]
    level = (record.get("methods") or {}).get("level") or 0.95
    numbers = effect(measure, pooled["estimate"], pooled["ci_low"], pooled["ci_high"], level)
    between = f"{record['experimental_name']} and {record['control_name']}"
    side = favoured(record, pooled["estimate"])
    if side and excludes_no_effect(record, pooled["ci_low"], pooled["ci_high"]):
        start = f"The result favours {record[f'{side}_name']}"
    else:
        start = f"No clear difference between {between} was shown"
    if record["status"] == "single_study":
        told = f"{start}, in one trial only ({people_words(record)}): {numbers}"
        return f"{told}. One trial is not a meta-analysis."
    return f"{start}: {numbers}; {size_words(record)}.{new_trial_words(record, level)}"


def new_trial_words(record: Mapping[str, Any], level: float) -> str:
    """What the prediction interval says about a further trial; "" where there is none."""
    found = prediction(record)
    if not found:
        return ""
    span = f" The effect in a new, similar trial is expected to lie from {found.interval}"
    ending = f" ({percent(level)} prediction interval)"
    if excludes_no_effect(record, found.low.value, found.high.value):
        return f"{span}{ending}."
    return f"{span}{ending}, so it may lie on either side of no difference."


def near_misses(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Results of the analysis' own comparison that were reported and could not be used.

    Other comparisons and purposes are not meant, nor trials of which no number is known.

    >>> near_misses({"not_used": [{"reason_code": "no_spread"}, {"reason_code": "other_comparison"}]})
    [{'reason_code': 'no_spread'}]
    """
    return [row for row in record.get("not_used") or [] if row.get("reason_code") not in ELSEWHERE]


def no_data_sentence(record: Mapping[str, Any]) -> str:
    """What is known where nothing could be pooled."""
    sides = f"{record['experimental_name']} with {record['control_name']}"
    start = f"No trial with numbers that can be pooled compares {sides} for {domain_name(record['domain'])}."
    known = {row["study_id"] for row in record.get("known") or []}
    unused = {row["study_id"] for row in near_misses(record)}
    if not known | unused:
        return start
    told = f"{capital(count(len(known | unused), 'trial'))} of this comparison {_are(known | unused)} known"
    if not unused:
        return f"{start} {told}, none with a usable number for it."
    return f"{start} {told}; {count(len(unused), 'trial')} reported it in a form that could not be used."


def _are(things: Collection[Any]) -> str:
    return "is" if len(things) == 1 else "are"
