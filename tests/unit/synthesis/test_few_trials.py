"""The policy for few trials against quadrature written here, and against numbers worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize, stats

from tests.unit.synthesis.made_up import SPEC, effect
from trialpool.synthesis.analyse import analyse
from trialpool.synthesis.pool import modelled, pool_effects, prior_scale

AUTO = SPEC | {"interval": "auto", "prediction_from": 5}
RATIO = AUTO | {"measure": "RR", "prior": {"scale": 0.5, "source": "x"}, "mcid": None}
# logarithms of the risk ratios 2.35 (1.43 to 3.86) and 1.58 (1.16 to 2.15), two trials of gabapentinoids
TWO = (
    (math.log(2.35), (math.log(3.86 / 1.43) / 2 / 1.959964) ** 2),
    (math.log(1.58), (math.log(2.15 / 1.16) / 2 / 1.959964) ** 2),
)


def trials(pairs, **changes):
    return [effect(number, value, variance, **changes) for number, (value, variance) in enumerate(pairs)]


def by_hand(pairs, scale):
    """Median and central 95 % interval: half-normal prior of τ, flat prior of the mean, on a grid of τ."""
    y, v = np.array(pairs).T
    tau = np.linspace(0, 10 * scale, 20001)[:, None]
    w = 1 / (v + tau**2)
    mean, precision = (w * y).sum(1) / w.sum(1), w.sum(1)
    log = np.log(w).sum(1) / 2 - np.log(precision) / 2 - (w * (y - mean[:, None]) ** 2).sum(1) / 2
    density = np.exp(log - log.max() - tau[:, 0] ** 2 / (2 * scale**2))
    density[[0, -1]] /= 2
    density /= density.sum()

    def below(x):
        return density @ stats.norm.cdf((x - mean) * np.sqrt(precision))

    return [optimize.brentq(lambda x, p=p: below(x) - p, -20, 20) for p in (0.5, 0.025, 0.975)]


def test_two_to_four_trials_have_the_bayesian_headline_and_all_three_side_by_side():
    pooled, _ = pool_effects(RATIO, trials(TWO))
    expected = np.exp(by_hand(TWO, 0.5))
    assert (pooled.interval, pooled.prior_scale, pooled.p_value, pooled.pi_low) == ("bayes", 0.5, None, None)
    assert [pooled.estimate, pooled.ci_low, pooled.ci_high] == pytest.approx(expected, rel=1e-6)
    # Bayes 1.83 (0.96 to 3.80), HKSJ 1.83 (0.16 to 20.9), common effect 1.76 (1.36 to 2.29)
    assert [pooled.bayes_estimate, pooled.bayes_low, pooled.bayes_high] == pytest.approx(expected, rel=1e-6)
    assert (pooled.bayes_low, pooled.bayes_high) == pytest.approx((0.96, 3.80), abs=0.006)
    assert (pooled.hksj_low, pooled.hksj_high) == pytest.approx((0.16, 20.9), rel=0.01)
    common = [pooled.common_estimate, pooled.common_low, pooled.common_high]
    assert common == pytest.approx([1.76, 1.36, 2.29], abs=0.006)


def test_from_five_trials_on_the_floored_interval_is_the_headline():
    five, _ = pool_effects(AUTO, trials([(-1.0, 0.1)] * 5))
    assert five.interval == "hksj_adhoc"
    # equal trials: tau² = 0, the floor holds, half width t(4) sqrt(0.1 / 5)
    assert five.ci_high - five.estimate == pytest.approx(2.7764451 * math.sqrt(0.02))
    assert (five.ci_low, five.ci_high) == (five.hksj_low, five.hksj_high)
    assert five.pi_high == pytest.approx(five.ci_high)
    assert pool_effects(AUTO, trials([(-1.0, 0.1)] * 4))[0].interval == "bayes"
    assert pool_effects(AUTO, trials([(-1.0, 0.1)]))[0].interval == "wald"


def test_k_minus_2_is_the_prediction_interval_of_higgins():
    pairs = [(-1.0, 0.05), (-0.2, 0.1), (0.4, 0.08), (-0.9, 0.12), (-0.5, 0.06), (0.1, 0.07)]
    usual, _ = pool_effects(AUTO, trials(pairs))
    wider, _ = pool_effects(AUTO | {"prediction_df": "k-2"}, trials(pairs))
    reach = math.sqrt(usual.tau2 + usual.se**2)
    assert usual.pi_high - usual.estimate == pytest.approx(2.5705818 * reach)  # t(5)
    assert wider.pi_high - wider.estimate == pytest.approx(2.7764451 * reach)  # t(4)
    assert (wider.ci_low, wider.ci_high) == (usual.ci_low, usual.ci_high)


def test_the_prior_of_mean_differences_is_in_typical_standard_deviations():
    # pooled SDs by hand: 2, 4, and of a contrast sqrt(0.6) / sqrt(1/30 + 1/30) = 3; half their median
    sds = ((2.0, 2.0), (4.0, 4.0), (None, None))
    rows = [
        effect(number, -1.0, 0.6, sd_experimental=one, sd_control=other)
        for number, (one, other) in enumerate(sds)
    ]
    assert prior_scale(AUTO, rows) == pytest.approx(1.5)
    pooled, _ = pool_effects(AUTO, rows)
    assert pooled.ci_high == pytest.approx(by_hand([(-1.0, 0.6)] * 3, 1.5)[2], abs=1e-6)


def test_without_any_standard_deviation_few_trials_stay_with_the_floored_interval():
    rows = trials(TWO, n_experimental=None, n_control=None)
    assert prior_scale(AUTO, rows) is None
    assert modelled(AUTO, rows)["interval"] == "hksj_adhoc"
    pooled, _ = pool_effects(AUTO, rows)
    assert (pooled.interval, pooled.bayes_low) == ("hksj_adhoc", None)
    record, _ = analyse(AUTO, rows)
    assert "No standard deviation is known to scale the prior of τ" in " ".join(record.methods.text)
    record, _ = analyse(AUTO | {"prior": None}, trials(TWO))
    assert "No prior of τ is set for this measure, so" in " ".join(record.methods.text)


def test_one_specification_alone_is_no_robustness():
    rows = [*trials([(-1.0, 0.1)] * 4), *trials([(-0.8, 0.1)] * 4, instrument="zz")]
    record, every = analyse(AUTO | {"several_effects": "multilevel"}, rows)
    assert (record.pooled.interval, len(every.estimate)) == ("cr2", 1)
    assert (record.robustness.grade, record.robustness.agreement) == ("not assessable", None)


def test_a_subgroup_of_few_trials_has_the_interval_of_few_trials():
    rows = [*trials(TWO, condition="X"), *trials([(-0.3, 0.1)] * 5, condition="Y")]
    rows = [replace(row, study_id=f"S{number}") for number, row in enumerate(rows)]
    few, many = analyse(RATIO | {"subgroups": "condition"}, rows)[0].subgroups
    assert (few.pooled.interval, many.pooled.interval) == ("bayes", "hksj_adhoc")
    assert (few.pooled.ci_low, few.pooled.ci_high) == pytest.approx((0.96, 3.80), abs=0.006)


def test_the_main_row_and_every_part_follow_the_policy():
    record, every = analyse(RATIO | {"subgroups": "condition"}, trials(TWO, condition="X"))
    main = record.sensitivity[0]
    assert [main.estimate, main.ci_low, main.ci_high] == [
        *(record.pooled.estimate, record.pooled.ci_low, record.pooled.ci_high)
    ]
    assert record.subgroups[0].pooled == record.pooled
    assert record.cumulative[-1].ci_low == record.pooled.ci_low
    # two trials say nothing of τ²: not eight estimators of it by three intervals
    assert sorted(zip(every.choices["tau2_method"], every.choices["interval"], strict=True)) == [
        ("FE", "wald"),
        ("REML", "hksj_adhoc"),
        ("REML", "wald"),
        ("half_cauchy", "bayes"),
        ("half_normal", "bayes"),
        ("uniform", "bayes"),
    ]
