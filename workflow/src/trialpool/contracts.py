"""Every table between two stages: its columns in order, their types, the rules for cells that people write.

The raw tables (`TABLES`) drive reading, validation, conversion and import; `data/raw/CODEBOOK.md` is their
prose. The derived ones (`DERIVED`) are parquet files, whose writer refuses a frame that does not fit; the
tables of the results (`RESULTS`, and `NETWORK_EVIDENCE` where asked for) are what readers get, explained in
`DATA.md`. All of it is data: the tables in `schemas/tables.csv`, what every column holds and means in
`columns.csv`, what people may write into a cell of a raw table in `cells.csv`, the forms of cells in
`forms.csv`. This module imports nothing heavy, so that everything can use it.

Columns decide: which rows may be pooled (`use`), which test a p-value is of (`p_test`), which period of a
crossover trial a number is of (`period`) are words of a closed vocabulary; no text that is written for people
(notes, labels, reasons) changes what is computed.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from trialpool import records

SMALLEST = 1e-15  # nothing but 0 that a trial reports is smaller: its square must not vanish beside others
LARGEST = 1e9  # nothing a trial reports is larger; catches a number pasted twice into one cell
LONGEST_TEXT = 10_000
RATIO_CONTRASTS = ("risk_ratio", "odds_ratio", "hazard_ratio", "rate_ratio", "ratio_of_means")
LOG = "log_"  # before a ratio that is printed as its logarithm, such as log_hazard_ratio
CONTRAST_MEASURES = (
    *("mean_difference", "smd", "change_difference", "risk_difference", "rate_difference", *RATIO_CONTRASTS),
    *(f"{LOG}{ratio}" for ratio in RATIO_CONTRASTS),
    *("t_statistic", "generic", "effect_unspecified"),
)
INTERVALS = {"ci95": 0.95, "ci90": 0.90, "ci99": 0.99}  # spread types of confidence intervals, their levels
ANY_LEVEL = "ci"  # that of an interval whose level stands in a column of its own


class Form(NamedTuple):
    """How a kind of cell must look: a pattern for the whole cell, and what to say when it does not."""

    pattern: str
    problem: str
    remedy: str
    longest: int


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
    """One column: what it holds; for raw tables also the form of its cells, the words or the range allowed.

    `required` cells may not be empty. A table may lack an `optional` column altogether. Words of a review
    stand in its vocabulary: `vocabulary` names which of them (see `Vocabulary.table_words`). Units in words:
    `analysis scale` is the logarithm for ratios, `natural scale` is not.
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
    unit: str = ""
    meaning: str = ""

    @property
    def is_number(self) -> bool:
        """Whether the column is stored as float64 (empty = NaN) rather than as text (empty = <NA>)."""
        return self.form == "number"


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns in order, the columns that identify a row, and what a row is.

    Of a raw table also the columns that steer what is pooled; all others tell readers something.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    holds: str = ""
    steers: tuple[str, ...] = ()

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


def schema_rows(name: str) -> list[dict[str, str]]:
    """The rows of a table in `schemas/`, such as "cells"."""
    with (Path(__file__).parent / "schemas" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


FORMS = {
    row["form"]: Form(row["pattern"], row["problem"], row["remedy"], int(row["longest"] or LONGEST_TEXT))
    for row in schema_rows("forms")
}
_CELLS = schema_rows("cells")
# A name means the same in every table; where it cannot, `table.name` says what it means there.
_GLOSSARY = {row["name"]: row for row in schema_rows("columns")}


def _column(table: str, name: str, cell: Mapping[str, str] | None = None) -> Column:
    """A column as the glossary has it; of a raw table with its row of cells.csv."""
    known = {**(_GLOSSARY.get(f"{table}.{name}") or _GLOSSARY[name]), **(cell or {}), "name": name}
    if cell:
        known["kind"] = NUMBER if cell["form"] == "number" else TEXT
    given = {key: value for key, value in known.items() if value}
    return msgspec.convert({**given, "words": known.get("words", "").split()}, Column, strict=False)


def _names(columns: str) -> Iterable[str]:
    """Names of columns as tables.csv has them, where the name of a record stands for all its fields."""
    for word in columns.split():
        yield from records.columns_of(getattr(records, word)) if word[0].isupper() else (word,)


def _table(row: Mapping[str, str]) -> Table:
    """A table of tables.csv; the columns of a raw one are those of cells.csv."""
    columns = [_column(row["table"], cell["name"], cell) for cell in _CELLS if cell["table"] == row["table"]]
    columns += [_column(row["table"], name) for name in _names(row["columns"])]
    steers = tuple((row["steers"] or "").split())
    return Table(row["table"], tuple(columns), tuple(row["key"].split()), row["holds"], steers)


_LISTED = [(row["stage"], row["file"], _table(row)) for row in schema_rows("tables")]
TABLES = {table.name: table for stage, _, table in _LISTED if stage == "raw"}
OPTIONAL = {table.name: table for stage, _, table in _LISTED if stage == "optional"}  # whose file may lack
EVIDENCE = {**TABLES, **OPTIONAL}  # every table of a folder of evidence
KEYED = {
    table.name: table for stage, _, table in _LISTED if stage == "keyed"
}  # whose file a key of the config names
DERIVED = {table.name: table for stage, _, table in _LISTED if stage == "derived"}
NETWORK_EVIDENCE = {file: table for stage, file, table in _LISTED if stage == "asked"}  # where a network asks
RESULTS = {  # below the results folder; <…> is a slug
    file: table for stage, file, table in _LISTED if file and stage != "asked"
}
STUDIES, ARMS, CONTINUOUS, CONTRASTS, EVENTS, RISK_OF_BIAS, PUBLISHED_POOLS = TABLES.values()
SIGNALLING_ANSWERS = OPTIONAL["signalling_answers"]
RESULT_TABLES = (CONTINUOUS.name, CONTRASTS.name, EVENTS.name)  # of what trials found
ARM_SUMMARIES, CONTRAST_SUMMARIES, EVENT_SUMMARIES, EFFECTS, *_MORE = DERIVED.values()
EXCLUDED, KNOWN, AUDIT, REPRODUCED = _MORE
SUMMARY, NOT_USED, AUDIT, FLOW, MODERATORS, PUBLISHED, MANIFEST, *_EACH = RESULTS.values()
STUDY_ROWS, SENSITIVITY, INFLUENCE, MULTIVERSE, LEAGUE, RANKING = _EACH
SUMMARIES = {"arms": ARM_SUMMARIES, "contrasts": CONTRAST_SUMMARIES, "events": EVENT_SUMMARIES}
_KIND_WORDS = {
    **{TEXT: "text", CODES: "codes, joined by +", STEPS: "text"},
    **{NUMBER: "number", COUNT: "whole number", FLAG: "true or false"},
}


def stored(table: Table) -> Table:
    """A raw table as it is stored: with the place of each row, and studies with their covariates.

    >>> stored(ARMS).names[-1], stored(STUDIES).names[-1]
    ('row_id', 'covariates')
    """
    added = ("row_id", "covariates") if table is STUDIES else ("row_id",)
    return replace(table, columns=(*table.columns, *(_column(table.name, name) for name in added)))


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


def what_must_be_filled_in() -> str:
    """Which columns of the raw tables may be empty, or missing, as a Markdown table of CODEBOOK.md."""
    lines = ["| table | must be filled in | may be empty | may be missing |", "|---|---|---|---|"]
    for table in EVIDENCE.values():
        cells = [_listed_names(table, required, optional) for required, optional in REQUIREMENTS]
        lines.append(f"| {table.file} | {' | '.join(cells)} |")
    return "\n".join(lines)


REQUIREMENTS = ((True, False), (False, False), (False, True))  # whether a column is required, and optional


def _listed_names(table: Table, required: bool, optional: bool) -> str:
    """The columns of a table of which both are true."""
    asked = (required, optional)
    names = [each.name for each in table.columns if (each.required, each.optional) == asked]
    return ", ".join(names) or "–"


def data_dictionary(asked: Collection[str] = ()) -> str:
    """DATA.md of the results: every column of every table, with its type, unit and meaning.

    `asked` are the names of tables that there are in this review besides those of every one.

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
    more = {file: table for file, table in NETWORK_EVIDENCE.items() if table.file in asked}
    for file, table in (RESULTS | more).items():
        lines += ["", f"## {file}", "", f"{table.holds[:1].upper()}{table.holds[1:]}.", ""]
        lines += ["| column | type | unit | meaning |", "|---|---|---|---|"]
        for each in table.columns:
            lines.append(f"| {each.name} | {_KIND_WORDS[each.kind]} | {each.unit} | {each.meaning} |")
    return "\n".join(lines) + "\n"
