"""Which files of the package a script depends on, read from its import statements, wherever they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
IMPORT = re.compile(r"^\s*from trialpool([\w.]*) import (\([^)]*\)|[^\n]*)", re.MULTILINE)
TEMPLATES = '"templates"'  # a module that names the folder beside it depends on all that is in it


def files_behind(script: str | Path) -> list[Path]:
    """Every file of the package that `script` imports, itself or through others, in a fixed order.

    Imports inside functions count, so a file is never missed for being imported late; one that only another
    function of the same module needs counts as well, which is why a job has a module of its own. The schemas
    are not among them: they judge the configuration at every start and change nothing that a job is given.

    >>> names = [file.name for file in files_behind(PACKAGE / "crash.py")]
    >>> "io.py" in names and "cli.py" not in names
    True
    """
    found: set[Path] = set()
    waiting = [Path(script)]
    while waiting:
        new = set(_files_named_in(waiting.pop())) - found
        found |= new
        waiting += [file for file in new if file.suffix == ".py"]
    return sorted(found)


@cache
def _files_named_in(file: Path) -> tuple[Path, ...]:
    return tuple(_named_in(file))


def _named_in(file: Path) -> Iterator[Path]:
    text = file.read_text(encoding="utf-8")
    if TEMPLATES in text and file.parent != PACKAGE:
        yield from (path for path in (file.parent / "templates").rglob("*") if path.is_file())
    modules = _modules()
    for module, names in IMPORT.findall(text):
        for name in ("", *(f".{word}" for word in re.findall(r"\w+", names))):
            parts = f"{module}{name}".split(".")
            dotted = (".".join(parts[: end + 1]) for end in range(len(parts)))
            yield from (modules[part] for part in dotted if part in modules)


@cache
def _modules() -> dict[str, Path]:
    """The files of the package by their names behind "trialpool", such as ".stats.pooling"."""
    found = {}
    for file in PACKAGE.rglob("*.py"):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        found["".join(f".{part}" for part in parts)] = file
    return found
