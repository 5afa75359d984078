"""What readers are shown, from files: result records with their appraisal, the rows of other tables."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from trialpool import io
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

T = TypeVar("T")
Row = Mapping[str, Any]  # of a table of the evidence, or of a CSV file
Tables = Mapping[str, Sequence[Row]]  # those of the evidence by name


@dataclass(frozen=True, slots=True, kw_only=True)
class Appraised(Record):
    """A result record with the certainty and the absolute effect that the appraisal found for it."""

    certainty: Certainty | None = None
    absolute: AbsoluteEffect | None = None

    def restricted(self, part: Restricted | None) -> Appraised:
        """The record with the result of some of its trials (of a dose) in place of all; None: as it is."""
        if not part:
            return self
        keys = ("status", "k", "n_experimental", "n_control", "pooled")
        return replace(self, **{key: getattr(part, key) for key in keys})


def appraised(records: Iterable[Row], appraisal: Row) -> list[Appraised]:
    """Result records as JSON holds them, each joined by what the appraisal says of it."""
    analyses = appraisal.get("analyses", {})
    return [from_json(Appraised, {**record, **analyses.get(record["analysis"], {})}) for record in records]


def read_claims(appraisal: Row) -> tuple[Claim, ...]:
    """The judged claims of an appraisal as JSON holds it."""
    return from_json(tuple[Claim, ...], appraisal["claims"])


def filled(kind: type[T], known: Row) -> T:
    """A record, or a part of one, of which only some fields are known: the others are empty, zero or None.

    >>> filled(Appraised, {"measure": "RR", "studies": [{"label": "Lu 2020"}]}).studies[0].label
    'Lu 2020'
    """
    hints = get_type_hints(kind)
    return kind(**{name: _filled(hint, known.get(name)) for name, hint in hints.items()})


def _filled(hint: Any, value: Any) -> Any:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is UnionType:
        if value is None:
            return None if NoneType in parts else _filled(parts[0], None)
        parts = tuple(part for part in parts if part is not NoneType)
        return _filled(parts[0], value) if len(parts) == 1 else value
    if origin is tuple:
        return tuple(_filled(parts[0], each) for each in value or ())
    if origin is not None or hint is Any:  # a mapping
        return {key: _filled(parts[-1], each) for key, each in (value or {}).items()} if parts else value
    if hint in (Choices, Steps):
        return from_json(hint, value or ())
    if isinstance(hint, type) and is_dataclass(hint):
        return value if is_dataclass(value) else filled(hint, value or {})
    if issubclass(hint, StrEnum):
        return hint(value or list(hint)[-1])
    return hint() if value is None else value


def read_records(paths: Sequence[str | Path], appraisal: Row | None = None) -> list[Appraised]:
    """The result records in the order of the paths (that of the config)."""
    return appraised(map(io.read_json, paths), appraisal or {})


def read_csv(path: str | Path | None) -> list[dict[str, str]]:
    """The rows of a CSV file as text, [] where there is no file to read."""
    if not path:
        return []
    with Path(path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_tables(paths: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The rows of parquet tables by the names of their files."""
    return {Path(path).stem: io.read_rows(path) for path in paths}
