"""The job that draws the figures of the whole review."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trialpool.figures.review_maps import (
    describe_evidence_map,
    describe_risk_of_bias,
    describe_timeline,
    draw_evidence_map,
    draw_risk_of_bias,
    draw_timeline,
)
from trialpool.figures.save import PNG_DPI_BESIDE, save_figure
from trialpool.view.read import read_records, read_tables
from trialpool.view.review import evidence_map, timeline, with_room
from trialpool.view.study import labels, tool_tables, trial_views


def draw_review(record_paths: Sequence[str], table_paths: Sequence[str], folder: str | Path) -> None:
    """Draw the figures of the whole review (risk_of_bias, evidence_map, timeline) as SVG, PDF and PNG."""
    records = read_records(record_paths)
    tables = read_tables(table_paths)
    studies = tables["studies"]
    bias = tool_tables(tables["risk_of_bias"], labels(records, studies), len(studies))
    populations, left_out = with_room(evidence_map(records))
    years = timeline(trial_views(records, tables))
    for name, figure, description in (
        ("risk_of_bias", draw_risk_of_bias(bias), describe_risk_of_bias(bias, len(studies))),
        (
            "evidence_map",
            draw_evidence_map(populations, left_out=left_out),
            describe_evidence_map(populations),
        ),
        ("timeline", draw_timeline(years), describe_timeline(years)),
    ):
        save_figure(figure, Path(folder) / name, description=description, dpi=PNG_DPI_BESIDE)
