"""The job of one analysis: read its effects, write its record, its studies and its forest plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trialpool import io
from trialpool.report.tables import STUDY_COLUMNS, study_rows
from trialpool.synthesis.analyse import analyse


def pool_analysis(spec: Mapping[str, Any], tables: Sequence[str], folder: str | Path) -> None:
    """Pool one analysis and write result.json, studies.csv and forest.{svg,pdf,png} into its folder.

    `tables` are its effects, excluded and known parquet files, in this order.
    """
    effects, excluded, known = (io.read_rows(table) for table in tables)
    record = analyse(spec, effects, excluded, known)
    folder = Path(folder)
    io.write_csv(folder / "studies.csv", study_rows(record), STUDY_COLUMNS)
    draw(record, folder)
    io.write_json(folder / "result.json", record)


def draw(record: Mapping[str, Any], folder: Path) -> None:
    """Draw the figures of one record."""
    from trialpool.figures.forest import draw_forest
    from trialpool.figures.save import save_figure

    save_figure(draw_forest(io.canonical(record)), folder / "forest", description=record["title"])
