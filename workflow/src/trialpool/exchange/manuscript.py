"""The manuscript of a finished review: methods as they were taken, results, tables, figures, references.

Results, the table of trials and the protocol in; parts of headings, paragraphs, tables and figures out. Every
number is one of a record, as `view` prints it. What no record holds (how trials were searched for and
screened, who paid) is named as still to be written.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from trialpool import text as words
from trialpool.exchange.finished import read_finished
from trialpool.exchange.references import lacking, reference
from trialpool.figures.notes import lines_of_tests, notes
from trialpool.protocol import Protocol
from trialpool.records import Grade, Status
from trialpool.synthesis.certainty import DOMAINS
from trialpool.text import capital, clean
from trialpool.view.forest_table import IMPUTED, forest_table
from trialpool.view.question import Question, condition_name, interval_name, population_name
from trialpool.view.read import Appraised, Tables, grouped
from trialpool.view.review import headline_facts, shared_methods
from trialpool.view.study import Trial, judged_tools, trial_views
from trialpool.vocabulary import Vocabulary

UNWRITTEN = (
    "How trials were searched for (databases, dates, words), and who screened them",
    "The registration of the review and its protocol, and what was changed in it",
    "Funding, interests and the roles of the authors",
)


class Heading(NamedTuple):
    """A heading; level 1 is that of a part."""

    text: str
    level: int = 2


class Table(NamedTuple):
    """A table with its caption; a row has as many cells as the head."""

    name: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


class Picture(NamedTuple):
    """The forest plot of an analysis with its caption; its files begin with `name`."""

    name: str
    caption: str
    record: Appraised


class Items(NamedTuple):
    """A list, numbered or not."""

    texts: tuple[str, ...]
    numbered: bool = False


Block = Heading | Table | Picture | Items | str  # a text is a paragraph


class Part(NamedTuple):
    """A part of the manuscript, such as "methods", with its blocks."""

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Review:
    """What a manuscript is made of: the appraised records in the order of the protocol, and its trials.

    Questions that only illustrate are no part of the review, unless they are asked for by name.
    """

    title: str
    authors: str
    search_date: str
    records: Sequence[Appraised]
    tables: Tables
    vocabulary: Vocabulary

    @property
    def trials(self) -> list[Trial]:
        """The trials with a result in one of the questions, in the order of their names."""
        every = trial_views(self.records, self.tables, self.vocabulary)
        return sorted((each for each in every if each.used_in), key=lambda trial: trial.label.casefold())


def read_review(source: str | Path, only: Sequence[str] = ()) -> Review:
    """The finished review of a configuration, or of a results folder, of whose trials less is known.

    `only` names the analyses that the manuscript is of; all, if none. Raises InputError where there are no
    results, or an analysis is not among them.
    """
    found = read_finished(source)
    head = found.head
    records = [record for record in found.records(only) if only or not record.illustrative]
    title = head["title"] or capital(words.listing(dict.fromkeys(map(condition_name, records))))
    tables = _evidence(found.protocol, found.folder) if found.protocol else _of_records(records)
    return Review(title, head["authors"], head["search_date"], records, tables, found.words)


def _evidence(protocol: Protocol, folder: Path) -> Tables:
    """The rows of the evidence tables, missing cells None."""
    from trialpool.evidence.read import read_evidence

    with contextlib.chdir(folder):
        frames = read_evidence(protocol.evidence, protocol.words)
    tables = {name: frame.astype(object).where(frame.notna(), None) for name, frame in frames.items()}
    return {name: frame.to_dict("records") for name, frame in tables.items()}


def _of_records(records: Sequence[Appraised]) -> Tables:
    """The table of trials as far as records know it."""
    known = ("study_id", "label", "year", "n_randomised", "design", "source_url")
    rows = {row.study_id: row for record in records for row in record.studies}
    return {"studies": [{name: getattr(row, name) for name in known} for row in rows.values()]}


# parts


def parts_of(review: Review) -> list[Part]:
    """The parts of the manuscript in their order."""
    # A plot may be asked for less than there is to tell.
    views = [Question(replace(record, shape=None)) for record in review.records]
    trials = review.trials
    return [
        Part("methods", "Methods", tuple(_methods(review, views))),
        Part("results", "Results", tuple(_results(review, views))),
        Part("tables", "Tables", tuple(_tables(review, views, trials))),
        Part("figures", "Figures", tuple(_figures(review.records))),
        Part("references", "References of the trials", tuple(_references(trials))),
        Part("supplement", "Supplement: methods of single questions", (Items(tuple(_own_methods(review))),)),
    ]


def checklist_part(source: str | Path) -> Part:
    """The items of PRISMA 2020, with the counts of the search before them, if it was recorded."""
    from trialpool.exchange.prisma import CHECKLISTS, checklist, read_reported
    from trialpool.view.prisma import told

    reported = read_reported(source)
    lists: dict[str, list[tuple[str, ...]]] = {}
    for item in checklist(reported):
        lists.setdefault(item.checklist, []).append((item.section, item.item, item.name, item.location))
    head = ("Section", "Item", "What it asks", "Where it stands")
    tables = (
        Table(f"checklist-{at}", name, head, tuple(rows)) for at, (name, rows) in enumerate(lists.items(), 1)
    )
    flow = tuple(told(reported.flow)) if reported.flow else (CHECKLISTS["no_screening"],)
    return Part("checklist", "Checklist", (*flow, *tables))


def _methods(review: Review, views: Sequence[Question]) -> Iterator[Block]:
    records = review.records
    yield Heading("Questions")
    yield f"The review asks {words.count(len(records), 'question')}. Its populations are"
    yield Items(tuple(dict.fromkeys(capital(condition_name(record)) for record in records)))
    yield "and its comparisons"
    yield Items(tuple(dict.fromkeys(capital(record.comparison) for record in records)))
    if review.search_date:
        yield f"Trials are those known on {review.search_date}."
    yield Heading("Synthesis")
    for sentence in shared_methods(records):
        yield review.vocabulary.named(sentence)
    if _own_methods(review):
        yield "These hold of most questions with a result; the supplement has those of single ones."
    rated = [record for record in records if record.certainty]
    if rated:
        yield Heading("Certainty")
        yield _certainty_methods(rated)
    yield Heading("Software")
    yield f"All was computed with Trialpool {_version()}, each number from a row of the evidence tables."
    yield Heading("Still to be written")
    yield "What the record of the review does not hold:"
    yield Items(UNWRITTEN)


def _own_methods(review: Review) -> list[str]:
    """The sentences on methods that hold of few questions, with the titles of these."""
    shared = shared_methods(review.records)
    found: dict[str, list[str]] = {}
    for record in review.records:
        for sentence in record.methods.text if record.studies else ():
            if sentence not in shared:
                found.setdefault(review.vocabulary.named(sentence), []).append(record.title)
    return [f"{sentence} ({'; '.join(titles)})" for sentence, titles in found.items()]


def _certainty_methods(records: Sequence[Appraised]) -> str:
    domains = words.listing(DOMAINS.values())
    by_hand = sum(
        bool(domain.overridden)
        for record in records
        for domain in (record.certainty.domains if record.certainty else ())
    )
    said = f"Certainty was rated by GRADE's domains ({domains}) from the rules of the review"
    judged = "in no domain" if not by_hand else f"in {words.count(by_hand, 'domain')}"
    return f"{said}; a person's judgement stands in the place of a rule {judged}."


def _version() -> str:
    try:
        return importlib.metadata.version("trialpool")
    except importlib.metadata.PackageNotFoundError:
        return "(version not known)"


# results


def _results(review: Review, views: Sequence[Question]) -> Iterator[Block]:
    facts = headline_facts(review.records, review.tables)
    if facts:
        yield f"{capital(words.listing(facts))}."
    for population, own in grouped(views, lambda view: population_name(view.record)).items():
        told = [view for view in own if view.effect or view.record.status == Status.NOT_POOLED]
        if told:
            yield Heading(population)
        for view in told:
            yield Heading(view.record.title, 3)
            yield result_text(view)
    silent = [view for view in views if view.record.status == Status.NO_DATA]
    if silent:
        yield Heading("Questions without a result")
        yield Items(tuple(f"{view.record.title}: {view.sentence}" for view in silent))


def result_text(view: Question) -> str:
    """What was found on a question, in a paragraph: finding, numbers, heterogeneity, does it hold, certainty.

    >>> from trialpool.records import sketch
    >>> record = {"status": "no_data", "measure": "MD", "domain": "pain"}
    >>> record |= {"experimental_name": "yoga", "control_name": "sham"}
    >>> result_text(Question(sketch(Appraised, record)))
    'No trial is known that compares yoga with sham.'
    """
    record, table = view.record, view.table
    sentences = [view.statement, view.sentence]
    if table.total:
        sentences += [f"{line}." for line in lines_of_tests(record, table)]
        level = f"{table.level} CI"
        beside = (
            f"{model[:1].lower()}{model[1:]}: {each.estimate.text} ({level} {each.interval})"
            for model, each in table.beside
        )
        others = "; ".join(beside)
        sentences += [f"By other models {others}."] if others else []
        if record.robustness.grade != Grade.NOT_ASSESSABLE:
            sentences.append(record.robustness.sentence)
        sentences.append(record.small_study.sentence)
    if record.n_imputed:
        rest = "rests" if record.n_imputed == 1 else "rest"
        every = words.count(len(record.studies), "effect")
        sentences.append(f"{record.n_imputed} of {every} {rest} on an imputed number.")
    sentences.append(certainty_text(record))
    return " ".join(_ended(clean(sentence)) for sentence in sentences if sentence)


def certainty_text(record: Appraised) -> str:
    """The certainty of a result with the reasons for which it was lowered; "" where it is not rated."""
    if not record.certainty:
        return ""
    lowered = [
        f"{DOMAINS[domain.domain]} (−{domain.levels_down}: {domain.reason.rstrip('.')})"
        for domain in record.certainty.domains
        if domain.levels_down
    ]
    why = f", lowered for {words.listing(lowered)}" if lowered else ""
    return f"Certainty of the evidence (GRADE): {record.certainty.level}{why}."


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


# tables


def _tables(review: Review, views: Sequence[Question], trials: Sequence[Trial]) -> Iterator[Block]:
    told = [view for view in views if view.effect]
    if told:
        yield _summary(told)
    if trials:
        yield _characteristics(trials)
    named = {trial.study_id: trial.label for trial in trials}
    rows = [row for row in review.tables.get("risk_of_bias") or [] if row["study_id"] in named]
    for tool in judged_tools(rows, named, len(trials)):
        cells = tuple(
            (
                trial.label,
                *("; ".join(light.text for light in lights) or words.MISSING for lights in trial.cells),
            )
            for trial in tool.trials
        )
        caption = f"Risk of bias of the trials by {tool.name}, as published reviews judged it"
        head = ("Trial", *map(capital, tool.domains))
        yield Table(f"risk-of-bias-{words.anchor('', tool.name).strip('-')}", caption, head, cells)


def _summary(views: Sequence[Question]) -> Table:
    ci = interval_name([view.record for view in views])
    head = ("Question", "Trials", "People", f"Effect ({ci})", "Prediction interval", "τ²", "I²", "Certainty")
    return Table("summary", "Results", head, tuple(map(_summary_row, views)))


def _summary_row(view: Question) -> tuple[str, ...]:
    record, table = view.record, view.table
    total, effect = table.total, view.effect
    assert effect
    bounds = f" ({effect.interval})" if effect.bounded else ""
    return (
        record.title,
        str(record.k),
        table.people.removesuffix(" people").removesuffix(" person") or words.MISSING,
        f"{record.measure} {effect.estimate.text}{bounds}",
        table.prediction.interval if table.prediction else words.MISSING,
        total.tau2.estimate.text if total else words.MISSING,
        total.i2.text if total else words.MISSING,
        str(record.certainty.level) if record.certainty else words.MISSING,
    )


def _characteristics(trials: Sequence[Trial]) -> Table:
    head = ("Trial", "Country", "Population", "Design", "Randomised", "Arms", "Questions")
    rows = []
    for trial in trials:
        facts = [trial.facts.get(name) for name in ("country", "population", "design", "n_randomised")]
        cells = (words.plain_number(words.clean(fact) if isinstance(fact, str) else fact) for fact in facts)
        arms = capital(words.listing(trial.treatments)) or words.MISSING
        rows.append((trial.label, *cells, arms, str(len(trial.used_in))))
    note = "Questions: to how many of the results the trial contributes."
    return Table("characteristics", "Characteristics of the trials with results", head, tuple(rows), note)


# figures and references


def _figures(records: Sequence[Appraised]) -> Iterator[Block]:
    for record in records:
        if record.k > 1:
            yield Picture(record.analysis, caption_of(record), record)


def caption_of(record: Appraised) -> str:
    """Title, legend and notes of a forest plot, which stand below it in a journal."""
    table = forest_table(record)
    legend = notes("forest_method", record, table, True)
    imputed = [study.label for study in table.studies if study.imputed]
    said = [f"Open squares ({'; '.join(imputed)}) rest on an imputed number."] if imputed else []
    for mark, text in table.notes:
        marked = [study.label for study in table.studies if mark in study.marks.split()]
        said += [f"{'; '.join(marked)}: {text}"] if mark != IMPUTED else []
    return " ".join(map(_ended, [f"Forest plot. {record.title}", *legend, *said]))


def _references(trials: Sequence[Trial]) -> Iterator[Block]:
    yield Items(tuple(map(reference, trials)), numbered=True)
    missing = lacking(trials)
    if missing:
        yield Heading("What these references lack")
        yield "The table of trials does not say it, and nothing was looked up:"
        yield Items(tuple(_lack(name, labels, len(trials)) for name, labels in missing.items()))


def _lack(name: str, labels: Sequence[str], every: int) -> str:
    whose = "of every trial" if len(labels) == every else f"of {'; '.join(labels)}"
    return f"{name.upper() if name == 'doi' else capital(name)} {whose}"
