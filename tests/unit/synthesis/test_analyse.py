"""One analysis from effects to record, against the BCG numbers that metafor gives (REML, Knapp-Hartung)."""

import math

import pytest

from trialpool.synthesis.analyse import analyse, direction_words

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


def spec(**changes):
    return {
        "analysis": "bcg",
        "title": "Tuberculosis",
        "note": "",
        "condition": ["TB"],
        "purpose": "prevention",
        "domain": "incidence",
        "experimental_name": "vaccine",
        "control_name": "none",
        "measure": "RR",
        "scale": None,
        "unit": "",
        "better": "lower",
        "timepoint": "end_of_treatment",
        "tau2_method": "REML",
        "interval": "hksj",
        "level": 0.95,
        "several_effects": "prefer",
        "multi_arm": "combine",
        "smd_variance": "LS",
        "outcomes": [],
        "items": [],
        "forest": "default",
        "mcid": None,
        "subgroups": None,
    } | changes


def effect(number, value, variance, **changes):
    return {
        "study_id": f"Trial{number}",
        "year": 1950 + number,
        "arm_experimental": "bcg",
        "arm_control": "none",
        "instrument": "tb",
        "item": None,
        "n_experimental": 100.0,
        "n_control": 90.0,
        "imputed": False,
        "effect": value,
        "variance": variance,
        "selected": True,
        "category": "odd" if number % 2 else "even",
    } | changes


EFFECTS = [effect(number, *pair) for number, pair in enumerate(BCG)]


def test_ratios_are_told_on_their_natural_scale():
    pooled = analyse(spec(), EFFECTS, [], [])["pooled"]
    assert pooled["estimate"] == pytest.approx(math.exp(-0.7145323422), rel=1e-8)
    assert pooled["ci_low"] == pytest.approx(math.exp(-1.10844371), rel=1e-7)
    assert pooled["pi_high"] == pytest.approx(math.exp(0.56695215), rel=1e-7)
    assert pooled["tau2"] == pytest.approx(0.3132432581, rel=1e-8)
    assert (pooled["tau2_low"], pooled["tau2_high"]) == pytest.approx((0.1197183611, 1.1114790841), rel=1e-8)


def test_the_order_of_the_effects_does_not_matter():
    assert analyse(spec(), EFFECTS[::-1], [], []) == analyse(spec(), EFFECTS, [], [])


def test_only_selected_effects_are_pooled_and_people_counted_once():
    extra = effect(99, 5.0, 0.1, selected=False)
    twice = effect(0, 0.1, 0.2, instrument="zz", n_experimental=60.0)
    record = analyse(spec(), [*EFFECTS, extra], [], [])
    assert (record["k"], record["n_experimental"], record["n_control"]) == (13, 1300, 1170)
    assert analyse(spec(), [*EFFECTS, twice], [], [])["n_experimental"] == 1300


def test_one_trial_is_shown_not_pooled():
    record = analyse(spec(), EFFECTS[:1], [], [])
    assert record["status"] == "single_study"
    assert record["pooled"]["estimate"] == pytest.approx(math.exp(BCG[0][0]))
    half = 1.959963985 * math.sqrt(BCG[0][1])
    assert record["pooled"]["ci_low"] == pytest.approx(math.exp(BCG[0][0] - half))
    assert [record["pooled"][name] for name in ("tau2", "i2", "q", "pi_low")] == [None] * 4


def test_two_effects_of_one_trial_are_not_a_meta_analysis():
    record = analyse(spec(), [EFFECTS[0], effect(0, 0.5, 0.3, instrument="zz")], [], [])
    assert (record["status"], record["k"], record["effects"]) == ("single_study", 1, 2)
    assert record["pooled"]["estimate"] == pytest.approx(math.exp(BCG[0][0]))


def test_no_effect_is_a_visible_gap():
    known = [{"study_id": "Trial1", "label": "Trial 1951"}]
    record = analyse(spec(), [], [], known)
    assert (record["status"], record["pooled"], record["known"]) == ("no_data", None, known)


def test_subgroups_are_pooled_apart_with_the_same_method():
    record = analyse(spec(subgroups="category"), EFFECTS, [], [])
    assert [(group["name"], group["k"]) for group in record["subgroups"]] == [("even", 7), ("odd", 6)]
    odd = [row for row in EFFECTS if row["category"] == "odd"]
    assert record["subgroups"][1]["pooled"] == analyse(spec(), odd, [], [])["pooled"]
    assert record["subgroup_column"] == "category"
    assert 0 < record["subgroup_test"]["p_value"] < 1


@pytest.mark.parametrize(("better", "left"), [("lower", "favours vaccine"), ("higher", "favours none")])
def test_words_under_the_axis_follow_the_direction_of_benefit(better, left):
    assert direction_words(spec(better=better))["left"] == left


def test_several_effects_a_trial_are_modelled_in_three_levels_where_asked():
    twice = [*EFFECTS, *(row | {"instrument": "zz", "effect": row["effect"] + 0.1} for row in EFFECTS)]
    record = analyse(spec(several_effects="multilevel"), twice, [], [])
    apart = analyse(spec(), twice, [], [])
    assert (record["k"], record["effects"]) == (13, 26)
    assert record["pooled"]["df"] < 13
    width = [math.log(entry["pooled"]["ci_high"] / entry["pooled"]["ci_low"]) for entry in (record, apart)]
    assert width[0] > 1.2 * width[1]
    assert sum(row["weight"] for row in record["studies"]) == pytest.approx(100)


def test_arms_that_share_a_control_are_not_counted_as_independent():
    counts = {"events_experimental": 20, "events_control": 30, "n_experimental": 100, "n_control": 100}
    twice = [row | counts | {"arm_experimental": arm} for row in EFFECTS for arm in ("low", "high")]
    asked = spec(multi_arm="covariance", zero_cells=0.5)
    together, apart = (analyse(entry, twice, [], [])["pooled"] for entry in (asked, spec(multi_arm="split")))
    single = analyse(spec(), EFFECTS, [], [])["pooled"]
    assert together["se"] > 1.3 * apart["se"]
    assert together["se"] == pytest.approx(single["se"], rel=0.1)
