"""A dose question as a reader sees it: from the dose-response of a record to sentences."""

from __future__ import annotations

from collections.abc import Iterable

from trialpool import text as words
from trialpool.measures import MEASURES
from trialpool.records import Record
from trialpool.synthesis.diagnostics import moderator_name
from trialpool.text import capital
from trialpool.yaml_files import shipped

VIEWS = shipped("sentences")["views"]
WORDS = VIEWS["dose"]


def trial_names(record: Record, trials: Iterable[str]) -> list[str]:
    """The labels of some trials of a record, by their study ids."""
    labels = {study.study_id: study.label for study in record.studies}
    return [labels.get(trial, trial) for trial in trials]


def dose_sentence(record: Record) -> str:
    """What a record says of the effect over the dose, and what it does not; "" where nothing was asked.

    >>> from trialpool.records import sketch
    >>> dose_sentence(sketch(Record, {"dose_response": {"dose": "sessions", "refused": "2 trials"}}))
    'No dose-response: 2 trials.'
    """
    found = record.dose_response
    if found is None:
        return ""
    line, typical = found.line, found.typical
    if line is None or typical is None:
        return str(WORDS["refused"].format(refused=found.refused))
    level, natural = record.methods.level, MEASURES[record.measure].natural
    slope, low, high = (natural(bound or 0.0) for bound in (line.slope, line.slope_low, line.slope_high))
    values = {
        **{"dose": moderator_name(found.dose), "trials": words.count(found.k, "trial")},
        **{"low": words.plain_number(found.low), "high": words.plain_number(found.high)},
        **{"slope": words.effect(record.measure, slope, low, high, level), "per": VIEWS["per"][found.dose]},
        "typical": words.effect(record.measure, typical.estimate, typical.ci_low, typical.ci_high, level),
        "median": words.number(typical.dose, 1).removesuffix(".0"),
    }
    said = [WORDS["line"].format(**values)]
    if found.spline:
        said.append(WORDS["spline"].format(p=words.p_value(found.spline.p_linearity)))
    said += [f"{capital(caution)}." for caution in found.cautions]
    for row in record.moderators:
        if row.moderator == found.dose and row.p_value is not None:
            said.append(WORDS["among"].format(p=words.p_value(row.p_value)))
    if found.unknown:
        said.append(WORDS["unknown"].format(trials=words.listing(trial_names(record, found.unknown))))
    return " ".join(said)
