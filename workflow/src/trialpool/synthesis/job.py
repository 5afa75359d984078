"""The job of one analysis: read its effects, write its record, its studies and its forest plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trialpool import io
from trialpool.synthesis.analyse import analyse

STUDY_COLUMNS = (
    "analysis study_id label year arm_experimental arm_control label_experimental label_control"
    " category_experimental category_control cointervention design instrument item unit weeks timepoint kind"
    " measure effect variance ci_low ci_high weight n_experimental n_control mean_experimental sd_experimental"
    " mean_control sd_control events_experimental events_control estimate estimate_low estimate_high imputed"
    " derivation cautions reading source_url locator row_ids"
).split()


def pool_analysis(spec: Mapping[str, Any], tables: Sequence[str], folder: str | Path) -> None:
    """Pool one analysis and write result.json, studies.csv and forest.{svg,pdf,png} into its folder.

    `tables` are its effects, excluded and known parquet files, in this order.
    """
    effects, excluded, known = (io.read_rows(table) for table in tables)
    record = analyse(spec, effects, excluded, known)
    folder = Path(folder)
    io.write_csv(folder / "studies.csv", record["studies"], STUDY_COLUMNS)
    draw(record, folder)
    io.write_json(folder / "result.json", record)


def draw(record: Mapping[str, Any], folder: Path) -> None:
    """Draw the figures of one record."""
    from trialpool.figures.forest import draw_forest
    from trialpool.figures.save import save_figure

    save_figure(draw_forest(io.canonical(record)), folder / "forest", description=record["title"])
