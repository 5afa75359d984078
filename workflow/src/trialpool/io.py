"""The only writers of the project: canonical bytes, written whole or not at all.

Numbers are written with 10 significant digits, because the last bits of exp, log and dot differ between
processors while ten digits do not; lines end with LF; keys keep their order; nothing carries a time.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Collection, ItemsView, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from trialpool.contracts import CHOICES, CODES, FLAG, STEPS, TEXT, Kind, Table, columns_differ
from trialpool.errors import Fault, InputError

if TYPE_CHECKING:  # pandas costs half a second at job start; only callers that hold a frame pay for it
    import pandas as pd

SIGNIFICANT_DIGITS = 10
PART = 1_000_000  # letters that are encoded at once
csv.field_size_limit(100_000_000)  # flow.csv names all trials in one cell; Python would read 131,072 letters
UNFINISHED = ".*.part"  # what a killed write leaves behind; the next run removes it
FORMATS = (".svg", ".pdf", ".png")
# On one page, which then has some 50 MB: browsers open 100 MB slowly or not. More records share texts.
MOST_QUESTIONS = 1000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def canonical_number(value: float) -> float | int | None:
    """Round to 10 significant digits; NaN and infinities become None, whole floats stay floats.

    >>> canonical_number(0.1 + 0.2), canonical_number(float("nan")), canonical_number(3)
    (0.3, None, 3)
    """
    if isinstance(value, int):
        return value
    if not math.isfinite(value):
        return None
    rounded = float(f"{float(value):.{SIGNIFICANT_DIGITS}g}")
    return rounded + 0.0  # no negative zero


def canonical(value: Any) -> Any:
    """A JSON-ready copy of nested dicts, lists, numpy scalars and arrays, numbers in canonical form."""
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return canonical_number(value)
    if isinstance(value, Mapping):
        return {str(key): canonical(entry) for key, entry in value.items()}
    if hasattr(value, "tolist"):
        return canonical(value.tolist())
    if isinstance(value, int | float):
        return canonical_number(value)
    if isinstance(value, Iterable):
        return [canonical(entry) for entry in value]
    raise TypeError(f"{type(value).__name__} cannot be written to JSON")


def cell(value: Any) -> str:
    """One CSV cell: numbers with 10 significant digits, booleans as true/false, missing as empty.

    Text that a spreadsheet would run as a formula gets an apostrophe in front (CWE-1236).

    >>> cell(12.0), cell(True), cell(None), cell("=1+1"), cell(-0.5)
    ('12', 'true', '', "'=1+1", '-0.5')
    """
    value = canonical(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.{SIGNIFICANT_DIGITS}g}"
    text = str(value)
    if isinstance(value, str) and text.startswith(FORMULA_STARTS):
        return "'" + text
    return text


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file whole or not at all: to a temporary neighbour first, then moved into place."""
    _write(path, (content,))


def _write(path: str | Path, parts: Iterable[bytes]) -> None:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.writelines(parts)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(folder: str | Path) -> Iterator[Path]:
    """A folder to write into, which is called `folder` once all is written, or goes away."""
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        yield temporary
        temporary.chmod(0o755)
        os.rename(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


@contextmanager
def new_folder(folder: str | Path) -> Iterator[Path]:
    """The same for a folder that must not be there yet, where one can be made; InputError otherwise."""
    if os.path.lexists(folder):
        refuse_place(folder, "the folder exists already", "name a new folder; nothing was written")
    check_place(folder)
    with whole_folder(folder) as temporary:
        yield temporary


def check_place(folder: str | Path) -> None:
    """Raise InputError where no folder can be written: in the way of it lies a file, or a lack of leave.

    >>> check_place("/dev/null/answer")
    Traceback (most recent call last):
    trialpool.errors.InputError: 1 fault in the input:
      /dev/null/answer: /dev/null is a file, not a folder. To mend: name another folder; nothing was written.
    """
    there = next(path for path in (Path(folder), *Path(folder).absolute().parents) if os.path.lexists(path))
    if not there.is_dir():
        refuse_place(folder, f"{there} is a file, not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        refuse_place(folder, f"nothing may be written into {there}")


def refuse_place(
    path: str | Path, problem: str, remedy: str = "name another folder; nothing was written"
) -> None:
    """Say what is in the way of a file or folder to be written."""
    raise InputError([Fault(str(path), None, "", "", problem, remedy)])


def write_all(texts: Mapping[Path, str]) -> None:
    """Write several files as they are, all of them or none: should one fail, all are what they were."""
    before = {path: path.read_bytes() if path.exists() else None for path in texts}
    try:
        for path, text in texts.items():
            write_bytes(path, text.encode("utf-8"))
    except BaseException:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            elif path.read_bytes() != content:
                write_bytes(path, content)
        raise


def write_text(path: str | Path, text: str | Iterable[str]) -> None:
    """Write UTF-8 text, whole or in parts, with LF line ends and exactly one at the end."""
    whole = (
        (text[start : start + PART] for start in range(0, len(text), PART)) if isinstance(text, str) else text
    )
    _write(path, (part.encode("utf-8") for part in _ended(whole)))


def _ended(parts: Iterable[str]) -> Iterator[str]:
    """The parts of a text with one line feed at the end of the last."""
    ends = 0
    for part in parts:
        kept = part.rstrip("\n")
        if kept:
            yield "\n" * ends + kept
            ends = 0
        ends += len(part) - len(kept)
    yield "\n"


def write_json(path: str | Path, record: Any) -> None:
    """Write a record as canonical JSON, keys in their given order."""
    write_text(path, json_text(canonical(record)))


def json_text(value: Any) -> str:
    """JSON in which what holds nothing further, a row of a table for instance, stands on one line.

    >>> print(json_text({"k": 2, "rows": [{"n": 1, "sd": None}, {"n": 2, "sd": 0.5}]}))
    {"k":2,
    "rows":[{"n":1,"sd":null},
    {"n":2,"sd":0.5}]}
    """
    if isinstance(value, dict) and any(isinstance(part, dict | list) for part in value.values()):
        parts = (f"{json.dumps(key, ensure_ascii=False)}:{json_text(part)}" for key, part in value.items())
        return "{" + ",\n".join(parts) + "}"
    if isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
        return "[" + ",\n".join(map(json_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def read_json(path: str | Path) -> Any:
    """Read a JSON file."""
    with open(path, "rb") as file:  # sooner than by a Path
        return msgspec.json.decode(file.read())


def read_records(paths: Sequence[str | Path]) -> Iterator[Any]:
    """Read JSON files; equal texts of very many are one object, which of few is not worth its time."""
    if len(paths) <= MOST_QUESTIONS:
        yield from map(read_json, paths)
        return
    known: dict[str, str] = {}

    def shared(part: dict[str, object]) -> dict[str, object]:
        return dict(zip(part, _shared(part.values(), known), strict=True))

    yield from (json.loads(Path(path).read_bytes(), object_hook=shared) for path in paths)


def csv_text(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows as CSV text in the given column order; a column absent from a row is empty.

    >>> csv_text([{"a": 1.50, "b": "x, y"}], ["a", "b"])
    'a,b\\n1.5,"x, y"\\n'
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(row.get(column)) for column in columns] for row in rows)
    return buffer.getvalue()


def write_csv(path: str | Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write rows (dicts) as canonical CSV."""
    write_text(path, csv_text(rows, columns))


def read_csv(path: str | Path) -> list[dict[str, str]]:
    """Rows of a CSV file, their cells as they are."""
    with Path(path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write_parquet(path: str | Path, frame: pd.DataFrame, table: Table) -> None:
    """Write a frame as parquet (zstd, no index), each column with its unit and meaning.

    Raises TypeError, with the column's name, where the frame is not the table: a column lacks, is too much,
    or holds another kind of value. Codes, steps and choices are tuples.
    """
    write_arrow(path, arrow_table(frame, table))


def write_arrow(path: str | Path, table: Any) -> None:
    """Write a table of pyarrow as parquet (zstd)."""
    from pyarrow import parquet

    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd")
    write_bytes(path, buffer.getvalue())


def arrow_table(frame: pd.DataFrame, table: Table) -> Any:
    """A frame as the table of pyarrow that `write_parquet` writes, or its TypeError."""
    import pyarrow

    if problem := columns_differ(table, list(frame.columns)):
        raise TypeError(problem)
    schema = pyarrow.Schema.from_pandas(frame, preserve_index=False)
    columns = {column.name: column for column in table.columns}
    for index, name in enumerate(schema.names):
        field, kind = schema.field(index), columns[name].kind
        if kind in (CODES, STEPS, CHOICES) or frame.empty:  # of no row no type can be inferred
            field = pyarrow.field(name, _stored_as(kind))
        elif not _fits(field.type, kind):
            raise TypeError(f"the column {name} of the table {table.name} holds {field.type}, not {kind}")
        explained = {"unit": columns[name].unit, "description": columns[name].meaning}
        schema = schema.set(index, field.with_metadata(explained))
    schema = schema.with_metadata({**(schema.metadata or {}), "description": table.holds})
    return pyarrow.Table.from_pandas(frame, schema, preserve_index=False)


def _stored_as(kind: Kind) -> Any:
    """The type of pyarrow in which a kind of column is stored where its values do not say."""
    import pyarrow

    text, texts = pyarrow.string(), pyarrow.list_(pyarrow.string())
    choices = pyarrow.list_(pyarrow.struct([("dimension", text), ("level", text)]))
    kinds = {TEXT: text, FLAG: pyarrow.bool_(), CODES: texts, STEPS: texts, CHOICES: choices}
    return kinds.get(kind, pyarrow.float64())


def _fits(stored: Any, kind: Kind) -> bool:
    """Whether a type of pyarrow can hold a kind of column; a column without any value has no type."""
    known = {TEXT: "null|(large_)?string", FLAG: "null|bool"}
    return bool(re.fullmatch(known.get(kind, r"null|u?int\d+|float|double"), str(stored)))


def read_rows(path: str | Path, columns: Sequence[str] | None = None) -> list[Mapping[str, Any]]:
    """Rows of a parquet file, or some of its columns, as dicts without pandas; missing cells are None.

    Equal texts are one object: of many rows most of the room is texts that repeat.
    """
    names, rows = _cells(path, columns)
    return [dict(zip(names, row, strict=True)) for row in rows]


class LeanRow(Mapping[str, Any]):
    """A row that shares the names of its columns with all others of its table: a fifth of a dict's room.

    It says what a dict of the same would, as what is kept goes by that.

    >>> LeanRow({"arm": 0, "n": 1}, ("a", 30.0))
    {'arm': 'a', 'n': 30.0}
    """

    __slots__ = ("_cells", "_places")

    def __init__(self, places: Mapping[str, int], cells: tuple[Any, ...]) -> None:
        self._places, self._cells = places, cells

    def __getitem__(self, name: str) -> Any:
        return self._cells[self._places[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def items(self) -> ItemsView[str, Any]:
        """Its cells with the names of their columns, sooner than one by one."""
        return dict(zip(self._places, self._cells, strict=True)).items()

    def __repr__(self) -> str:
        return repr(dict(self))


def read_lean_rows(path: str | Path) -> list[Mapping[str, Any]]:
    """The same of tables that are read to be looked up, for as long as a page of all trials is written."""
    names, rows = _cells(path)
    places = {name: place for place, name in enumerate(names)}
    return [LeanRow(places, row) for row in rows]


def _cells(
    path: str | Path, columns: Sequence[str] | None = None
) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    import pyarrow.parquet as parquet

    wanted = None if columns is None else list(columns)
    table = parquet.ParquetFile(path).read(wanted, use_threads=False)  # to start threads takes as long again
    known: dict[str, str] = {}
    cells = (_shared(column.to_pylist(), known) for column in table.columns)
    return table.column_names, zip(*cells, strict=True)


def _shared(values: Iterable[Any], known: dict[str, str]) -> list[Any]:
    """Values, of which texts are the equal ones that are known already, and else become known."""
    return [known.setdefault(value, value) if type(value) is str else value for value in values]


def fingerprint(value: object) -> str:
    """A hash that stands for a value whose `repr` says the whole of it."""
    return hashlib.sha256(repr(value).encode()).hexdigest()


def sha256(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def formats_of(wanted: Collection[str] | None, *, printed: bool = False) -> tuple[str, ...]:
    """The file endings of a figure: those `wanted` in the config, if it says any, else SVG, for screens.

    A figure to be `printed`, which goes into papers and slides, has them all.

    >>> formats_of(None, printed=True), formats_of(None), formats_of(["svg", "png"])
    (('.svg', '.pdf', '.png'), ('.svg',), ('.svg', '.png'))
    """
    if wanted is None:
        return FORMATS if printed else FORMATS[:1]
    return tuple(ending for ending in FORMATS if ending[1:] in wanted)
