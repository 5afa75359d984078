"""The trials' side: where the numbers of a plotted effect stand in print, every trial with its raw rows, and
its risk of bias as reviews have judged it (tools and domains as the data name them, gaps shown as gaps).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialpool import text as words
from trialpool.evidence.risk_of_bias import ORDER as WORST
from trialpool.records import Known, Record, Study, Unused
from trialpool.text import absent
from trialpool.view.forest_table import ForestTable
from trialpool.view.read import Row, Tables
from trialpool.view.unused import RESULT_TABLES

SHOWN_APART = frozenset({"study_id", "row_id", "source_url", "locator", "reading", "note"})
TABLE_NAMES = {
    "continuous": "Outcomes of arms",
    "contrasts": "Published contrasts between arms",
    "events": "Events",
}
SYMBOLS = {"low": "+", "some_concerns": "−", "unclear": "?", "high": "×"}
LIGHTS = [(name.replace("_", "-"), sign, words.spaced(name)) for name, sign in SYMBOLS.items()]
_DOI = re.compile(r"10\.\d{4,9}/[-._;()/:A-Za-z0-9]+")
_PMID = re.compile(r"\d{1,9}")
_PMCID = re.compile(r"PMC\d{1,9}")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a plotted effect comes from: what was measured when, the steps, the rows as they were read."""

    study: Study
    outcome: str
    time: str
    light: Row | None
    steps: tuple[str, ...]
    cautions: tuple[str, ...]
    raw: tuple[Row, ...]
    row_ids: tuple[str, ...]


def origins(record: Record, table: ForestTable, raw: Row, instruments: Row) -> dict[int, Origin]:
    """The origin of every row of a forest table by the trial's number in the record.

    `raw` holds raw rows by row_id, `instruments` the catalogue of instruments.
    """
    rows = {}
    for shown in table.studies:
        study = record.studies[shown.number]
        ids = _row_ids(study.row_ids)
        rows[shown.number] = Origin(
            study=study,
            outcome=instrument_name(study.instrument, study.item, instruments),
            time=_time(study, shown.weeks),
            light=_light(shown.worst_judgement) if shown.judgements else None,
            steps=study.derivation,
            cautions=study.cautions,
            raw=tuple(raw[row_id] for row_id in ids if row_id in raw),
            row_ids=tuple(ids),
        )
    return rows


def instrument_name(code: str | None, item: str | None, instruments: Row) -> str:
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
    return name if absent(item) else f"{name}: {words.spaced(item)}"


def _time(study: Study, weeks: str) -> str:
    """When a result was measured: its week, and that it is a follow-up."""
    name = words.TIMEPOINT_NAMES.get(study.timepoint, words.spaced(study.timepoint))
    if not weeks:
        return name
    return f"week {weeks}, {name}" if study.timepoint == "follow_up" else f"week {weeks}"


def _identifier_links(study: Row) -> list[dict[str, str]]:
    """Links made from well-formed identifiers; an identifier of another form makes none."""
    links = []
    doi, pmid, pmcid = (str(study.get(key) or "") for key in ("doi", "pmid", "pmcid"))
    if _DOI.fullmatch(doi):
        links.append({"text": f"doi:{doi}", "url": f"https://doi.org/{doi}"})
    if _PMID.fullmatch(pmid):
        links.append({"text": f"PubMed {pmid}", "url": f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/"})
    if _PMCID.fullmatch(pmcid):
        links.append({"text": pmcid, "url": f"https://pmc.ncbi.nlm.nih.gov/articles/{pmcid}/"})
    return links


def raw_index(tables: Tables) -> dict[str, dict[str, Any]]:
    """Raw rows by row_id, in the form in which the page shows them (cells, and where it was read).

    >>> index = raw_index({"events": [{"row_id": "events.csv:2", "study_id": "A2000", "events": 3.0}]})
    >>> index["events.csv:2"]["cells"]
    [('events', '3')]
    """
    return {
        str(row["row_id"]): _raw_row(row)
        for table in RESULT_TABLES
        for row in tables.get(table) or []
        if not absent(row.get("row_id"))
    }


def _raw_row(row: Row) -> dict[str, Any]:
    """One raw row: its cells as reported (empty ones left out), and where it was read."""
    return {
        "row_id": row.get("row_id"),
        "anchor": words.anchor("row", row.get("row_id")),
        "cells": [
            (words.spaced(key), words.plain_number(value))
            for key, value in row.items()
            if key not in SHOWN_APART and not absent(value)
        ],
        "source_url": row.get("source_url"),
        "locator": row.get("locator"),
        "reading": row.get("reading"),
        "note": row.get("note"),
    }


def _row_ids(text: Any) -> list[str]:
    """The row ids of an effect, in order, each once."""
    return list(dict.fromkeys(str(text or "").split()))


def row_links(text: Any) -> list[dict[str, str]]:
    """The row ids of a text with the anchors under which the page shows them."""
    return [{"row_id": row_id, "anchor": words.anchor("row", row_id)} for row_id in str(text or "").split()]


def labels(records: Iterable[Record], studies: Iterable[Row]) -> dict[str, str]:
    """The name of every trial, not too long: as the effects name it, else first author and year."""
    named: dict[str, str] = {}
    for record in records:
        rows: tuple[Known | Unused | Study, ...] = (*record.known, *record.not_used, *record.studies)
        named |= {row.study_id: row.label for row in rows if row.label}
    for study in studies:
        author = str(study.get("first_author") or "").split(" ")[0]
        year = words.plain_number(study.get("year"))
        named.setdefault(study["study_id"], f"{author} {year}" if author else study["study_id"])
    return {study_id: words.short(label) for study_id, label in named.items()}


def trial_views(records: Sequence[Record], tables: Tables) -> list[dict[str, Any]]:
    """Every trial of the evidence as the page shows it, sorted by condition, name and id."""
    studies = tables.get("studies") or []
    named = labels(records, studies)
    used: dict[str, list[Record]] = {}  # the analyses that use each trial, in the order of the config
    for record in records:
        for study_id in dict.fromkeys(study.study_id for study in record.studies):
            used.setdefault(study_id, []).append(record)
    by_study: dict[str, dict[str, list[Row]]] = {}
    for table in (*RESULT_TABLES, "arms", "risk_of_bias"):
        rows = by_study.setdefault(table, {})
        for row in tables.get(table) or []:
            rows.setdefault(row["study_id"], []).append(row)
    views = [_trial_view(study, named, used, by_study) for study in studies]
    return sorted(views, key=lambda view: (view["condition"], view["label"].casefold(), view["study_id"]))


def _trial_view(
    study: Row,
    named: Mapping[str, str],
    used: Mapping[str, list[Record]],
    by_study: Mapping[str, Mapping[str, list[Row]]],
) -> dict[str, Any]:
    key = study["study_id"]
    results = [
        {"name": TABLE_NAMES[table], "rows": [_raw_row(row) for row in by_study[table][key]]}
        for table in RESULT_TABLES
        if by_study[table].get(key)
    ]
    return {
        "study_id": key,
        "label": named[key],
        "condition": study.get("condition") or "",
        "year": study.get("year"),
        "facts": study,
        "links": _identifier_links(study),
        "arms": by_study["arms"].get(key, []),
        "results": results,
        "n_rows": sum(len(table["rows"]) for table in results),
        "risk_of_bias": by_study["risk_of_bias"].get(key, []),
        "used_in": used.get(key, []),
    }


def tool_tables(judgements: Sequence[Row], named: Mapping[str, str], trials: int) -> list[dict[str, Any]]:
    """One table a tool: trials by domains, and for each domain the count of each judgement of all `trials`.

    A domain judged several times (by several reviews) shows every judgement.

    >>> rows = [{"study_id": "A", "tool": "RoB2", "domain": "d1", "judgement": "low", "assessed_by": "x"}]
    >>> table = tool_tables(rows, {"A": "A 2000"}, 4)[0]
    >>> table["summary"][0]["bars"][-1]["count"]
    3
    """
    tools = dict.fromkeys(row["tool"] for row in judgements)
    return [_tool_table(tool, [r for r in judgements if r["tool"] == tool], named, trials) for tool in tools]


def _tool_table(tool: str, rows: Sequence[Row], named: Mapping[str, str], trials: int) -> dict[str, Any]:
    domains = list(dict.fromkeys(row["domain"] for row in rows))
    studies = sorted({row["study_id"] for row in rows}, key=lambda study: (named.get(study, study), study))
    cells: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        cells.setdefault((row["study_id"], row["domain"]), []).append(row)
    return {
        "tool": tool,
        "domains": [words.spaced(domain) for domain in domains],
        "rows": [
            {
                "study_id": study,
                "label": named.get(study, study),
                "cells": [
                    [_light(row["judgement"]) for row in cells.get((study, domain), [])] for domain in domains
                ],
                "assessors": list(dict.fromkeys(r["assessed_by"] for r in rows if r["study_id"] == study)),
            }
            for study in studies
        ],
        "summary": [_summary(domain, studies, cells, trials) for domain in domains],
    }


def _light(judgement: str) -> dict[str, str]:
    """A judgement as the page shows it: class, symbol and words."""
    return {
        "judgement": judgement.replace("_", "-"),
        "symbol": SYMBOLS.get(judgement, "?"),
        "text": words.spaced(judgement),
    }


def _summary(
    domain: str, studies: Sequence[str], cells: Mapping[tuple[str, str], list[Row]], trials: int
) -> dict[str, Any]:
    """How many trials have each judgement in one domain (the worst of several), and how many have none."""
    counts = dict.fromkeys(SYMBOLS, 0)
    for study in studies:
        judged = cells.get((study, domain))
        if judged:
            counts[max((row["judgement"] for row in judged), key=lambda name: WORST.get(name, 1))] += 1
    shares = [*counts.items(), ("not_judged", max(trials - sum(counts.values()), 0))]
    return {
        "domain": words.spaced(domain),
        "bars": [
            {"judgement": name.replace("_", "-"), "text": words.spaced(name), "count": count}
            | {"share": round(100 * count / trials, 2) if trials else 0.0}
            for name, count in shares
        ],
    }


def assessor_url(assessor: Any) -> str:
    """The address of the review that judged: a DOI becomes a link, a plain address stays one, else "".

    >>> assessor_url("10.1002/14651858.CD007938.pub3")
    'https://doi.org/10.1002/14651858.CD007938.pub3'
    """
    text = str(assessor or "")
    return words.url(f"https://doi.org/{text}" if text.startswith("10.") else text)
