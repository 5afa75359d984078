"""What was not used, and by what kind of reason; and the results that no analysis asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from trialpool.records import Record, Unused, to_json
from trialpool.view.read import Row, Tables

RESULT_TABLES = ("continuous", "contrasts", "events")
OTHER_QUESTION = ("other_comparison", "other_purpose")
OTHER_RESULT = (
    *("other_outcome", "other_item", "other_time", "other_instrument", "other_item_preferred"),
    *("other_time_preferred", "final_preferred", "same_result", "part_of_arms"),
)
KINDS = {  # in the order of the file: the nearest to being used first
    "unusable": "reported for this very question, in a form that cannot be used",
    "other_result": "another outcome, part or time than the question asks for or prefers",
    "no_numbers": "a trial of the comparison, of which no number could be read",
    "other_question": "a trial with this outcome that compares something else, or has another purpose",
    "not_asked": "a result that no analysis asks for",
}
NOT_ASKED = "no analysis asks for this outcome in this comparison"


def near_misses(record: Record) -> list[Unused]:
    """Results of the analysis' own comparison that were reported and could not be used.

    Other comparisons and purposes are not meant, nor trials of which no number is known.
    """
    elsewhere = (*OTHER_QUESTION, "no_numbers")
    return [row for row in record.not_used if row.reason_code not in elsewhere]


def reason_kind(code: str) -> str:
    """The kind of a reason for not using a result, a key of KINDS.

    >>> reason_kind("no_spread"), reason_kind("other_time"), reason_kind("other_comparison")
    ('unusable', 'other_result', 'other_question')
    """
    if code in OTHER_QUESTION:
        return "other_question"
    if code in OTHER_RESULT:
        return "other_result"
    return code if code in KINDS else "unusable"


def excluded_rows(records: Iterable[Record], not_asked: Iterable[Row] = ()) -> list[dict[str, Any]]:
    """The rows of excluded.csv: by analysis the near misses first, then trials without numbers.

    A trial that compares something else stands once for each outcome domain and reason, at the end, with all
    the analyses that it does not answer; last come the results that no analysis asks for.

    >>> from trialpool.view.read import Appraised, filled
    >>> unused = [{"study_id": "A", "reason_code": "other_comparison"}]
    >>> records = [filled(Appraised, {"analysis": name, "not_used": unused}) for name in ("a", "b")]
    >>> [(row["analysis"], row["analyses"], row["reason_kind"]) for row in excluded_rows(records)]
    [('a b', 2, 'other_question')]
    """
    near: list[dict[str, Any]] = []
    elsewhere: dict[tuple[str, ...], dict[str, Any]] = {}
    for record in records:
        own = []
        for unused in record.not_used:
            kind = reason_kind(unused.reason_code)
            row = to_json(unused) | {"analysis": record.analysis, "analyses": 1, "reason_kind": kind}
            row["domain"] = record.domain
            if kind != "other_question":
                own.append(row)
                continue
            first = elsewhere.setdefault((unused.study_id, unused.reason_code, record.domain), row)
            if first is not row:
                first["analysis"] += f" {record.analysis}"
                first["analyses"] += 1
        near += sorted(own, key=lambda row: list(KINDS).index(row["reason_kind"]))
    last = sorted(elsewhere.values(), key=lambda row: (row["domain"], row["label"]))
    return [*near, *last, *map(dict, not_asked)]


def not_asked(records: Iterable[Record], tables: Tables, named: Mapping[str, str]) -> list[dict[str, Any]]:
    """Results in an outcome domain in which no analysis (nearly) uses the trial, as rows of excluded.csv.

    One row for each trial, domain and outcome; baseline values are no results. `named` holds the trials'
    names. Trials that answer some analysis of the domain are not listed here, whatever else they report.

    >>> tables = {"events": [{"study_id": "A", "domain": "withdrawal", "outcome": "all_causes",
    ...                       "row_id": "events.csv:2", "timepoint": "end_of_treatment"}]}
    >>> [(row["study_id"], row["instrument"], row["row_ids"]) for row in not_asked([], tables, {})]
    [('A', 'all_causes', 'events.csv:2')]
    """
    answered = _answered(records)
    entries: dict[tuple[str, ...], dict[str, Any]] = {}
    for table in RESULT_TABLES:
        for row in tables.get(table) or []:
            study, domain = row["study_id"], row.get("domain")
            if not domain or (study, domain) in answered or row.get("timepoint") == "baseline":
                continue
            outcome = str(row.get("instrument") or row.get("outcome") or "")
            entry = entries.setdefault((study, domain, outcome), _not_asked(row, outcome, named))
            entry["row_ids"] = f"{entry['row_ids']} {row['row_id']}".strip()
    return sorted(entries.values(), key=lambda row: (row["domain"], row["label"], row["instrument"]))


def _answered(records: Iterable[Record]) -> set[tuple[str, str]]:
    """Trial and domain of all results that some analysis uses, or would if it could."""
    answered = set()
    for record in records:
        near = (row.study_id for row in record.not_used if row.reason_code not in OTHER_QUESTION)
        used = (study.study_id for study in record.studies)
        answered |= {(study, record.domain) for study in (*used, *near)}
    return answered


def _not_asked(row: Row, outcome: str, named: Mapping[str, str]) -> dict[str, Any]:
    return {
        **{"analysis": "", "analyses": 0, "study_id": row["study_id"], "instrument": outcome},
        **{"label": named.get(row["study_id"], row["study_id"]), "reason_code": "not_asked"},
        **{"reason": NOT_ASKED, "reason_kind": "not_asked", "domain": row["domain"], "row_ids": ""},
        "source_url": row.get("source_url"),
    }
