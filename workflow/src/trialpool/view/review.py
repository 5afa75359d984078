"""The whole review as a reader sees it: claims, summary of findings, published results, maps, flow and audit.

Records, the appraisal's claims and rows of other tables in; mappings for the templates and the figures out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialpool import text as words
from trialpool.records import Claim, Finding, Record, Status
from trialpool.view.axis import Axis, shared_axis
from trialpool.view.forest_table import POOLED, Estimate, Number, number_at, pooled_estimate
from trialpool.view.question import (
    CONDITION_NAMES,
    CertaintyView,
    certainty_view,
    condition_name,
    grouped,
    informative_statement,
    people,
    result_axis,
    size_words,
    title_parts,
)
from trialpool.view.read import Appraised, Row, Tables
from trialpool.view.study import row_links

DOSE_WORDS = {
    "sessions": "sessions",
    "programme_weeks": "weeks of treatment",
    "sessions_per_week": "sessions a week",
    "weeks": "weeks to the measurement",
}
LARGEST_RADIUS, SMALLEST_RADIUS = 18.0, 8.0
MOST_COMPARISONS = 250  # rows of all maps together: a taller figure nobody reads and no PNG holds
DOT, COLUMN, TALLEST = 9, 14, 60
MOST_CONDITIONS = 8  # that two alternating colours and one key can still tell apart
LEAVING = ("no_numbers", "not_usable")
BRANCHES = ("pooled_with_others", "alone")
SEVERITIES = ("high", "medium", "low")


def headline_facts(records: Sequence[Record], tables: Tables) -> list[tuple[str, str]]:
    """What the head of the page counts, as names and numbers: trials, people, questions by status."""
    studies = tables.get("studies") or []
    randomised = sum(row["n_randomised"] for row in studies if not words.absent(row.get("n_randomised")))
    used = {study.study_id for record in records for study in record.studies}
    statuses = [record.status for record in records]
    counts = {
        "trials known": len(studies),
        "people randomised": randomised,
        "trials with usable results": len(used),
        "questions pooled": statuses.count(Status.POOLED),
        "questions with one trial": statuses.count(Status.SINGLE_STUDY),
        "questions without a poolable trial": statuses.count(Status.NO_DATA),
    }
    return [(name, words.number(value, 0)) for name, value in counts.items()]


# claims


@dataclass(frozen=True, slots=True)
class FindingView:
    """A result that decides a claim: of an analysis, or of its trials within a dose."""

    finding: Finding
    record: Appraised
    effect: Estimate | None
    axis: Axis | None
    size: str


def claim_views(claims: Sequence[Claim], records: Sequence[Appraised]) -> list[dict[str, Any]]:
    """Every claim with what its template needs; `claims` are judged claims of the appraisal."""
    by_analysis = {record.analysis: record for record in records}
    return [_claim_view(index, claim, by_analysis) for index, claim in enumerate(claims)]


def _claim_view(index: int, claim: Claim, by_analysis: Mapping[str, Appraised]) -> dict[str, Any]:
    parts = []
    for number, part in enumerate(claim.parts):
        path = f"claims/{index}.parts.{number}.findings"
        findings = [
            _finding(f"{path}.{at}.restricted.", finding, by_analysis[finding.analysis])
            for at, finding in enumerate(part.findings)
        ]
        parts.append({"part": part, "dose": _dose_words(part.where), "findings": findings})
    return {
        "claim": claim,
        "anchor": words.anchor("claim", claim.claim),
        "verdict_class": claim.verdict.replace(" ", "-"),
        "parts": parts,
        "also": [by_analysis[analysis] for analysis in claim.also if analysis in by_analysis],
    }


def _finding(path: str, finding: Finding, record: Appraised) -> FindingView:
    decisive = record.restricted(finding.restricted)
    effect = pooled_estimate(decisive)
    if not effect:
        return FindingView(finding, record, None, None, "")
    if decisive is not record:  # its numbers stand with the claim
        effect = effect.at(path, f"{record.analysis}/")
    return FindingView(finding, record, effect, result_axis(decisive), size_words(decisive))


def _dose_words(where: Mapping[str, Sequence[float]]) -> str:
    """The bounds of a dose in words."""
    return words.listing(
        f"{words.plain_number(low)} to {words.plain_number(high)} {DOSE_WORDS.get(key, words.spaced(key))}"
        for key, (low, high) in where.items()
    )


# summary of findings


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of a summary of findings; `absolute` has risks and differences per 1,000 by their names."""

    record: Appraised
    outcome: str
    effect: Estimate
    absolute: Mapping[str, Number] | None
    certainty: CertaintyView | None
    statement: str
    people: int | None


def comparison_tables(records: Sequence[Appraised]) -> list[dict[str, Any]]:
    """One table for each condition and comparison that has a result, outcomes in the order of the config."""
    tables: dict[tuple[str, ...], dict[str, Any]] = {}
    for record in records:
        population, sides = condition_name(record), (record.experimental_name, record.control_name)
        table = tables.setdefault(
            (population, *sides),
            {
                "heading": words.capital(f"{sides[0]} compared with {sides[1]}"),
                "anchor": words.anchor("findings", population, *sides),
                **{"population": population, "experimental": sides[0], "control": sides[1]},
                **{"rows": [], "missing": []},
            },
        )
        effect = pooled_estimate(record)
        if effect:
            table["rows"].append(_outcome(record, effect))
        else:
            table["missing"].append(record)
    shown = [table for table in tables.values() if table["rows"]]
    return [table | {"absolute": any(row.absolute for row in table["rows"])} for table in shown]


def _outcome(record: Appraised, effect: Estimate) -> Outcome:
    return Outcome(
        record=record,
        outcome=words.capital(title_parts(record)[0]),
        effect=effect,
        absolute=_absolute(record) if record.absolute else None,
        certainty=certainty_view(record),
        statement=informative_statement(record),
        people=people(record),
    )


def _absolute(record: Appraised) -> dict[str, Number]:
    """Risks per 1,000 with their exact values, and the difference as "more" or "fewer"."""
    risks = ("assumed_risk", "risk", "risk_low", "risk_high")
    shown = dict.fromkeys(risks, lambda value: words.number(value, 0))
    shown |= dict.fromkeys(("difference", "difference_low", "difference_high"), _more_or_fewer)
    return {key: number_at(record, f"absolute.{key}", text) for key, text in shown.items()}


def _more_or_fewer(per_thousand: float) -> str:
    """A difference in people per 1,000 in words."""
    amount = words.number(abs(per_thousand), 0)
    if amount == "0":
        return "no difference"
    return f"{amount} {'more' if per_thousand > 0 else 'fewer'}"


# published results


def published_views(rows: Sequence[Row], records: Sequence[Appraised]) -> list[dict[str, Any]]:
    """One view a published pool: its numbers as printed, ours beside them, both on one axis where possible.

    `rows` are rows of published.csv (or of published_pools.csv, then without an analysis of ours).
    """
    by_analysis = {record.analysis: record for record in records}
    return [_published(row, by_analysis.get(row.get("analysis") or "")) for row in rows]


def _published(row: Row, record: Appraised | None) -> dict[str, Any]:
    numbers = ("n_studies", "n_participants", *POOLED)
    theirs = {key: None if words.absent(row.get(key)) else float(row[key]) for key in numbers}
    bounds = (theirs["estimate"], theirs["ci_low"], theirs["ci_high"])
    ours = pooled_estimate(record) if record else None
    axis = None
    if record and ours and record.measure == row.get("measure") and theirs["estimate"] is not None:
        axis = shared_axis(record.measure, [bounds, ours.values])
    keys = ("review_id", "condition", "comparison", "outcome", "measure", "source_url", "locator", "note")
    return {
        **{key: row.get(key) for key in keys},
        **theirs,
        "bounds": bounds,
        "record": record,
        "ours": ours,
        "axis": axis,
        "differences": [part for part in str(row.get("differences") or "").split("; ") if part],
    }


# where the evidence lies


def evidence_map(records: Sequence[Appraised]) -> list[dict[str, Any]]:
    """One table for each population: a row a comparison, a column an outcome, a cell the results there.

    A cell is a list of results (trials, people, circle radius); an empty list is a question that nobody
    has put; a result with `k` 0 is a question put, but without a usable trial.
    """
    largest = max((people(record) or 0 for record in records if record.pooled), default=0)
    return [_population_map(heading, members, largest) for heading, members in grouped(records)]


def with_room(populations: Sequence[Row]) -> tuple[list[Row], int]:
    """The first populations, of MOST_COMPARISONS rows at most (at least one), and how many are left out.

    >>> with_room([{"rows": [1] * 200}, {"rows": [1] * 50}, {"rows": [1]}])[1]
    1
    """
    shown: list[Row] = []
    rows = 0
    for population in populations:
        rows += len(population["rows"])
        if shown and rows > MOST_COMPARISONS:
            break
        shown.append(population)
    return shown, len(populations) - len(shown)


def _population_map(heading: str, members: Sequence[Record], largest: int) -> dict[str, Any]:
    domains = [code for code in words.DOMAIN_NAMES if any(record.domain == code for record in members)]
    domains += [r.domain for r in members if r.domain not in words.DOMAIN_NAMES]
    domains = list(dict.fromkeys(domains))
    comparisons = dict.fromkeys(record.comparison for record in members)
    cells: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in members:
        cells.setdefault((record.comparison, record.domain), []).append(_bubble(record, largest))
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


def _bubble(record: Record, largest: int) -> dict[str, Any]:
    """One result as a circle whose area is its people; an unknown number is drawn smallest."""
    amount = people(record) if record.pooled else 0
    share = (amount or 0) / largest if largest else 0.0
    size = "no usable trial"
    if record.k:
        size = f"{words.count(record.k, 'trial')}, {words.count(amount, 'person', 'people')}"
    return {
        "analysis": record.analysis,
        "title": record.title,
        "k": record.k,
        "status": record.status,
        "radius": round(max(SMALLEST_RADIUS, LARGEST_RADIUS * share**0.5), 1),
        "size": size,
    }


def timeline(trials: Sequence[Row]) -> dict[str, Any] | None:
    """Trials by year of publication: stacked dots, by condition, filled where a result could be used.

    `trials` are views of `study.trial_views`. None where no year is known. Where a year has more than
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
        "conditions": [CONDITION_NAMES.get(code, code) for code in conditions],
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
        {"series": series % 2, "used": used, "label": _name_of(members[start : start + each])}
        for (series, used), members in sorted(kinds.items(), key=lambda kind: (kind[0][0], not kind[0][1]))
        for start in range(0, len(members), each)
    ]


def _name_of(trials: Sequence[Row]) -> str:
    if len(trials) > 1:
        return words.count(len(trials), "trial")
    return f"{trials[0]['label']}, {trials[0]['condition']}"


def _dots(stacks: Sequence[Sequence[Row]], base: float) -> list[dict[str, Any]]:
    return [
        {"x": 10 + COLUMN * column + COLUMN / 2, "y": base - DOT * height - DOT / 2, **dot}
        for column, stack in enumerate(stacks)
        for height, dot in enumerate(stack)
    ]


# flow and audit


def flow_view(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The steps of the whole review (rows of flow.csv without `analysis`), each with those who left after it.

    >>> rows = [{"analysis": "", "step": "known", "reason": "trials known", "trials": "3", "people": "90"},
    ...         {"analysis": "", "step": "no_numbers", "reason": "nothing", "trials": "1", "people": ""},
    ...         {"analysis": "", "step": "with_numbers", "reason": "trials with any number", "trials": "2",
    ...          "people": "60"}]
    >>> [(step["name"], step["trials"], len(step["left"])) for step in flow_view(rows)]
    [('Trials known', 3, 1), ('Trials with any number', 2, 0)]
    """
    steps: list[dict[str, Any]] = []
    for row in rows:
        if row["analysis"]:
            continue
        entry: dict[str, Any] = {
            "name": words.capital(str(row["reason"])),
            "trials": _count(row["trials"]),
            "people": _count(row["people"]),
            "left": [],
            "branch": row["step"] in BRANCHES,
        }
        if row["step"] in LEAVING and steps:
            steps[-1]["left"].append(entry)
        else:
            steps.append(entry)
    return steps


def _count(value: Any) -> int | None:
    """A count from a CSV cell; None where it is empty."""
    return None if words.absent(value) else round(float(value))


def audit_view(rows: Sequence[Row], named: Mapping[str, str]) -> dict[str, Any]:
    """The findings of the audit by rule, the gravest first, and how many of each severity.

    `rows` are rows of audit.csv, `named` the trials' names by study_id.
    """
    rules: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        rules.setdefault((row["severity"], row["rule"]), []).append(_audit_finding(row, named))
    order = sorted(rules, key=lambda key: SEVERITIES.index(key[0]) if key[0] in SEVERITIES else 9)
    return {
        "counts": [(severity, sum(row["severity"] == severity for row in rows)) for severity in SEVERITIES],
        "rules": [
            {
                "severity": severity,
                "name": _rule_name(rule),
                "check": rules[severity, rule][0]["check"],
                "findings": rules[severity, rule],
            }
            for severity, rule in order
        ],
    }


def _rule_name(rule: str) -> str:
    """A rule of the audit in words, abbreviations as they are written."""
    written = {"se": "SE", "sd": "SD", "ci": "CI"}
    return words.capital(" ".join(written.get(word, word) for word in words.spaced(rule).split(" ")))


def _audit_finding(row: Row, named: Mapping[str, str]) -> dict[str, Any]:
    """One finding with links: to the trial where it is one of the evidence, to each raw result row."""
    study_id = row.get("study_id") or ""
    return {
        "study_id": study_id if study_id in named else "",
        "label": named.get(study_id, study_id),
        "numbers": row["numbers"],
        "finding": row["finding"],
        "check": row["check"],
        "source_url": row.get("source_url"),
        "rows": row_links(row.get("row_ids")),
    }


def not_asked_view(rows: Sequence[Row], tables: Tables) -> list[dict[str, Any]]:
    """Results that no analysis asks for: one entry a trial and domain, with its outcomes, arms and rows.

    `rows` are those of `unused.not_asked`.
    """
    arms: dict[str, list[str]] = {}
    for arm in tables.get("arms") or []:
        name = words.spaced(arm.get("category") or arm.get("arm"))
        arms.setdefault(arm["study_id"], []).append(name)
    conditions = {study["study_id"]: study.get("condition") for study in tables.get("studies") or []}
    entries: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        code = str(conditions.get(row["study_id"]) or "")
        entry = entries.setdefault(
            (row["study_id"], row["domain"]),
            {
                **{"study_id": row["study_id"], "label": row["label"], "outcomes": [], "rows": []},
                "domain": words.capital(words.domain_name(row["domain"])),
                "condition": words.capital(CONDITION_NAMES.get(code, code)),
                "arms": list(dict.fromkeys(arms.get(row["study_id"], []))),
            },
        )
        entry["outcomes"].append(words.spaced(row["instrument"]))
        entry["rows"] += row_links(row["row_ids"])
    return list(entries.values())
