"""A ClinicalTrials.gov record with posted results (API v2 JSON) as candidate rows.

The registry reports by group, class and category: each measurement becomes one row, its class and category
the item. What the registry leaves open (which domain, which direction is better) stays empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trialpool.errors import Fault, InputError
from trialpool.exchange.candidates import Candidates, Row, category_of, count, plain, word
from trialpool.exchange.registry_outcomes import Group, contrast_rows, outcome_rows, title_of
from trialpool.exchange.registry_safety import flow_rows, safety_rows

Record = Mapping[str, Any]
ROLES = {
    "EXPERIMENTAL": "experimental",
    "ACTIVE_COMPARATOR": "control",
    "PLACEBO_COMPARATOR": "control",
    "SHAM_COMPARATOR": "control",
    "NO_INTERVENTION": "control",
}
CATEGORIES = {"PLACEBO_COMPARATOR": "placebo", "SHAM_COMPARATOR": "sham"}
DESIGNS = {"PARALLEL": "parallel", "CROSSOVER": "crossover"}
PURPOSES = {"TREATMENT": "treatment", "PREVENTION": "prevention"}


def import_registry(path: str | Path) -> Candidates:
    """Candidate rows of one study record, or of the first study of a search answer.

    Raises InputError where the file is no such record, or where the record has no posted results.

    >>> import_registry("record.json")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'record.json'
    """
    record = _record(Path(path))
    protocol, results = _dict(record, "protocolSection"), _dict(record, "resultsSection")
    nct = str(_dict(protocol, "identificationModule").get("nctId") or "")
    if not re.fullmatch(r"NCT\d{8}", nct):
        fault = _fault(path, "nctId", nct or "nothing", "not an NCT number", "use the API v2 record")
        raise InputError([fault])
    if not results:
        remedy = "look for a publication of the trial"
        raise InputError([_fault(path, "resultsSection", "", f"{nct} has no posted results", remedy)])
    base = {"study_id": nct, "source_url": f"https://clinicaltrials.gov/study/{nct}", "reading": "single"}
    groups = _groups(results)
    remarks: list[str] = []
    rows: dict[str, list[Row]] = {"studies": [_study(protocol, base)], "continuous": [], "events": []}
    rows["contrasts"] = []
    for place, outcome in enumerate(_list(results, "outcomeMeasuresModule", "outcomeMeasures"), 1):
        for table, row in outcome_rows(outcome, place, groups, remarks):
            rows[table].append(base | row)
        rows["contrasts"] += [base | row for row in contrast_rows(outcome, place, groups, remarks)]
    safety, flow = _dict(results, "adverseEventsModule"), _dict(results, "participantFlowModule")
    rows["events"] += [base | row for row in safety_rows(safety, groups)]
    rows["events"] += [base | row for row in flow_rows(flow, groups, remarks)]
    rows["arms"] = list(_arms(nct, groups, protocol, results, rows))
    return Candidates(f"ClinicalTrials.gov record {nct}", rows, remarks)


def _record(path: Path) -> Record:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise InputError([_fault(path, "", "", "the file is not UTF-8", "download it anew")]) from None
    except (json.JSONDecodeError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        fault = Fault(str(path), line, "", "", "the file is not valid JSON", "download it anew")
        raise InputError([fault]) from None
    if isinstance(data, dict) and isinstance(data.get("studies"), list) and data["studies"]:
        data = data["studies"][0]
    if not isinstance(data, dict) or "protocolSection" not in data:
        remedy = "download https://clinicaltrials.gov/api/v2/studies/NCT… as JSON"
        raise InputError([_fault(path, "protocolSection", "", "the file is no API v2 study record", remedy)])
    return data


def _fault(path: str | Path, column: str, value: str, problem: str, remedy: str) -> Fault:
    return Fault(str(path), None, column, value, problem, remedy)


def _dict(record: Record, *keys: str) -> dict[str, Any]:
    found: Any = record
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _list(record: Record, *keys: str) -> list[dict[str, Any]]:
    found = _dict(record, *keys[:-1]).get(keys[-1])
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _study(protocol: Record, base: Row) -> Row:
    design = _dict(protocol, "designModule", "designInfo")
    contacts = _list(protocol, "contactsLocationsModule", "locations")
    countries = sorted({str(place["country"]) for place in contacts if place.get("country")})
    references = _list(protocol, "referencesModule", "references")
    result = next((entry for entry in references if entry.get("type") == "RESULT"), {})
    sponsor = _dict(protocol, "sponsorCollaboratorsModule", "leadSponsor").get("name", "")
    start = str(_dict(protocol, "statusModule", "resultsFirstPostDateStruct").get("date") or "")
    pmid = str(result.get("pmid") or "")
    return {
        "study_id": base["study_id"],
        "first_author": plain(str(sponsor), 200),
        "year": start[:4] if start[:4].isdigit() else "",
        "country": plain(", ".join(countries), 200),
        "pmid": pmid if pmid.isdigit() else "",
        "registration": base["study_id"],
        "population": plain(", ".join(map(str, _dict(protocol, "conditionsModule").get("conditions") or []))),
        "design": DESIGNS.get(str(design.get("interventionModel")), ""),
        "n_randomised": count(str(_dict(protocol, "designModule", "enrollmentInfo").get("count") or "")),
        "setting_note": plain(f"{_title(protocol)}; year = results first posted; author = lead sponsor"),
        "purpose": PURPOSES.get(str(design.get("primaryPurpose")), ""),
        "source_type": "registry",
        "source_url": base["source_url"],
    }


def _title(protocol: Record) -> str:
    names = _dict(protocol, "identificationModule")
    return str(names.get("officialTitle") or names.get("briefTitle") or "")


def _groups(results: Record) -> dict[str, Group]:
    """Every result group by its registry id. Groups of different modules with one title are one arm."""
    modules = [
        *_list(results, "participantFlowModule", "groups"),
        *_list(results, "adverseEventsModule", "eventGroups"),
    ]
    for outcome in _list(results, "outcomeMeasuresModule", "outcomeMeasures"):
        modules += _list(outcome, "groups")
    arms: dict[str, str] = {}
    groups: dict[str, Group] = {}
    for entry in modules:
        title = title_of(entry)
        key = " ".join(title.casefold().split())
        if key not in arms:
            stem = word(title, 40) or "group"
            taken = set(arms.values())
            options = [stem, *(f"{stem}_{number}" for number in range(2, len(taken) + 3))]
            arms[key] = next(option for option in options if option not in taken)
        groups[title] = Group(arms[key], title, str(entry.get("description") or ""))
    return groups


def _arms(
    nct: str,
    groups: Mapping[str, Group],
    protocol: Record,
    results: Record,
    rows: Mapping[str, Sequence[Row]],
) -> Iterator[Row]:
    """The arms that occur in rows, those of the participant flow first."""
    planned = {
        word(str(arm.get("label") or "")): arm
        for arm in _list(protocol, "armsInterventionsModule", "armGroups")
    }
    started = _started(results)
    used = {
        row[name]
        for table in rows.values()
        for row in table
        for name in ("arm", "arm_1", "arm_2")
        if name in row
    }
    seen: set[str] = set()
    for group in groups.values():
        if group.arm in seen or group.arm not in used:
            continue
        seen.add(group.arm)
        kind = str(planned.get(word(group.title), {}).get("type") or "")
        yield {
            "study_id": nct,
            "arm": group.arm,
            "role": ROLES.get(kind, ""),
            "category": CATEGORIES.get(kind) or category_of(group.title),
            "label": plain(group.title, 200),
            "n_randomised": started.get(" ".join(group.title.casefold().split()), ""),
        }


def _started(results: Record) -> dict[str, str]:
    """How many people each group of the first period began with."""
    flow = _dict(results, "participantFlowModule")
    titles = {str(group.get("id")): str(group.get("title") or "") for group in _list(flow, "groups")}
    periods = _list(flow, "periods")
    found = {}
    for milestone in _list(periods[0], "milestones") if periods else []:
        if milestone.get("type") == "STARTED":
            for entry in _list(milestone, "achievements"):
                title = titles.get(str(entry.get("groupId")), "")
                number = count(str(entry.get("numSubjects") or ""))
                found[" ".join(title.casefold().split())] = "" if number == "0" else number
    return found
