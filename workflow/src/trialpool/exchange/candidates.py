"""Candidate rows for a person to check: identifiers, cells and the new folder they are written to.

An importer fills in what its source says and leaves the rest empty: `trialpool check` then names every cell
that a person still has to fill in. Nothing is guessed from knowledge of the world.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from trialpool import io
from trialpool.contracts import EVIDENCE, FORMS, TABLES, Table
from trialpool.errors import Fault, InputError, nearest
from trialpool.vocabulary import general
from trialpool.yaml_files import shipped

OUTCOME = {"events": "outcome", "continuous": "instrument", "contrasts": "instrument"}  # its column
Row = dict[str, str]
Rows = Mapping[str, Sequence[Row]]  # by table
Fill = Mapping[tuple[str, str], str]  # by table ("" for any) and column
TO_FILL_IN = "to fill in"  # in a cell: what stands there is a stand-in
WORDS = shipped("exchange")
NO_POINT_IN_TIME = re.compile(WORDS["no_point_in_time"], re.I | re.X)
SIGNS = str.maketrans({"<": " lt ", ">": " gt ", "≤": " le ", "≥": " ge "})
LETTERS = str.maketrans("ŁłØøÆæŒœßĐđ", "LlOoAaOosDd")  # those that Unicode does not take apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One analysis of a file: its rows by table and outcomes, its sides by their arms, how it is pooled.

    `settings` are further keys of an analysis of a configuration.
    """

    slug: str
    title: str
    table: str
    outcomes: tuple[str, ...]
    sides: tuple[frozenset[str], frozenset[str]]
    measure: str
    better: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a file asks: its questions, the rows that answer them, and its words by their codes.

    Without `questions` every outcome that two sides report is asked. `names` are those of conditions,
    treatments, domains, instruments; `short` those of outcomes that stand for a subgroup. `head` is what the
    page says first. A row's cell `?column` stands in for a column where nothing is said.
    """

    rows: Rows
    questions: Sequence[Question] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    short: Mapping[str, str] = field(default_factory=dict)
    head: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidates:
    """What an importer found: rows by table name, remarks for the person, further files (name to text).

    `asked` are the file's own analyses, for a review of them.
    """

    source: str
    rows: Rows
    remarks: Sequence[str]
    files: Mapping[str, str] = field(default_factory=dict)
    asked: Asked | None = None


def ascii_text(text: str) -> str:
    """Letters without their accents, everything else that is not ASCII dropped."""
    return unicodedata.normalize("NFKD", text.translate(LETTERS)).encode("ascii", "ignore").decode()


def word(text: str, longest: int = 60) -> str:
    """A lower-case code of a text, such as an arm id or an event outcome."""
    code = "_".join(re.findall(r"[a-z0-9]+", ascii_text(text.translate(SIGNS)).lower()))
    return code[:longest].strip("_")


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes of texts: one and the same for the same text, another one for every other text, however alike.

    >>> code = Codes(12, "outcome")
    >>> code("Pain at rest, left"), code("Pain at rest, right"), code("pain at  rest, LEFT"), code("?")
    ('pain_at_rest', 'pain_at_re_2', 'pain_at_rest', 'outcome')
    """

    longest: int
    fallback: str
    made: dict[str, str] = field(default_factory=dict)

    def __call__(self, text: str) -> str:
        """The code of a text."""
        key = " ".join(text.casefold().split())
        if key not in self.made:
            code, number = word(text, self.longest) or self.fallback, 1
            stem = code
            while code in self.made.values():
                number += 1
                code = f"{stem[: self.longest - 1 - len(str(number))].rstrip('_')}_{number}"
            self.made[key] = code
        return self.made[key]


def instrument_code(text: str) -> str:
    """An instrument code of an outcome's name; a letter first."""
    code = word(text).upper()
    return f"X{code}" if code[:1].isdigit() else code


def treatment_code(label: str) -> str:
    """The code of a treatment by what the file calls it: a general control, or the words of the label.

    >>> treatment_code("Laser 5 J"), treatment_code("Sham laser"), treatment_code("?")
    ('laser_5_j', 'sham', 'treatment')
    """
    return general().control_in(label) or word(label) or "treatment"


def split_name(name: str, year: str = "") -> tuple[str, str, str]:
    """A study's name as author, year and letter; `year` is used where the name holds none.

    >>> split_name("van der Berg 2001a"), split_name("MRC-1", "1974")
    (('van der Berg', '2001', 'a'), ('MRC-1', '1974', ''))
    """
    found = re.fullmatch(r"(.*?)[\s,_]*\(?\b((?:19|20)\d\d)([a-z]?)\)?", name.strip())
    if found and found[1]:
        return found[1].strip(), found[2], found[3]
    digits = re.search(r"(?:19|20)\d\d", year)
    return name.strip(), digits[0] if digits else "", ""


def study_ids(names: Iterable[tuple[str, str]]) -> list[str]:
    """Codebook ids for (name, year) pairs in order, all different.

    >>> study_ids([("Müller 2001", ""), ("van Dam K 2001", ""), ("Muller 2001", ""), ("MRC-1", "1974")])
    ['Muller2001', 'VanDamK2001', 'Muller2001b', 'MRC1_1974']
    """
    taken: set[str] = set()
    ids = []
    for name, given in names:
        author, year, letter = split_name(name, given)
        parts = re.findall(r"[A-Za-z0-9]+", ascii_text(author))
        stem = "".join(part[:1].upper() + part[1:] for part in parts)
        stem = (stem if stem[:1].isalpha() else f"Study{stem}")[:48]
        base = f"{stem}{'_' if year and stem[-1].isdigit() else ''}{year}"
        options = [base + letter, *(base + other for other in "bcdefghijklmnopqrstuvwxyz")]
        options += [f"{base}_{number}" for number in range(2, len(taken) + 3)]
        ids.append(next(option for option in options if option.casefold() not in taken))
        taken.add(ids[-1].casefold())
    return ids


def weeks_in(text: str) -> str:
    """The week that a text names, if it names exactly one point in time and nothing else ("" otherwise)."""
    if NO_POINT_IN_TIME.search(text):
        return ""
    found = re.findall(r"\bweeks?\s+(\d+(?:\.\d+)?)|\b(\d+(?:\.\d+)?)[\s-]*(?:weeks?|wks?)\b", text, re.I)
    weeks = {first or second for first, second in found}
    return weeks.pop() if len(weeks) == 1 else ""


def plain(text: str, longest: int = 2000) -> str:
    """Text fit for a cell: one line, printable, not too long, nothing that a spreadsheet would run."""
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return f"'{text}" if text.startswith(("=", "+", "@")) else text


def number(text: str | None) -> str:
    """The text of a number as the codebook writes it, or "" if it is none."""
    text = (text or "").strip().replace("−", "-")
    return text if re.fullmatch(FORMS["number"].pattern, text) else ""


def count(text: str | None) -> str:
    """The text of a whole number without superfluous zeros, or ""."""
    value = number(text)
    return f"{float(value):.0f}" if value and float(value).is_integer() else ""


def people(text: str | None) -> str:
    """The text of a number of people, "" for nobody and for no whole number."""
    return "" if count(text) == "0" else count(text)


def stand_ins(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """The columns in which cells are still to be filled in, each with how many, in the order of the tables.

    >>> stand_ins({"studies": pd.DataFrame({"population": ["to fill in: who", "adults"]})})
    ['studies.csv, population (1)']
    """
    mark = re.compile(TO_FILL_IN.replace(" ", "[ -]"))
    found = []
    for name, frame in tables.items():
        for column in frame:
            cells = frame[column].dropna()
            number = sum(bool(mark.search(cell)) for cell in cells if isinstance(cell, str))
            found += [f"{EVIDENCE[name].file}, {column} ({number})"] if number else []
    return found


def parse_fill(entries: Iterable[str]) -> dict[tuple[str, str], str]:
    """`COLUMN=VALUE` or `TABLE.COLUMN=VALUE` as {(table or "", column): value}; unknown names are faults."""
    filled: dict[tuple[str, str], str] = {}
    faults = []
    for entry in entries:
        place, sign, value = entry.partition("=")
        table, dot, column = place.rpartition(".")
        tables = [EVIDENCE[table]] if table in EVIDENCE else [] if dot else list(EVIDENCE.values())
        known = sorted({name for each in tables for name in each.names})
        if not sign or column not in known:
            near = nearest(column, known or EVIDENCE)
            remedy = f"did you mean '{near}'" if near else "write COLUMN=VALUE or TABLE.COLUMN=VALUE"
            faults.append(Fault("--fill", None, "", entry, "not a column of the codebook", remedy))
        filled[table, column] = value
    if faults:
        raise InputError(faults)
    return filled


def write_candidates(
    candidates: Candidates, folder: str | Path, fill: Mapping[tuple[str, str], str] | None = None
) -> None:
    """Write the seven tables, IMPORT.md and further files to a new folder, whole or not at all.

    `fill` puts a value into every *empty* cell of a column. Raises InputError if the folder exists, or lies
    within a folder of evidence tables: imported rows never mix with checked ones by themselves.
    """
    folder = Path(folder)
    if any((parent / "studies.csv").exists() for parent in folder.resolve().parents):
        io.refuse_place(folder, "it would lie among checked evidence tables", "name a new folder elsewhere")
    written = [name for name in EVIDENCE if name in TABLES or candidates.rows.get(name)]
    counts = (f"- {name}: {len(candidates.rows.get(name, ()))} rows" for name in written)
    remarks = [f"- {remark}" for remark in candidates.remarks] or ["- none"]
    parts = {"source": candidates.source, "tables": "\n".join(counts), "remarks": "\n".join(remarks)}
    texts = {**candidates.files, "IMPORT.md": WORDS["report"].format(**parts)}
    for name in written:
        table = EVIDENCE[name]
        rows = (filled(row, table, fill or {}) for row in candidates.rows.get(name, ()))
        texts[table.file] = csv_text(table.names, rows)
    with io.new_folder(folder) as temporary:
        for name, text in texts.items():
            io.write_text(temporary / name, text)


def filled(row: Row, table: Table, fill: Fill) -> Row:
    """The cells of a row in the order of its table, empty ones with what is filled in."""
    given = {name: fill.get((table.name, name)) or fill.get(("", name), "") for name in table.names}
    return {name: row.get(name) or value for name, value in given.items()}


def csv_text(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """Rows as CSV, their cells as they are."""
    frame = pd.DataFrame(list(rows), columns=list(columns), dtype=object)
    return str(frame.to_csv(index=False, lineterminator="\n"))
