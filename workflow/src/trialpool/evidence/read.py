"""Folders of codebook tables in, valid typed frames out, or every fault of every table at once.

What spreadsheets do without harm is accepted: a byte-order mark, CRLF, blank rows, space around a cell,
columns in another order. What could change a number or shift a column is a fault.
"""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd

from trialpool.contracts import EVIDENCE, OPTIONAL, Table
from trialpool.errors import SHOWN_VALUE_LENGTH, Fault, InputError, nearest, shown, suggestion
from trialpool.evidence.risk_of_bias import Wrong, unknown_answers, unknown_words, with_answers
from trialpool.evidence.validate import (
    TEXT,
    Catalogue,
    RawTable,
    check_cells,
    row_faults,
    unknown_instruments,
)
from trialpool.records import Choice, Choices
from trialpool.vocabulary import Known, Vocabulary, general

Folders = Sequence[str | Path]
TOO_LONG = "line too long"
LARGEST_FILE = 2**29  # bytes; the memory that reading takes is a few times that
LONGEST_LINE = 2**24  # characters; a line of nothing but commas takes sixty times its size in memory
SAVE_AS = "save it as 'CSV UTF-8 (comma delimited)'"
COMMAS = 'put cells that contain a comma in "…", and write decimal points, not commas'
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def valid_tables(
    folders: Folders, catalogue: Catalogue, conditions: Sequence[str], vocabulary: Vocabulary
) -> dict[str, pd.DataFrame]:
    """Like `read_evidence`, for a review that asks about these `conditions`: an instrument that the
    catalogue lacks is a fault, as is a condition that no trial has.
    """
    tables, faults = examine_for(folders, catalogue, conditions, vocabulary)
    if faults:
        raise InputError(faults)
    return tables


def examine_for(
    folders: Folders, catalogue: Catalogue, conditions: Sequence[str], vocabulary: Vocabulary
) -> tuple[dict[str, pd.DataFrame], list[Fault]]:
    """Like `valid_tables`, but returns the faults instead of raising."""
    tables, faults = examine(folders, vocabulary)
    faults += unknown_instruments(tables, catalogue, vocabulary.events())
    if "studies" in tables:
        known = sorted(set(tables["studies"]["condition"].dropna()))
        problem = "not the condition of any trial in studies.csv"
        absent = [condition for condition in conditions if condition not in known]
        faults += [
            Fault("config", None, "condition", name, problem, suggestion(name, known)) for name in absent
        ]
    return tables, faults


def read_evidence(
    folders: Folders | str | Path, vocabulary: Vocabulary | None = None
) -> dict[str, pd.DataFrame]:
    """Read, validate and convert the evidence tables of one or several folders.

    Returns `studies arms continuous contrasts events risk_of_bias published_pools`, each with the codebook's
    columns and `row_id` ("events.csv:12", the header being row 1; "folder/events.csv:12" when there are
    several folders). Numbers are float64 (NaN = not reported), text is pandas string (<NA> = empty).
    `vocabulary` holds the words of the review, general ones if it has none.
    Raises InputError with all faults of all tables.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for table in EVIDENCE.values():
    ...         pd.DataFrame(columns=table.names).to_csv(Path(folder, table.file), index=False)
    ...     tables = read_evidence(folder)
    >>> sorted(tables)[:3], tables["arms"]["weeks"].dtype
    (['arms', 'continuous', 'contrasts'], dtype('float64'))
    """
    tables, faults = examine(folders, vocabulary)
    if faults:
        raise InputError(faults)
    return tables


def examine(
    folders: Folders | str | Path,
    vocabulary: Vocabulary | None = None,
    further: Mapping[str, Sequence[str]] | None = None,
) -> tuple[dict[str, pd.DataFrame], list[Fault]]:
    """Like `read_evidence`, but returns the faults, in the order of tables and rows, instead of raising.

    `further` adds words by column name, such as {"condition": ["MIGRAINE"]}.

    >>> tables, faults = examine("my/trials")
    >>> print(*faults)
    my/trials: the folder does not exist. To mend: name a folder of codebook tables.
    """
    folders = [folders] if isinstance(folders, str | Path) else list(folders)
    faults = list(_folder_faults(folders))
    if faults:
        return {}, faults
    vocabulary = vocabulary or general()
    words = {column: Known(tuple(more), True) for column, more in (further or {}).items()}
    words |= vocabulary.table_words(further)
    frames: dict[str, list[pd.DataFrame]] = {name: [] for name in EVIDENCE}
    unreadable: set[str] = set()
    files: dict[str, str] = {}
    marked: set[tuple[str, str]] = set()
    for folder, prefix in zip(folders, row_prefixes(folders), strict=True):
        for name, table in EVIDENCE.items():
            raw = read_raw(Path(folder) / table.file, table)
            typed, found = check_cells(raw, table, words)
            label = f"{prefix}{table.file}"
            files[label] = raw.file
            typed["row_id"] = pd.array([f"{label}:{row}" for row in raw.rows], dtype=TEXT)
            frames[name].append(typed.reset_index(drop=True))
            marked |= _marked(label, raw, found)
            unreadable |= {name} if raw.absent & set(table.key) else set()
            faults += [*raw.faults, *found]
    tables = {name: pd.concat(parts, ignore_index=True) for name, parts in frames.items()}
    faults += row_faults(tables, files, marked, unreadable, vocabulary)
    answers, covariates = (tables.pop(table.name) for table in OPTIONAL.values())
    if not faults:
        tables["risk_of_bias"], wrong = _judged(tables["risk_of_bias"], answers, vocabulary)
        faults += [_fault_of(each, files) for each in wrong]
    tables["studies"]["covariates"] = _covariates(tables["studies"]["study_id"], covariates)
    order = {file: number for number, file in enumerate(files.values())}
    return tables, sorted(faults, key=lambda fault: (order.get(fault.file, -1), fault.row or 0))


def _judged(
    judgements: pd.DataFrame, answers: pd.DataFrame, vocabulary: Vocabulary
) -> tuple[pd.DataFrame, list[Wrong]]:
    """Judgements with those that answers to signalling questions lead to, and what is wrong with either."""
    rows, given = (
        frame.astype(object).where(frame.notna(), None).to_dict("records") for frame in (judgements, answers)
    )
    wrong = [*unknown_words(rows, vocabulary.bias_tools), *unknown_answers(given, vocabulary.bias_tools)]
    if wrong or not given:
        return judgements, wrong
    whole, wrong = with_answers(rows, given, vocabulary.bias_tools)
    return pd.DataFrame(whole, columns=judgements.columns).astype(judgements.dtypes), wrong


def _fault_of(wrong: Wrong, files: Mapping[str, str]) -> Fault:
    label, row = wrong.row_id.rsplit(":", 1)
    return Fault(files[label], int(row), *wrong[1:])


def _covariates(studies: pd.Series, rows: pd.DataFrame) -> Any:
    """What study_covariates.csv says of each study, missing where it says nothing."""
    said: dict[str, list[Choice]] = defaultdict(list)
    for study, name, value in rows[["study_id", "covariate", "value"]].dropna().itertuples(index=False):
        said[study].append(Choice(name, value))
    return pd.array([str(Choices(said[study])) if study in said else None for study in studies], dtype=TEXT)


def row_prefixes(folders: Folders) -> list[str]:
    """What stands before the file name in a `row_id`: nothing for one folder, else a telling folder name.

    >>> row_prefixes(["data/raw"]), row_prefixes(["raw", "new trials"]), row_prefixes(["a/x", "b/x"])
    ([''], ['raw/', 'new_trials/'], ['a/x/', 'b/x/'])
    """
    if len(folders) == 1:
        return [""]
    parts = [Path(folder).resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            break
    return ["_".join(f"{name}/".split()) for name in names]


def _folder_faults(folders: Folders) -> Iterator[Fault]:
    seen: set[Path] = set()
    if not folders:
        yield Fault("", None, "", "", "no evidence folder is named", "name a folder of codebook tables")
    for folder in folders:
        path = Path(folder)
        if not path.is_dir():
            problem = "it is not a folder" if path.exists() else "the folder does not exist"
            yield Fault(str(folder), None, "", "", problem, "name a folder of codebook tables")
        elif path.resolve() in seen:
            yield Fault(str(folder), None, "", "", "the folder is named twice", "name it once")
        seen.add(path.resolve())


def _marked(label: str, raw: RawTable, found: Sequence[Fault]) -> set[tuple[str, str]]:
    """(row_id, column) of cells already known to be at fault; column "" stands for the whole row."""
    cells = {(f"{label}:{fault.row}", fault.column) for fault in found}
    rows = {(f"{label}:{row}", "") for row in raw.ragged}
    absent = {(f"{label}:{row}", name) for name in raw.absent for row in raw.rows}
    return cells | rows | absent


def read_raw(path: str | Path, table: Table) -> RawTable:
    """Read the file of one table; never raises for what a person may have done to the file.

    One of a table that is optional has no rows where it does not exist.

    >>> from trialpool.contracts import ARMS
    >>> print(read_raw("data/arms.csv", ARMS).faults[0])
    data/arms.csv: the file does not exist. To mend: add it; a table without rows still needs its header row.
    """
    file = str(path)
    if table.name in OPTIONAL and not Path(path).exists():
        return RawTable(file, {name: [] for name in table.names}, [], frozenset(), frozenset(), ())
    try:
        records = _records(file, _decoded(file, _content(Path(path))))
        if not records:
            _refuse(file, 1, "the file is empty", f"begin it with the header row: {','.join(table.names)}")
        return _aligned(file, records, table)
    except InputError as error:
        nothing: dict[str, list[str]] = {name: [] for name in table.names}
        return RawTable(file, nothing, [], frozenset(), frozenset(table.names), error.faults)


def _refuse(file: str, row: int | None, problem: str, remedy: str) -> NoReturn:
    raise InputError([Fault(file, row, "", "", problem, remedy)])


def _content(path: Path) -> bytes:
    try:
        if (size := path.stat().st_size) <= LARGEST_FILE:
            return path.read_bytes()
    except OSError as error:
        if path.exists():
            reason = "it is a folder" if path.is_dir() else error.strerror or "no access"
            _refuse(str(path), None, f"the file cannot be read ({reason})", "put a readable file there")
        others = [each.name for each in path.parent.glob("*") if each.name != path.name]
        near = nearest(path.name, others, 0.8)
        remedy = f"rename '{near}'" if near else "add it; a table without rows still needs its header row"
        _refuse(str(path), None, "the file does not exist", remedy)
    problem = f"the file has {size:,} bytes, more than {LARGEST_FILE:,}"
    _refuse(str(path), None, problem, "split it into two folders")


def _decoded(file: str, content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        _refuse(file, None, "the file is UTF-16, not UTF-8", SAVE_AS)
    if content[:2] == b"PK" or b"\x00" in content:
        _refuse(file, None, "the file is not text (a workbook?)", f"open it and {SAVE_AS}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        start = max(before.rfind(b"\n"), before.rfind(b",")) + 1
        cell = content[start : error.start + 20].decode("latin-1").split(",")[0].split("\n")[0]
        problem = f"the file is not UTF-8 (byte 0x{content[error.start]:02x} near {cell!r})"
        remedy = f"{SAVE_AS}, then check the accents and signs"
        _refuse(file, before.count(b"\n") + 1, problem, remedy)


def _records(file: str, text: str) -> list[list[str]]:
    limit = csv.field_size_limit(sys.maxsize)  # the length of a cell is judged later, with its column's name
    records: list[list[str]] = []
    try:
        for record in csv.reader(_lines(text), strict=True):
            records.append(record)
    except csv.Error as error:
        problem = f"a quoted cell is not closed properly ({error})"
        remedy = 'put cells with commas or quotes in "…" and double every quote inside'
        if TOO_LONG in str(error):
            problem = f"a line has more than {LONGEST_LINE:,} characters"
            remedy = "keep text to what its column is for"
        _refuse(file, len(records) + 1, problem, remedy)
    finally:
        csv.field_size_limit(limit)
    return records


def _lines(text: str) -> Iterator[str]:
    """The lines of a text; a line beyond all measure stops the reader before it is taken apart."""
    for line in io.StringIO(text, newline=""):
        if len(line) > LONGEST_LINE:
            raise csv.Error(TOO_LONG)
        yield line


def _aligned(file: str, records: list[list[str]], table: Table) -> RawTable:
    """The cells under the columns that they stand in."""
    header = [name.strip() for name in records[0]]
    places = {name: header.index(name) for name in table.names if name in header}
    faults = list(header_faults(file, header, table))
    if not places or (len(header) == 1 and len(table.names) > 1):
        raise InputError(faults)
    width, named = len(header), len(header) - _nameless(header)
    rows, kept, ragged = [], [], set()
    for row, record in enumerate(records[1:], start=2):
        if not any(cell.strip() for cell in record):
            continue  # spreadsheets leave blank rows behind; they keep their number
        if not named <= len(record) <= width or any(cell.strip() for cell in record[named:]):
            ragged.add(row)
            problem = f"the row has {len(record)} cells where the header has {named}"
            faults.append(Fault(file, row, "", "", problem, COMMAS))
        rows.append(row)
        kept.append(record + [""] * (width - len(record)))
    cells = {
        name: [record[places[name]].strip() for record in kept] if name in places else [""] * len(kept)
        for name in table.names
    }
    absent = frozenset(each.name for each in table.columns if each.name not in places and not each.optional)
    return RawTable(file, cells, rows, frozenset(ragged), absent, tuple(faults))


def _nameless(header: Sequence[str]) -> int:
    """How many nameless columns stand at the end of the header, as spreadsheets leave them."""
    return len(header) - 1 - max((place for place, name in enumerate(header) if name), default=-1)


def header_faults(file: str, header: Sequence[str], table: Table) -> Iterator[Fault]:
    """What is wrong with the header row of a table: columns that are unknown, missing, or there twice."""
    known = table.names
    if not set(known) & set(header) or (len(header) == 1 and len(known) > 1):
        problem, remedy = "the header row names no known column", f"use: {','.join(known)}"
        if words := [word for sign, word in SEPARATORS.items() if sign in "".join(header)]:
            problem = f"the cells are separated by {words[0]}"
            remedy = "separate them by commas (and write decimal points)"
        yield Fault(file, 1, "", "", problem, remedy)
        return
    lacking = [column for column in table.columns if column.name not in header]
    for name, count in Counter(header).items():
        if name in known and count > 1:
            yield Fault(file, 1, name, "", f"the column stands {count} times", "keep one of them")
        elif name not in known and (name or count > _nameless(header)):
            near = nearest(name, [column.name for column in lacking])
            remedy = f"rename it to '{near}'" if near else "remove it; remarks belong into a note column"
            column = name if name.isprintable() and len(name) <= SHOWN_VALUE_LENGTH else ""
            yield Fault(file, 1, column, "", f"the column {shown(name)} is not in the codebook", remedy)
    for missing in (column.name for column in lacking if not column.optional):
        yield Fault(file, 1, missing, "", "the column is missing", "add it to the header row")
