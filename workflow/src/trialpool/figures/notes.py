"""What is said of a figure: a macro of notes.j2 and what it is about in, sentences out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from trialpool import text as words
from trialpool.measures import MEASURES
from trialpool.records import Record
from trialpool.synthesis.diagnostics import DRAWS, SEED, moderator_name
from trialpool.text import clean
from trialpool.view.dose import dose_sentence, trial_names
from trialpool.view.forest_table import forest_table
from trialpool.view.question import domain_of, moderator_slope
from trialpool.view.read import Appraised
from trialpool.view.review import left_out

FILTERS = ("capital", "count", "listing", "number", "p_value", "percent", "significant", "spaced")


def title(record: Record) -> str:
    """The analysis' title, or its slug."""
    return clean(record.title or record.analysis)


def subtitle(record: Appraised) -> str:
    """Measure, scale, comparison and time in one line.

    >>> from trialpool.records import sketch
    >>> known = {"measure": "MD", "domain": "pain", "scale": "0-10", "unit": "points"}
    >>> subtitle(sketch(Appraised, known | {"comparison": "yoga versus rest", "timepoint": "follow_up"}))
    'Mean difference in pain (points, 0–10); yoga versus rest; follow-up'
    """
    measure = words.capital(words.measure_name(record.measure or ""))
    domain = domain_of(record).name if record.domain else ""
    subject = f"{measure} in {domain}" if domain and measure else measure or domain
    parts = [f"{subject}{unit_text(record)}", record.comparison, _timepoint(record.timepoint)]
    return "; ".join(clean(part) for part in parts if part)


def unit_text(record: Record) -> str:
    """Unit and scale of a mean difference in brackets with a space before, or nothing."""
    unit, scale = clean(record.unit), clean(record.scale).replace("-", "–")
    inside = unit if scale in unit else f"{unit}, {scale}".removeprefix(", ")
    return f" ({inside})" if inside and record.measure == "MD" else ""


def _timepoint(value: Any) -> str:
    """A time, several of them or a range of weeks in words."""
    if isinstance(value, Mapping):
        return f"weeks {' to '.join(words.plain_number(week) for week in value.get('weeks') or [])}"
    listed = value if isinstance(value, list | tuple) else [value]
    names = [words.TIMEPOINT_NAMES.get(name, words.spaced(name)) for name in listed if isinstance(name, str)]
    return words.listing(filter(None, names), "or")


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
    environment.filters |= {name: getattr(words, name) for name in (*FILTERS, "clean", "plain_number")}
    environment.globals |= {"words": words, "subtitle": subtitle, "effect": _result, "MEASURES": MEASURES}
    environment.globals |= {"name_of_moderator": moderator_name, "moderator_slope": moderator_slope}
    environment.globals |= {"dose_sentence": dose_sentence, "trial_names": trial_names, "left_out": left_out}
    environment.globals |= {"DRAWS": DRAWS, "SEED": SEED, "forest_table": forest_table}
    return environment.get_template("notes.j2").module
