"""A judged claim and its records in, what was found out, in words that say no more than the readings do.

Each result that bears on the claim has a clause, clear ones first: what was lower or higher, by how much;
where few trials agree, that they do; else that no clear difference was seen. Populations stand in sentences
of their own, certainty at the end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from trialpool import text as words
from trialpool.measures import SIDES
from trialpool.records import Claim, ClaimKind, Verdict
from trialpool.synthesis.certainty import DOMAINS
from trialpool.text import capital, count, listing, plain_number, spaced
from trialpool.view.forest_table import pooled_estimate
from trialpool.view.question import (
    agreeing_side,
    clear_side,
    compares,
    domain_of,
    is_plural,
    outcome_phrase,
    size_words,
    title_parts,
    trials_favour,
)
from trialpool.view.read import Appraised, grouped
from trialpool.yaml_files import shipped

WORDS = shipped("sentences")["findings"]
DOSES = shipped("sentences")["views"]["doses"]
DIFFERENCES = ("MD", "SMD")  # told by their unit
_AFTER_NOUN = re.compile(r" (?:after|at|by|for|from|in|of|on|to|who|with)\b")


class Result(NamedTuple):
    """One result that bears on a claim of some kind, perhaps of a dose."""

    record: Appraised
    kind: ClaimKind = ClaimKind.BENEFIT
    dose: str = ""

    @property
    def opening(self) -> str:
        """How a sentence on its population and dose begins; all conditions of the review need no words."""
        conditions, known = self.record.condition, self.record.vocabulary.conditions
        parts = [WORDS["dose"].format(self.dose)] if self.dose else []
        if len(conditions) == 1 or set(conditions) != set(known):
            purpose = "prevention" if self.record.purpose == "prevention" else "others"
            names = listing(map(self.record.vocabulary.condition, conditions))
            parts.insert(0, WORDS["populations"][purpose].format(names))
        return "".join(f"{part}, " for part in parts)

    @property
    def versus(self) -> dict[str, str]:
        """The names of both sides."""
        return {name: getattr(self.record, f"{name}_name") for name in SIDES}


def claim_finding(claim: Claim, by_analysis: Mapping[str, Appraised]) -> str:
    """What was found on a claim, in words; of one that is not answered, why.

    `by_analysis` are the records of all analyses that the claim names.
    """
    if not claim.verdict.answered:
        return f"{capital(verdict_word(claim.verdict))}: {claim.reason}."
    results = {
        (entry.analysis, str(part.where)): Result(
            by_analysis[entry.analysis].restricted(entry.restricted), part.kind, dose_words(part.where)
        )
        for part in claim.parts
        for entry in part.findings
    }
    return finding_words(list(results.values()))


def finding_words(results: Sequence[Result]) -> str:
    """What some results found together: a sentence for each population, then what is missing, and certainty.

    >>> from trialpool.records import sketch
    >>> known = {"k": 1, "measure": "MD", "unit": "points", "better": "lower", "status": "single_study"}
    >>> known |= {"condition": ["MIGRAINE"], "domain": "pain", "experimental_name": "yoga"}
    >>> known |= {"control_name": "rest", "pooled": {"estimate": -2, "ci_low": -3, "ci_high": -1}}
    >>> print(finding_words([Result(sketch(Appraised, known | {"n_experimental": 20, "n_control": 20}))]))
    In MIGRAINE, pain was lower with yoga than with rest, by 2.00 points (1.00 to 3.00; 1 trial, 40 people).
    """
    told = [result for result in results if result.record.pooled]
    levels = [result.record.certainty.level for result in told if result.record.certainty]
    common = len(levels) == len(told) and len(set(levels)) == 1
    sentences = [
        capital(f"{opening}{'; '.join(_clauses(own, with_certainty=not common))}.")
        for opening, own in grouped(told, lambda result: result.opening).items()
    ]
    empty = len(results) - len(told)
    if empty:
        sentences.append(WORDS["empty"]["one" if empty == 1 else "several"].format(empty))
    if common:
        sentences.append(WORDS["certainty"].format(levels[0]))
    return " ".join(sentences)


def brief_words(records: Sequence[Appraised]) -> str:
    """What some results found, in as few words as can be: by outcome, better or worse than what."""
    by_outcome = grouped(records, lambda record: title_parts(record)[0])
    alike = grouped(by_outcome.items(), lambda entry: "; ".join(dict.fromkeys(map(_brief, entry[1]))))
    names = {
        clauses: listing([f"{name[:1].lower()}{name[1:]}" for name, _ in own])
        for clauses, own in alike.items()
    }
    return " ".join(f"{capital(name)}: {clauses}." for clauses, name in names.items())


def _brief(record: Appraised) -> str:
    """One result, and how many trials it is of."""
    if not compares(record):
        pooled = record.pooled
        values = (pooled.estimate, pooled.ci_low, pooled.ci_high) if pooled else (None, None, None)
        return words.effect(record.measure, *values, record.methods.level) if pooled else "no usable trial"
    brief, clear, agreed = WORDS["brief"], clear_side(record), agreeing_side(record)
    kind = "none" if not record.pooled else "clear" if clear else "agreed" if agreed else "open"
    better = brief["sides"].get(clear or agreed, "")
    size = f" ({count(record.k, 'trial')})" if record.k else ""
    return str(brief[kind].format(better=better, other=record.control_name)) + size


def sureness_words(records: Sequence[Appraised]) -> str:
    """How sure one can be of some results, the level of most first, and for what it was lowered most often.

    >>> sureness_words([])
    ''
    """
    judged = [record.certainty for record in records if record.certainty]
    levels = Counter(certainty.level for certainty in judged).most_common()
    lowered = Counter(each.domain for certainty in judged for each in certainty.domains if each.levels_down)
    most = [DOMAINS[domain] for domain, times in lowered.most_common() if 2 * times > len(judged)]
    brief = WORDS["brief"]
    said = [brief["sure"].format(level=level, count=count(times, "result")) for level, times in levels]
    said += [brief["why"].format(listing(most))] if said and most else []
    return f"{capital('; '.join(said))}." if said else ""


def _clauses(results: Sequence[Result], with_certainty: bool) -> list[str]:
    """The clauses on one population: clear results, few trials that agree, all others by comparison."""
    kinds = grouped(results, _kind)
    clauses: list[str] = []
    before: Result | None = None
    for kind, make in (("clear", _clear), ("agreed", _agreed)):
        for result in kinds.get(kind, ()):
            clauses.append(make(result, _form(result, before), with_certainty))
            before = result
    for own in grouped(kinds.get("open", ()), lambda result: tuple(result.versus.values())).values():
        clauses.append(_open(own, _form(own[0], before, len(own) == 1), with_certainty))
        before = own[-1]
    return clauses


def _kind(result: Result) -> str:
    """What a result shows: a clear difference, few trials that agree, or neither."""
    return "clear" if clear_side(result.record) else "agreed" if agreeing_side(result.record) else "open"


def _form(result: Result, before: Result | None, alone: bool = True) -> str:
    """Which form a clause has after one on another result: what both share is not said again."""
    if before is None:
        return "first"
    if result.versus == before.versus:
        return "other outcome"
    subjects = {(noun(each.record), each.record.experimental_name) for each in (result, before)}
    return "other control" if alone and len(subjects) == 1 else "first"


def _clear(result: Result, form: str, with_certainty: bool) -> str:
    """A clear result: which side has less or more, by how much, and whether that is a harm or too little."""
    record, side = result.record, clear_side(result.record)
    domain, effect = domain_of(record), pooled_estimate(record)
    verb = domain.changes(record.better)[side == "control"]
    turned = not domain.is_events and domain.better not in ("", record.better)
    word = WORDS["comparatives"].get("" if turned else verb) or WORDS["comparatives"][side]
    clause: str = WORDS["clear"][form].format(
        noun=noun(record), was="were" if _plural(record) else "was", word=word, **result.versus
    )
    if effect and record.measure in DIFFERENCES and record.unit:
        estimate, *bounds = (number.text.lstrip("−") for number in effect)
        low, high = bounds if abs(effect.low.value or 0) <= abs(effect.high.value or 0) else bounds[::-1]
        clause += f", by {estimate} {record.unit} ({low} to {high}; {_size(result, with_certainty)})"
    else:
        clause += f" ({_numbers(record)}; {_size(result, with_certainty)})"
    if side == "control":
        clause += WORDS["harm" if _is_harm(result) else "disadvantage"]
    return clause + (WORDS["trivial"] if record.certainty and record.certainty.size == "trivial" else "")


def _agreed(result: Result, form: str, with_certainty: bool) -> str:
    """Few trials that each favour one side, too few to be sure."""
    side = agreeing_side(result.record)
    other = "control" if side == "experimental" else "experimental"
    favour, over = trials_favour(result.record, side), result.versus[other]
    clause = WORDS["agreed"][form].format(noun=noun(result.record), favour=favour, over=over, **result.versus)
    return f"{clause} ({_numbers(result.record)}; {_size(result, with_certainty)})"


def _open(results: Sequence[Result], form: str, with_certainty: bool) -> str:
    """Results of one comparison that show no clear difference."""
    sizes = [_size(result, with_certainty) for result in results]
    nouns = [f"{noun(result.record)} ({size})" for result, size in zip(results, sizes, strict=True)]
    return str(WORDS["open"][form].format(noun=listing(nouns, "or"), size=sizes[0], **results[0].versus))


def _numbers(record: Appraised) -> str:
    """A result as tables print it."""
    effect = pooled_estimate(record)
    return f"{record.measure} {effect.estimate.text}, {effect.interval}" if effect else ""


def _size(result: Result, with_certainty: bool) -> str:
    """Trials and people, with the certainty where results differ in it."""
    certainty, size = result.record.certainty, size_words(result.record)
    return f"{size}, {certainty.level} certainty" if certainty and with_certainty else size


def _is_harm(result: Result) -> bool:
    """Whether the disadvantage is a harm: if the claim is of harm, or the control is known to do nothing."""
    controls = {code for study in result.record.studies for code in study.categories("control")}
    of_harm = result.kind in (ClaimKind.HARM, ClaimKind.NO_MORE_HARM)
    return of_harm or (bool(controls) and controls <= set(result.record.vocabulary.controls))


def noun(record: Appraised) -> str:
    """What was measured: of events who has them, of means the outcome as the title names it, if it does."""
    (outcome, comparison), domain = title_parts(record), domain_of(record)
    name, comma, _ = outcome.partition(", ")  # "pain, by age", or a population that is not known as such
    ours = name.casefold().startswith(domain.name.casefold())
    if domain.is_events or not comparison or (comma and not ours):
        return outcome_phrase(record)
    return f"{name[:1].lower()}{name[1:]}" if ours else name


def _plural(record: Appraised) -> bool:
    return not domain_of(record).is_events and is_plural(_AFTER_NOUN.split(noun(record), 1)[0])


def verdict_word(verdict: Verdict) -> str:
    """A verdict as readers see it; why a claim is not answered stands in its reason."""
    return str(verdict) if verdict.answered else str(WORDS["unanswered"])


def dose_words(where: Mapping[str, Sequence[float]]) -> str:
    """The bounds of a dose in words, "" without any."""
    return listing(
        f"{plain_number(low)} to {plain_number(high)} {DOSES.get(key, spaced(key))}"
        for key, (low, high) in where.items()
    )
