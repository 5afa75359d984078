"""A record, judgements and the audit in, GRADE's certainty and absolute effects out, as a suggestion.

Five domains by written rules: numbers in config/claims.yaml (`certainty`), reasoning by the GRADE guidance on
each domain (Guyatt 2011, J Clin Epidemiol 64: 407, 1294, 1303, 1283, 1277). A rule cannot know everything a
person knows: `overrides` replace single domains with a sentence of their own, and are shown as such. Numbers
that the audit questions count with risk of bias: a result that may be misprinted or impossible deserves no
more belief than one from a trial at high risk of bias.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from trialpool import records, text
from trialpool.evidence.risk_of_bias import overall_judgements
from trialpool.measures import MEASURES, OF_EVENTS
from trialpool.records import AbsoluteEffect, Certainty, Effect, Known, Record, Status, Study, Sureness, taken
from trialpool.synthesis.pool import BOUNDS
from trialpool.yaml_files import shipped

Row = Mapping[str, Any]  # of a table: risk_of_bias.csv, audit.csv; or a section of the rules
Downgrade = tuple[int, str]  # levels down, and why
DOMAINS: Mapping[str, str] = shipped("sentences")["domains"]
RISKS: Mapping[str, str] = shipped("sentences")["risks"]
RESULT_TABLES = ("continuous.csv", "contrasts.csv", "events.csv")


def assess(
    record: Record,
    judgements: Sequence[Row],
    rules: Row,
    overrides: Row | None = None,
    audit: Sequence[Row] = (),
) -> Certainty | None:
    """Certainty of one record; None where nothing was found that could be sure or unsure.

    `judgements` are rows of risk_of_bias.csv, `rules` the section `certainty` of config/claims.yaml,
    `overrides` {domain: {"levels": 0..2, "reason": sentence}} of this analysis, `audit` the findings of the
    integrity audit. Randomised trials start at high certainty.
    """
    if record.status is Status.NO_DATA:
        return None
    found = {"risk_of_bias": risk_of_bias(record, judgements, rules["risk_of_bias"], audit)}
    for rate in (inconsistency, indirectness, imprecision, publication_bias):
        found[rate.__name__] = rate(record, rules[rate.__name__])
    domains = tuple(_rating(name, found[name], (overrides or {}).get(name)) for name in DOMAINS)
    return Certainty(
        level=_level(domain.levels_down for domain in domains),
        suggested=_level(levels for levels, _ in found.values()),
        domains=domains,
    )


def _level(downgrades: Iterable[int]) -> Sureness:
    """The level after all downgrades, never below very low."""
    levels = list(Sureness)
    return levels[max(0, len(levels) - 1 - sum(downgrades))]


def _rating(name: str, found: Downgrade, override: Row | None) -> records.DomainRating:
    levels, reason = found
    if override is None:
        return records.DomainRating(domain=name, levels_down=levels, reason=reason, overridden=False)
    return records.DomainRating(
        domain=name,
        levels_down=int(override["levels"]),
        reason=str(override["reason"]),
        overridden=True,
        suggested_levels_down=levels,
        suggested_reason=reason,
    )


def risk_of_bias(
    record: Record, judgements: Sequence[Row], rules: Row, audit: Sequence[Row] = ()
) -> Downgrade:
    """Levels down for risk of bias, at most two, with the reasons.

    By the weight of trials at high, unclear and unjudged risk; by controls that people can tell where they
    judge the outcome themselves; and by the weight of results that `audit`, rows of audit.csv, questions.
    """
    levels, reason = _judged(record, judgements, rules)
    questioned, doubt = _questioned_numbers(record, audit, rules)
    return min(levels + questioned, 2), f"{reason}; {doubt}" if doubt else reason


def _study_weights(record: Record) -> dict[str, float]:
    """Share of the weight of each trial, in per cent; equal shares where no weights are known."""
    weights: dict[str, float] = {}
    for study in record.studies:
        weights[study.study_id] = weights.get(study.study_id, 0.0) + (study.weight or 0.0)
    return dict(zip(weights, _shares(list(weights.values())), strict=True))


def _shares(weights: Sequence[float]) -> list[float]:
    """Weights as shares in per cent, equal ones where all are 0."""
    total = sum(weights)
    return [100.0 * weight / total if total else 100.0 / len(weights) for weight in weights]


def _judged(record: Record, judgements: Sequence[Row], rules: Row) -> Downgrade:
    overall = overall_judgements(judgements, rules["not_bias"])
    shares = dict.fromkeys(RISKS, 0.0)
    for study, weight in _study_weights(record).items():
        shares[overall.get(study, "not judged")] += weight
    parts = [f"{share:.0f}% {RISKS[risk]}" for risk, share in shares.items() if share >= 0.5]
    reason = f"Of the weight {', '.join(parts)}"
    open_label = _open_and_self_reported(record, rules)
    if open_label:
        reason += f"; people knew their treatment ({open_label}) and judged the outcome themselves"
    if shares["high"] >= rules["very_serious_share"]:
        return 2, reason
    return int(bool(open_label) or 100.0 - shares["low"] >= rules["serious_share"]), reason


def _open_and_self_reported(record: Record, rules: Row) -> str:
    """The control that cannot be blinded, where most of the weight has one and people report the outcome."""
    if record.domain not in rules["self_reported"]:
        return ""
    weights, open_weight, names = _study_weights(record), 0.0, []
    for study in record.studies:
        categories = set(study.categories("control"))
        if categories <= set(rules["open_controls"]):
            open_weight += weights.pop(study.study_id, 0.0)  # a trial with several rows counts once
            names += sorted(categories)
    if open_weight < rules["serious_share"]:
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
    weights = _shares([study.weight or 0.0 for study in record.studies])
    for study, weight in zip(record.studies, weights, strict=True):
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
    whole = not any(row.rpartition("/")[2].startswith(RESULT_TABLES) for row in rows)
    return whole and finding.get("study_id") == effect.study_id


def inconsistency(record: Record, rules: Row) -> Downgrade:
    """Levels down for unexplained differences between trials: I², and whether they change the direction."""
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
    if pooled.i2 < rules["i2_serious"]:
        return 0, f"{found}, below {rules['i2_serious']:g}%"
    if len(sides) == 2:
        return 1, f"{found}; trials point to opposite sides"
    if not _side(pooled.pi_low, pooled.pi_high, null):
        return 1, f"{found}; the prediction interval includes no difference"
    return 0, f"{found}, but trials differ in size, not in direction"


def _side(low: float | None, high: float | None, null: float) -> int:
    """-1 or 1 where an interval lies wholly below or above no effect, else 0."""
    if low is None or high is None:
        return 0
    return 1 if low > null else -1 if high < null else 0


def indirectness(record: Record, rules: Row) -> Downgrade:
    """Levels down where the evidence answers a neighbouring question: a surrogate, several conditions."""
    reasons = []
    if record.domain in rules["surrogate_domains"]:
        reasons.append(f"{record.domain.replace('_', ' ')} stands in for what people feel")
    present = {study.condition for study in record.studies} - {None}
    if len(present) > 1:
        reasons.append(f"{' and '.join(sorted(present))} are pooled, so neither is answered directly")
    return len(reasons), "; ".join(reasons) or "People, treatments and outcome are those of the question"


def publication_bias(record: Record, rules: Row) -> Downgrade:
    """Levels down for results that may be missing: trials known without usable numbers, funnel asymmetry.

    Why a number is missing (not published, not printed in full, not readable here) makes no difference to
    what the pooled result may hide. A trial whose size is not known counts as one of the median size.
    """
    trials: list[Known | Study] = [*record.known, *record.studies]
    sizes = {row.study_id: row.n_randomised for row in trials}
    silent = set(sizes) - {study.study_id for study in record.studies}
    counted = [size for size in sizes.values() if size]
    usual = median(counted) if counted else 1.0
    people = {study: size or usual for study, size in sizes.items()}
    share = 100.0 * sum(people[study] for study in silent) / sum(people.values()) if people else 0.0
    missing = (
        f"{len(silent)} of {len(sizes)} known trials ({share:.0f}% of the people randomised"
        f"{', trials of unknown size taken as middling' if len(counted) < len(sizes) else ''}) "
        "have no number that could be used here"
    )
    egger = record.small_study.methods.get("Egger")
    p_value = egger.p_value if egger and record.k >= rules["asymmetry_trials"] else None
    if silent and share >= rules["silent_share"]:
        return 1, missing
    if p_value is not None and p_value < rules["asymmetry_p"]:
        return 1, f"The funnel is asymmetric (Egger test, p = {p_value:.2g})"
    if silent:
        return 0, missing
    few = "" if p_value is not None else "; too few trials to examine a funnel"
    return 0, f"No trial is known to have kept its result{few}"


def imprecision(record: Record, rules: Row) -> Downgrade:
    """Levels down for imprecision, at most two.

    One level where the interval crosses no effect or the threshold of importance, one more where it
    includes important benefit and important harm, one where fewer people were studied than the optimal
    information size (Guyatt 2011, J Clin Epidemiol 64: 1283). A clear interval that asks for few people still
    costs a level below `fewest_people`: a very clear effect in very few people tends not to last.
    """
    if record.pooled is None or record.pooled.ci_low is None or record.pooled.ci_high is None:
        return 2, "The interval cannot be computed"
    low, high, null = record.pooled.ci_low, record.pooled.ci_high, MEASURES[record.measure].null
    important, reasons = important_effects(record, rules), []
    if low < null < high:
        reasons.append("the interval includes no difference")
    elif important and any(low < bound < high for bound in important):
        reasons.append("the interval includes both important and unimportant effects")
    if important and low < important[0] and high > important[1]:
        reasons.append("it includes important benefit and important harm")
    people, needed = text.people(record.n_experimental, record.n_control), optimal_size(record, rules)
    if needed is not None and (people is None or people < needed):
        amount = "an unknown number of people" if people is None else f"{people:,} people"
        reasons.append(f"{amount} were studied, a single sufficient trial would need {needed:,}")
    elif not reasons and people is not None and people < rules["fewest_people"]:
        reasons.append(f"only {people:,} people were studied, too few however clear the effect")
    if not reasons:
        return 0, "The interval is narrow enough and enough people were studied"
    reason = "; ".join(reasons)
    return min(len(reasons), 2), text.capital(reason)


def important_effects(record: Record, rules: Row) -> tuple[float, float] | None:
    """The smallest important effects below and above no effect, on the natural scale; None if not known.

    Differences take the MCID, standardised ones the rule's size, ratios the rule's relative change.

    >>> from trialpool.records import sketch
    >>> important_effects(sketch(Record, measure="RR"), {"relative_change": 0.25})
    (0.75, 1.25)
    """
    if record.measure == "MD":
        size = abs(record.mcid.value) if record.mcid else 0
        return (-size, size) if size else None
    if record.measure == "SMD":
        return -rules["standardised"], rules["standardised"]
    if record.measure == "RD":
        return -rules["absolute_change"], rules["absolute_change"]
    return 1 - rules["relative_change"], 1 + rules["relative_change"]


def optimal_size(record: Record, rules: Row) -> int | None:
    """People that one sufficiently powered trial would need, both arms together; None if it cannot be said.

    Means: 4 (z₁₋α/₂ + z₁₋β)² (SD / difference)², the difference being the MCID and SD the median of the
    trials' arms; a standardised difference takes the rule's size. Proportions: the usual two-sample formula
    with the median control risk and the rule's relative change.

    >>> from trialpool.records import sketch
    >>> rules = {"alpha": 0.05, "power": 0.8, "standardised": 0.5}
    >>> optimal_size(sketch(Record, measure="SMD"), rules)
    126
    """
    from scipy.special import ndtri

    z_alpha, z_beta = float(ndtri(1 - rules["alpha"] / 2)), float(ndtri(rules["power"]))
    if record.measure == "SMD":
        return math.ceil(4 * ((z_alpha + z_beta) / float(rules["standardised"])) ** 2)
    otherwise: int | None = rules.get("people")
    if record.measure == "MD":
        important = important_effects(record, rules)
        spreads = [sd for study in record.studies for sd in (study.sd_experimental, study.sd_control) if sd]
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


def control_risk(record: Record) -> float | None:
    """Median risk in the control arms of the trials; None where no trial gives counts."""
    risks = [
        study.events_control / study.n_control
        for study in record.studies
        if study.events_control is not None and study.n_control
    ]
    return median(risks) if risks else None


def absolute(record: Record) -> AbsoluteEffect | None:
    """Assumed risk with control, risk with the experimental treatment and the difference, per 1,000 people.

    The assumed risk is the median of the control arms (Schünemann, Cochrane Handbook 14.1.6.2); the
    interval carries the uncertainty of the effect only, not of the assumed risk. None unless the measure is
    RR, OR or RD, a result exists and a trial gives counts; None, too, where a ratio meets an assumed risk of
    nobody or everybody, of which no multiple is another risk.

    >>> from trialpool.records import Pooled, sketch
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
    from trialpool.stats import absolute_effect

    found = absolute_effect(record.measure, bounds[0], bounds[1], bounds[2], risk)
    return taken(AbsoluteEffect, found, assumed_risk=found.per * risk)
