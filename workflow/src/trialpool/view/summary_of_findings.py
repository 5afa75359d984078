"""A comparison as a guideline panel reads it: one row an outcome, empty ones too, harms together, footnotes.

Questions in, tables of typed rows out, which the page, CSV, Word and FHIR read alike (GRADE guidelines 12
and 13, Guyatt 2013, J Clin Epidemiol 66: 158 and 173). Every number has its path in the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count as numbered
from typing import NamedTuple

from trialpool import text as words
from trialpool.evidence.unused import silence_words
from trialpool.measures import MEASURES, OF_RATES, Of
from trialpool.records import Baseline, Certainty, Difference, Status
from trialpool.synthesis.absolute import control_risk
from trialpool.synthesis.certainty import DOMAINS
from trialpool.view.forest_table import Estimate, Number, number_at, people_words
from trialpool.view.needed import Needed, needed
from trialpool.view.question import NO_PEOPLE, Question, condition_name, domain_of, title_parts
from trialpool.view.read import Appraised, grouped
from trialpool.yaml_files import shipped

WORDS = shipped("sentences")["summary_of_findings"]
DIFFERENCE = ("difference", "difference_low", "difference_high")
RISK = ("risk", "risk_low", "risk_high")
RARE = (10, 1)  # people of 1,000, below which a risk has a decimal, then two: else 1 of 1,000 becomes 0
NEEDED = ("nnt", "nnt_low", "nnt_high")


class Line(NamedTuple):
    """What an outcome is with the control, with the treatment, and what the difference is.

    Of risks and shares in people of 1,000 (`of_people`), else in `unit`; `span` are the lowest and the
    highest of several control arms, `source` says where the control's number comes from, in a table also a
    footnote, `mark`.
    """

    name: str
    source: str
    unit: str
    of_people: bool
    control: Number
    span: tuple[Number, Number] | None
    experimental: Estimate | None
    difference: Estimate
    needed: Needed | None
    mark: str = ""


class Row(NamedTuple):
    """One outcome: its effect with what it means (`lines`), or why there is none (`gap`).

    `marks` are those of the footnotes that say why certainty is not high; each line has its own.
    """

    view: Question
    outcome: str
    size: str
    effect: Estimate | None
    lines: tuple[Line, ...]
    certainty: Certainty | None
    marks: tuple[str, ...]
    statement: str
    gap: str
    harm: bool

    @property
    def record(self) -> Appraised:
        """The result that the row is of."""
        return self.view.record

    @property
    def foremost(self) -> tuple[Line, ...]:
        """The one line, if any, that says most: the mean, or the median of three risks."""
        return self.lines[1:2] if len(self.lines) == 3 and self.lines[0].of_people else self.lines[:1]

    @property
    def absent(self) -> str:
        """Why an effect has no lines: what the trials do not tell."""
        of = MEASURES[self.record.measure].of
        case = "rates" if self.record.measure in OF_RATES else of.value
        counted = of is Of.EVENTS and control_risk(self.record) is not None
        return str(WORDS["absent"]["nobody" if counted else case])


class Findings(NamedTuple):
    """The summary of findings of one comparison in one population; harms stand behind the other rows."""

    population: str
    experimental: str
    control: str
    illustrative: bool
    rows: tuple[Row, ...]
    notes: tuple[tuple[str, str], ...]

    @property
    def title(self) -> str:
        """What is compared with what; of one group, the group."""
        return f"{self.experimental} compared with {self.control}" if self.control else self.experimental

    @property
    def results(self) -> int:
        """How many outcomes have a result."""
        return sum(row.effect is not None for row in self.rows)


def summaries_of_findings(views: Sequence[Question]) -> list[Findings]:
    """A table for every population and comparison that has a result, in the order of the config.

    >>> summaries_of_findings([])
    []
    """

    def compared(view: Question) -> tuple[str, str, str]:
        return condition_name(view.record), view.record.experimental_name, view.record.control_name

    groups = grouped(views, compared).items()
    return [_findings(*key, own) for key, own in groups if any(view.effect for view in own)]


def _findings(population: str, experimental: str, control: str, views: Sequence[Question]) -> Findings:
    ordered = sorted(views, key=lambda view: domain_of(view.record).harm)  # else as they were
    marks: dict[str, str] = {}
    letters = map(letter, numbered())
    rows = tuple(_row(view, marks, letters) for view in ordered)
    notes = tuple((mark, note) for note, mark in marks.items())
    return Findings(population, experimental, control, views[0].record.illustrative, rows, notes)


def letter(number: int) -> str:
    """The mark of a footnote: a to z, then aa.

    >>> letter(0), letter(25), letter(26), letter(27)
    ('a', 'z', 'aa', 'bb')
    """
    return chr(ord("a") + number % 26) * (number // 26 + 1)


def _row(view: Question, marks: dict[str, str], letters: Iterator[str]) -> Row:
    def mark(note: str) -> str:
        return marks[note] if note in marks else marks.setdefault(note, next(letters))

    record = view.record
    lines = [line._replace(mark=mark(f"{words.capital(line.source)}.")) for line in lines_of(record)]
    people = people_words(record, unknown=NO_PEOPLE)
    return Row(
        view=view,
        outcome=words.capital(title_parts(record)[0]),
        size=f"{words.count(record.k, 'trial')}, {people}" if record.k else "",
        effect=view.effect,
        lines=tuple(lines),
        certainty=record.certainty,
        marks=tuple(map(mark, certainty_notes(record.certainty))),
        statement=view.statement if MEASURES[record.measure].compares else view.sentence,
        gap="" if view.effect else _gap(view),
        harm=domain_of(record).harm,
    )


def _gap(view: Question) -> str:
    """Why an outcome that was asked for has no result: no trial known, none read or usable, or too unlike."""
    if view.record.status != Status.NO_DATA:
        return view.sentence
    if not view.silent:
        return str(WORDS["no_trial"])
    known = words.count(len(view.silent), "trial")
    return str(WORDS["no_number"]).format(known=known, why=silence_words(view.silent.values()))


def certainty_notes(certainty: Certainty | None) -> list[str]:
    """Why certainty is not high, a sentence a domain that takes levels away.

    >>> certainty_notes(None)
    []
    """
    notes = [WORDS["target"].format(target=certainty.target)] if certainty and certainty.target else []
    for domain in certainty.domains if certainty else ():
        if domain.levels_down:
            levels = WORDS["levels"][domain.levels_down - 1]
            judged = WORDS["judged"] if domain.overridden else ""
            notes.append(f"{words.capital(DOMAINS[domain.domain])}, {levels}{judged}: {domain.reason}.")
    return notes


# what the effect means


def lines_of(record: Appraised) -> Iterator[Line]:
    """What a result means: a line a risk; of means the control's mean, then who is better."""
    shown = record.shown
    if shown is None:
        return
    if shown.control:
        yield from _mean_line(record)
    for at, baseline in enumerate(shown.risks):
        yield _risk_line(record, f"shown.risks.{at}", baseline, shown.threshold)


def _risk_line(record: Appraised, path: str, baseline: Baseline, threshold: Difference | None) -> Line:
    digits = sum(baseline.assumed_risk < few for few in RARE)

    def people(value: float) -> str:
        return words.number(value, digits)

    def apart(value: float) -> str:
        return more_or_fewer(value, digits)

    name, source = WORDS["baselines"].get(baseline.name, baseline.name), baseline.source
    if threshold:  # of means
        units = record.shown and record.shown.units
        unit = (
            WORDS["points_of"].format(instrument=record.vocabulary.code(units.instrument))
            if units
            else threshold.unit
        )
        amount = f"{words.plain_number(abs(threshold.value))} {unit}".rstrip()
        where = "" if name == baseline.name == "control arms" else f", {name}"
        name = WORDS["better"].format(by=amount) + where
        kind = threshold.kind or WORDS["no_kind"]
        source = WORDS["share"].format(source=source, by=amount, kind=kind, at=threshold.source)
    return Line(
        name=name,
        source=source,
        unit=WORDS["of_people"],
        of_people=True,
        control=number_at(record, f"{path}.assumed_risk", people),
        span=None,
        experimental=_three(record, path, RISK, people),
        difference=_three(record, path, DIFFERENCE, apart),
        needed=needed(
            [getattr(baseline, key) for key in DIFFERENCE],
            "higher" if threshold else record.better,  # the more people are better, the better
            [number_at(record, f"{path}.{key}", str) for key in NEEDED],
        ),
    )


def _mean_line(record: Appraised) -> Iterator[Line]:
    """What the control arms had, and the difference in the same unit, where there is one."""
    shown = record.shown
    if shown is None or shown.control is None or (record.measure == "SMD" and shown.units is None):
        return
    units, control = shown.units, shown.control
    path, keys = ("shown.units", DIFFERENCE) if units else ("pooled", ("estimate", "ci_low", "ci_high"))
    source = units if units else record.pooled
    digits = words.digits_for(getattr(source, key) for key in keys)

    def shorter(value: float) -> str:
        return words.number(value, digits)

    def lower_or_higher(value: float) -> str:
        amount = words.number(abs(value), digits)
        return amount if not amount.strip("0.") else f"{amount} {'higher' if value > 0 else 'lower'}"

    many = "several" if control.trials > 1 else "one"
    where = WORDS["control"][many].format(arms=words.count(control.trials, "control arm"))
    name = WORDS["means"][control.kind] + (WORDS["direction"][record.better] if record.better else "")
    if units:
        where += WORDS["units"].format(sd=words.plain_number(round(units.sd, 2)), source=units.source)
    if units and units.scored:
        where += WORDS["turned"].format(scored=units.scored)
    ends = [number_at(record, f"shown.control.{key}", shorter) for key in ("low", "high")]
    yield Line(
        name=name,
        source=where,
        unit=WORDS["points_of"].format(instrument=record.vocabulary.code(units.instrument))
        if units
        else record.unit,
        of_people=False,
        control=number_at(record, "shown.control.mean", shorter),
        span=(ends[0], ends[1]) if control.low < control.high else None,
        experimental=None,
        difference=_three(record, path, keys, lower_or_higher),
        needed=None,
    )


def _three(record: Appraised, path: str, keys: Sequence[str], shown: Callable[[float], str]) -> Estimate:
    return Estimate(*(number_at(record, f"{path}.{key}", shown) for key in keys))


def more_or_fewer(difference: float, digits: int = 0) -> str:
    """A difference in people, such as those of 1,000, in words.

    >>> more_or_fewer(-50.2), more_or_fewer(0.3)
    ('50 fewer', 'no difference')
    """
    amount = words.number(abs(difference), digits)
    return f"{amount} {'more' if difference > 0 else 'fewer'}" if amount.strip("0.") else "no difference"
