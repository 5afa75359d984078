"""A record, judgements and the audit in, GRADE's certainty and absolute effects out, as a suggestion.

Five domains by written rules: numbers in config/claims.yaml (`certainty`), reasoning by the GRADE guidance on
each domain (Guyatt 2011, J Clin Epidemiol 64: 407, 1294, 1303, 1283, 1277). A rule cannot know everything a
person knows: `overrides` replace single domains with a sentence of their own, and are shown as such. Numbers
that the audit questions count with risk of bias: a result that may be misprinted or impossible deserves no
more belief than one from a trial at high risk of bias.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from trialpool import records, text
from trialpool.contracts import RESULT_TABLES
from trialpool.evidence.risk_of_bias import Judgements, Scope
from trialpool.evidence.unused import Silence, silence_words, silent_trials
from trialpool.measures import MEASURES, sides_of
from trialpool.records import Certainty, Effect, Known, Record, Status, Study, Sureness
from trialpool.synthesis.absolute import absolute, control_risk
from trialpool.synthesis.pool import BOUNDS, typical_sd
from trialpool.yaml_files import shipped

Row = Mapping[str, Any]  # of a table: risk_of_bias.csv, audit.csv; or a section of the rules
Downgrade = tuple[int, str]  # levels down, and why
DOMAINS: Mapping[str, str] = shipped("sentences")["domains"]
RISKS: Mapping[str, str] = shipped("sentences")["risks"]
ASYMMETRY = ("Egger", "Harbord", "Peters")  # the tests of small trials that count, the first that there is
CORE = "core"
RESULT_FILES = tuple(f"{name}.csv" for name in RESULT_TABLES)


def assess(
    record: Record,
    judgements: Sequence[Row],
    rules: Row,
    overrides: Row | None = None,
    audit: Sequence[Row] = (),
    published: float | None = None,
) -> Certainty | None:
    """Certainty of one record; None where nothing was found that could be sure or unsure, and of one group,
    for the rules are of comparisons.

    `judgements` are rows of risk_of_bias.csv, `rules` the section `certainty` of config/claims.yaml,
    `overrides` {domain: {"levels": 0..2, "reason": sentence}} of this analysis, `audit` the findings of the
    integrity audit, `published` the most trials that a published review of the question pooled. Randomised
    trials start at high certainty; without a judgement of bias of most of the weight none is above
    `unjudged_level`. What could not be read here is told beside the domains: it says nothing of the trials.
    `rules["grade"]` is "core" for imprecision by Core GRADE and a target of certainty.
    """
    if record.pooled is None or len(sides_of(record.measure)) == 1:
        return None
    core = rules.get("grade") == CORE
    found = {"risk_of_bias": risk_of_bias(record, judgements, rules["risk_of_bias"], audit)}
    for rate in (inconsistency, indirectness):
        found[rate.__name__] = rate(record, rules[rate.__name__])
    found["imprecision"] = (core_imprecision if core else imprecision)(record, rules["imprecision"])
    found["publication_bias"] = publication_bias(record, rules["publication_bias"], published)
    domains = tuple(_rating(name, found[name], (overrides or {}).get(name)) for name in DOMAINS)
    bias, highest = rules["risk_of_bias"], Sureness.HIGH
    if _judged_shares(record, judgements, bias)["not judged"] >= bias["serious_share"]:
        highest = Sureness(bias["unjudged_level"])
    share, unread = unread_trials(record)
    judged = "risk_of_bias" in (overrides or {})  # by a person
    return Certainty(
        level=_level((domain.levels_down for domain in domains), Sureness.HIGH if judged else highest),
        suggested=_level((levels for levels, _ in found.values()), highest),
        domains=domains,
        unread=unread,
        unread_share=share,
        size=size_of(record, rules["imprecision"], core),
        target=target_of(record, rules["imprecision"])[1] if core else None,
    )


def _level(downgrades: Iterable[int], highest: Sureness) -> Sureness:
    """The level after all downgrades, never below very low nor above the highest that may be."""
    levels = list(Sureness)
    return levels[max(0, min(len(levels) - 1 - sum(downgrades), levels.index(highest)))]


def _rating(name: str, found: Downgrade, override: Row | None) -> records.DomainRating:
    levels, reason = found
    rating = records.DomainRating(domain=name, levels_down=levels, reason=reason)
    if override is None:
        return rating
    own = replace(
        rating, levels_down=int(override["levels"]), reason=str(override["reason"]), overridden=True
    )
    return replace(own, suggested_levels_down=levels, suggested_reason=reason)


def risk_of_bias(
    record: Record, judgements: Sequence[Row], rules: Row, audit: Sequence[Row] = ()
) -> Downgrade:
    """Levels down for risk of bias, at most two, with the reasons.

    By the weight of trials at high, unclear and unjudged risk; by controls that people can tell where they
    judge the outcome themselves; and by the weight of results that `audit`, rows of audit.csv, questions.
    All add up.
    """
    shares = _judged_shares(record, judgements, rules)
    parts = [f"{share:.0f}% {RISKS[risk]}" for risk, share in shares.items() if share >= 0.5]
    reasons = [f"Of the weight {', '.join(parts)}"]
    known = _open_and_self_reported(record, rules)
    if known:
        reasons.append(f"people knew their treatment ({known}) and judged the outcome themselves")
    if shares["not judged"] >= rules["serious_share"]:
        reasons.append(f"without judgements certainty is not above {rules['unjudged_level']}")
    levels, doubt = _questioned_numbers(record, audit, rules)
    levels += bool(known) + (100.0 - shares["low"] >= rules["serious_share"])
    very_serious = shares["high"] >= rules["very_serious_share"]
    return 2 if very_serious else min(levels, 2), "; ".join([*reasons, doubt] if doubt else reasons)


def _weights(record: Record) -> list[float]:
    """Each effect's share of the weight in per cent; equal shares where no weights are known."""
    weights = [study.weight or 0.0 for study in record.studies]
    total = sum(weights)
    return [100.0 * weight / total if total else 100.0 / len(weights) for weight in weights]


def _judged_shares(record: Record, judgements: Sequence[Row], rules: Row) -> dict[str, float]:
    """The weight, in per cent, of trials at each risk of bias."""
    known, shares = Judgements(judgements, rules["not_bias"]), dict.fromkeys(RISKS, 0.0)
    for study, weight in zip(record.studies, _weights(record), strict=True):
        result = Scope(study.domain, study.timepoint, study.weeks)
        shares[known.risk(study.study_id, result) or "not judged"] += weight
    return shares


def _open_and_self_reported(record: Record, rules: Row) -> str:
    """What gave away most of the weight's treatments to people who report the outcome themselves, else "".

    A comparison is open where its control is one of `open_controls`, or where a treatment that cannot be
    hidden (`open_treatments`) stands on a side and no `sham_controls` imitates it.
    """
    if record.domain not in rules["self_reported"]:
        return ""
    opened, names = set(), []
    for study in record.studies:
        controls = set(study.categories("control"))
        seen = {*study.categories("experimental"), *controls} & set(rules["open_treatments"])
        hidden = controls <= set(rules["sham_controls"])
        if controls <= set(rules["open_controls"]) or (seen and not hidden):
            opened.add(study.study_id)
            names += sorted(controls & set(rules["open_controls"]) or seen)
    weights = zip(record.studies, _weights(record), strict=True)
    if sum(weight for study, weight in weights if study.study_id in opened) < rules["serious_share"]:
        return ""
    return " or ".join(name.replace("_", " ") for name in dict.fromkeys(names))


def _questioned_numbers(record: Record, audit: Sequence[Row], rules: Row) -> Downgrade:
    """Levels down for results that the audit questions, and which trials and findings these are.

    A finding on a result row counts for the effects made from it, one on the report as a whole for every
    effect of its trial. One level from `grave_share` per cent of the weight with findings of high severity,
    or `questioned_share` with high or medium; two from `very_grave_share` with high.
    """
    severities = {"high": 0.0, "medium": 0.0}
    by_label: dict[str, dict[str, None]] = {}
    for study, weight in zip(record.studies, _weights(record), strict=True):
        findings = [row for row in audit if row["severity"] in severities and _concerns(row, study)]
        if findings:
            severities["high" if any(row["severity"] == "high" for row in findings) else "medium"] += weight
            named = by_label.setdefault(study.label or study.study_id, {})
            named.update(dict.fromkeys(str(row["finding"]) for row in findings))
    grave, questioned = severities["high"], sum(severities.values())
    names = ". ".join(f"{label}: {', '.join(findings)}" for label, findings in by_label.items())
    if grave >= rules["grave_share"]:
        levels = 2 if grave >= rules["very_grave_share"] else 1
        return levels, f"the audit gravely questions {grave:.0f}% of the weight ({names})"
    reason = f"the audit questions {questioned:.0f}% of the weight ({names})" if names else ""
    return int(questioned >= rules["questioned_share"]), reason


def _concerns(finding: Row, effect: Effect) -> bool:
    """Whether a finding of the audit bears on an effect: on one of its rows, or on its whole report."""
    rows = str(finding.get("row_ids") or "").split()
    if set(rows) & set((effect.row_ids or "").split()):
        return True
    whole = not any(row.rpartition("/")[2].startswith(RESULT_FILES) for row in rows)
    return whole and finding.get("study_id") == effect.study_id


def by_record(
    judgements: Sequence[Row], audit: Sequence[Row]
) -> Callable[[Record], tuple[list[Row], list[Row]]]:
    """What gives a record the judgements of its trials, and the findings that may concern its effects.

    With all of a large review each, certainty would take a time that grows with the square of the analyses.
    """
    judged: dict[str, list[Row]] = {}
    found: dict[str, list[int]] = {}  # by trial, and by row
    for row in judgements:
        judged.setdefault(row["study_id"], []).append(row)
    for at, finding in enumerate(audit):
        for key in {str(finding.get("study_id")), *str(finding.get("row_ids") or "").split()}:
            found.setdefault(key, []).append(at)

    def own(record: Record) -> tuple[list[Row], list[Row]]:
        trials = dict.fromkeys(study.study_id for study in record.studies)
        rows = (row for study in record.studies for row in (study.row_ids or "").split())
        places = {at for key in (*trials, *rows) for at in found.get(key, ())}
        return [row for trial in trials for row in judged.get(trial, ())], [
            audit[at] for at in sorted(places)
        ]

    return own


def inconsistency(record: Record, rules: Row) -> Downgrade:
    """Levels down for unexplained differences between trials: I², and whether they change the direction.

    Below `i2_trials` trials I² is noise, unless single trials clearly favour opposite sides.
    """
    pooled, null = record.pooled, MEASURES[record.measure].null
    if record.status is not Status.POOLED or pooled is None:
        return 0, "One trial: cannot be judged"
    if pooled.i2 is None:
        return 0, "I² is not known"
    found = f"I² {pooled.i2:.0f}%"
    clear_sides = {_side(s.estimate_low, s.estimate_high, null) for s in record.studies} - {0}
    sides = {_side(study.estimate, study.estimate, null) for study in record.studies} - {0}
    if pooled.i2 >= rules["i2_very_serious"] and len(clear_sides) == 2:
        return 2, f"{found}; single trials clearly favour opposite sides"
    if record.k < rules["i2_trials"]:
        return 0, f"{record.k} trials: too few for I² to say much"
    if pooled.i2 < rules["i2_serious"]:
        return 0, f"{found}, below {rules['i2_serious']:g}%"
    if len(sides) == 2:
        return 1, f"{found}; trials point to opposite sides"
    if pooled.pi_low is not None and not _side(pooled.pi_low, pooled.pi_high, null):
        return 1, f"{found}; the prediction interval includes no difference"
    return 0, f"{found}, but trials differ in size, not in direction"


def _side(low: float | None, high: float | None, null: float) -> int:
    """-1 or 1 where an interval lies wholly below or above no effect, else 0."""
    if low is None or high is None:
        return 0
    return 1 if low > null else -1 if high < null else 0


def indirectness(record: Record, rules: Row) -> Downgrade:
    """Levels down where the evidence answers a neighbouring question: a surrogate, several conditions.

    So does an outcome that a clinician composes of signs and symptoms (`composite_outcomes`), where most of
    the weight has one.
    """
    reasons = []
    if record.domain in rules["surrogate_domains"]:
        reasons.append(f"{record.domain.replace('_', ' ')} stands in for what people feel")
    weights = zip(record.studies, _weights(record), strict=True)
    if sum(weight for study, weight in weights if study.instrument in rules["composite_outcomes"]) > 50:
        reasons.append("a clinician's composite of signs and symptoms stands in for what people feel")
    present = {study.condition for study in record.studies} - {None}
    if len(present) > 1:
        reasons.append(f"{' and '.join(sorted(present))} are pooled, so neither is answered directly")
    return len(reasons), "; ".join(reasons) or "People, treatments and outcome are those of the question"


def unread_trials(record: Record) -> tuple[float, str]:
    """How much of what is known could not be used here: the share of the people in per cent, and a sentence.

    A trial whose size is not known counts as one of the median size.
    """
    trials: list[Known | Study] = [*record.studies, *record.known]  # of which the latter count whole trials
    sizes = {row.study_id: row.n_randomised for row in trials}
    silent = {key: why for key, why in silent_trials(record).items() if why is not Silence.INESTIMABLE}
    counted = [size for size in sizes.values() if size]
    usual = median(counted) if counted else 1.0
    people = {study: size or usual for study, size in sizes.items()}
    share = 100.0 * sum(people[study] for study in silent) / sum(people.values()) if people else 0.0
    middling = ", trials of unknown size taken as middling" if len(counted) < len(sizes) else ""
    known = f"{len(silent)} of {len(sizes)} known trials ({share:.0f}% of the people randomised{middling})"
    told = silence_words(silent.values())
    return share, f"{known} have no number that could be used here ({told})" if silent else ""


def publication_bias(record: Record, rules: Row, published: float | None = None) -> Downgrade:
    """Levels down for results that may be missing: published reviews found more trials, an asymmetric funnel.

    `published` is the largest number of trials that a published review of the question pooled.
    """
    reviews, funnel = (
        "No compared review says how many trials it pooled",
        "too few trials to examine a funnel",
    )
    if published:
        reviews = f"A published review pooled {published:g} trials"
        if 100.0 * record.k < rules["published_share"] * published:
            return 1, f"{reviews}, {record.k} could be pooled here"
    first = next((name for name in ASYMMETRY if name in record.small_study.methods), "")
    test = record.small_study.methods.get(first)
    if test and test.p_value is not None and record.k >= rules["asymmetry_trials"]:
        funnel = "no clear asymmetry of the funnel"
        if test.p_value < rules["asymmetry_p"]:
            return 1, f"The funnel is asymmetric ({first} test, p = {test.p_value:.2g})"
    return 0, f"{reviews}; {funnel}"


def imprecision(record: Record, rules: Row) -> Downgrade:
    """Levels down for imprecision, at most two.

    The interval is that of the absolute effect where there is one, else of the effect (Zeng 2022, GRADE
    guidance 34, J Clin Epidemiol 150: 216). One level where it includes no difference or both important and
    unimportant effects, two where it includes important benefit and important harm. Where it includes none of
    these and the effect is implausibly large (`large_relative`, `large_standardised`), or where no important
    difference is known, one for fewer people than the optimal information size; and one for fewer people than
    `fewest_people` however clear the effect: a very clear effect in very few people tends not to last.
    """
    known = _crossed(record, rules)
    if known is None:
        return 2, "The interval cannot be computed"
    levels, reasons = known
    important, needed = important_effects(record, rules), optimal_size(record, rules)
    people, least = people_of(record)
    fewer = f"{'at least ' if least else ''}{people:,} people were studied"
    asked = important is None or (not levels and _large(record, rules))
    if least and not people:
        return levels, text.capital("; ".join([*reasons, "how many people were studied is not reported"]))
    if needed is not None and people < needed and asked:
        levels += 1
        reasons.append(f"{fewer}, a single sufficient trial would need {needed:,}")
    elif people < rules["fewest_people"]:
        levels += 1
        however = "" if reasons else ", too few however clear the effect"
        reasons.append(f"{'' if least else 'only '}{fewer}{however}")
    if not reasons:
        return 0, "The interval is narrow enough and enough people were studied"
    return min(levels, 2), text.capital("; ".join(reasons))


def target_of(record: Record, rules: Row) -> tuple[str, str]:
    """What certainty is of by Core GRADE: a code, "important", "little" or "any", and words.

    Where the estimate lies decides: beyond the smallest important effect certainty is of an important one,
    before it of little or none; where no important effect is known, of any effect (Guyatt 2025, Core GRADE 2,
    BMJ 389: e081904).

    >>> from trialpool.records import Difference, Pooled, sketch
    >>> pooled = sketch(Pooled, estimate=-1.5, ci_low=-2.5, ci_high=-0.5)
    >>> least = Difference(value=1.0, unit="points", source="a page")
    >>> target_of(sketch(Record, measure="MD", better="lower", pooled=pooled, mcid=least), {})
    ('important', 'an important benefit, of 1 points or more')
    """
    scaled = in_important_effects(record, rules)
    if scaled is None:
        return "any", "whether there is any effect"
    least = _least_words(record, rules)
    if abs(scaled[0]) < 1:
        return "little", f"little or no effect, of less than {least}"
    good = (scaled[0] < 0) == (record.better == "lower")
    return "important", f"an important {'benefit' if good else 'harm'}, of {least} or more"


def _least_words(record: Record, rules: Row) -> str:
    """The smallest important effect in words, as `in_important_effects` counts it."""
    if absolute(record):
        return f"{1000 * absolute_threshold(record, rules):g} of 1,000 people"
    important = important_effects(record, rules)
    size = important[1] - MEASURES[record.measure].null if important else 0.0
    if MEASURES[record.measure].ratio:
        of = MEASURES[record.measure].name.removesuffix(" ratio").removeprefix("ratio of ")
        return f"{100 * size:.3g}% of the {of}"
    return f"{size:g} {record.mcid.unit if record.mcid else 'standard deviations'}".rstrip()


def core_imprecision(record: Record, rules: Row) -> Downgrade:
    """Levels down for imprecision by Core GRADE, at most three, against the target of certainty.

    Of an important effect one level where the interval crosses the smallest important one, two where it
    reaches no effect, three where it reaches an important effect on the other side; of little or no effect
    one for each side on which it reaches an important one; of any effect one where it includes none. Where it
    crosses nothing and the effect is large (`core_large_relative`), one for fewer people than the optimal
    information size and two for less than `far_from_size` of it. (Guyatt 2025, Core GRADE 2, BMJ 389: e081904
    rates by what the interval crosses and by the information size of a large effect; how far is far is a
    convention here.)
    """
    pooled = record.pooled
    if pooled is None or pooled.ci_low is None or pooled.ci_high is None:
        return 3, "The interval cannot be computed"
    target, _ = target_of(record, rules)
    levels, reason = _crossed_of_target(record, rules, target)
    if levels:
        return levels, text.capital(reason)
    needed, (people, _) = optimal_size(record, rules), people_of(record)
    own = {**rules, "large_relative": rules["core_large_relative"]}
    if needed is None or people >= needed or not (target == "any" or _large(record, own)):
        return 0, "The interval crosses no threshold of what certainty is of"
    far = people < rules["far_from_size"] * needed
    counted = f"{people:,} people were studied, a single sufficient trial would need {needed:,}"
    large = "No important effect is known" if target == "any" else "The effect is large"
    if target == "little":
        large = "The effect is large relative to the risk"
    return 2 if far else 1, f"{large}; {counted}"


def _crossed_of_target(record: Record, rules: Row, target: str) -> Downgrade:
    """Levels down for the thresholds that the interval crosses, and which these are."""
    scaled = in_important_effects(record, rules)
    if scaled is None or target == "any":
        bounds: Sequence[Any] = [getattr(record.pooled, name) for name in BOUNDS]
        includes = bounds[1] <= MEASURES[record.measure].null <= bounds[2]
        return int(includes), "the interval includes no effect"
    estimate, low, high = scaled
    if target == "little":
        sides = (low <= -1) + (high >= 1)
        where = "on either side" if sides == 2 else "on one side"
        return sides, f"the interval reaches an important effect {where}"
    near = low if estimate > 0 else -high  # the end of the interval that is nearer to no effect
    levels = (near < 1) + (near <= 0) + (near <= -1)
    reached = ("", "a smaller one", "no effect", "an important effect on the other side")[levels]
    return levels, f"the interval reaches {reached}"


def _crossed(record: Record, rules: Row) -> tuple[int, list[str]] | None:
    """Levels and reasons for what the interval includes; None without an interval."""
    if record.pooled is None or record.pooled.ci_low is None or record.pooled.ci_high is None:
        return None
    scaled = in_important_effects(record, rules)
    if scaled and scaled[1] < -1 and scaled[2] > 1:
        return 2, ["the interval includes important benefit and important harm"]
    if record.pooled.ci_low < MEASURES[record.measure].null < record.pooled.ci_high:
        return 1, ["the interval includes no difference"]
    if scaled and any(scaled[1] < bound < scaled[2] for bound in (-1, 1)):
        return 1, ["the interval includes both important and unimportant effects"]
    return 0, []


def in_important_effects(
    record: Record, rules: Row, relative: bool = False
) -> tuple[float, float, float] | None:
    """Estimate and interval as multiples of the smallest important effect; None where none is known.

    Of events those of the absolute effect, where a trial gives counts, unless asked for the `relative` ones.
    """
    of, important = absolute(record), important_effects(record, rules)
    bounds: Sequence[Any] = [getattr(record.pooled, name, None) for name in BOUNDS]
    if None in bounds or important is None:
        return None
    null = MEASURES[record.measure].null
    below, above = null - important[0], important[1] - null
    if of and relative and record.measure == "RD":  # against the risk without treatment
        below = above = rules["relative_change"] * of.assumed_risk / 1000
    elif of and not relative:  # per 1,000 people
        bounds, null = (of.difference, of.difference_low, of.difference_high), 0.0
        below = above = 1000 * absolute_threshold(record, rules)
    if not below or not above:
        return None
    estimate, low, high = ((bound - null) / (above if bound > null else below) for bound in bounds)
    return estimate, low, high


def size_of(record: Record, rules: Row, core: bool = False) -> str:
    """How large the effect is: "trivial" (by the lowest threshold), "small", "important", "large"; or "".

    Of events the larger of the relative and the absolute one: half of a rare harm is few of 1,000 people.
    By `core` GRADE the one that its target is of, and "trivial" whatever the target calls little or none.
    """
    ways = (False,) if core else (False, True)
    scales = [scale for way in ways if (scale := in_important_effects(record, rules, way))]
    if not scales:
        return ""
    size = max(abs(estimate) for estimate, *_ in scales)
    by_rule = (
        MEASURES[record.measure].ratio or record.measure == "RD"
    )  # whatever difference is said to matter
    own = None if by_rule else record.mcid
    least = (own.low or own.value) / own.value if own else 1.0
    farthest = size if core else max(abs(bound) for _, *bounds in scales for bound in bounds)
    if farthest < (1.0 if core else least):
        return "trivial"
    return "large" if size >= 2 else "important" if size >= 1 else "small"


def _large(record: Record, rules: Row) -> bool:
    """Whether the effect is larger than treatments usually achieve, so that chance may have helped."""
    estimate, null = record.pooled.estimate if record.pooled else None, MEASURES[record.measure].null
    if estimate is None:
        return False
    if MEASURES[record.measure].ratio:
        return bool(estimate < 1 - rules["large_relative"] or estimate > 1 / (1 - rules["large_relative"]))
    unit = rules["large_standardised"] * (typical_sd(record.studies) or math.inf)
    return bool(abs(estimate - null) > (rules["large_standardised"] if record.measure == "SMD" else unit))


def people_of(record: Record) -> tuple[int, bool]:
    """People analysed, or randomised to these arms where a trial does not say; and whether there are more."""
    by_trial: dict[str, list[Study]] = {}
    for study in record.studies:
        by_trial.setdefault(study.study_id, []).append(study)
    total, least = 0.0, False
    for rows in by_trial.values():
        known = [row.n_experimental + row.n_control for row in rows if row.n_experimental and row.n_control]
        count = max(known) if len(known) == len(rows) else max(row.n_randomised or 0 for row in rows)
        least, total = least or not count, total + count
    sides = (record.n_experimental, record.n_control)
    counted = None if None in sides else sum(side or 0 for side in sides)
    return max(round(total), counted or 0), least


def absolute_threshold(record: Record, rules: Row) -> float:
    """The smallest important risk difference: that of the domain, else the rule's."""
    return float(rules["absolute_by_domain"].get(record.domain, rules["absolute_change"]))


def important_effects(record: Record, rules: Row) -> tuple[float, float] | None:
    """The smallest important effects below and above no effect, on the natural scale; None if not known.

    Differences take the difference between groups that is held to matter, standardised ones without one the
    rule's size; risk differences the rule's absolute change, ratios its relative one.

    >>> from trialpool.records import sketch
    >>> important_effects(sketch(Record, measure="RR"), {"relative_change": 0.25})
    (0.75, 1.25)
    """
    if MEASURES[record.measure].ratio:
        return 1 - rules["relative_change"], 1 + rules["relative_change"]
    if record.measure == "RD":
        least = absolute_threshold(record, rules)
        return -least, least
    usual = rules["standardised"] if record.measure == "SMD" else 0
    size = abs(record.mcid.value) if record.mcid else usual
    return (-size, size) if size else None


def optimal_size(record: Record, rules: Row) -> int | None:
    """People that one sufficiently powered trial would need, both arms together; None if it cannot be said.

    Means: 4 (z₁₋α/₂ + z₁₋β)² (SD / difference)², the difference being the smallest important one and SD the
    median of the trials' arms; a standardised difference takes the rule's size. Proportions: the usual
    two-sample formula with the median control risk and the rule's relative change.

    >>> from trialpool.records import sketch
    >>> rules = {"alpha": 0.05, "power": 0.8, "standardised": 0.5}
    >>> optimal_size(sketch(Record, measure="SMD"), rules)
    126
    """
    from scipy.special import ndtri

    z_alpha, z_beta = float(ndtri(1 - rules["alpha"] / 2)), float(ndtri(rules["power"]))
    otherwise: int | None = rules.get("people")
    if record.measure in ("MD", "SMD"):
        important = important_effects(record, rules)
        arms = [sd for study in record.studies for sd in (study.sd_experimental, study.sd_control) if sd]
        spreads = [1.0] if record.measure == "SMD" else arms
        if important is None or not spreads:
            return otherwise
        return math.ceil(4 * ((z_alpha + z_beta) * median(spreads) / important[1]) ** 2)
    risk = control_risk(record)
    if risk is None or not 0 < risk < 1:
        return otherwise
    other = risk * (1 - float(rules["relative_change"]))
    middle = (risk + other) / 2
    root = z_alpha * math.sqrt(2 * middle * (1 - middle))
    root += z_beta * math.sqrt(risk * (1 - risk) + other * (1 - other))
    return 2 * math.ceil((root / (risk - other)) ** 2)
