"""The trials' side: rows of the evidence in; trials with their results, risk of bias, and unused results out.

Risk of bias is as reviews have judged it: tools and domains as the data name them, gaps shown as gaps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from trialpool import text as words
from trialpool.bias_tools import worst
from trialpool.evidence.risk_of_bias import Judgements, Scope, scope_of
from trialpool.evidence.suggestions import Suggestion, suggested_answers
from trialpool.evidence.unused import KINDS, NO_NUMBERS, reason_kind
from trialpool.records import JOINT, Known, Record, Study, Unused, taken
from trialpool.text import absent
from trialpool.view.read import Row, Tables, grouped
from trialpool.vocabulary import Vocabulary, general

RESULT_TABLES = {
    "continuous": "Outcomes of arms",
    "contrasts": "Published contrasts between arms",
    "events": "Events",
}
SHOWN_APART = frozenset({"study_id", "row_id", "source_url", "locator", "reading", "note"})
ARMS = ("arm", "arm_1", "arm_2")
Cell = tuple[str, str]  # the name of a column, and what a row has there
_CODE = re.compile(r"[A-Za-z]\w*")
_IDENTIFIERS = {  # by column: its form, the address that it becomes, and how it is printed
    "doi": (re.compile(r"10\.\d{4,9}/[-._;()/:A-Za-z0-9]+"), "https://doi.org/{}", "doi:{}"),
    "pmid": (re.compile(r"\d{1,9}"), "https://pubmed.ncbi.nlm.nih.gov/{}/", "PubMed {}"),
    "pmcid": (re.compile(r"PMC\d{1,9}"), "https://pmc.ncbi.nlm.nih.gov/articles/{}/", "{}"),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial of the evidence: its row of studies, and its rows of other tables; results by heading."""

    facts: Row
    label: str
    arms: Sequence[Row] = ()
    results: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    risk_of_bias: Sequence[Row] = ()
    used_in: Sequence[Record] = ()
    vocabulary: Vocabulary = field(default_factory=general)
    suggested: Sequence[Suggestion] = ()

    @property
    def study_id(self) -> str:
        """Its name among the tables."""
        return str(self.facts["study_id"])

    @property
    def condition(self) -> str:
        """The code of its condition, "" where none is known."""
        return self.facts.get("condition") or ""

    @property
    def treatments(self) -> list[str]:
        """What its arms got, each once."""
        named = (self.vocabulary.treatment(arm.get("category") or arm.get("arm")) for arm in self.arms)
        return list(dict.fromkeys(named))

    @property
    def links(self) -> list[tuple[str, str]]:
        """Text and address of its well-formed identifiers; one of another form makes none."""
        return [
            (printed.format(value), address.format(value))
            for key, (form, address, printed) in _IDENTIFIERS.items()
            if form.fullmatch(value := str(self.facts.get(key) or ""))
        ]


def trial_views(
    records: Sequence[Record], tables: Tables, vocabulary: Vocabulary | None = None
) -> list[Trial]:
    """Every trial of the evidence, sorted by condition, name and id."""
    studies = tables.get("studies") or []
    named = labels(records, studies)
    uses = dict.fromkeys((row.study_id, n) for n, record in enumerate(records) for row in record.studies)
    used = grouped(uses, lambda use: use[0])
    said = {
        row["study_id"] for row in studies if row.get("blinded")
    }  # what else is suggested is in `trialpool rob`
    every = suggested_answers({"studies": studies, **tables}, vocabulary or general()) if said else []
    suggested = grouped((each for each in every if each.study_id in said), lambda each: each.study_id)
    of = {
        table: grouped(tables.get(table) or [], lambda row: row["study_id"])
        for table in (*RESULT_TABLES, "arms", "risk_of_bias")
    }
    trials = [
        Trial(
            facts=study,
            label=named[key],
            arms=of["arms"].get(key, []),
            results={name: of[table][key] for table, name in RESULT_TABLES.items() if key in of[table]},
            risk_of_bias=of["risk_of_bias"].get(key, []),
            used_in=[records[number] for _, number in used.get(key, [])],
            vocabulary=vocabulary or general(),
            suggested=suggested.get(key, []),
        )
        for key, study in ((study["study_id"], study) for study in studies)
    ]
    return sorted(trials, key=lambda trial: (trial.condition, trial.label.casefold(), trial.study_id))


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


def cells(row: Row, vocabulary: Vocabulary) -> list[Cell]:
    """The cells of a raw row as reported, with the names of their columns; empty ones are left out.

    Codes are named by the vocabulary, but for arms, whose codes stand beside what they got.

    >>> cells({"arm": "acu_1", "timepoint": "follow_up", "n": 20.0, "item": ""}, general())
    [('arm', 'acu_1'), ('timepoint', 'follow up'), ('n', '20')]
    """
    shown = (
        (key, words.plain_number(value))
        for key, value in row.items()
        if key not in SHOWN_APART and not absent(value)
    )
    return [
        (words.spaced(key), vocabulary.code(value) if _CODE.fullmatch(value) and key not in ARMS else value)
        for key, value in shown
    ]


def alike(rows: Sequence[Row], *columns: str) -> bool:
    """Whether several raw rows say the same in these columns."""
    return len(rows) > 1 and len({tuple(row.get(column) for column in columns) for row in rows}) == 1


def common_cells(rows: Sequence[Row], vocabulary: Vocabulary) -> tuple[list[Cell], list[list[Cell]]]:
    """The cells that are the same in all of several raw rows (of one row alone none), and the others of each.

    >>> common_cells([{"arm": "x", "unit": "mm"}, {"arm": "y", "unit": "mm"}], general())
    ([('unit', 'mm')], [[('arm', 'x')], [('arm', 'y')]])
    """
    every = [cells(row, vocabulary) for row in rows]
    first, *others = every
    common = [cell for cell in first if all(cell in other for other in others)] if others else []
    return common, [[cell for cell in own if cell not in common] for own in every]


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


def arm_names(row: Unused, trial: Trial | None) -> str:
    """Both sides of an unused result as the table of arms describes them, else by their codes."""
    labels = {arm["arm"]: arm.get("label") for arm in trial.arms} if trial else {}
    sides = [side.split(JOINT) for side in (row.arm_experimental, row.arm_control) if side]
    named = ([words.short(labels.get(arm) or words.spaced(arm), 60) for arm in side] for side in sides)
    return " versus ".join(f" {JOINT} ".join(side) for side in named)


def measured_when(study: Study) -> str:
    """When a result was measured: its week, and that it is a follow-up."""
    name = words.TIMEPOINT_NAMES.get(study.timepoint, words.spaced(study.timepoint))
    if study.weeks is None:
        return name
    week = f"week {words.plain_number(round(study.weeks, 1))}"
    return f"{week}, {name}" if study.timepoint == "follow_up" else week


# risk of bias


SIGNS = {"low": "+", "some_concerns": "−", "unclear": "?", "high": "×"}
# Those of ROBINS-I, and whose colour they have.
MORE_SIGNS = {"moderate": "−", "serious": "×", "critical": "!", "no_information": "?"}
SHADES = {"moderate": "some_concerns", "serious": "high", "critical": "high", "no_information": "unclear"}


class Light(NamedTuple):
    """A judgement as readers see it: its name, symbol and words; `shade` is its class in the style sheet.

    `against` is what the tool's algorithm says, where a person judged otherwise.
    """

    judgement: str
    symbol: str
    text: str
    shade: str
    against: str = ""


def light(judgement: str) -> Light:
    """The light of a judgement, that of an unknown word too."""
    sign, shade = (SIGNS | MORE_SIGNS).get(judgement, "?"), SHADES.get(judgement, judgement)
    return Light(judgement.replace("_", "-"), sign, words.spaced(judgement), shade.replace("_", "-"))


def light_of(row: Row) -> Light:
    """The light of a row of judgements."""
    algorithm = row.get("algorithm") or row["judgement"]
    against = words.spaced(algorithm) if algorithm != row["judgement"] else ""
    return light(row["judgement"])._replace(against=against)


LIGHTS = {judgement: light(judgement) for judgement in SIGNS}


@dataclass(frozen=True, slots=True)
class Bar:
    """How many trials have one judgement in one domain, and which share in per cent of all."""

    light: Light
    count: int
    share: float


class JudgedTrial(NamedTuple):
    """A trial's row: for each domain the lights (several where several reviews judged), and who judged.

    Where judgements are of some of its results, each of these has a row with all that holds of it, and its
    label says which.
    """

    study_id: str
    label: str
    cells: Sequence[Sequence[Light]]
    assessors: Sequence[str]


class Tool(NamedTuple):
    """The judgements made with one tool: its trials, and by domain in words the bars over all trials.

    `answered` says whether its algorithm stands beside some judgement.
    """

    name: str
    trials: Sequence[JudgedTrial]
    domains: Mapping[str, Sequence[Bar]]
    answered: bool = False

    @property
    def lights(self) -> list[Light]:
        """What its judgements are, besides the usual four, from the best to the worst."""
        used = {bar.light for bars in self.domains.values() for bar in bars if bar.count}
        return [each for each in map(light, MORE_SIGNS) if each in used]


def result_words(result: Scope) -> list[str]:
    """Of which results a judgement is, in words; nothing where it is of the whole trial.

    >>> result_words(Scope("pain", "follow_up", 24.0)), result_words(Scope())
    (['pain', 'follow up', 'week 24'], [])
    """
    week = "" if result.weeks is None else f"week {words.plain_number(result.weeks)}"
    return [part for part in (words.spaced(result.outcome), words.spaced(result.timepoint), week) if part]


def judged_tools(judgements: Sequence[Row], named: Mapping[str, str], trials: int) -> list[Tool]:
    """One table a tool: trials by domains, and for each domain the judgements counted over all `trials`."""
    tools = []
    for name, rows in grouped(judgements, lambda row: row["tool"]).items():
        domains, judged = grouped(rows, lambda row: row["domain"]), []
        held = Judgements(rows, not_bias=())
        for study, result in dict.fromkeys((row["study_id"], scope_of(row)) for row in rows):
            own = held.of(study, result)
            cells = [[light_of(row) for row in own if row["domain"] == domain] for domain in domains]
            assessors = list(dict.fromkeys(row["assessed_by"] for row in own))
            label = ", ".join([named.get(study, study), *result_words(result)])
            judged.append(JudgedTrial(study, label, cells, assessors))
        judged.sort(key=lambda trial: (trial.label, trial.study_id))
        bars = {words.spaced(domain): _bars(own, trials) for domain, own in domains.items()}
        tools.append(Tool(name, judged, bars, any(row.get("algorithm") for row in rows)))
    return tools


def _bars(rows: Sequence[Row], trials: int) -> list[Bar]:
    """How many trials have each judgement in one domain (the worst of several), and how many have none."""
    found = [
        worst(row["judgement"] for row in own) for own in grouped(rows, lambda row: row["study_id"]).values()
    ]
    signs = [*SIGNS, *(name for name in MORE_SIGNS if name in found)]
    counts = {name: found.count(name) for name in signs} | {"not_judged": max(trials - len(found), 0)}
    return [Bar(light(name), n, round(100 * n / trials, 2) if trials else 0.0) for name, n in counts.items()]


def assessor_url(assessor: Any) -> str:
    """The address of the review that judged: a DOI becomes a link, a plain address stays one, else ""."""
    text = str(assessor or "")
    return words.url(f"https://doi.org/{text}" if text.startswith("10.") else text)


# what was not used

NOT_ASKED = "no analysis asks for this outcome in this comparison"


class Excluded(Unused):
    """A row of excluded.csv: a result that was not used, or a known trial of which there is none."""

    analysis: str
    reason_kind: str
    domain: str


def excluded_rows(records: Iterable[Record], not_asked: Iterable[Excluded] = ()) -> list[Excluded]:
    """The rows of excluded.csv: by analysis the near misses first, then trials without numbers.

    Last come the results that no analysis asks for.
    """
    rows: list[Excluded] = []
    silent = {"reason_code": "no_numbers", "reason": NO_NUMBERS, "weeks": None, "source_url": ""}
    for record in records:
        without = (taken(Unused, row, **silent) for row in record.known if not row.has_numbers)
        own = {"analysis": record.analysis, "domain": record.domain}
        unused = (
            taken(Excluded, row, **own, reason_kind=reason_kind(row.reason_code))
            for row in (*record.not_used, *without)
        )
        rows += sorted(unused, key=lambda row: KINDS.index(row.reason_kind))
    return [*rows, *not_asked]


def not_asked(records: Iterable[Record], tables: Tables, named: Mapping[str, str]) -> list[Excluded]:
    """Results in an outcome domain in which no analysis (nearly) uses the trial, as rows of excluded.csv.

    One row for each trial, domain and outcome; baseline values are no results. `named` holds the trials'
    names. Trials that answer some analysis of the domain are not listed here, whatever else they report.
    """
    answered = {  # trial and domain of all results that some analysis uses, or would if it could
        (study_id, record.domain)
        for record in records
        for study_id in (
            *(row.study_id for row in record.studies),
            *(row.study_id for row in record.not_used),
        )
    }
    rows = [
        row
        for table in RESULT_TABLES
        for row in tables.get(table) or []
        if row.get("domain")
        and row.get("timepoint") != "baseline"
        and (row["study_id"], row["domain"]) not in answered
    ]
    results = grouped(
        rows, lambda row: (row["study_id"], row["domain"], row.get("instrument") or row.get("outcome") or "")
    )
    excluded = [
        Excluded(
            analysis="",
            study_id=study,
            label=named.get(study, study),
            domain=domain,
            instrument=outcome,
            reason_code="not_asked",
            reason_kind="not_asked",
            reason=NOT_ASKED,
            row_ids=" ".join(row["row_id"] for row in same),
            source_url=same[0].get("source_url") or "",
        )
        for (study, domain, outcome), same in results.items()
    ]
    return sorted(excluded, key=lambda row: (row.domain, row.label, row.instrument))
