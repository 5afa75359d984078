"""Folders of codebook tables in, valid typed frames out, or every fault of every table at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from trialpool.contracts import TABLES, Table
from trialpool.errors import Fault, InputError
from trialpool.evidence.csvfile import RawTable, read_raw
from trialpool.evidence.validate import TEXT, Words, check_cells, row_faults

Folders = Sequence[str | Path]


def read_evidence(folders: Folders | str | Path, extra_words: Words | None = None) -> dict[str, pd.DataFrame]:
    """Read, validate and convert the evidence tables of one or several folders.

    Returns `studies arms continuous contrasts events risk_of_bias published_pools`, each with the codebook's
    columns and `row_id` ("events.csv:12", the header being row 1; "folder/events.csv:12" when there are
    several folders). Numbers are float64 (NaN = not reported), text is pandas string (<NA> = empty).
    `extra_words` adds to a vocabulary by column name, such as {"condition": ["MIGRAINE"]}.
    Raises InputError with all faults of all tables.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for table in TABLES.values():
    ...         pd.DataFrame(columns=table.names).to_csv(Path(folder, table.file), index=False)
    ...     tables = read_evidence(folder)
    >>> sorted(tables)[:3], tables["arms"]["weeks"].dtype
    (['arms', 'continuous', 'contrasts'], dtype('float64'))
    """
    tables, faults = examine(folders, extra_words)
    if faults:
        raise InputError(faults)
    return tables


def examine(
    folders: Folders | str | Path, extra_words: Words | None = None
) -> tuple[dict[str, pd.DataFrame], list[Fault]]:
    """Like `read_evidence`, but returns the faults, in the order of tables and rows, instead of raising.

    >>> tables, faults = examine("my/trials")
    >>> print(*faults)
    my/trials: the folder does not exist. To mend: name a folder of codebook tables.
    """
    folders = [folders] if isinstance(folders, str | Path) else list(folders)
    faults = list(_folder_faults(folders))
    if faults:
        return {}, faults
    frames: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    unreadable: set[str] = set()
    files: dict[str, str] = {}
    marked: set[tuple[str, str]] = set()
    for folder, prefix in zip(folders, row_prefixes(folders), strict=True):
        for name, table in TABLES.items():
            raw, typed, found = load_table(Path(folder) / table.file, table, extra_words or {})
            label = f"{prefix}{table.file}"
            files[label] = raw.file
            typed["row_id"] = pd.array([f"{label}:{row}" for row in raw.rows], dtype=TEXT)
            frames[name].append(typed.reset_index(drop=True))
            marked |= _marked(label, raw, found)
            unreadable |= {name} if raw.absent & set(table.key) else set()
            faults += [*raw.faults, *found]
    tables = {name: pd.concat(parts, ignore_index=True) for name, parts in frames.items()}
    faults += row_faults(tables, files, marked, unreadable)
    order = {file: number for number, file in enumerate(files.values())}
    return tables, sorted(faults, key=lambda fault: (order.get(fault.file, -1), fault.row or 0))


def load_table(path: Path, table: Table, extra_words: Words) -> tuple[RawTable, pd.DataFrame, list[Fault]]:
    """One file on its own: its cells as text, the typed frame, and the faults of its cells.

    >>> import tempfile
    >>> from trialpool.contracts import Column
    >>> counts = Table("counts", (Column("n", "number"),), ())
    >>> with tempfile.NamedTemporaryFile("w") as file:
    ...     _ = file.write("n\\n30\\n\\n")
    ...     file.flush()
    ...     raw, typed, faults = load_table(Path(file.name), counts, {})
    >>> raw.rows, typed["n"].tolist(), faults
    ([2], [30.0], [])
    """
    raw = read_raw(path, table)
    typed, faults = check_cells(raw, table, extra_words)
    return raw, typed, faults


def row_prefixes(folders: Folders) -> list[str]:
    """What stands before the file name in a `row_id`: nothing for one folder, else a telling folder name.

    >>> row_prefixes(["data/raw"]), row_prefixes(["data/raw", "mine/new trials"])
    ([''], ['raw/', 'new_trials/'])
    >>> row_prefixes(["a/x", "b/x"])
    ['a/x/', 'b/x/']
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
        else:
            seen.add(path.resolve())


def _marked(label: str, raw: RawTable, found: Sequence[Fault]) -> set[tuple[str, str]]:
    """(row_id, column) of cells already known to be at fault; column "" stands for the whole row."""
    cells = {(f"{label}:{fault.row}", fault.column) for fault in found}
    rows = {(f"{label}:{row}", "") for row in raw.ragged}
    absent = {(f"{label}:{row}", name) for name in raw.absent for row in raw.rows}
    return cells | rows | absent
