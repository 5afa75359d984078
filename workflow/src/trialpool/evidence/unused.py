"""A record in; why results and known trials of it were not used out, in kinds that readers tell apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from trialpool.records import Record, Unused
from trialpool.yaml_files import shipped

OTHER_QUESTION = ("other_comparison", "other_purpose")
OTHER_RESULT = (
    *("other_outcome", "other_item", "other_time", "other_instrument", "other_item_preferred"),
    *("other_time_preferred", "final_preferred", "same_result", "part_of_arms"),
)
NO_NUMBERS = "known to exist; no number of its arms in this domain could be read"
KINDS = ("unusable", "other_result", "no_numbers", "not_asked")  # the nearest to use first


class Silence(StrEnum):
    """Why a known trial has no number in a result; of several reasons the last holds."""

    UNREAD = "unread"  # no number of its arms in the domain is in the tables: not measured, or not read
    OTHER = "other"
    UNUSABLE = "unusable"
    INESTIMABLE = "inestimable"  # read and drawn: its counts tell nothing of a ratio


def reason_kind(code: str) -> str:
    """The kind of a reason for not using a result, one of KINDS."""
    return "other_result" if code in OTHER_RESULT else code if code in KINDS else "unusable"


def near_misses(record: Record) -> list[Unused]:
    """Results of the analysis' own comparison that were reported and could not be used."""
    return [row for row in record.not_used if row.reason_code != "no_numbers"]


def silent_trials(record: Record) -> dict[str, Silence]:
    """The known trials without a number in the result, and why.

    >>> from trialpool.records import sketch
    >>> known = [{"study_id": "A"}, {"study_id": "B", "has_numbers": True}]
    >>> {trial: str(why) for trial, why in silent_trials(sketch(Record, {"known": known})).items()}
    {'A': 'unread', 'B': 'other'}
    """
    unusable = {row.study_id for row in near_misses(record) if reason_kind(row.reason_code) == "unusable"}
    used = {study.study_id for study in record.studies}
    counted = {row.study_id for row in record.not_used if row.inestimable}
    return {
        row.study_id: Silence.INESTIMABLE
        if row.study_id in counted
        else Silence.UNUSABLE
        if row.study_id in unusable
        else Silence.OTHER
        if row.has_numbers
        else Silence.UNREAD
        for row in record.known
        if row.study_id not in used
    }


def silence_words(silences: Iterable[Silence]) -> str:
    """How many trials are silent for which reason; of a single one, why it is.

    >>> silence_words([Silence.UNREAD, Silence.UNUSABLE, Silence.UNREAD])
    'of 2 no number for this outcome could be read, the numbers of one cannot be used'
    """
    words, counts = shipped("sentences")["silences"], Counter(silences)
    form = "one" if counts.total() == 1 else "several"
    numbers = {why: "one" if n == 1 else f"{n:,}" for why, n in counts.items()}
    return ", ".join(words[why][form].format(numbers[why]) for why in Silence if why in numbers)
