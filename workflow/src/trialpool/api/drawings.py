"""The record of a fit in, its figure out, shown or written to a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from trialpool.api.data import Dataset, appraised
from trialpool.errors import suggestion
from trialpool.figures.forest_layout import Preset, preset
from trialpool.figures.notes import describe
from trialpool.figures.save import save_figure
from trialpool.io import FORMATS
from trialpool.records import Record
from trialpool.text import capital

BLOCKS = ("study", "arms", "plot", "effect", "weight")
HEADINGS = ("study", "n", "mean", "counts")
DRAWN = {  # module and function of every kind of figure
    "forest": ("forest", "draw_forest"),
    "funnel": ("funnel", "draw_funnel"),
    "radial": ("radial", "draw_radial"),
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
    file = Path(path)
    if file.suffix not in FORMATS:
        raise ValueError(f"path {str(path)!r} ends in {file.suffix!r}: take one of {', '.join(FORMATS)}")
    save_figure(figure, file.with_suffix(""), description=description, formats=(file.suffix,))


def forest_style(style: str, columns: Sequence[str] | None, headings: Mapping[str, str] | None) -> Preset:
    """A house style without risk of bias, with other columns and headings where some are named."""
    look = replace(preset(style), bias="none")
    for name, given, known in (("columns", columns, BLOCKS), ("headings", headings, HEADINGS)):
        for word in given or ():
            if word not in known:
                raise ValueError(f"{name}: {word!r} is none of them, {suggestion(word, known)}")
    if columns is not None:
        look = replace(look, columns=tuple(columns if "plot" in columns else [*columns, "plot"]))
    return replace(look, titles={**look.titles, **(headings or {})})
