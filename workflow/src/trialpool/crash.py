"""What a killed run leaves behind: cleared away by the next run, never by a second beside a living one."""

from __future__ import annotations

import csv
import fcntl
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import IO

from trialpool.io import UNFINISHED

MANIFEST, ANALYSES = "manifest.csv", "analyses"
PARQUET_MARK = b"PAR1"  # a whole parquet file begins and ends with it


def clear_leftovers(state: str | Path, folders: Iterable[str | Path]) -> IO[bytes] | None:
    """Remove Snakemake's lock in `state` (.snakemake) and broken files in `folders`, if nobody is at work.

    Broken are half-written files, truncated parquet tables, and the folder of an analysis of whose files, by
    manifest.csv, one is lost; Snakemake makes again what is needed of them.

    Snakemake's lock is a file, which outlives a killed run. So every run also holds a shared lock of the
    operating system, which dies with its process: who gets it alone knows that nobody else is at work.
    Returns the open file that holds the lock; keep it as long as the run lasts. Where the file system knows
    no locks or may not be written to, nothing is removed and None is returned.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     left = Path(folder) / "locks" / "0.output.lock"
    ...     left.parent.mkdir()
    ...     left.touch()
    ...     first = clear_leftovers(folder, [])
    ...     gone = not left.exists()
    ...     left.touch()
    ...     second = clear_leftovers(folder, [])
    ...     kept = left.exists()
    >>> gone, kept
    (True, True)
    """
    state = Path(state)
    try:
        state.mkdir(parents=True, exist_ok=True)
        held = (state / "running").open("wb")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(held, fcntl.LOCK_SH)
            return held
        for file in [*(state / "locks").glob("*.lock"), *_broken(folders)]:
            file.unlink(missing_ok=True)
        for folder in _no_longer_whole(folders):
            shutil.rmtree(folder)
        fcntl.flock(held, fcntl.LOCK_SH)
    except OSError:
        return None
    return held


def _broken(folders: Iterable[str | Path]) -> Iterator[Path]:
    for top in folders:
        for folder, _, names in os.walk(top):
            for name in names:
                file = Path(folder, name)
                if fnmatch(name, UNFINISHED) or (file.suffix == ".parquet" and not _is_whole(file)):
                    yield file


def _is_whole(table: Path) -> bool:
    with table.open("rb") as stream:
        begins = stream.read(len(PARQUET_MARK))
        stream.seek(max(0, table.stat().st_size - len(PARQUET_MARK)))
        return begins == stream.read() == PARQUET_MARK


def _no_longer_whole(folders: Iterable[str | Path]) -> Iterator[Path]:
    """A folder is one output to Snakemake, which would not miss a file in it."""
    for top in map(Path, folders):
        if not (top / MANIFEST).is_file():
            continue
        listed: dict[Path, set[str]] = defaultdict(set)
        with (top / MANIFEST).open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if row["path"].startswith(f"{ANALYSES}/"):
                    file = top / row["path"]
                    listed[file.parent].add(file.name)
        yield from (path for path, names in listed.items() if path.is_dir() and names - set(os.listdir(path)))
