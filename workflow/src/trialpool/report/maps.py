"""Where the evidence lies: which questions have trials, which have none, and when they were published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialpool.report import naming, words

Row = Mapping[str, Any]
LARGEST_RADIUS, SMALLEST_RADIUS = 18.0, 8.0
DOT, COLUMN, HEIGHT_LIMIT = 9, 14, 400


def evidence_map(records: Sequence[Row]) -> list[dict[str, Any]]:
    """One table for each population: a row a comparison, a column an outcome, a cell the results there.

    A cell is a list of results (trials, people, circle radius); an empty list is a question that nobody
    has put; a result with `k` 0 is a question put, but without a usable trial.
    """
    largest = max((words.people(record) or 0 for record in records if record["pooled"]), default=0)
    groups: dict[str, list[Row]] = {}
    for record in records:
        groups.setdefault(words.capital(naming.condition_name(record)), []).append(record)
    return [_population_map(heading, members, largest) for heading, members in groups.items()]


def _population_map(heading: str, members: Sequence[Row], largest: int) -> dict[str, Any]:
    domains = [code for code in words.DOMAIN_NAMES if any(record["domain"] == code for record in members)]
    domains += [r["domain"] for r in members if r["domain"] not in words.DOMAIN_NAMES]
    domains = list(dict.fromkeys(domains))
    comparisons = dict.fromkeys(record["comparison"] for record in members)
    return {
        "heading": heading,
        "domains": [words.capital(words.domain_name(domain)) for domain in domains],
        "rows": [
            {
                "comparison": words.capital(comparison),
                "cells": [
                    [
                        _bubble(record, largest)
                        for record in members
                        if record["comparison"] == comparison and record["domain"] == domain
                    ]
                    for domain in domains
                ],
            }
            for comparison in comparisons
        ],
    }


def _bubble(record: Row, largest: int) -> dict[str, Any]:
    """One result as a circle whose area is its people; an unknown number is drawn smallest."""
    amount = words.people(record) if record["pooled"] else 0
    share = (amount or 0) / largest if largest else 0.0
    told = (
        "no usable trial"
        if not record["k"]
        else f"{words.count(record['k'], 'trial')}, {words.count(amount, 'person', 'people')}"
    )
    return {
        "analysis": record["analysis"],
        "title": record["title"],
        "k": record["k"],
        "status": record["status"],
        "radius": round(max(SMALLEST_RADIUS, LARGEST_RADIUS * share**0.5), 1),
        "told": told,
    }


def timeline(trials: Sequence[Row]) -> dict[str, Any] | None:
    """Trials by year of publication: stacked dots, by condition, filled where a result could be used.

    `trials` are views of `trials.trial_views`. None where no year is known.
    """
    dated = [trial for trial in trials if not words.absent(trial["year"])]
    if not dated:
        return None
    first, last = (int(edge(trial["year"] for trial in dated)) for edge in (min, max))
    columns: dict[int, list[Row]] = {year: [] for year in range(first, last + 1)}
    for trial in sorted(dated, key=lambda trial: (trial["condition"], not trial["used_in"], trial["label"])):
        columns[int(trial["year"])].append(trial)
    tallest = max(len(column) for column in columns.values())
    conditions = list(dict.fromkeys(trial["condition"] for trial in trials))
    return {
        "width": COLUMN * len(columns) + 20,
        "height": DOT * tallest + 26,
        "base": DOT * tallest + 6,
        "conditions": [naming.CONDITION_NAMES.get(code, code) for code in conditions],
        "dots": _dots(columns, conditions, DOT * tallest + 6),
        "years": [
            {"x": 10 + COLUMN * index + COLUMN / 2, "year": year, "labelled": year % 5 == 0}
            for index, year in enumerate(columns)
        ],
        "counts": [{"year": year, "trials": len(column)} for year, column in columns.items() if column],
        "undated": len(trials) - len(dated),
    }


def _dots(
    columns: Mapping[int, Sequence[Row]], conditions: Sequence[str], base: float
) -> list[dict[str, Any]]:
    return [
        {
            "x": 10 + COLUMN * place + COLUMN / 2,
            "y": base - DOT * height - DOT / 2,
            "series": conditions.index(trial["condition"]) % 2,
            "used": bool(trial["used_in"]),
            "label": f"{trial['label']}, {trial['condition']}",
        }
        for place, column in enumerate(columns.values())
        for height, trial in enumerate(column)
    ]
