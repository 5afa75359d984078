"""The job of some analyses: effects to records, their tables and their figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trialpool import io
from trialpool.report.tables import STUDY_COLUMNS, study_rows
from trialpool.synthesis.analyse import analyse
from trialpool.synthesis.influence import INFLUENCE_COLUMNS
from trialpool.synthesis.moderators import SMALLEST
from trialpool.synthesis.multiverse import MULTIVERSE_COLUMNS
from trialpool.synthesis.probe import probe
from trialpool.synthesis.sensitivity import SENSITIVITY_COLUMNS

Row = dict[str, Any]
OF_SEVERAL = ("multiverse", "influence", "funnel", "posterior", "moderators")  # what one trial cannot have


def pool_analyses(
    specs: Sequence[Mapping[str, Any]],
    tables: Sequence[str],
    record_paths: Sequence[str],
    multiverse_paths: Sequence[str],
    drawn_folders: Sequence[str],
) -> None:
    """Pool some analyses and ask whether each holds.

    Writes result.json, studies.csv, sensitivity.csv and forest.{svg,pdf,png} of each into its folder, and its
    multiverse as parquet; what only an analysis of several trials has, to its folder of `drawn_folders`.
    `tables` are the effects, excluded and known parquet files of the first analysis, then of the second, and
    so on.
    """
    for index, (spec, path, columns_path, drawn) in enumerate(
        zip(specs, record_paths, multiverse_paths, drawn_folders, strict=True)
    ):
        effects, excluded, known = (io.read_rows(table) for table in tables[3 * index : 3 * index + 3])
        main = [row for row in effects if not row["variant"]]
        record = analyse(spec, main, excluded, known)
        findings, columns = probe(spec, effects, record["studies"])
        io.write_columns(columns_path, columns)
        record |= findings
        Path(drawn).mkdir(parents=True, exist_ok=True)
        if record["status"] == "pooled":
            draw_several(io.canonical(record), io.read_columns(columns_path), Path(drawn))
        forget_undrawn(Path(path).parent, Path(drawn))
        write_record(record, Path(path).parent)


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


def forget_undrawn(folder: Path, drawn: Path) -> None:
    """Remove what an earlier run laid out beside a record that no longer has it, its trials being too few."""
    for path in folder.glob("*"):
        if path.stem in OF_SEVERAL and not (drawn / path.name).exists():
            path.unlink()


def draw_several(record: Mapping[str, Any], columns: Mapping[str, Sequence[Any]], folder: Path) -> None:
    """Write the tables and figures that only an analysis of two trials or more has.

    Those of its moderators too, where it declares some and has trials enough for a test.
    """
    from trialpool.figures.bubble import describe_moderators, draw_moderators
    from trialpool.figures.catalogue import draw_all
    from trialpool.figures.formats import formats_of
    from trialpool.figures.save import PNG_DPI_BESIDE, save_figure

    levels = [row | {"analysis": record["analysis"]} for row in record["multiverse"]["levels"]]
    io.write_csv(folder / "multiverse.csv", levels, ("analysis", *MULTIVERSE_COLUMNS))
    io.write_csv(folder / "influence.csv", record["influence"], INFLUENCE_COLUMNS)
    for name, title, figure in draw_all(record, columns):
        formats = formats_of(name)
        save_figure(figure, folder / name, description=title, dpi=PNG_DPI_BESIDE, formats=formats)
    if record["moderators"] and record["k"] >= SMALLEST:
        title, figure = describe_moderators(record), draw_moderators(record)
        save_figure(figure, folder / "moderators", description=title, dpi=PNG_DPI_BESIDE)
