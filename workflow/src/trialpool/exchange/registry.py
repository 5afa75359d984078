"""A ClinicalTrials.gov record with posted results (API v2 JSON) in, candidate rows of the codebook out.

The registry reports by group, class and category: each measurement becomes one row, its class and category
the item. What the registry leaves open (which domain, which direction is better) stays empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialpool.contracts import FORMS, RATIO_CONTRASTS
from trialpool.errors import Fault, InputError
from trialpool.exchange.candidates import (
    Candidates,
    Row,
    category_of,
    count,
    instrument_code,
    number,
    plain,
    weeks_in,
    word,
)

Entry = Mapping[str, Any]

# The registry's words and ours
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
CENTRES = {"MEAN": "mean", "MEDIAN": "median", "LEAST_SQUARES_MEAN": "lsmean"}
COUNT = "COUNT_OF_PARTICIPANTS"
SPREADS = {
    "standard deviation": "sd",
    "standard error": "se",
    "standard error of the mean": "se",
    "95% confidence interval": "ci95",
    "confidence 95": "ci95",
    "inter-quartile range": "iqr",
    "inter quartile range": "iqr",
    "interquartile range": "iqr",
    "full range": "range",
}
UNITS = {
    "points": ("points", "score", "score on a scale", "scores on a scale", "units on a scale"),
    "percent": ("percent", "percentage", "percent change", "percentage change"),
    **{"m/s": ("m/s", "meters/second"), "s": ("s", "seconds"), "ms": ("ms", "milliseconds")},
    **{"cm": ("cm", "centimeters"), "Hz": ("hz",)},
}
MEASURES = {  # the first phrase in the registry's name of the parameter decides
    "odds ratio": "odds_ratio",
    "hazard ratio": "hazard_ratio",
    "risk ratio": "risk_ratio",
    "rate ratio": "rate_ratio",
    "risk difference": "risk_difference",
    "standardized mean difference": "smd",
    "mean difference": "mean_difference",
    "difference in mean": "mean_difference",
    "ls mean": "mean_difference",
}
SAFETY_TOTALS = (
    ("serious_adverse_event", "any", "serious"),
    ("serious_adverse_event", "death", "deaths"),
    ("adverse_event", "any", "other"),
)
DROPOUTS = {"adverse event": "adverse_event", "lack of efficacy": "lack_of_effect"}


@dataclass(frozen=True, slots=True)
class Group:
    """A result group of the registry: the arm it is, and its title there."""

    arm: str
    title: str

    @property
    def key(self) -> str:
        """What groups of different modules that are one arm have in common."""
        return _folded(self.title)


def import_registry(path: str | Path) -> Candidates:
    """Candidate rows of one study record, or of the first study of a search answer.

    Raises InputError where the file is no such record, or where the record has no posted results.

    >>> import_registry("record.json")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'record.json'
    """
    record = _record(Path(path))
    protocol, results = section(record, "protocolSection"), section(record, "resultsSection")
    nct = str(section(protocol, "identificationModule").get("nctId") or "")
    if not re.fullmatch(r"NCT\d{8}", nct):
        fault = _fault(path, "nctId", nct or "nothing", "not an NCT number", "use the API v2 record")
        raise InputError([fault])
    if not results:
        remedy = "look for a publication of the trial"
        raise InputError([_fault(path, "resultsSection", "", f"{nct} has no posted results", remedy)])
    base = {"study_id": nct, "source_url": f"https://clinicaltrials.gov/study/{nct}", "reading": "single"}
    groups = _groups(results)
    remarks: list[str] = []
    rows: dict[str, list[Row]] = {"studies": [_study(protocol, base)]}
    rows |= {"continuous": [], "events": [], "contrasts": []}
    for place, outcome in enumerate(entries(results, "outcomeMeasuresModule", "outcomeMeasures"), 1):
        for table, row in outcome_rows(outcome, place, groups, remarks):
            rows[table].append(base | row)
        rows["contrasts"] += [base | row for row in contrast_rows(outcome, place, groups, remarks)]
    safety, flow = section(results, "adverseEventsModule"), section(results, "participantFlowModule")
    rows["events"] += [base | row for row in safety_rows(safety, groups)]
    rows["events"] += [base | row for row in flow_rows(flow, groups, remarks)]
    rows["arms"] = list(_arms(nct, groups, protocol, flow, rows))
    return Candidates(f"ClinicalTrials.gov record {nct}", rows, remarks)


def _record(path: Path) -> Entry:
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


def section(record: Entry, *keys: str) -> dict[str, Any]:
    """The dict at a path of keys in a record, {} where there is none.

    >>> section({"a": {"b": {"c": 1}}}, "a", "b"), section({"a": [1]}, "a")
    ({'c': 1}, {})
    """
    part: Any = record
    for key in keys:
        part = part.get(key) if isinstance(part, dict) else None
    return part if isinstance(part, dict) else {}


def entries(record: Entry, *keys: str) -> list[dict[str, Any]]:
    """The dicts of the list at a path of keys; whatever else stands there is passed over.

    >>> entries({"a": [{"b": 1}, 2]}, "a"), entries({}, "a")
    ([{'b': 1}], [])
    """
    *path, last = keys
    listed = (section(record, *path) if path else record).get(last)
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def text(record: Entry, key: str) -> str:
    """A text of a record on one line, "" where it is absent.

    >>> text({"a": " two\\nlines "}, "a"), text({}, "a")
    ('two lines', '')
    """
    return " ".join(str(record.get(key) or "").split())


def _folded(title: str) -> str:
    return " ".join(title.casefold().split())


def _study(protocol: Entry, base: Row) -> Row:
    locations = entries(protocol, "contactsLocationsModule", "locations")
    countries = sorted({str(place["country"]) for place in locations if place.get("country")})
    references = entries(protocol, "referencesModule", "references")
    result = next((entry for entry in references if entry.get("type") == "RESULT"), {})
    sponsor = section(protocol, "sponsorCollaboratorsModule", "leadSponsor").get("name", "")
    posted = str(section(protocol, "statusModule", "resultsFirstPostDateStruct").get("date") or "")
    names, design = section(protocol, "identificationModule"), section(protocol, "designModule")
    model, purpose = (
        section(design, "designInfo").get(key) for key in ("interventionModel", "primaryPurpose")
    )
    title = str(names.get("officialTitle") or names.get("briefTitle") or "")
    pmid = str(result.get("pmid") or "")
    conditions = section(protocol, "conditionsModule").get("conditions") or []
    return {
        "study_id": base["study_id"],
        "first_author": plain(str(sponsor), 200),
        "year": posted[:4] if posted[:4].isdigit() else "",
        "country": plain(", ".join(countries), 200),
        "pmid": pmid if pmid.isdigit() else "",
        "registration": base["study_id"],
        "population": plain(", ".join(map(str, conditions))),
        "design": DESIGNS.get(str(model), ""),
        "n_randomised": count(str(section(design, "enrollmentInfo").get("count") or "")),
        "setting_note": plain(f"{title}; year = results first posted; author = lead sponsor"),
        "purpose": PURPOSES.get(str(purpose), ""),
        "source_type": "registry",
        "source_url": base["source_url"],
    }


def _groups(results: Entry) -> dict[str, Group]:
    """Every result group by its title. Groups of different modules with one title are one arm."""
    listed = entries(results, "participantFlowModule", "groups")
    listed += entries(results, "adverseEventsModule", "eventGroups")
    for outcome in entries(results, "outcomeMeasuresModule", "outcomeMeasures"):
        listed += entries(outcome, "groups")
    arms: dict[str, str] = {}
    groups: dict[str, Group] = {}
    for title in map(title_of, listed):
        key = _folded(title)
        if key not in arms:
            stem = word(title, 40) or "group"
            options = [stem, *(f"{stem}_{number}" for number in range(2, len(arms) + 3))]
            arms[key] = next(option for option in options if option not in arms.values())
        groups[title] = Group(arms[key], title)
    return groups


def title_of(group: Entry) -> str:
    """A group's title, or its id where it has none.

    >>> title_of({"id": "OG000"})
    'OG000'
    """
    return text(group, "title") or text(group, "id")


def arms_of(record: Entry, key: str, groups: Mapping[str, Group]) -> dict[str, Group]:
    """The arm of each group id of one module or outcome; ids are reused between outcomes, titles are not.

    >>> group = Group("acu", "Acupuncture")
    >>> arms_of({"groups": [{"id": "OG000", "title": "Acupuncture"}]}, "groups", {"Acupuncture": group})
    {'OG000': Group(arm='acu', title='Acupuncture')}
    """
    return {text(group, "id"): groups[title_of(group)] for group in entries(record, key)}


def _arms(
    nct: str, groups: Mapping[str, Group], protocol: Entry, flow: Entry, rows: Mapping[str, Sequence[Row]]
) -> Iterator[Row]:
    """The arms that occur in rows, those of the participant flow first."""
    listed = entries(protocol, "armsInterventionsModule", "armGroups")
    planned = {word(str(arm.get("label") or "")): arm for arm in listed}
    started = _started(flow)
    cells = (row.get(name) for table in rows.values() for row in table for name in ("arm", "arm_1", "arm_2"))
    used = {arm for arm in cells if arm is not None}
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
            "n_randomised": started.get(group.key, ""),
        }


def _started(flow: Entry) -> dict[str, str]:
    """How many people each group of the first period began with, by the group's key."""
    titles = {str(group.get("id")): str(group.get("title") or "") for group in entries(flow, "groups")}
    periods = entries(flow, "periods")
    started = {}
    for milestone in entries(periods[0], "milestones") if periods else []:
        if milestone.get("type") == "STARTED":
            for entry in entries(milestone, "achievements"):
                people = count(str(entry.get("numSubjects") or ""))
                title = titles.get(str(entry.get("groupId")), "")
                started[_folded(title)] = "" if people == "0" else people
    return started


def kind_of(outcome: Entry) -> str:
    """The parameter type in capitals; older downloads write it in words.

    >>> kind_of({"paramType": "Least Squares Mean"})
    'LEAST_SQUARES_MEAN'
    """
    return text(outcome, "paramType").upper().replace(" ", "_")


def outcome_rows(
    outcome: Entry, place: int, groups: Mapping[str, Group], remarks: list[str]
) -> Iterator[tuple[str, Row]]:
    """(table, row) for every measurement of one outcome measure that the tables can hold.

    >>> remarks = []
    >>> list(outcome_rows({"title": "X", "paramType": "GEOMETRIC_MEAN"}, 3, {}, remarks)), remarks
    ([], ['Outcome measure 3 (X): geometric mean in no unit fits no table, not imported.'])
    """
    kind, title = kind_of(outcome), text(outcome, "title")
    if kind == COUNT:
        table = "events"
    elif kind in CENTRES:
        table = "continuous"
    elif kind == "NUMBER" and text(outcome, "unitOfMeasure").casefold() in ("participants", "patients"):
        table = "events"
    else:
        shown = (
            f"{kind.lower().replace('_', ' ') or 'unnamed'} in {text(outcome, 'unitOfMeasure') or 'no unit'}"
        )
        remarks.append(f"Outcome measure {place} ({title}): {shown} fits no table, not imported.")
        return
    arms = arms_of(outcome, "groups", groups)
    for level, measurements in _cells(outcome):
        for measurement in measurements:
            group = arms.get(text(measurement, "groupId"))
            n = level["n"].get(text(measurement, "groupId"), "")
            if group is None:
                continue
            base = _base(outcome, place, level, measurement, group)
            if table == "continuous":
                row = _mean(outcome, level, measurement, n)
            else:
                row = _count(outcome, level, measurement, n)
            if row:
                yield table, base | row
            else:
                remarks.append(f"Outcome measure {place} ({title}), {group.title}: no usable number.")


def _cells(outcome: Entry) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each category's measurements with its class and category titles and the n that apply to it."""
    overall = _denominators(outcome)
    for part in entries(outcome, "classes"):
        n = overall | _denominators(part)
        categories = entries(part, "categories")
        for category in categories:
            titles = [text(part, "title"), text(category, "title")]
            level = {"item": " ".join(title for title in titles if title), "n": n, "class": titles[0]}
            yield level, entries(category, "measurements")


def _denominators(record: Entry) -> dict[str, str]:
    return {
        text(each, "groupId"): count(text(each, "value"))
        for denominator in entries(record, "denoms")
        if text(denominator, "units").casefold() in ("participants", "")
        for each in entries(denominator, "counts")
    }


def _base(outcome: Entry, place: int, level: Entry, measurement: Entry, group: Group) -> Row:
    frame = text(outcome, "timeFrame")
    weeks = weeks_in(level["class"]) or weeks_in(frame)
    population = text(outcome, "populationDescription")
    notes = [f"time frame: {frame}", text(outcome, "description"), text(measurement, "comment"), population]
    kind = text(outcome, "type").lower()
    return {
        "arm": group.arm,
        "weeks": weeks,
        "locator": plain(f"posted results, outcome measure {place} ({kind}): {text(outcome, 'title')}"),
        "note": plain("; ".join(note for note in notes if note)),
    }


def _mean(outcome: Entry, level: Entry, measurement: Entry, n: str) -> Row | None:
    centre = number(text(measurement, "value"))
    if not centre:
        return None
    spread = SPREADS.get(text(outcome, "dispersionType").casefold().replace("_", " "), "")
    value, low, high = (number(text(measurement, key)) for key in ("spread", "lowerLimit", "upperLimit"))
    bounds = (value, "") if spread in ("sd", "se") else (low, high)
    complete = bool(bounds[0]) and (spread in ("sd", "se") or bool(bounds[1]))
    words = f"{text(outcome, 'title')} {text(outcome, 'description')}".casefold()
    return {
        **_outcome(outcome),
        "item": plain(level["item"], 200),
        "measure": "change" if "change from baseline" in words or "change in" in words else "final",
        "n": "" if n == "0" else n,
        "centre_type": CENTRES[kind_of(outcome)],
        "centre": centre,
        "spread_type": spread if spread and complete else "none",
        "spread_low": bounds[0] if spread and complete else "",
        "spread_high": bounds[1] if spread and complete else "",
    }


def _outcome(outcome: Entry) -> Row:
    named = text(outcome, "unitOfMeasure").casefold()
    return {
        "instrument": instrument_code(text(outcome, "title")) or "OUTCOME",
        "unit": next((unit for unit, names in UNITS.items() if named in names), ""),
    }


def _count(outcome: Entry, level: Entry, measurement: Entry, n: str) -> Row | None:
    events = count(text(measurement, "value"))
    if not events or n in ("", "0") or float(events) > float(n):
        return None
    words = " ".join(part for part in (text(outcome, "title"), level["item"]) if part)
    return {"outcome": word(words, 100) or "outcome", "definition": plain(words), "events": events, "n": n}


def contrast_rows(
    outcome: Entry, place: int, groups: Mapping[str, Group], remarks: list[str]
) -> Iterator[Row]:
    """A row for every posted comparison of two groups that has an estimate.

    >>> list(contrast_rows({"title": "X"}, 3, {}, []))
    []
    """
    arms = arms_of(outcome, "groups", groups)
    for analysis in entries(outcome, "analyses"):
        ids = analysis.get("groupIds")
        pair = [arms[each] for each in ids if each in arms] if isinstance(ids, list) else []
        estimate = number(text(analysis, "paramValue"))
        if len({group.arm for group in pair}) != 2 or len(pair) != 2 or not estimate:
            remarks.append(
                f"Outcome measure {place}: an analysis without estimate or not of two groups, left out."
            )
            continue
        yield _contrast(outcome, place, analysis, (pair[0], pair[1]), estimate)


def _contrast(outcome: Entry, place: int, analysis: Entry, pair: tuple[Group, Group], estimate: str) -> Row:
    named = text(analysis, "paramType").casefold()
    measure = next((code for phrase, code in MEASURES.items() if phrase in named), "effect_unspecified")
    low, high = (number(text(analysis, key)) for key in ("ciLowerLimit", "ciUpperLimit"))
    two_sided = "ONE" not in text(analysis, "ciNumSides").upper() and "1" not in text(analysis, "ciNumSides")
    interval = bool(low and high) and number(text(analysis, "ciPctValue")) in ("95", "95.0") and two_sided
    se = (
        number(text(analysis, "dispersionValue"))
        if "error" in text(analysis, "dispersionType").casefold()
        else ""
    )
    se = "" if measure in RATIO_CONTRASTS else se  # the scale of a ratio's standard error is not said
    spread = ("ci95", low, high) if interval else ("se", se, "") if se else ("none", "", "")
    p_value = re.sub(r"^\s*=\s*", "", text(analysis, "pValue")).replace("< ", "<")
    frame = text(outcome, "timeFrame")
    notes = ["direction as the registry lists the groups, to be checked", f"time frame: {frame}"]
    notes += [
        text(analysis, key)
        for key in ("paramType", "statisticalMethod", "groupDescription", "estimateComment")
    ]
    return {
        **_outcome(outcome),
        "arm_1": pair[0].arm,
        "arm_2": pair[1].arm,
        "weeks": weeks_in(frame),
        "measure": measure,
        "estimate": estimate,
        "spread_type": spread[0],
        "spread_low": spread[1],
        "spread_high": spread[2],
        "p_value": p_value if re.fullmatch(FORMS["p_value"].pattern, p_value) else "",
        "locator": plain(f"posted results, outcome measure {place}, analysis: {text(outcome, 'title')}"),
        "note": plain("; ".join(note for note in notes if note)),
    }


def safety_rows(module: Entry, groups: Mapping[str, Group]) -> Iterator[Row]:
    """People with any serious event, any other event, deaths, and each single event that is not serious.

    Single serious events stay out: the codebook counts people with any serious event, and deaths.

    >>> group = {"id": "EG000", "title": "Acu", "seriousNumAffected": 1, "seriousNumAtRisk": 30}
    >>> (row,) = safety_rows({"eventGroups": [group]}, {"Acu": Group("acu", "Acu")})
    >>> row["domain"], row["outcome"], row["events"], row["n"]
    ('serious_adverse_event', 'any', '1', '30')
    """
    arms = arms_of(module, "eventGroups", groups)
    frame = text(module, "timeFrame")
    above = f"other than serious, above the reporting threshold of {text(module, 'frequencyThreshold')} %"
    for group in entries(module, "eventGroups"):
        arm = arms[text(group, "id")]
        for domain, name, kind in SAFETY_TOTALS:
            for row in _event(
                arm, domain, name, group.get(f"{kind}NumAffected"), group.get(f"{kind}NumAtRisk"), frame
            ):
                yield row | ({"definition": above} if kind == "other" else {})
    for event in entries(module, "otherEvents"):
        for stat in entries(event, "stats"):
            counts = stat.get("numAffected"), stat.get("numAtRisk")
            if text(stat, "groupId") in arms:
                yield from _event(
                    arms[text(stat, "groupId")], "adverse_event", text(event, "term"), *counts, frame
                )


def _event(arm: Group, domain: str, name: str, events: Any, n: Any, frame: str) -> Iterator[Row]:
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
                for row in _event(arms[key], "withdrawal", name, events, started.get(key), ""):
                    yield row | {"locator": "posted results, participant flow"}


def _subjects(move: Entry, key: str) -> dict[str, str]:
    return {text(entry, "groupId"): text(entry, "numSubjects") for entry in entries(move, key)}
