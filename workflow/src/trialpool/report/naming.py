"""What conditions, questions and instruments are called: a record's parts as headings and cells name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialpool.text import absent, listing, spaced

CONDITION_NAMES = {
    "DPN": "diabetic peripheral neuropathy",
    "CIPN": "chemotherapy-induced peripheral neuropathy",
}
STATUS_NAMES = {
    "pooled": "pooled",
    "single_study": "one trial, not a meta-analysis",
    "no_data": "no poolable trial",
}


def conditions(record: Mapping[str, Any]) -> list[str]:
    """The conditions of a record as a list, whether it holds one or several.

    >>> conditions({"condition": "DPN"}), conditions({"condition": ["DPN", "CIPN"]})
    (['DPN'], ['DPN', 'CIPN'])
    """
    held = record.get("condition") or []
    return [held] if isinstance(held, str) else list(held)


def condition_name(record: Mapping[str, Any]) -> str:
    """The conditions of a record in full words, with the purpose where it is prevention.

    >>> condition_name({"condition": ["CIPN"], "purpose": "prevention"})
    'chemotherapy-induced peripheral neuropathy, prevention'
    """
    names = listing(CONDITION_NAMES.get(code, code) for code in conditions(record))
    return f"{names}, prevention" if record.get("purpose") == "prevention" else names


def title_parts(record: Mapping[str, Any]) -> tuple[str, str]:
    """A title "population, outcome: comparison" as outcome and comparison, for tables under a heading.

    A population is left out only where it repeats a word of the record's condition or purpose.

    >>> title_parts({"title": "Diabetic neuropathy, pain: acupuncture versus sham", "condition": ["DPN"]})
    ('pain', 'acupuncture versus sham')
    >>> title_parts({"title": "Any other title", "condition": []})
    ('Any other title', '')
    """
    head, _, tail = str(record["title"]).partition(": ")
    population, _, outcome = head.partition(", ")
    repeated = set(population.casefold().split()) & set(condition_name(record).casefold().split())
    return (outcome if outcome and repeated else head), tail


def distinct_labels(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Short names of questions that stand together under one heading, no two of them alike.

    The comparison; where several share it, with the outcome; with the analysis' own name as a last resort.

    >>> outcomes = ("pain: a versus b", "worst pain: a versus b", "pain: c versus b")
    >>> titles = [f"Diabetic neuropathy, {outcome}" for outcome in outcomes]
    >>> distinct_labels([{"title": t, "condition": ["DPN"], "analysis": t} for t in titles])
    ['a versus b, pain', 'a versus b, worst pain', 'c versus b']
    """
    parts = [title_parts(record) for record in records]
    labels = [tail or head for head, tail in parts]
    fuller = [f"{tail}, {head}" if tail else head for head, tail in parts]
    chosen = [full if labels.count(short) > 1 else short for short, full in zip(labels, fuller, strict=True)]
    return [
        f"{label} ({record['analysis']})" if chosen.count(label) > 1 else label
        for label, record in zip(chosen, records, strict=True)
    ]


def instrument_name(code: str | None, item: str | None, instruments: Mapping[str, Any]) -> str:
    """An instrument's full name from config/instruments.yaml, the part (item) after it; the code if unknown.

    >>> instrument_name("VAS100", None, {"VAS100": {"name": "Visual analogue scale, 0 to 100 mm"}})
    'Visual analogue scale, 0 to 100 mm'
    >>> instrument_name("MNCV", "peroneal", {})
    'MNCV: peroneal'
    """
    if absent(code):
        return ""
    part = instruments.get(f"{code}:{item}") if not absent(item) else None
    if part and part.get("name"):
        return str(part["name"])
    name = str((instruments.get(str(code)) or {}).get("name") or code)
    return name if absent(item) else f"{name}: {spaced(item)}"
