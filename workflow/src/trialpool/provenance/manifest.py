"""results/manifest.csv: the hash of every committed result and of the evidence it was computed from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from trialpool import io
from trialpool.contracts import MANIFEST, TABLES
from trialpool.io import sha256

MANIFEST_COLUMNS = MANIFEST.names
MANIFEST_NAME = "manifest.csv"
CRATE_NAME = "ro-crate-metadata.json"  # holds the manifest's hash, so the manifest cannot hold its
NOT_COMMITTED = frozenset({"logs", "benchmarks"})


def manifest_rows(
    results: str | Path, evidence: Mapping[str, str | Path] | None = None
) -> list[dict[str, str | int]]:
    """One row a committed file below `results`, sorted by path, then one row an evidence folder.

    Left out: the manifest itself and the RO-Crate record, hidden (half-written) files, logs. An evidence
    folder's hash is that of the lines "sha256  name" of its tables (what `sha256sum *.csv | sha256sum` prints
    in the C locale), so that any changed, added or lost table changes it; notes beside them do not: no rule
    reads them. `evidence` has the folders by the names that the config gives them: under a store for many
    machines they lie elsewhere. Raises FileNotFoundError where a folder does not exist.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "summary.csv").write_bytes(b"a\\n")
    ...     [(row["path"], row["bytes"]) for row in manifest_rows(folder)]
    [('summary.csv', 2)]
    """
    unlisted = (MANIFEST_NAME, CRATE_NAME)
    rows = [file_row(path, name) for name, path in _files(Path(results)) if name not in unlisted]
    return rows + [_folder_row(Path(name), Path(folder)) for name, folder in (evidence or {}).items()]


def write_manifest(folder: str | Path, evidence: Mapping[str, str | Path]) -> None:
    """Write manifest.csv: the hash of every result and of the evidence folders, given by their names."""
    io.write_csv(Path(folder) / MANIFEST_NAME, manifest_rows(folder, evidence), MANIFEST_COLUMNS)


def _files(folder: Path) -> list[tuple[str, Path]]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder: there is nothing to list in a manifest")
    files = ((path.relative_to(folder), path) for path in folder.rglob("*") if path.is_file())
    return sorted(
        (name.as_posix(), path)
        for name, path in files
        if not any(part.startswith(".") or part in NOT_COMMITTED for part in name.parts)
    )


def file_row(path: str | Path, name: str) -> dict[str, str | int]:
    """A file's row of MANIFEST_COLUMNS under a name of its own.

    >>> file_row(__file__, "a module")["path"]
    'a module'
    """
    return {"path": name, "sha256": sha256(path), "bytes": Path(path).stat().st_size}


def shown_path(path: str | Path) -> str:
    """A path as another machine may read it: below the working folder, else the file's name alone.

    >>> shown_path("config/config.yaml"), shown_path(Path.cwd() / "a.csv"), shown_path("/home/somebody/b.csv")
    ('config/config.yaml', 'a.csv', 'b.csv')
    """
    path = Path(path)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.name if path.is_absolute() or ".." in path.parts else path.as_posix()


def _folder_row(name: Path, folder: Path) -> dict[str, str | int]:
    tables = {table.file for table in TABLES.values()}
    files = [(table, path) for table, path in _files(folder) if table in tables]
    lines = "".join(f"{sha256(path)}  {table}\n" for table, path in files)
    shown = name.name if name.is_absolute() else name.as_posix()
    return {
        "path": f"evidence: {shown}",
        "sha256": hashlib.sha256(lines.encode("utf-8")).hexdigest(),
        "bytes": sum(path.stat().st_size for _, path in files),
    }
