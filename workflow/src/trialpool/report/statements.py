"""GRADE's informative statements: what a result means in plain words, by its size and its certainty.

The pattern is that of Santesso 2020 (J Clin Epidemiol 119: 126): certainty chooses the verb's strength, the
size of the estimate its adverb. Where the interval includes no difference, nothing is said to be reduced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialpool import text as words
from trialpool.report.sentences import excludes_no_effect, favoured
from trialpool.view.axis import no_effect

STRENGTH = {"high": "", "moderate": "probably ", "low": "may ", "very low": "may "}
DOUBT = ", but the evidence is very uncertain"
LARGE, SMALL = 2.0, 0.5  # multiples of the smallest important difference
STANDARDISED = 0.2  # smallest important standardised difference (Cohen 1988)
RELATIVE = 0.25  # smallest important relative change of a risk (Guyatt 2011, J Clin Epidemiol 64: 1283)
OUTCOMES = {
    "pain": ("pain", "reduce", "increase"),
    "symptom_score": ("neuropathy symptoms", "reduce", "increase"),
    "nerve_conduction": ("nerve conduction", "improve", "worsen"),
    "quality_of_life": ("quality of life", "improve", "worsen"),
    "sensory_function": ("sensory function", "improve", "worsen"),
    "function": ("physical function", "improve", "worsen"),
    "responder": ("the number of people {}", "increase", "reduce"),
    "incidence": ("the number of people {}", "reduce", "increase"),
    "adverse_event": ("the number of people with {}", "reduce", "increase"),
    "serious_adverse_event": ("the number of people with {}", "reduce", "increase"),
    "withdrawal": ("the number of people who leave the trial{}", "reduce", "increase"),
}
EVENTS = {
    ("responder", "improved"): "who improve",
    ("responder", "markedly_improved"): "who improve markedly",
    ("responder", "pain_30"): "with at least 30% less pain",
    ("responder", "pain_50"): "with at least half the pain gone",
    ("responder", "pain_free"): "free of pain",
    ("responder", "symptom_50"): "with at least half the symptoms gone",
    ("adverse_event", "any"): "any adverse event",
    ("serious_adverse_event", "any"): "a serious adverse event",
    ("serious_adverse_event", "death"): "a fatal event",
    ("withdrawal", "all_causes"): " for any reason",
    ("withdrawal", "adverse_event"): " because of an adverse event",
    ("withdrawal", "lack_of_effect"): " because it did not help",
}
ANY_EVENT = {
    "responder": "who respond",
    "incidence": "with neuropathy",
    "adverse_event": "the adverse event",
    "serious_adverse_event": "a serious adverse event",
    "withdrawal": "",
}


def informative_statement(record: Mapping[str, Any]) -> str:
    """One sentence for a summary of findings; "" without a result or without an assessed certainty.

    >>> pooled = {"estimate": -2.2, "ci_low": -3.0, "ci_high": -1.4}
    >>> record = {"status": "pooled", "measure": "MD", "better": "lower", "domain": "pain", "pooled": pooled,
    ...           "certainty": {"level": "moderate"}, "mcid": {"value": 2.0}, "studies": [],
    ...           "experimental_name": "acupuncture", "control_name": "sham"}
    >>> informative_statement(record)
    'Compared with sham, acupuncture probably reduces pain.'
    """
    level = (record.get("certainty") or {}).get("level")
    if record["status"] == "no_data" or level not in STRENGTH:
        return ""
    pooled = record["pooled"]
    start = f"Compared with {record['control_name']}, {record['experimental_name']}"
    size = effect_size(record, pooled["estimate"])
    if not excludes_no_effect(record, pooled["ci_low"], pooled["ci_high"]):
        return _unsettled(record, level)
    side = favoured(record, pooled["estimate"])
    noun, benefit, harm = outcome_words(record)
    verb = benefit if side == "experimental" else harm
    if size == "trivial":
        return _sentence(start, level, "make", f"little or no difference to {noun}")
    adverb = {"large": " by a large amount", "small": " slightly"}.get(size, "")
    return _sentence(start, level, verb, f"{noun}{adverb}")


def is_plural(name: str) -> bool:
    """Whether the name of a treatment takes a plural verb.

    >>> is_plural("opioids"), is_plural("acupuncture"), is_plural("analysis"), is_plural("other drugs")
    (True, False, False, True)
    """
    return name.endswith("s") and not name.endswith(("ss", "is", "us"))


def _sentence(start: str, level: str, verb: str, rest: str) -> str:
    """The verb is inflected unless "may" stands before it or the treatment is a plural."""
    strength = STRENGTH[level]
    inflected = verb if strength == "may " or is_plural(start) else f"{verb}s"
    return f"{start} {strength}{inflected} {rest}{DOUBT if level == 'very low' else ''}."


def _unsettled(record: Mapping[str, Any], level: str) -> str:
    """What may be said where the interval includes no difference."""
    noun, benefit, _ = outcome_words(record)
    treatment, against = record["experimental_name"], f"compared with {record['control_name']}"
    if level == "very low":
        return f"The evidence is very uncertain about the effect of {treatment} on {noun}, {against}."
    if _within_trivial(record):
        start = words.capital(f"{against}, {treatment}")
        return _sentence(start, level, "make", f"little or no difference to {noun}")
    verb = benefit if is_plural(treatment) else f"{benefit}s"
    told = f"Whether {treatment} {verb} {noun}, {against}, is not settled"
    return f"{told}: the interval includes no difference."


def _within_trivial(record: Mapping[str, Any]) -> bool:
    pooled = record["pooled"]
    return all(effect_size(record, pooled[key]) == "trivial" for key in ("ci_low", "ci_high"))


def effect_size(record: Mapping[str, Any], value: float) -> str:
    """How large a value is: "large", "important", "small", "trivial", or "" where no yardstick is known.

    >>> effect_size({"measure": "RR", "mcid": None}, 0.7), effect_size({"measure": "MD", "mcid": None}, 3.0)
    ('important', '')
    """
    unit = _yardstick(record)
    if unit is None:
        return ""
    share = abs(value - no_effect(record["measure"])) / unit
    return (
        "large" if share >= LARGE else "important" if share >= 1 else "small" if share >= SMALL else "trivial"
    )


def _yardstick(record: Mapping[str, Any]) -> float | None:
    if record["measure"] in words.RATIO_MEASURES:
        return RELATIVE
    if record["measure"] == "SMD":
        return STANDARDISED
    mcid = record.get("mcid") or {}
    return abs(mcid["value"]) if mcid.get("value") and mcid.get("applies") is not False else None


def outcome_words(record: Mapping[str, Any]) -> tuple[str, str, str]:
    """The outcome as a noun phrase, with the verbs for benefit and for harm.

    >>> studies = [{"instrument": "pain_50"}]
    >>> outcome_words({"domain": "responder", "studies": studies, "better": "higher"})[0]
    'the number of people with at least half the pain gone'
    """
    domain = record["domain"]
    fallback = (words.domain_name(domain), "improve", "worsen")
    noun, benefit, harm = OUTCOMES.get(domain, fallback)
    if "{}" in noun:
        codes = {study["instrument"] for study in record["studies"]}
        code = codes.pop() if len(codes) == 1 else ""
        known = EVENTS.get((domain, code))
        named = domain == "adverse_event" and code and not known
        noun = noun.format(words.spaced(code) if named else known or ANY_EVENT[domain])
    return noun, benefit, harm
