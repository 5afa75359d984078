"""Small-study effects, influence, three levels and Bayes, on effects whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.synthesis.made_up import EFFECTS, SPEC, effect, effects
from trialpool.records import Choices
from trialpool.stats import influence, pool
from trialpool.synthesis.diagnostics import (
    cumulative_rows,
    influence_rows,
    multilevel_model,
    posteriors,
    small_study,
)

ALL_EFFECTS = Choices.parse("several_effects=multilevel")


def test_small_study_tests_wait_for_enough_trials():
    few = small_study(SPEC, effects())
    assert few.methods == {}
    assert "6 trials: too few" in few.sentence
    values = [-1.2 + 0.01 * (-1) ** number * number for number in range(12)]
    many = [effect(number, value, variance=0.02 + 0.01 * number) for number, value in enumerate(values)]
    found = small_study(SPEC, many)
    assert found.methods["Egger"].p_value is not None
    assert "12 trials" in found.sentence


def test_influence_and_the_evidence_as_it_came_in_are_those_of_stats():
    fit = influence(np.array(EFFECTS), np.full(6, 0.05), tau2_method="REML", interval="hksj_adhoc")
    rows = influence_rows(SPEC, effects())
    assert [row.cook for row in rows] == pytest.approx(fit.cook.tolist())
    assert [row.influential for row in rows] == fit.influential.tolist()
    assert influence_rows(SPEC, effects(EFFECTS[:2])) == ()
    last = cumulative_rows(SPEC, effects())[-1]
    assert last.estimate == pytest.approx(float(pool(np.array(EFFECTS), np.full(6, 0.05)).estimate))
    assert last.year == 2005


def test_bayes_agrees_with_the_frequentist_answer_when_trials_agree():
    found = posteriors(SPEC, effects())
    assert [entry.prior for entry in found] == ["half_normal", "half_cauchy", "uniform"]
    for entry in found:
        assert entry.estimate == pytest.approx(np.mean(EFFECTS), abs=0.02)
        assert entry.p_benefit > 0.999
        assert entry.p_beyond_mcid > entry.p_beyond_mcid_new
    ratio = posteriors(SPEC | {"measure": "RR", "prior": {"scale": 0.5, "source": "x"}}, effects())[0]
    assert (ratio.p_beyond_mcid, ratio.unit) == (None, 1.0)


def test_dependent_effects_are_modelled_beside_the_main_result():
    several = [
        replace(
            row,
            variant=ALL_EFFECTS,
            selected=False,
            effect=row.effect + shift,
        )
        for row in effects()
        for shift in (0.0, 0.2)
    ]
    found = multilevel_model(SPEC, [*effects(), *several], effects())
    assert (found.effects, found.trials) == (12, 6)
    assert found.estimate == pytest.approx(np.mean(EFFECTS) + 0.1, abs=1e-6)
    assert multilevel_model(SPEC, effects(), effects()) is None
