"""What is said of a figure: a macro of notes.j2 and what it is about in, sentences out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from trialpool import text as words
from trialpool.measures import MEASURES
from trialpool.records import Pooled, Record, Status
from trialpool.synthesis.diagnostics import DRAWS, SEED, moderator_name
from trialpool.text import clean
from trialpool.view.bias import weighed_bias
from trialpool.view.dose import dose_sentence, trial_names
from trialpool.view.forest_table import ForestTable, forest_table, shows
from trialpool.view.needed import needed_to_treat
from trialpool.view.question import domain_of, moderator_slope
from trialpool.view.read import Appraised
from trialpool.view.review import left_out
from trialpool.yaml_files import shipped

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
    return [line for line in str(getattr(read_template(), figure)(*shown)).splitlines() if line]


def lines_of_tests(record: Appraised, table: ForestTable, manner: str = "default") -> list[str]:
    """Heterogeneity, tests, and the number needed to treat, as a house writes them below the trials."""
    if record.status == Status.SINGLE_STUDY:
        return ["One trial: not a meta-analysis."]
    pooled, form = record.pooled, shipped("forest")["tests"][manner]
    if not (table.total and pooled):
        return []
    lines, parts = [], _heterogeneity(record, table, pooled, form)
    if parts and not (table.total.tau2.estimate.value is None and pooled.q is None):
        lines.append(form["before"] + form["between"].join(parts))
    if pooled.statistic is not None and pooled.p_value is not None and shows(record, "p"):
        sign = "z" if pooled.df is None else "t"
        sign = sign.upper() if "sign" in form.get("capitals", ()) else sign
        known = {"sign": sign, "p": _p(pooled.p_value, form)}
        df = "" if pooled.df is None else form["df"].format(words.plain_number(round(pooled.df, 1)))
        lines.append(form["overall"].format(statistic=words.number(pooled.statistic), df=df, **known))
    if test := record.subgroup_test:
        df = form["df"].format(words.plain_number(test.df))
        known = {"q": words.number(test.statistic), "p": _p(test.p_value, form)}
        lines.append(form["groups"].format(df=df, **known))
    if shows(record, "nnt") and (needed := needed_to_treat(record)):
        lines.append(needed)
    return lines


def _heterogeneity(
    record: Appraised, table: ForestTable, pooled: Pooled, form: Mapping[str, Any]
) -> list[str]:
    """The parts of the line on heterogeneity that are known and asked for, in the order of a house."""
    assert table.total
    tau2, i2, interval = table.total.tau2, table.total.i2, ""
    if shows(record, "tau2_interval") and pooled.tau2_empty:
        interval = f" ({table.level} CI empty: less spread than chance)"
    elif shows(record, "tau2_interval") and tau2.bounded:
        known = {"level": table.level, "low": tau2.low.text, "high": tau2.high.text}
        interval = form["interval"].format(**known)
    df = "" if pooled.q_df is None else form["df"].format(words.plain_number(pooled.q_df))
    values: dict[str, dict[str, str] | None] = {
        "tau2": None if tau2.estimate.value is None else {"tau2": tau2.estimate.text, "interval": interval},
        "i2": None if i2.value is None else {"i2": i2.text},
        "q": None if pooled.q is None else {"q": words.number(pooled.q), "df": df},
        "p": None if pooled.q_p_value is None else {"p": _p(pooled.q_p_value, form)},
    }
    shown = {"p": "q", "tau2": "tau2"}
    return [
        text.format(**found)
        for part, text in form["pieces"].items()
        if (found := values[part]) and shows(record, shown.get(part, part))
    ]


def _p(value: float | None, form: Mapping[str, Any]) -> str:
    """A p-value as a house writes it."""
    said = words.p_value(value)
    said = said.replace(" ", "") if form.get("tight") else said
    return said.capitalize() if "p" in form.get("capitals", ()) else said


def describe(figure: str, *shown: Any) -> str:
    """The text alternative of a figure: its kind and title, then what it shows."""
    return " ".join(notes(f"{figure}_alternative", *shown))


def _result(measure: str, row: Any) -> str:
    """Estimate and interval of a row that has them, or of three values."""
    values = row if isinstance(row, Sequence) else (row.estimate, row.ci_low, row.ci_high)
    return words.effect(measure, *values)


@cache
def read_template() -> Any:
    """The macros of notes.j2; every text in them is cleaned, None is empty."""

    def finalize(value: Any) -> Any:
        return "" if value is None else words.clean(value) if isinstance(value, str) else value

    kind: dict[str, Any] = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    environment = Environment(loader=PackageLoader("trialpool.figures", "."), finalize=finalize, **kind)
    environment.filters |= {name: getattr(words, name) for name in (*FILTERS, "clean", "plain_number")}
    environment.globals |= {"words": words, "subtitle": subtitle, "effect": _result, "MEASURES": MEASURES}
    environment.globals |= {"name_of_moderator": moderator_name, "moderator_slope": moderator_slope}
    environment.globals |= {"dose_sentence": dose_sentence, "trial_names": trial_names, "left_out": left_out}
    environment.globals |= {"DRAWS": DRAWS, "SEED": SEED, "forest_table": forest_table}
    environment.globals |= {"weighed_bias": weighed_bias}
    return environment.get_template("notes.j2").module
