"""References with decisions in, as Covidence, Rayyan and ASReview export them; screening.csv out.

Rayyan writes every reader's decision into the notes (RAYYAN-INCLUSION), ASReview a column `included` or
`asreview_label` or a note; Covidence one file a stage, whose name says which. What no file says stays empty.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from trialpool import io
from trialpool.errors import Fault, InputError
from trialpool.evidence.screening import EXCLUDE, INCLUDE, TABLE, YES, read_screening
from trialpool.text import count
from trialpool.yaml_files import shipped

WORDS = shipped("exchange")["screening"]
RIS_LINE = re.compile(r"([A-Z][A-Z0-9])  -(?: (.*))?$")
RIS_TAGS = {
    **{"title": ("TI", "T1"), "year": ("PY", "Y1", "DA"), "doi": ("DO",)},
    **{"source": ("DB", "DP"), "notes": ("N1",)},
}
RAYYAN = re.compile(r"RAYYAN-INCLUSION:\s*\{(.*?)\}", re.S)
RAYYAN_REASONS = re.compile(r"RAYYAN-EXCLUSION-REASONS:\s*([^|\n]*)")
COVIDENCE_REASON = re.compile(r"Exclusion reason:\s*([^;\n]*)", re.I)
STAGES = re.compile(r"(?:^|_)(irrelevant|excluded|included|extraction|select|duplicates?)(?:_|\.|$)", re.I)
YEAR = re.compile(r"\b(1[5-9]\d\d|20\d\d)\b")


class Reference(NamedTuple):
    """A reference of a file: what names it, and the decisions that the file tells of it."""

    title: str
    year: str
    doi: str
    source: str
    decisions: Mapping[str, str]
    disputed: bool

    @property
    def key(self) -> str:
        """What it has in common with other exports of the same: its DOI, else its title and year."""
        return self.doi.casefold() or f"{_folded(self.title)} {self.year}"


@dataclass
class Imported:
    """The rows of screening.csv, and what a person must know of them."""

    rows: list[dict[str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def import_screening(
    files: Sequence[str], full_texts: Sequence[str] = (), *, source: str = "", kind: str = "database"
) -> Imported:
    """The records in some files of references, the decisions on full reports in `full_texts` over the others.

    `source` names where records without a database of their own were found, `kind` what kind of source that
    is. A reference that stands twice is a duplicate of the first. Raises InputError for a file that cannot be
    read or has no reference.
    """
    made, disputed = Imported(), 0
    known: dict[str, dict[str, str]] = {}
    for file, full in [*((file, False) for file in files), *((file, True) for file in full_texts)]:
        stage = _covidence_stage(file)
        for reference in _read(file, full, stage):
            disputed += reference.disputed
            earlier = known.get(reference.key)
            if earlier is not None and (full or stage not in ("", "duplicates")):
                earlier.update({name: value for name, value in reference.decisions.items() if value})
                continue
            row = _row(reference, len(made.rows) + 1, source or Path(file).stem, kind)
            if earlier is not None:
                row |= {"duplicate_of": earlier["record_id"], "screened": "", "retrieved": "", "assessed": ""}
            elif stage == "duplicates":
                row |= {"removed": "other", "note": WORDS["duplicate"]}
            made.rows.append(row)
            known.setdefault(reference.key, row)
    if disputed:
        made.remarks.append(WORDS["disputed"].format(count=count(disputed, "record")))
    return made


def write_screening(made: Imported, out: str | Path) -> list[str]:
    """Write screening.csv, never over a file that is there; returns what is left to fill in."""
    if Path(out).exists():
        remedy = "name another file; what people decided is not overwritten"
        raise InputError([Fault(str(out), None, "", "", "the file exists", remedy)])
    io.write_csv(out, made.rows, TABLE.names)
    try:
        read_screening(out)
    except InputError as error:
        found = Counter((fault.column, fault.problem) for fault in error.faults)
        return [f"{column}: {problem} ({number})" for (column, problem), number in found.items()]
    return []


def _row(reference: Reference, number: int, source: str, kind: str) -> dict[str, str]:
    named = {"title": reference.title, "year": reference.year, "doi": reference.doi}
    own = {"record_id": f"r{number}", "source": reference.source or source, "source_kind": kind}
    return {**dict.fromkeys(TABLE.names, ""), **own, **named, **reference.decisions}


def _folded(title: str) -> str:
    """A title without case, accents and signs."""
    plain = unicodedata.normalize("NFKD", title).casefold()
    return re.sub(r"[^0-9a-z]+", " ", plain).strip() or title


# files


def _read(file: str, full: bool, stage: str) -> Iterator[Reference]:
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        problem = f"the file cannot be read ({getattr(error, 'strerror', None) or 'it is not UTF-8'})"
        raise InputError([Fault(file, None, "", "", problem, "name a RIS or CSV file in UTF-8")]) from None
    entries = list(_ris(text) if re.search(r"(?m)^TY  -", text) else _csv(text))
    if not entries:
        remedy = "name a file that Covidence, Rayyan or ASReview exported as RIS or CSV"
        raise InputError([Fault(file, None, "", "", "no reference stands in it", remedy)])
    for entry in entries:
        yield _reference(entry, full, stage)


def _ris(text: str) -> Iterator[dict[str, str]]:
    """The references of a RIS file, by the names of a CSV; a further line belongs to the tag above."""
    entry: dict[str, list[str]] = {}
    last = ""
    for line in text.splitlines():
        found = RIS_LINE.match(line)
        if found and found[1] == "ER":
            yield {name: _first(entry, name, tags) for name, tags in RIS_TAGS.items()}
            entry = {}
        elif found:
            last = found[1]
            entry.setdefault(last, []).append(found[2] or "")
        elif last and last in entry:
            entry[last][-1] += f" {line.strip()}"


def _first(entry: Mapping[str, list[str]], name: str, tags: Sequence[str]) -> str:
    values = [value for tag in tags for value in entry.get(tag, [])]
    return " | ".join(values) if name == "notes" else (values or [""])[0]


def _csv(text: str) -> Iterator[dict[str, str]]:
    """The references of a CSV file by the lower-case names of its columns."""
    names = {"published year": "year", "accession number": "accession", "study": "study"}
    for row in csv.DictReader(StringIO(text, newline="")):
        cells = {str(name).strip().casefold(): (value or "").strip() for name, value in row.items() if name}
        entry = {names.get(name, name): value for name, value in cells.items()}
        if entry.get("title"):
            yield entry


def _reference(entry: Mapping[str, Any], full: bool, stage: str) -> Reference:
    decisions, disputed = _decisions(entry, full, stage)
    year = YEAR.search(entry.get("year", ""))
    doi = re.sub(r"^(https?://(dx\.)?doi\.org/|doi:\s*)", "", entry.get("doi", ""), flags=re.I)
    return Reference(
        title=entry.get("title", ""),
        year=year[0] if year else "",
        doi=doi,
        source=entry.get("source", "") or entry.get("database", ""),
        decisions=decisions,
        disputed=disputed,
    )


# decisions


def _covidence_stage(file: str) -> str:
    """The stage that the name of one of Covidence's files says, such as "irrelevant"; "" for none."""
    found = STAGES.search(Path(file).name)
    word = found[1].lower() if found else ""
    return "duplicates" if word.startswith("duplicate") else word


def _decisions(entry: Mapping[str, str], full: bool, stage: str) -> tuple[dict[str, str], bool]:
    """What is decided of a reference, as cells of screening.csv; and whether its readers disagree."""
    notes = entry.get("notes", "")
    study = re.sub(r"[^A-Za-z0-9_-]", "", entry.get("study", ""))
    if stage == "irrelevant":
        return {"screened": EXCLUDE}, False
    if stage in ("excluded", "included", "extraction"):
        told, decision = COVIDENCE_REASON.search(notes), EXCLUDE if stage == "excluded" else INCLUDE
        return _assessed(decision, told[1].strip() if told else "", study), False
    if stage == "select":
        return {"screened": INCLUDE}, False
    votes, reason = _votes(entry, notes)
    if len(votes) != 1:
        return {}, len(votes) > 1
    (vote,) = votes
    if not vote:
        return {}, False
    return (_assessed(vote, reason, study) if full else {"screened": vote}), False


def _assessed(decision: str, reason: str, study: str) -> dict[str, str]:
    more = {"reason": reason} if decision == EXCLUDE else {"report_of": study}
    return {"screened": INCLUDE, "retrieved": YES, "assessed": decision, **more}


def _votes(entry: Mapping[str, str], notes: str) -> tuple[set[str], str]:
    """The different decisions of the readers ("" for undecided), and the reason of an exclusion."""
    if found := RAYYAN.search(notes):
        told = re.findall(r"=>\s*\"?(\w+)", found[1])
        known = {"included": INCLUDE, "excluded": EXCLUDE}
        reason = RAYYAN_REASONS.search(notes)
        return {known.get(vote.lower(), "") for vote in told}, reason[1].strip() if reason else ""
    if found := re.search(r"ASReview_(relevant|irrelevant|not_seen)", notes):
        return {{"relevant": INCLUDE, "irrelevant": EXCLUDE}.get(found[1], "")}, ""
    label = entry.get("asreview_label") or entry.get("included") or ""
    return {{"1": INCLUDE, "0": EXCLUDE, "1.0": INCLUDE, "0.0": EXCLUDE}.get(label, "")}, ""
