"""Jobs on finished records: the moderators of one analysis drawn, those of the whole review adjusted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trialpool import io
from trialpool.synthesis.moderators import MODERATOR_COLUMNS, adjusted, table_rows


def write_moderators(record_paths: Sequence[str], table: str) -> None:
    """Write what was asked of moderators in the review, p-values adjusted over all tests of it (Holm)."""
    records = [io.read_json(path) for path in record_paths]
    rows = [row for record in records for row in record.get("moderators") or []]
    rows.sort(key=lambda row: row["analysis"])
    io.write_csv(table, list(table_rows(adjusted(rows))), MODERATOR_COLUMNS)


def draw_moderators_of(record_path: str) -> None:
    """Write the moderators figure of a pooled record beside it, be anything in it testable or not."""
    from trialpool.figures.bubble import describe_moderators, draw_moderators
    from trialpool.figures.save import PNG_DPI_BESIDE, save_figure

    record = io.read_json(record_path)
    stem = Path(record_path).parent / "moderators"
    save_figure(draw_moderators(record), stem, description=describe_moderators(record), dpi=PNG_DPI_BESIDE)
