from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from trialpool.errors import InputError
from trialpool.synthesis import claims, verdicts
from trialpool.synthesis.claims_file import DEFAULT_RULES, load_claims
from trialpool.synthesis.subset import restricted

ROOT = Path(__file__).parents[3]
SURE = {"level": "high", "domains": []}
UNSURE = {"level": "low", "domains": [{"domain": "risk_of_bias", "levels_down": 2}]}
BARELY = {"level": "very low", "domains": []}


def record(low=-2.6, high=-1.4, analysis="a", **changes):
    pooled = {"estimate": (low + high) / 2, "ci_low": low, "ci_high": high, "pi_low": low, "pi_high": high}
    values = {
        **{"analysis": analysis, "status": "pooled", "k": 3, "measure": "MD", "better": "lower"},
        **{"domain": "pain", "mcid": {"value": 1.0}, "pooled": pooled, "studies": []},
        **{"n_experimental": 100, "n_control": 100},
    }
    return values | changes


def verdict(tested, certainty=SURE, kind="benefit"):
    return verdicts.finding(tested, certainty, kind, DEFAULT_RULES)["verdict"]


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
    wide = record()
    wide["pooled"] |= {"pi_low": -4.0, "pi_high": 0.5}
    assert verdict(wide) == "suggested"


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
    assert verdict(record(robustness={"grade": grade, "agreement": agreement})) == expected


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
    assert verdict(tested | {"better": "lower"}) == "contradicted"


def test_no_trial_is_no_evidence():
    assert verdict(record(status="no_data", pooled=None)) == "no evidence"


def judged(claim, records, certainty=SURE):
    (found,) = claims.judge_claims({"c": claim}, records, lambda _: certainty, DEFAULT_RULES)
    return found


def test_the_weakest_result_decides_and_gaps_do_not():
    tested = [record(), record(-2.6, 0.4, "b"), record(analysis="c", status="no_data", pooled=None)]
    claim = {"statement": "S", "kind": "benefit", "analyses": ["a", "b", "c"]}
    found = judged(claim, tested)
    assert found["verdict"] == "unclear"
    assert [entry["verdict"] for entry in found["parts"][0]["findings"]] == [
        *("supported", "unclear", "no evidence"),
    ]
    assert "more people, until the interval leaves no difference" in found["change"]


def test_a_part_without_evidence_leaves_the_whole_unclear():
    gap = record(analysis="b", status="no_data", pooled=None)
    parts = [{"statement": n, "kind": "benefit", "analyses": [n]} for n in ("a", "b")]
    found = judged({"statement": "S", "parts": parts}, [record(), gap])
    assert (found["verdict"], found["reason"]) == ("unclear", "a part of the claim has no evidence")


def test_contradicting_results_are_unclear():
    found = judged(
        {"statement": "S", "kind": "benefit", "analyses": ["a", "b"]}, [record(), record(0.2, 0.9, "b")]
    )
    assert found["verdict"] == "unclear"
    assert "contradict" in found["reason"]


def dosed(study_id, sessions, effect):
    return {
        **{"study_id": study_id, "sessions": sessions, "effect": effect, "variance": 0.04},
        **{"n_experimental": 30.0, "n_control": 30.0},
    }


def test_a_dose_restricts_the_trials_and_pools_them_again():
    methods = {"tau2_method": "REML", "interval": "hksj_adhoc", "level": 0.95}
    methods |= {"several_effects": "prefer", "multi_arm": "combine"}
    studies = [dosed("A", 10, -1.0), dosed("B", 12, -1.2), dosed("C", 30, 2.0), dosed("D", None, 2.0)]
    whole = record(studies=studies, methods=methods, k=4)
    part = restricted(whole, {"sessions": [8, 16]})
    assert (part["k"], part["status"], part["n_control"]) == (2, "pooled", 60)
    assert part["pooled"]["estimate"] == pytest.approx(-1.1)
    single = restricted(whole, {"sessions": [29, 31]})
    assert (single["status"], single["pooled"]["estimate"]) == ("single_study", 2.0)
    assert restricted(whole, {"sessions": [100, 200]})["status"] == "no_data"
    claim = {"statement": "S", "kind": "benefit", "analyses": ["a"], "where": {"sessions": [8, 16]}}
    (shown,) = judged(claim, [whole])["parts"][0]["findings"]
    assert shown["restricted"]["trials"] == ["A", "B"]


def test_shipped_rules_are_the_documented_defaults():
    shipped = yaml.safe_load((ROOT / "config/claims.yaml").read_text(encoding="utf-8"))
    assert {key: shipped[key] for key in DEFAULT_RULES} == DEFAULT_RULES


def test_shipped_claims_name_analyses_of_the_config():
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    rules = load_claims(str(ROOT / "config/claims.yaml"), config["analyses"])
    assert len(rules["claims"]) == 9


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("claim: {}", "did you mean 'claims'"),
        ("certainty: {imprecision: {powr: 0.8}}", "did you mean 'power'"),
        ("verdicts: {supported_certainty: certain}", "'certain' is not known here"),
        ("claims: {c: {statement: S, kind: benefit, analyses: [dpn-pian]}}", "did you mean 'dpn-pain'"),
        ("claims: {c: {statement: S, kind: benefits, analyses: [dpn-pain]}}", "did you mean 'benefit'"),
        ("claims: {c: {statement: S, kind: benefit}}", "the key 'analyses' is missing"),
        ("overrides: {dpn-pain: {imprecision: {levels: 3, reason: R}}}", "an override needs"),
        ("overrides: {dpn-pain: {bias: {levels: 1, reason: R}}}", "'bias' is not known here"),
    ],
)
def test_a_slip_in_the_claims_file_is_named_with_the_nearest_word(tmp_path, text, said):
    path = tmp_path / "claims.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        load_claims(str(path), ["dpn-pain"])


@pytest.mark.parametrize(("high", "told"), [(-1.4, "analyses agree"), (1.0, "leave no difference possible")])
def test_agreement_on_an_open_question_is_not_told_as_support(high, told):
    """That other analyses are just as unclear must not read as if they agreed with the claim."""
    held = record(high=high, robustness={"grade": "robust", "agreement": 1.0})
    conditions = verdicts.finding(held, SURE, "benefit", DEFAULT_RULES)["conditions"]
    assert told in next(entry["text"] for entry in conditions if entry["name"] == "robustness")


def test_a_wide_prediction_interval_says_either_way_not_the_other_way():
    wide = record()
    wide["pooled"] |= {"pi_low": -6.0, "pi_high": 2.0}
    conditions = verdicts.finding(wide, SURE, "benefit", DEFAULT_RULES)["conditions"]
    assert "A new trial may point either way" in [entry["text"] for entry in conditions]
