"""Sensitivity, multiverse, influence, moderators, Bayes and the grade, on effects whose answer is known."""

import math

import numpy as np
import pytest

from trialpool.stats import meta_regression, pool
from trialpool.synthesis.analyse import analyse
from trialpool.synthesis.moderators import MODERATOR_COLUMNS, adjusted, moderator_rows, table_rows
from trialpool.synthesis.multiverse import level_rows, multiverse, multiverse_summary
from trialpool.synthesis.probe import multilevel_part, probe
from trialpool.synthesis.robustness import robustness
from trialpool.synthesis.sensitivity import sensitivity_rows
from trialpool.synthesis.specifications import conclusion, data_sets, models

RULES = {"robust": 0.9, "sensitive": 0.5, "smallest_k": 3, "test_k": 10, "moderator_k": 10}
SPEC = {
    "analysis": "a",
    "title": "A",
    "note": "",
    "condition": ["DPN"],
    "purpose": None,
    "domain": "pain",
    "experimental_name": "acupuncture",
    "control_name": "sham",
    "measure": "MD",
    "scale": None,
    "unit": "points",
    "better": "lower",
    "timepoint": "end_of_treatment",
    "tau2_method": "REML",
    "interval": "hksj_adhoc",
    "level": 0.95,
    "several_effects": "prefer",
    "multi_arm": "combine",
    "smd_variance": "LS",
    "outcomes": [],
    "items": [],
    "forest": "default",
    "mcid": {"value": 1.0},
    "subgroups": None,
    "moderators": [],
    "robustness": RULES,
}
EFFECTS = (-1.4, -1.1, -1.6, -0.9, -1.3, -1.2)


def row(number, effect, variance=0.05, **changes):
    return {
        "study_id": f"T{number}",
        "label": f"Trial {number}",
        "year": 2000 + number,
        "arm_experimental": "acu",
        "arm_control": "sham",
        "category_control": ["sham"],
        "instrument": "NRS",
        "item": "",
        "n_experimental": 30,
        "n_control": 30,
        "events_experimental": None,
        "events_control": None,
        "effect": effect,
        "variance": variance,
        "imputed": False,
        "reading": "double",
        "selected": True,
        "variant": "",
        "risk_of_bias": "",
    } | changes


def rows(effects=EFFECTS, **changes):
    return [row(number, effect, **changes) for number, effect in enumerate(effects)]


def everything(effects, spec=SPEC):
    main = [entry for entry in effects if not entry["variant"]]
    record = analyse(spec, main, [], [])
    return record, *probe(spec, effects, record["studies"])


def test_the_first_sensitivity_row_is_the_main_result():
    record, findings, _ = everything(rows())
    main = findings["sensitivity"][0]
    assert {name: main[name] for name in ("estimate", "ci_low", "p_value")} == {
        name: record["pooled"][name] for name in ("estimate", "ci_low", "p_value")
    }


def test_every_model_is_tried_once_and_agrees_with_a_single_fit():
    found = [
        entry for entry in sensitivity_rows(SPEC, data_sets(rows())) if entry["kind"] in ("model", "main")
    ]
    assert len(found) == len(models()) == 25
    paule = next(entry for entry in found if entry["choice"] == "PM, wald")
    alone = pool(np.array(EFFECTS), np.full(6, 0.05), tau2_method="PM", interval="wald")
    assert (paule["estimate"], paule["ci_high"]) == pytest.approx(
        (float(alone.estimate), float(alone.ci_high))
    )


def test_leave_one_out_drops_the_trial_it_names():
    found = sensitivity_rows(SPEC, data_sets(rows()))
    without = [entry for entry in found if entry["kind"] == "leave one out"]
    assert [entry["choice"] for entry in without] == [f"without Trial {number}" for number in range(6)]
    alone = pool(np.array(EFFECTS[1:]), np.full(5, 0.05))
    assert without[0]["estimate"] == pytest.approx(float(alone.estimate))
    assert {entry["k"] for entry in without} == {5}


def test_an_inclusion_that_drops_nothing_or_leaves_one_trial_is_absent():
    assert [choice["inclusion"] for choice in data_sets(rows()).choices] == ["all trials"]
    one_left = [*rows(EFFECTS[:2], imputed=True), row(9, -1.0)]
    assert [choice["inclusion"] for choice in data_sets(one_left).choices] == ["all trials"]
    two_left = [*one_left, row(10, -1.0)]
    assert [choice["inclusion"] for choice in data_sets(two_left).choices] == [
        "all trials",
        "nothing imputed",
    ]


def test_variants_are_other_data_and_never_the_main_result():
    other = [entry | {"effect": 0.4, "variant": "timepoint=follow_up", "selected": False} for entry in rows()]
    record, findings, columns = everything([*rows(), *other])
    assert record["pooled"]["estimate"] == pytest.approx(np.mean(EFFECTS))
    data = [entry for entry in findings["sensitivity"] if entry["kind"] == "data" and not entry.get("reason")]
    assert [(entry["choice"], entry["estimate"]) for entry in data] == [
        ("timepoint: follow up", pytest.approx(0.4))
    ]
    assert set(columns["timepoint"]) == {"default", "follow_up"}
    assert findings["multiverse"]["specifications"] == 2 * 25
    assert findings["multiverse"]["variance_share"]["timepoint"] == pytest.approx(1, abs=1e-3)


def test_the_multiverse_is_every_data_set_under_every_model_sorted():
    columns = multiverse(SPEC, data_sets(rows()))
    assert len(columns["estimate"]) == 25
    assert np.all(np.diff(columns["estimate"]) >= 0)
    summary = multiverse_summary(SPEC, columns)
    assert (summary["benefit"], summary["clear_benefit"], summary["clear_harm"]) == (1.0, 1.0, 0.0)
    assert summary["beyond_mcid"] == 1.0
    levels = level_rows(SPEC, columns)
    assert sum(entry["specifications"] for entry in levels if entry["dimension"] == "tau2_method") == 25


def test_ratios_are_told_on_their_natural_scale():
    spec = SPEC | {"measure": "RR", "mcid": None}
    _, findings, columns = everything(rows(), spec)
    assert findings["sensitivity"][0]["estimate"] == pytest.approx(math.exp(np.mean(EFFECTS)))
    assert np.median(columns["estimate"]) == pytest.approx(math.exp(np.mean(EFFECTS)), rel=1e-2)
    assert findings["multiverse"]["clear_benefit"] == 1.0


def test_sparse_methods_need_counts():
    counts = {"events_experimental": 3, "events_control": 9, "effect": math.log(1 / 3), "variance": 0.4}
    spec = SPEC | {"measure": "OR", "domain": "adverse_event", "mcid": None}
    found = sensitivity_rows(spec, data_sets([row(number, 0) | counts for number in range(3)]))
    sparse = {entry["choice"]: entry for entry in found if entry["kind"] == "sparse"}
    assert set(sparse) == {"Mantel–Haenszel", "Peto"}
    risks = sensitivity_rows(spec | {"measure": "RR"}, data_sets([row(n, 0) | counts for n in range(3)]))
    (odds,) = (entry for entry in risks if entry["choice"].startswith("Peto"))
    assert (odds["choice"], odds["estimate"]) == ("Peto (odds ratio)", sparse["Peto"]["estimate"])
    assert sparse["Mantel–Haenszel"]["estimate"] == pytest.approx((3 * 21) / (27 * 9))


def reasons(spec, effects):
    found = sensitivity_rows(spec, data_sets(effects), effects)
    return {entry["choice"]: entry["reason"] for entry in found if entry.get("reason")}


def test_what_could_not_be_tried_says_why():
    told = reasons(SPEC, rows())
    assert told["low risk of bias"] == "leaves no trials: too few to pool"
    assert told["sham or placebo control"] == "leaves out no trial"
    assert told["another correlation of baseline and final value"].startswith("no SD in use")
    assert not any("Mantel" in choice for choice in told)  # no events, hence nothing missing
    one_late = [rows()[0] | {"variant": "timepoint=follow_up", "selected": False, "effect": 0.4}]
    assert reasons(SPEC, rows() + one_late)["another timepoint"] == "leaves 1 trial: too few to pool"
    assert reasons(SPEC, rows(EFFECTS[:2]))["one trial left out"] == "would leave a single trial"
    events = reasons(SPEC | {"measure": "RR", "mcid": None}, rows())
    assert events["Mantel–Haenszel, Peto"] == "a trial prints a ratio without its counts"
    assert "borrowed SDs" not in events


def test_untried_choices_never_change_the_conclusion():
    _, findings, _ = everything(rows())
    untried = [entry for entry in findings["sensitivity"] if entry.get("reason")]
    assert untried
    assert all(entry["estimate"] is None and entry["changes_conclusion"] is False for entry in untried)


def test_a_control_of_sham_and_placebo_arms_together_is_inert():
    both = [entry | {"category_control": ["placebo", "sham"]} for entry in rows()]
    both[0]["category_control"] = ["sham", "usual_care"]
    found = sensitivity_rows(SPEC, data_sets(both))
    (inert,) = (entry for entry in found if entry["choice"] == "sham or placebo control")
    assert inert["k"] == len(EFFECTS) - 1


def test_arms_that_share_a_control_are_modelled_beside_the_rest():
    shared = [
        entry
        | {"variant": "multi_arm=covariance", "selected": False, "effect": entry["effect"] + shift}
        | {"mean_experimental": None, "sd_experimental": None, "mean_control": None, "sd_control": None}
        for entry in rows()
        for shift in (0.0, 0.2)
    ]
    effects = [*rows(), *shared]
    sets = data_sets(effects)
    assert len(sets.choices) == 1  # dependent effects are never pooled as if they were not
    found = {entry["choice"]: entry for entry in sensitivity_rows(SPEC, sets, effects)}
    modelled = found["multi arm: covariance, three-level model"]
    assert modelled["estimate"] == pytest.approx(np.mean(EFFECTS) + 0.1, abs=1e-6)
    assert modelled["k"] == 6


@pytest.mark.parametrize(
    ("agreement", "kinds", "k", "grade"),
    [
        (0.95, ["model"], 5, "robust"),
        (0.95, ["leave one out"], 5, "sensitive"),
        (0.60, [], 5, "sensitive"),
        (0.40, ["data"], 5, "fragile"),
        (1.00, [], 2, "not assessable"),
    ],
)
def test_the_grade_follows_the_written_thresholds(agreement, kinds, k, grade):
    main = {"k": k, "conclusion": "benefit", "changes_conclusion": False, "kind": "main", "choice": ""}
    broken = [main | {"kind": kind, "choice": "x", "changes_conclusion": True} for kind in kinds]
    found = robustness(SPEC, [main, *broken], {"specifications": 100}, agreement)
    assert found["grade"] == grade
    assert len(found["breaks"]) == (len(kinds) if grade != "not assessable" else 0)
    if kinds and grade != "not assessable":
        assert "(x)" in found["sentence"]


def test_one_trial_is_not_assessable_and_nothing_is_made_up():
    _, findings, columns = everything(rows(EFFECTS[:1]))
    assert findings["robustness"]["grade"] == "not assessable"
    assert (findings["sensitivity"], findings["bayes"], findings["influence"], columns) == ([], [], [], {})


def test_small_study_tests_wait_for_enough_trials():
    _, few, _ = everything(rows())
    assert few["small_study"]["methods"] == {}
    assert "6 trials: too few" in few["small_study"]["sentence"]
    effects = [-1.2 + 0.01 * (-1) ** number * number for number in range(12)]
    many = [row(number, effect, variance=0.02 + 0.01 * number) for number, effect in enumerate(effects)]
    _, found, _ = everything(many)
    assert found["small_study"]["methods"]["Egger"]["p_value"] is not None
    assert "12 trials" in found["small_study"]["sentence"]


def test_moderators_are_tested_where_trials_report_them():
    effects = [entry | {"sessions": 4 + 2 * number} for number, entry in enumerate(rows())]
    spec = SPEC | {"moderators": ["sessions", "condition", "programme_weeks"]}
    by_name = {entry["moderator"]: entry for entry in moderator_rows(spec, effects)}
    assert by_name["sessions"]["k"] == 6
    assert 0 <= by_name["sessions"]["p_permutation"] <= 1
    assert by_name["sessions"]["slope_low"] < by_name["sessions"]["slope"] < by_name["sessions"]["slope_high"]
    assert "fewer than 10" in by_name["sessions"]["caution"]
    assert by_name["programme_weeks"]["k"] == 0
    assert by_name["programme_weeks"]["p_value"] is None


def test_a_word_moderator_is_a_subgroup_test():
    effects = [entry | {"kind": "a" if number < 3 else "b"} for number, entry in enumerate(rows())]
    found = moderator_rows(SPEC | {"moderators": ["kind"]}, effects)[0]
    assert (found["kind"], found["levels"], found["df"]) == ("words", 2, 1)
    means = np.mean(EFFECTS[:3]), np.mean(EFFECTS[3:])
    assert found["slope"] == pytest.approx(means[1] - means[0])
    assert [(group["level"], group["k"]) for group in found["groups"]] == [("a", 3), ("b", 3)]
    assert [group["estimate"] for group in found["groups"]] == pytest.approx(means)
    assert all(group["ci_low"] < group["estimate"] < group["ci_high"] for group in found["groups"])
    assert (found["interval"], found["tau2_method"]) == ("hksj_adhoc", "REML")


def test_the_test_of_two_groups_is_the_t_test_of_their_difference():
    effects = [entry | {"purpose": "a" if number < 3 else "b"} for number, entry in enumerate(rows())]
    found = moderator_rows(SPEC | {"moderators": ["purpose"], "interval": "wald"}, effects)[0]
    fit = meta_regression(EFFECTS, [0.05] * 6, [0, 0, 0, 1, 1, 1], interval="hksj")
    assert found["p_value"] == pytest.approx(float(fit.p_value[1]))
    assert found["interval"] == "hksj"


def test_too_few_trials_to_compare_are_told_once_and_nothing_pooled_is_silent():
    spec = SPEC | {"moderators": ["sessions", "condition", "year"]}
    few = moderator_rows(spec, rows(EFFECTS[:3]))
    assert [(entry["moderator"], entry["k"], entry["p_value"]) for entry in few] == [("any", 3, None)]
    assert few[0]["caution"].startswith("3 trials: at least 4")
    assert moderator_rows(spec, []) == []
    assert moderator_rows(SPEC, rows()) == []
    twice = [*rows(), *rows()]
    assert "several effects each" in moderator_rows(spec, twice)[0]["caution"]


def test_what_cannot_be_compared_says_why():
    effects = [
        entry | {"condition": "DPN", "purpose": f"p{number}"} | ({"sessions": 8.0} if number < 3 else {})
        for number, entry in enumerate(rows())
    ]
    asked = ["condition", "purpose", "sessions", "risk_of_bias"]
    found = {row["moderator"]: row for row in moderator_rows(SPEC | {"moderators": asked}, effects)}
    assert all(row["p_value"] is None and row["groups"] == [] for row in found.values())
    assert found["condition"]["caution"] == "the same in every trial (DPN)"
    assert found["purpose"]["caution"] == "6 different answers in 6 trials: no groups to compare"
    assert found["sessions"]["caution"] == "known of 3 of the 6 trials: at least 4 are needed"
    assert found["risk_of_bias"]["caution"] == "known of none of the 6 trials"


def test_a_group_of_one_trial_is_cautioned():
    effects = [entry | {"purpose": "b" if number == 0 else "a"} for number, entry in enumerate(rows())]
    found = moderator_rows(SPEC | {"moderators": ["purpose"]}, effects)[0]
    assert found["p_value"] is not None
    assert "a group of one trial" in found["caution"]


def test_the_table_of_moderators_has_a_row_a_group():
    effects = [entry | {"purpose": "a" if number < 3 else "b"} for number, entry in enumerate(rows())]
    found = list(table_rows(adjusted(moderator_rows(SPEC | {"moderators": ["purpose", "year"]}, effects))))
    assert [(row["moderator"], row["level"], row["k"]) for row in found] == [
        ("purpose", None, 6),
        ("purpose", "a", 3),
        ("purpose", "b", 3),
        ("year", None, 6),
    ]
    assert all(set(row) == set(MODERATOR_COLUMNS) for row in found)
    assert found[1]["p_adjusted"] is None
    assert found[3]["p_adjusted"] >= found[3]["p_value"]


def test_holm_counts_only_what_was_tested():
    found = adjusted([{"p_value": 0.02}, {"p_value": None}, {"p_value": 0.03}, {"p_value": 0.5}])
    assert [entry["p_adjusted"] for entry in found] == [pytest.approx(0.06), None, pytest.approx(0.06), 0.5]


def test_bayes_agrees_with_the_frequentist_answer_when_trials_agree():
    record, findings, _ = everything(rows())
    assert [entry["prior"] for entry in findings["bayes"]] == ["half_normal", "half_cauchy", "uniform"]
    for entry in findings["bayes"]:
        assert entry["estimate"] == pytest.approx(record["pooled"]["estimate"], abs=0.02)
        assert entry["p_benefit"] > 0.999
        assert entry["p_beyond_mcid"] > entry["p_beyond_mcid_new"]


def test_dependent_effects_are_modelled_beside_the_main_result():
    several = [
        entry
        | {"variant": "several_effects=multilevel", "selected": False, "effect": entry["effect"] + shift}
        for entry in rows()
        for shift in (0.0, 0.2)
    ]
    part = multilevel_part(SPEC, [*rows(), *several], rows())
    assert (part["effects"], part["trials"]) == (12, 6)
    assert part["estimate"] == pytest.approx(np.mean(EFFECTS) + 0.1, abs=1e-6)
    assert multilevel_part(SPEC, rows(), rows()) is None


def test_an_interval_that_touches_no_effect_is_unclear():
    assert conclusion(0.0, 1.0, 0.0, "lower") == "unclear"
    assert conclusion(None, 1.0, 0.0, "lower") == "unclear"
