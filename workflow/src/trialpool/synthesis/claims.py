"""Records and config/claims.yaml in, the appraisal out: certainty of every result, a verdict on every claim.

A verdict follows from written conditions on each result that answers the claim, each met or not; what is not
met says what would change it. Where no result has a number the verdict says whether trials are known. Kinds
of claim: `benefit` (any benefit of the experimental treatment), `important_benefit` (at least the smallest
important effect), `harm` (any harm), `no_more_harm` (no more than a stated margin).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trialpool import records as rec
from trialpool.errors import suggestion
from trialpool.evidence.risk_of_bias import NOT_BIAS
from trialpool.evidence.unused import Silence, silence_words, silent_trials
from trialpool.measures import MEASURES
from trialpool.records import Certainty, ClaimKind, Condition, Finding, Grade, Record, Status, Verdict
from trialpool.synthesis.absolute import absolute
from trialpool.synthesis.certainty import (
    CORE,
    DOMAINS,
    Row,
    assess,
    by_record,
    important_effects,
    in_important_effects,
)
from trialpool.synthesis.pool import restrict_record, without_estimate
from trialpool.synthesis.presentation import present
from trialpool.text import capital, count
from trialpool.vocabulary import Vocabulary, general
from trialpool.yaml_files import Slip, read_checked, shipped, yaml_text

Assess = Callable[[Record], Certainty | None]
Bounds = tuple[float | None, float | None]
SENTENCES = shipped("sentences")
WORDS = SENTENCES["verdicts"]


def appraise(
    records: Sequence[Record],
    judgements: Sequence[Row],
    rules: Row,
    audit: Sequence[Row] = (),
    published: Mapping[str, float] | None = None,
    specs: Mapping[str, Row] | None = None,
    instruments: Row | None = None,
) -> rec.Appraisal:
    """Certainty, absolute effect and presentation of every record, and a verdict on every claim.

    `judgements` are rows of risk_of_bias.csv, `rules` the whole of config/claims.yaml as `load_claims`
    returns it, `audit` the rows of audit.csv, `published` the most trials that a published review of the
    question of an analysis pooled, `specs` the settings of the analyses, `instruments` the catalogue's.
    """

    evidence_of = by_record(judgements, audit)

    def certainty(record: Record) -> Certainty | None:
        judged, found = evidence_of(record)
        overrides = rules["overrides"].get(record.analysis)
        known = (published or {}).get(record.analysis)
        return assess(record, judged, rules["certainty"], overrides, found, known)

    return rec.Appraisal(
        analyses={
            record.analysis: rec.ResultAppraisal(
                certainty=certainty(record),
                absolute=absolute(record),
                shown=present(record, (specs or {}).get(record.analysis, {}), instruments or {}),
            )
            for record in records
        },
        claims=judge_claims(rules["claims"], records, certainty, rules),
        summary=rec.from_json(tuple[rec.Ask, ...], rules.get("summary", ())),
    )


def judge_claims(
    claims: Mapping[str, Row], records: Iterable[Record], assess: Assess, rules: Row
) -> tuple[rec.Claim, ...]:
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
        verdict, reason = _combined_parts([part.verdict for part in parts]) or unanswered(
            by_analysis[analysis] for part in given for analysis in part["analyses"]
        )
        judged.append(
            rec.Claim(
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


def _judged_part(part: Row, by_analysis: Mapping[str, Record], assess: Assess, rules: Row) -> rec.ClaimPart:
    where, kind, findings = part.get("where") or {}, ClaimKind(part["kind"]), []
    for analysis in part["analyses"]:
        record = restrict_record(by_analysis[analysis], where) if where else by_analysis[analysis]
        certainty = assess(record)
        found = finding(record, certainty, kind, rules)
        if where:
            trials = tuple(study.study_id for study in record.studies)
            restricted = rec.taken(rec.Restricted, record, certainty=certainty, trials=trials)
            found = replace(found, restricted=restricted)
        findings.append(found)
    verdict, reason = _combined_findings([entry.verdict for entry in findings]) or unanswered(
        by_analysis[analysis] for analysis in part["analyses"]
    )
    return rec.ClaimPart(
        statement=part["statement"],
        kind=kind,
        where=dict(where),
        verdict=verdict,
        reason=reason,
        findings=tuple(findings),
        change=_what_would_change(verdict, findings),
    )


def _combined_findings(verdicts: Sequence[Verdict]) -> tuple[Verdict, str] | None:
    """One verdict from results that each answer the claim: the weakest of those with data, if any."""
    known = [verdict for verdict in verdicts if verdict.answered]
    if not known:
        return None
    if Verdict.CONTRADICTED in known and {Verdict.SUPPORTED, Verdict.SUGGESTED} & set(known):
        return Verdict.UNCLEAR, "the results contradict each other"
    return _weakest(known), "the weakest of the results decides" if len(set(known)) > 1 else ""


def _combined_parts(verdicts: Sequence[Verdict]) -> tuple[Verdict, str] | None:
    """One verdict from parts that must all hold: one that is not answered leaves all unclear, if any is."""
    known = [verdict for verdict in verdicts if verdict.answered]
    if not known:
        return None
    weakest = _weakest(known)
    if len(known) < len(verdicts) and weakest in (Verdict.SUPPORTED, Verdict.SUGGESTED):
        return Verdict.UNCLEAR, "a part of the claim is not answered"
    return weakest, "all parts must hold; the weakest decides" if len(set(verdicts)) > 1 else ""


def unanswered(records: Iterable[Record]) -> tuple[Verdict, str]:
    """Why results without a number leave a claim open, told of each known trial once.

    The tables do not say whether a trial of which no number could be read has measured the outcome, so that
    nobody's having measured it is never said.

    >>> from trialpool.records import sketch
    >>> unanswered([sketch(Record, {"known": [{"study_id": "A", "n_randomised": 90}, {"study_id": "B"}]})])[1]
    'none of the 2 known trials (at least 90 people randomised) could be read for it'
    """
    silent: dict[str, Silence] = {}
    sizes: dict[str, float] = {}
    for record in records:
        sizes |= {trial.study_id: trial.n_randomised or 0 for trial in record.known}
        for trial, why in silent_trials(replace(record, studies=())).items():
            silent[trial] = max(why, silent.get(trial, why), key=list(Silence).index)
    words = WORDS["unanswered"]
    if not silent:
        return Verdict.NO_TRIAL, words["no trial"]
    least, total = "" if all(sizes.values()) else "at least ", sum(sizes.values())
    people = words["people"].format(f"{least}{count(total, 'person', 'people')}") if total else ""
    trials = f"{count(len(silent), 'known trial')}{people}"
    unread = set(silent.values()) == {Silence.UNREAD}
    number = "one" if len(silent) == 1 else "several"
    reason = words["unread" if unread else "unusable"][number].format(trials=trials, people=people)
    told = "" if unread else f": {silence_words(silent.values())}"
    verdict = Verdict.NOT_READ if Silence.UNREAD in silent.values() else Verdict.NOT_USABLE
    return verdict, reason + told


def _weakest(verdicts: Iterable[Verdict]) -> Verdict:
    return max(verdicts, key=list(Verdict).index)


def _what_would_change(verdict: Verdict, findings: Sequence[Finding]) -> tuple[str, ...]:
    """What would have to be found for another verdict, from the conditions that are not met."""
    if verdict in WORDS["change"]:
        return (WORDS["change"][verdict],)
    unmet = (entry.need for found in findings for entry in found.conditions if not entry.met)
    return tuple(dict.fromkeys(unmet))


def finding(record: Record, certainty: Certainty | None, kind: ClaimKind, rules: Row) -> Finding:
    """One result's verdict on a claim.

    `certainty` is the record's assessment, `rules` the sections `verdicts` and `certainty` of
    config/claims.yaml. Verdicts: those of `unanswered` without a usable trial; "unclear" where certainty is
    below the rule's or the conclusion fragile under other choices; else "contradicted" where the whole
    interval lies on the other side; "supported" where all conditions are met; "suggested" where direction and
    size are met; "not supported" where the interval rules the claimed size out; otherwise "unclear".
    """
    if record.pooled is None:
        apart = record.status is Status.NOT_POOLED
        why = "no estimate" if without_estimate(record) else "not pooled"
        verdict, reason = (Verdict.UNCLEAR, WORDS[why]) if apart else unanswered([record])
        return Finding(analysis=record.analysis, verdict=verdict, reason=reason, conditions=())
    if kind is ClaimKind.HARM:  # a harm is a benefit the other way round
        record = replace(record, better="lower" if record.better == "higher" else "higher")
    case = _Case(record, certainty, kind, rules)
    conditions = tuple(case.conditions())
    return Finding(analysis=record.analysis, verdict=case.verdict(conditions), conditions=conditions)


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
        sure = self._sure("suggested_certainty") and self.read
        if low is None or high is None or fragile or not sure:
            return Verdict.UNCLEAR
        if high < 0:
            return Verdict.CONTRADICTED
        if all(condition.met for condition in conditions):
            return Verdict.SUPPORTED
        important = self.kind is ClaimKind.IMPORTANT_BENEFIT
        if conditions[0].met and (not important or self._estimate_important()):
            return Verdict.SUGGESTED
        claimed = important or (self.kind is not ClaimKind.NO_MORE_HARM and low <= 0)
        scaled = self._in_important_benefits()
        ruled_out = claimed and scaled is not None and scaled[2] < 1
        return Verdict.NOT_SUPPORTED if ruled_out else Verdict.UNCLEAR

    def conditions(self) -> Iterator[Condition]:
        """What a supported claim needs of its result, each condition met or not; the direction first."""
        record, (low, high), certainty = self.record, _benefit_interval(self.record), self.certainty
        harm, k = self.kind is ClaimKind.NO_MORE_HARM, record.k
        ratio, margins = MEASURES[record.measure].ratio, self.rules["verdicts"]
        margin = float(margins[f"harm_margin_{'ratio' if ratio else 'difference'}"]) if harm else 0.0
        excess = f"{100 * margin:.0f}%" if ratio else f"{margin:g}"
        of = "harm" if harm else "direction"
        yield _condition("direction", low is not None and low > -margin, of=of, excess=excess)
        if self.kind is ClaimKind.IMPORTANT_BENEFIT:
            scaled, known = self._in_important_benefits(), important_effects(record, self._imprecision)
            met, large = scaled is not None and scaled[1] >= 1, self._estimate_important()
            case = "unknown" if known is None else "met" if met else "large" if large else "unmet"
            yield _condition("importance", met, case)
        yield _condition("trials", k >= self.rules["verdicts"]["trials"], "one" if k == 1 else "several", k=k)
        least, _ = _benefit_interval(record, ("pi_low", "pi_high"))
        if k > 1:
            met = least is not None and least > -margin
            yield _condition("prediction", met, "unknown" if least is None else "")
        domains = certainty.domains if certainty else ()
        reasons = ", ".join(DOMAINS[domain.domain] for domain in domains if domain.levels_down)
        said = {"level": certainty.level if certainty else "not assessed", "reasons": reasons}
        sure = self._sure("supported_certainty")
        yield _condition("certainty", sure, "lowered" if reasons else "whole", **said)
        unread = certainty.unread if certainty else ""
        yield _condition("reading", self.read, "" if unread else "all", unread=unread)
        grade, agreement = record.robustness.grade, record.robustness.agreement
        unclear = low is not None and high is not None and low <= 0 <= high
        if agreement is not None and not unclear:  # that others include no difference too is no support
            said = {"grade": capital(SENTENCES["grades"][grade]), "share": f"{100 * agreement:.0f}%"}
            yield _condition("robustness", grade is Grade.ROBUST, **said)

    @property
    def read(self) -> bool:
        """Whether enough of what is known could be read: else a verdict would be one on the reading."""
        share = self.certainty.unread_share if self.certainty else 0.0
        return bool(share < self.rules["verdicts"]["unread_share"])

    def _sure(self, rule: str) -> bool:
        levels = list(rec.Sureness)
        needed = levels.index(rec.Sureness(self.rules["verdicts"][rule]))
        return self.certainty is not None and levels.index(self.certainty.level) >= needed

    @property
    def _imprecision(self) -> Row:
        rules: Row = self.rules["certainty"]["imprecision"]
        return rules

    def _in_important_benefits(self) -> tuple[float, float, float] | None:
        """Estimate and interval in smallest important benefits; None where none is known.

        Of ratios the relative effect; by Core GRADE the one that its target is of.
        """
        core = self.rules["certainty"].get("grade") == CORE
        relative = MEASURES[self.record.measure].ratio and not core
        scaled = in_important_effects(self.record, self._imprecision, relative)
        if scaled is None or self.record.better == "higher":
            return scaled
        estimate, low, high = scaled
        return -estimate, -high, -low

    def _estimate_important(self) -> bool:
        scaled = self._in_important_benefits()
        return scaled is not None and scaled[0] >= 1


def _condition(name: str, met: bool, case: str = "", of: str = "", **values: Any) -> Condition:
    """A condition in the words of its case, or of being met or not."""
    words = WORDS["conditions"][of or name]
    text, need = words[case or ("met" if met else "unmet")], words["need"]
    return Condition(name=name, met=met, text=text.format(**values), need=need.format(**values))


def default_rules(vocabulary: Vocabulary) -> Mapping[str, Mapping[str, Any]]:
    """The rules of certainty and verdicts where a claims file is silent: by its schema, and by the words."""
    domains, properties = vocabulary.domains.items(), shipped("claims.schema")["properties"]
    marked = {
        "self_reported": [code for code, domain in domains if domain.self_reported],
        "surrogate_domains": [code for code, domain in domains if domain.surrogate],
        "not_bias": list(NOT_BIAS),
    }

    def usual(rules: Row) -> Mapping[str, Any]:
        known = rules["properties"].items()
        return {name: marked[name] if name in marked else rule["default"] for name, rule in known}

    certainty = properties["certainty"]["properties"]
    return {
        "certainty": {domain: usual(rules) for domain, rules in certainty.items()},
        "verdicts": usual(properties["verdicts"]),
    }


def load_claims(path: str | None, analyses: Iterable[str], vocabulary: Vocabulary | None = None) -> Row:
    """The rules with their defaults filled in, the overrides and the claims; without a file, no claim.

    `analyses` are their slugs, or the resolved analyses by slug.

    Raises InputError naming every unknown key, analysis, domain, kind and level, with the nearest known word,
    and bounds on a dose that are turned round.
    """
    known, words = list(analyses), vocabulary or general()
    specs = analyses if isinstance(analyses, Mapping) else {}
    alone = [slug for slug, spec in specs.items() if spec["control"] == []]
    usual = default_rules(words)
    given = (
        read_checked(path, "claims", lambda given: _claim_slips(given, known, words, alone)) if path else {}
    )
    certainty = {
        domain: {**rules, **(given.get("certainty") or {}).get(domain, {})}
        for domain, rules in usual["certainty"].items()
    }
    verdicts = {**usual["verdicts"], **(given.get("verdicts") or {})}
    rest: Row = {"overrides": {}, "claims": {}, "summary": []}
    rest = {name: given.get(name) or none for name, none in rest.items()}
    return {"certainty": certainty, "verdicts": verdicts, **rest}


def _claim_slips(
    given: Row, analyses: Sequence[str], words: Vocabulary, alone: Sequence[str] = ()
) -> Iterator[Slip]:
    """What the schema cannot say of a claims file; `alone` are the analyses of one group."""
    yield from _unknown_analyses(given, analyses)
    domains = words.table_words()["domain"]
    for domain in (given.get("certainty") or {}).get("imprecision", {}).get("absolute_by_domain", ()):
        if domain not in words.domains and domains.refuses(domain):
            place = ("certainty", "imprecision", "absolute_by_domain", domain)
            yield Slip(place, domain, "not a domain of the vocabulary", suggestion(domain, words.domains))
    for slug, claim in (given.get("claims") or {}).items():
        parts = [(("parts", str(at)), part) for at, part in enumerate(claim.get("parts") or ())]
        for path, part in [((), claim), *parts]:
            for analysis in part.get("analyses", ()):
                if analysis in alone:
                    place, problem = (
                        ("claims", slug, *path, "analyses"),
                        "of one group, and a claim is of two",
                    )
                    yield Slip(place, analysis, problem, "remove it, or name a comparison")
            for dose, (low, high) in part.get("where", {}).items():
                if low > high:
                    remedy = f"write the lower one first: [{high:g}, {low:g}]"
                    yield Slip(
                        ("claims", slug, *path, "where", dose),
                        yaml_text([low, high]),
                        "not two numbers in ascending order",
                        remedy,
                    )


def _unknown_analyses(given: Row, known: Sequence[str]) -> Iterator[Slip]:
    """The analyses that a sound file names and the configuration does not have."""
    named: list[tuple[tuple[str, ...], str]]
    named = [(("overrides", analysis), analysis) for analysis in given.get("overrides") or {}]
    for slug, claim in (given.get("claims") or {}).items():
        listed = [claim.get("also") or [], *(part["analyses"] for part in claim.get("parts") or [claim])]
        named += [(("claims", slug), analysis) for analyses in listed for analysis in analyses]
    for at, each in enumerate(given.get("summary") or ()):
        named += [(("summary", str(at), "analyses"), analysis) for analysis in each["analyses"]]
    for path, analysis in named:
        if analysis not in known:
            yield Slip(path, analysis, "not an analysis of the configuration", suggestion(analysis, known))
