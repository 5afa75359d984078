"""The trials' side of the page: every trial with its arms, every raw row, and where each was published."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trialpool import text as words

Row = Mapping[str, Any]
RESULT_TABLES = ("continuous", "contrasts", "events")
SHOWN_APART = frozenset({"study_id", "row_id", "source_url", "locator", "reading", "note"})
TABLE_NAMES = {
    "continuous": "Outcomes of arms",
    "contrasts": "Published contrasts between arms",
    "events": "Events",
}
_DOI = re.compile(r"10\.\d{4,9}/[-._;()/:A-Za-z0-9]+")
_PMID = re.compile(r"\d{1,9}")
_PMCID = re.compile(r"PMC\d{1,9}")


def identifier_links(study: Row) -> list[dict[str, str]]:
    """Links made from well-formed identifiers; an identifier of another form makes none.

    >>> identifier_links({"doi": "10.1000/x1", "pmid": "12345", "pmcid": "nonsense"})[1]["url"]
    'https://pubmed.ncbi.nlm.nih.gov/12345/'
    """
    links = []
    doi, pmid, pmcid = (str(study.get(key) or "") for key in ("doi", "pmid", "pmcid"))
    if _DOI.fullmatch(doi):
        links.append({"text": f"doi:{doi}", "url": f"https://doi.org/{doi}"})
    if _PMID.fullmatch(pmid):
        links.append({"text": f"PubMed {pmid}", "url": f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/"})
    if _PMCID.fullmatch(pmcid):
        links.append({"text": pmcid, "url": f"https://pmc.ncbi.nlm.nih.gov/articles/{pmcid}/"})
    return links


def raw_index(tables: Mapping[str, Sequence[Row]]) -> dict[str, dict[str, Any]]:
    """Raw rows by row_id, in the form in which the page shows them (see `raw_row`).

    >>> index = raw_index({"events": [{"row_id": "events.csv:2", "study_id": "A2000", "events": 3.0}]})
    >>> index["events.csv:2"]["cells"]
    [('events', '3')]
    """
    return {
        str(row["row_id"]): raw_row(row)
        for table in RESULT_TABLES
        for row in tables.get(table) or []
        if not words.absent(row.get("row_id"))
    }


def raw_row(row: Row) -> dict[str, Any]:
    """One raw row: its cells as reported (empty ones left out), and where it was read."""
    return {
        "row_id": row.get("row_id"),
        "anchor": words.anchor("row", row.get("row_id")),
        "cells": [
            (words.spaced(key), words.plain_number(value))
            for key, value in row.items()
            if key not in SHOWN_APART and not words.absent(value)
        ],
        "source_url": row.get("source_url"),
        "locator": row.get("locator"),
        "reading": row.get("reading"),
        "note": row.get("note"),
    }


def row_ids(text: Any) -> list[str]:
    """The row ids of an effect, in order, each once.

    >>> row_ids("continuous.csv:3 continuous.csv:9 continuous.csv:3")
    ['continuous.csv:3', 'continuous.csv:9']
    """
    return list(dict.fromkeys(str(text or "").split()))


def labels(records: Iterable[Row], studies: Iterable[Row]) -> dict[str, str]:
    """The name of every trial, not too long: as the effects name it, else first author and year."""
    named = {
        row["study_id"]: row["label"]
        for record in records
        for key in ("known", "not_used", "studies")
        for row in record.get(key) or []
        if not words.absent(row.get("label"))
    }
    for study in studies:
        author = str(study.get("first_author") or "").split(" ")[0]
        year = words.plain_number(study.get("year"))
        named.setdefault(study["study_id"], f"{author} {year}" if author else study["study_id"])
    return {study_id: words.short(label) for study_id, label in named.items()}


def uses(records: Iterable[Row]) -> dict[str, list[Row]]:
    """The analyses that use each trial, in the order of the config."""
    used: dict[str, list[Row]] = {}
    for record in records:
        for study_id in dict.fromkeys(study["study_id"] for study in record.get("studies") or []):
            used.setdefault(study_id, []).append(record)
    return used


def trial_views(records: Sequence[Row], tables: Mapping[str, Sequence[Row]]) -> list[dict[str, Any]]:
    """Every trial of the evidence as the page shows it, sorted by condition, name and id."""
    studies = tables.get("studies") or []
    named, used = labels(records, studies), uses(records)
    by_study = {
        table: _by_study(tables.get(table) or []) for table in (*RESULT_TABLES, "arms", "risk_of_bias")
    }
    views = [_trial_view(study, named, used, by_study) for study in studies]
    return sorted(views, key=lambda view: (view["condition"], view["label"].casefold(), view["study_id"]))


def _by_study(rows: Iterable[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["study_id"], []).append(row)
    return grouped


def _trial_view(
    study: Row,
    named: Mapping[str, str],
    used: Mapping[str, list[Row]],
    by_study: Mapping[str, Mapping[str, list[Row]]],
) -> dict[str, Any]:
    key = study["study_id"]
    results = [
        {"name": TABLE_NAMES[table], "rows": [raw_row(row) for row in by_study[table][key]]}
        for table in RESULT_TABLES
        if by_study[table].get(key)
    ]
    return {
        "study_id": key,
        "label": named[key],
        "condition": study.get("condition") or "",
        "year": study.get("year"),
        "facts": dict(study),
        "links": identifier_links(study),
        "arms": by_study["arms"].get(key, []),
        "results": results,
        "n_rows": sum(len(table["rows"]) for table in results),
        "risk_of_bias": by_study["risk_of_bias"].get(key, []),
        "used_in": [
            {"title": record["title"], "analysis": record["analysis"]} for record in used.get(key, [])
        ],
    }
