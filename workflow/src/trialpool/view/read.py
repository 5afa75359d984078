"""What readers are shown, from files: result records with their appraisal, the rows of other tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from trialpool import io
from trialpool.contracts import COUNT, NUMBER, REPRODUCED, Table, columns_differ
from trialpool.errors import Fault, InputError
from trialpool.records import (
    AbsoluteEffect,
    Appraisal,
    Ask,
    Certainty,
    Claim,
    Network,
    Presentation,
    Record,
    Restricted,
    from_json,
)
from trialpool.vocabulary import Vocabulary, general

T = TypeVar("T")
K = TypeVar("K")
Row = Mapping[str, Any]  # of a table of the evidence, or of a CSV file
Tables = Mapping[str, Sequence[Row]]  # those of the evidence by name


class Appraised(Record):
    """A result record with its certainty, absolute effect and presentation as the appraisal found them.

    `vocabulary` holds the words in which readers are told of it.
    """

    certainty: Certainty | None = None
    absolute: AbsoluteEffect | None = None
    shown: Presentation | None = None
    vocabulary: Vocabulary = field(default_factory=general)

    def restricted(self, part: Restricted | None) -> Appraised:
        """The record with the result of some of its trials (of a dose) in place of all; None: as it is."""
        if not part:
            return self
        keys = ("certainty", "status", "k", "n_experimental", "n_control", "pooled")
        return replace(self, **{key: getattr(part, key) for key in keys})


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
    paths: Sequence[str | Path],
    appraisal: Row | None = None,
    vocabulary: Vocabulary | None = None,
    *,
    without: Row | None = None,
) -> list[Appraised]:
    """The result records in the order of the paths (that of the config), each with its appraisal.

    `without` stands for parts that they need not have (ITS_OWN): of thousands all would take gigabytes.
    """
    read = ({**record, **(without or {})} for record in io.read_records(paths))
    return [appraised(record, appraisal, vocabulary) for record in read]


def learn_forms() -> None:
    """Have msgspec learn the forms of what is read, so that who forks from here need not."""
    for kind in (Record, Appraised, Appraisal, Network):
        msgspec.json.Decoder(kind)


def read_claims(appraisal: Row) -> tuple[Claim, ...]:
    """The judged claims of an appraisal as JSON holds it."""
    return from_json(tuple[Claim, ...], appraisal["claims"])


def read_summary(appraisal: Row) -> tuple[Ask, ...]:
    """What the page answers first, from an appraisal as JSON holds it."""
    return from_json(tuple[Ask, ...], appraisal.get("summary", ()))


def read_networks(paths: Iterable[str]) -> list[Network]:
    """The networks of treatments, in the order of their result.json."""
    return [from_json(Network, io.read_json(path)) for path in paths]


def read_csv(path: str | Path, table: Table) -> list[Row]:
    """The rows of a CSV file of this table, its numbers as such, empty ones None."""
    numbers = {name for name, kind in table.kinds.items() if kind in (NUMBER, COUNT)}
    return [
        {name: (float(text) if text else None) if name in numbers else text for name, text in row.items()}
        for row in io.read_csv(path)
    ]


def read_reproduced(path: str | Path | None) -> list[Row]:
    """What R gave for pooled numbers, nothing without such a file; InputError where it is another one."""
    if not path or not Path(path).is_file():
        return []
    header = Path(path).read_text(encoding="utf-8").partition("\n")[0].split(",")
    if problem := columns_differ(REPRODUCED, header):
        raise InputError([Fault(str(path), 1, "", "", problem, "let trialpool reproduce write it")])
    return read_csv(path, REPRODUCED)


def read_tables(paths: Iterable[str]) -> Tables:
    """The rows of parquet tables by the names of their files."""
    return {Path(path).stem: io.read_lean_rows(path) for path in paths}
