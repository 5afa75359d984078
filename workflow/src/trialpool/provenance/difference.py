"""Two sets of results in, where they differ out: which file, which row, which number, old and new.

Used by `make verify`, so that a reviewer's CI says more than "the bytes differ", and by `trialpool diff`.
"""

from __future__ import annotations

import csv
import io as streams
import json
import re
import subprocess
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from html import unescape
from itertools import zip_longest
from pathlib import Path
from typing import Any

from trialpool.errors import Fault, InputError
from trialpool.provenance.manifest import CRATE_NAME, MANIFEST_NAME
from trialpool.provenance.pictures import picture_difference

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
    suffix, sizes = Path(name).suffix, (f"{len(old)} bytes", f"{len(new)} bytes")
    if suffix == ".png":
        return [Difference(name, picture_difference(old, new), *sizes)]
    try:
        texts = [content.decode("utf-8") for content in (old, new)]
    except UnicodeDecodeError:
        return [Difference(name, f"first at byte {_in_common(old, new)}", *sizes)]
    places: Iterable[tuple[str, str, str]]
    try:
        if suffix == ".csv":
            places = _of_values(*map(_cells, texts))
        elif suffix == ".json":
            places = _of_values(*(dict(_leaves(json.loads(text), "")) for text in texts))
        else:
            places = (_of_drawings if suffix in DRAWN else _of_lines)(*texts)
    except (ValueError, csv.Error):  # not what the name says: compared as text
        places = _of_lines(*texts)
    return [Difference(name, *place) for place in places] or [Difference(name, "", *REWRITTEN)]


def _of_values(before: dict[str, str], after: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Where two flat readings of a file differ."""
    for place in dict.fromkeys([*before, *after]):
        if before.get(place) != after.get(place):
            yield place, before.get(place, ""), after.get(place, "")


def _cells(text: str) -> dict[str, str]:
    cells: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for row in csv.DictReader(streams.StringIO(text)):
        key = " ".join(row[column] for column in KEY_COLUMNS if row.get(column))
        seen[key] += 1
        label = key if seen[key] == 1 else f"{key} ({seen[key]})"
        cells |= {f"row {label}, column {column}": value or "" for column, value in row.items()}
    return cells


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every number and word with its path; an entry of a list by name, else by its position."""
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


def _of_drawings(old: str, new: str) -> Iterator[tuple[str, str, str]]:
    """The first differing label of a drawing, else the first differing line, each from where it differs."""
    labels = [[unescape(TAGS.sub("", label)) for label in LABEL.findall(text)] for text in (old, new)]
    for kind, (before, after) in (("label", labels), ("line", [old.splitlines(), new.splitlines()])):
        for number, pair in enumerate(zip_longest(before, after, fillvalue=""), start=1):
            if pair[0] != pair[1]:
                yield (f"first at {kind} {number}", *_around(*pair))
                return


def _of_lines(old: str, new: str) -> Iterator[tuple[str, str, str]]:
    """Changed, added and removed lines, so that one new line does not make all the following differ."""
    before, after = old.splitlines(), new.splitlines()
    for kind, low, high, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            for one, other in zip_longest(range(low, high), range(start, end)):
                number = one if other is None else other
                pair = ("" if one is None else before[one], "" if other is None else after[other])
                yield (f"line {number + 1}", *_around(*pair))


def _in_common(old: str | bytes, new: str | bytes) -> int:
    """How many letters or bytes two texts share at their beginning."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((number for number, pair in pairs if pair[0] != pair[1]), min(len(old), len(new)))


def _around(old: str, new: str) -> tuple[str, str]:
    """Two texts cut to the neighbourhood of their first difference."""
    start = max(0, _in_common(old, new) - SHOWN // 2)
    cut = [text[start : start + SHOWN].strip() for text in (old, new)]
    return ("…" if start else "") + cut[0], ("…" if start else "") + cut[1]
