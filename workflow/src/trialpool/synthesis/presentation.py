"""A record and its settings in, what a summary of findings shows of it out: risks, shares of people, points.

Of events: the risk difference and the number needed to treat at a low, a median and a high risk, those of
the control arms or those that the protocol gives. Of means: what the control arms had, a standardised
difference in points of one instrument, and how many people are better by a threshold. Nothing is shown that
does not follow from the record and the protocol.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from trialpool import records, text
from trialpool.measures import OF_EVENTS
from trialpool.records import Baseline, ControlMean, Difference, InUnits, Presentation, Record, Study, taken
from trialpool.synthesis.absolute import control_risks
from trialpool.synthesis.pool import BOUNDS, typical_sd

Row = Mapping[str, Any]
QUARTILES_FROM = 4  # control arms; of fewer their quartiles are those of one or two
OF_DIFFERENCES = ("MD", "SMD")


def present(record: Record, spec: Row, instruments: Row) -> Presentation | None:
    """What a summary of findings shows of a record besides its effect; None where that is nothing.

    `spec` are the settings of its analysis, of which `baseline_risks`, `familiar` and `within_person` are
    read; `instruments` the catalogue's entries by code.
    """
    pooled, given = record.pooled, spec.get("baseline_risks") or ()
    if pooled is None or None in [getattr(pooled, name) for name in BOUNDS]:
        return None
    if record.measure in OF_DIFFERENCES:
        shown = _of_means(record, spec, instruments, given)
    elif record.measure in OF_EVENTS or (record.measure == "HR" and given):
        shown = Presentation(risks=tuple(_of_events(record, given)))
    else:
        return None
    return shown if shown != Presentation() else None


def _of_events(record: Record, given: Sequence[Row]) -> Iterator[Baseline]:
    """The effect at the risks that the protocol gives, else at those of the control arms."""
    bounds = _bounds(record)
    for name, risk, source in _given(given) or _of_arms(control_risks(record)):
        if 0 < risk < 1 or record.measure == "RD":
            yield _baseline(record.measure, bounds, risk, name, source)


def _given(risks: Sequence[Row]) -> list[tuple[str, float, str]]:
    return [(str(each["name"]), float(each["risk"]), str(each["source"])) for each in risks]


def _of_arms(risks: Sequence[float]) -> list[tuple[str, float, str]]:
    """The median risk and, of some arms that differ, the quartiles, with names and sources."""
    if not risks:
        return []
    arms = text.count(len(risks), "control arm")
    names = {"median": (50, f"median of {arms}" if len(risks) > 1 else "the control arm")}
    if len(risks) >= QUARTILES_FROM:
        names = {"low": (25, f"lower quartile of {arms}"), **names, "high": (75, f"upper quartile of {arms}")}
    found = {name: float(np.percentile(risks, at)) for name, (at, _) in names.items()}
    found["median"] = median(risks)
    alike = {round(1000 * risk) for risk in found.values()}
    shown = found if len(alike) == len(found) else {"median": found["median"]}
    return [(name, risk, names[name][1]) for name, risk in shown.items()]


def _bounds(record: Record) -> tuple[float, float, float]:
    low, middle, high = sorted(getattr(record.pooled, name) for name in BOUNDS)
    return middle, low, high


def _baseline(
    measure: str, bounds: tuple[float, float, float], risk: float, name: str, source: str
) -> Baseline:
    from trialpool.stats import absolute_effect

    found = absolute_effect(measure, *bounds, risk)
    needed = {
        f"nnt{end}": float(value) if math.isfinite(value := getattr(found, f"number_needed{end}")) else None
        for end in ("", "_low", "_high")
    }
    return taken(Baseline, found, assumed_risk=found.per * risk, name=name, source=source, **needed)


# means


def _of_means(record: Record, spec: Row, instruments: Row, given: Sequence[Row]) -> Presentation:
    arms = _of_one_kind(record.studies)
    units: InUnits | None = None
    instrument = ""
    if record.measure == "SMD":
        familiar = spec.get("familiar")
        instrument = familiar["instrument"] if familiar else _commonest(arms)
        arms = [study for study in arms if study.instrument == instrument]
        units = _in_units(record, arms, familiar, instruments.get(instrument) or {})
    control = _control_mean(arms)
    threshold = _threshold(record, spec, instruments.get(instrument) or {}, units)
    sd = units.sd if units else typical_sd(record.studies)
    risks: tuple[Baseline, ...] = ()
    if threshold and sd:
        risks = tuple(_better(record, arms, threshold, sd, given))
    shown = threshold if risks else None
    return Presentation(risks=risks, threshold=shown, control=control, units=units)


def _of_one_kind(studies: Sequence[Study]) -> list[Study]:
    """The trials whose control arm prints a mean, of the kind that more people have; a change if as many."""
    known = [study for study in studies if study.mean_control is not None and study.kind != "contrast"]
    people: dict[str, float] = {"change": 0.0, "final": 0.0}
    for study in known:
        people[study.kind] += study.n_control or 0.0
    commonest = max(people, key=lambda kind: (people[kind], kind == "change"))
    return [study for study in known if study.kind == commonest]


def _commonest(studies: Sequence[Study]) -> str:
    """The instrument of the most trials, of as many that of the most people; "" of none."""
    trials = Counter(study.instrument for study in studies)
    people: Counter[str] = Counter()
    for study in studies:
        people[study.instrument] += round((study.n_control or 0) + (study.n_experimental or 0))
    return max(sorted(trials), key=lambda code: (trials[code], people[code])) if trials else ""


def _control_mean(studies: Sequence[Study]) -> ControlMean | None:
    means = [study.mean_control for study in studies if study.mean_control is not None]
    if not means:
        return None
    spreads = [study.sd_control for study in studies if study.sd_control]
    middle, sd = median(means), median(spreads) if spreads else None
    return ControlMean(
        kind=studies[0].kind, trials=len(means), mean=middle, low=min(means), high=max(means), sd=sd
    )


def _in_units(record: Record, studies: Sequence[Study], familiar: Row | None, entry: Row) -> InUnits | None:
    """A standardised difference in points: times the SD given, else that of the trials with the instrument.

    That SD is the median over trials of the pooled one of both arms (Cochrane Handbook 15.5.3.2 asks for a
    typical one); the interval takes it as known.
    """
    from trialpool.stats import smd_to_units

    sd = float(familiar["sd"]) if familiar else typical_sd([each for each in studies if each.sd_control])
    if not sd:
        return None
    found = smd_to_units(*_bounds(record), sd)
    scored = entry.get("better")
    whose = "its trial" if len(studies) == 1 else f"its {len(studies)} trials here"
    return InUnits(
        instrument=str(familiar["instrument"]) if familiar else studies[0].instrument,
        sd=sd,
        source=str(familiar["source"]) if familiar else f"the median SD of {whose}",
        difference=float(found.estimate),
        difference_low=float(found.ci_low),
        difference_high=float(found.ci_high),
        scored=scored if scored and record.better and scored != record.better else None,
    )


def _threshold(record: Record, spec: Row, entry: Row, units: InUnits | None) -> Difference | None:
    """By how much a person must be better to count, in the unit of the control arms."""
    if record.measure == "SMD":
        own = entry.get("mcid")
        same = own and units and own["unit"] == entry.get("unit")
        if not own or not same:
            return None
        named = {name: own.get(name) or "" for name in ("value", "unit", "kind", "source")}
        return records.from_json(Difference, named)
    within = spec.get("within_person")
    return records.from_json(Difference, dict(within)) if within else record.mcid


def _better(
    record: Record, studies: Sequence[Study], threshold: Difference, sd: float, given: Sequence[Row]
) -> Iterator[Baseline]:
    """How many people are better by the threshold, at the shares given or at that of the control arms.

    Of a control arm it follows from its mean change and SD, Φ((better - threshold) / SD), of several the
    median (Guyatt 2013, J Clin Epidemiol 66: 173; Anzures-Cabrera 2011, Stat Med 30: 2967); a final mean
    tells nobody's change. The other share is Φ(d + Φ⁻¹(share)), d in SDs (Furukawa & Leucht 2011).
    """
    from scipy.special import ndtr

    sign = 1.0 if record.better == "higher" else -1.0
    scale = sign / (sd if record.measure == "MD" else 1.0)
    low, middle, high = sorted(scale * bound for bound in _bounds(record))
    shares = _given(given)
    if not shares:
        arms = [each for each in studies if each.kind == "change" and each.sd_control]
        own = [
            float(
                ndtr((sign * float(each.mean_control or 0) - abs(threshold.value)) / float(each.sd_control))
            )
            for each in arms
            if each.sd_control
        ]
        source = f"the mean change and SD of {text.count(len(own), 'control arm')}"
        shares = [("control arms", median(own), source)] if own else []
    for name, share, source in shares:
        if 0 < share < 1:
            yield _baseline("SMD", (middle, low, high), share, name, source)
