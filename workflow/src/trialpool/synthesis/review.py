"""The job on all finished records that adjusts the moderators of the whole review."""

from __future__ import annotations

from collections.abc import Sequence

from trialpool import io
from trialpool.synthesis.moderators import MODERATOR_COLUMNS, adjusted, table_rows


def write_moderators(record_paths: Sequence[str], table: str) -> None:
    """Write what was asked of moderators in the review, p-values adjusted over all tests of it (Holm)."""
    records = [io.read_json(path) for path in record_paths]
    rows = [row for record in records for row in record.get("moderators") or []]
    rows.sort(key=lambda row: row["analysis"])
    io.write_csv(table, list(table_rows(adjusted(rows))), MODERATOR_COLUMNS)
