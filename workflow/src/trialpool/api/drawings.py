"""The record of a fit in, its figure out, shown or written to a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.figure import Figure

from trialpool.api.data import Dataset, appraised
from trialpool.figures.forest_layout import Preset, preset
from trialpool.figures.notes import describe
from trialpool.figures.save import save_figure
from trialpool.io import FORMATS
from trialpool.protocol import forest_of, forest_slips
from trialpool.records import Record, Shape, from_json
from trialpool.text import capital, plain_number
from trialpool.yaml_files import shipped

if TYPE_CHECKING:
    from trialpool.api.fit import Fit

DRAWN = {  # module and function of every kind of figure
    "forest": ("forest", "draw_forest"),
    "funnel": ("funnel", "draw_funnel"),
    "radial": ("radial", "draw_radial"),
    "drapery": ("drapery", "draw_drapery"),
    "orchard": ("orchard", "draw_orchard"),
    "labbe": ("labbe", "draw_labbe"),
    "baujat": ("influence", "draw_baujat"),
    "gosh": ("influence", "draw_gosh"),
    "influence": ("influence", "draw_influence"),
    "posterior": ("posterior", "draw_posterior"),
    "multiverse": ("curve", "draw_specification_curve"),
    "moderators": ("moderators", "draw_moderators"),
}


def shown(
    kind: str,
    data: Dataset,
    record: Record,
    path: Any = None,
    title: str = "",
    favours: tuple[str, str] | None = None,
    **options: Any,
) -> Figure:
    """Draw a record that says of its question what is known of it, and write it if there is a path."""
    known = appraised(data, record, title, favours)
    module, function = DRAWN[kind]
    draw = getattr(import_module(f"trialpool.figures.{module}"), function)
    figure: Figure = draw(known, **options)
    if path is not None:
        titled = replace(known, title=title or capital(data.natural.name))
        save(figure, path, describe(kind, titled))
    return figure


def save(figure: Figure, path: Any, description: str) -> None:
    """Write a figure to one file, in the format of its ending."""
    if not isinstance(path, str | PathLike):
        raise TypeError(f"path is a {type(path).__name__}: give the name of a file, such as 'figure.svg'")
    file = Path(path)
    if file.suffix not in (known := (*FORMATS, ".tiff")):
        raise ValueError(f"path {str(path)!r} ends in {file.suffix!r}: take one of {', '.join(known)}")
    save_figure(figure, file.with_suffix(""), description=description, formats=(file.suffix,))


def forest_shape(data: Dataset, asked: Mapping[str, Any]) -> tuple[Preset, Shape]:
    """What is asked of a forest plot of these trials, as a style without risk of bias and a shape.

    Raises ValueError for the first word that is not known and for an axis that there is not.
    """
    given = {name: _plain(value) for name, value in asked.items() if value is not None}
    for slip in forest_slips(given, (), data.measure, map(str, data.frame)):
        raise ValueError(f"{slip.path[0]}: {slip.value!r} is {slip.problem}; {slip.remedy}")
    style, shape, _ = forest_of(given)
    return replace(preset(style), bias="none"), from_json(Shape, shape)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def columns_asked(data: Dataset, shape: Shape) -> list[dict[str, str]] | None:
    """The texts of the table's own columns that the plot asks for, a mapping a trial; None for none."""
    every = shipped("forest")
    names = [name for name in shape.columns or () if name in data.frame]
    names = [name for name in names if name not in (*every["blocks"], *every["arms"])]
    if not names:
        return None
    rows = data.frame[names].to_dict("records")
    return [{str(name): _cell(value) for name, value in row.items()} for row in rows]


def _cell(value: Any) -> str:
    """A cell of a table as a figure shows it."""
    if pd.isna(value):
        return ""
    return plain_number(value) if isinstance(value, int | float) else str(value)


def forests(
    fits: Mapping[str, Fit] | Sequence[Fit],
    path: Any = None,
    *,
    style: str = "plain",
    title: str = "",
    sort: str | None = None,
    **shape: Any,
) -> Figure:
    """The forest plots of several fits side by side: a row a trial, a panel an outcome.

    `fits` are those of the panels, by their headings where it is a mapping; trials with the same label share
    a row. `sort` and further words as of `Fit.forest`. Raises ValueError for fewer than two fits and for
    words that are not known.

    >>> import trialpool as tp
    >>> numbers = {"se": [0.2, 0.3, 0.4], "label": ["Lu 2020", "Bao 2021", "Iravani 2020"]}
    >>> pain = tp.pool(tp.effects(measure="MD", effect=[-1.0, -0.4, -0.8], **numbers))
    >>> sleep = tp.pool(tp.effects(measure="MD", effect=[0.5, 0.1, 0.6], **numbers))
    >>> figure = tp.forests({"Pain": pain, "Sleep": sleep})
    """
    from trialpool.figures.forest_panels import draw_panels

    given = [*fits.values()] if isinstance(fits, Mapping) else fits
    if (
        not isinstance(given, list | tuple)
        or len(given) < 2
        or any(not hasattr(fit, "_drawn_as") for fit in given)
    ):
        raise ValueError(
            "fits: give two or more of trialpool.pool, in a list, or in a mapping by their headings"
        )
    named = fits if isinstance(fits, Mapping) else {f"Outcome {at + 1}": fit for at, fit in enumerate(fits)}
    records, look = [], preset("plain")
    for fit in named.values():
        record, look = fit._drawn_as({"style": style, **shape}, None, sort)
        known = appraised(fit.data, record)
        studies = (replace(row, study_id=row.label) for row in known.studies)
        records.append(replace(known, studies=tuple(studies)))
    figure = draw_panels(records, title, look, [*named])
    if path is not None:
        save(
            figure,
            path,
            f"{title or 'Forest plots'}. {' '.join(describe('forest', each) for each in records)}",
        )
    return figure
