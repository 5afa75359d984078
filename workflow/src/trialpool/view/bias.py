"""Risk of bias as a reader sees it beside the results: by weight in an analysis, and by what is missing.

In: records. Out: for one analysis the share of the weight at each judgement, tool by tool; for a comparison
the matrix of ROB-ME (Page 2023, doi 10.1136/bmj-2023-076754): which trial has a result of which outcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from trialpool import text as words
from trialpool.evidence.unused import Silence, silent_trials
from trialpool.view.forest_table import forest_table
from trialpool.view.question import domain_of, population_name
from trialpool.view.read import Appraised, grouped

NOT_JUDGED = "not_judged"


class Weighed(NamedTuple):
    """The judgements of one tool in an analysis: of each domain the share of the weight, in per cent.

    The shares of a domain are those of its judgements and of what nobody judged; they add to 100.
    """

    tool: str
    domains: Mapping[str, Mapping[str, float]]


def weighed_bias(record: Appraised) -> list[Weighed]:
    """The tools with which trials of the analysis were judged, as the studies of its forest plot carry it.

    >>> from trialpool.records import Study, sketch
    >>> studies = [sketch(Study, {"study_id": name, "weight": weight, "judgements": line, "measure": "MD"})
    ...            for name, weight, line in (("A", 75.0, "RoB2: overall low"), ("B", 25.0, ""))]
    >>> weighed_bias(sketch(Appraised, {"measure": "MD", "studies": studies}))[0].domains
    {'overall': {'low': 75.0, 'not_judged': 25.0}}
    """
    studies = forest_table(record).studies
    given = [study.weight.value or 0.0 for study in studies]
    total = sum(given)
    weights = [100 * weight / total if total else 100 / len(given) for weight in given]
    names = dict.fromkeys(name for study in studies for name in study.judgements)
    tools = []
    for tool, own in grouped(names, lambda name: name[0]).items():
        domains: dict[str, dict[str, float]] = {domain: {} for _, domain in own}
        for (study, weight), domain in (
            (each, name) for each in zip(studies, weights, strict=True) for name in domains
        ):
            judgement = study.judgements.get((tool, domain), NOT_JUDGED)
            domains[domain][judgement] = domains[domain].get(judgement, 0.0) + weight
        tools.append(Weighed(tool, domains))
    return tools


def judged_by_weight(record: Appraised) -> float:
    """The share of the weight, from 0 to 1, of trials that somebody judged."""
    shares = [
        shares.get(NOT_JUDGED, 0.0) for tool in weighed_bias(record) for shares in tool.domains.values()
    ]
    return 1 - min(shares, default=100.0) / 100


# What is missing


class Availability(StrEnum):
    """Whether a trial has a result for a synthesis, in the words of ROB-ME as far as tables can tell.

    Why a result is not there (its p-value, or a reason unrelated to it) is for a person to say.
    """

    AVAILABLE = "available"
    PARTLY = "partly"
    UNKNOWN = "unknown"
    NOT_ASKED = "not_asked"


MARKS = {
    **{Availability.AVAILABLE: "✓", Availability.PARTLY: "~"},
    **{Availability.UNKNOWN: "?", Availability.NOT_ASKED: ""},
}


class Matrix(NamedTuple):
    """One comparison of a population: its outcomes (titles by analysis), and of every trial a cell each."""

    population: str
    comparison: str
    outcomes: Mapping[str, str]
    trials: Mapping[tuple[str, str], Sequence[Availability]]


def missing_results(records: Sequence[Appraised]) -> list[Matrix]:
    """A matrix for every population and comparison that some trial is known for."""
    by = grouped(records, lambda record: (population_name(record), record.comparison))
    made = (_matrix(*key, own) for key, own in by.items())
    return [matrix for matrix in made if matrix.trials]


def _matrix(population: str, comparison: str, records: Sequence[Appraised]) -> Matrix:
    cells = [_cells(record) for record in records]
    trials: dict[str, str] = {}
    for record in records:
        trials |= {row.study_id: words.short(row.label) for row in record.known}
        trials |= {row.study_id: words.short(row.label) for row in record.studies}
    rows = sorted(trials.items(), key=lambda trial: (trial[1].casefold(), trial[0]))
    names = [words.capital(domain_of(record).name) for record in records]
    titles = {
        record.analysis: record.title if names.count(name) > 1 and record.title else name
        for record, name in zip(records, names, strict=True)
    }
    found = {trial: [own.get(trial[0], Availability.NOT_ASKED) for own in cells] for trial in rows}
    return Matrix(population, words.capital(comparison), titles, found)


def _cells(record: Appraised) -> dict[str, Availability]:
    """What each known trial of an analysis has for it."""
    silent = {
        trial: Availability.UNKNOWN if why is Silence.UNREAD else Availability.PARTLY
        for trial, why in silent_trials(record).items()
    }
    return silent | {row.study_id: Availability.AVAILABLE for row in record.studies}


def matrix_rows(matrices: Sequence[Matrix]) -> Iterator[dict[str, str]]:
    """The cells of the matrices as rows of a table, those that nobody asked left out."""
    for matrix in matrices:
        for (study, label), cells in matrix.trials.items():
            for (analysis, outcome), cell in zip(matrix.outcomes.items(), cells, strict=True):
                if cell is not Availability.NOT_ASKED:
                    place = {"population": matrix.population, "comparison": matrix.comparison}
                    row = {"analysis": analysis, "outcome": outcome, "study_id": study, "label": label}
                    yield {**place, **row, "availability": str(cell)}


MATRIX_COLUMNS = ("population", "comparison", "analysis", "outcome", "study_id", "label", "availability")
