"""What the audit says of a row that breaks a rule: severity, words, what to check, and the numbers, as data.

Which rows break a rule is found out in `audit.checks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialpool.contracts import AUDIT

HIGH, MEDIUM, LOW = "high", "medium", "low"
SEVERITIES = (HIGH, MEDIUM, LOW)


@dataclass(frozen=True, slots=True)
class Rule:
    """How grave a finding is, its words, what to check, and the numbers behind it.

    `numbers` names columns in braces; {what} and {name} are the outcome in short, with and without arm and
    time. A row that has a `severity` of its own goes by that.
    """

    severity: str
    finding: str
    check: str
    numbers: str


_LABELS = "how the paper labels the spread (SD or SE), the number of people, and the unit"
_SPREAD = "{what}: SD {sd:.3g} (from {printed}), {usual}"
_BOUNDS = "{what}: mean {centre:g}, SD {sd:.3g}, {range}"
_DIGITS = "signs and digits of the estimate and both bounds; whether the model is on another scale"
_INTERVAL = "{label}: {estimate:g} ({spread_low:g} to {spread_high:g})"
_SCORING = "how the paper scores the instrument, and the sign of its numbers"
_ITEMS = "missing items filled in, another n than printed, adjusted means, or a misprint"
_STEPS = "{what}: mean {centre:g}, {spread_type} {spread_low:g}, n = {n:.0f}, steps of 1/{integer_items:.0f}"

_WORDS = {  # by severity and rule: the finding, what to check, the numbers
    HIGH: {
        "outside_range": (
            "a value that the instrument cannot take",
            "the scoring used by the paper, the unit, and the sign",
            "{what}: {value:g}, possible {bottom:g} to {top:g}",
        ),
        "mean_sd_impossible": (
            "no set of values within the range has this mean and SD",
            "whether the spread is an SD, the scoring, and the number of people",
            f"{_BOUNDS}; SD at most {{most:.3g}}",
        ),
        "se_as_sd": ("spread far below other trials; it would fit as a standard error", _LABELS, _SPREAD),
        "sd_as_se": ("spread far above other trials; it would fit as an SD", _LABELS, _SPREAD),
        "estimate_outside_interval": ("the estimate lies outside its own interval", _DIGITS, _INTERVAL),
        "n_exceeds_randomised": (
            "more people are analysed than were randomised to this arm",
            "whether n counts people, limbs or visits, and which table n was read from",
            "{name}, arm {who}: n = {people:.0f} of {limit:.0f}",
        ),
        "same_trial": (
            "two trials bear the same registration or publication number",
            "whether they are one trial: then its people must count once",
            "{marks}, also of {study_id_2}",
        ),
        "identical_numbers": (
            "two trials print the same numbers",
            "whether one is a second report of the other, or copied",
            "{times} rows the same as in {study_id_2}, such as {marks}",
        ),
        "doubted_report": (
            "whoever read the report doubts it as a whole",
            "what the note says, before it is pooled",
            "{setting_note}",
        ),
    },
    MEDIUM: {
        "spread_small": ("spread far below that of other trials", _LABELS, _SPREAD),
        "spread_large": ("spread far above that of other trials", _LABELS, _SPREAD),
        "spread_unequal": (
            "the arms' spreads differ far beyond chance: one of them may be a standard error",
            "both spreads and their labels; skewed data may also do it",
            "{what}: SD {sd:.3g} (n {n_any:.0f}) against {sd_least:.3g} in arm {arm_least} (n"
            " {n_any_least:.0f}), {ratio:.1f} times; if the smaller one is a standard error its SD is"
            " {sd_if_se:.3g}",
        ),
        "interval_asymmetric": ("the interval is not symmetric about its estimate", _DIGITS, _INTERVAL),
        "p_disagrees": (
            "the p-value and the interval of the same estimate disagree",
            "which test and which analysis each of them comes from",
            "{what}: {estimate:g} ({spread_low:g} to {spread_high:g}), printed p {p_value}, that"
            " interval gives about p = {p:.2g}",
        ),
        "direction_unusual": (
            "scored the other way than this instrument usually is",
            _SCORING,
            "{instrument}: {better}, usually {better_usual} ({counted})",
        ),
        "arms_disagree_with_contrast": (
            "the printed difference is not that of the printed means",
            "adjustment, another time or population, the sign, or a misprint",
            "{what}: printed difference {estimate:g}, difference of the {kind} values"
            " {difference:.4g}{reverse}",
        ),
        "arms_disagree_with_trial": (
            "the arms' numbers do not add up to the number randomised",
            "an arm that is missing or counted twice; people excluded after randomisation",
            "arms together {total:.0f}, trial {n_randomised:.0f}",
        ),
        "grim": ("no set of whole item scores has this mean", _ITEMS, _STEPS),
        "grimmer": ("whole item scores can have this mean, but not with this SD", _ITEMS, _STEPS),
        "debit": (
            "no set of zeros and ones has this proportion and SD",
            "whether the SD belongs to the proportion",
            "{what}: {centre:g}, SD {spread_low:g}, n = {n:.0f}",
        ),
        "baseline_imbalance": (
            "the arms differed at baseline beyond chance",
            "allocation, labels of the spreads, and whether changes or adjusted values should be preferred",
            "{name} at baseline: {values_text}, p = {p:.2g} (smallest of {number:.0f})",
        ),
    },
    LOW: {
        "skewed": (
            "the mean is nearer than one SD to a bound, so the values are skewed",
            "whether the paper gives medians; a mean difference of skewed scores is fragile",
            _BOUNDS,
        ),
        "unit_unusual": (
            "printed in another unit than this instrument has",
            _SCORING,
            "{instrument}: {unit}, usually {unit_usual} ({counted})",
        ),
        "undefined_scale": (
            "not a score that this instrument defines",
            _SCORING,
            "{instrument}: ({counted})",
        ),
        "p_disagrees_with_arms": (
            "the printed p-value does not follow from the printed numbers",
            "which test it is from, whether it is adjusted, and the labels of the spreads",
            "{what}, {arm_1} v {arm_2}: {centre:g} (SD {sd:.3g}) v {centre_2:g} (SD {sd_2:.3g}), printed p"
            " {p_value}, these numbers give about {p:.2g}",
        ),
        "baselines_too_different": (
            "more trials with different baselines than chance gives",
            "the trials named, one by one",
            "{extreme} of {trials} trials beyond 5%, expected {expected:.1f}: {names}",
        ),
        "baselines_too_alike": (
            "more trials with almost equal baselines than chance gives",
            "the trials named, one by one",
            "{extreme} of {trials} trials beyond 5%, expected {expected:.1f}: {names}",
        ),
        "doubted_row": (
            "whoever read this number holds it back",
            "the reason given, in the source",
            "{use_reason}",
        ),
        "paired_arms": (
            "crossover trial: its arms are the same people, not two groups",
            "whether paired differences, or the first period alone, are reported",
            "{counted}",
        ),
    },
}
RULES = {name: Rule(severity, *words) for severity, rules in _WORDS.items() for name, words in rules.items()}


def finding_rows(rule: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Findings of one rule, one a row of `rows` (which has study_id, source_url and row_ids or row_id).

    >>> rows = pd.DataFrame({"study_id": ["A"], "row_id": ["events.csv:2"], "source_url": ["u"],
    ...                      "use_reason": ["a misprint"]})
    >>> finding_rows("doubted_row", rows).iloc[0].tolist()[:5]
    ['doubted_row', 'low', 'A', 'events.csv:2', 'a misprint']
    """
    words = RULES[rule]
    own = {
        "row_ids": rows.get("row_ids", rows.get("row_id")),
        "severity": rows.get("severity", words.severity),
    }
    said = {"rule": rule, "finding": words.finding, "check": words.check}
    found = rows[["study_id", "source_url"]].assign(numbers=numbers_of(words.numbers, rows), **own, **said)
    return found[list(AUDIT.names)].astype(object)


class _Cells(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return {"what": _what, "name": _name}[key](self)


def numbers_of(template: str, rows: pd.DataFrame) -> list[str]:
    """A rule's sentence for every row.

    >>> numbers_of("n = {n:.0f} of {limit:.0f}", pd.DataFrame({"n": [31.0], "limit": [30.0]}))
    ['n = 31 of 30']
    """
    return [template.format_map(_Cells(row)) for row in rows.to_dict("records")]


def _name(row: Mapping[str, Any]) -> str:
    """Instrument and item of a row, or its event."""
    return " ".join(filter(None, (row["instrument"], row["item"])))


def _what(row: Mapping[str, Any]) -> str:
    """The outcome of a row in short: "NRS pain, arm acu, week 8"."""
    arm, weeks = row.get("arm", ""), row["weeks"]
    when = f"week {weeks:g}" if weeks == weeks else row["timepoint"].replace("_", " ")
    return ", ".join(filter(None, (_name(row), f"arm {arm}" if arm else "", when)))
