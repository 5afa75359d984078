"""Pooling effects to numbers, against the BCG numbers that metafor gives (REML, Knapp-Hartung)."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.unit.synthesis.made_up import SPEC, effect, effects, record, study
from trialpool.records import Grade, Pooled, Status, sketch
from trialpool.synthesis.pool import BESIDE, people, pool_effects, restrict_record, studies_of, subgroups_of

BCG = [
    (-0.8893113339, 0.3255847650),
    (-1.5853886572, 0.1945811214),
    (-1.3480731483, 0.4153679654),
    (-1.4415511900, 0.0200100319),
    (-0.2175473222, 0.0512101722),
    (-0.7861155858, 0.0069056185),
    (-1.6208982236, 0.2230172476),
    (0.0119523335, 0.0039615793),
    (-0.4694176487, 0.0564342105),
    (-1.3713448035, 0.0730247936),
    (-0.3393588283, 0.0124122140),
    (0.4459134006, 0.5325058452),
    (-0.0173139482, 0.0714046597),
]
RR = SPEC | {"measure": "RR", "interval": "hksj", "mcid": None}
TRIALS = [effect(number, *pair, condition="odd" if number % 2 else "even") for number, pair in enumerate(BCG)]
TWICE = [*TRIALS, *(replace(row, instrument="zz", effect=row.effect + 0.1) for row in TRIALS)]


def test_ratios_are_told_on_their_natural_scale():
    pooled, weights = pool_effects(RR, TRIALS)
    assert pooled.estimate == pytest.approx(math.exp(-0.7145323422), rel=1e-8)
    assert pooled.ci_low == pytest.approx(math.exp(-1.10844371), rel=1e-7)
    assert pooled.pi_high == pytest.approx(math.exp(0.56695215), rel=1e-7)
    assert pooled.tau2 == pytest.approx(0.3132432581, rel=1e-8)
    assert (pooled.tau2_low, pooled.tau2_high) == pytest.approx((0.1197183611, 1.1114790841), rel=1e-8)
    assert sum(weights) == pytest.approx(100)


@pytest.mark.parametrize(
    ("trials", "interval"), [(TRIALS, "hksj"), (TRIALS, "bayes"), (TRIALS[:3], "auto"), (TRIALS[:3], "wald")]
)
def test_the_headline_is_the_same_without_what_stands_beside_it(trials, interval):
    spec = RR | {"interval": interval, "prior": {"scale": 0.5, "unit": None}}
    whole, weights = pool_effects(spec, trials)
    alone, same = pool_effects(spec, trials, beside=False)
    assert whole.bayes_estimate is not None
    beside = {name: None for names in BESIDE.values() for name in names}
    beside |= dict.fromkeys(("tau2_low", "tau2_high", "tau2_empty"))
    assert (alone, same) == (replace(whole, **beside), weights)


def test_one_trial_stands_as_it_is_whatever_it_measures_besides():
    pooled, weights = pool_effects(RR, [TRIALS[0], effect(0, 0.5, 0.3, instrument="zz")])
    assert pooled.estimate == pytest.approx(math.exp(BCG[0][0]))
    half = 1.959963985 * math.sqrt(BCG[0][1])
    assert pooled.ci_low == pytest.approx(math.exp(BCG[0][0] - half))
    assert [pooled.tau2, pooled.i2, pooled.q, pooled.pi_low, pooled.tau2_empty] == [None] * 5
    assert weights == [100.0, None]
    assert pool_effects(RR, []) == (None, [])


def test_an_arm_with_several_effects_is_counted_once_with_its_largest_number():
    twice = [*effects((1.0, 2.0), n_experimental=100), effect(0, 1.0, n_experimental=60, instrument="zz")]
    assert (people(twice, "experimental"), people(twice, "control")) == (200, 60)
    assert people(effects((1.0,), n_control=None), "control") is None


def test_subgroups_are_pooled_apart_with_the_same_method():
    spec = RR | {"subgroups": "condition"}
    groups, test = subgroups_of(spec, studies_of(spec, TRIALS, [None] * len(TRIALS)))
    assert [(group.name, group.k) for group in groups] == [("even", 7), ("odd", 6)]
    assert groups[1].pooled == pool_effects(RR, [row for row in TRIALS if row.condition == "odd"])[0]
    assert 0 < test.p_value < 1
    assert subgroups_of(spec, studies_of(spec, TWICE, [None] * len(TWICE)))[1] is None


def test_trials_of_unknown_group_stand_together_and_are_not_tested():
    spec = RR | {"subgroups": "condition"}
    rows = [replace(row, condition=None) if at in (3, 5) else row for at, row in enumerate(TRIALS)]
    groups, test = subgroups_of(spec, studies_of(spec, rows, [None] * len(rows)))
    known = [row for row in TRIALS if row not in (TRIALS[3], TRIALS[5])]
    ours, alone = subgroups_of(spec, studies_of(spec, known, [None] * len(known)))
    assert [group.name for group in groups] == ["even", "odd", ""]
    assert (groups[:2], groups[2].k, test) == (ours, 2, alone)


def test_several_effects_a_trial_are_modelled_in_three_levels_where_asked():
    together, weights = pool_effects(RR | {"several_effects": "multilevel"}, TWICE)
    apart, _ = pool_effects(RR, TWICE)
    assert together.df < 13
    width = [math.log(pooled.ci_high / pooled.ci_low) for pooled in (together, apart)]
    assert width[0] > 1.2 * width[1]
    assert sum(weights) == pytest.approx(100)


def test_a_new_trial_is_never_surer_than_the_mean_of_three_levels():
    # estimate ± t(df) sqrt(se² + τ²), not model-based beside a robust interval (daniel1noble/orchaRd#45, #46)
    fit, _ = pool_effects(SPEC | {"several_effects": "multilevel"}, TWICE)
    reach = (fit.ci_high - fit.estimate) / fit.se
    assert fit.pi_high - fit.estimate == pytest.approx(reach * math.sqrt(fit.se**2 + fit.tau2))
    few, _ = pool_effects(
        SPEC | {"several_effects": "multilevel", "prediction_from": 2}, [*TWICE[:2], *TWICE[13:15]]
    )
    assert few.pi_low < few.ci_low < few.ci_high < few.pi_high


def test_an_arm_split_between_comparisons_is_counted_whole():
    shares = [effect(0, 0.1, arm_experimental=arm, n_control=10) for arm in "ab"]
    assert (people(shares, "control"), people(shares, "control", split=True)) == (10, 20)


def test_arms_that_share_a_control_are_not_counted_as_independent():
    counts = {"events_experimental": 20, "events_control": 30, "n_experimental": 100, "n_control": 100}
    twice = [replace(row, **counts, arm_experimental=arm) for row in TRIALS for arm in ("low", "high")]
    together, apart = (pool_effects(RR | {"multi_arm": rule}, twice)[0] for rule in ("covariance", "split"))
    single, _ = pool_effects(RR, TRIALS)
    assert together.se > 1.3 * apart.se
    assert together.se == pytest.approx(single.se, rel=0.1)


def dosed(study_id, sessions, value):
    return study(study_id, sessions=sessions, effect=value, variance=0.04, n_experimental=30, n_control=30)


def test_a_dose_restricts_the_trials_and_pools_them_again():
    studies = (dosed("A", 10, -1.0), dosed("B", 12, -1.2), dosed("C", 30, 2.0), dosed("D", None, 2.0))
    robust = replace(record().robustness, grade=Grade.ROBUST, agreement=1.0)
    whole = record(studies=studies, k=4, pooled=sketch(Pooled, estimate=0.0), robustness=robust)
    part = restrict_record(whole, {"sessions": [8, 16]})
    assert (part.k, part.status, part.n_control) == (2, "pooled", 60)
    assert part.pooled.estimate == pytest.approx(-1.1)
    assert part.robustness.agreement is None  # the answer of the whole is not that of the part
    single = restrict_record(whole, {"sessions": [29, 31]})
    assert (single.status, single.pooled.estimate) == ("single_study", 2.0)
    assert restrict_record(whole, {"sessions": [100, 200]}).status == "no_data"
    assert restrict_record(whole, {"weight": [0, 100]}) is whole
    unlike = restrict_record(replace(whole, status=Status.NOT_POOLED, pooled=None), {"sessions": [8, 16]})
    assert (unlike.k, unlike.status, unlike.pooled) == (2, Status.NOT_POOLED, None)
