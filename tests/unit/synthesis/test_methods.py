"""The methods of an analysis in sentences: every setting that made the number is named."""

from __future__ import annotations

import pytest

from tests.unit.synthesis.made_up import SPEC
from trialpool.measures import MEASURES
from trialpool.records import Status
from trialpool.synthesis.analyse import method_sentences


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tau2_method": "PM"}, "Paule–Mandel"),
        ({"tau2_method": "FE", "interval": "wald"}, "Common-effect model"),
        ({"interval": "wald"}, "Wald interval with normal quantiles"),
        ({"level": 0.9}, "90% intervals"),
        ({"scale": "0-10"}, "rescaled to 0–10"),
        ({"measure": "SMD", "smd_variance": "UB"}, "unbiased variance"),
        ({"multi_arm": "covariance"}, "mean correlation that sharing implies"),
        ({"several_effects": "multilevel"}, "All effects of a trial"),
    ],
)
def test_a_setting_is_named(changes, said):
    assert said in " ".join(method_sentences(SPEC | changes))
    assert said not in " ".join(method_sentences(SPEC))


def test_no_method_is_named_that_was_not_used():
    nested = " ".join(method_sentences(SPEC | {"several_effects": "multilevel", "interval": "cr2"}))
    assert "Three-level model" in nested
    assert "cluster-robust (CR2) interval with t quantiles on Satterthwaite degrees of freedom" in nested
    assert not any(word in nested for word in ("Hartung", "Q-profile", "k − 1", "gives one."))
    assert "gives one." in " ".join(method_sentences(SPEC | {"multi_arm": "covariance"}))
    single = " ".join(method_sentences(SPEC, Status.SINGLE_STUDY))
    assert not any(word in single for word in ("Random-effects", "Hartung", "Q-profile", "rediction"))
    assert "rediction" not in " ".join(method_sentences(SPEC | {"tau2_method": "FE", "interval": "wald"}))


@pytest.mark.parametrize("measure", sorted(set(MEASURES) - {"HR", "IRR"}))
def test_every_measure_that_arms_give_has_its_sentence(measure):
    assert method_sentences(SPEC | {"measure": measure})[0].startswith(MEASURES[measure].name.capitalize())
