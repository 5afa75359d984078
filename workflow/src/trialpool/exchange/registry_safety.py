"""Adverse events and participant flow of a registry record as event rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trialpool.exchange.candidates import Row, count, plain, weeks_in, word
from trialpool.exchange.registry_outcomes import Entry, Group, arms_of, entries, text

TOTALS = (
    ("serious_adverse_event", "any", "serious"),
    ("serious_adverse_event", "death", "deaths"),
    ("adverse_event", "any", "other"),
)
DROPOUTS = {"adverse event": "adverse_event", "lack of efficacy": "lack_of_effect"}


def safety_rows(module: Entry, groups: Mapping[str, Group]) -> Iterator[Row]:
    """People with any serious event, any other event, deaths, and each single event that is not serious.

    Single serious events stay out: the codebook counts people with any serious event, and deaths.

    >>> group = {"id": "EG000", "title": "Acu", "seriousNumAffected": 1, "seriousNumAtRisk": 30}
    >>> (row,) = safety_rows({"eventGroups": [group]}, {"Acu": Group("acu", "Acu", "")})
    >>> row["domain"], row["outcome"], row["events"], row["n"]
    ('serious_adverse_event', 'any', '1', '30')
    """
    arms = arms_of(module, "eventGroups", groups)
    frame = text(module, "timeFrame")
    above = f"other than serious, above the reporting threshold of {text(module, 'frequencyThreshold')} %"
    for group in entries(module, "eventGroups"):
        arm = arms[text(group, "id")]
        for domain, name, kind in TOTALS:
            for row in _row(
                arm, domain, name, group.get(f"{kind}NumAffected"), group.get(f"{kind}NumAtRisk"), frame
            ):
                yield row | ({"definition": above} if kind == "other" else {})
    for event in entries(module, "otherEvents"):
        for stat in entries(event, "stats"):
            counts = stat.get("numAffected"), stat.get("numAtRisk")
            if text(stat, "groupId") in arms:
                yield from _row(
                    arms[text(stat, "groupId")], "adverse_event", text(event, "term"), *counts, frame
                )


def _row(arm: Group, domain: str, name: str, events: Any, n: Any, frame: str) -> Iterator[Row]:
    """One row if both counts are there; numbers stand in the record as text or as numbers."""
    affected = count("" if events is None else str(events))
    at_risk = count("" if n is None else str(n))
    if not affected or at_risk in ("", "0") or float(affected) > float(at_risk):
        return
    yield {
        "arm": arm.arm,
        "domain": domain,
        "outcome": word(name, 100) or "event",
        "definition": plain(name),
        "weeks": weeks_in(frame),
        "events": affected,
        "n": at_risk,
        "locator": "posted results, adverse events",
        "note": plain(f"time frame: {frame}" if frame else ""),
    }


def flow_rows(module: Entry, groups: Mapping[str, Group], remarks: list[str]) -> Iterator[Row]:
    """Withdrawals for all causes and for the reasons that the codebook names, if there is one period only.

    >>> remarks = []
    >>> list(flow_rows({"periods": [{}, {}]}, {}, remarks)), remarks
    ([], ['The participant flow has several periods: withdrawals not imported.'])
    """
    periods = entries(module, "periods")
    if len(periods) > 1:
        remarks.append("The participant flow has several periods: withdrawals not imported.")
    if len(periods) != 1:
        return
    arms = arms_of(module, "groups", groups)
    milestones = entries(periods[0], "milestones")
    moves = {text(move, "type").upper(): _subjects(move, "achievements") for move in milestones}
    started = moves.get("STARTED", {})
    lost = {"all_causes": moves.get("NOT COMPLETED", {})}
    for reason in entries(periods[0], "dropWithdraws"):
        name = DROPOUTS.get(text(reason, "type").casefold())
        if name:
            lost[name] = _subjects(reason, "reasons")
    for name, counts in lost.items():
        for key, events in counts.items():
            if key in arms:
                for row in _row(arms[key], "withdrawal", name, events, started.get(key), ""):
                    yield row | {"locator": "posted results, participant flow"}


def _subjects(move: Entry, key: str) -> dict[str, str]:
    return {text(entry, "groupId"): text(entry, "numSubjects") for entry in entries(move, key)}
