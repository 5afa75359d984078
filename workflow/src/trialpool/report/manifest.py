"""results/manifest.csv: the hash of every committed result and of the evidence it was computed from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from trialpool.io import sha256

MANIFEST_COLUMNS = ("path", "sha256", "bytes")
MANIFEST_NAME = "manifest.csv"
NOT_COMMITTED = frozenset({"logs", "benchmarks"})


def manifest_rows(results: str | Path, evidence: Iterable[str | Path] = ()) -> list[dict[str, str | int]]:
    """One row a committed file below `results`, sorted by path, then one row an evidence folder.

    Left out: the manifest itself, hidden (half-written) files, logs. An evidence folder's hash is that of the
    lines "sha256  name" of its files (what `sha256sum * | sha256sum` prints in the C locale), so that any
    changed, added or lost file changes it. Raises FileNotFoundError where a folder does not exist.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "summary.csv").write_bytes(b"a\\n")
    ...     [(row["path"], row["bytes"]) for row in manifest_rows(folder)]
    [('summary.csv', 2)]
    """
    rows = [_file_row(path, name) for name, path in _files(Path(results)) if name != MANIFEST_NAME]
    return rows + [_folder_row(Path(folder)) for folder in evidence]


def _files(folder: Path) -> list[tuple[str, Path]]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder: there is nothing to list in a manifest")
    found = []
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part in NOT_COMMITTED for part in parts)
        if path.is_file() and not hidden:
            found.append(("/".join(parts), path))
    return sorted(found)


def _file_row(path: Path, name: str) -> dict[str, str | int]:
    return {"path": name, "sha256": sha256(path), "bytes": path.stat().st_size}


def _folder_row(folder: Path) -> dict[str, str | int]:
    files = _files(folder)
    lines = "".join(f"{sha256(path)}  {name}\n" for name, path in files)
    shown = folder.name if folder.is_absolute() else folder.as_posix()
    return {
        "path": f"evidence: {shown}",
        "sha256": hashlib.sha256(lines.encode("utf-8")).hexdigest(),
        "bytes": sum(path.stat().st_size for _, path in files),
    }
