"""Imprecision by Core GRADE: a target of certainty, and up to three levels for what the interval crosses."""

from __future__ import annotations

import pytest

from tests.unit.synthesis.made_up import pooled, record, study
from tests.unit.synthesis.test_certainty import LOW_RISK, RULES
from trialpool.records import ClaimKind, Difference, Verdict, sketch
from trialpool.synthesis import certainty
from trialpool.synthesis.claims import default_rules, finding
from trialpool.view.question import informative_statement
from trialpool.view.read import Appraised
from trialpool.vocabulary import general

IMPRECISION = RULES["imprecision"]
LEAST = Difference(value=1.0, unit="points", source="a page")


def found(estimate, low, high, n=400, **changes):
    both = {"n_experimental": n, "n_control": n}
    result = pooled(estimate=estimate, ci_low=low, ci_high=high)
    studies = [study(name, **both) for name in "AB"]
    return record(
        mcid=LEAST, pooled=result, studies=studies, n_experimental=2 * n, n_control=2 * n, **changes
    )


@pytest.mark.parametrize(
    ("effect", "target", "levels"),
    [
        ((-2.0, -2.5, -1.5), "important", 0),
        ((-2.0, -3.0, -0.5), "important", 1),
        ((-1.2, -2.6, 0.2), "important", 2),
        ((-1.2, -3.6, 1.2), "important", 3),
        ((1.2, 0.8, 1.6), "important", 1),
        ((-0.2, -0.8, 0.4), "little", 0),
        ((-0.2, -1.2, 0.8), "little", 1),
        ((-0.2, -1.6, 1.2), "little", 2),
    ],
)
def test_levels_are_those_of_the_thresholds_of_the_target(effect, target, levels):
    own = found(*effect)
    assert certainty.target_of(own, IMPRECISION)[0] == target
    down, reason = certainty.core_imprecision(own, IMPRECISION)
    assert down == levels
    assert reason.startswith("The interval ")


def test_a_harm_is_a_target_too():
    assert (
        certainty.target_of(found(1.2, 0.8, 1.6), IMPRECISION)[1] == "an important harm, of 1 points or more"
    )


def test_without_an_important_effect_certainty_is_of_any():
    own = record(mcid=None, pooled=pooled(estimate=-0.5, ci_low=-1.0, ci_high=0.2))
    assert certainty.target_of(own, IMPRECISION) == ("any", "whether there is any effect")
    assert certainty.core_imprecision(own, IMPRECISION)[0] == 1


@pytest.mark.parametrize(("n", "levels"), [(1000, 0), (60, 1), (20, 2)])
def test_of_a_large_effect_the_information_size_counts(n, levels):
    studies = [study("A", n_experimental=n, n_control=n, sd_experimental=2.5, sd_control=2.5)]
    known = {"mcid": LEAST, "studies": studies, "k": 1, "n_experimental": n, "n_control": n}
    own = record(pooled=pooled(estimate=-4.0, ci_low=-5.0, ci_high=-3.0), **known)
    assert certainty.optimal_size(own, IMPRECISION) == 197
    assert certainty.core_imprecision(own, IMPRECISION)[0] == levels


def test_an_interval_that_is_not_known_takes_three_levels():
    own = record(pooled=pooled(estimate=-1.0, ci_low=None, ci_high=None))
    assert certainty.core_imprecision(own, IMPRECISION)[0] == 3


def test_the_option_decides_and_the_target_is_stated():
    own = found(-1.2, -3.6, 1.2)
    usual, core = (certainty.assess(own, LOW_RISK, {**RULES, "grade": grade}) for grade in ("grade", "core"))
    levels = [{each.domain: each.levels_down for each in one.domains}["imprecision"] for one in (usual, core)]
    assert levels == [2, 3]
    assert (usual.target, core.target) == (None, "an important benefit, of 1 points or more")
    assert certainty.assess(own, LOW_RISK, RULES) == usual


def rare(ratio, low, high, **changes):
    """80 of 5,000 in the control arm of either trial, where 50 of 1,000 are the smallest important effect."""
    events = {"events_control": 80.0, "n_control": 5000.0, "n_experimental": 5000.0, "n_randomised": 10000}
    result = pooled(estimate=ratio, ci_low=low, ci_high=high)
    known = {"measure": "RR", "mcid": None, "domain": "incidence"} | changes
    return record(studies=[study(name, **events) for name in "AB"], pooled=result, **known)


def statement(own, size):
    known = {"status": "pooled", "measure": own.measure, "better": own.better, "domain": "incidence"}
    known |= {
        "experimental_name": "vaccine",
        "control_name": "none",
        "certainty": {"level": "low", "size": size},
    }
    bounds = {name: getattr(own.pooled, name) for name in ("estimate", "ci_low", "ci_high")}
    return informative_statement(sketch(Appraised, known | {"pooled": bounds}))


@pytest.mark.parametrize(
    ("effect", "target", "size"),
    [
        ((0.49, 0.33, 0.73), "little", "trivial"),
        ((0.9, 0.7, 1.1), "little", "trivial"),
        ((6.0, 5.0, 7.0), "important", "important"),
        ((9.0, 8.0, 10.0), "important", "large"),
    ],
)
def test_target_and_sentence_are_of_the_same_absolute_effect(effect, target, size):
    own = rare(*effect)
    usual, core = (certainty.assess(own, LOW_RISK, {**RULES, "grade": grade}) for grade in ("grade", "core"))
    assert (certainty.target_of(own, IMPRECISION)[0], core.size) == (target, size)
    said = statement(own, core.size)
    assert ("little or no difference" in said) == (target == "little")
    assert ("by a large amount" in said) == (size == "large")
    assert usual.size == certainty.size_of(own, IMPRECISION)


@pytest.mark.parametrize("estimate", [-0.9, -1.1, 0.9, 1.1, -2.1])
def test_target_and_size_of_means_agree_whatever_the_interval_includes(estimate):
    own = found(estimate, estimate - 2, estimate + 2)
    core = certainty.assess(own, LOW_RISK, {**RULES, "grade": "core"})
    assert (core.size == "trivial") == core.target.startswith("little")


def test_half_of_a_rare_harm_is_no_important_benefit_by_core_grade():
    own, rules = rare(0.49, 0.33, 0.7), default_rules(general())
    verdicts = []
    for grade in ("grade", "core"):
        both = {**rules, "certainty": {**RULES, "grade": grade}}
        sure = certainty.assess(own, LOW_RISK, both["certainty"])
        verdicts.append(finding(own, sure, ClaimKind.IMPORTANT_BENEFIT, both).verdict)
    assert verdicts[0] in (Verdict.SUPPORTED, Verdict.SUGGESTED)
    assert verdicts[1] is Verdict.NOT_SUPPORTED


def test_words_of_few_people_do_not_call_little_or_no_effect_large():
    few = [study(name, events_control=1.0, n_control=100.0, n_experimental=100.0) for name in "AB"]
    own = record(measure="RR", mcid=None, domain="incidence", studies=few, pooled=pooled(0.1, 0.9))
    down, reason = certainty.core_imprecision(own, IMPRECISION)
    assert certainty.target_of(own, IMPRECISION)[0] == "little"
    assert down == 2
    assert reason.startswith("The effect is large relative to the risk; 400 people")
