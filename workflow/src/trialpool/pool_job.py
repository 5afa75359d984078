"""The job of some analyses: effects in, their records, tables and figures out.

Figures and tables read each record as it is written, so that a number is the same wherever it stands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialpool import io
from trialpool.contracts import STUDY_ROWS
from trialpool.records import Influence, Level, Record, columns_of, to_json
from trialpool.synthesis.analyse import analyse, read_effects, read_known, read_unused
from trialpool.synthesis.moderators import SMALLEST
from trialpool.synthesis.sensitivity import SENSITIVITY_COLUMNS
from trialpool.vocabulary import Vocabulary

if TYPE_CHECKING:
    from trialpool.view.read import Appraised

Row = dict[str, Any]


def pool_analyses(
    specs: Sequence[Mapping[str, Any]],
    tables: Sequence[str],
    folders: Sequence[str],
    multiverses: str,
    vocabulary: Vocabulary | None = None,
) -> None:
    """Pool some analyses and ask whether each holds.

    Writes result.json, studies.csv, sensitivity.csv and forest.{svg,pdf,png} of each into its folder, for an
    analysis of several trials also what only such a one has, and into the folder `multiverses` every
    specification of it, as <analysis>.parquet. `tables` are the batch's effects, excluded and known rows;
    `vocabulary` holds the words of the review.
    """
    effects_of, excluded_of, known_of = (_by_analysis(io.read_rows(table)) for table in tables)
    for spec, folder in zip(specs, map(Path, folders), strict=True):
        slug = spec["analysis"]
        record, specifications = analyse(
            spec, read_effects(effects_of[slug]), read_unused(excluded_of[slug]), read_known(known_of[slug])
        )
        columns = specifications.columns() if specifications else {}
        io.write_columns(Path(multiverses) / f"{slug}.parquet", columns)
        write_record(record, columns, folder, spec["formats"], vocabulary)


def _by_analysis(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["analysis"]].append(row)
    return found


def write_record(
    record: Record,
    columns: Mapping[str, Sequence[Any]],
    folder: Path,
    formats: Collection[str] | None,
    vocabulary: Vocabulary | None = None,
) -> None:
    """Write one record, its tables and figures in these formats; `columns` are those of its multiverse."""
    from trialpool.figures.forest import draw_forest
    from trialpool.figures.forest_notes import describe_forest
    from trialpool.figures.save import save_figure
    from trialpool.folders import formats_of
    from trialpool.view.read import appraised

    written = io.canonical(to_json(record))
    shown = appraised(written, vocabulary=vocabulary)
    if record.multiverse:
        _write_several(written, shown, columns, folder, formats)
    io.write_csv(folder / "studies.csv", written["studies"], STUDY_ROWS.names)
    io.write_csv(folder / "sensitivity.csv", written["sensitivity"], SENSITIVITY_COLUMNS)
    figure, description = draw_forest(shown, preset=record.forest), describe_forest(shown)
    save_figure(figure, folder / "forest", description=description, formats=formats_of("forest", formats))
    io.write_json(folder / "result.json", written)


def _write_several(
    record: Row,
    shown: Appraised,
    columns: Mapping[str, Sequence[Any]],
    folder: Path,
    wanted: Collection[str] | None,
) -> None:
    """Write the tables and figures that only an analysis of two trials or more has.

    Those of its moderators too, where it declares some and has trials enough for a test.
    """
    from trialpool.figures import draw_beside
    from trialpool.figures.moderators import describe_moderators, draw_moderators
    from trialpool.figures.save import PNG_DPI_BESIDE, save_figure
    from trialpool.folders import formats_of

    levels = [row | {"analysis": record["analysis"]} for row in record["multiverse"]["levels"]]
    io.write_csv(folder / "multiverse.csv", levels, ("analysis", *columns_of(Level)))
    io.write_csv(folder / "influence.csv", record["influence"], columns_of(Influence))
    for name, title, figure in draw_beside(shown, columns):
        formats = formats_of(name, wanted)
        save_figure(figure, folder / name, description=title, dpi=PNG_DPI_BESIDE, formats=formats)
    if record["moderators"] and record["k"] >= SMALLEST:
        title, figure = describe_moderators(shown), draw_moderators(shown)
        formats = formats_of("moderators", wanted)
        save_figure(figure, folder / "moderators", description=title, dpi=PNG_DPI_BESIDE, formats=formats)
