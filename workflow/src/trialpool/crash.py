"""What a killed run leaves behind: cleared away by the next run, never by a second beside a living one."""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from trialpool.io import UNFINISHED

PARQUET_MARK = b"PAR1"  # a whole parquet file begins and ends with it


def clear_leftovers(state: str | Path, folders: Iterable[str | Path]) -> IO[bytes] | None:
    """Remove Snakemake's lock in `state` (.snakemake) and broken files in `folders`, if nobody is at work.

    Broken are half-written files and truncated parquet tables; Snakemake makes again what is needed of them.

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
        fcntl.flock(held, fcntl.LOCK_SH)
    except OSError:
        return None
    return held


def _broken(folders: Iterable[str | Path]) -> Iterator[Path]:
    for folder in map(Path, folders):
        yield from folder.rglob(UNFINISHED)
        for table in folder.rglob("*.parquet"):
            with table.open("rb") as stream:
                begins = stream.read(len(PARQUET_MARK))
                stream.seek(max(0, table.stat().st_size - len(PARQUET_MARK)))
                ends = stream.read()
            if not begins == ends == PARQUET_MARK:
                yield table
