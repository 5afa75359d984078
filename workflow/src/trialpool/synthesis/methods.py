"""The methods of an analysis in sentences, so that every result names what made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialpool.measures import OF_EVENTS
from trialpool.records import Status

TAU2 = {
    "FE": "common effect (no between-trial variance)",
    "DL": "DerSimonian–Laird",
    "HE": "Hedges",
    "HS": "Hunter–Schmidt",
    "SJ": "Sidik–Jonkman (two-step)",
    "ML": "maximum likelihood",
    "REML": "restricted maximum likelihood (REML)",
    "EB": "empirical Bayes",
    "PM": "Paule–Mandel",
}
INTERVAL = {
    "wald": "Wald interval with normal quantiles",
    "hksj": "Hartung–Knapp–Sidik–Jonkman interval with t quantiles on k − 1 degrees of freedom",
    "hksj_adhoc": "Hartung–Knapp–Sidik–Jonkman interval with t quantiles on k − 1 degrees of freedom, its"
    " variance factor never below 1",
    "cr2": "cluster-robust (CR2) interval with t quantiles on Satterthwaite degrees of freedom",
}
PREDICTION = (
    "Prediction interval with t quantiles on k − 1 degrees of freedom and the same standard error"
    " (normal quantiles with Wald intervals); I² = τ²/(τ² + typical variance);"
    " interval of τ² by the Q-profile method."
)
NESTED_PREDICTION = (
    "Prediction interval with the same t quantiles and standard error; τ² is the variance between plus that"
    " within trials; I² = τ²/(τ² + typical variance)."
)
EFFECT = {
    "MD": "Mean difference, experimental minus control, variances not pooled",
    "SMD": "Standardised mean difference (Hedges' g, exact correction), experimental minus control",
    "ROM": "Ratio of means, experimental over control, pooled as its logarithm",
    "RR": "Risk ratio, experimental over control, pooled as its logarithm",
    "OR": "Odds ratio, experimental over control, pooled as its logarithm",
    "RD": "Risk difference, experimental minus control",
}
SMD_VARIANCE = {"LS": "large-sample variance", "UB": "unbiased variance"}
MULTI_ARM = {
    "combine": "Arms of one trial on the same side are combined into one",
    "split": "A control arm that serves several comparisons is split between them",
    "covariance": "Effects of one trial that share a control are modelled together, with the mean correlation"
    " that sharing implies",
    "first": "Of several arms of one trial on the same side the first by the stated order is used",
}
SEVERAL = {
    "prefer": "One effect a trial, chosen by the stated order of instruments, items and times",
    "multilevel": "All effects of a trial, their sampling errors correlated by 0.6",
}
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


def method_sentences(spec: Mapping[str, Any], status: Status = Status.POOLED) -> list[str]:
    """Sentences that name the effect measure, the model, where it pools, and its choices.

    >>> spec = {"measure": "RR", "tau2_method": "REML", "interval": "hksj_adhoc", "level": 0.95,
    ...         "scale": None, "multi_arm": "combine", "several_effects": "prefer", "smd_variance": "LS",
    ...         "outcomes": ["improved"], "items": [], "timepoint": "end_of_treatment", "better": "higher"}
    >>> method_sentences(spec)[0]
    'Risk ratio, experimental over control, pooled as its logarithm.'
    """
    effect = EFFECT[spec["measure"]]
    if spec["measure"] == "SMD":
        effect += f", {SMD_VARIANCE[spec['smd_variance']]}"
    if spec["scale"]:
        effect += f", every instrument rescaled to {spec['scale'].replace('-', '–')}"
    nested, common = spec["interval"] == "cr2", spec["tau2_method"] == "FE"
    model = "Common-effect model" if common else "Random-effects model"
    model += f", between-trial variance by {TAU2[spec['tau2_method']]}"
    if nested:
        model = f"Three-level model, variances between and within trials by {TAU2[spec['tau2_method']]}"
    several = f"{MULTI_ARM[spec['multi_arm']]}. {SEVERAL[spec['several_effects']]}"
    asked = spec["multi_arm"] == "covariance" or spec["several_effects"] == "multilevel"
    pooling = [f"{model}; {INTERVAL[spec['interval']]}; {100 * spec['level']:g}% intervals."]
    pooling += [] if common else [NESTED_PREDICTION if nested else PREDICTION]
    if status != Status.POOLED:
        pooling = [f"Nothing is pooled; {100 * spec['level']:g}% intervals of trials with normal quantiles."]
    return [
        f"{effect}.",
        *pooling,
        f"{several}; here each trial gives one." if asked and not nested else f"{several}.",
        *selection_sentences(spec),
    ]


def selection_sentences(spec: Mapping[str, Any]) -> list[str]:
    """How the one effect (or the several) of a trial was chosen in this analysis.

    `spec` is a resolved analysis. See `evidence.select`, `match` and `scales` for the rules.

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
