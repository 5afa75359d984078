"""The sentences of a forest plot: subtitle, heterogeneity, footnotes and the text alternative."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialpool import text as words
from trialpool.figures.forest_bias import KEY as BIAS
from trialpool.figures.forest_bias import bias_cells
from trialpool.figures.forest_footnotes import IMPUTED, Notes, listed_notes
from trialpool.figures.forest_rows import i2_text, tau2_text
from trialpool.figures.lights import NOT_JUDGED
from trialpool.text import clean

INTERVALS = {
    "wald": "Wald interval",
    "hksj": "Hartung–Knapp–Sidik–Jonkman interval",
    "hksj_adhoc": "Hartung–Knapp–Sidik–Jonkman interval, variance factor at least 1",
}
ONE_TRIAL = "One trial: not a meta-analysis."


def title(record: Mapping[str, Any]) -> str:
    """The analysis' title, or its slug.

    >>> title({"analysis": "dpn-pain"})
    'dpn-pain'
    """
    return clean(record.get("title") or record.get("analysis"))


def subtitle(record: Mapping[str, Any]) -> str:
    """Measure, scale, comparison and time in one line.

    >>> subtitle({"measure": "MD", "domain": "pain", "scale": "0-10", "unit": "points",
    ...           "comparison": "acupuncture versus sham", "timepoint": "end_of_treatment"})
    'Mean difference in pain (points, 0–10); acupuncture versus sham; end of treatment'
    """
    measure = words.capital(words.measure_name(str(record.get("measure") or "")))
    domain = words.domain_name(str(record.get("domain") or ""))
    subject = f"{measure} in {domain}" if domain and measure else measure or domain
    parts = [f"{subject}{unit_text(record)}", record.get("comparison"), _timepoint(record.get("timepoint"))]
    return "; ".join(clean(part) for part in parts if part)


def unit_text(record: Mapping[str, Any]) -> str:
    """Unit and scale in brackets with a space before, or nothing.

    >>> unit_text({"measure": "MD", "unit": "m/s"}), unit_text({"measure": "SMD", "unit": "points"})
    (' (m/s)', '')
    """
    if record.get("measure") != "MD":
        return ""
    unit, scale = clean(record.get("unit")), clean(record.get("scale")).replace("-", "–")
    inside = unit if scale in unit else f"{unit}, {scale}".removeprefix(", ")
    return f" ({inside})" if inside else ""


def _timepoint(value: Any) -> str:
    """A time, several of them or a range of weeks in words."""
    if isinstance(value, Mapping):
        return f"weeks {' to '.join(words.plain_number(week) for week in value.get('weeks') or [])}"
    listed = value if isinstance(value, list | tuple) else [value]
    names = [words.TIMEPOINT_NAMES.get(name, words.spaced(name)) for name in listed if isinstance(name, str)]
    return words.listing([name for name in names if name], "or")


def level_text(record: Mapping[str, Any]) -> str:
    """The level of the intervals, "95%".

    >>> level_text({"methods": {"level": 0.9}})
    '90%'
    """
    return words.percent((record.get("methods") or {}).get("level") or 0.95)


def heterogeneity(record: Mapping[str, Any]) -> list[str]:
    """The lines beside the axis: spread between trials, test of the effect, test between subgroups.

    >>> heterogeneity({"status": "pooled", "pooled": {"tau2": 0.25, "i2": 61.2, "q": 27.3, "q_df": 8.0}})
    ['Heterogeneity: τ² = 0.25, I² = 61%, Q = 27.30 on 8 df']
    """
    pooled = record.get("pooled") or {}
    if record.get("status") == "single_study":
        return [ONE_TRIAL]
    if record.get("status") != "pooled" or not pooled:
        return []
    lines = [_spread(record, pooled), _overall(pooled)]
    test = record.get("subgroup_test") or {}
    if test.get("p_value") is not None:
        df = "" if test.get("df") is None else f" on {words.plain_number(test['df'])} df"
        statistic = words.number(test.get("statistic"), 2)
        lines.append(f"Between subgroups: Q = {statistic}{df}, {words.p_value(test['p_value'])}")
    return [line for line in lines if line]


def _spread(record: Mapping[str, Any], pooled: Mapping[str, Any]) -> str:
    if pooled.get("tau2") is None:
        return ""
    tau2 = f"τ² = {tau2_text(pooled['tau2'])}"
    if pooled.get("tau2_empty"):
        tau2 += f" ({level_text(record)} CI empty: less spread than chance)"
    elif pooled.get("tau2_low") is not None and pooled.get("tau2_high") is not None:
        bounds = f"{tau2_text(pooled['tau2_low'])} to {tau2_text(pooled['tau2_high'])}"
        tau2 += f" ({level_text(record)} CI {bounds})"
    parts = [tau2]
    if pooled.get("i2") is not None:
        parts.append(f"I² = {i2_text(pooled['i2'])}")
    if pooled.get("q") is not None:
        df = "" if pooled.get("q_df") is None else f" on {words.plain_number(pooled['q_df'])} df"
        parts.append(f"Q = {words.number(pooled['q'], 2)}{df}")
    if pooled.get("q_p_value") is not None:
        parts.append(words.p_value(pooled["q_p_value"]))
    return f"Heterogeneity: {', '.join(parts)}"


def _overall(pooled: Mapping[str, Any]) -> str:
    if pooled.get("statistic") is None or pooled.get("p_value") is None:
        return ""
    letter, df = "z", ""
    if pooled.get("df") is not None:
        letter, df = "t", f" on {words.plain_number(pooled['df'])} df"
    statistic = words.number(pooled["statistic"], 2)
    return f"Overall effect: {letter} = {statistic}{df}, {words.p_value(pooled['p_value'])}"


def mcid_note(record: Mapping[str, Any]) -> str:
    """What the shaded zone means, with the MCID's kind; "" where none is drawn.

    >>> mcid_note({"experimental_name": "yoga", "mcid": {"value": 2.0, "unit": "points"}})
    'Shaded: benefit of yoga of at least the minimal clinically important difference (2 points).'
    """
    mcid = record.get("mcid") or {}
    unit = clean(mcid.get("unit")) or clean(record.get("unit"))
    kind = clean(mcid.get("kind"))
    value = words.plain_number(mcid.get("value"))
    size = f"{value} {unit.removesuffix('s') if value == '1' else unit}".strip()
    detail = f"; {kind}" if kind else ""
    favoured = clean(record.get("experimental_name")) or "the experimental treatment"
    name = "the minimal clinically important difference"
    return f"Shaded: benefit of {favoured} of at least {name} ({size}{detail})."


def footnotes(
    record: Mapping[str, Any], notes: Notes, has_prediction: bool, clipped: bool
) -> list[tuple[str, str]]:
    """(mark, text) of every footnote: those of rows, then how to read the plot and how it was made.

    >>> footnotes({"status": "single_study", "measure": "RR"}, Notes(), False, False)
    [('', 'Line: 95% confidence interval. RR: risk ratio, experimental over control.')]
    """
    line = f"ine: {level_text(record)} confidence interval{', arrow where it goes on' if clipped else ''}"
    shapes = f"L{line}"
    if record.get("status") == "pooled":
        shapes = f"Square: trial, area in proportion to its weight; l{line}"
        shapes += "; diamond: pooled estimate"
        shapes += "; bar: prediction interval" if has_prediction else ""
    note = clean(record.get("note"))
    return [*listed_notes(notes), *([("", note)] if note else []), ("", f"{shapes}. {method_line(record)}")]


def method_line(record: Mapping[str, Any]) -> str:
    """Measure and model in one short sentence each; the record holds them in full.

    >>> method_line({"measure": "RR", "status": "single_study"})
    'RR: risk ratio, experimental over control.'
    """
    measure, methods = str(record.get("measure") or ""), record.get("methods") or {}
    versus = "experimental over control" if measure in words.RATIO_MEASURES else "experimental minus control"
    name = f"Hedges' g, {words.measure_name(measure)}" if measure == "SMD" else words.measure_name(measure)
    opening = f"{measure}: {name}, {versus}." if measure else ""
    if record.get("status") != "pooled":
        return opening
    method = str(methods.get("tau2_method") or "")
    model = "Common-effect model" if method == "FE" else f"Random-effects model, τ² by {clean(method)}"
    interval = INTERVALS.get(str(methods.get("interval")), clean(methods.get("interval")))
    df = "normal quantiles" if methods.get("interval") == "wald" else "t on k − 1 df"
    return f"{opening} {model}; {interval}; prediction interval: {df}."


def describe_forest(record: Mapping[str, Any]) -> str:
    """A text alternative: what the plot shows and every effect in it, for readers who do not see it.

    >>> describe_forest({"title": "Pain", "status": "no_data", "measure": "MD"})
    'Forest plot: Pain. Mean difference. No trial could be pooled; no trial known.'
    """
    measure = str(record.get("measure") or "")
    opening = f"Forest plot: {title(record)}. {subtitle(record)}."
    if record.get("status") == "no_data":
        known = words.count(len(record.get("known") or []), "trial")
        return f"{opening} No trial could be pooled; {known} known."
    parts = [opening]
    for study in record.get("studies") or []:
        values = [study.get(key) for key in ("estimate", "estimate_low", "estimate_high")]
        mark = f" {IMPUTED}" if study.get("imputed") else ""
        judged = bias_cells(study, []).get(BIAS, NOT_JUDGED)
        bias = "" if judged == NOT_JUDGED else f"; risk of bias {words.spaced(judged.replace('-', '_'))}"
        parts.append(f"{clean(study.get('label'))}{mark}: {words.effect(measure, *values)}{bias}.")
    pooled = record.get("pooled") or {}
    if record.get("status") == "pooled" and pooled:
        values = [pooled.get(key) for key in ("estimate", "ci_low", "ci_high")]
        parts.append(f"Pooled: {words.effect(measure, *values)}.")
        if pooled.get("pi_low") is not None:
            bounds = words.interval(measure, pooled.get("pi_low"), pooled.get("pi_high"))
            parts.append(f"Prediction interval {bounds}.")
    elif record.get("status") == "single_study":
        parts.append(ONE_TRIAL)
    return " ".join(parts)
