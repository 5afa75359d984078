"""Which sets of data and models count as defensible choices, and what all of them together say."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.synthesis.made_up import EFFECTS, SPEC, effect, effects
from trialpool.records import Choices, conclusion
from trialpool.synthesis.sensitivity import data_sets, multiverse, specifications


def inclusions(rows):
    return [each.choices["inclusion"] for each in data_sets(rows)]


LATER = Choices.parse("timepoint=follow_up")


def test_an_inclusion_that_drops_nothing_or_leaves_one_trial_is_absent():
    assert inclusions(effects()) == ["all trials"]
    one_left = [*effects(EFFECTS[:2], imputed=True), effect(9, -1.0)]
    assert inclusions(one_left) == ["all trials"]
    two_left = [*one_left, effect(10, -1.0)]
    assert inclusions(two_left) == [
        "all trials",
        "nothing imputed",
    ]


def test_the_multiverse_is_every_data_set_under_every_model_sorted():
    every = specifications(SPEC, data_sets(effects()))
    assert len(every.estimate) == 25 + 3  # and three priors of τ
    assert np.all(np.diff(every.estimate) >= 0)
    assert set(every.columns()) == {
        "estimate",
        "ci_low",
        "ci_high",
        "k",
        "tau2_method",
        "interval",
        "inclusion",
    }
    summary = multiverse(SPEC, every)
    assert (summary.benefit, summary.clear_benefit, summary.clear_harm) == (1.0, 1.0, 0.0)
    assert summary.beyond_mcid == 1.0
    assert sum(level.specifications for level in summary.levels if level.dimension == "tau2_method") == 28


def test_ratios_are_told_on_their_natural_scale():
    spec = SPEC | {"measure": "RR", "mcid": None}
    every = specifications(spec, data_sets(effects()))
    assert np.median(every.estimate) == pytest.approx(math.exp(np.mean(EFFECTS)), rel=1e-2)
    assert multiverse(spec, every).clear_benefit == 1.0


def test_variants_are_other_data_and_what_moves_the_estimate_most_is_named():
    later = [replace(row, effect=0.4, variant=LATER, selected=False) for row in effects()]
    every = specifications(SPEC, data_sets([*effects(), *later]))
    assert set(every.choices["timepoint"]) == {"default", "follow_up"}
    summary = multiverse(SPEC, every)
    assert summary.specifications == 2 * 28
    assert summary.variance_share["timepoint"] == pytest.approx(1, abs=1e-3)


def test_an_interval_that_touches_no_effect_is_unclear():
    assert conclusion(0.0, 1.0, 0.0, "lower") == "unclear"
    assert conclusion(None, 1.0, 0.0, "lower") == "unclear"
