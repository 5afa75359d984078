"""What the Snakefile asks before any job runs.

In: the names of analyses, of rooms of the package, of folders. Out: which analyses make one job, a hash of
the code that a job runs, and folders without what a killed run left behind.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import IO

from trialpool.io import UNFINISHED, read_csv

PACKAGE = Path(__file__).parent
SOURCES = (".py", ".html", ".css", ".js", ".yaml", ".csv", ".j2", ".mplstyle")
EVERY_JOB = (
    *("contracts.py", "errors.py", "io.py", "jobs.py", "kept.py", "measures.py", "records.py", "text.py"),
    *("bias_tools.py", "vocabulary.py", "schemas/bias_tools.yaml", "schemas/general.yaml", "yaml_files.py"),
    "standby.py",
    "schemas/*.csv",  # what every table holds
)
LIBRARIES = ("matplotlib", "numpy", "pandas", "pillow", "pyarrow", "scipy", "seaborn")  # of other bytes each
# Of many analyses one changed trial reaches a part of every batch, and to start a job costs a second or two,
# most of it imports: few batches. Of few analyses it reaches few, and most have a batch of their own.
FEW, BATCHES_OF_FEW = 16, 8
FEWEST, LARGEST = 2, 128  # batches of more analyses; analyses in a batch, on average
MANIFEST, ANALYSES = "manifest.csv", "analyses"
PARQUET_MARK = b"PAR1"  # a whole parquet file begins and ends with it


def batches(analyses: Iterable[str]) -> dict[str, list[str]]:
    """Which analyses are pooled in one job: batches by name (which of how many), their analyses sorted.

    The name of an analysis says in which batch it is, by a hash, whatever else is asked and in whatever
    order. So an analysis that comes, goes or moves leaves all others in their batches, and only its own is
    pooled anew. Only how many batches there are depends on how many analyses: 8 up to 16 analyses, 2 up to
    256, 4 up to 512, and so on. The one analysis that passes such a step deals all of them anew.

    >>> batches(["back-pain", "knee-pain", "sleep"])
    {'01_of_8': ['sleep'], '04_of_8': ['knee-pain'], '07_of_8': ['back-pain']}
    """
    names = sorted(analyses)
    count = BATCHES_OF_FEW if len(names) <= FEW else FEWEST
    while LARGEST * count < len(names):
        count *= 2
    found: dict[str, list[str]] = {}
    for name in names:
        number = int.from_bytes(sha256(name.encode()).digest()[:8], "big") % count
        found.setdefault(f"{number:02d}_of_{count}", []).append(name)
    return dict(sorted(found.items()))


def code(*names: str) -> str:
    """A hash of all the package's files that a job may run, for its `params`.

    Snakemake does not rerun a script when a module it imports has changed; it does when a param has. `names`
    are rooms (folders) or files of the package, with wildcards; "!" before one leaves its files out again.
    What every job needs (EVERY_JOB, the versions of LIBRARIES) counts without being named. Raises ValueError
    for a name that is nothing.

    >>> code("stats") == code("stats", "!stats/no_such_file.py"), code("stats") == code("stats", "cli.py")
    (True, False)
    """
    files = "".join(f"{_content_hash(name)}  {name}\n" for name in files_of(*names))
    return sha256(f"{files}{_libraries()}".encode()).hexdigest()


def content(files: Iterable[str | Path]) -> str:
    """A hash of what some files hold, for the `params` of the rules that read them.

    Snakemake compares times first and contents only of what is newer, so it would not see another content
    with an older time (a table from an archive). A file that is not there counts as such.
    """
    paths = [Path(file) for file in files]
    hashes = [sha256(path.read_bytes()).hexdigest() if path.is_file() else "" for path in paths]
    return sha256(repr([*zip(map(str, paths), hashes, strict=True)]).encode()).hexdigest()


def newer(files: Iterable[str | Path], than: str | Path) -> bool:
    """Whether one of the files that there are is newer than the one made of them: something is to do.

    False where that was not made yet; of an older file with another content `content` tells.
    """
    times = [os.path.getmtime(file) for file in (than, *files) if os.path.isfile(file)]
    return os.path.isfile(than) and max(times) > times[0]


def files_of(*names: str) -> list[str]:
    """The files of the package that `code` covers, sorted."""
    found: set[str] = set()
    for name in (*EVERY_JOB, *names):
        files = _like(name.removeprefix("!"))
        if name.startswith("!"):
            found -= files
        elif files:
            found |= files
        else:
            raise ValueError(f"trialpool/{name} is neither a room nor a file of the package")
    return sorted(found)


@cache
def _like(pattern: str) -> frozenset[str]:
    return frozenset(file for file in _files() if fnmatch(file, pattern) or fnmatch(file, f"{pattern}/*"))


@cache
def _files() -> frozenset[str]:
    files = (file for file in PACKAGE.rglob("*") if file.suffix in SOURCES)
    return frozenset(file.relative_to(PACKAGE).as_posix() for file in files)


@cache
def _libraries() -> str:
    return " ".join([*map(str, sys.version_info[:2]), *map(version, LIBRARIES)])


@cache
def _content_hash(name: str) -> str:
    return sha256((PACKAGE / name).read_bytes()).hexdigest()


def snakemake_command(config: str, cores: int, *options: str) -> list[str]:
    """The command that runs the review of a configuration, to be started in the folder of its paths."""
    places = (PACKAGE / "workflow", PACKAGE.parents[1])  # in a wheel; in a clone
    snakefile = next(place / "Snakefile" for place in places if (place / "Snakefile").is_file())
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile), "--configfile", config]
    return [*command, "--cores", str(cores), *options]


def clear_leftovers(state: str | Path, folders: Iterable[str | Path]) -> IO[bytes] | None:
    """Remove Snakemake's lock in `state` (.snakemake) and broken files in `folders`, if nobody is at work.

    Broken are half-written files, truncated parquet tables, and the folder of an analysis of whose files, by
    manifest.csv, one is lost; Snakemake makes again what is needed of them.

    Snakemake's lock is a file, which outlives a killed run. So every run also holds a shared lock of the
    operating system, which dies with its process: who gets it alone knows that nobody else is at work.
    Returns the open file that holds the lock; keep it as long as the run lasts. Where the file system knows
    no locks or may not be written to, nothing is removed and None is returned.
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
        for row in read_csv(top / MANIFEST):
            if row["path"].startswith(f"{ANALYSES}/"):
                file = top / row["path"]
                listed[file.parent].add(file.name)
        yield from (path for path, names in listed.items() if path.is_dir() and names - set(os.listdir(path)))
