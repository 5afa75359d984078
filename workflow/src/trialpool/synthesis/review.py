"""Jobs on finished records: the moderators of one analysis drawn, those of the whole review adjusted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trialpool import io
from trialpool.synthesis.moderators import MODERATOR_COLUMNS, adjusted


def write_moderators(record_paths: Sequence[str], table: str) -> None:
    """Write every moderator tested in the review, p-values adjusted over all of them (Holm)."""
    rows = [row for path in record_paths for row in io.read_json(path).get("moderators") or []]
    rows.sort(key=lambda row: (row["analysis"], row["moderator"]))
    io.write_csv(table, adjusted(rows), MODERATOR_COLUMNS)


def draw_moderators_of(record_path: str) -> None:
    """Write the moderators figure of a pooled record that declares moderators, beside the record."""
    from trialpool.figures.bubble import describe_moderators, draw_moderators
    from trialpool.figures.save import PNG_DPI_BESIDE, save_figure

    record = io.read_json(record_path)
    stem = Path(record_path).parent / "moderators"
    save_figure(draw_moderators(record), stem, description=describe_moderators(record), dpi=PNG_DPI_BESIDE)
