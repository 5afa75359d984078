"""An effect in people: a record in; out what it means per 1,000 with the median risk of its controls."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from statistics import median
from typing import Any

from trialpool.measures import MEASURES, OF_EVENTS
from trialpool.records import AbsoluteEffect, Record, taken
from trialpool.synthesis.pool import BOUNDS

MOST_KEPT = 100  # a record is asked for its effect several times while it is appraised


def control_risks(record: Record) -> list[float]:
    """The risks in the control arms that give counts, in the order of the trials."""
    counted = (study for study in record.studies if study.events_control is not None and study.n_control)
    return [float(study.events_control or 0) / float(study.n_control or 1) for study in counted]


def control_risk(record: Record) -> float | None:
    """Median risk in the control arms of the trials; None where no trial gives counts."""
    risks = control_risks(record)
    return median(risks) if risks else None


def absolute(record: Record) -> AbsoluteEffect | None:
    """Assumed risk with control, risk with the experimental treatment and the difference, per 1,000 people.

    The assumed risk is the median of the control arms (Schünemann, Cochrane Handbook 14.1.6.2); the
    interval carries the uncertainty of the effect only, not of the assumed risk. None unless the measure is
    RR, OR or RD, a result exists and a trial gives counts; None, too, where a ratio meets an assumed risk of
    nobody or everybody, of which no multiple is another risk.

    >>> from trialpool.records import Pooled, Study, sketch
    >>> studies = (sketch(Study, events_control=10, n_control=100),)
    >>> pooled = sketch(Pooled, estimate=0.5, ci_low=0.25, ci_high=1.0)
    >>> absolute(sketch(Record, measure="RR", pooled=pooled, studies=studies)).difference
    -50.0
    """
    bounds: Sequence[Any] = [getattr(record.pooled, name, None) for name in BOUNDS]
    risk = control_risk(record)
    if record.measure not in OF_EVENTS or risk is None or None in bounds:
        return None
    if MEASURES[record.measure].ratio and not 0 < risk < 1:
        return None
    return _absolute(record.measure, *bounds, risk)


@lru_cache(maxsize=MOST_KEPT)
def _absolute(measure: str, *numbers: float) -> AbsoluteEffect:
    from trialpool.stats import absolute_effect

    estimate, low, high, risk = numbers
    found = absolute_effect(measure, estimate, low, high, risk)
    return taken(AbsoluteEffect, found, assumed_risk=found.per * risk)
