"""A review and newly found trials in; which question each would enter, and what would change, out.

The review is run twice in a folder of its own, as it is and with the new rows, so that what would change is
what `diff` says of the two. Nothing of the review is touched, unless its tables are to get the rows.
"""

from __future__ import annotations

import contextlib
import csv
import io as streams
import os
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from trialpool import io
from trialpool.contracts import EVIDENCE, RESULT_TABLES, TABLES, Table
from trialpool.errors import Fault, InputError
from trialpool.evidence.read import examine_for
from trialpool.exchange.candidates import Candidates, Fill, Row, csv_text, filled
from trialpool.exchange.double_extraction import Extraction, identities, read_extraction, row_key
from trialpool.planning import snakemake_command
from trialpool.protocol import NAMING, Protocol, folder_of_paths, load_catalogue, read_protocol
from trialpool.provenance.diff import Change, Results, changes, read_results, records_in
from trialpool.records import columns_of, to_json
from trialpool.run_notes import refuse_missing
from trialpool.text import count
from trialpool.yaml_files import read_yaml

OF_TRIALS = [name for name, table in EVIDENCE.items() if table.key[0] == "study_id"]
UNNEEDED = shutil.ignore_patterns("locks", "log", "conda", "singularity", "running")  # of .snakemake
SHOWN = 4  # analyses of one reason in a line; trials.csv has all
CONFIG = "update-config.yaml"  # in the scratch folder


@dataclass(frozen=True, slots=True)
class Question:
    """What a new trial is to one analysis: it enters it, or why it does not.

    Of a `result` (domain and outcome) that no analysis asks for, `analysis` is empty.
    """

    study_id: str
    source: str
    analysis: str
    enters: bool
    reason: str = ""
    result: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A trial that the review has already, by its own name there, and how many results of it are new."""

    study_id: str
    source: str
    is_one: str
    by: str
    new_results: int

    def __str__(self) -> str:
        more = (
            f" {count(self.new_results, 'row')} of results not yet there: add by hand."
            if self.new_results
            else ""
        )
        other = f", as {self.is_one}" if self.is_one != self.study_id else ""
        return f"{self.study_id} ({self.source}): in the review already{other}, by its {self.by}.{more}"


@dataclass(frozen=True)
class Update:
    """What would become of a review with new trials.

    `rows` are those of the new trials that are whole, by table; `open` is what a person must fill in first,
    and keeps its trials out.
    """

    rows: Mapping[str, Sequence[Row]]
    known: Sequence[Known] = ()
    open: Sequence[Fault] = ()
    left_out: Sequence[str] = ()
    questions: Sequence[Question] = ()
    changes: Sequence[Change] = ()

    def lines(self) -> Iterator[str]:
        """What a reader is told."""
        by_trial: dict[str, list[Question]] = defaultdict(list)
        for each in self.questions:
            by_trial[each.study_id].append(each)
        for study, found in by_trial.items():
            enters = [each.analysis for each in found if each.enters]
            said = f"enters {', '.join(enters)}" if enters else "enters no question"
            yield f"{study} ({found[0].source}): {said}."
            reasons: dict[str, list[str]] = defaultdict(list)
            for each in found:
                if not each.enters:
                    reasons[each.reason].append(each.analysis or f"its {each.result}")
            for reason, names in reasons.items():
                more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
                yield f"  not {', '.join(names[:SHOWN])}{more}: {reason}"
        yield from map(str, self.known)
        if self.left_out:
            yield f"Left out until they are whole: {', '.join(self.left_out)}."


# What is new


def incoming(sources: Sequence[str], fill: Fill) -> list[Extraction]:
    """The candidate rows of folders, and of files that `import` takes, empty cells filled as is said."""
    return [_filled(_read(Path(source)), fill) for source in sources]


def _read(path: Path) -> Extraction:
    if path.is_dir() or path.suffix.lower() == ".csv":
        return read_extraction(path)
    found = _imported(path)
    rows = {name: list(map(dict, own)) for name, own in found.rows.items()}
    return Extraction(str(path), rows, {name: range(2, len(own) + 2) for name, own in rows.items()})


def _imported(path: Path) -> Candidates:
    """The candidates in a file, by its ending."""
    from trialpool.exchange.registry import import_registry
    from trialpool.exchange.revman import import_revman
    from trialpool.exchange.workbook import WORKBOOKS, import_workbook

    readers: dict[str, Callable[[Path], Candidates]] = dict.fromkeys(WORKBOOKS, import_workbook)
    readers |= {".rm5": import_revman, ".zip": import_revman, ".json": import_registry}
    if not path.is_file() or path.suffix.lower() not in readers:
        problem = (
            "not a kind of file that import takes" if path.is_file() else "there is no such file or folder"
        )
        remedy = "name a folder of candidate rows, as trialpool import writes it, or a file that it takes"
        raise InputError([Fault(str(path), None, "", "", problem, remedy)])
    return readers[path.suffix.lower()](path)


def _filled(found: Extraction, fill: Fill) -> Extraction:
    rows = {name: [filled(row, EVIDENCE[name], fill) for row in own] for name, own in found.rows.items()}
    return replace(found, rows=rows)


@dataclass
class Sorted:
    """New trials sorted: rows to be tried, trials that are known already, faults that keep others out."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in EVIDENCE})
    known: list[Known] = field(default_factory=list)
    open: list[Fault] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)


def sort(own: Mapping[str, Sequence[Row]], new: Sequence[Extraction], protocol: Protocol) -> Sorted:
    """Tell new trials from those that the review `own` has, and whole ones from those with something to mend.

    A trial is known by its registration, DOI or PubMed number, else by its id. One that has the id of another
    trial has to be called otherwise.
    """
    done = Sorted()
    taken = {name: list(rows) for name, rows in own.items()}
    catalogue = load_catalogue(protocol.instruments, checked=True)
    for source in new:
        known = {each.study_id: each for each in _known(taken, source)}
        done.known += known.values()
        faults = [*_clashes(taken, source, known), *_faults(source, catalogue, protocol)]
        at_fault = {_study_of(source, fault) for fault in faults} - known.keys()
        done.open += [fault for fault in faults if _study_of(source, fault) not in known]
        done.left_out += sorted(at_fault - {""})
        for name, rows in source.rows.items():
            keys = {row_key(EVIDENCE[name], row) for row in taken[name]}
            for row in rows:
                study = row["study_id"] if name in OF_TRIALS else ""
                if study in known or study in at_fault or row_key(EVIDENCE[name], row) in keys:
                    continue
                done.rows[name].append(row)
                taken[name].append(row)
                done.sources.setdefault(study, source.name)
    done.sources.pop("", None)
    return done


def _known(own: Mapping[str, Sequence[Row]], source: Extraction) -> Iterator[Known]:
    """The trials of a source that the review has."""
    by_mark = {mark: row["study_id"] for row in own["studies"] for mark in identities(row)}
    ids = {row["study_id"]: identities(row) for row in own["studies"]}
    for row in source.rows.get("studies", ()):
        marks = identities(row)
        mark = next((mark for mark in sorted(marks) if mark in by_mark), None)
        same = row["study_id"] in ids and not _apart(ids[row["study_id"]], marks)
        if mark or same:
            study = by_mark[mark] if mark else row["study_id"]
            more = sum(_is_new(own, source, name, row["study_id"], study) for name in RESULT_TABLES)
            yield Known(row["study_id"], source.name, study, mark[0] if mark else "study_id", more)


def _apart(one: set[tuple[str, str]], other: set[tuple[str, str]]) -> bool:
    """Whether two trials have numbers of one kind, and not the same."""
    return not one & other and bool({kind for kind, _ in one} & {kind for kind, _ in other})


def _is_new(own: Mapping[str, Sequence[Row]], source: Extraction, name: str, study: str, is_one: str) -> int:
    """How many rows of a known trial in a table the review lacks."""
    keys = {row_key(EVIDENCE[name], row) for row in own[name]}
    rows = (row for row in source.rows.get(name, ()) if row["study_id"] == study)
    return sum(row_key(EVIDENCE[name], row | {"study_id": is_one}) not in keys for row in rows)


def _clashes(
    own: Mapping[str, Sequence[Row]], source: Extraction, known: Mapping[str, Known]
) -> Iterator[Fault]:
    """Trials with the id of another trial."""
    ids = {row["study_id"] for row in own["studies"]}
    for row, number in zip(source.rows.get("studies", ()), source.numbers.get("studies", ()), strict=True):
        study = row["study_id"]
        if study in ids and study not in known:
            other = next(
                f"{study}{letter}" for letter in "bcdefghijklmnopqrstuvwxyz" if f"{study}{letter}" not in ids
            )
            problem, remedy = "the id of another trial of the review", f"call it {other} in every table"
            yield Fault(f"{source.name}: studies.csv", number, "study_id", study, problem, remedy)


def _faults(source: Extraction, catalogue: Any, protocol: Protocol) -> list[Fault]:
    """What is wrong with the rows of a source, at their places in it."""
    with tempfile.TemporaryDirectory() as folder:
        for name, table in EVIDENCE.items():
            text = csv_text(table.names, source.rows.get(name, ()))
            Path(folder, table.file).write_text(text, encoding="utf-8")
        faults = examine_for([folder], catalogue, (), protocol.words)[1]
    placed = []
    for fault in faults:
        name = Path(fault.file).stem
        numbers = source.numbers.get(name, ())
        row = numbers[fault.row - 2] if fault.row and fault.row > 1 else fault.row
        placed.append(replace(fault, file=f"{source.name}: {name}.csv", row=row))
    return placed


def _study_of(source: Extraction, fault: Fault) -> str:
    """The trial of the row in which a fault is; "" where it is of no row or no trial."""
    name = Path(fault.file.rpartition(": ")[2]).stem
    numbers = list(source.numbers.get(name, ()))
    if fault.row not in numbers or name not in OF_TRIALS:
        return ""
    return source.rows[name][numbers.index(fault.row)]["study_id"]


def write_update(found: Update, folder: str | Path) -> None:
    """Write trials.csv (what each new trial is to each analysis) and changes.csv into a new folder."""
    with io.new_folder(folder) as temporary:
        io.write_csv(temporary / "trials.csv", to_json(found.questions), columns_of(Question))
        io.write_csv(temporary / "changes.csv", to_json(found.changes), columns_of(Change))


# What would change


def update(
    config: str | Path, sources: Sequence[str], fill: Fill, cores: int = 1
) -> tuple[Update, dict[Path, str]]:
    """What would become of a review with the trials of some sources, and its tables with their rows.

    The tables are texts by path: those of the first folder of evidence, where they get rows. Raises
    InputError where the review or a source cannot be read.
    """
    new = incoming(sources, fill)
    base, name = folder_of_paths(config).absolute(), Path(config).absolute()
    with contextlib.chdir(base):
        protocol = read_protocol(os.path.relpath(name))
        refuse_missing(protocol.evidence, [*TABLES])
        own = _own_rows(protocol.evidence)
        done = sort(own, new, protocol)
        texts = {
            Path(folder).absolute() / table.file: _text(Path(folder, table.file), table)
            for folder in protocol.evidence[:1]
            for table in EVIDENCE.values()
        }
    added = {
        path: with_rows(text, EVIDENCE[path.stem], done.rows[path.stem])
        for path, text in texts.items()
        if done.rows[path.stem]
    }
    found = Update(done.rows, done.known, done.open, done.left_out)
    if not done.rows["studies"]:
        return found, {}
    before, after = _both_results(name, base, protocol, added, cores)
    return replace(
        found,
        questions=list(_questions(after, done.sources)),
        changes=changes(before, after),
    ), added


def _text(file: Path, table: Table) -> str:
    """What stands in a table, its header where it has no file."""
    return file.read_bytes().decode("utf-8") if file.exists() else csv_text(table.names, ())


def _own_rows(folders: Sequence[str]) -> dict[str, list[Row]]:
    """The rows of the review's tables."""
    rows: dict[str, list[Row]] = {name: [] for name in EVIDENCE}
    for folder in folders:
        for name, own in read_extraction(folder).rows.items():
            rows[name] += own
    return rows


def with_rows(text: str, table: Table, rows: Sequence[Row]) -> str:
    """The text of a table with further rows, what stands there untouched if it has a column for every cell.

    >>> from trialpool.contracts import RISK_OF_BIAS
    >>> row = {"study_id": "B", "tool": "RoB2", "domain": "overall", "judgement": "low"}
    >>> print(with_rows("tool,study_id,domain,judgement,note", RISK_OF_BIAS, [row]))
    tool,study_id,domain,judgement,note
    RoB2,B,overall,low,
    <BLANKLINE>
    """
    end = "\r\n" if "\r\n" in text else "\n"
    text = text if text.endswith("\n") else text + end
    header = [name.strip().lstrip("\ufeff") for name in next(csv.reader(streams.StringIO(text, newline="")))]
    more = [name for name in table.names if name not in header and any(row.get(name) for row in rows)]
    if more:
        records = list(csv.reader(streams.StringIO(text, newline="")))
        wide = [
            [*record, *(more if at == 0 else [""] * len(more))] for at, record in enumerate(records) if record
        ]
        text, header = _csv(wide, end), [*header, *more]
    return text + _csv(([row.get(name, "") for name in header] for row in rows), end)


def _csv(records: Iterable[Sequence[str]], end: str) -> str:
    buffer = streams.StringIO()
    csv.writer(buffer, lineterminator=end).writerows(records)
    return buffer.getvalue()


def _both_results(
    config: Path, base: Path, protocol: Protocol, added: Mapping[Path, str], cores: int
) -> tuple[Results, Results]:
    """The results of a review as it is, and with other texts of its tables.

    What an earlier run left is copied along, so that only what is not current is made again.
    """
    with tempfile.TemporaryDirectory(prefix="trialpool-update-") as place:
        scratch = Path(place).resolve()
        content: dict[str, Any] = dict(read_yaml(config)[0])
        evidence = [_place(folder, base, f"evidence-{at}") for at, folder in enumerate(protocol.evidence)]
        content |= {"evidence": evidence}
        content |= {key: _place(content[key], base, key) for key in ("processed", "results")}
        for key in NAMING[1:]:
            if isinstance(content.get(key), str) and content[key].startswith(".."):
                content[key] = os.path.abspath(base / content[key])
        named = [".snakemake", *protocol.evidence, protocol.processed, protocol.results]
        _mirror(base, scratch, {Path(os.path.abspath(base / name)) for name in named})
        for folder, name in zip(protocol.evidence, evidence, strict=True):
            if not (scratch / name).exists():  # it lies elsewhere
                shutil.copytree(base / folder, scratch / name)
        (scratch / CONFIG).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        before = _results(scratch, content["results"], cores)
        for path, text in added.items():
            io.write_bytes(scratch / evidence[0] / path.name, text.encode("utf-8"))
        return before, _results(scratch, content["results"], cores)


def _place(folder: str, base: Path, otherwise: str) -> str:
    """What a folder of a review is called in the scratch folder: as in the review, if it lies in it."""
    inside = os.path.relpath(base / folder, base)
    return f"update-{otherwise}" if inside.startswith("..") else inside


def _mirror(base: Path, scratch: Path, copied: Collection[Path]) -> None:
    """A folder like another: some folders of it copied, with their times, the rest as links."""
    for entry in base.iterdir():
        if entry in copied:
            shutil.copytree(entry, scratch / entry.name, ignore=UNNEEDED)
        elif any(folder.is_relative_to(entry) for folder in copied):
            (scratch / entry.name).mkdir()
            _mirror(entry, scratch / entry.name, copied)
        elif not entry.name.startswith("."):
            (scratch / entry.name).symlink_to(entry)


def _results(scratch: Path, folder: str, cores: int) -> Results:
    """Run the review in the scratch folder, all but its page, and read what came of it."""
    command = snakemake_command(CONFIG, cores, "--quiet", "all", "--", "write_tables")
    done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
    if done.returncode:
        problem = f"its run failed:\n{done.stderr.strip()[-2000:]}"
        raise InputError(
            [Fault("the review", None, "", "", problem, "run it by itself: trialpool run CONFIG")]
        )
    return read_results(scratch / folder)


def _questions(results: Results, sources: Mapping[str, str]) -> Iterator[Question]:
    """What each new trial is to each analysis that it enters or nearly enters, by trial."""
    enters: dict[str, list[str]] = defaultdict(list)
    for analysis, record in records_in(results).items():
        for study in dict.fromkeys(row["study_id"] for row in record["studies"]):
            enters[study].append(analysis)
    text = results["excluded.csv"].decode("utf-8")
    rows = [row for row in csv.DictReader(streams.StringIO(text)) if row["study_id"] in sources]
    for study, source in sources.items():
        for analysis in enters[study]:
            yield Question(study, source, analysis, True)
        said = {
            (row["analysis"], row["reason"], "" if row["analysis"] else _result(row)): None
            for row in rows
            if row["study_id"] == study and row["analysis"] not in enters[study]
        }
        for analysis, reason, result in said:
            yield Question(study, source, analysis, False, reason, result)


def _result(row: Mapping[str, str]) -> str:
    """What was measured, of a row of excluded.csv."""
    return " ".join(filter(None, (row["domain"], row["instrument"])))
