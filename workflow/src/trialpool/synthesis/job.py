"""The job of one analysis: read its effects, write its record, its studies and its forest plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trialpool import io
from trialpool.report.tables import STUDY_COLUMNS, study_rows
from trialpool.synthesis.analyse import analyse


def pool_analyses(
    specs: Sequence[Mapping[str, Any]], tables: Sequence[str], record_paths: Sequence[str]
) -> None:
    """Pool some analyses; write the record, studies.csv and forest.{svg,pdf,png} of each into its folder.

    `tables` are the effects, excluded and known parquet files of the first analysis, then of the second …
    """
    for index, (spec, path) in enumerate(zip(specs, record_paths, strict=True)):
        effects, excluded, known = (io.read_rows(table) for table in tables[3 * index : 3 * index + 3])
        record = analyse(spec, effects, excluded, known)
        write_record(record, Path(path).parent)


def write_record(record: Mapping[str, Any], folder: Path) -> None:
    """Write one record and everything drawn from it."""
    from trialpool.figures.forest import draw_forest
    from trialpool.figures.save import save_figure

    io.write_csv(folder / "studies.csv", study_rows(record), STUDY_COLUMNS)
    save_figure(draw_forest(io.canonical(record)), folder / "forest", description=record["title"])
    io.write_json(folder / "result.json", record)
