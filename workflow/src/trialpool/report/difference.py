"""Where two sets of results differ: which file, which row, which number, old and new.

Used by `make verify`, so that a reviewer's CI says more than "the bytes differ", and by `trialpool diff`.
"""

from __future__ import annotations

import csv
import io as streams
import json
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialpool.errors import Fault, InputError
from trialpool.io import write_bytes

Results = dict[str, bytes]
KEY_COLUMNS = ("analysis", "study_id", "arm_experimental", "arm_control", "instrument", "item", "path")
IGNORED = ("logs/",)
DERIVED = ("manifest.csv",)  # differs whenever anything does


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
        files = (file for file in sorted(path.rglob("*")) if file.is_file())
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
    """Every difference, file by file; CSV by row key and column, JSON by path, pictures by pixels.

    >>> differences({"a.csv": b"analysis,k\\nx,2\\n"}, {"a.csv": b"analysis,k\\nx,3\\n"})
    [Difference(file='a.csv', place='row x, column k', old='2', new='3')]
    """
    found: list[Difference] = []
    for name in sorted(old.keys() | new.keys()):
        if name in DERIVED or old.get(name) == new.get(name):
            continue
        if name not in old or name not in new:
            present = f"{len(old.get(name) or new[name])} bytes"
            found.append(Difference(name, "", present if name in old else "", present if name in new else ""))
        else:
            found.extend(_within(name, old[name], new[name]))
    return found


def _within(name: str, old: bytes, new: bytes) -> Iterator[Difference]:
    suffix = Path(name).suffix
    if suffix == ".csv":
        before, after = _cells(old), _cells(new)
    elif suffix == ".json":
        before, after = (dict(_leaves(json.loads(text), "")) for text in (old, new))
    elif suffix == ".png":
        yield Difference(name, _pixels(old, new), f"{len(old)} bytes", f"{len(new)} bytes")
        return
    else:
        before, after = _lines(old), _lines(new)
    places = [place for place in dict.fromkeys([*before, *after]) if before.get(place) != after.get(place)]
    for place in places:
        yield Difference(name, place, before.get(place, ""), after.get(place, ""))


def _cells(content: bytes) -> dict[str, str]:
    cells: dict[str, str] = {}
    seen: dict[str, int] = {}
    for row in csv.DictReader(streams.StringIO(content.decode("utf-8"))):
        key = " ".join(row[column] for column in KEY_COLUMNS if row.get(column))
        seen[key] = seen.get(key, 0) + 1
        label = key if seen[key] == 1 else f"{key} ({seen[key]})"
        cells |= {f"row {label}, column {column}": value or "" for column, value in row.items()}
    return cells


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _leaves(entry, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _leaves(entry, f"{path}[{index}]")
    else:
        yield path, json.dumps(value, ensure_ascii=False)


def _lines(content: bytes) -> dict[str, str]:
    text = content.decode("utf-8", errors="replace")
    return {f"line {number}": line[:200] for number, line in enumerate(text.splitlines(), start=1)}


def _pixels(old: bytes, new: bytes) -> str:
    import numpy as np

    before, after = _picture(old), _picture(new)
    if before.shape != after.shape:
        return f"size {before.shape[1]}×{before.shape[0]} → {after.shape[1]}×{after.shape[0]}"
    changed = int(np.any(before != after, axis=-1).sum())
    return f"{changed} of {before.shape[0] * before.shape[1]} pixels differ"


def _picture(content: bytes) -> Any:
    import numpy as np
    from PIL import Image

    return np.asarray(Image.open(streams.BytesIO(content)).convert("RGBA"))


def write_pictures(old: Results, new: Results, folder: str | Path) -> list[Path]:
    """Write a picture of the difference of every PNG that differs (path joined by hyphens); return them."""
    written = []
    for name in sorted(old.keys() & new.keys()):
        if name.endswith(".png") and old[name] != new[name]:
            path = Path(folder) / name.replace("/", "-")
            write_bytes(path, picture_of_difference(old[name], new[name]))
            written.append(path)
    return written


def picture_of_difference(old: bytes, new: bytes) -> bytes:
    """A PNG that shows the new picture in grey with every differing pixel in red.

    Pictures of different size are compared on the larger canvas.
    """
    import numpy as np
    from PIL import Image

    before, after = _picture(old), _picture(new)
    height, width = np.maximum(before.shape[:2], after.shape[:2])
    canvas = np.full((2, height, width, 4), 255, dtype=np.uint8)
    for layer, picture in zip(canvas, (before, after), strict=True):
        layer[: picture.shape[0], : picture.shape[1]] = picture
    shade = 128 + canvas[1, ..., :3].mean(axis=-1, keepdims=True) / 2
    shown = np.repeat(shade, 3, axis=-1).astype(np.uint8)
    shown[np.any(canvas[0] != canvas[1], axis=-1)] = (220, 0, 0)
    buffer = streams.BytesIO()
    Image.fromarray(shown).save(buffer, format="PNG")
    return buffer.getvalue()
