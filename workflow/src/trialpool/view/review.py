"""The whole review as a reader sees it: claims, summary of findings, published results, maps, flow and audit.

Records, the appraisal's claims, networks, rows of other tables in; what templates and figures loop over out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from trialpool import text as words
from trialpool.records import Finding, Network, Rank, Status
from trialpool.view.forest_table import Estimate, Number, people, pooled_estimate
from trialpool.view.question import (
    domain_of,
    population_name,
    size_words,
    status_of,
    verdict_words,
)
from trialpool.view.read import Appraised, Row, Tables, grouped
from trialpool.view.study import Trial
from trialpool.yaml_files import shipped

LARGEST_RADIUS, SMALLEST_RADIUS = 18.0, 8.0
MOST_COMPARISONS = 250  # rows of all maps together: a taller figure nobody reads and no PNG holds
TALLEST = 60  # dots in a year of the timeline
MOST_CONDITIONS = 8  # that two alternating colours and one key can still tell apart
LEAVING = ("no_numbers", "not_usable")
SEVERITIES = ("high", "medium", "low")
ASKED: dict[str, str] = {
    Status.POOLED: "pooled",
    Status.NOT_POOLED: "with trials too unlike to be pooled",
    "no_estimate": "of which the method chosen has no estimate",
    Status.SINGLE_STUDY: "with one trial",
    Status.NO_DATA: "without a poolable trial",
}


def headline_facts(records: Sequence[Appraised], tables: Tables) -> list[str]:
    """What the head of the page counts: trials, people, questions by status; not what there is none of.

    >>> headline_facts([], {"studies": [{"n_randomised": 40}]})
    ['1 trial known', '40 people randomised']
    """
    studies = tables.get("studies") or []
    statuses = [status_of(record) for record in records]
    people = sum(row.get("n_randomised") or 0 for row in studies)
    usable = len({row.study_id for record in records for row in record.studies})
    counted = [
        (len(studies), ("trial", "trials"), "known"),
        (people, ("person", "people"), "randomised"),
        (usable, ("trial", "trials"), "with usable results"),
        *((statuses.count(status), ("question", "questions"), what) for status, what in ASKED.items()),
    ]
    return [f"{words.count(amount, *nouns)} {what}" for amount, nouns, what in counted if amount]


def shared_methods(records: Sequence[Appraised]) -> list[str]:
    """The sentences on methods that hold of more than half of the questions with a result.

    >>> shared_methods([])
    []
    """
    texts = [record.methods.text for record in records if record.studies]
    times = Counter(sentence for text in texts for sentence in text)
    return [sentence for sentence, count in times.items() if 2 * count > len(texts)]


# claims


class Decisive(NamedTuple):
    """A result that decides a claim, of an analysis or of its trials within a dose, its size and reading."""

    effect: Estimate
    size: str
    reading: str


def decisive(path: str, finding: Finding, record: Appraised) -> Decisive | None:
    """What a finding on a claim rests on, if anything; numbers of a dose stand with the claim, at `path`."""
    restricted = record.restricted(finding.restricted)
    effect = pooled_estimate(restricted)
    if effect and restricted is not record:
        numbers = (each._replace(path=f"{path}.restricted.{each.path.partition('/')[2]}") for each in effect)
        effect = Estimate(*numbers)
    return Decisive(effect, size_words(restricted), verdict_words(restricted)) if effect else None


# published results


class Published(NamedTuple):
    """A published pool, ours beside it where we have one."""

    row: Row
    record: Appraised | None
    ours: Estimate | None


class Directions(NamedTuple):
    """Of the published pools of one question, how many lie on our side of no effect, how many do not.

    Of the rest that is not known: their direction is not, or there is no result here.
    """

    record: Appraised
    pools: int
    same: int
    other: int


def published_views(rows: Sequence[Row], records: Sequence[Appraised]) -> list[Published]:
    """Rows of published.csv, or of the table published_pools, each beside our analysis if one is named."""
    by_analysis = {record.analysis: record for record in records}
    views = []
    for row in rows:
        record = by_analysis.get(row.get("analysis") or "")
        views.append(Published(row, record, pooled_estimate(record) if record else None))
    return views


def review_name(review_id: str) -> str:
    """A published review's id as a name.

    >>> review_name("Li2020"), review_name("Acta_12_2021b")
    ('Li 2020', 'Acta 12 2021b')
    """
    return words.spaced(re.sub(r"_?((?:19|20)\d\d[a-z]?)$", r" \1", review_id))


def published_directions(views: Sequence[Published], records: Sequence[Appraised]) -> list[Directions]:
    """What the published pools of every question say that has some, in the order of the records."""
    found = []
    for record in records:
        flags = [view.row["same_direction"] for view in views if view.record is record]
        if flags:
            found.append(Directions(record, len(flags), flags.count("true"), flags.count("false")))
    return found


# networks


class Standing(NamedTuple):
    """A treatment of a network against its reference, how many trials compare the two, and how it ranks."""

    rank: Rank
    trials: int
    effect: Estimate
    p_score: Number


def standings(network: Network) -> list[Standing]:
    """Every treatment against the reference, the best first."""
    reference = network.fit and network.fit.reference
    rows = {row.experimental: (at, row) for at, row in enumerate(network.league) if row.control == reference}
    found = []
    for place, rank in enumerate(network.ranking):
        if rank.treatment in rows:
            at, row = rows[rank.treatment]
            keys, path = ("estimate", "ci_low", "ci_high"), f"networks/{network.network}"
            values = [getattr(row, key) for key in keys]
            texts = words.format_values(network.measure, values)
            numbers = map(Number, values, texts, (f"{path}.league.{at}.{key}" for key in keys))
            score = Number(rank.p_score, words.number(rank.p_score, 2), f"{path}.ranking.{place}.p_score")
            found.append(Standing(rank, row.trials, Estimate(*numbers), score))
    return found


def left_out(network: Network) -> list[str]:
    """Which trials and arms of its treatments a network is without, and why: a sentence a kind."""
    said, sentences = shipped("sentences")["networks"]["left_out"], []
    for kind, rows in grouped(network.left_out, lambda row: row.kind).items():
        alike = grouped(rows, lambda row: row.reason or words.listing(row.arms))
        names = {why: [row.label for row in own] for why, own in alike.items()}
        named = (f"{words.listing(own)}: {why}" if why else "; ".join(own) for why, own in names.items())
        count, verb = words.capital(words.count(len(rows), "trial")), "has" if len(rows) == 1 else "have"
        sentences.append(said[kind].format(count=count, verb=verb, left="; ".join(named)))
    return sentences


# where the evidence lies


class Bubble(NamedTuple):
    """One question as a circle (radius in pixels) whose area is its people, or a gap; its size in words."""

    analysis: str
    title: str
    status: Status
    k: int
    radius: float
    size: str


class Population(NamedTuple):
    """One table of the map: outcomes as columns, comparisons as rows of cells.

    A cell without bubbles is a question that nobody has put; a bubble of no trial is a question put in vain.
    """

    heading: str
    domains: Sequence[str]
    rows: Mapping[str, Sequence[Sequence[Bubble]]]


def evidence_map(records: Sequence[Appraised]) -> list[Population]:
    """One table for each population: a row a comparison, a column an outcome, a cell the results there."""
    largest = max((people(record) or 0 for record in records if record.pooled), default=0)
    return [_population(name, own, largest) for name, own in grouped(records, population_name).items()]


def with_room(populations: Sequence[Population]) -> tuple[list[Population], int]:
    """The first populations, of MOST_COMPARISONS rows at most (at least one), and how many are left out."""
    rows = accumulate(len(population.rows) for population in populations)
    shown = populations[: max(1, sum(number <= MOST_COMPARISONS for number in rows))]
    return list(shown), len(populations) - len(shown)


def _population(heading: str, members: Sequence[Appraised], largest: int) -> Population:
    names = {record.domain: words.capital(domain_of(record).name) for record in members}
    order = [*members[0].vocabulary.domains, *names]
    domains = sorted(names, key=order.index)
    rows = {
        words.capital(comparison): [
            [_bubble(record, largest) for record in own if record.domain == domain] for domain in domains
        ]
        for comparison, own in grouped(members, lambda record: record.comparison).items()
    }
    return Population(heading, [names[domain] for domain in domains], rows)


def _bubble(record: Appraised, largest: int) -> Bubble:
    """One result as a circle; an unknown number of people is drawn smallest."""
    amount = people(record) if record.pooled else 0
    share = (amount or 0) / largest if largest else 0.0
    size = f"{words.count(record.k, 'trial')}, {words.count(amount, 'person', 'people')}"
    radius = round(max(SMALLEST_RADIUS, LARGEST_RADIUS * share**0.5), 1)
    words_of_size = size if record.k else "no usable trial"
    return Bubble(record.analysis, record.title, record.status, record.k, radius, words_of_size)


class Dot(NamedTuple):
    """Some trials of one year, condition (`series` 0 or 1, alternating) and kind (`used` or only known)."""

    series: int
    used: bool
    label: str


class Timeline(NamedTuple):
    """Trials by year of publication: the dots of every year, lowest first, up to `each` trials in one.

    `trials` counts those of a year, `undated` those without one; of too many conditions none is told apart.
    """

    conditions: Sequence[str]
    dots: Mapping[int, Sequence[Dot]]
    trials: Mapping[int, int]
    each: int
    undated: int


def timeline(trials: Sequence[Trial]) -> Timeline | None:
    """Trials by year, by condition, filled where a result could be used; None where no year is known."""
    by_year = grouped(trials, lambda trial: int(trial.facts.get("year") or 0))
    undated = len(by_year.pop(0, []))
    if not by_year:
        return None
    names = {trial.condition: trial.vocabulary.condition(trial.condition) for trial in trials}
    conditions = list(names) if len(names) <= MOST_CONDITIONS else []
    each = -(-max(map(len, by_year.values())) // TALLEST)
    years = range(min(by_year), max(by_year) + 1)
    return Timeline(
        conditions=[names[code] for code in conditions],
        dots={year: _stack(by_year.get(year, []), conditions, each) for year in years},
        trials={year: len(by_year[year]) for year in years if year in by_year},
        each=each,
        undated=undated,
    )


def _stack(trials: Sequence[Trial], conditions: Sequence[str], each: int) -> list[Dot]:
    """The dots of one year, of the first condition first, in it the used trials first."""
    ordered = sorted(trials, key=lambda trial: (trial.condition, not trial.used_in, trial.label))
    kinds = grouped(ordered, lambda t: (conditions.index(t.condition) if conditions else 0, not t.used_in))
    return [
        _dot(series % 2, not unused, members[start : start + each])
        for (series, unused), members in sorted(kinds.items(), key=lambda kind: kind[0])
        for start in range(0, len(members), each)
    ]


def _dot(series: int, used: bool, trials: Sequence[Trial]) -> Dot:
    alone = f"{trials[0].label}, {trials[0].vocabulary.condition(trials[0].condition)}"
    return Dot(series, used, words.count(len(trials), "trial") if trials[1:] else alone)


# flow and audit


def flow_steps(rows: Sequence[Row]) -> list[tuple[Row, list[Row]]]:
    """The steps of the whole review (rows of flow.csv without `analysis`), each with who left after it."""
    steps: list[tuple[Row, list[Row]]] = []
    for row in rows:
        if not row["analysis"] and row["step"] in LEAVING and steps:
            steps[-1][1].append(row)
        elif not row["analysis"]:
            steps.append((row, []))
    return steps


def audit_rules(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """Rows of audit.csv by severity and rule, the gravest first."""
    rules = grouped(rows, lambda row: (row["severity"], row["rule"]))
    return dict(sorted(rules.items(), key=lambda rule: (*SEVERITIES, rule[0][0]).index(rule[0][0])))


def rule_name(rule: str) -> str:
    """A rule of the audit in words, abbreviations as they are written."""
    written = {"se": "SE", "sd": "SD", "ci": "CI"}
    return words.capital(" ".join(written.get(word, word) for word in words.spaced(rule).split(" ")))
