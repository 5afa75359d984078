"""What is said of a figure: a macro of notes.j2 and what it is about in, sentences out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from trialpool import text as words
from trialpool.figures.forest_notes import subtitle
from trialpool.measures import MEASURES
from trialpool.synthesis.diagnostics import DRAWS, SEED, moderator_name
from trialpool.view.question import moderator_slope

FILTERS = ("capital", "count", "listing", "number", "p_value", "percent", "significant", "spaced")


def notes(figure: str, *shown: Any) -> list[str]:
    """The sentences below a figure, or any other macro of the template, one a line."""
    return [line for line in str(getattr(_macros(), figure)(*shown)).splitlines() if line]


def describe(figure: str, *shown: Any) -> str:
    """The text alternative of a figure: its kind and title, then what it shows."""
    return " ".join(notes(f"{figure}_alternative", *shown))


def _result(measure: str, row: Any) -> str:
    """Estimate and interval of a row that has them, or of three values."""
    values = row if isinstance(row, Sequence) else (row.estimate, row.ci_low, row.ci_high)
    return words.effect(measure, *values)


@cache
def _macros() -> Any:
    """The template's macros; every text in them is cleaned, None is empty."""

    def finalize(value: Any) -> Any:
        return "" if value is None else words.clean(value) if isinstance(value, str) else value

    kind: dict[str, Any] = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    environment = Environment(loader=PackageLoader("trialpool.figures", "."), finalize=finalize, **kind)
    environment.filters |= {name: getattr(words, name) for name in (*FILTERS, "clean")}
    environment.globals |= {"words": words, "subtitle": subtitle, "effect": _result, "MEASURES": MEASURES}
    environment.globals |= {"name_of_moderator": moderator_name, "moderator_slope": moderator_slope}
    environment.globals |= {"DRAWS": DRAWS, "SEED": SEED}
    return environment.get_template("notes.j2").module
