"""ClinicalTrials.gov records with posted results (API v2 JSON) in, candidate rows of the codebook out.

The registry reports by group, class and category: each measurement becomes one row, its class and category
the item. What the registry leaves open (which domain, which direction is better) stays empty.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, cast

from trialpool.contracts import FORMS, INTERVALS, LARGEST, RATIO_CONTRASTS
from trialpool.errors import Fault, InputError
from trialpool.exchange import candidates as cell
from trialpool.exchange.candidates import WORDS, Asked, Candidates, Codes, Row, treatment_code
from trialpool.vocabulary import general

Entry = Mapping[str, Any]

REGISTRY: Mapping[str, Mapping[str, str]] = WORDS["registry"]  # its words and ours
CENTRES = REGISTRY["centres"]
PEOPLE = ("participants", "")
LOGARITHM = r"\b(?:log|ln|logarithms?|log-transformed)\b"
CHANGE = r"\bchanges?\b(?:\W+\w+){0,8}?\W+from\W+(?:\w+\W+){0,2}?baseline\b|\bchanges?\s+in\b"
LARGEST_LOG = math.log(LARGEST)
TOTALS = ("serious", "deaths", "other")  # of adverse events, by the registry's words


@dataclass(frozen=True, slots=True)
class _Results:
    """The posted results of one record, the codes of its groups, outcomes and events, and remarks."""

    record: Entry
    remarks: list[str] = field(default_factory=list)
    arm: Codes = field(default_factory=lambda: Codes(40, "group"))  # of groups with one title, one arm
    instrument: Codes = field(default_factory=lambda: Codes(60, "outcome"))
    event: Codes = field(default_factory=lambda: Codes(100, "event"))

    def events(self, group: str | None, name: str, events: str, n: str) -> Row | None:
        """The count of an event in the group of this title, if the group and both numbers are there."""
        affected, at_risk = cell.count(events), cell.people(n)
        if not group or not affected or not at_risk or float(affected) > float(at_risk):
            return None
        row = {"arm": self.arm(group), "outcome": self.event(name), "definition": cell.plain(name)}
        return row | {"events": affected, "n": at_risk}


@dataclass(frozen=True, slots=True)
class _Outcome:
    """An outcome measure and its place among those of the results."""

    record: Entry
    place: int
    results: _Results

    @property
    def title(self) -> str:
        return text(self.record, "title")

    @property
    def kind(self) -> str:
        """Its parameter type in capitals; older downloads write it in words."""
        return text(self.record, "paramType").upper().replace(" ", "_")

    def remark(self, words: str) -> None:
        self.results.remarks.append(f"Outcome measure {self.place}{words}.")

    def names(self) -> Row:
        unit = general().unit_named(text(self.record, "unitOfMeasure"))
        return {"instrument": cell.instrument_code(self.results.instrument(self.title)), "unit": unit}


@dataclass(frozen=True, slots=True)
class _Measurement:
    """A number of a group: the class it stands in, class and category as one, the number of people."""

    record: Entry
    group: str
    part: str
    item: str
    n: str


def import_registry(*paths: str | Path) -> Candidates:
    """Candidate rows of study records: of files, of folders of them, of every study of a search answer.

    A record without posted results is named where others have some. Raises InputError for a file that is no
    such record, and where no record has results, with every fault.
    """
    faults: list[Fault] = []
    records: dict[str, Entry] = {}
    remarks, codes = [], (Codes(60, "outcome"), Codes(100, "event"))
    for path in _record_files(paths, faults):
        try:
            for record in _records(path):
                nct = _nct(record, path)
                if nct in records:
                    remarks.append(f"{nct} stands in several files: the first is taken.")
                records.setdefault(nct, record)
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    posted = {nct: record for nct, record in records.items() if section(record, "resultsSection")}
    silent = [nct for nct in records if nct not in posted]
    if not posted:
        remedy = "look for a publication of the trial"
        where = ", ".join(silent)
        _refuse(paths[0], f"{where} has no posted results", remedy, None, "resultsSection")
    remarks += [f"{nct} has no posted results: left out." for nct in silent]
    found = [_of_record(nct, record, codes) for nct, record in posted.items()]
    if len(found) == 1:
        return replace(found[0], remarks=[*remarks, *found[0].remarks])
    return _together(found, remarks)


def _record_files(paths: Sequence[str | Path], faults: list[Fault]) -> Iterator[Path]:
    for path in map(Path, paths):
        files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
        if not files:
            remedy = "name a folder of records, saved as NCT….json"
            faults.append(Fault(str(path), None, "", "", "the folder holds no .json file", remedy))
        yield from files


def _nct(record: Entry, path: Path) -> str:
    nct = text(section(record, "protocolSection"), "identificationModule", "nctId")
    if not re.fullmatch(r"NCT\d{8}", nct):
        _refuse(path, "not an NCT number", "use the API v2 record", None, "nctId", nct or "nothing")
    return nct


def _of_record(nct: str, record: Entry, codes: tuple[Codes, Codes]) -> Candidates:
    protocol = section(record, "protocolSection")
    results = _Results(section(record, "resultsSection"), instrument=codes[0], event=codes[1])
    for group in _groups(results.record):
        results.arm(_title(group))
    base = {"study_id": nct, "source_url": f"https://clinicaltrials.gov/study/{nct}"}
    rows: dict[str, list[Row]] = {"continuous": [], "events": [], "contrasts": []}
    for table, row in _rows(results):
        rows[table].append(base | {"reading": "single"} | row)
    rows["arms"] = list(_arms(nct, results, protocol, rows))
    rows["studies"] = [base | _study(protocol, nct)]
    asked = _asked(results, protocol, rows)
    return Candidates(f"ClinicalTrials.gov record {nct}", rows, results.remarks, asked=asked)


def _together(found: Sequence[Candidates], remarks: Sequence[str]) -> Candidates:
    """The rows of several records as those of one source."""
    rows: dict[str, list[Row]] = defaultdict(list)
    own: dict[str, list[Row]] = defaultdict(list)
    names: dict[str, str] = {}
    said = [*remarks]
    for each in found:
        said += [f"{each.source.rpartition(' ')[2]}: {remark}" for remark in each.remarks]
        for name, some in each.rows.items():
            rows[name] += some
        if each.asked:
            names = {**each.asked.names, **names}
            for name, some in each.asked.rows.items():
                own[name] += some
    source = f"{len(found)} ClinicalTrials.gov records"
    return Candidates(source, rows, said, asked=Asked(rows=own, names=names, head={"title": source}))


def _asked(results: _Results, protocol: Entry, rows: Mapping[str, Sequence[Row]]) -> Asked:
    """The outcome measures of a record as questions, each a domain of its own.

    An arm whose label names a control is one, whatever role is posted; else that with the posted role; else
    the last.
    """
    conditions = section(protocol, "conditionsModule").get("conditions")
    first = str(conditions[0]) if isinstance(conditions, list) and conditions else "the condition"
    condition = cell.instrument_code(first) or "CONDITION"
    measured = entries(results.record, "outcomeMeasuresModule", "outcomeMeasures")
    named = [text(each, "title") for each in measured]
    titles = {cell.instrument_code(results.instrument(title)): title for title in named}
    titles |= {row["outcome"]: row["definition"] for row in rows["events"]}
    own: dict[str, list[Row]] = {name: list(map(dict, some)) for name, some in rows.items()}
    for name, column in (("continuous", "instrument"), ("contrasts", "instrument"), ("events", "outcome")):
        for row in own[name]:
            row["?domain"] = row[column].lower()
    for arm in own["arms"]:
        code = treatment_code(arm["label"])
        known = "control" if code in general().controls else arm["role"]
        arm |= {"role": known, "?role": "experimental", "?category": code}
    if own["arms"] and all(arm["role"] != "control" for arm in own["arms"]):
        own["arms"][-1]["role"] = "control"
    for study in own["studies"]:
        study |= {"?condition": condition}
    names = {condition: first, **titles, **{code.lower(): title for code, title in titles.items()}}
    brief = text(protocol, "identificationModule", "briefTitle")
    return Asked(rows=own, names=names, head={"title": brief} if brief else {})


# The record


def _records(path: Path) -> list[Entry]:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        _refuse(path, "the file is not UTF-8", "download it anew")
    except (json.JSONDecodeError, RecursionError) as error:
        _refuse(path, "the file is not valid JSON", "download it anew", getattr(error, "lineno", None))
    several = data.get("studies") if isinstance(data, dict) else data
    records = several if isinstance(several, list) and several else [data]
    if not all(isinstance(each, dict) and "protocolSection" in each for each in records):
        remedy = "download https://clinicaltrials.gov/api/v2/studies/NCT… as JSON"
        _refuse(path, "the file is no API v2 study record", remedy, None, "protocolSection")
    return cast(list[Entry], records)


def _refuse(
    path: str | Path, problem: str, remedy: str, line: int | None = None, column: str = "", value: str = ""
) -> NoReturn:
    raise InputError([Fault(str(path), line, column, value, problem, remedy)]) from None


def _part(record: Entry, keys: Sequence[str]) -> object:
    part: object = record
    for key in keys:
        part = part.get(key) if isinstance(part, dict) else None
    return part


def section(record: Entry, *keys: str) -> Entry:
    """The dict at a path of keys in a record, {} where there is none."""
    part = _part(record, keys)
    return part if isinstance(part, dict) else {}


def entries(record: Entry, *keys: str) -> list[Entry]:
    """The dicts of the list at a path of keys; whatever else stands there is passed over."""
    listed = _part(record, keys)
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def text(record: Entry, *keys: str) -> str:
    """The text or number at a path of keys on one line, "" where there is none."""
    value = _part(record, keys)
    return "" if value is None else " ".join(str(value).split())


def _title(group: Entry) -> str:
    """A group's title, or its id where it has none."""
    return text(group, "title") or text(group, "id")


def _titles(record: Entry, key: str = "groups") -> dict[str, str]:
    """The title of each group id of one module or outcome: ids are reused between these, titles not."""
    return {text(group, "id"): _title(group) for group in entries(record, key)}


def _joined(*parts: str) -> str:
    return cell.plain("; ".join(filter(None, parts)))


# The trial and its arms


def _study(protocol: Entry, nct: str) -> Row:
    locations = entries(protocol, "contactsLocationsModule", "locations")
    references = entries(protocol, "referencesModule", "references")
    pmid = text(next((entry for entry in references if entry.get("type") == "RESULT"), {}), "pmid")
    posted = text(protocol, "statusModule", "resultsFirstPostDateStruct", "date")
    names, design = section(protocol, "identificationModule"), section(protocol, "designModule")
    title = text(names, "officialTitle") or text(names, "briefTitle")
    conditions = section(protocol, "conditionsModule").get("conditions")
    model, purpose = (text(design, "designInfo", key) for key in ("interventionModel", "primaryPurpose"))
    return {
        "first_author": cell.plain(text(protocol, "sponsorCollaboratorsModule", "leadSponsor", "name"), 200),
        "year": posted[:4] if posted[:4].isdigit() else "",
        "country": cell.plain(", ".join(sorted({text(place, "country") for place in locations} - {""})), 200),
        "pmid": pmid if pmid.isdigit() else "",
        "registration": nct,
        "population": cell.plain(", ".join(map(str, conditions)) if isinstance(conditions, list) else ""),
        "design": REGISTRY["designs"].get(model, ""),
        "n_randomised": cell.count(text(design, "enrollmentInfo", "count")),
        "setting_note": cell.plain(f"{title}; year = results first posted; author = lead sponsor"),
        "purpose": REGISTRY["purposes"].get(purpose, ""),
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


def _arms(nct: str, results: _Results, protocol: Entry, rows: Mapping[str, Sequence[Row]]) -> Iterator[Row]:
    """The arms that occur in rows, those of the participant flow first."""
    listed = entries(protocol, "armsInterventionsModule", "armGroups")
    planned = {cell.word(text(arm, "label")): text(arm, "type") for arm in listed}
    flow = section(results.record, "participantFlowModule")
    first = next(iter(entries(flow, "periods")), {})
    titles, began = _titles(flow), _reached(first).get("STARTED", {})
    started = {results.arm(titles[group]): cell.people(n) for group, n in began.items() if group in titles}
    cells = {row.get(name) for table in rows.values() for row in table for name in ("arm", "arm_1", "arm_2")}
    labels = {results.arm(title): title for title in map(_title, reversed(_groups(results.record)))}
    for arm in filter(cells.__contains__, results.arm.made.values()):
        kind = planned.get(cell.word(labels[arm]), "")
        yield {
            "study_id": nct,
            "arm": arm,
            "role": REGISTRY["roles"].get(kind, ""),
            "category": REGISTRY["categories"].get(kind) or general().control_in(labels[arm]),
            "label": cell.plain(labels[arm], 200),
            "n_randomised": started.get(arm, ""),
        }


def _reached(period: Entry) -> dict[str, dict[str, str]]:
    """How many people of each group reached each milestone of a period."""
    milestones = entries(period, "milestones")
    return {text(move, "type").upper(): _subjects(move, "achievements") for move in milestones}


def _subjects(move: Entry, key: str) -> dict[str, str]:
    return {text(entry, "groupId"): text(entry, "numSubjects") for entry in entries(move, key)}


# Outcome measures


def _rows(results: _Results) -> Iterator[tuple[str, Row]]:
    """The rows of results, each with its table."""
    outcomes = entries(results.record, "outcomeMeasuresModule", "outcomeMeasures")
    for place, record in enumerate(outcomes, 1):
        outcome = _Outcome(record, place, results)
        yield from _outcome_rows(outcome)
        yield from (("contrasts", row) for row in _contrast_rows(outcome))
    yield from (("events", row) for row in (*_safety_rows(results), *_flow_rows(results)))


def _outcome_rows(outcome: _Outcome) -> Iterator[tuple[str, Row]]:
    """(table, row) for every measurement of one outcome measure that the tables can hold."""
    kind, title, unit = outcome.kind, outcome.title, text(outcome.record, "unitOfMeasure")
    counted = kind == "NUMBER" and unit.casefold() in ("participants", "patients")
    if not (counted or kind == "COUNT_OF_PARTICIPANTS" or kind in CENTRES):
        shown = f"{kind.lower().replace('_', ' ') or 'unnamed'} in {unit or 'no unit'}"
        outcome.remark(f" ({title}): {shown} fits no table, not imported")
        return
    for loss in _losses(outcome):
        outcome.remark(f" ({title}): {loss}")
    table, cells_of = ("continuous", _mean) if kind in CENTRES else ("events", _count)
    titles = _titles(outcome.record)
    for measurement in _measurements(outcome.record):
        if group := titles.get(measurement.group):
            if cells := cells_of(outcome, measurement, group):
                yield table, _base(outcome, measurement) | cells
            else:
                outcome.remark(f" ({title}), {group}: no usable number")


def _losses(outcome: _Outcome) -> Iterator[str]:
    """What an outcome measure says and no column can hold."""
    dispersion = text(outcome.record, "dispersionType")
    given = dispersion.casefold() not in ("", "na", "n/a")
    if outcome.kind in CENTRES and given and not _spread_type(dispersion):
        yield f"the spread is given as {dispersion}, not imported"
    counted = [denominator for record in (outcome.record, *entries(outcome.record, "classes"))
               for denominator in entries(record, "denoms")]  # fmt: skip
    units = {text(each, "units") for each in counted if text(each, "units").casefold() not in PEOPLE}
    for unit in sorted(units):
        yield f"it is analysed by {unit}, several of one person; n counts people"


def _spread_type(dispersion: str) -> str:
    """The codebook's word for a kind of dispersion, "" if it has none."""
    folded = dispersion.casefold().replace("_", " ")
    level = re.search(r"\d+(?:\.\d+)?", folded) if "confidence" in folded else None
    return _interval(level[0]) if level else REGISTRY["spreads"].get(folded, "")


def _interval(level: str) -> str:
    """The spread type of a confidence interval of a level in per cent, "" if the codebook has none."""
    code = f"ci{float(level):g}" if cell.number(level) else ""
    return code if code in INTERVALS else ""


def _measurements(outcome: Entry) -> Iterator[_Measurement]:
    for part in entries(outcome, "classes"):
        n = _denominators(outcome) | _denominators(part)
        for category in entries(part, "categories"):
            titles = text(part, "title"), text(category, "title")
            for entry in entries(category, "measurements"):
                group, item = text(entry, "groupId"), " ".join(filter(None, titles))
                yield _Measurement(entry, group, titles[0], item, n.get(group, ""))


def _denominators(record: Entry) -> dict[str, str]:
    return {
        text(each, "groupId"): cell.count(text(each, "value"))
        for denominator in entries(record, "denoms")
        if text(denominator, "units").casefold() in PEOPLE
        for each in entries(denominator, "counts")
    }


def _is_baseline(part: str) -> bool:
    """Whether a class holds values at baseline, and neither changes from it nor a span that begins there."""
    found = re.findall(r"\b(?:baseline|change|from|to)\b", part, re.I)
    return set(map(str.lower, found)) == {"baseline"}


def _measure(outcome: _Outcome, item: str) -> str:
    """Final or change: by the class, by the outcome's words, "" where these leave it open.

    In an outcome about changes with a class for the baseline, those for visits may hold either.
    """
    parts = [text(part, "title") for part in entries(outcome.record, "classes")]
    if re.search(r"\bchange", item, re.I):
        return "change"
    titled = re.search(CHANGE, f"{outcome.title} {text(outcome.record, 'description')}", re.I)
    if _is_baseline(item) or any(re.search(r"\bchange", part, re.I) for part in parts) or not titled:
        return "final"
    return "" if any(map(_is_baseline, parts)) else "change"


def _base(outcome: _Outcome, measurement: _Measurement) -> Row:
    frame, kind = (text(outcome.record, key) for key in ("timeFrame", "type"))
    notes = (text(outcome.record, "description"), text(measurement.record, "comment"))
    at_baseline = _is_baseline(measurement.item)
    where = f"posted results, outcome measure {outcome.place} ({kind.lower()}): {outcome.title}"
    return {
        "weeks": "0" if at_baseline else cell.weeks_in(measurement.part) or cell.weeks_in(frame),
        "timepoint": "baseline" if at_baseline else "",
        "locator": cell.plain(where),
        "note": _joined(f"time frame: {frame}", *notes, text(outcome.record, "populationDescription")),
    }


def _mean(outcome: _Outcome, measurement: _Measurement, group: str) -> Row | None:
    centre = cell.number(text(measurement.record, "value"))
    if not centre:
        return None
    spread = _spread_type(text(outcome.record, "dispersionType")) or "none"
    keys = {"sd": ["spread"], "se": ["spread"], "none": []}.get(spread, ["lowerLimit", "upperLimit"])
    bounds = [cell.number(text(measurement.record, key)) for key in keys]
    if not bounds or not all(bounds):
        spread, bounds = "none", []
    return {
        "arm": outcome.results.arm(group),
        **outcome.names(),
        "item": cell.plain(measurement.item, 200),
        "measure": _measure(outcome, measurement.item),
        "n": cell.people(measurement.n),
        "centre_type": CENTRES[outcome.kind],
        "centre": centre,
        "spread_type": spread,
        **dict(zip(("spread_low", "spread_high"), [*bounds, "", ""], strict=False)),
    }


def _count(outcome: _Outcome, measurement: _Measurement, group: str) -> Row | None:
    words = " ".join(filter(None, (outcome.title, measurement.item)))
    return outcome.results.events(group, words, text(measurement.record, "value"), measurement.n)


def _contrast_rows(outcome: _Outcome) -> Iterator[Row]:
    """A row for every posted comparison of two groups that has an estimate."""
    titles, arm = _titles(outcome.record), outcome.results.arm
    for analysis in entries(outcome.record, "analyses"):
        ids = analysis.get("groupIds")
        named = map(str, ids) if isinstance(ids, list) else ()
        pair = [arm(titles[each]) for each in named if each in titles]
        if len(set(pair)) == len(pair) == 2 and cell.number(text(analysis, "paramValue")):
            yield {"arm_1": pair[0], "arm_2": pair[1], **_contrast(outcome, analysis)}
        else:
            outcome.remark(": an analysis without estimate or not of two groups, left out")


def _contrast(outcome: _Outcome, analysis: Entry) -> Row:
    p_value = re.sub(r"^\s*=\s*", "", text(analysis, "pValue")).replace("< ", "<")
    keys = ("paramType", "statisticalMethod", "groupDescription", "estimateComment")
    frame = text(outcome.record, "timeFrame")
    effect = _effect(analysis)
    if text(analysis, "ciLowerLimit") and not effect["spread_type"].startswith("ci"):
        level, sides = text(analysis, "ciPctValue") or "unnamed", text(analysis, "ciNumSides")
        outcome.remark(f": the interval of an analysis is not imported (level {level}, {sides})")
    return {
        **outcome.names(),
        "weeks": cell.weeks_in(frame),
        **effect,
        "p_value": p_value if re.fullmatch(FORMS["p_value"].pattern, p_value) else "",
        "locator": cell.plain(f"posted results, outcome measure {outcome.place}, analysis: {outcome.title}"),
        "note": _joined(
            effect["note"],
            "direction as the registry lists the groups, to be checked",
            f"time frame: {frame}",
            *(text(analysis, key) for key in keys),
        ),
    }


def _effect(analysis: Entry) -> Row:
    """Measure, estimate and spread of an analysis; logarithms of ratios are exponentiated, which is noted."""
    name, patterns = text(analysis, "paramType").casefold(), REGISTRY["measures"].items()
    measure = next((code for pattern, code in patterns if re.search(pattern, name)), "effect_unspecified")
    numbers = cell.number(text(analysis, "paramValue")), *_spread(analysis, measure)
    row = dict(zip(("estimate", "spread_type", "spread_low", "spread_high"), numbers, strict=True))
    row |= {"measure": measure, "note": ""}
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
    low, high = (cell.number(text(analysis, key)) for key in ("ciLowerLimit", "ciUpperLimit"))
    sides, interval = text(analysis, "ciNumSides").upper(), _interval(text(analysis, "ciPctValue"))
    if low and high and interval and "ONE" not in sides and "1" not in sides:
        return interval, low, high
    is_se = "error" in text(analysis, "dispersionType").casefold() and measure not in RATIO_CONTRASTS
    se = cell.number(text(analysis, "dispersionValue")) if is_se else ""
    return "se" if se else "none", se, ""


# Harms and withdrawals


def _safety_rows(results: _Results) -> Iterator[Row]:
    """People with any serious event, any other event, deaths, and with each single event.

    A single serious event is an outcome of its own among the serious ones, never their total. Numbers of
    occurrences have no place; they are named.
    """
    module = section(results.record, "adverseEventsModule")
    titles, frame, kinds = _titles(module, "eventGroups"), text(module, "timeFrame"), general().registry()
    base = {"weeks": cell.weeks_in(frame), "locator": "posted results, adverse events"}
    base["note"] = cell.plain(f"time frame: {frame}" if frame else "")
    above = f"other than serious, above the reporting threshold of {text(module, 'frequencyThreshold')} %"
    for group in entries(module, "eventGroups"):
        for kind in TOTALS:
            (domain, name), keys = kinds[kind], (f"{kind}NumAffected", f"{kind}NumAtRisk")
            if row := results.events(_title(group), name, *(text(group, key) for key in keys)):
                said = {"definition": above} if kind == "other" else {}
                yield {"domain": domain, **base, **row, **said}
    for kind in ("serious", "other"):
        terms = entries(module, f"{kind}Events")
        times = Counter(text(event, "term") for event in terms)
        missing = occurrences = 0
        for event in terms:
            term, system = text(event, "term"), text(event, "organSystem")
            name = term if times[term] == 1 else f"{term} ({system})"
            for stat in entries(event, "stats"):
                numbers = text(stat, "numAffected"), text(stat, "numAtRisk")
                title = titles.get(text(stat, "groupId"))
                occurrences += bool(text(stat, "numEvents"))
                if row := results.events(title, f"serious: {name}" if kind == "serious" else name, *numbers):
                    yield {"domain": kinds[kind][0], **base, **row, "definition": cell.plain(name)}
                else:
                    missing += 1
        if missing:
            results.remarks.append(f"{missing} numbers of single {kind} events are not usable: left out.")
        if occurrences:
            results.remarks.append(
                f"Of single {kind} events the registry gives occurrences too ({occurrences} numbers): "
                "not imported, rows count people."
            )


def _flow_rows(results: _Results) -> Iterator[Row]:
    """Withdrawals for all causes and for the reasons that the codebook names, if there is one period only."""
    module = section(results.record, "participantFlowModule")
    periods = entries(module, "periods")
    if len(periods) > 1:
        results.remarks.append("The participant flow has several periods: withdrawals not imported.")
    if len(periods) != 1:
        return
    titles, reached, kinds = _titles(module), _reached(periods[0]), general().registry()
    lost = {"not completed": reached.get("NOT COMPLETED", {})}
    for reason in entries(periods[0], "dropWithdraws"):
        lost[text(reason, "type").casefold()] = _subjects(reason, "reasons")
    base = {"weeks": "", "locator": "posted results, participant flow", "note": ""}
    for domain, name, counts in ((*kinds[kind], lost[kind]) for kind in lost if kind in kinds):
        for key, events in counts.items():
            if row := results.events(titles.get(key), name, events, reached.get("STARTED", {}).get(key, "")):
                yield {"domain": domain, **base, **row}
