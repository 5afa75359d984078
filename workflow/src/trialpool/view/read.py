"""What readers are shown, from files: result records with their appraisal, the rows of other tables."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from trialpool import io
from trialpool.contracts import COUNT, NUMBER, Table
from trialpool.records import (
    AbsoluteEffect,
    Certainty,
    Choices,
    Claim,
    Record,
    Restricted,
    Steps,
    from_json,
)
from trialpool.vocabulary import Vocabulary, general

T = TypeVar("T")
K = TypeVar("K")
Row = Mapping[str, Any]  # of a table of the evidence, or of a CSV file
Tables = Mapping[str, Sequence[Row]]  # those of the evidence by name


@dataclass(frozen=True, slots=True, kw_only=True)
class Appraised(Record):
    """A result record with the certainty and the absolute effect that the appraisal found for it.

    `vocabulary` holds the words in which readers are told of it.
    """

    certainty: Certainty | None = None
    absolute: AbsoluteEffect | None = None
    vocabulary: Vocabulary = field(default_factory=general)

    def restricted(self, part: Restricted | None) -> Appraised:
        """The record with the result of some of its trials (of a dose) in place of all; None: as it is."""
        if not part:
            return self
        keys = ("status", "k", "n_experimental", "n_control", "pooled")
        return replace(self, **{key: getattr(part, key) for key in keys})


def filled(kind: type[T], known: Row) -> T:
    """A record, or a part of one, of which only some fields are known: the others are empty, zero or None.

    >>> filled(Appraised, {"measure": "RR", "studies": [{"label": "Lu 2020"}]}).studies[0].label
    'Lu 2020'
    """
    hints = get_type_hints(kind)
    given = {each.name for each in fields(cast(Any, kind)) if each.default_factory is general} - known.keys()
    return kind(**{name: _filled(hint, known.get(name)) for name, hint in hints.items() if name not in given})


def _filled(hint: Any, value: Any) -> Any:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return None if value is None and NoneType in parts else _filled(parts[0], value)
    if origin is tuple:
        return tuple(_filled(parts[0], each) for each in value or ())
    if origin is not None:  # a mapping
        return {key: _filled(parts[-1], each) for key, each in (value or {}).items()}
    if hint in (Choices, Steps):
        return from_json(hint, value or ())
    if isinstance(hint, type) and is_dataclass(hint) and not is_dataclass(value):
        return filled(hint, value or {})
    if value is None or issubclass(hint, StrEnum):
        return hint(value or list(hint)[-1]) if issubclass(hint, StrEnum) else hint()
    return value


def grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Items by a key, groups and members in order of first appearance.

    >>> grouped(["pain", "sleep", "pulse"], lambda word: word[0])
    {'p': ['pain', 'pulse'], 's': ['sleep']}
    """
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def appraised(record: Row, appraisal: Row | None = None, vocabulary: Vocabulary | None = None) -> Appraised:
    """One record as JSON holds it, with its appraisal and the words of the review."""
    found = (appraisal or {}).get("analyses", {}).get(record["analysis"], {})
    return replace(from_json(Appraised, {**record, **found}), vocabulary=vocabulary or general())


def read_records(
    paths: Iterable[str | Path], appraisal: Row | None = None, vocabulary: Vocabulary | None = None
) -> list[Appraised]:
    """The result records in the order of the paths (that of the config), each with its appraisal."""
    return [appraised(io.read_json(path), appraisal, vocabulary) for path in paths]


def read_claims(appraisal: Row) -> tuple[Claim, ...]:
    """The judged claims of an appraisal as JSON holds it."""
    return from_json(tuple[Claim, ...], appraisal["claims"])


def read_csv(path: str | Path, table: Table) -> list[Row]:
    """The rows of a CSV file of this table, its numbers as such, empty ones None."""
    numbers = {name for name, kind in table.kinds.items() if kind in (NUMBER, COUNT)}
    with Path(path).open(encoding="utf-8", newline="") as stream:
        return [
            {name: (float(text) if text else None) if name in numbers else text for name, text in row.items()}
            for row in csv.DictReader(stream)
        ]


def read_tables(paths: Iterable[str]) -> Tables:
    """The rows of parquet tables by the names of their files."""
    return {Path(path).stem: io.read_rows(path) for path in paths}
