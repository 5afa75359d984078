"""The rules by which an analysis' effects were made and chosen, in sentences for its result.

Imports nothing heavy: the job of a single analysis tells its methods without the evidence tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialpool.measures import OF_EVENTS

POINTS = {
    "": "a time that is not stated",
    "end_of_treatment": "the end of treatment",
    "follow_up": "follow-up",
    "during": "during treatment",
}
TRUST = (
    "Inside a trial an estimate adjusted for baseline goes first, then means and SDs as printed or by exact"
    " algebra (SE, 95% interval), then an unadjusted published difference, means whose n is the number"
    " randomised, a difference with an exact p-value, medians with quartiles (Luo, Wan), and last SDs that"
    " rest on an assumption; a result printed both for arms and as a contrast is used once."
)
EVENT_TRUST = (
    "Events are counted as printed; a missing number of people is the number randomised, and is marked."
)
DESIGNS = (
    "Crossover and cluster trials are used only with paired or adjusted data, or by an assumption stated in"
    " the configuration."
)


def selection_sentences(spec: Mapping[str, Any]) -> list[str]:
    """How the one effect (or the several) of a trial was chosen in this analysis.

    `spec` is a resolved analysis. See `evidence.select`, `routes`, `scale` and `questions` for the rules.

    >>> spec = {"measure": "RR", "outcomes": ["improved"], "items": [], "timepoint": "end_of_treatment",
    ...         "better": "higher", "scale": None}
    >>> selection_sentences(spec)[0]
    'Outcome: improved. Time: the end of treatment, of several times there the latest.'
    """
    events = spec["measure"] in OF_EVENTS
    sentences = [f"{_outcomes(spec, events)} {_time(spec['timepoint'])}"]
    if events:
        return [*sentences, EVENT_TRUST, DESIGNS]
    return [*sentences, TRUST, _kinds(spec), _direction(spec), *_assumptions(spec), DESIGNS]


def _listed(words: Sequence[str]) -> str:
    return ", ".join(word.replace("_", " ") if word.islower() else word for word in words)


def _outcomes(spec: Mapping[str, Any], events: bool) -> str:
    noun = "Outcome" if events else "Instrument"
    outcomes = [str(word) for word in spec["outcomes"]]
    if not outcomes:
        text = f"{noun}: any of the domain, by the order of trust."
    elif len(outcomes) == 1:
        text = f"{noun}: {_listed(outcomes)}."
    else:
        text = f"{noun}, the first that a trial offers: {_listed(outcomes)}."
    items = [str(item) or "the whole" for item in spec["items"]]
    return f"{text} Part, the first that a trial offers: {_listed(items)}." if items else text


def _time(wanted: Any) -> str:
    """The rule of time.

    >>> _time({"weeks": [4, 12]})
    'Time: 4 to 12 weeks, the one nearest to week 8, of two equally near the later.'
    """
    if isinstance(wanted, Mapping):
        low, high = wanted["weeks"]
        nearest = f"the one nearest to week {(low + high) / 2:g}, of two equally near the later"
        return f"Time: {low:g} to {high:g} weeks, {nearest}."
    points = [wanted] if isinstance(wanted, str) else list(wanted)
    words = ", else ".join(POINTS.get(point, point) for point in points)
    return f"Time: {words}, of several times there the latest."


def _kinds(spec: Mapping[str, Any]) -> str:
    kinds = spec.get("kinds")
    if spec["measure"] == "SMD":
        chosen = "the kind listed first" if kinds else "whichever more trials offer"
        return f"Final values or changes from baseline, never both in one SMD: {chosen}."
    if kinds:
        words = " before ".join({"final": "final values", "change": "changes"}[kind] for kind in kinds)
        return f"Of final values and changes from baseline: {words}."
    return "Final values and changes from baseline may be mixed; final values go first."


def _direction(spec: Mapping[str, Any]) -> str:
    text = (
        f"Direction: {spec['better']} is better; a report that scores the other way is reversed and says so."
    )
    if spec["measure"] == "MD" and not spec.get("scale"):
        text += " All effects are on one range and unit; other scales are left out."
    return text


def _assumptions(spec: Mapping[str, Any]) -> list[str]:
    r = spec.get("change_correlation", 0.5)
    sentences = [
        "Where only the SD of a change is missing, it rests on the correlation found in trials that print all"
        f" three SDs of the instrument, else on r = {r:g}; such effects are marked as imputed."
    ]
    if spec.get("borrow_sd"):
        sentences.append("A missing SD is pooled over other trials with the same instrument, and marked.")
    if spec.get("convert"):
        sentences.append(
            "Trials without a mean enter by their odds ratio (times √3/π), marked as imputed:"
            f" {_listed(spec['convert'])}."
        )
    return sentences
