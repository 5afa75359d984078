"""The methods of an analysis in sentences: every setting that made the number is named."""

from __future__ import annotations

import pytest

from tests.unit.synthesis.made_up import SPEC
from trialpool.measures import MEASURES
from trialpool.synthesis.methods import EFFECT, method_sentences


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
        ({"several_effects": "multilevel"}, "three-level model"),
    ],
)
def test_a_setting_is_named(changes, said):
    assert said in " ".join(method_sentences(SPEC | changes))
    assert said not in " ".join(method_sentences(SPEC))


def test_every_measure_that_arms_give_has_its_sentence():
    assert set(EFFECT) == set(MEASURES) - {"HR", "IRR"}
