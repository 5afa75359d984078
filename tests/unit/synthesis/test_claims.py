from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.unit.page.demo import SHIPPED
from tests.unit.synthesis.made_up import pooled, study
from tests.unit.synthesis.made_up import record as made_up
from trialpool.errors import InputError
from trialpool.protocol import read_protocol
from trialpool.records import (
    Appraisal,
    Certainty,
    ClaimKind,
    DomainRating,
    Grade,
    Known,
    Robustness,
    Status,
    Sureness,
    Unused,
    Verdict,
    sketch,
)
from trialpool.synthesis import claims
from trialpool.synthesis.claims import default_rules, load_claims
from trialpool.yaml_files import schema_of

ROOT = Path(__file__).parents[3]
DEFAULT_RULES = default_rules(SHIPPED)
BIASED = DomainRating(domain="risk_of_bias", levels_down=2, reason="", overridden=False)
SURE = Certainty(level=Sureness.HIGH, suggested=Sureness.HIGH, domains=())
UNSURE = Certainty(level=Sureness.LOW, suggested=Sureness.LOW, domains=(BIASED,))
BARELY = Certainty(level=Sureness.VERY_LOW, suggested=Sureness.VERY_LOW, domains=())


def record(low=-2.6, high=-1.4, analysis="a", **changes):
    values = {"pooled": pooled(low, high), "k": 3, "n_experimental": 100, "n_control": 100, "studies": ()}
    return made_up(analysis=analysis, **{**values, **changes})


def gap(analysis="a"):
    return record(analysis=analysis, status=Status.NO_DATA, pooled=None)


def test_trials_too_unlike_to_be_pooled_leave_a_claim_unclear_not_unread():
    unlike = replace(record(), status=Status.NOT_POOLED, pooled=None)
    found = claims.finding(unlike, None, ClaimKind.BENEFIT, DEFAULT_RULES)
    assert (found.verdict, found.conditions) == (Verdict.UNCLEAR, ())
    assert "too unlike" in found.reason
    counted = replace(unlike, methods=replace(unlike.methods, method="glmm"))
    found = claims.finding(counted, None, ClaimKind.BENEFIT, DEFAULT_RULES)
    assert found.reason == "the method chosen has no estimate from its trials"


def verdict(tested, certainty=SURE, kind="benefit"):
    return claims.finding(tested, certainty, ClaimKind(kind), DEFAULT_RULES).verdict


def robust(grade, agreement):
    return Robustness(grade=Grade(grade), sentence="", agreement=agreement, breaks=())


@pytest.mark.parametrize(
    ("low", "high", "kind", "expected"),
    [
        (-2.6, -1.4, "benefit", "supported"),
        (-2.6, -0.4, "benefit", "supported"),
        (-2.6, 0.4, "benefit", "unclear"),
        (-0.6, 0.4, "benefit", "not supported"),
        (0.2, 0.9, "benefit", "contradicted"),
        (-2.6, -1.4, "important_benefit", "supported"),
        (-2.6, -0.4, "important_benefit", "suggested"),
        (-1.2, -0.4, "important_benefit", "unclear"),
        (-0.9, -0.4, "important_benefit", "not supported"),
        (0.2, 0.9, "important_benefit", "contradicted"),
    ],
)
def test_verdict_follows_the_interval_and_the_mcid(low, high, kind, expected):
    assert verdict(record(low, high), SURE, kind) == expected


def test_certainty_caps_the_verdict():
    assert verdict(record(), UNSURE) == "suggested"
    assert verdict(record(), BARELY) == "unclear"
    assert verdict(record(0.2, 0.9), BARELY) == "unclear"
    assert verdict(record(), None) == "unclear"


def test_one_trial_or_a_wide_prediction_interval_only_suggests():
    assert verdict(record(k=1)) == "suggested"
    assert verdict(record(pooled=pooled(pi_low=-4.0, pi_high=0.5))) == "suggested"


@pytest.mark.parametrize(
    ("grade", "agreement", "expected"),
    [
        ("robust", 0.95, "supported"),
        ("sensitive", 0.7, "suggested"),
        ("fragile", 0.3, "unclear"),
        ("not assessable", None, "supported"),
    ],
)
def test_other_defensible_analyses_count_where_they_were_tried(grade, agreement, expected):
    assert verdict(record(robustness=robust(grade, agreement))) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.7, 1.2, "supported"), (0.7, 1.3, "unclear"), (1.1, 1.4, "contradicted"), (0.5, 0.9, "supported")],
)
def test_no_more_harm_means_within_the_margin(low, high, expected):
    tested = record(low, high, measure="RR", mcid=None, domain="withdrawal")
    assert verdict(tested, SURE, "no_more_harm") == expected


def test_benefit_of_a_ratio_where_higher_is_better():
    tested = record(1.2, 2.0, measure="RR", better="higher", mcid=None)
    assert verdict(tested) == "supported"
    assert verdict(replace(tested, better="lower")) == "contradicted"


SILENT = {  # of 60 people, of an unknown number, of 40
    "A": {"n_randomised": 60},
    "B": {"n_randomised": None},
    "C": {"n_randomised": 40, "has_numbers": True},
}


def known(*names):
    return tuple(sketch(Known, study_id=name, **SILENT[name]) for name in names)


def lacking(name, code):
    return (sketch(Unused, study_id=name, reason_code=code),)


@pytest.mark.parametrize(
    ("trials", "unused", "expected", "reason"),
    [
        ("", (), "no trial", "no trial of this comparison is known"),
        ("A", (), "not read", "the one known trial (60 people randomised) could not be read for it"),
        (
            "AB",
            (),
            "not read",
            "none of the 2 known trials (at least 60 people randomised) could be read for it",
        ),
        (
            "AC",
            lacking("C", "no_spread"),
            "not read",
            "none of the 2 known trials (100 people randomised) could be used for it: "
            "of one no number for this outcome could be read, the numbers of one cannot be used",
        ),
        (
            "C",
            lacking("C", "no_spread"),
            "not usable",
            "the one known trial (40 people randomised) could not be used for it: "
            "its numbers for this outcome cannot be used",
        ),
        (
            "C",
            lacking("C", "other_time"),
            "not usable",
            "the one known trial (40 people randomised) could not be used for it: "
            "its numbers for this outcome answer another question",
        ),
    ],
)
def test_a_claim_without_numbers_says_whether_trials_are_known(trials, unused, expected, reason):
    found = judged(
        {"statement": "S", "kind": "benefit", "analyses": ["a"]},
        [replace(gap(), known=known(*trials), not_used=unused)],
    )
    assert (found.verdict, found.reason) == (expected, reason)
    (entry,) = found.parts[0].findings
    assert (entry.verdict, entry.reason) == (expected, reason)
    assert not entry.verdict.answered


def test_a_trial_that_could_answer_two_gaps_counts_once():
    """Trial C has numbers for one of the gaps that cannot be used, and none for the other."""
    one = replace(gap(), known=known("A", "C"), not_used=lacking("C", "no_n"))
    other = replace(gap("b"), known=(*known("A"), sketch(Known, study_id="C", n_randomised=40)))
    claim = {"statement": "S", "kind": "benefit", "analyses": ["a", "b"]}
    told = (
        "none of the 2 known trials (100 people randomised) could be used for it: of one no number for this "
        "outcome could be read, the numbers of one cannot be used"
    )
    whole = judged(claim, [one, other])
    assert (whole.verdict, whole.reason) == ("not read", told)
    parts = [{"statement": name, "kind": "benefit", "analyses": [name]} for name in ("a", "b")]
    assert judged({"statement": "S", "parts": parts}, [one, other]).reason == told
    assert whole.change == (
        "numbers of the known trials, or a first trial that reports this outcome with a "
        "spread or with counts",
    )


def test_trials_of_another_dose_are_known_and_answer_another_question():
    trial = study("A", sessions=30, effect=-1.0, variance=0.04, n_experimental=30, n_control=30)
    whole = record(studies=(trial,), known=(sketch(Known, study_id="A", n_randomised=60, has_numbers=True),))
    claim = {"statement": "S", "kind": "benefit", "analyses": ["a"], "where": {"sessions": [8, 16]}}
    found = judged(claim, [whole])
    assert (found.verdict, found.reason.partition(": ")[2]) == (
        "not usable",
        "its numbers for this outcome answer another question",
    )


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.2, 3.2, "supported"),
        (-0.2, 3.2, "unclear"),
        (-2.6, -0.4, "contradicted"),
        (-2.6, 0.4, "not supported"),
    ],
)
def test_a_harm_is_claimed_of_the_other_side(low, high, expected):
    """Of pain lower is better, and 1 point matters: 0.4 more at most rules an important harm out."""
    tested = record(pooled=pooled(low, high, pi_low=low, pi_high=high))
    assert verdict(tested, SURE, "harm") == expected
    fewer = {"supported": "suggested"}.get(expected, expected)
    assert verdict(replace(tested, k=1), SURE, "harm") == fewer


def judged(claim, records, certainty=SURE):
    (found,) = claims.judge_claims({"c": claim}, records, lambda _: certainty, DEFAULT_RULES)
    return found


def test_the_weakest_result_decides_and_gaps_do_not():
    tested = [record(), record(-2.6, 0.4, "b"), gap("c")]
    claim = {"statement": "S", "kind": "benefit", "analyses": ["a", "b", "c"]}
    found = judged(claim, tested)
    assert found.verdict == "unclear"
    assert [entry.verdict for entry in found.parts[0].findings] == [
        *("supported", "unclear", "no trial"),
    ]
    assert "more people, until the interval leaves no difference" in found.change


def test_a_part_without_an_answer_leaves_the_whole_unclear():
    parts = [{"statement": n, "kind": "benefit", "analyses": [n]} for n in ("a", "b")]
    found = judged({"statement": "S", "parts": parts}, [record(), gap("b")])
    assert (found.verdict, found.reason) == ("unclear", "a part of the claim is not answered")


def test_contradicting_results_are_unclear():
    found = judged(
        {"statement": "S", "kind": "benefit", "analyses": ["a", "b"]}, [record(), record(0.2, 0.9, "b")]
    )
    assert found.verdict == "unclear"
    assert "contradict" in found.reason


def test_a_restricted_result_brings_its_numbers():
    studies = tuple(
        study(name, sessions=sessions, effect=value, variance=0.04, n_experimental=30, n_control=30)
        for name, sessions, value in (("A", 10, -1.0), ("B", 12, -1.2), ("C", 30, 2.0))
    )
    claim = {"statement": "S", "kind": "benefit", "analyses": ["a"], "where": {"sessions": [8, 16]}}
    (shown,) = judged(claim, [record(studies=studies)]).parts[0].findings
    assert shown.restricted.trials == ("A", "B")
    assert shown.restricted.pooled.estimate == pytest.approx(-1.1)
    assert judged(claim | {"where": {}}, [record()]).parts[0].findings[0].restricted is None


def test_shipped_rules_are_the_documented_defaults():
    shipped = yaml.safe_load((ROOT / "config/claims.yaml").read_text(encoding="utf-8"))
    expected = copy.deepcopy(DEFAULT_RULES)
    for rules in (shipped["certainty"], expected["certainty"]):
        rules["risk_of_bias"]["self_reported"].sort()
    # words of this review, of which a package knows none
    own = (("risk_of_bias", "open_treatments"), ("indirectness", "composite_outcomes"))
    for domain, name in (*own, ("imprecision", "absolute_by_domain")):
        assert shipped["certainty"][domain][name]
        assert not expected["certainty"][domain][name]
        expected["certainty"][domain][name] = shipped["certainty"][domain][name]
    assert {key: shipped[key] for key in expected} == expected


def test_the_schema_knows_every_rule_and_no_other():
    known = schema_of("claims").schema["properties"]
    assert set(known["verdicts"]["properties"]) == set(DEFAULT_RULES["verdicts"])
    domains = known["certainty"]["properties"]
    assert {name: set(rules["properties"]) for name, rules in domains.items()} == {
        name: set(rules) for name, rules in DEFAULT_RULES["certainty"].items()
    }


def test_shipped_claims_name_analyses_of_the_config():
    rules = load_claims(str(ROOT / "config/claims.yaml"), read_protocol(ROOT / "config/config.yaml").analyses)
    assert len(rules["claims"]) == 16


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("claim: {}", "did you mean 'claims'"),
        ("certainty: {imprecision: {powr: 0.8}}", "did you mean 'power'"),
        (
            "verdicts: {supported_certainty: certain}",
            "'certain' is not one of: very low, low",
        ),
        ("claims: {c: {statement: S, kind: benefit, analyses: [dpn-pian]}}", "did you mean 'dpn-pain'"),
        ("claims: {c: {statement: S, kind: benefits, analyses: [dpn-pain]}}", "did you mean 'benefit'"),
        ("claims: {c: {statement: S, kind: benefit}}", "the key 'analyses' is missing"),
        ("overrides: {dpn-pain: {imprecision: {levels: 3, reason: R}}}", "'3' is not one of: 0, 1, 2"),
        ("overrides: {dpn-pain: {imprecision: {levels: 1}}}", "the key 'reason' is missing"),
        ("certainty: {imprecision: {power: high}}", "'high' is not a number"),
        ("claims: {c: {statement: S, parts: [{statement: S, kind: benefit}]}}", "'analyses' is missing"),
        ("claims: {c: {statement: S, kind: benefit, analyses: []}}", "not a list of analyses"),
        (
            "claims: {c: {statement: S, kind: benefit, analyses: [dpn-pain], also: [x]}}",
            "'x' is not an analysis",
        ),
        ("overrides: {x: {imprecision: {levels: 1, reason: R}}}", "'x' is not an analysis"),
        ("overrides: {dpn-pain: {bias: {levels: 1, reason: R}}}", "the key 'bias' is not known"),
    ],
)
def test_a_slip_in_the_claims_file_is_named_with_the_nearest_word(tmp_path, text, said):
    path = tmp_path / "claims.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        load_claims(str(path), ["dpn-pain"])


def test_agreement_on_an_open_question_is_not_told_as_support():
    """That other analyses are just as unclear must not read as if they agreed with the claim."""

    def told(high):
        held = record(high=high, robustness=robust("robust", 1.0))
        conditions = claims.finding(held, SURE, ClaimKind.BENEFIT, DEFAULT_RULES).conditions
        return [entry.text for entry in conditions if entry.name == "robustness"]

    agree = "Does not depend on our choices: 100% of other defensible analyses agree"
    assert (told(-1.4), told(1.0)) == ([agree], [])


def test_few_trials_meet_no_fewer_conditions():
    """Without a prediction interval nothing says that a new trial would agree."""
    few = record(pooled=pooled(pi_low=None, pi_high=None))
    assert verdict(record()) == "supported"
    assert verdict(few) == "suggested"
    conditions = claims.finding(few, SURE, ClaimKind.BENEFIT, DEFAULT_RULES).conditions
    assert "Too few trials to say what a new one may show" in [entry.text for entry in conditions]


def test_trials_that_could_not_be_read_block_a_verdict():
    unread = replace(SURE, unread="1 of 3 known trials have no number", unread_share=33.0)
    whole, part = (
        claims.finding(record(), sure, ClaimKind.BENEFIT, DEFAULT_RULES) for sure in (SURE, unread)
    )
    assert (whole.verdict, part.verdict) == ("supported", "unclear")
    assert "the numbers of trials that are known and could not be read here" in [
        entry.need for entry in part.conditions if not entry.met
    ]


def test_a_wide_prediction_interval_says_either_way_not_the_other_way():
    wide = record(pooled=pooled(pi_low=-6.0, pi_high=2.0))
    conditions = claims.finding(wide, SURE, ClaimKind.BENEFIT, DEFAULT_RULES).conditions
    assert "A new trial may point either way" in [entry.text for entry in conditions]


def test_without_a_file_and_without_records_nothing_is_claimed():
    rules = load_claims(None, [])
    assert rules["claims"] == {}
    assert claims.appraise([], [], rules) == Appraisal(analyses={}, claims=())


def test_a_claim_is_not_of_one_group(tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_text("claims:\n  works: {statement: It works., kind: benefit, analyses: [alone]}\n", "utf-8")
    with pytest.raises(InputError, match="of one group, and a claim is of two"):
        load_claims(str(path), {"alone": {"control": []}})
