"""The jobs of one analysis: effects to record; record to the figures that need more than one trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trialpool import io
from trialpool.report.tables import STUDY_COLUMNS, study_rows
from trialpool.synthesis.analyse import analyse
from trialpool.synthesis.influence import INFLUENCE_COLUMNS
from trialpool.synthesis.multiverse import MULTIVERSE_COLUMNS
from trialpool.synthesis.probe import probe
from trialpool.synthesis.sensitivity import SENSITIVITY_COLUMNS

Row = dict[str, Any]


def pool_analyses(
    specs: Sequence[Mapping[str, Any]],
    tables: Sequence[str],
    record_paths: Sequence[str],
    multiverse_paths: Sequence[str],
) -> None:
    """Pool some analyses and ask whether each holds.

    Writes result.json, studies.csv, sensitivity.csv and forest.{svg,pdf,png} of each into its folder, and its
    multiverse as parquet. `tables` are the effects, excluded and known parquet files of the first analysis,
    then of the second, and so on.
    """
    for index, (spec, path, columns_path) in enumerate(
        zip(specs, record_paths, multiverse_paths, strict=True)
    ):
        effects, excluded, known = (io.read_rows(table) for table in tables[3 * index : 3 * index + 3])
        main = [row for row in effects if not row["variant"]]
        record = analyse(spec, main, excluded, known)
        findings, columns = probe(spec, effects, record["studies"])
        io.write_columns(columns_path, columns)
        write_record(record | findings, Path(path).parent)


def write_record(record: Mapping[str, Any], folder: Path) -> None:
    """Write one record, its tables and its forest plot."""
    from trialpool.figures.forest import draw_forest
    from trialpool.figures.forest_notes import describe_forest
    from trialpool.figures.save import save_figure

    plain = io.canonical(record)
    io.write_csv(folder / "studies.csv", study_rows(record), STUDY_COLUMNS)
    io.write_csv(folder / "sensitivity.csv", record["sensitivity"], SENSITIVITY_COLUMNS)
    figure = draw_forest(plain, preset=record["forest"])
    save_figure(figure, folder / "forest", description=describe_forest(plain))
    io.write_json(folder / "result.json", record)


def draw_analysis(record_path: str, multiverse_path: str) -> None:
    """Write the tables and figures of an analysis that pools at least two trials, beside its record."""
    from trialpool.figures.catalogue import draw_all
    from trialpool.figures.formats import formats_of
    from trialpool.figures.save import PNG_DPI_BESIDE, save_figure

    record, folder = io.read_json(record_path), Path(record_path).parent
    levels = [row | {"analysis": record["analysis"]} for row in record["multiverse"]["levels"]]
    io.write_csv(folder / "multiverse.csv", levels, ("analysis", *MULTIVERSE_COLUMNS))
    io.write_csv(folder / "influence.csv", record["influence"], INFLUENCE_COLUMNS)
    for name, title, figure in draw_all(record, io.read_columns(multiverse_path)):
        formats = formats_of(name)
        save_figure(figure, folder / name, description=title, dpi=PNG_DPI_BESIDE, formats=formats)
