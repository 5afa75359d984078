"""Summaries of findings in, a FHIR R5 Bundle out: a Composition a comparison, an Evidence a result.

The Compositions have the sections of the profile SummaryOfFindings of Evidence Based Medicine on FHIR, which
is on ballot (hl7.org/fhir/uv/ebm). Ids follow from the names of the analyses, so that a bundle is the same at
every writing; what has no code in a public code system is told in words.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from trialpool.records import Certainty, DomainRating
from trialpool.text import capital, measure_name
from trialpool.view.forest_table import Estimate, Number
from trialpool.view.summary_of_findings import Findings, Line, Row

Json = dict[str, Any]
TERMS = "http://terminology.hl7.org/CodeSystem"
SECTIONS = "http://hl7.org/fhir/evidence-report-section"
PROFILE = "http://hl7.org/fhir/uv/ebm/StructureDefinition/summary-of-findings"
ABSENT = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
STATISTICS = {
    **{"RR": "C93152", "OR": "C16932", "HR": "C93150", "RD": "0000424"},
    **{"MD": "0000457", "SMD": "0000100", "IRR": "rate-ratio"},
}
DOMAINS = {
    "risk_of_bias": "RiskOfBias",
    "inconsistency": "Inconsistency",
    "indirectness": "Indirectness",
    "imprecision": "Imprecision",
    "publication_bias": "PublicationBias",
}
CONCERNS = ("no-concern", "serious-concern", "very-serious-concern", "extremely-serious-concern")
COLUMNS = {
    "EvidenceVariable-outcome": "Outcome",
    "SampleSize": "Trials, people",
    "Control-group-alone-Evidence": "With the control",
    "Intervention-vs-Control-Evidence": "Effect",
    "Certainty-of-Evidence": "Certainty",
    "Assertion": "In words",
}


def bundle(tables: Sequence[Findings], title: str, authors: str = "", date: str = "") -> Json:
    """A FHIR R5 Bundle of type collection; `date` is that of the search, left out where it is none.

    >>> bundle([], "Aspirin")["type"]
    'collection'
    """
    entries = [entry for table in tables for entry in _of_table(table, title, authors, date)]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _of_table(table: Findings, title: str, authors: str, date: str) -> Iterator[Json]:
    name = f"{capital(table.title)}, {table.population}"
    sections: list[Json] = [_headers()]
    resources: list[Json] = []
    for row in table.rows:
        variable = {"resourceType": "EvidenceVariable", "status": "active", "title": row.outcome}
        evidence = list(_evidence(table, row)) if row.effect else []
        names = ["outcome", *map(str, range(len(evidence)))]
        keys = [f"{row.record.analysis}/{name}" for name in names]
        made = [_entry(key, each) for key, each in zip(keys, [variable, *evidence], strict=True)]
        resources += made
        outcome, *found = [
            {"reference": each["fullUrl"], "display": each["resource"]["title"]} for each in made
        ]
        section: Json = {
            "title": row.outcome,
            "code": {"text": "Summary of findings entry for a single outcome"},
            "focus": outcome,
        }
        sections.append(section | ({"entry": found} if found else {"emptyReason": {"text": row.gap}}))
    day = re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", date)
    yield _entry(
        f"findings/{name}",
        {
            "resourceType": "Composition",
            "meta": {"profile": [PROFILE]},
            "status": "preliminary",
            "type": {"text": "Summary of Findings"},
            "category": [{"text": "Summary of Findings"}],
            **({"date": date} if day else {"_date": {"extension": [ABSENT]}}),
            "author": [{"display": authors or "Trialpool"}],
            "title": f"{title}: {name}",
            "section": sections,
        },
    )
    yield from resources


def _entry(key: str, resource: Json) -> Json:
    own = uuid.uuid5(uuid.NAMESPACE_URL, f"urn:trialpool:{key}")
    head = {"resourceType": resource["resourceType"], "id": str(own)}
    return {"fullUrl": f"urn:uuid:{own}", "resource": head | resource}


def _headers() -> Json:
    columns = [{"title": name, "code": _coded(SECTIONS, code, name)} for code, name in COLUMNS.items()]
    return {"code": _coded(SECTIONS, "Column-Headers", "Column Headers"), "section": columns}


def _coded(system: str, code: str, text: str) -> Json:
    return {"coding": [{"system": system, "code": code}], "text": text}


# evidence


def _evidence(table: Findings, row: Row) -> Iterator[Json]:
    """The result itself, then what it means at each line."""
    record = row.record
    assert row.effect is not None
    kind = STATISTICS.get(record.measure)
    words = measure_name(record.measure)
    statistic = {
        "statisticType": _coded(f"{TERMS}/statistic-type", kind, words) if kind else {"text": words},
        **_quantity(row.effect, record.unit, record.methods.level),
        "sampleSize": _size(row),
    }
    resource = _about(table, row, row.outcome)
    if row.statement:
        resource["assertion"] = row.statement
    yield resource | {"statistic": [statistic]} | _certainty(row.certainty)
    for line in row.lines:
        yield _about(table, row, f"{row.outcome}: {line.name}", line.source) | {
            "statistic": list(_of_line(line))
        }


def _about(table: Findings, row: Row, title: str, note: str = "") -> Json:
    roles = {
        "population": table.population,
        "exposure": table.experimental,
        "referenceExposure": table.control,
        "measuredVariable": row.outcome,
    }
    variables = [
        {"description": text, "variableRole": _coded(f"{TERMS}/variable-role", role, role)}
        for role, text in roles.items()
        if text
    ]
    resource: Json = {"resourceType": "Evidence", "status": "active", "title": title}
    return resource | ({"note": [{"text": note}]} if note else {}) | {"variableDefinition": variables}


def _size(row: Row) -> Json:
    sides = (row.record.n_experimental, row.record.n_control)
    people = {} if None in sides else {"numberOfParticipants": sum(side or 0 for side in sides)}
    return {"description": row.size, "numberOfStudies": row.record.k, **people}


def _of_line(line: Line) -> Iterator[Json]:
    named = {"statisticType": {"text": "with the control"}}
    yield named | {"quantity": _amount(line.control, line.unit)}
    if line.experimental:
        named = {"statisticType": {"text": "with the intervention"}}
        yield named | _quantity(line.experimental, line.unit)
    yield {"statisticType": {"text": "difference"}} | _quantity(line.difference, line.unit)
    if line.needed:
        end = {True: " for one more to benefit", False: " for one more to be harmed", None: ""}[
            line.needed.benefit
        ]
        named = {"statisticType": {"text": f"number needed to treat{end}"}}
        yield named | {"description": str(line.needed), "quantity": _amount(line.needed.number, "")}


def _quantity(shown: Estimate, unit: str, level: float | None = None) -> Json:
    """A quantity with its interval."""
    own: Json = {"quantity": _amount(shown.estimate, unit)}
    if not shown.bounded:
        return own
    interval: Json = {"type": _coded(f"{TERMS}/attribute-estimate-type", "C53324", "Confidence interval")}
    if level:
        interval["level"] = level
    ends = {name: _amount(end, unit) for name, end in (("low", shown.low), ("high", shown.high))}
    return own | {"attributeEstimate": [interval | {"range": ends}]}


def _amount(number: Number, unit: str) -> Json:
    return {"value": number.value, **({"unit": unit} if unit else {})}


def _certainty(judged: Certainty | None) -> Json:
    if judged is None:
        return {}
    whole: Json = {
        "type": _coded(f"{TERMS}/certainty-type", "Overall", "Overall certainty"),
        "rating": _coded(f"{TERMS}/certainty-rating", judged.level.replace(" ", "-"), str(judged.level)),
        "subcomponent": [_domain(domain) for domain in judged.domains],
    }
    if judged.target:
        whole["description"] = judged.target
    return {"certainty": [whole]}


def _domain(domain: DomainRating) -> Json:
    concern = CONCERNS[domain.levels_down]
    return {
        "note": [{"text": domain.reason}],
        "type": _coded(f"{TERMS}/certainty-type", DOMAINS[domain.domain], domain.domain.replace("_", " ")),
        "rating": _coded(f"{TERMS}/certainty-rating", concern, concern.replace("-", " ")),
    }
