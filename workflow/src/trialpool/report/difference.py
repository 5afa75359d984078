"""Where two sets of results differ: which file, which row, which number, old and new.

Used by `make verify`, so that a reviewer's CI says more than "the bytes differ", and by `trialpool diff`.
"""

from __future__ import annotations

import csv
import io as streams
import json
import re
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from html import unescape
from itertools import zip_longest
from pathlib import Path
from typing import Any

from trialpool.errors import Fault, InputError
from trialpool.report.manifest import CRATE_NAME, MANIFEST_NAME
from trialpool.report.pictures import picture_difference

Results = dict[str, bytes]
KEY_COLUMNS = ("analysis", "study_id", "arm_experimental", "arm_control", "instrument", "item", "path")
IGNORED = ("logs/",)
DERIVED = (MANIFEST_NAME, CRATE_NAME)  # they differ whenever anything does
NAMES = ("@id", "study_id", "claim", "analysis")  # what an entry of a list may be called by
DRAWN = (".svg", ".html")
LABEL = re.compile(r"<(?:text|td|th|p)\b[^>]*>(.*?)</(?:text|td|th|p)>", re.DOTALL)
TAGS = re.compile(r"<[^>]*>")
REWRITTEN = ("as it was", "the same content in other bytes (order, spaces, line ends)")
SHOWN = 120  # letters of a differing line


@dataclass(frozen=True, slots=True)
class Difference:
    """One place in one file that differs; `old` or `new` is empty where the place is absent."""

    file: str
    place: str
    old: str
    new: str

    def __str__(self) -> str:
        where = f"{self.file}, {self.place}" if self.place else self.file
        return f"{where}: {self.old or 'absent'} → {self.new or 'absent'}"


def read_results(source: str | Path, *, folder: str = "results") -> Results:
    """The result files of a folder, or of `folder` at a git revision, keyed by relative path.

    Raises InputError when `source` is neither.
    """
    path = Path(source)
    if path.is_dir():
        files = (file for file in sorted(path.rglob("*")) if file.is_file() and not file.name.startswith("."))
        found = {file.relative_to(path).as_posix(): file.read_bytes() for file in files}
    else:
        found = _at_revision(str(source), folder)
    return {name: content for name, content in found.items() if not name.startswith(IGNORED)}


def _at_revision(revision: str, folder: str) -> Results:
    command = ["git", "archive", "--format=tar", "--end-of-options", f"{revision}:{folder}"]
    completed = subprocess.run(command, capture_output=True, check=False)
    if completed.returncode:
        remedy = "give a results folder, or a git revision that holds one"
        raise InputError(
            [Fault("", None, "", revision, "neither a folder nor a revision with results", remedy)]
        )
    with tarfile.open(fileobj=streams.BytesIO(completed.stdout)) as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        return {member.name: archive.extractfile(member).read() for member in members}  # type: ignore[union-attr]


def differences(old: Results, new: Results) -> list[Difference]:
    """Every difference, file by file: CSV by row key and column, JSON by path, pictures by pixels.

    Of a drawing and of the page only the first differing place is told, of a PDF only that it differs. The
    manifest and the crate follow from the other files: they are told where nothing else differs.

    >>> differences({"a.csv": b"analysis,k\\nx,2\\n"}, {"a.csv": b"analysis,k\\nx,3\\n"})
    [Difference(file='a.csv', place='row x, column k', old='2', new='3')]
    """
    names = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    found: list[Difference] = []
    for name in [entry for entry in names if entry not in DERIVED] or names:
        if name not in old or name not in new:
            present = f"{len(old[name] if name in old else new[name])} bytes"
            found.append(Difference(name, "", present if name in old else "", present if name in new else ""))
        else:
            found.extend(_within(name, old[name], new[name]))
    return found


def _within(name: str, old: bytes, new: bytes) -> list[Difference]:
    suffix = Path(name).suffix
    if suffix == ".png":
        return [Difference(name, picture_difference(old, new), f"{len(old)} bytes", f"{len(new)} bytes")]
    try:
        texts = [content.decode("utf-8") for content in (old, new)]
    except UnicodeDecodeError:
        return [Difference(name, _first_byte(old, new), f"{len(old)} bytes", f"{len(new)} bytes")]
    try:
        if suffix == ".csv":
            return _pairs(name, *map(_cells, texts))
        if suffix == ".json":
            return _pairs(name, *(dict(_leaves(json.loads(text), "")) for text in texts))
    except (ValueError, csv.Error):
        pass  # not what the name says: compared as text
    if suffix in DRAWN:
        return _first_difference(name, *texts)
    return list(_of_lines(name, *(text.splitlines() for text in texts))) or [Difference(name, "", *REWRITTEN)]


def _pairs(name: str, before: dict[str, str], after: dict[str, str]) -> list[Difference]:
    """Where two flat readings of a file differ; where both say the same, only the way of writing does."""
    places = [place for place in dict.fromkeys([*before, *after]) if before.get(place) != after.get(place)]
    if not places:
        return [
            Difference(name, "", "as it was", "the same content in other bytes (order, spaces, line ends)")
        ]
    return [Difference(name, place, before.get(place, ""), after.get(place, "")) for place in places]


def _cells(text: str) -> dict[str, str]:
    cells: dict[str, str] = {}
    seen: dict[str, int] = {}
    for row in csv.DictReader(streams.StringIO(text)):
        key = " ".join(row[column] for column in KEY_COLUMNS if row.get(column))
        seen[key] = seen.get(key, 0) + 1
        label = key if seen[key] == 1 else f"{key} ({seen[key]})"
        cells |= {f"row {label}, column {column}": value or "" for column, value in row.items()}
    return cells


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every number and word with its path; an entry of a list by name, else by place."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _leaves(entry, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        names = [
            next((e[key] for key in NAMES if key in e), None) if isinstance(e, dict) else None for e in value
        ]
        named = None not in names and len({str(name) for name in names}) == len(names)
        for index, entry in enumerate(value):
            yield from _leaves(entry, f"{path}[{names[index] if named else index}]")
    else:
        yield path, json.dumps(value, ensure_ascii=False)


def _first_difference(name: str, old: str, new: str) -> list[Difference]:
    """The first differing label of a drawing, else the first differing line, each from where it differs."""
    labels = [[unescape(TAGS.sub("", label)) for label in LABEL.findall(text)] for text in (old, new)]
    lines = [text.splitlines() for text in (old, new)]
    for kind, (before, after) in (("label", labels), ("line", lines)):
        for number, pair in enumerate(zip_longest(before, after, fillvalue=""), start=1):
            if pair[0] != pair[1]:
                return [Difference(name, f"first at {kind} {number}", *_around(*pair))]
    return [Difference(name, "", *REWRITTEN)]


def _around(old: str, new: str) -> tuple[str, str]:
    """Two texts cut to the neighbourhood of their first difference."""
    same = next((n for n, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), -1)
    same = min(len(old), len(new)) if same < 0 else same
    start = max(0, same - SHOWN // 2)
    cut = [text[start : start + SHOWN].strip() for text in (old, new)]
    return ("…" if start else "") + cut[0], ("…" if start else "") + cut[1]


def _of_lines(name: str, old: list[str], new: list[str]) -> Iterator[Difference]:
    """Changed, added and removed lines, so that one new line does not make all the following differ."""
    for kind, low, high, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            for before, after in zip_longest(range(low, high), range(start, end)):
                pair = ("" if before is None else old[before], "" if after is None else new[after])
                number = after if before is None else before
                yield Difference(name, f"line {number + 1}", *_around(*pair))


def _first_byte(old: bytes, new: bytes) -> str:
    same = next((n for n, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), None)
    return f"first at byte {min(len(old), len(new)) if same is None else same}"
