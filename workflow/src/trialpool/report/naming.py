"""What conditions, questions and instruments are called: a record's parts as headings and cells name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialpool.report.words import absent, listing, spaced

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
