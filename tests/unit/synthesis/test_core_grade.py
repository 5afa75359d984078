"""Imprecision by Core GRADE: a target of certainty, and up to three levels for what the interval crosses."""

from __future__ import annotations

import pytest

from tests.unit.synthesis.made_up import pooled, record, study
from tests.unit.synthesis.test_certainty import LOW_RISK, RULES
from trialpool.records import Difference
from trialpool.synthesis import certainty

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
