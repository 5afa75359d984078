"""screening.csv in, the PRISMA 2020 flow out: how many records a search found, and what became of them.

A row is a record. Its decisions follow each other: identified, removed or screened, sought, retrieved,
assessed, included. A decision that is missing, or stands after one that ends the way, is a fault, so that the
sums of every box close (Page 2021, BMJ 372: n71).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trialpool.contracts import KEYED
from trialpool.errors import Fault, InputError, suggestion
from trialpool.evidence.read import read_raw
from trialpool.evidence.validate import check_cells
from trialpool.records import Reports, Screening

TABLE = KEYED["screening"]
SEARCHED = ("database", "register")
OTHER = ("website", "organisation", "citation", "other")
PREVIOUS = "previous"  # reports of the earlier version of a review
DECISIONS = ("screened", "retrieved", "assessed")
INCLUDE, EXCLUDE, YES, NO = "include", "exclude", "yes", "no"
Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """A record with its row in the file."""

    row: int
    cells: Cells

    def __getitem__(self, name: str) -> str:
        return self.cells[name]

    @property
    def studies(self) -> list[str]:
        """The trials that the record reports."""
        return self["report_of"].split()

    @property
    def kept(self) -> bool:
        """Whether it was there to be screened."""
        return not (self["duplicate_of"] or self["removed"])

    @property
    def sought(self) -> bool:
        """Whether its full report was sought; records of other ways need no decision on their title."""
        unscreened = self["source_kind"] in OTHER and not self["screened"]
        return self.kept and (self["screened"] == INCLUDE or unscreened)


def read_screening(path: str | Path, studies: Collection[str] | None = None) -> list[Found]:
    """The records of a screening table, checked; raises InputError with every fault.

    `studies` are those of studies.csv: each is of an included report, and no report is of another.

    >>> read_screening("my/screening.csv")
    Traceback (most recent call last):
    trialpool.errors.InputError: 1 fault in the input:
      my/screening.csv: the file does not exist. To mend: add it; a table without rows still needs its header
    row.
    """
    raw = read_raw(path, TABLE)
    _, faults = check_cells(raw, TABLE, {})
    rows = zip(*raw.cells.values(), strict=True)
    found = [
        Found(row, dict(zip(raw.cells, each, strict=True))) for row, each in zip(raw.rows, rows, strict=True)
    ]
    faults = [*raw.faults, *faults]
    if not faults:
        faults = [*_faults(str(path), found), *_study_faults(str(path), found, studies)]
    if faults:
        raise InputError(faults)
    return found


def _faults(file: str, records: Sequence[Found]) -> Iterator[Fault]:
    known: dict[str, Found] = {}
    for record in records:
        name = record["record_id"]
        if name in known:
            problem = f"a record that row {known[name].row} has already"
            yield Fault(file, record.row, "record_id", name, problem, "give every record an id of its own")
        known.setdefault(name, record)
    for record in records:
        yield from _duplicate_faults(file, record, known)
        for column, value, problem, remedy in _decision_slips(record):
            yield Fault(file, record.row, column, value, problem, remedy)


def _duplicate_faults(file: str, record: Found, known: Mapping[str, Found]) -> Iterator[Fault]:
    of = record["duplicate_of"]
    if not of:
        return
    if of not in known:
        remedy = suggestion(of, list(known))
        yield Fault(file, record.row, "duplicate_of", of, "not the id of a record", remedy)
    elif of == record["record_id"] or known[of]["duplicate_of"]:
        problem = "the record itself" if of == record["record_id"] else "itself a duplicate"
        yield Fault(file, record.row, "duplicate_of", of, problem, "name the record that is kept")


Slip = tuple[str, str, str, str]  # column, value, problem, remedy


def _decision_slips(record: Found) -> Iterator[Slip]:
    """Decisions that are missing, so that a sum would not close, and decisions after the last one."""
    if record["source_kind"] == PREVIOUS:
        if not record["report_of"]:
            yield "report_of", "", "a report of the earlier version is of no trial", "write its study_id"
        yield from _beyond(
            record, (*DECISIONS, "reason", "duplicate_of", "removed"), "of the earlier version"
        )
    elif not record.kept:
        yield from _beyond(record, (*DECISIONS, "reason", "report_of"), "removed before screening")
    elif not record.sought:
        if record["screened"] == EXCLUDE:
            yield from _beyond(record, (*DECISIONS[1:], "report_of"), "excluded by its title and abstract")
        else:
            yield "screened", "", "no decision on title and abstract", "write include or exclude"
    elif not record["retrieved"]:
        yield (
            "retrieved",
            "",
            "the report was sought, and nothing says whether it was found",
            "write yes or no",
        )
    elif record["retrieved"] == NO:
        yield from _beyond(record, ("assessed", "report_of"), "not retrieved")
    else:
        yield from _assessment_slips(record)


def _assessment_slips(record: Found) -> Iterator[Slip]:
    if not record["assessed"]:
        yield "assessed", "", "no decision on the full report", "write include or exclude"
    elif record["assessed"] == EXCLUDE and not record["reason"]:
        yield "reason", "", "a full report is excluded without a reason", "write why"
    elif record["assessed"] == INCLUDE and not record["report_of"]:
        yield "report_of", "", "an included report is of no trial", "write the study_id of its trial"
    if record["assessed"] == EXCLUDE:
        yield from _beyond(record, ("report_of",), "excluded")
    if record["assessed"] == INCLUDE:
        yield from _beyond(record, ("reason",), "included")


def _beyond(record: Found, columns: Iterable[str], what: str) -> Iterator[Slip]:
    for column in columns:
        if record[column]:
            problem = f"a cell of a record that is {what}"
            yield column, record[column], problem, "empty it, or correct the decision"


def _study_faults(file: str, records: Sequence[Found], studies: Collection[str] | None) -> Iterator[Fault]:
    """Included reports of trials that are not in studies.csv, and trials of no included report."""
    if studies is None:
        return
    named = {study for record in records for study in record.studies}
    for record in records:
        for study in record.studies:
            if study not in studies:
                remedy = suggestion(study, sorted(studies))
                yield Fault(file, record.row, "report_of", study, "not a trial of studies.csv", remedy)
    for study in studies:
        if study not in named:
            problem = "a trial of studies.csv of which no included report is"
            remedy = "write it under report_of of its report, or leave the trial out"
            yield Fault(file, None, "report_of", study, problem, remedy)


def count_screening(records: Sequence[Found]) -> Screening:
    """The PRISMA 2020 flow of checked records.

    >>> cells = dict.fromkeys(TABLE.names, "") | {"source": "MEDLINE", "source_kind": "database"}
    >>> ends = {"screened": "exclude"}, {"removed": "other"}
    >>> flow = count_screening([Found(row, cells | end) for row, end in enumerate(ends, 2)])
    >>> flow.searched.found, flow.searched.screened, flow.searched.removed, flow.studies
    ({'database': 2, 'register': 0}, 1, 1, 0)
    """
    earlier = [record for record in records if record["source_kind"] == PREVIOUS]
    before = {study for record in earlier for study in record.studies}
    new = [record for record in records if record["assessed"] == INCLUDE]
    return Screening(
        searched=_reports(records, SEARCHED),
        other=_reports(records, OTHER),
        previous_studies=len(before),
        previous_reports=len(earlier),
        new_studies=len({study for record in new for study in record.studies} - before),
        new_reports=len(new),
    )


def _reports(records: Sequence[Found], kinds: Sequence[str]) -> Reports:
    own = [record for record in records if record["source_kind"] in kinds]
    kept = [record for record in own if record.kept]
    sought = [record for record in kept if record.sought]
    assessed = [record for record in sought if record["retrieved"] == YES]
    excluded = Counter(record["reason"] for record in assessed if record["assessed"] == EXCLUDE)
    return Reports(
        found={kind: sum(record["source_kind"] == kind for record in own) for kind in kinds},
        sources=dict(Counter(record["source"] for record in own).most_common()),
        duplicates=sum(bool(record["duplicate_of"]) for record in own),
        automation=sum(record["removed"] == "automation" for record in own),
        removed=sum(record["removed"] == "other" for record in own),
        screened=sum(bool(record["screened"]) for record in kept),
        excluded=sum(record["screened"] == EXCLUDE for record in kept),
        sought=len(sought),
        not_retrieved=len(sought) - len(assessed),
        assessed=len(assessed),
        reasons=dict(sorted(excluded.items(), key=lambda each: (-each[1], each[0]))),
        included=len(assessed) - sum(excluded.values()),
    )
