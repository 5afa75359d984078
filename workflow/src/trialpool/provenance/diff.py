"""Two sets of results in, what changed out: in words for readers, and every row, number and pixel.

Used by `trialpool diff`, and by `make verify`, so that a reviewer's CI says more than "the bytes differ".
Either set may be of another version of Trialpool, so a record is read as it lies there.
"""

from __future__ import annotations

import csv
import io as streams
import json
import re
import subprocess
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from html import unescape
from itertools import takewhile, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trialpool import text
from trialpool.errors import Fault, InputError
from trialpool.io import write_bytes
from trialpool.measures import RATIOS
from trialpool.provenance.crate import CRATE_NAME, MANIFEST_NAME
from trialpool.yaml_files import shipped

Results = dict[str, bytes]
Record = Mapping[str, Any]
Place = tuple[str, str, str]  # where something differs, what stood there, what stands there now
IGNORED = ("logs/",)
SAID = shipped("sentences")["changes"]
KEY_COLUMNS = ("analysis", "study_id", "arm_experimental", "arm_control", "instrument", "item", "path")
NAMES = ("@id", "study_id", "claim", "analysis")  # what an entry of a list may be called by
DERIVED = (MANIFEST_NAME, CRATE_NAME)  # they differ whenever anything does
LABEL = re.compile(r"<(?:text|td|th|p)\b[^>]*>(.*?)</(?:text|td|th|p)>", re.DOTALL)
TAGS = re.compile(r"<[^>]*>")
REWRITTEN = ("as it was", "the same content in other bytes (order, spaces, line ends)")
SHOWN = 120  # letters of a differing line
RED, GREY = (220, 0, 0), (90, 90, 90)
GAP = 12  # pixels between old, new and difference


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
        problem = "neither a folder nor a revision with results"
        raise InputError([Fault("", None, "", revision, problem, remedy)])
    with tarfile.open(fileobj=streams.BytesIO(completed.stdout)) as archive:
        files = ((member.name, archive.extractfile(member)) for member in archive.getmembers())
        return {name: file.read() for name, file in files if file}


# ---- in words


@dataclass(frozen=True, slots=True)
class Change:
    """What a reader would want to know: `old` and `new` hold the stored numbers, `words` the rounded ones."""

    analysis: str
    change: str
    old: str
    new: str
    words: str


def changes(old: Results, new: Results) -> list[Change]:
    """What changed, by analysis; an estimate has moved if any of its ten stored digits has.

    A renamed analysis, whose record says what it was, is compared with that.

    >>> record = b'{"status": "no_data", "pooled": {}, "studies": []}'
    >>> [change.words for change in changes({}, {"analyses/a/result.json": record})]
    ['a: new analysis, no poolable trial']
    """
    before, after = records_in(old), records_in(new)
    found: list[Change] = []
    for slug, record in after.items():
        if (was := record.get("was")) in before and slug not in before:
            before[slug] = before.pop(was)
            found.append(_change(slug, "analysis", was, slug, f"renamed, it was {was}"))
    for slug in dict.fromkeys([*before, *after]):
        was, is_now = (_numbers(records.get(slug, {})) for records in (before, after))
        if slug not in before:
            found.append(_change(slug, "analysis", was, is_now, f"new analysis, {_result(after[slug])}"))
        elif slug not in after:
            found.append(_change(slug, "analysis", was, is_now, f"analysis gone: {_result(before[slug])}"))
        else:
            found.extend(_of_analysis(slug, before[slug], after[slug]))
    claims = (_appraisal(results).get("claims", []) for results in (old, new))
    verdicts = ({claim["claim"]: claim["verdict"] for claim in listed} for listed in claims)
    for claim, was, is_now in _unequal(*verdicts):
        words = f"claim verdict {was or 'none'} → {is_now or 'none'}"
        found.append(_change(claim, "verdict", was, is_now, words))
    return found


def summary(changes: Sequence[Change]) -> str:
    """How many changes there are of each kind, "" where there is none."""
    counts = Counter(change.change for change in changes)
    kinds = SAID["kinds"].items()
    parts = [f"{counts[kind]} {words[counts[kind] > 1]}" for kind, words in kinds if counts[kind]]
    return f"{', '.join(parts)}." if parts else ""


def records_in(results: Results) -> dict[str, Record]:
    """The record of every analysis, with what the appraisal says of it."""
    appraised = _appraisal(results).get("analyses", {})
    slugs = {name.split("/")[1]: name for name in results if fnmatchcase(name, "analyses/*/result.json")}
    return {slug: json.loads(results[name]) | appraised.get(slug, {}) for slug, name in slugs.items()}


def _appraisal(results: Results) -> Record:
    return dict(json.loads(results.get("appraisal.json", b"{}")))


def _unequal(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Place]:
    """What differs between two readings: its name, its value in one and in the other ("" for none)."""
    for name in dict.fromkeys([*before, *after]):
        pair = before.get(name, ""), after.get(name, "")
        if pair[0] != pair[1]:
            yield (name, *pair)


def _change(slug: str, kind: str, old: str, new: str, words: str) -> Change:
    return Change(slug, kind, old, new, f"{slug}: {words}")


def _of_analysis(slug: str, old: Record, new: Record) -> Iterator[Change]:
    """Trials in and out, trials whose effect has changed, then what became of the result."""
    trials = _unequal(_effects(old), _effects(new))
    for name, was, is_now in sorted(trials, key=lambda trial: (trial[1] != "", trial[2] != "", trial[0])):
        if was and is_now:
            yield _change(slug, "effect", was, is_now, f"{name} has another effect: {was} → {is_now}")
        else:
            pair = ("", name) if is_now else (name, "")
            yield _change(slug, "trial", *pair, f"{name} is {'in' if is_now else 'out'}")
    for aspect, was, is_now in _unequal(_aspects(old), _aspects(new)):
        words = f"{aspect} {was or 'not judged'} → {is_now or 'not judged'}"
        if aspect == "status":
            words = f"{_status(old)} → {_status(new)}"
        yield _change(slug, aspect, was, is_now, _moved(old, new) if aspect == "estimate" else words)


def _aspects(record: Record) -> dict[str, str]:
    """What is compared of a record, as text; a certainty or robustness may be a word or hold one."""
    aspects = {"status": record["status"], "estimate": _numbers(record)}
    for name, key in {"certainty": "level", "robustness": "grade"}.items():
        part = record.get(name)
        aspects[name] = str((part.get(key) if isinstance(part, dict) else part) or "")
    return aspects


def _effects(record: Record) -> dict[str, str]:
    """Effect and variance of every trial on the analysis scale, as stored; a trial may have several."""
    effects: dict[str, list[str]] = {}
    for row in record["studies"]:
        effect, variance = (text.plain_number(row.get(key)) for key in ("effect", "variance"))
        effects.setdefault(row["study_id"], []).append(f"{effect} (variance {variance})")
    return {trial: " and ".join(known) for trial, known in effects.items()}


def _estimate(record: Record) -> list[Any]:
    """The stored estimate and interval, on the natural scale."""
    pooled = record.get("pooled") or {}
    return [pooled.get(key) for key in ("estimate", "ci_low", "ci_high")]


def _numbers(record: Record) -> str:
    """The same with all digits, "" where there is none."""
    estimate, low, high = map(text.plain_number, _estimate(record))
    return "" if _estimate(record)[0] is None else f"{estimate} ({low} to {high})"


def _rounded(record: Record) -> str:
    if not _numbers(record):
        return "none"
    level = (record.get("methods") or {}).get("level", 0.95)
    estimate, low, high = _estimate(record)
    return text.effect(record.get("measure", "estimate"), estimate, low, high, level)


def _status(record: Record) -> str:
    return str(SAID["status"][record["status"]])


def _result(record: Record) -> str:
    return _status(record) + (f": {_rounded(record)}" if _numbers(record) else "")


def _moved(old: Record, new: Record) -> str:
    """The estimate before and after, with all digits where rounding hides the move, and what it means."""
    before, after = _rounded(old), _rounded(new)
    if before == after:
        before, after = (f"{record.get('measure', '')} {_numbers(record)}".strip() for record in (old, new))
    was, is_now = _excludes_null(old), _excludes_null(new)
    turned = None not in (was, is_now) and was != is_now
    turn = f"; the interval {'now' if is_now else 'no longer'} excludes no difference" if turned else ""
    return f"estimate {before} → {after}{turn}"


def _excludes_null(record: Record) -> bool | None:
    """Whether the interval excludes no difference; None where there is no interval."""
    _, low, high = _estimate(record)
    known = low is not None and high is not None
    return bool(not low <= (record.get("measure") in RATIOS) <= high) if known else None


# ---- place by place


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
        if name in old and name in new:
            found.extend(_within(name, old[name], new[name]))
        else:
            sizes = (f"{len(files[name])} bytes" if name in files else "" for files in (old, new))
            found.append(Difference(name, "", *sizes))
    return found


def _within(name: str, old: bytes, new: bytes) -> list[Difference]:
    suffix, sizes = Path(name).suffix, (f"{len(old)} bytes", f"{len(new)} bytes")
    if suffix == ".png":
        return [Difference(name, picture_difference(old, new), *sizes)]
    try:
        texts = [content.decode("utf-8") for content in (old, new)]
    except UnicodeDecodeError:
        return [Difference(name, f"first at byte {_in_common(old, new)}", *sizes)]
    try:
        places = list(COMPARED.get(suffix, _of_lines)(*texts))
    except (ValueError, csv.Error):  # not what the name says: compared as text
        places = list(_of_lines(*texts))
    return [Difference(name, *place) for place in places] or [Difference(name, "", *REWRITTEN)]


def _cells(text: str) -> dict[str, str]:
    cells: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for row in csv.DictReader(streams.StringIO(text)):
        key = " ".join(row[column] for column in KEY_COLUMNS if row.get(column))
        seen[key] += 1
        label = key if seen[key] == 1 else f"{key} ({seen[key]})"
        cells |= {f"row {label}, column {column}": value or "" for column, value in row.items()}
    return cells


def _leaves(text: str) -> dict[str, str]:
    """Every number and word with its path; an entry of a list by name, else by its position."""

    def walk(value: Any, path: str) -> Iterator[tuple[str, str]]:
        if isinstance(value, dict):
            for key, entry in value.items():
                yield from walk(entry, f"{path}.{key}" if path else str(key))
        elif isinstance(value, list):
            dicts = [entry if isinstance(entry, dict) else {} for entry in value]
            names = [next((entry[key] for key in NAMES if key in entry), None) for entry in dicts]
            named = None not in names and len(set(map(str, names))) == len(names)
            for name, entry in zip(names if named else range(len(value)), value, strict=True):
                yield from walk(entry, f"{path}[{name}]")
        else:
            yield path, json.dumps(value, ensure_ascii=False)

    return dict(walk(json.loads(text), ""))


def _of_drawings(old: str, new: str) -> Iterator[Place]:
    """The first differing label of a drawing, else the first differing line, each from where it differs."""
    labels = [[unescape(TAGS.sub("", label)) for label in LABEL.findall(text)] for text in (old, new)]
    for kind, texts in (("label", labels), ("line", [old.splitlines(), new.splitlines()])):
        for number, pair in enumerate(zip_longest(*texts, fillvalue=""), start=1):
            if pair[0] != pair[1]:
                yield (f"first at {kind} {number}", *_around(*pair))
                return


def _of_lines(old: str, new: str) -> Iterator[Place]:
    """Changed, added and removed lines, so that one new line does not make all the following differ."""
    before, after = old.splitlines(), new.splitlines()
    for kind, low, high, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            pairs = zip_longest(before[low:high], after[start:end], fillvalue="")
            for at, pair in enumerate(pairs):
                yield (f"line {(low if at < high - low else start) + at + 1}", *_around(*pair))


COMPARED: dict[str, Callable[[str, str], Iterator[Place]]] = {
    ".csv": lambda old, new: _unequal(_cells(old), _cells(new)),
    ".json": lambda old, new: _unequal(_leaves(old), _leaves(new)),
    ".svg": _of_drawings,
    ".html": _of_drawings,
}


def _in_common(old: str | bytes, new: str | bytes) -> int:
    """How many letters or bytes two texts share at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))


def _around(old: str, new: str) -> tuple[str, str]:
    """Two texts cut to the neighbourhood of their first difference."""
    start = max(0, _in_common(old, new) - SHOWN // 2)
    cut = [text[start : start + SHOWN].strip() for text in (old, new)]
    return ("…" if start else "") + cut[0], ("…" if start else "") + cut[1]


# ---- pixel by pixel


def picture_difference(old: bytes, new: bytes) -> str:
    """How two PNG files differ, in words; what cannot be read as a picture is said to be so.

    >>> picture_difference(b"no picture", b"nor this")
    'not readable as a picture'
    """
    try:
        before, after = _picture(old), _picture(new)
    except OSError:  # Pillow's error for what is no picture is one
        return "not readable as a picture"
    if before.size != after.size:
        return "size {}×{} → {}×{} pixels".format(*before.size, *after.size)
    changed = _changed(before, after)
    if not changed.any():
        return "the same pixels, written differently"
    left, top, right, bottom = Image.fromarray(changed).getbbox() or (0, 0, 0, 0)
    where = f"columns {left} to {right - 1}, rows {top} to {bottom - 1}"
    return f"{changed.sum()} of {changed.size} pixels differ ({100 * changed.mean():.2g}%), within {where}"


def write_pictures(old: Results, new: Results, folder: str | Path) -> list[Path]:
    """Write old, new and difference of every PNG that differs, side by side; return the paths.

    A file is named like the figure, its folders joined by hyphens; unreadable pictures are left out.
    """
    written = []
    for name in sorted(old.keys() & new.keys()):
        if name.endswith(".png") and old[name] != new[name]:
            try:
                picture = side_by_side(old[name], new[name])
            except OSError:
                continue
            written.append(Path(folder) / name.replace("/", "-"))
            write_bytes(written[-1], picture)
    return written


def side_by_side(old: bytes, new: bytes) -> bytes:
    """A PNG: the old picture, the new one, and the new one in grey with every differing pixel in red.

    Pictures of different size are compared on the larger canvas.
    """
    pictures = _picture(old), _picture(new)
    width, height = (max(sides) for sides in zip(*(picture.size for picture in pictures), strict=True))
    before, after = (Image.new("RGBA", (width, height), "white") for _ in pictures)
    before.paste(pictures[0])
    after.paste(pictures[1])
    shown = after.convert("L").point(lambda level: 128 + level // 2).convert("RGB")
    shown.paste(RED, mask=Image.fromarray(_changed(before, after)))
    whole = Image.new("RGB", (3 * width + 2 * GAP, height), GREY)
    for number, part in enumerate((before, after, shown)):
        whole.paste(part.convert("RGB"), (number * (width + GAP), 0))
    buffer = streams.BytesIO()
    whole.save(buffer, format="PNG")
    return buffer.getvalue()


def _picture(content: bytes) -> Image.Image:
    with Image.open(streams.BytesIO(content), formats=["PNG"]) as picture:
        return picture.convert("RGBA")


def _changed(before: Image.Image, after: Image.Image) -> NDArray[np.bool_]:
    """Which pixels of two pictures of one size differ."""
    return np.asarray(np.any(np.asarray(before) != np.asarray(after), axis=-1))
