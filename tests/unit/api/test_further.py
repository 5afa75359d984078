"""Methods of a fit that are asked for by name: each is that of `stats`, on the natural scale."""

import numpy as np
import pandas as pd
import pytest

import trialpool as tp
from trialpool import stats

TRIALS = pd.DataFrame(
    {
        "e": [4, 6, 3, 62, 33, 180, 8, 505, 29], "n": [123, 306, 231, 13598, 5069, 1541, 2545, 88391, 7499],
        "c": [11, 29, 11, 248, 47, 372, 10, 499, 45],
        "m": [139, 303, 220, 12867, 5808, 1451, 629, 88391, 7277],
        "x": [44, 55, 42, 52, 13, 44, 19, 13, 27], "lost": [12, 30, 23, 1300, 500, 150, 250, 8800, 750],
    }
)  # fmt: skip
DATA = tp.effects(TRIALS, measure="RR", events=("e", "c"), n=("n", "m"))
FIT = tp.pool(DATA)
NUMBERS = DATA.effects, DATA.variances


def test_predictions_by_name_are_those_of_the_fit() -> None:
    frame = FIT.prediction("HTS", "k-1")
    assert frame.loc["k-1", "pi_low"] == pytest.approx(FIT.pi_low)
    other = tp.pool(DATA, prediction_df="HTS")
    assert frame.loc["HTS"].tolist() == pytest.approx([other.pi_low, other.pi_high])


def test_methods_by_name_are_those_of_stats_as_ratios() -> None:
    assert FIT.henmi_copas().ci_low == pytest.approx(np.exp(stats.henmi_copas(*NUMBERS).ci_low))
    assert FIT.limit().estimate == pytest.approx(np.exp(stats.limit_meta_analysis(*NUMBERS).estimate))
    uniform = stats.p_uniform(*NUMBERS, alternative="less")
    assert FIT.p_uniform().estimate == pytest.approx(np.exp(uniform.estimate))
    assert FIT.blup().estimate.tolist() == pytest.approx(np.exp(stats.blup(*NUMBERS).estimate).tolist())


def test_a_multivariate_model_of_one_term_is_the_random_effects_model() -> None:
    frame = TRIALS.assign(trial=[f"T{at}" for at in range(len(TRIALS))])
    fit = tp.pool(tp.effects(frame, measure="RR", events=("e", "c"), n=("n", "m")), interval="wald")
    found = fit.multivariate(["trial"])
    assert found.analysis_scale.components[0] == pytest.approx(fit.tau2, rel=1e-7)
    assert found.to_frame().coefficient.iloc[0] == pytest.approx(fit.log.estimate, rel=1e-7)


def test_a_location_scale_model_without_moderators_is_the_random_effects_model() -> None:
    found = FIT.location_scale("1").analysis_scale
    assert np.exp(found.scale[0]) == pytest.approx(FIT.tau2, rel=1e-7)


def test_missing_people_are_counted_in_and_tip_the_conclusion() -> None:
    lost = ("lost", "lost")
    none = tp.pool(FIT.with_missing(lost))
    assert none.estimate == pytest.approx(FIT.estimate, rel=0.02)
    spanned = FIT.with_missing(lost, assumed="gamble_hollis")
    assert spanned.effects == pytest.approx(DATA.effects)
    assert (spanned.variances > DATA.variances).all()
    found = FIT.tipping_point(lost)
    at = found.analysis_scale.assumption
    moved = [tp.pool(FIT.with_missing(lost, assumed=(at * by, 1.0))) for by in (0.98, 1.02)]
    assert (moved[0].ci_high < 1) is not (moved[1].ci_high < 1)


def test_sequential_analysis_counts_people_of_both_arms() -> None:
    frame = FIT.sequential(0.8).to_frame()
    assert frame.people.iloc[-1] == TRIALS.n.sum() + TRIALS.m.sum()
    assert frame.z.iloc[-1] == pytest.approx(tp.pool(DATA, interval="wald").log.statistic)


def test_what_is_no_term_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="is no term of the formula"):
        FIT.regress("x").test("y")
