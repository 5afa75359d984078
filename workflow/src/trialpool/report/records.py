"""What the jobs of the report read: result records, their appraisal, tables of other jobs."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trialpool import io

Record = Mapping[str, Any]


def read_records(paths: Sequence[str | Path]) -> list[dict[str, Any]]:
    """The result records in the order of the paths (that of the config)."""
    return [io.read_json(path) for path in paths]


def read_csv(path: str | Path | None) -> list[dict[str, str]]:
    """The rows of a CSV file as text, [] where there is no file to read."""
    if not path:
        return []
    with Path(path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def with_appraisal(records: Sequence[Record], appraisal: Record) -> list[dict[str, Any]]:
    """The records with the `certainty` and `absolute` effect that the appraisal found for them.

    >>> with_appraisal([{"analysis": "a"}], {"analyses": {"a": {"certainty": None, "absolute": None}}})
    [{'analysis': 'a', 'certainty': None, 'absolute': None}]
    """
    return [{**record, **appraisal["analyses"].get(record["analysis"], {})} for record in records]


def read_tables(paths: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The rows of parquet tables by the names of their files."""
    return {Path(path).stem: io.read_rows(path) for path in paths}
