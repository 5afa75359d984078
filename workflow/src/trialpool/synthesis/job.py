"""The job of some analyses: effects to records, their tables and their figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trialpool import io
from trialpool.page.tables import STUDY_COLUMNS, study_rows
from trialpool.records import Record, from_json
from trialpool.synthesis.analyse import analyse
from trialpool.synthesis.influence import INFLUENCE_COLUMNS
from trialpool.synthesis.moderators import SMALLEST
from trialpool.synthesis.multiverse import MULTIVERSE_COLUMNS
from trialpool.synthesis.probe import probe
from trialpool.synthesis.sensitivity import SENSITIVITY_COLUMNS

Row = dict[str, Any]


def pool_analyses(
    specs: Sequence[Mapping[str, Any]],
    tables: Sequence[str],
    folders: Sequence[str],
    multiverses: str,
) -> None:
    """Pool some analyses and ask whether each holds.

    Writes result.json, studies.csv, sensitivity.csv and forest.{svg,pdf,png} of each into its folder, for an
    analysis of several trials also what only such a one has, and into the folder `multiverses` every
    specification of it, as <analysis>.parquet. `tables` are the batch's effects, excluded and known rows.
    """
    effects_of, excluded_of, known_of = (_by_analysis(io.read_rows(table)) for table in tables)
    for spec, folder in zip(specs, map(Path, folders), strict=True):
        slug = spec["analysis"]
        effects = effects_of[slug]
        main = [row for row in effects if not row["variant"]]
        record = analyse(spec, main, excluded_of[slug], known_of[slug])
        findings, columns = probe(spec, effects, record["studies"])
        columns_path = Path(multiverses) / f"{slug}.parquet"
        io.write_columns(columns_path, columns)
        record |= findings
        if record["status"] == "pooled":
            draw_several(io.canonical(record), io.read_columns(columns_path), folder, spec["formats"])
        write_record(record, folder, spec["formats"])


def _by_analysis(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["analysis"]].append(row)
    return found


def write_record(record: Mapping[str, Any], folder: Path, wanted: Collection[str]) -> None:
    """Write one record, its tables and its forest plot in the `wanted` formats."""
    from trialpool.figures.forest import draw_forest
    from trialpool.figures.forest_notes import describe_forest
    from trialpool.figures.save import save_figure
    from trialpool.folders import formats_of

    plain = from_json(Record, io.canonical(record))
    io.write_csv(folder / "studies.csv", study_rows(record), STUDY_COLUMNS)
    io.write_csv(folder / "sensitivity.csv", record["sensitivity"], SENSITIVITY_COLUMNS)
    figure = draw_forest(plain, preset=record["forest"])
    formats = formats_of("forest", wanted)
    save_figure(figure, folder / "forest", description=describe_forest(plain), formats=formats)
    io.write_json(folder / "result.json", record)


def draw_several(
    record: Mapping[str, Any], columns: Mapping[str, Sequence[Any]], folder: Path, wanted: Collection[str]
) -> None:
    """Write the tables and figures that only an analysis of two trials or more has.

    Those of its moderators too, where it declares some and has trials enough for a test.
    """
    from trialpool.figures.bubble import describe_moderators, draw_moderators
    from trialpool.figures.catalogue import draw_all
    from trialpool.figures.save import PNG_DPI_BESIDE, save_figure
    from trialpool.folders import formats_of

    levels = [row | {"analysis": record["analysis"]} for row in record["multiverse"]["levels"]]
    io.write_csv(folder / "multiverse.csv", levels, ("analysis", *MULTIVERSE_COLUMNS))
    io.write_csv(folder / "influence.csv", record["influence"], INFLUENCE_COLUMNS)
    for name, title, figure in draw_all(record, columns):
        formats = formats_of(name, wanted)
        save_figure(figure, folder / name, description=title, dpi=PNG_DPI_BESIDE, formats=formats)
    if record["moderators"] and record["k"] >= SMALLEST:
        title, figure = describe_moderators(record), draw_moderators(record)
        formats = formats_of("moderators", wanted)
        save_figure(figure, folder / "moderators", description=title, dpi=PNG_DPI_BESIDE, formats=formats)
