"""Where the evidence lies: which questions have trials, which have none, and when they were published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialpool import text as words
from trialpool.report import naming

Row = Mapping[str, Any]
LARGEST_RADIUS, SMALLEST_RADIUS = 18.0, 8.0
MOST_COMPARISONS = 250  # rows of all maps together: a taller figure nobody reads and no PNG holds
DOT, COLUMN, TALLEST = 9, 14, 60
MOST_CONDITIONS = 8  # that two alternating colours and one key can still tell apart


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


def with_room(populations: Sequence[Row]) -> tuple[list[Row], int]:
    """The first populations, of MOST_COMPARISONS rows at most (at least one), and how many are left out.

    >>> with_room([{"rows": [1] * 200}, {"rows": [1] * 50}, {"rows": [1]}])[1]
    1
    """
    shown, rows = [], 0
    for population in populations:
        rows += len(population["rows"])
        if shown and rows > MOST_COMPARISONS:
            break
        shown.append(population)
    return shown, len(populations) - len(shown)


def _population_map(heading: str, members: Sequence[Row], largest: int) -> dict[str, Any]:
    domains = [code for code in words.DOMAIN_NAMES if any(record["domain"] == code for record in members)]
    domains += [r["domain"] for r in members if r["domain"] not in words.DOMAIN_NAMES]
    domains = list(dict.fromkeys(domains))
    comparisons = dict.fromkeys(record["comparison"] for record in members)
    cells: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in members:
        cells.setdefault((record["comparison"], record["domain"]), []).append(_bubble(record, largest))
    return {
        "heading": heading,
        "domains": [words.capital(words.domain_name(domain)) for domain in domains],
        "rows": [
            {
                "comparison": words.capital(comparison),
                "cells": [cells.get((comparison, domain), []) for domain in domains],
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

    `trials` are views of `trials.trial_views`. None where no year is known. Where a year has more than
    TALLEST trials a dot stands for up to `each` of one condition and kind; of more than MOST_CONDITIONS
    conditions none is told apart.
    """
    dated = [trial for trial in trials if not words.absent(trial["year"])]
    if not dated:
        return None
    first, last = (int(edge(trial["year"] for trial in dated)) for edge in (min, max))
    columns: dict[int, list[Row]] = {year: [] for year in range(first, last + 1)}
    for trial in sorted(dated, key=lambda trial: (trial["condition"], not trial["used_in"], trial["label"])):
        columns[int(trial["year"])].append(trial)
    each = -(-max(len(column) for column in columns.values()) // TALLEST)
    conditions = list(dict.fromkeys(trial["condition"] for trial in trials))
    if len(conditions) > MOST_CONDITIONS:
        conditions = []
    stacks = [_stack(column, conditions, each) for column in columns.values()]
    tallest = max(map(len, stacks))
    return {
        "width": COLUMN * len(columns) + 20,
        "height": DOT * tallest + 26,
        "base": DOT * tallest + 6,
        "conditions": [naming.CONDITION_NAMES.get(code, code) for code in conditions],
        "dots": _dots(stacks, DOT * tallest + 6),
        "each": each,
        "years": [
            {"x": 10 + COLUMN * index + COLUMN / 2, "year": year, "labelled": year % 5 == 0}
            for index, year in enumerate(columns)
        ],
        "counts": [{"year": year, "trials": len(column)} for year, column in columns.items() if column],
        "undated": len(trials) - len(dated),
    }


def _stack(column: Sequence[Row], conditions: Sequence[str], each: int) -> list[dict[str, Any]]:
    """The dots of one year, of the first condition first, in it the used trials first."""
    kinds: dict[tuple[int, bool], list[Row]] = {}
    for trial in column:
        series = conditions.index(trial["condition"]) if conditions else 0
        kinds.setdefault((series, bool(trial["used_in"])), []).append(trial)
    return [
        {"series": series % 2, "used": used, "label": _told(held[start : start + each])}
        for (series, used), held in sorted(kinds.items(), key=lambda kind: (kind[0][0], not kind[0][1]))
        for start in range(0, len(held), each)
    ]


def _told(trials: Sequence[Row]) -> str:
    if len(trials) > 1:
        return words.count(len(trials), "trial")
    return f"{trials[0]['label']}, {trials[0]['condition']}"


def _dots(stacks: Sequence[Sequence[Row]], base: float) -> list[dict[str, Any]]:
    return [
        {"x": 10 + COLUMN * place + COLUMN / 2, "y": base - DOT * height - DOT / 2, **dot}
        for place, stack in enumerate(stacks)
        for height, dot in enumerate(stack)
    ]
