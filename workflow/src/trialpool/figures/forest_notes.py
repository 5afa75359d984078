"""The sentences of a forest plot: subtitle, heterogeneity, footnotes and the text alternative."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from trialpool import text as words
from trialpool.measures import RATIOS
from trialpool.records import Pooled, Record, Status
from trialpool.text import clean
from trialpool.view.forest_table import IMPUTED, Estimate, ForestTable, forest_table
from trialpool.view.question import domain_of
from trialpool.view.read import Appraised

INTERVALS = {
    "wald": "Wald interval",
    "hksj": "Hartung–Knapp–Sidik–Jonkman interval",
    "hksj_adhoc": "Hartung–Knapp–Sidik–Jonkman interval, variance factor at least 1",
    "cr2": "cluster-robust (CR2) interval",
}
DF = {"wald": "normal quantiles", "cr2": "the same t"}
ONE_TRIAL = "One trial: not a meta-analysis."


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


def heterogeneity(record: Record, table: ForestTable) -> list[str]:
    """The lines beside the axis: spread between trials, test of the effect, test between subgroups."""
    if record.status == Status.SINGLE_STUDY:
        return [ONE_TRIAL]
    if not table.total or not record.pooled:
        return []
    lines = [_spread(record.pooled, table), _overall(record.pooled)]
    test = record.subgroup_test
    if test:
        statistic, df = words.number(test.statistic, 2), words.plain_number(test.df)
        lines.append(f"Between subgroups: Q = {statistic} on {df} df, {words.p_value(test.p_value)}")
    return [line for line in lines if line]


def _spread(pooled: Pooled, table: ForestTable) -> str:
    if not table.total or table.total.tau2.estimate.value is None:
        return ""
    tau2, i2 = table.total.tau2, table.total.i2
    parts = [f"τ² = {tau2.estimate.text}"]
    if pooled.tau2_empty:
        parts[0] += f" ({table.level} CI empty: less spread than chance)"
    elif tau2.bounded:
        parts[0] += f" ({table.level} CI {tau2.interval})"
    if i2.value is not None:
        parts.append(f"I² = {i2.text}")
    if pooled.q is not None:
        df = "" if pooled.q_df is None else f" on {words.plain_number(pooled.q_df)} df"
        parts.append(f"Q = {words.number(pooled.q, 2)}{df}")
    if pooled.q_p_value is not None:
        parts.append(words.p_value(pooled.q_p_value))
    return f"Heterogeneity: {', '.join(parts)}"


def _overall(pooled: Pooled) -> str:
    if pooled.statistic is None or pooled.p_value is None:
        return ""
    letter, df = ("z", "") if pooled.df is None else ("t", f" on {words.plain_number(pooled.df)} df")
    statistic = words.number(pooled.statistic, 2)
    return f"Overall effect: {letter} = {statistic}{df}, {words.p_value(pooled.p_value)}"


def _mcid_note(record: Record) -> str:
    """What the shaded zone means, with the MCID's kind; "" where none is drawn."""
    mcid = record.mcid
    if mcid is None:
        return ""
    unit, kind = clean(mcid.unit) or clean(record.unit), clean(mcid.kind)
    value = words.plain_number(mcid.value)
    size = f"{value} {unit.removesuffix('s') if value == '1' else unit}".strip()
    detail = f"; {kind}" if kind else ""
    treatment = clean(record.experimental_name) or "the experimental treatment"
    name = "the minimal clinically important difference"
    return f"Shaded: benefit of {treatment} of at least {name} ({size}{detail})."


def footnotes(record: Record, table: ForestTable, clipped: bool, band: bool) -> list[tuple[str, str]]:
    """(mark, text) of every footnote: those of rows, then how to read the plot and how it was made."""
    shapes = [f"line: {table.level} confidence interval{', arrow where it goes on' if clipped else ''}"]
    if table.total:
        shapes = ["square: trial, area in proportion to its weight", *shapes, "diamond: pooled estimate"]
        shapes += ["bar: prediction interval"] if table.prediction else []
    how = f"{words.capital('; '.join(shapes))}. {_method_line(record)}"
    listed = (("", clean(record.note)), ("■", _mcid_note(record) if band else ""))
    return [*table.notes, *((mark, text) for mark, text in listed if text), ("", how)]


def _method_line(record: Record) -> str:
    """Measure and model in one short sentence each; the record holds them in full."""
    measure, methods = record.measure, record.methods
    versus = "experimental over control" if measure in RATIOS else "experimental minus control"
    name = f"Hedges' g, {words.measure_name(measure)}" if measure == "SMD" else words.measure_name(measure)
    opening = f"{measure}: {name}, {versus}." if measure else ""
    if record.status != Status.POOLED:
        return opening
    method = methods.tau2_method
    model = "Common-effect model" if method == "FE" else f"Random-effects model, τ² by {clean(method)}"
    if methods.interval == "cr2":
        model = f"Three-level model, variances by {clean(method)}"
    interval = INTERVALS.get(methods.interval, clean(methods.interval))
    known = record.pooled is not None and record.pooled.pi_low is not None
    df = DF.get(methods.interval, "t on k − 1 df")
    return f"{opening} {model}; {interval}{f'; prediction interval: {df}' if known else ''}."


def describe_forest(record: Appraised) -> str:
    """A text alternative: what the plot shows and every effect in it, for readers who do not see it.

    >>> from trialpool.records import sketch
    >>> describe_forest(sketch(Appraised, {"title": "Pain", "status": "no_data", "measure": "MD"}))
    'Forest plot: Pain. Mean difference. No trial could be pooled; no trial known.'
    """
    opening = f"Forest plot: {title(record)}. {subtitle(record)}."
    if record.status == Status.NO_DATA:
        return f"{opening} No trial could be pooled; {words.count(len(record.known), 'trial')} known."
    table = forest_table(record)
    parts = [opening]
    for study in sorted(table.studies, key=attrgetter("number")):
        mark = f" {IMPUTED}" if study.imputed else ""
        bias = f"; risk of bias {words.spaced(study.worst_judgement)}" if study.worst_judgement else ""
        parts.append(f"{study.label}{mark}: {_effect(table, study.effect)}{bias}.")
    if table.total:
        parts.append(f"Pooled: {_effect(table, table.total.effect)}.")
        if table.prediction:
            parts.append(f"Prediction interval {table.prediction.interval}.")
    elif record.status == Status.SINGLE_STUDY:
        parts.append(ONE_TRIAL)
    return " ".join(parts)


def _effect(table: ForestTable, effect: Estimate) -> str:
    bounds = effect.interval if effect.bounded else "not estimable"
    return f"{table.measure} {effect.estimate.text} ({table.level} CI {bounds})"
