"""Records and config/claims.yaml in, the appraisal out: certainty of every result, a verdict on every claim.

A verdict follows from written conditions on each result that answers the claim, each met or not; what is not
met says what would change it. Kinds of claim: `benefit` (any benefit of the experimental treatment),
`important_benefit` (at least the smallest important effect), `no_more_harm` (no more than a stated margin).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trialpool.errors import suggestion
from trialpool.evidence.risk_of_bias import NOT_BIAS
from trialpool.measures import MEASURES
from trialpool.records import (
    Appraisal,
    Certainty,
    Claim,
    ClaimKind,
    ClaimPart,
    Condition,
    Finding,
    Grade,
    Record,
    Restricted,
    ResultAppraisal,
    Status,
    Sureness,
    Verdict,
    taken,
)
from trialpool.synthesis.certainty import DOMAINS, Row, absolute, assess, important_effects
from trialpool.synthesis.pool import restrict_record
from trialpool.vocabulary import Vocabulary, general
from trialpool.yaml_files import Slip, read_checked

Assess = Callable[[Record], Certainty | None]
Bounds = tuple[float | None, float | None]
ESTIMATE = ("estimate", "estimate")
# what would change a verdict that does not hang on a condition
CHANGES = {
    Verdict.NO_EVIDENCE: "a first trial that reports this outcome with a spread or with counts",
    Verdict.SUPPORTED: "a large trial at low risk of bias that finds nothing",
    Verdict.CONTRADICTED: "a large trial at low risk of bias that finds the claimed effect",
}


def appraise(
    records: Sequence[Record], judgements: Sequence[Row], rules: Row, audit: Sequence[Row] = ()
) -> Appraisal:
    """Certainty and absolute effect of every record, and a verdict on every claim.

    `judgements` are rows of risk_of_bias.csv, `rules` the whole of config/claims.yaml as `load_claims`
    returns it, `audit` the rows of audit.csv.

    >>> appraise([], [], {"claims": {}, "certainty": {}, "verdicts": {}, "overrides": {}})
    Appraisal(analyses={}, claims=())
    """

    def certainty(record: Record) -> Certainty | None:
        overrides = rules["overrides"].get(record.analysis)
        return assess(record, judgements, rules["certainty"], overrides, audit)

    results = [ResultAppraisal(certainty=certainty(record), absolute=absolute(record)) for record in records]
    return Appraisal(
        analyses={record.analysis: result for record, result in zip(records, results, strict=True)},
        claims=judge_claims(rules["claims"], records, certainty, rules),
    )


def judge_claims(
    claims: Mapping[str, Row], records: Iterable[Record], assess: Assess, rules: Row
) -> tuple[Claim, ...]:
    """Every claim with its parts, findings, verdict and what would change it, in the order given.

    `claims` is the section `claims` of config/claims.yaml: slug to `statement` and either `kind` and
    `analyses` (with `where`, bounds on the dose), or `parts` of that form. `assess` gives the certainty of
    a record; `rules` the sections `verdicts` and `certainty`.
    """
    by_analysis = {record.analysis: record for record in records}
    judged = []
    for slug, claim in claims.items():
        given = claim.get("parts") or [claim]
        parts = tuple(_judged_part(part, by_analysis, assess, rules) for part in given)
        verdict, reason = _combined_parts([part.verdict for part in parts])
        judged.append(
            Claim(
                claim=slug,
                name=claim.get("name") or "",
                statement=claim["statement"],
                verdict=verdict,
                reason=parts[0].reason if len(parts) == 1 else reason,
                parts=parts,
                change=tuple(dict.fromkeys(need for part in parts for need in part.change)),
                also=tuple(claim.get("also") or ()),
            )
        )
    return tuple(judged)


def _judged_part(part: Row, by_analysis: Mapping[str, Record], assess: Assess, rules: Row) -> ClaimPart:
    where, kind, findings = part.get("where") or {}, ClaimKind(part["kind"]), []
    for analysis in part["analyses"]:
        record = restrict_record(by_analysis[analysis], where) if where else by_analysis[analysis]
        found = finding(record, assess(record), kind, rules)
        if where:
            trials = tuple(study.study_id for study in record.studies)
            found = replace(found, restricted=taken(Restricted, record, trials=trials))
        findings.append(found)
    verdict, reason = _combined_findings([entry.verdict for entry in findings])
    return ClaimPart(
        statement=part["statement"],
        kind=kind,
        where=dict(where),
        verdict=verdict,
        reason=reason,
        findings=tuple(findings),
        change=_what_would_change(verdict, findings),
    )


def _combined_findings(verdicts: Sequence[Verdict]) -> tuple[Verdict, str]:
    """One verdict from results that each answer the claim: the weakest of those that have data."""
    known = [verdict for verdict in verdicts if verdict is not Verdict.NO_EVIDENCE]
    if not known:
        return Verdict.NO_EVIDENCE, "no trial with usable numbers"
    if Verdict.CONTRADICTED in known and {Verdict.SUPPORTED, Verdict.SUGGESTED} & set(known):
        return Verdict.UNCLEAR, "the results contradict each other"
    return _weakest(known), "the weakest of the results decides" if len(set(known)) > 1 else ""


def _combined_parts(verdicts: Sequence[Verdict]) -> tuple[Verdict, str]:
    """One verdict from parts that must all hold: a part without evidence leaves the whole unclear."""
    if len(verdicts) == 1:
        return verdicts[0], ""
    known = [verdict for verdict in verdicts if verdict is not Verdict.NO_EVIDENCE]
    if not known:
        return Verdict.NO_EVIDENCE, "no part of the claim has evidence"
    weakest = _weakest(known)
    if len(known) < len(verdicts) and weakest in (Verdict.SUPPORTED, Verdict.SUGGESTED):
        return Verdict.UNCLEAR, "a part of the claim has no evidence"
    return weakest, "all parts must hold; the weakest decides" if len(set(verdicts)) > 1 else ""


def _weakest(verdicts: Iterable[Verdict]) -> Verdict:
    return max(verdicts, key=list(Verdict).index)


def _what_would_change(verdict: Verdict, findings: Sequence[Finding]) -> tuple[str, ...]:
    """What would have to be found for another verdict, from the conditions that are not met."""
    if verdict in CHANGES:
        return (CHANGES[verdict],)
    unmet = (entry.need for found in findings for entry in found.conditions if not entry.met)
    return tuple(dict.fromkeys(unmet))


def finding(record: Record, certainty: Certainty | None, kind: ClaimKind, rules: Row) -> Finding:
    """One result's verdict on a claim.

    `certainty` is the record's assessment, `rules` the sections `verdicts` and `certainty` of
    config/claims.yaml. Verdicts: "no evidence" without a usable trial; "unclear" where certainty is below
    the rule's or the conclusion fragile under other choices; else "contradicted" where the whole interval
    lies on the other side; "supported" where all conditions are met; "suggested" where direction and size
    are met; "not supported" where the interval rules the claimed size out; otherwise "unclear".
    """
    if record.pooled is None:
        return Finding(analysis=record.analysis, verdict=Verdict.NO_EVIDENCE, conditions=())
    case, agreement = _Case(record, certainty, kind, rules), record.robustness.agreement
    conditions = [
        case.direction(),
        *([case.importance()] if kind is ClaimKind.IMPORTANT_BENEFIT else []),
        case.trials(),
        *([case.prediction()] if record.status is Status.POOLED else []),
        case.sureness(),
        *([case.robust(agreement)] if agreement is not None else []),
    ]
    return Finding(analysis=record.analysis, verdict=case.verdict(conditions), conditions=tuple(conditions))


def _benefit_interval(record: Record, names: tuple[str, str] = ("ci_low", "ci_high")) -> Bounds:
    """An interval turned so that higher is better and no effect is 0 (ratios as ratio − 1)."""
    low, high = (getattr(record.pooled, name, None) for name in names)
    if low is None or high is None:
        return None, None
    null = MEASURES[record.measure].null
    return (low - null, high - null) if record.better == "higher" else (null - high, null - low)


@dataclass(frozen=True, slots=True)
class _Case:
    """One result before one claim: each condition, and the verdict that follows from them."""

    record: Record
    certainty: Certainty | None
    kind: ClaimKind
    rules: Row

    def verdict(self, conditions: Sequence[Condition]) -> Verdict:
        low, high = _benefit_interval(self.record)
        fragile = self.record.robustness.grade is Grade.FRAGILE
        if low is None or high is None or fragile or not self._sure("suggested_certainty"):
            return Verdict.UNCLEAR
        if high < 0:
            return Verdict.CONTRADICTED
        if all(condition.met for condition in conditions):
            return Verdict.SUPPORTED
        important = self.kind is ClaimKind.IMPORTANT_BENEFIT
        if conditions[0].met and (not important or self._estimate_important()):
            return Verdict.SUGGESTED
        size = self._important_size()
        claimed = important or (self.kind is ClaimKind.BENEFIT and low <= 0)
        ruled_out = claimed and size is not None and high < size
        return Verdict.NOT_SUPPORTED if ruled_out else Verdict.UNCLEAR

    def direction(self) -> Condition:
        low, _ = _benefit_interval(self.record)
        if self.kind is ClaimKind.NO_MORE_HARM:
            margin = self._harm_margin()
            met = low is not None and low > -margin
            ratio = MEASURES[self.record.measure].ratio
            excess = f"{100 * margin:.0f}% more" if ratio else f"{margin:g} more"
            verb = "excludes" if met else "does not exclude"
            said = f"The interval {verb} {excess} harm than with the control"
            return _condition("direction", met, said, "enough people to exclude a relevant excess of harm")
        met = low is not None and low > 0
        said = f"The interval {'excludes' if met else 'includes'} no difference"
        return _condition("direction", met, said, "more people, until the interval leaves no difference")

    def importance(self) -> Condition:
        (low, _), size = _benefit_interval(self.record), self._important_size()
        met = size is not None and low is not None and low >= size
        if size is None:
            said = "No smallest important effect is known for this scale"
        elif met:
            said = "The whole interval lies beyond the smallest important effect"
        elif self._estimate_important():
            said = "The estimate is large enough to matter, the interval includes effects that are not"
        else:
            said = "The estimate is smaller than the smallest important effect"
        need = "an interval that lies wholly beyond the smallest important effect"
        return _condition("importance", met, said, need)

    def trials(self) -> Condition:
        k = self.record.k
        said = "One trial only" if k == 1 else f"{k} trials"
        met = k >= self.rules["verdicts"]["trials"]
        return _condition("trials", met, said, "an independent second trial")

    def prediction(self) -> Condition:
        low, _ = _benefit_interval(self.record, ("pi_low", "pi_high"))
        met = low is not None and low > (-self._harm_margin() if self.kind is ClaimKind.NO_MORE_HARM else 0.0)
        said = "A new trial may be expected to agree" if met else "A new trial may point either way"
        if low is None:
            said = "What a new trial may show cannot be computed"
        need = "trials that agree better, until a new one may be expected to agree too"
        return _condition("prediction", met, said, need)

    def sureness(self) -> Condition:
        domains = self.certainty.domains if self.certainty else ()
        reasons = ", ".join(DOMAINS[domain.domain] for domain in domains if domain.levels_down)
        level = self.certainty.level if self.certainty else "not assessed"
        said = f"Certainty is {level}" + (f" ({reasons})" if reasons else "")
        met = self._sure("supported_certainty")
        return _condition("certainty", met, said, f"better trials: certainty is lowered for {reasons}")

    def robust(self, agreement: float) -> Condition:
        """Whether the result holds under other defensible choices, where that could be assessed."""
        low, high = _benefit_interval(self.record)
        unclear = low is not None and high is not None and low <= 0 <= high
        agree = "leave no difference possible, too" if unclear else "agree"
        grade = self.record.robustness.grade
        said = f"{grade.capitalize()}: {100 * agreement:.0f}% of other defensible analyses {agree}"
        need = "a conclusion that does not hang on the analyst's choices or on one trial"
        return _condition("robustness", grade is Grade.ROBUST, said, need)

    def _sure(self, rule: str) -> bool:
        levels = list(Sureness)
        needed = levels.index(Sureness(self.rules["verdicts"][rule]))
        return self.certainty is not None and levels.index(self.certainty.level) >= needed

    def _harm_margin(self) -> float:
        kind = "ratio" if MEASURES[self.record.measure].ratio else "difference"
        return float(self.rules["verdicts"][f"harm_margin_{kind}"])

    def _important_size(self) -> float | None:
        """The smallest important benefit on the turned scale; None where none is known."""
        bounds = important_effects(self.record, self.rules["certainty"]["imprecision"])
        if bounds is None:
            return None
        null = MEASURES[self.record.measure].null
        return bounds[1] - null if self.record.better == "higher" else null - bounds[0]

    def _estimate_important(self) -> bool:
        size, (estimate, _) = self._important_size(), _benefit_interval(self.record, ESTIMATE)
        return size is not None and estimate is not None and estimate >= size


def _condition(name: str, met: bool, text: str, need: str) -> Condition:
    return Condition(name=name, met=bool(met), text=text, need=need)


def default_rules(vocabulary: Vocabulary) -> Mapping[str, Mapping[str, Any]]:
    """The rules of certainty and verdicts where a claims file is silent; the words mark some domains."""
    domains = vocabulary.domains.items()
    return {
        "certainty": {
            "risk_of_bias": {
                "serious_share": 50.0,
                "very_serious_share": 50.0,
                "open_controls": ["usual_care", "waitlist"],
                "self_reported": [code for code, domain in domains if domain.self_reported],
                "not_bias": list(NOT_BIAS),
                **{"questioned_share": 50.0, "grave_share": 20.0, "very_grave_share": 50.0},
            },
            "inconsistency": {"i2_serious": 50.0, "i2_very_serious": 75.0},
            "indirectness": {"surrogate_domains": [code for code, domain in domains if domain.surrogate]},
            "imprecision": {
                **{"alpha": 0.05, "power": 0.8, "people": 400, "fewest_people": 100},
                **{"standardised": 0.2, "relative_change": 0.25, "absolute_change": 0.05},
            },
            "publication_bias": {"silent_share": 30.0, "asymmetry_p": 0.1, "asymmetry_trials": 10},
        },
        "verdicts": {
            **{"trials": 2, "supported_certainty": "moderate", "suggested_certainty": "low"},
            **{"harm_margin_ratio": 0.25, "harm_margin_difference": 0.05},
        },
    }


def load_claims(path: str | None, analyses: Iterable[str], vocabulary: Vocabulary | None = None) -> Row:
    """The rules with their defaults filled in, the overrides and the claims; without a file, no claim.

    Raises InputError naming every unknown key, analysis, kind and level, with the nearest known word.

    >>> load_claims(None, [])["claims"]
    {}
    """
    known, usual = list(analyses), default_rules(vocabulary or general())
    given = read_checked(path, "claims", lambda given: _unknown_analyses(given, known)) if path else {}
    certainty = {
        domain: {**rules, **(given.get("certainty") or {}).get(domain, {})}
        for domain, rules in usual["certainty"].items()
    }
    verdicts = {**usual["verdicts"], **(given.get("verdicts") or {})}
    rest = {name: given.get(name) or {} for name in ("overrides", "claims")}
    return {"certainty": certainty, "verdicts": verdicts, **rest}


def _unknown_analyses(given: Row, known: Sequence[str]) -> Iterator[Slip]:
    """The analyses that a sound file names and the configuration does not have."""
    named = [(("overrides", analysis), analysis) for analysis in given.get("overrides") or {}]
    for slug, claim in (given.get("claims") or {}).items():
        listed = [claim.get("also") or [], *(part["analyses"] for part in claim.get("parts") or [claim])]
        named += [(("claims", slug), analysis) for analyses in listed for analysis in analyses]
    for path, analysis in named:
        if analysis not in known:
            yield Slip(path, analysis, "not an analysis of the configuration", suggestion(analysis, known))
