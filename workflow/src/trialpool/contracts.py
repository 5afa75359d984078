"""Every table between two stages: its columns in order, their types, the rules for cells that people write.

The raw tables (`TABLES`) drive reading, validation, conversion and import; `data/raw/CODEBOOK.md` is their
prose. The derived ones (`DERIVED`) are parquet files, whose writer refuses a frame that does not fit; the
tables of the results (`RESULTS`) are what readers get, explained in `DATA.md`. What a column means, and
its unit, stands in `schemas/columns.csv`. This module imports nothing heavy, so that everything can use it.

Columns decide: which rows may be pooled (`use`), which test a p-value is of (`p_test`), which period of a
crossover trial a number is of (`period`) are words of a closed vocabulary; no text that is written for people
(notes, labels, reasons) changes what is computed.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from trialpool.records import (
    Effect,
    Influence,
    Known,
    LeagueRow,
    Level,
    PublishedPool,
    Rank,
    Sensitivity,
    Unused,
    columns_of,
)

LARGEST = 1e9  # nothing a trial reports is larger; catches a number pasted twice into one cell
LONGEST_TEXT = 10_000

TIMEPOINTS = ("baseline", "during", "end_of_treatment", "follow_up")
RATIO_CONTRASTS = ("risk_ratio", "odds_ratio", "hazard_ratio", "rate_ratio", "ratio_of_means")
CONTRAST_MEASURES = (
    *("mean_difference", "smd", "change_difference", "risk_difference", *RATIO_CONTRASTS),
    *("t_statistic", "effect_unspecified"),
)
INTERVALS = {"ci95": 0.95, "ci90": 0.90, "ci99": 0.99}  # spread types of confidence intervals, their levels


@dataclass(frozen=True, slots=True)
class Form:
    """How a kind of cell must look: a pattern for the whole cell, and what to say when it does not."""

    pattern: str
    problem: str
    remedy: str
    longest: int = LONGEST_TEXT


FORMS: dict[str, Form] = {
    "text": Form(r"(?s).*", "not text", "write text"),
    "study": Form(
        r"[A-Za-z][A-Za-z0-9_-]*",
        "not a study id",
        "use letters, digits, _ and - only, a letter first, such as Lu2020b",
        64,
    ),
    "arm": Form(
        r"[a-z0-9][a-z0-9_]*", "not an arm id", "use lower-case letters, digits and _ only, such as b12", 64
    ),
    "arms": Form(
        r"[a-z0-9][a-z0-9_]*( [a-z0-9][a-z0-9_]*)+",
        "not a list of arm ids",
        "write at least two ids of the study's other arms, separated by single spaces",
        640,
    ),
    "code": Form(
        r"[A-Z][A-Z0-9_]*",
        "not a code",
        "use capitals, digits and _ only, a capital first, such as VAS100",
        64,
    ),
    "word": Form(
        r"[a-z0-9][a-z0-9_]*", "not a code", "use lower-case letters, digits and _ only, such as pain_50", 100
    ),
    "label": Form(r"(?s).*", "not text", "write text", 200),
    "number": Form(
        r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?",
        "not a number",
        "write digits with a decimal point, such as -1.25, or leave the cell empty if nothing was reported",
        40,
    ),
    "p_value": Form(
        r"[<>=]? ?(?:0?\.[0-9]+|[01](?:\.0*)?)",
        "not a p-value",
        "write it as printed, such as 0.03 or <0.001, or leave the cell empty",
        20,
    ),
    "url": Form(
        r"https?://[^\s<>\"\\/][^\s<>\"\\]*",
        "not a web address",
        "write the whole address, beginning with https:// or http://, without spaces, quotes or < >",
        2000,
    ),
    "doi": Form(r"10\.[0-9]{4,9}/[^\s<>\"]+", "not a DOI", "write it bare, such as 10.1093/pm/pnz117", 300),
    "doi_or_url": Form(
        r"(?:10\.[0-9]{4,9}/[^\s<>\"]+|https?://[^\s<>\"\\/][^\s<>\"\\]*)",
        "neither a DOI nor a web address",
        "write the DOI or address of the review that judged",
        2000,
    ),
    "pmid": Form(r"[1-9][0-9]{0,8}", "not a PubMed id", "write its digits only", 9),
    "pmcid": Form(r"PMC[0-9]{1,9}", "not a PubMed Central id", "write it as PMC7963203", 12),
}


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    CODES = "codes"  # a list of codes a cell
    STEPS = "steps"  # a list of texts a cell
    CHOICES = "choices"  # a list of `records.Choice` a cell
    NUMBER = "number"
    COUNT = "count"
    FLAG = "flag"


TEXT, CODES, STEPS, CHOICES, NUMBER, COUNT, FLAG = Kind


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its kind; for raw tables also the form of its cells, the words or the range allowed.

    `required` cells may not be empty. A table may lack an `optional` column altogether. Words of a review
    stand in its vocabulary: `vocabulary` names which of them (see `Vocabulary.table_words`).
    """

    name: str
    form: str = "text"
    required: bool = False
    optional: bool = False
    words: tuple[str, ...] = ()
    vocabulary: str = ""
    low: float = -LARGEST
    high: float = LARGEST
    whole: bool = False
    kind: Kind = Kind.TEXT

    @property
    def is_number(self) -> bool:
        """Whether the column is stored as float64 (empty = NaN) rather than as text (empty = <NA>)."""
        return self.form == "number"


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns in order, the columns that identify a row, and what a row is."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    holds: str = ""

    @property
    def file(self) -> str:
        """The table's file name."""
        return f"{self.name}.csv"

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kind of every column."""
        return {column.name: column.kind for column in self.columns}


def _words(name: str, words: tuple[str, ...], required: bool = True) -> Column:
    return Column(name, "label", required, words=words)


def _word_or_none(name: str, words: tuple[str, ...]) -> Column:
    return Column(name, "label", optional=True, words=words)


def _own(name: str, vocabulary: str, form: str = "word", required: bool = True) -> Column:
    return Column(name, form, required, vocabulary=vocabulary)


def _count(name: str, low: float = 1, required: bool = False, high: float = LARGEST) -> Column:
    return Column(name, "number", required, low=low, high=high, whole=True, kind=NUMBER)


def _number(name: str, low: float = -LARGEST, required: bool = False, high: float = LARGEST) -> Column:
    return Column(name, "number", required, low=low, high=high, kind=NUMBER)


STUDY = Column("study_id", "study", True)
ARM = Column("arm", "arm", True)
NOTE = Column("note")
WEEKS = _number("weeks", 0, high=5200)
SOURCE = (Column("source_url", "url", True), Column("locator", required=True))
READING = _word_or_none("reading", ("double", "single"))
PERIOD = _word_or_none("period", ("first", "second", "both"))
USE = (_word_or_none("use", ("show_only",)), Column("use_reason", optional=True))
BETTER = ("lower", "higher")
OUTCOME = (Column("instrument", "code", True), Column("item", "label"))
SPREAD = (_number("spread_low"), _number("spread_high"))

STUDIES = Table(
    "studies",
    (
        STUDY,
        Column("label", "label", optional=True),
        *(Column("first_author", "label"), _count("year", 1900, high=2100)),
        *(Column("journal", "label"), Column("country", "label")),
        *(Column("doi", "doi"), Column("pmid", "pmid"), Column("pmcid", "pmcid")),
        Column("registration", "label"),
        _own("condition", "condition", "code"),
        Column("population"),
        _words("design", ("parallel", "crossover", "cluster")),
        _count("n_randomised"),
        _word_or_none("report_status", ("doubted", "retracted")),
        Column("setting_note"),
        _words("purpose", ("treatment", "prevention")),
        _words("source_type", ("article", "registry", "review")),
        Column("source_url", "url", True),
    ),
    ("study_id",),
)
ARMS = Table(
    "arms",
    (
        *(STUDY, ARM, _words("role", ("experimental", "control")), _own("category", "category")),
        *(Column("label", required=True), Column("cointervention")),
        Column("adds_to", "arm", optional=True),
        *(_number("sessions", 0), WEEKS, _number("sessions_per_week", 0)),
        *(_count("n_randomised"), Column("pooled_of", "arms")),
    ),
    ("study_id", "arm"),
)
CONTINUOUS = Table(
    "continuous",
    (
        *(STUDY, ARM, _own("domain", "domain of means"), *OUTCOME, _own("unit", "unit", "label")),
        *(_words("better", BETTER), WEEKS, _words("timepoint", TIMEPOINTS, False), PERIOD),
        *(_words("measure", ("final", "change")), _count("n")),
        *(_words("centre_type", ("mean", "median", "lsmean")), _number("centre", required=True)),
        *(_words("spread_type", ("sd", "se", *INTERVALS, "iqr", "range", "none")), *SPREAD),
        *(*USE, *SOURCE, READING, NOTE),
    ),
    (
        *("study_id", "arm", "domain", "instrument", "item", "unit", "weeks", "timepoint", "period"),
        *("measure", "centre_type"),
    ),
)
CONTRASTS = Table(
    "contrasts",
    (
        *(STUDY, Column("arm_1", "arm", True), Column("arm_2", "arm", True)),
        *(_own("domain", "domain"), *OUTCOME, _own("unit", "unit", "label", False)),
        *(_words("better", BETTER), WEEKS, _words("timepoint", TIMEPOINTS), PERIOD),
        *(Column("measure", "word", True), _number("estimate")),
        *(_words("spread_type", ("se", *INTERVALS, "none")), *SPREAD, Column("p_value", "p_value")),
        _word_or_none("p_test", ("rank", "fisher", "chi2", "log_rank")),
        *(_words("adjusted", ("yes", "no"), False), _count("n_1"), _count("n_2")),
        *(*USE, *SOURCE, READING, NOTE),
    ),
    (
        *("study_id", "arm_1", "arm_2", "domain", "instrument", "item", "unit", "weeks", "timepoint"),
        *("period", "measure", "adjusted"),
    ),
)
EVENTS = Table(
    "events",
    (
        *(STUDY, ARM, _own("domain", "domain of events"), Column("outcome", "word", True)),
        *(Column("definition"), _word_or_none("better", BETTER)),
        *(WEEKS, _words("timepoint", TIMEPOINTS), PERIOD),
        *(_count("events", 0, True), _count("n", 1, True)),
        _word_or_none("count_from", ("percentage", "complement")),
        *(*USE, *SOURCE, READING, NOTE),
    ),
    ("study_id", "arm", "domain", "outcome", "weeks", "timepoint", "period"),
)
RISK_OF_BIAS = Table(
    "risk_of_bias",
    (
        *(STUDY, Column("tool", "label", True), Column("domain", "word", True)),
        _words("judgement", ("low", "some_concerns", "unclear", "high")),
        *(Column("assessed_by", "doi_or_url", True), NOTE),
    ),
    ("study_id", "tool", "domain", "assessed_by"),
)
PUBLISHED_POOLS = Table(
    "published_pools",
    (
        *(Column("review_id", "study", True), Column("doi", "doi"), _own("condition", "condition", "code")),
        *(Column("comparison", required=True), Column("outcome", required=True)),
        *(_count("n_studies"), _count("n_participants"), _words("model", ("fixed", "random"), False)),
        *(_words("measure", ("MD", "SMD", "RR", "OR", "RD")), _number("estimate", required=True)),
        *(_number("ci_low"), _number("ci_high"), _number("i2_percent", 0, high=100), _number("tau2", 0)),
        *(Column("p_value", "p_value"), *SOURCE, NOTE),
    ),
    ("review_id", "condition", "comparison", "outcome", "model", "measure"),
)
TABLES: dict[str, Table] = {
    table.name: table
    for table in (STUDIES, ARMS, CONTINUOUS, CONTRASTS, EVENTS, RISK_OF_BIAS, PUBLISHED_POOLS)
}


def stored(table: Table) -> Table:
    """A raw table as it is stored: with the place of each row.

    >>> stored(ARMS).names[-1]
    'row_id'
    """
    return Table(table.name, (*table.columns, Column("row_id")), table.key, table.holds)


def _columns(**kinds: str) -> dict[str, Kind]:
    """Kind of every column that is no text, by kind: number="mean sd"."""
    return {name: Kind(kind) for kind, names in kinds.items() for name in names.split()}


_KINDS = _columns(
    codes="category_experimental category_control",
    steps="derivation cautions",
    choices="variant",
    number="weeks mean sd sd_before sd_after r_found sd_borrowed estimate se df effect variance weight"
    " mean_experimental sd_experimental mean_control sd_control sessions programme_weeks sessions_per_week"
    " ci_low ci_high estimate_low estimate_high p_value pi_low pi_high tau2 tau2_low tau2_high i2 q q_p_value"
    " statistic h2 mcid assumed_risk risk risk_low risk_high difference difference_low difference_high"
    " slope slope_low slope_high df2 p_permutation p_adjusted tau2_residual r2 median benefit clear_benefit"
    " clear_harm rstudent dffits cook cov_ratio tau2_deleted q_deleted hat baujat_x baujat_y p_score"
    " mean_rank sd_rank our_estimate our_ci_low our_ci_high",
    count="year n n_1 n_2 events n_experimental n_control events_experimental events_control"
    " n_randomised route k q_df n_effects n_imputed n_known n_not_used analyses specifications trials people"
    " results levels permutations n_studies n_participants our_k our_n bytes",
    flag="reconstructed assumed_n imputed usable selected has_numbers tau2_empty changes_conclusion"
    " influential",
)


def _table(name: str, holds: str, *columns: str, **kinds: Kind) -> Table:
    """A table of columns named in texts; `kinds` for names that are of another kind here than elsewhere."""
    names = " ".join(columns).split()
    return Table(
        name, tuple(Column(each, kind=kinds.get(each, _KINDS.get(each, TEXT))) for each in names), (), holds
    )


_RESULT = "study_id arm domain instrument item unit better weeks timepoint period kind n"
_ORIGIN = "imputed derivation cautions reading source_url locator row_ids"
_REFUSED = "usable reason_code reason"
ARM_SUMMARIES = _table(
    "arm_summaries",
    "one row an arm, outcome and time: its mean and SD with their derivation",
    *(_RESULT, "mean sd sd_before sd_after r_found r_source sd_borrowed borrowed_from reconstructed route"),
    *(_ORIGIN, _REFUSED),
)
EVENT_SUMMARIES = _table(
    "event_summaries",
    "one row an arm, event and time: its counts",
    *(_RESULT, "events reconstructed route", _ORIGIN, _REFUSED),
)
CONTRAST_SUMMARIES = _table(
    "contrast_summaries",
    "one row a published contrast: its estimate and standard error",
    "study_id arm_1 arm_2 domain instrument item unit better weeks timepoint period measure estimate se df",
    *("n_1 n_2 assumed_n adjusted route", _ORIGIN, _REFUSED),
)
EFFECTS = _table(
    "effects", "one row an effect that an analysis could use, selected or not", *columns_of(Effect)
)
EXCLUDED = _table("excluded", "one row a result that an analysis found and did not use", *columns_of(Unused))
KNOWN = _table(
    "known", "one row a trial that is known to have made the comparison of an analysis", *columns_of(Known)
)
AUDIT = _table(
    "audit",
    "one row a finding of the integrity audit",
    "rule severity study_id row_ids numbers finding check source_url",
)
SUMMARIES = {"arms": ARM_SUMMARIES, "contrasts": CONTRAST_SUMMARIES, "events": EVENT_SUMMARIES}
DERIVED = {
    table.name: table
    for table in (ARM_SUMMARIES, CONTRAST_SUMMARIES, EVENT_SUMMARIES, EFFECTS, EXCLUDED, KNOWN, AUDIT)
}

SUMMARY = _table(
    "summary",
    "one row an analysis",
    "analysis title condition domain comparison measure better status k n_experimental n_control tau2_method",
    "interval estimate ci_low ci_high p_value pi_low pi_high tau2 tau2_low tau2_high i2 q q_df q_p_value se",
    "statistic df h2 tau2_empty level purpose experimental control scale unit several_effects multi_arm",
    "n_effects n_imputed n_known n_not_used mcid mcid_unit mcid_source certainty assumed_risk risk risk_low",
    "risk_high difference difference_low difference_high",
    level=NUMBER,
)
STUDY_ROWS = _table(
    "studies_of",
    "one row an effect of the analysis",
    "analysis study_id arm_experimental arm_control effect variance ci_low ci_high weight n_experimental",
    "n_control imputed derivation source_url locator row_ids label year condition purpose design",
    "label_experimental label_control category_experimental category_control cointervention domain",
    "instrument item unit weeks timepoint kind mean_experimental sd_experimental mean_control sd_control",
    "events_experimental events_control measure estimate estimate_low estimate_high cautions reading",
    "sessions programme_weeks sessions_per_week n_randomised cluster",
)
NOT_USED = _table(
    "not_used",
    "one row a result that was found and not used, the same for several analyses joined",
    *EXCLUDED.names,
    "reason_kind domain analyses",
    analyses=TEXT,
)
SENSITIVITY = _table(
    "sensitivity",
    "one row a choice that could have been made otherwise",
    *(name for name in columns_of(Sensitivity) if name != "study_id"),
)
INFLUENCE = _table("influence", "one row a trial: how much the result hangs on it", *columns_of(Influence))
MULTIVERSE = _table(
    "multiverse",
    "one row a level of a choice, over all combinations of the other choices",
    "analysis",
    *columns_of(Level),
)
MODERATORS = _table(
    "moderators",
    "one row a test of a moderator, and one row each of its groups",
    "analysis moderator kind level k levels estimate ci_low ci_high slope slope_low slope_high statistic df",
    "df2 p_value p_permutation permutations p_adjusted tau2_residual r2 tau2_method interval caution",
)
FLOW = _table(
    "flow",
    "one row a step of the flow of trials through an analysis",
    "analysis step reason_code reason trials people results study_ids",
)
PUBLISHED = _table("published", "one row a published pool, beside ours", *columns_of(PublishedPool))
LEAGUE = _table("league", "one row a comparison of two treatments of a network", *columns_of(LeagueRow))
RANKING = _table("ranking", "one row a treatment of a network", *columns_of(Rank))
MANIFEST = _table(
    "manifest", "one row a file of the results, then one a folder of evidence", "path sha256 bytes"
)
RESULTS: dict[str, Table] = {  # by file name below the results folder; <…> stands for a slug
    "summary.csv": SUMMARY,
    "excluded.csv": NOT_USED,
    "audit.csv": AUDIT,
    "flow.csv": FLOW,
    "moderators.csv": MODERATORS,
    "published.csv": PUBLISHED,
    "manifest.csv": MANIFEST,
    "analyses/<analysis>/studies.csv": STUDY_ROWS,
    "analyses/<analysis>/sensitivity.csv": SENSITIVITY,
    "analyses/<analysis>/influence.csv": INFLUENCE,
    "analyses/<analysis>/multiverse.csv": MULTIVERSE,
    "networks/<network>/league.csv": LEAGUE,
    "networks/<network>/ranking.csv": RANKING,
}
_KIND_WORDS = {
    TEXT: "text",
    CODES: "codes, joined by +",
    STEPS: "text",
    NUMBER: "number",
    COUNT: "whole number",
    FLAG: "true or false",
}


def columns_differ(table: Table, columns: Mapping[str, Any] | list[str]) -> str:
    """What is wrong with the columns of a frame that should be this table ("" if nothing).

    >>> columns_differ(MANIFEST, ["path", "sha256", "size"])
    'the table manifest lacks the column bytes and has size too much'
    """
    lacking = [name for name in table.names if name not in columns]
    surplus = [str(name) for name in columns if name not in table.names]
    parts = [f"lacks the column {', '.join(lacking)}"] if lacking else []
    parts += [f"has {', '.join(surplus)} too much"] if surplus else []
    return f"the table {table.name} {' and '.join(parts)}" if parts else ""


@cache
def meanings() -> dict[str, tuple[str, str]]:
    """What every column of every table means, by name: its unit and a sentence.

    A name means the same in every table; where it cannot, `table.name` says what it means there. Units in
    words: `analysis scale` is the logarithm for ratios, `natural scale` is not.
    """
    text = resources.files("trialpool").joinpath("schemas/columns.csv").read_text("utf-8")
    return {row["column"]: (row["unit"], row["meaning"]) for row in csv.DictReader(text.splitlines())}


def meaning(table: str, column: str) -> tuple[str, str]:
    """Unit and sentence of a column in a table.

    >>> meaning("arms", "weeks"), meaning("events", "weeks")[1]
    (('weeks', 'planned length of treatment'), 'since randomisation; 0 is the baseline')
    """
    return meanings().get(f"{table}.{column}") or meanings()[column]


def data_dictionary() -> str:
    """DATA.md of the results: every column of every table, with its type, unit and meaning.

    >>> data_dictionary().splitlines()[0]
    '# What every column of the results means'
    """
    lines = [
        "# What every column of the results means",
        "",
        "Tables are CSV: UTF-8, separated by commas, an empty cell where there is nothing. Numbers have ten",
        "significant digits. The *analysis scale* is the logarithm for ratios (RR, OR, ROM …) and the effect",
        "itself otherwise; the *natural scale* is never a logarithm.",
    ]
    for file, table in RESULTS.items():
        lines += ["", f"## {file}", "", f"{table.holds[:1].upper()}{table.holds[1:]}.", ""]
        lines += ["| column | type | unit | meaning |", "|---|---|---|---|"]
        for column in table.columns:
            unit, sentence = meaning(table.name, column.name)
            lines.append(f"| {column.name} | {_KIND_WORDS[column.kind]} | {unit} | {sentence} |")
    return "\n".join(lines) + "\n"
