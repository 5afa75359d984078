import pytest
from small_review import SHAM, answer, question, review, two_arms

from trialpool.records import Choice, Choices


def found(tables, **changes):
    """Variant as text -> list of (arms, n of the control, effect) that it would pool."""
    effects = answer(tables, question(**changes)).effects
    rows = effects[effects["variant"].map(len) > 0]
    assert not rows["selected"].any()
    sets = {}
    for row in rows.to_dict("records"):
        who = (row["study_id"], row["arm_experimental"], row["n_control"], round(row["effect"], 6))
        sets.setdefault(str(row["variant"]), []).append(who)
    return sets


def test_no_variant_where_nothing_can_differ():
    assert found(review(continuous=two_arms())) == {}


def test_variants_are_whole_sets_under_one_changed_rule():
    studies = [{"study_id": "A"}, {"study_id": "B"}]
    arms = [{"arm": "a"}, {"arm": "b"}, SHAM, {"arm": "a", "study_id": "B"}, {**SHAM, "study_id": "B"}]
    rows = [*two_arms(n=11), {"arm": "b", "centre": 4.0, "n": 11}]
    rows += [{**row, "study_id": "B"} for row in two_arms()]
    sets = found(review(studies=studies, arms=arms, continuous=rows))
    assert sets == {
        "multi_arm=covariance": [("A", "a", 11, -2.0), ("A", "b", 11, -1.0), ("B", "a", 20, -2.0)],
        "multi_arm=first": [("A", "a", 11, -2.0), ("B", "a", 20, -2.0)],
        "multi_arm=split": [("A", "a", 6, -2.0), ("A", "b", 5, -1.0), ("B", "a", 20, -2.0)],
    }


def test_the_other_kind_of_value():
    rows = [*two_arms(), *two_arms(measure="change")]
    rows[2]["centre"] = 2.0
    assert found(review(continuous=rows)) == {"kinds=change only": [("A", "a", 20, -3.0)]}


def test_only_one_kind_of_value_loses_the_trials_that_lack_it_and_first_keeps_them():
    arms = [{**arm, "study_id": name} for name in "AB" for arm in ({"arm": "a"}, SHAM)]
    rows = [*two_arms(), *two_arms(measure="change"), *({**row, "study_id": "B"} for row in two_arms())]
    rows[2]["centre"] = 2.0
    sets = found(review(studies=[{"study_id": "A"}, {"study_id": "B"}], arms=arms, continuous=rows))
    assert {name: [row[0] for row in pooled] for name, pooled in sets.items()} == {
        "kinds=change only": ["A"],
        "kinds=change": ["A", "B"],
    }


def test_the_other_source():
    contrast = {"arm_1": "a", "arm_2": "s"}
    tables = review(continuous=two_arms(), contrasts=[contrast])
    ((name, rows),) = found(tables).items()
    assert name == "source=contrasts"
    assert [row[3] for row in rows] == [-1.0]
    adjusted = review(continuous=two_arms(), contrasts=[{**contrast, "adjusted": "yes"}])
    assert [row[3] for row in found(adjusted)["source=arms"]] == [-2.0]


def test_each_other_instrument_and_no_other_time_which_is_another_question():
    rows = [*two_arms(), *two_arms(instrument="TSS"), *two_arms(timepoint="follow_up", weeks=20)]
    rows[2]["centre"], rows[4]["centre"] = 2.5, 4.5
    sets = found(review(continuous=rows), measure="SMD", outcomes=["NRS", "TSS"])
    assert set(sets) == {"outcomes=TSS", "several_effects=multilevel"}
    assert len(sets["outcomes=TSS"]) == 1


def test_a_grid_of_correlations_where_one_is_assumed():
    rows = [
        {"arm": arm, "weeks": 0, "timepoint": "baseline", "spread_low": 2.0} for arm in ("a", "s")
    ] + two_arms(measure="change", spread_type="none", spread_low=None)
    tables = review(continuous=rows)
    effects = answer(tables, question(kinds=["change"])).effects
    rows = effects[effects["variant"].map(str).str.startswith("r=")]  # 0.5 is the default, not another choice
    assert [str(variant) for variant in rows["variant"]] == [
        "r=0.3",
        "r=0.7",
        "r=0.9",
    ]
    # SD of the change is 2·√(2(1 - r)), so the variance is 2·8(1 - r)/20
    assert rows["variance"].tolist() == pytest.approx([0.8 * (1 - r) for r in (0.3, 0.7, 0.9)])
    assert rows["imputed"].all()


def test_borrowed_sds_bring_a_trial_back():
    arms = [{**arm, "study_id": name} for name in "AB" for arm in ({"arm": "a"}, SHAM)]
    rows = [*two_arms(spread_type="none", spread_low=None), *({**r, "study_id": "B"} for r in two_arms())]
    tables = review(studies=[{"study_id": "A"}, {"study_id": "B"}], arms=arms, continuous=rows)
    assert [row[0] for row in found(tables)["borrow_sd=true"]] == ["A", "B"]


def test_choices_are_crossed_where_both_pool_other_numbers():
    rows = [*two_arms(), *two_arms(instrument="TSS"), *two_arms(timepoint="follow_up", weeks=20)]
    rows += two_arms(instrument="TSS", timepoint="follow_up", weeks=20)
    rows[2]["centre"], rows[4]["centre"], rows[6]["centre"] = 2.5, 4.5, 1.0
    times = ["end_of_treatment", "follow_up"]
    sets = found(review(continuous=rows), measure="SMD", outcomes=["NRS", "TSS"], timepoint=times)
    both = sets["outcomes=TSS; timepoint=last"]
    assert both[0][3] == pytest.approx(-2.0 * 0.98011040, abs=1e-6)
    assert not any("multilevel" in name and ";" in name for name in sets)


def test_every_instrument_passed_over_is_tried_first():
    rows = [*two_arms(), *two_arms(instrument="TSS"), *two_arms(instrument="VAS100")]
    for place, centre in ((0, 1.0), (2, 2.0), (4, 3.0)):
        rows[place]["centre"] = centre
    sets = found(review(continuous=rows), measure="SMD", outcomes=["NRS", "TSS", "VAS100"])
    assert [name for name in sets if name.startswith("outcomes")] == ["outcomes=TSS", "outcomes=VAS100"]
    assert sets["outcomes=TSS"][0][3] < sets["outcomes=VAS100"][0][3]


def test_a_list_of_times_is_turned_round():
    rows = [*two_arms(), *two_arms(timepoint="", weeks=9), *two_arms(timepoint="follow_up", weeks=20)]
    rows[2]["centre"], rows[4]["centre"] = 2.5, 4.5
    sets = found(review(continuous=rows), timepoint=["end_of_treatment", ""])
    assert {name: round(pooled[0][3], 6) for name, pooled in sets.items()} == {
        "timepoint=last": -2.5,
    }


def test_the_name_of_an_alternative_reads_back_as_its_choices():
    rows = [*two_arms(), *two_arms(instrument="TSS"), *two_arms(timepoint="follow_up", weeks=20)]
    rows[2]["centre"], rows[4]["centre"] = 2.5, 4.5
    names = list(found(review(continuous=rows), measure="SMD", outcomes=["NRS", "TSS"]))
    assert Choices.parse("timepoint=follow_up") == (Choice("timepoint", "follow_up"),)
    assert [str(Choices.parse(name)) for name in names] == names
    assert Choices.parse("") == ()
