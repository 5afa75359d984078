"""Outcome measures of a registry record: measurements to arm rows and counts, analyses to contrasts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trialpool.evidence.codebook import FORMS, RATIOS
from trialpool.exchange.candidates import Row, count, instrument_code, number, plain, weeks_in, word

Entry = Mapping[str, Any]
CENTRES = {"MEAN": "mean", "MEDIAN": "median", "LEAST_SQUARES_MEAN": "lsmean"}
COUNTS = ("COUNT_OF_PARTICIPANTS",)
SPREADS = {
    "standard deviation": "sd",
    "standard error": "se",
    "standard error of the mean": "se",
    "95% confidence interval": "ci95",
    "inter-quartile range": "iqr",
    "interquartile range": "iqr",
    "full range": "range",
    **{"inter quartile range": "iqr", "confidence 95": "ci95"},
}
UNITS = {
    "points": ("points", "score", "score on a scale", "scores on a scale", "units on a scale"),
    "percent": ("percent", "percentage", "percent change", "percentage change"),
    **{"m/s": ("m/s", "meters/second"), "s": ("s", "seconds"), "ms": ("ms", "milliseconds")},
    **{"cm": ("cm", "centimeters"), "Hz": ("hz",)},
}
MEASURES = (
    ("odds ratio", "odds_ratio"),
    ("hazard ratio", "hazard_ratio"),
    ("risk ratio", "risk_ratio"),
    ("rate ratio", "rate_ratio"),
    ("risk difference", "risk_difference"),
    ("standardized mean difference", "smd"),
    ("mean difference", "mean_difference"),
    ("difference in mean", "mean_difference"),
    ("ls mean", "mean_difference"),
)


@dataclass(frozen=True, slots=True)
class Group:
    """One result group of the registry and the arm it is."""

    arm: str
    title: str
    description: str


def entries(record: Entry, key: str) -> list[dict[str, Any]]:
    """The dicts of a list in a record; whatever else stands there is passed over.

    >>> entries({"a": [{"b": 1}, 2]}, "a"), entries({}, "a")
    ([{'b': 1}], [])
    """
    found = record.get(key)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def text(record: Entry, key: str) -> str:
    """A text of a record on one line, "" where it is absent.

    >>> text({"a": " two\\nlines "}, "a"), text({}, "a")
    ('two lines', '')
    """
    return " ".join(str(record.get(key) or "").split())


def arms_of(record: Entry, key: str, groups: Mapping[str, Group]) -> dict[str, Group]:
    """The arm of each group id of one module or outcome; ids are reused between outcomes, titles are not.

    >>> group = Group("acu", "Acupuncture", "")
    >>> arms_of({"groups": [{"id": "OG000", "title": "Acupuncture"}]}, "groups", {"Acupuncture": group})
    {'OG000': Group(arm='acu', title='Acupuncture', description='')}
    """
    return {text(group, "id"): groups[title_of(group)] for group in entries(record, key)}


def title_of(group: Entry) -> str:
    """A group's title, or its id where it has none.

    >>> title_of({"id": "OG000"})
    'OG000'
    """
    return text(group, "title") or text(group, "id")


def kind_of(outcome: Entry) -> str:
    """The parameter type in capitals; older downloads write it in words.

    >>> kind_of({"paramType": "Least Squares Mean"})
    'LEAST_SQUARES_MEAN'
    """
    return text(outcome, "paramType").upper().replace(" ", "_")


def outcome_rows(
    outcome: Entry, place: int, groups: Mapping[str, Group], remarks: list[str]
) -> Iterator[tuple[str, Row]]:
    """(table, row) for every measurement of one outcome measure that the tables can hold.

    >>> remarks = []
    >>> list(outcome_rows({"title": "X", "paramType": "GEOMETRIC_MEAN"}, 3, {}, remarks)), remarks
    ([], ['Outcome measure 3 (X): geometric mean in no unit fits no table, not imported.'])
    """
    kind, title = kind_of(outcome), text(outcome, "title")
    if kind in COUNTS:
        table = "events"
    elif kind in CENTRES:
        table = "continuous"
    elif kind == "NUMBER" and text(outcome, "unitOfMeasure").casefold() in ("participants", "patients"):
        table = "events"
    else:
        shown = (
            f"{kind.lower().replace('_', ' ') or 'unnamed'} in {text(outcome, 'unitOfMeasure') or 'no unit'}"
        )
        remarks.append(f"Outcome measure {place} ({title}): {shown} fits no table, not imported.")
        return
    arms = arms_of(outcome, "groups", groups)
    for level, measurements in _cells(outcome):
        for measurement in measurements:
            group = arms.get(text(measurement, "groupId"))
            n = level["n"].get(text(measurement, "groupId"), "")
            if group is None:
                continue
            base = _base(outcome, place, level, measurement, group)
            if table == "continuous":
                row = _mean(outcome, level, measurement, n)
            else:
                row = _count(outcome, level, measurement, n)
            if row:
                yield table, base | row
            else:
                remarks.append(f"Outcome measure {place} ({title}), {group.title}: no usable number.")


def _cells(outcome: Entry) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each category's measurements with its class and category titles and the n that apply to it."""
    overall = _denominators(outcome)
    for part in entries(outcome, "classes"):
        n = overall | _denominators(part)
        categories = entries(part, "categories")
        for category in categories:
            titles = [text(part, "title"), text(category, "title")]
            level = {"item": " ".join(title for title in titles if title), "n": n, "class": titles[0]}
            yield level, entries(category, "measurements")


def _denominators(record: Entry) -> dict[str, str]:
    return {
        text(each, "groupId"): count(text(each, "value"))
        for denominator in entries(record, "denoms")
        if text(denominator, "units").casefold() in ("participants", "")
        for each in entries(denominator, "counts")
    }


def _base(outcome: Entry, place: int, level: Entry, measurement: Entry, group: Group) -> Row:
    frame = text(outcome, "timeFrame")
    weeks = weeks_in(level["class"]) or weeks_in(frame)
    population = text(outcome, "populationDescription")
    notes = [f"time frame: {frame}", text(outcome, "description"), text(measurement, "comment"), population]
    kind = text(outcome, "type").lower()
    return {
        "arm": group.arm,
        "weeks": weeks,
        "locator": plain(f"posted results, outcome measure {place} ({kind}): {text(outcome, 'title')}"),
        "note": plain("; ".join(note for note in notes if note)),
    }


def _mean(outcome: Entry, level: Entry, measurement: Entry, n: str) -> Row | None:
    centre = number(text(measurement, "value"))
    if not centre:
        return None
    spread = SPREADS.get(text(outcome, "dispersionType").casefold().replace("_", " "), "")
    value, low, high = (number(text(measurement, key)) for key in ("spread", "lowerLimit", "upperLimit"))
    bounds = (value, "") if spread in ("sd", "se") else (low, high)
    complete = bool(bounds[0]) and (spread in ("sd", "se") or bool(bounds[1]))
    words = f"{text(outcome, 'title')} {text(outcome, 'description')}".casefold()
    return {
        **_outcome(outcome),
        "item": plain(level["item"], 200),
        "measure": "change" if "change from baseline" in words or "change in" in words else "final",
        "n": "" if n == "0" else n,
        "centre_type": CENTRES[kind_of(outcome)],
        "centre": centre,
        "spread_type": spread if spread and complete else "none",
        "spread_low": bounds[0] if spread and complete else "",
        "spread_high": bounds[1] if spread and complete else "",
    }


def _outcome(outcome: Entry) -> Row:
    named = text(outcome, "unitOfMeasure").casefold()
    return {
        "instrument": instrument_code(text(outcome, "title")) or "OUTCOME",
        "unit": next((unit for unit, names in UNITS.items() if named in names), ""),
    }


def _count(outcome: Entry, level: Entry, measurement: Entry, n: str) -> Row | None:
    events = count(text(measurement, "value"))
    if not events or n in ("", "0") or float(events) > float(n):
        return None
    words = " ".join(part for part in (text(outcome, "title"), level["item"]) if part)
    return {"outcome": word(words, 100) or "outcome", "definition": plain(words), "events": events, "n": n}


def contrast_rows(
    outcome: Entry, place: int, groups: Mapping[str, Group], remarks: list[str]
) -> Iterator[Row]:
    """A row for every posted comparison of two groups that has an estimate.

    >>> list(contrast_rows({"title": "X"}, 3, {}, []))
    []
    """
    arms = arms_of(outcome, "groups", groups)
    for analysis in entries(outcome, "analyses"):
        ids = analysis.get("groupIds")
        pair = [arms[each] for each in ids if each in arms] if isinstance(ids, list) else []
        estimate = number(text(analysis, "paramValue"))
        if len({group.arm for group in pair}) != 2 or len(pair) != 2 or not estimate:
            remarks.append(
                f"Outcome measure {place}: an analysis without estimate or not of two groups, left out."
            )
            continue
        yield _contrast(outcome, place, analysis, (pair[0], pair[1]), estimate)


def _contrast(outcome: Entry, place: int, analysis: Entry, pair: tuple[Group, Group], estimate: str) -> Row:
    named = text(analysis, "paramType").casefold()
    measure = next((code for phrase, code in MEASURES if phrase in named), "effect_unspecified")
    low, high = (number(text(analysis, key)) for key in ("ciLowerLimit", "ciUpperLimit"))
    two_sided = "ONE" not in text(analysis, "ciNumSides").upper() and "1" not in text(analysis, "ciNumSides")
    interval = bool(low and high) and number(text(analysis, "ciPctValue")) in ("95", "95.0") and two_sided
    se = (
        number(text(analysis, "dispersionValue"))
        if "error" in text(analysis, "dispersionType").casefold()
        else ""
    )
    se = "" if measure in RATIOS else se  # the scale of a ratio's standard error is not said
    spread = ("ci95", low, high) if interval else ("se", se, "") if se else ("none", "", "")
    p_value = re.sub(r"^\s*=\s*", "", text(analysis, "pValue")).replace("< ", "<")
    frame = text(outcome, "timeFrame")
    notes = ["direction as the registry lists the groups, to be checked", f"time frame: {frame}"]
    notes += [
        text(analysis, key)
        for key in ("paramType", "statisticalMethod", "groupDescription", "estimateComment")
    ]
    return {
        **_outcome(outcome),
        "arm_1": pair[0].arm,
        "arm_2": pair[1].arm,
        "weeks": weeks_in(frame),
        "measure": measure,
        "estimate": estimate,
        "spread_type": spread[0],
        "spread_low": spread[1],
        "spread_high": spread[2],
        "p_value": p_value if re.fullmatch(FORMS["p_value"].pattern, p_value) else "",
        "locator": plain(f"posted results, outcome measure {place}, analysis: {text(outcome, 'title')}"),
        "note": plain("; ".join(note for note in notes if note)),
    }
