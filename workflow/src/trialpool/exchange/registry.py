"""A ClinicalTrials.gov record with posted results (API v2 JSON) in, candidate rows of the codebook out.

The registry reports by group, class and category: each measurement becomes one row, its class and category
the item. What the registry leaves open (which domain, which direction is better) stays empty.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from trialpool.contracts import FORMS, INTERVALS, LARGEST, RATIO_CONTRASTS
from trialpool.errors import Fault, InputError
from trialpool.exchange.candidates import (
    Candidates,
    Codes,
    Row,
    count,
    instrument_code,
    number,
    plain,
    weeks_in,
    word,
)
from trialpool.vocabulary import general

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
PEOPLE = ("participants", "")
CENTRES = {"MEAN": "mean", "MEDIAN": "median", "LEAST_SQUARES_MEAN": "lsmean"}
SPREADS = {
    "standard deviation": "sd",
    **dict.fromkeys(("standard error", "standard error of the mean"), "se"),
    **dict.fromkeys(("inter-quartile range", "inter quartile range", "interquartile range"), "iqr"),
    "full range": "range",
}
MEASURES = {  # the first pattern in the registry's name of the parameter decides
    **{"odds ratio": "odds_ratio", "hazard ratio": "hazard_ratio", "risk ratio": "risk_ratio"},
    **{"relative risk": "risk_ratio", "rate ratio": "rate_ratio", "risk difference": "risk_difference"},
    r"\bratio\b.*\bmeans?\b|\bmeans?\b.*\bratio\b": "ratio_of_means",
    "standardi[sz]ed mean difference": "smd",
    "mean difference|difference in mean|ls mean": "mean_difference",
}
LOGARITHM = r"\b(?:log|ln|logarithms?|log-transformed)\b"
CHANGE = r"\bchanges?\b(?:\W+\w+){0,8}?\W+from\W+(?:\w+\W+){0,2}?baseline\b|\bchanges?\s+in\b"
LARGEST_LOG = math.log(LARGEST)
TOTALS = ("serious", "deaths", "other")  # of adverse events, by the registry's words


@dataclass(frozen=True, slots=True)
class _Results:
    """The posted results of one record: the arm of every result group by its folded title, and remarks."""

    record: Entry
    arms: Mapping[str, str]
    remarks: list[str] = field(default_factory=list)
    instrument: Codes = field(default_factory=lambda: Codes(60, "outcome"))
    event: Codes = field(default_factory=lambda: Codes(100, "event"))

    def outcome(self, outcome: Entry) -> Row:
        """The instrument and unit of an outcome measure."""
        unit = general().unit_named(text(outcome, "unitOfMeasure"))
        return {"instrument": instrument_code(self.instrument(text(outcome, "title"))), "unit": unit}

    def arms_of(self, record: Entry, key: str = "groups") -> dict[str, str]:
        """The arm of each group id of one module or outcome: ids are reused between these, titles not."""
        return {text(group, "id"): self.arms[_folded(group)] for group in entries(record, key)}


def import_registry(path: str | Path) -> Candidates:
    """Candidate rows of one study record, or of the first study of a search answer.

    Raises InputError where the file is no such record, or where the record has no posted results.

    >>> import_registry("record.json")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'record.json'
    """
    record = _record(Path(path))
    protocol, posted = section(record, "protocolSection"), section(record, "resultsSection")
    nct = text(section(protocol, "identificationModule"), "nctId")
    if not re.fullmatch(r"NCT\d{8}", nct):
        _refuse(path, "not an NCT number", "use the API v2 record", None, "nctId", nct or "nothing")
    if not posted:
        remedy = "look for a publication of the trial"
        _refuse(path, f"{nct} has no posted results", remedy, None, "resultsSection")
    results = _Results(posted, _arm_ids(posted))
    base = {"study_id": nct, "source_url": f"https://clinicaltrials.gov/study/{nct}", "reading": "single"}
    rows: dict[str, list[Row]] = {"continuous": [], "events": [], "contrasts": []}
    for place, outcome in enumerate(entries(posted, "outcomeMeasuresModule", "outcomeMeasures"), 1):
        for table, row in outcome_rows(outcome, place, results):
            rows[table].append(base | row)
        rows["contrasts"] += [base | row for row in contrast_rows(outcome, place, results)]
    rows["events"] += [base | row for row in (*safety_rows(results), *flow_rows(results))]
    rows["arms"] = list(_arms(nct, results, protocol, rows))
    study = {name: cell for name, cell in base.items() if name != "reading"}
    rows["studies"] = [study | _study(protocol, nct)]
    return Candidates(f"ClinicalTrials.gov record {nct}", rows, results.remarks)


# The record


def _record(path: Path) -> Entry:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        _refuse(path, "the file is not UTF-8", "download it anew")
    except (json.JSONDecodeError, RecursionError) as error:
        _refuse(path, "the file is not valid JSON", "download it anew", getattr(error, "lineno", None))
    if isinstance(data, dict) and isinstance(data.get("studies"), list) and data["studies"]:
        data = data["studies"][0]
    if not isinstance(data, dict) or "protocolSection" not in data:
        remedy = "download https://clinicaltrials.gov/api/v2/studies/NCT… as JSON"
        _refuse(path, "the file is no API v2 study record", remedy, None, "protocolSection")
    record: Entry = data
    return record


def _refuse(
    path: str | Path, problem: str, remedy: str, line: int | None = None, column: str = "", value: str = ""
) -> NoReturn:
    raise InputError([Fault(str(path), line, column, value, problem, remedy)]) from None


def section(record: Entry, *keys: str) -> Entry:
    """The dict at a path of keys in a record, {} where there is none.

    >>> section({"a": {"b": {"c": 1}}}, "a", "b"), section({"a": [1]}, "a")
    ({'c': 1}, {})
    """
    part: object = record
    for key in keys:
        part = part.get(key) if isinstance(part, dict) else None
    return part if isinstance(part, dict) else {}


def entries(record: Entry, *keys: str) -> list[Entry]:
    """The dicts of the list at a path of keys; whatever else stands there is passed over.

    >>> entries({"a": [{"b": 1}, 2]}, "a"), entries({}, "a")
    ([{'b': 1}], [])
    """
    listed = section(record, *keys[:-1]).get(keys[-1]) if keys[:-1] else record.get(keys[-1])
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def text(record: Entry, key: str) -> str:
    """A text or number of a record on one line, "" where it is absent.

    >>> text({"a": " two\\nlines "}, "a"), text({"a": 0}, "a"), text({}, "a")
    ('two lines', '0', '')
    """
    value = record.get(key)
    return "" if value is None else " ".join(str(value).split())


def _title(group: Entry) -> str:
    """A group's title, or its id where it has none."""
    return text(group, "title") or text(group, "id")


def _folded(group: Entry) -> str:
    return _title(group).casefold()


def _joined(*parts: str) -> str:
    return plain("; ".join(filter(None, parts)))


# The trial and its arms


def _study(protocol: Entry, nct: str) -> Row:
    locations = entries(protocol, "contactsLocationsModule", "locations")
    references = entries(protocol, "referencesModule", "references")
    result = next((entry for entry in references if entry.get("type") == "RESULT"), {})
    posted = text(section(protocol, "statusModule", "resultsFirstPostDateStruct"), "date")
    names, design = section(protocol, "identificationModule"), section(protocol, "designModule")
    model = section(design, "designInfo")
    title, pmid = text(names, "officialTitle") or text(names, "briefTitle"), text(result, "pmid")
    conditions = section(protocol, "conditionsModule").get("conditions")
    return {
        "first_author": plain(
            text(section(protocol, "sponsorCollaboratorsModule", "leadSponsor"), "name"), 200
        ),
        "year": posted[:4] if posted[:4].isdigit() else "",
        "country": plain(", ".join(sorted({text(place, "country") for place in locations} - {""})), 200),
        "pmid": pmid if pmid.isdigit() else "",
        "registration": nct,
        "population": plain(", ".join(map(str, conditions)) if isinstance(conditions, list) else ""),
        "design": DESIGNS.get(text(model, "interventionModel"), ""),
        "n_randomised": count(text(section(design, "enrollmentInfo"), "count")),
        "setting_note": plain(f"{title}; year = results first posted; author = lead sponsor"),
        "purpose": PURPOSES.get(text(model, "primaryPurpose"), ""),
        "source_type": "registry",
    }


def _groups(results: Entry) -> list[Entry]:
    """Every result group; those of different modules with one title are one arm."""
    outcomes = entries(results, "outcomeMeasuresModule", "outcomeMeasures")
    return [
        *entries(results, "participantFlowModule", "groups"),
        *entries(results, "adverseEventsModule", "eventGroups"),
        *(group for outcome in outcomes for group in entries(outcome, "groups")),
    ]


def _arm_ids(results: Entry) -> dict[str, str]:
    """An arm id for every different title."""
    code = Codes(40, "group")
    return {_folded(group): code(_title(group)) for group in _groups(results)}


def _arms(nct: str, results: _Results, protocol: Entry, rows: Mapping[str, Sequence[Row]]) -> Iterator[Row]:
    """The arms that occur in rows, those of the participant flow first."""
    listed = entries(protocol, "armsInterventionsModule", "armGroups")
    planned = {word(text(arm, "label")): text(arm, "type") for arm in listed}
    started = _started(section(results.record, "participantFlowModule"))
    cells = {row.get(name) for table in rows.values() for row in table for name in ("arm", "arm_1", "arm_2")}
    titles = {_folded(group): _title(group) for group in reversed(_groups(results.record))}
    for key, arm in results.arms.items():
        if arm in cells:
            kind = planned.get(word(titles[key]), "")
            yield {
                "study_id": nct,
                "arm": arm,
                "role": ROLES.get(kind, ""),
                "category": CATEGORIES.get(kind) or general().control_in(titles[key]),
                "label": plain(titles[key], 200),
                "n_randomised": started.get(key, ""),
            }


def _started(flow: Entry) -> dict[str, str]:
    """How many people each group of the first period began with, by the group's folded title."""
    titles = {text(group, "id"): _folded(group) for group in entries(flow, "groups")}
    started = {}
    for milestone in [
        move for period in entries(flow, "periods")[:1] for move in entries(period, "milestones")
    ]:
        if milestone.get("type") == "STARTED":
            for group, subjects in _subjects(milestone, "achievements").items():
                people = count(subjects)
                started[titles.get(group, "")] = "" if people == "0" else people
    return started


def _subjects(move: Entry, key: str) -> dict[str, str]:
    return {text(entry, "groupId"): text(entry, "numSubjects") for entry in entries(move, key)}


# Outcome measures


def outcome_rows(outcome: Entry, place: int, results: _Results) -> Iterator[tuple[str, Row]]:
    """(table, row) for every measurement of one outcome measure that the tables can hold.

    >>> results = _Results({}, {})
    >>> list(outcome_rows({"title": "X", "paramType": "GEOMETRIC_MEAN"}, 3, results)), results.remarks
    ([], ['Outcome measure 3 (X): geometric mean in no unit fits no table, not imported.'])
    """
    kind, title, unit = _kind(outcome), text(outcome, "title"), text(outcome, "unitOfMeasure")
    people = kind == "NUMBER" and unit.casefold() in ("participants", "patients")
    if not (people or kind == "COUNT_OF_PARTICIPANTS" or kind in CENTRES):
        shown = f"{kind.lower().replace('_', ' ') or 'unnamed'} in {unit or 'no unit'}"
        results.remarks.append(f"Outcome measure {place} ({title}): {shown} fits no table, not imported.")
        return
    table, cells_of = ("continuous", _mean) if kind in CENTRES else ("events", _count)
    results.remarks.extend(f"Outcome measure {place} ({title}): {loss}." for loss in _losses(outcome, kind))
    arms = results.arms_of(outcome)
    titles = {text(group, "id"): _title(group) for group in entries(outcome, "groups")}
    for level, measurement in _measurements(outcome):
        group = text(measurement, "groupId")
        if group not in arms:
            continue
        if cells := cells_of(outcome, level, measurement, level.n.get(group, ""), results):
            yield table, {"arm": arms[group], **_base(outcome, place, level, measurement), **cells}
        else:
            remark = f"Outcome measure {place} ({title}), {titles[group]}: no usable number."
            results.remarks.append(remark)


def _losses(outcome: Entry, kind: str) -> Iterator[str]:
    """What an outcome measure says and no column can hold."""
    dispersion = text(outcome, "dispersionType")
    if kind in CENTRES and dispersion.casefold() not in ("", "na", "n/a") and not _spread_type(dispersion):
        yield f"the spread is given as {dispersion}, not imported"
    counted = [denominator for record in (outcome, *entries(outcome, "classes"))
               for denominator in entries(record, "denoms")]  # fmt: skip
    units = {text(each, "units") for each in counted if text(each, "units").casefold() not in PEOPLE}
    for unit in sorted(units):
        yield f"it is analysed by {unit}, several of one person; n counts people"


def _spread_type(dispersion: str) -> str:
    """The codebook's word for a kind of dispersion, "" if it has none."""
    folded = dispersion.casefold().replace("_", " ")
    level = re.search(r"\d+(?:\.\d+)?", folded) if "confidence" in folded else None
    return _interval(level[0]) if level else SPREADS.get(folded, "")


def _interval(level: str) -> str:
    """The spread type of a confidence interval of a level in per cent, "" if the codebook has none."""
    code = f"ci{float(level):g}" if number(level) else ""
    return code if code in INTERVALS else ""


def _kind(outcome: Entry) -> str:
    """The parameter type in capitals; older downloads write it in words."""
    return text(outcome, "paramType").upper().replace(" ", "_")


@dataclass(frozen=True, slots=True)
class _Level:
    """A class and category of an outcome measure, with the number of people by group id."""

    row: str
    item: str
    n: Mapping[str, str]


def _measurements(outcome: Entry) -> Iterator[tuple[_Level, Entry]]:
    for part in entries(outcome, "classes"):
        n = _denominators(outcome) | _denominators(part)
        for category in entries(part, "categories"):
            titles = text(part, "title"), text(category, "title")
            level = _Level(titles[0], " ".join(filter(None, titles)), n)
            yield from ((level, measurement) for measurement in entries(category, "measurements"))


def _denominators(record: Entry) -> dict[str, str]:
    return {
        text(each, "groupId"): count(text(each, "value"))
        for denominator in entries(record, "denoms")
        if text(denominator, "units").casefold() in PEOPLE
        for each in entries(denominator, "counts")
    }


def _is_baseline(part: str) -> bool:
    """Whether a class holds values at baseline, and neither changes from it nor a span that begins there."""
    return bool(re.search(r"\bbaseline\b", part, re.I)) and not re.search(
        r"\b(?:change|from|to)\b", part, re.I
    )


def _measure(outcome: Entry, level: _Level) -> str:
    """Final or change: by the class, by the outcome's words, "" where these leave it open.

    In an outcome about changes with a class for the baseline, those for visits may hold either.
    """
    parts = [text(part, "title") for part in entries(outcome, "classes")]
    changes = [bool(re.search(r"\bchange", part, re.I)) for part in parts]
    if re.search(r"\bchange", level.item, re.I):
        return "change"
    titled = re.search(CHANGE, f"{text(outcome, 'title')} {text(outcome, 'description')}", re.I)
    if _is_baseline(level.item) or any(changes) or not titled:
        return "final"
    return "" if any(map(_is_baseline, parts)) else "change"


def _base(outcome: Entry, place: int, level: _Level, measurement: Entry) -> Row:
    frame, kind = text(outcome, "timeFrame"), text(outcome, "type").lower()
    notes = (text(outcome, "description"), text(measurement, "comment"))
    at_baseline = _is_baseline(level.item)
    return {
        "weeks": "0" if at_baseline else weeks_in(level.row) or weeks_in(frame),
        "timepoint": "baseline" if at_baseline else "",
        "locator": plain(f"posted results, outcome measure {place} ({kind}): {text(outcome, 'title')}"),
        "note": _joined(f"time frame: {frame}", *notes, text(outcome, "populationDescription")),
    }


def _mean(outcome: Entry, level: _Level, measurement: Entry, n: str, results: _Results) -> Row | None:
    centre = number(text(measurement, "value"))
    if not centre:
        return None
    spread = _spread_type(text(outcome, "dispersionType")) or "none"
    single = spread in ("sd", "se")
    keys = ("spread",) if single else () if spread == "none" else ("lowerLimit", "upperLimit")
    bounds = [number(text(measurement, key)) for key in keys]
    if not bounds or not all(bounds):
        spread, bounds = "none", []
    return {
        **results.outcome(outcome),
        "item": plain(level.item, 200),
        "measure": _measure(outcome, level),
        "n": "" if n == "0" else n,
        "centre_type": CENTRES[_kind(outcome)],
        "centre": centre,
        "spread_type": spread,
        **dict(zip(("spread_low", "spread_high"), [*bounds, "", ""], strict=False)),
    }


def _count(outcome: Entry, level: _Level, measurement: Entry, n: str, results: _Results) -> Row | None:
    words = " ".join(filter(None, (text(outcome, "title"), level.item)))
    return _event(results.event, words, text(measurement, "value"), n)


def _event(code: Codes, name: str, events: str, n: str) -> Row | None:
    """Count, denominator and name, if both numbers are there."""
    affected, at_risk = count(events), count(n)
    if not affected or at_risk in ("", "0") or float(affected) > float(at_risk):
        return None
    return {
        "outcome": code(name),
        "definition": plain(name),
        "events": affected,
        "n": at_risk,
    }


def contrast_rows(outcome: Entry, place: int, results: _Results) -> Iterator[Row]:
    """A row for every posted comparison of two groups that has an estimate.

    >>> list(contrast_rows({"title": "X"}, 3, _Results({}, {})))
    []
    """
    arms = results.arms_of(outcome)
    for analysis in entries(outcome, "analyses"):
        ids = analysis.get("groupIds")
        pair = [arms[each] for each in map(str, ids) if each in arms] if isinstance(ids, list) else []
        if len(set(pair)) == len(pair) == 2 and number(text(analysis, "paramValue")):
            yield {"arm_1": pair[0], "arm_2": pair[1], **_contrast(outcome, place, analysis, results)}
        else:
            results.remarks.append(
                f"Outcome measure {place}: an analysis without estimate or not of two groups, left out."
            )


def _contrast(outcome: Entry, place: int, analysis: Entry, results: _Results) -> Row:
    p_value = re.sub(r"^\s*=\s*", "", text(analysis, "pValue")).replace("< ", "<")
    keys = ("paramType", "statisticalMethod", "groupDescription", "estimateComment")
    frame = text(outcome, "timeFrame")
    effect = _effect(analysis)
    if text(analysis, "ciLowerLimit") and not effect["spread_type"].startswith("ci"):
        level, sides = text(analysis, "ciPctValue") or "unnamed", text(analysis, "ciNumSides")
        results.remarks.append(
            f"Outcome measure {place}: the interval of an analysis is not imported (level {level}, {sides})."
        )
    return {
        **results.outcome(outcome),
        "weeks": weeks_in(frame),
        **effect,
        "p_value": p_value if re.fullmatch(FORMS["p_value"].pattern, p_value) else "",
        "locator": plain(f"posted results, outcome measure {place}, analysis: {text(outcome, 'title')}"),
        "note": _joined(
            effect.pop("note"),
            "direction as the registry lists the groups, to be checked",
            f"time frame: {frame}",
            *(text(analysis, key) for key in keys),
        ),
    }


def _effect(analysis: Entry) -> Row:
    """Measure, estimate and spread of an analysis; logarithms of ratios are exponentiated, which is noted."""
    name = text(analysis, "paramType").casefold()
    measure = next((code for each, code in MEASURES.items() if re.search(each, name)), "effect_unspecified")
    estimate, spread_type, *bounds = number(text(analysis, "paramValue")), *_spread(analysis, measure)
    row = {"measure": measure, "estimate": estimate, "spread_type": spread_type, "note": ""}
    row |= dict(zip(("spread_low", "spread_high"), bounds, strict=True))
    if re.search(LOGARITHM, name):
        logs = {key: float(row[key]) for key in ("estimate", "spread_low", "spread_high") if row[key]}
        if measure in RATIO_CONTRASTS and max(map(abs, logs.values())) < LARGEST_LOG:
            row |= {key: f"{math.exp(value):.10g}" for key, value in logs.items()}
            row["note"] = "exponentiated: the registry gives logarithms"
        else:
            row["measure"] = "effect_unspecified"
    return row


def _spread(analysis: Entry, measure: str) -> tuple[str, str, str]:
    """The two-sided interval of an analysis, or its standard error (of a ratio the scale is not said)."""
    low, high = (number(text(analysis, key)) for key in ("ciLowerLimit", "ciUpperLimit"))
    sides, interval = text(analysis, "ciNumSides").upper(), _interval(text(analysis, "ciPctValue"))
    if low and high and interval and "ONE" not in sides and "1" not in sides:
        return interval, low, high
    is_se = "error" in text(analysis, "dispersionType").casefold() and measure not in RATIO_CONTRASTS
    se = number(text(analysis, "dispersionValue")) if is_se else ""
    return "se" if se else "none", se, ""


# Harms and withdrawals


def safety_rows(results: _Results) -> Iterator[Row]:
    """People with any serious event, any other event, deaths, and each single event that is not serious.

    Single serious events stay out: the codebook counts people with any serious event, and deaths.

    >>> group = {"id": "EG000", "title": "Acu", "seriousNumAffected": 1, "seriousNumAtRisk": 30}
    >>> record = {"adverseEventsModule": {"eventGroups": [group]}}
    >>> (row,) = safety_rows(_Results(record, {"acu": "acu"}))
    >>> row["domain"], row["outcome"], row["events"], row["n"]
    ('serious_adverse_event', 'any', '1', '30')
    """
    module = section(results.record, "adverseEventsModule")
    arms, frame = results.arms_of(module, "eventGroups"), text(module, "timeFrame")
    base = {"weeks": weeks_in(frame), "locator": "posted results, adverse events"}
    base["note"], place_of = plain(f"time frame: {frame}" if frame else ""), general().registry()
    above = f"other than serious, above the reporting threshold of {text(module, 'frequencyThreshold')} %"
    for group in entries(module, "eventGroups"):
        for kind in TOTALS:
            domain, name = place_of[kind]
            row = _event(
                results.event, name, text(group, f"{kind}NumAffected"), text(group, f"{kind}NumAtRisk")
            )
            if row:
                said = {"definition": above} if kind == "other" else {}
                yield {"arm": arms[text(group, "id")], "domain": domain, **base, **row, **said}
    for event in entries(module, "otherEvents"):
        for stat in entries(event, "stats"):
            row = _event(
                results.event, text(event, "term"), text(stat, "numAffected"), text(stat, "numAtRisk")
            )
            if row and text(stat, "groupId") in arms:
                yield {"arm": arms[text(stat, "groupId")], "domain": place_of["other"][0], **base, **row}


def flow_rows(results: _Results) -> Iterator[Row]:
    """Withdrawals for all causes and for the reasons that the codebook names, if there is one period only.

    >>> results = _Results({"participantFlowModule": {"periods": [{}, {}]}}, {})
    >>> list(flow_rows(results)), results.remarks
    ([], ['The participant flow has several periods: withdrawals not imported.'])
    """
    module = section(results.record, "participantFlowModule")
    periods = entries(module, "periods")
    if len(periods) > 1:
        results.remarks.append("The participant flow has several periods: withdrawals not imported.")
    if len(periods) != 1:
        return
    milestones = entries(periods[0], "milestones")
    moves = {text(move, "type").upper(): _subjects(move, "achievements") for move in milestones}
    lost = {"not completed": moves.get("NOT COMPLETED", {})}
    for reason in entries(periods[0], "dropWithdraws"):
        lost[text(reason, "type").casefold()] = _subjects(reason, "reasons")
    base = {"weeks": "", "locator": "posted results, participant flow", "note": ""}
    arms, started, place_of = results.arms_of(module), moves.get("STARTED", {}), general().registry()
    for domain, name, counts in ((*place_of[kind], lost[kind]) for kind in lost if kind in place_of):
        for key, events in counts.items():
            row = _event(results.event, name, events, started.get(key, ""))
            if row and key in arms:
                yield {"arm": arms[key], "domain": domain, **base, **row}
