"""One question as a reader sees it: from a result record to names, sentences, and the parts of its section.

A sentence says no more than its numbers do. GRADE's informative statements follow Santesso 2020 (J Clin
Epidemiol 119: 126): certainty chooses the verb's strength, the size of the estimate its adverb; where the
interval includes no difference, nothing is said to be reduced.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from trialpool import text as words
from trialpool.evidence.unused import near_misses, silence_words, silent_trials
from trialpool.measures import MEASURES, OF_SPREADS, RATIOS, Of, sides_of
from trialpool.records import Conclusion, Record, Sensitivity, Status, Sureness, conclusion
from trialpool.synthesis.pool import MANY, without_estimate
from trialpool.text import capital, count, listing, spaced
from trialpool.view.axis import mcid_threshold, plan_axis
from trialpool.view.forest_table import (
    PLOT_WIDTH,
    Estimate,
    estimate_at,
    forest_axis,
    forest_table,
    people_words,
    pooled_estimate,
    prediction,
)
from trialpool.view.read import Appraised, grouped
from trialpool.vocabulary import Domain
from trialpool.yaml_files import shipped

WORDS = shipped("sentences")["views"]
GRADES = shipped("sentences")["grades"]  # of robustness
SILENCES = shipped("sentences")["silences"]
GROUPS = WORDS["groups"]  # what is told of one group, by the names of its measures
NO_PEOPLE = "number of people not reported"

# names


def condition_name(record: Appraised) -> str:
    """The conditions of a record in full words, with the purpose where it is prevention.

    >>> from trialpool.records import sketch
    >>> condition_name(sketch(Appraised, {"condition": ["HEART_FAILURE"], "purpose": "prevention"}))
    'HEART FAILURE, prevention'
    """
    names = listing(map(record.vocabulary.condition, record.condition))
    return f"{names}, prevention" if record.purpose == "prevention" else names


def title_parts(record: Appraised) -> tuple[str, str]:
    """A title "population, outcome: comparison" as outcome and comparison, for tables under a heading.

    A population is left out only where it repeats a word of the record's condition or purpose.

    >>> from trialpool.records import sketch
    >>> title = "Chronic migraine, pain: yoga versus sham"
    >>> title_parts(sketch(Appraised, {"title": title, "condition": ["MIGRAINE"]}))
    ('pain', 'yoga versus sham')
    >>> title_parts(sketch(Appraised, {"title": "Any other title"}))
    ('Any other title', '')
    """
    head, _, tail = record.title.partition(": ")
    population, _, outcome = head.partition(", ")
    repeated = set(population.casefold().split()) & set(condition_name(record).casefold().split())
    return (outcome if outcome and repeated else head), tail


def domain_of(record: Appraised) -> Domain:
    """The domain of a record's outcome."""
    of = MEASURES[record.measure].of if record.measure else Of.MEANS
    return record.vocabulary.domain(record.domain, of)


def population_name(record: Appraised) -> str:
    """The heading under which a record stands: its conditions and purpose, and whether it is illustrative."""
    name = capital(condition_name(record))
    return f"{name}: {WORDS['illustrative']['heading']}" if record.illustrative else name


def interval_name(records: Sequence[Record]) -> str:
    """The confidence interval's name for a table head: with its level where all records share one.

    >>> from trialpool.records import sketch
    >>> records = [sketch(Appraised, {"methods": {"level": level}}) for level in (0.95, 0.9)]
    >>> interval_name(records[:1]), interval_name(records)
    ('95% CI', 'CI')
    """
    levels = {record.methods.level for record in records}
    return f"{words.percent(levels.pop())} CI" if len(levels) == 1 else "CI"


# sentences

SIDES = {Conclusion.BENEFIT: "experimental", Conclusion.HARM: "control", Conclusion.UNCLEAR: ""}


def compares(record: Record) -> bool:
    """Whether a record compares two sides; else it describes one group."""
    return len(sides_of(record.measure)) > 1


def _side(record: Record, low: float | None, high: float | None) -> str:
    """The side whose benefit an interval bears out ("experimental", "control"), else ""."""
    if not compares(record):
        return ""
    return SIDES[conclusion(low, high, MEASURES[record.measure].null, record.better)]


def clear_side(record: Record) -> str:
    """The side whose benefit the confidence interval bears out ("experimental", "control"), else ""."""
    return _side(record, record.pooled.ci_low, record.pooled.ci_high) if record.pooled else ""


def size_words(record: Record) -> str:
    """How much evidence there is: trials and analysed people."""
    return f"{count(record.k, 'trial')}, {people_words(record, unknown=NO_PEOPLE)}"


def agreeing_side(record: Record) -> str:
    """The side that each of a few pooled trials clearly favours though they do not together, else ""."""
    if record.status != Status.POOLED or record.k >= MANY or clear_side(record):
        return ""
    sides = {_side(record, study.estimate_low, study.estimate_high) for study in record.studies}
    return sides.pop() if len(sides) == 1 else ""


def trials_favour(record: Record, side: str) -> str:
    """A few trials, all of which clearly favour one side, in words: "both trials favour yoga"."""
    number = {2: "both", 3: "all three", 4: "all four"}[record.k]
    return f"{number} trials favour {getattr(record, f'{side}_name')}"


def status_of(record: Record) -> str:
    """Its status, or "no_estimate" where the method that was chosen could not pool the trials."""
    return "no_estimate" if without_estimate(record) else str(record.status)


def verdict_words(record: Record) -> str:
    """The shortest honest reading of a result, for a table cell."""
    if record.status == Status.NO_DATA:
        return "no poolable trial"
    if record.status == Status.NOT_POOLED:
        return "no estimate, not pooled" if without_estimate(record) else "too unlike, not pooled"
    if not compares(record):
        return "one group, one trial" if record.status == Status.SINGLE_STUDY else "one group, not compared"
    agreed = agreeing_side(record)
    if agreed:
        return f"{trials_favour(record, agreed)}, too few to be sure"
    side = clear_side(record)
    reading = f"favours {getattr(record, f'{side}_name')}" if side else "no clear difference"
    return f"{reading} (one trial)" if record.status == Status.SINGLE_STUDY else reading


def result_sentence(record: Appraised, opening: str = "") -> str:
    """One result in words: direction, numbers, amount of evidence, and what a new trial might show.

    `opening` says the direction where the record does not know which one is good.

    >>> from trialpool.records import sketch
    >>> sides = {"experimental_name": "yoga", "control_name": "sham"}
    >>> result_sentence(sketch(Appraised, {"status": "no_data", "domain": "pain", **sides}))
    'No trial is known that compares yoga with sham.'
    """
    if record.status == Status.NOT_POOLED:
        method = "the method chosen has no estimate from these trials"
        why = method if without_estimate(record) else "the trials are too unlike"
        return f"Not pooled, because {why}: {size_words(record)}."
    if record.status == Status.NO_DATA or not record.pooled:
        return _no_data_sentence(record)
    if not compares(record):
        return group_sentence(record, opening)
    pooled, level = record.pooled, record.methods.level
    numbers = words.effect(record.measure, pooled.estimate, pooled.ci_low, pooled.ci_high, level)
    start = opening or _direction_words(record)
    if record.status == Status.SINGLE_STUDY:
        found = f"{start}, in one trial only ({people_words(record, unknown=NO_PEOPLE)}): {numbers}"
        return f"{found}. One trial is not a meta-analysis."
    sentence, interval = f"{start}: {numbers}; {size_words(record)}.", prediction(record)
    if not interval:
        return sentence
    sentence += f" The effect in a new, similar trial is expected to lie from {interval.interval}"
    sentence += f" ({words.percent(level)} prediction interval)"
    clear = _side(record, interval.low.value, interval.high.value)
    sentence += "." if clear else ", so it may lie on either side of no difference."
    if pooled.tau2 == 0 and record.methods.tau2_method != "FE" and not record.methods.method:
        doubt = f"which {record.k} trials do not make certain"
        sentence += f" The variance between trials is estimated as 0, {doubt}."
    return sentence


def group_sentence(record: Appraised, opening: str = "") -> str:
    """What one group shows, in its own numbers, how much evidence there is, and what a new trial might show.

    >>> from trialpool.records import sketch
    >>> pooled = {"estimate": 0.12, "ci_low": 0.08, "ci_high": 0.171}
    >>> known = {"status": "pooled", "measure": "PLO", "domain": "remission", "pooled": pooled, "k": 9}
    >>> known |= {"experimental_name": "yoga", "methods": {"level": 0.95}, "n_experimental": 700}
    >>> group_sentence(sketch(Appraised, known))
    'Of 100 people with yoga, 12 (95% CI 8 to 17) had the event (remission); 9 trials, 700 people.'
    """
    pooled, level = record.pooled, words.percent(record.methods.level)
    if pooled is None:
        return ""
    kind, factor = GROUPS[MEASURES[record.measure].name], 1.0
    rare = MEASURES[record.measure].of in (Of.EVENTS, Of.TIMES)
    while rare and factor < 1e6 and (factor == 1 or 0 < factor * (pooled.estimate or 0.0) < 1):
        factor *= 100.0 if factor == 1 else 10.0
    values = [
        None if value is None else factor * value
        for value in (pooled.estimate, pooled.ci_low, pooled.ci_high, pooled.pi_low, pooled.pi_high)
    ]
    digits = (0 if (values[0] or 0.0) >= 10 else 1) if rare else words.digits_of(record.measure, values[:3])
    middle, low, high, *new = words.format_values("", values, digits)
    unit = f" {record.unit}" if record.unit else " SD" if record.measure in ("SMCC", "SMCR") else ""
    name, outcome = opening or record.experimental_name, domain_of(record).name
    number = f"{middle}{unit} ({level} CI {f'{low} to {high}' if pooled.ci_low is not None else 'not known'})"
    told = {"of": f"{factor:,.0f}", "group": f" with {name}" if name else ""}
    told |= {"outcome": f" ({outcome})" if outcome else "", "of_outcome": f" of {outcome}" if outcome else ""}
    told["in_outcome"] = f" in {outcome}" if outcome else ""
    sentence = capital(kind["found"].format(number=number, **told))
    if record.status == Status.SINGLE_STUDY:
        alone = f"{sentence}, in one trial only ({people_words(record, unknown=NO_PEOPLE)})"
        return f"{alone}. One trial is not a meta-analysis."
    sentence += f"; {size_words(record)}."
    if pooled.pi_low is not None:
        between = kind["new"].format(low=new[0], high=new[1], unit=unit, **told)
        sentence += f" {capital(between)} ({level} prediction interval)."
    return f"{sentence} {GROUPS['alone']}" if MEASURES[record.measure].change else sentence


def _direction_words(record: Record) -> str:
    """Whom a result favours, as far as it is clear."""
    side, agreed = clear_side(record), agreeing_side(record)
    if side:
        return f"The result favours {getattr(record, f'{side}_name')}"
    if agreed:
        return f"{capital(trials_favour(record, agreed))}, too few to be sure of their mean"
    return f"No clear difference between {record.experimental_name} and {record.control_name} was shown"


def _no_data_sentence(record: Appraised) -> str:
    """What is known where nothing could be pooled."""
    sides, silent = f"{record.experimental_name} with {record.control_name}", silent_trials(record)
    if not compares(record):
        return _no_group_sentence(record, len(silent))
    if not silent:
        return f"No trial is known that compares {sides}."
    start = f"No trial with numbers that can be pooled compares {sides} for {domain_of(record).name}."
    are = "is" if len(silent) == 1 else "are"
    known = f"{capital(count(len(silent), 'trial'))} of this comparison {are} known"
    return f"{start} {known}: {silence_words(silent.values())}."


def _no_group_sentence(record: Appraised, silent: int) -> str:
    group = f"of {record.experimental_name}"
    if not silent:
        return f"No trial is known {group}."
    start = f"No trial {group} has numbers that can be pooled for {domain_of(record).name}."
    are = "is" if silent == 1 else "are"
    known = f"{capital(count(silent, 'trial'))} of this group {are} known"
    return f"{start} {known}: {silence_words(silent_trials(record).values())}."


# statements


def informative_statement(record: Appraised) -> str:
    """One sentence for a summary of findings; "" without a result or without an assessed certainty.

    >>> from trialpool.records import sketch
    >>> pooled = {"estimate": -2.2, "ci_low": -3.0, "ci_high": -1.4}
    >>> known = {"status": "pooled", "measure": "MD", "better": "lower", "domain": "pain", "pooled": pooled}
    >>> known |= {"experimental_name": "yoga", "control_name": "sham"}
    >>> informative_statement(sketch(Appraised, known | {"certainty": {"level": "moderate"}}))
    'Compared with sham, yoga probably reduces pain.'
    """
    certainty, pooled, side = record.certainty, record.pooled, clear_side(record)
    of_spread = record.measure in OF_SPREADS  # no more and no less of the outcome, but more or less alike
    if record.status == Status.NO_DATA or not certainty or not pooled or of_spread:
        return ""
    level, domain = certainty.level, domain_of(record)
    noun = outcome_phrase(record)
    benefit, harm = domain.changes(record.better)
    treatment, against = record.experimental_name, f"compared with {record.control_name}"
    if not side and level == Sureness.VERY_LOW:
        return f"The evidence is very uncertain about the effect of {treatment} on {noun}, {against}."
    verb = benefit if side == "experimental" else harm
    rest = f"{noun}{WORDS['amounts'].get(certainty.size, '')}"
    if certainty.size == "trivial":
        verb, rest = "make", f"little or no difference to {noun}"
    elif not side:
        opening = f"Whether {treatment} {_inflected(benefit, treatment)} {noun}, {against}, is not settled"
        return f"{opening}: the interval includes no difference."
    strength, doubt = WORDS["strengths"][level]
    verb = verb if strength == "may " else _inflected(verb, treatment)
    return f"{capital(against)}, {treatment} {strength}{verb} {rest}{doubt}."


def _inflected(verb: str, treatment: str) -> str:
    """The verb as it follows the name of a treatment, which may be a plural."""
    return verb if is_plural(treatment) else f"{verb}s"


def is_plural(name: str) -> bool:
    """Whether a name looks like a plural."""
    return name.endswith("s") and not name.endswith(("ss", "is", "us"))


def outcome_phrase(record: Appraised) -> str:
    """What a treatment changes, as a noun phrase: that of the instrument or event, if all trials have one."""
    codes = {study.instrument for study in record.studies}
    return domain_of(record).phrase(codes.pop() if len(codes) == 1 else "")


def certainty_marks(level: Sureness) -> str:
    """A level of certainty as filled marks of four."""
    return ("●" * (list(Sureness).index(level) + 1)).ljust(4, "○")


# other choices


Choice = tuple[Sensitivity, Estimate]


def other_choices(record: Record) -> dict[str, list[Choice]]:
    """The results under other choices, with their effects, by the names of their kinds."""
    choices = [
        (row, estimate_at(record, f"sensitivity.{number}"))
        for number, row in enumerate(record.sensitivity)
        if row.estimate is not None
    ]
    return grouped(choices, lambda choice: WORDS["kinds"].get(choice[0].kind, choice[0].kind))


def _changing(choices: Mapping[str, Sequence[Choice]]) -> dict[str, list[Choice]]:
    """The choices that change the conclusion, and the main result, by kind."""
    told = {
        name: [each for each in own if each[0].changes_conclusion or each[0].kind == "main"]
        for name, own in choices.items()
    }
    return {name: own for name, own in told.items() if own}


def moderator_slope(measure: str, moderator: str, slope: Sequence[float]) -> tuple[str, str]:
    """A slope with its interval (three values) in words, and per what; of ratios, the ratio of ratios.

    >>> moderator_slope("RR", "year", [0.0, -0.1, 0.1])
    ('ratio of RRs 1.00 (0.90 to 1.11)', 'per year')
    """
    ratios = measure in RATIOS
    values = [math.exp(min(value, 700.0)) for value in slope] if ratios else slope
    middle, low, high = words.format_values(measure, values)
    times = f"ratio of {measure}s " if ratios else ""
    return f"{times}{middle} ({low} to {high})", f"per {WORDS['per'].get(moderator, spaced(moderator))}"


# the whole question


class Question:
    """All that is said of one record; templates read the rest from the record itself.

    `choices` are the results under other choices, `same_choices` says how many of them conclude the same,
    `changing` are the others beside the main result, on `choice_axis`; none where nothing was pooled.
    `unread` are known trials of this comparison without a number that is used here (`silent` says why),
    `not_used` results of it that could not be used, `cautions` those about the moderators that were tested.
    Without `trials` its `table` has no rows of trials, and it has no axis, nothing `judged` and no choices,
    none of which lists of many questions show.
    """

    def __init__(self, record: Appraised, *, trials: bool = True) -> None:
        self.record, self.table = record, forest_table(record, trials=trials)
        self.effect, self.side = pooled_estimate(record), clear_side(record)
        self.sentence, self.verdict = result_sentence(record), verdict_words(record)
        self.statement = informative_statement(record)
        self.silent = silent_trials(record)
        self.unread = [row for row in record.known if row.study_id in self.silent]
        self.unread_by_reason = grouped(self.unread, lambda row: self.silent[row.study_id])
        self.not_used = near_misses(record)
        tested = (row.caution or "" for row in record.moderators if row.p_value is not None)
        self.cautions = [capital(part) for part in dict.fromkeys("; ".join(tested).split("; ")) if part]
        if trials:
            self.axis = forest_axis(self.table, mcid_threshold(record))
            self.judged = any(study.judgements for study in self.table.studies)
            self._compare_choices()

    def _compare_choices(self) -> None:
        self.choices = other_choices(self.record)
        rows = [row for own in self.choices.values() for row, _ in own if row.kind != "main"]
        self.same_choices = sum(not row.changes_conclusion for row in rows)
        self.changing = _changing(self.choices) if self.same_choices < len(rows) else {}
        shown = [effect.values for own in self.changing.values() for _, effect in own]
        middles = [middle for middle, _, _ in shown]
        self.choice_axis = plan_axis(self.record.measure, shown, middles, right=PLOT_WIDTH) if shown else None
