"""Which arms and results an analysis takes."""

import pandas as pd
from small_review import SHAM, answer, chosen, question, review, two_arms

from trialpool.evidence.match import _study_labels as study_labels


def test_role_does_not_decide_the_side_but_the_category_does():
    arms = [{"arm": "a", "role": "control"}, {**SHAM, "role": "experimental"}]
    (row,) = chosen(answer(review(arms=arms, continuous=two_arms())))
    assert row["effect"] == -2.0


def test_role_decides_where_one_category_is_on_both_sides():
    arms = [{"arm": "s", "role": "experimental"}, {"arm": "a", "role": "control"}]
    spec = question(control=["manual_acupuncture"])
    (row,) = chosen(answer(review(arms=arms, continuous=two_arms()), spec))
    assert row["effect"] == 2.0


def test_a_design_takes_what_is_added_to_a_control_apart_from_what_replaces_it():
    drug = {"category": "vitamin_b", "role": "control"}
    arms = [{"arm": "added", "adds_to": "drug"}, {"arm": "alone"}, {"arm": "drug", **drug}]
    arms += [
        {"study_id": "B", "arm": "added", "adds_to": "a_third"},
        {"study_id": "B", "arm": "drug", **drug},
    ]
    arms += [{"study_id": "B", "arm": "a_third", "category": "diet", "role": "control"}]
    centres = {"added": 2.0, "alone": 3.0, "drug": 5.0}
    rows = [
        {"study_id": study, "arm": arm, "centre": centre} for study in "AB" for arm, centre in centres.items()
    ]
    tables = review(
        studies=[{}, {"study_id": "B"}],
        arms=arms,
        continuous=[row for row in rows if row["arm"] != "alone" or row["study_id"] == "A"],
    )
    designs = {"any": None, "on": "add_on", "head": "head_to_head"}
    specs = [
        question(analysis=name, control=["vitamin_b"], design=design) for name, design in designs.items()
    ]
    found = {(row["analysis"], row["study_id"]): row["effect"] for row in chosen(answer(tables, *specs))}
    assert found == {
        ("any", "A"): -2.5,
        ("any", "B"): -3,
        ("on", "A"): -3,
        ("head", "A"): -2,
        ("head", "B"): -3,
    }


def test_times():
    rows = [row for weeks in (4, 8, 12) for row in two_arms(weeks=weeks, timepoint="follow_up")]
    rows += two_arms(weeks=None)
    tables = review(continuous=rows)
    specs = [
        question(analysis="late", timepoint="follow_up"),
        question(analysis="middle", timepoint={"weeks": [5, 10]}),
        question(analysis="tie", timepoint={"weeks": [2, 14]}),
        question(analysis="list", timepoint=["during", "end_of_treatment"]),
        question(analysis="none", timepoint={"weeks": [20, 30]}),
    ]
    found = {row["analysis"]: row["weeks"] for row in chosen(answer(tables, *specs))}
    assert pd.isna(found.pop("list"))
    assert found == {"late": 12, "middle": 8, "tie": 8}


def test_doses_that_follow_from_others_come_with_the_effect():
    arms = [
        {"arm": "a", "weeks": 4, "sessions_per_week": 3},
        {"arm": "b", "weeks": 8, "sessions": 20},
        {"arm": "ab", "pooled_of": "a b"},
        {"arm": "s", "category": "sham", "role": "control"},
    ]
    rows = [{"arm": "ab", "centre": 3.0}, {"arm": "s", "centre": 5.0}]
    together = answer(review(arms=arms, continuous=rows), question()).effects
    (row,) = together[together["selected"]].to_dict("records")
    assert (row["sessions"], row["programme_weeks"], row["sessions_per_week"]) == (16.0, 6.0, 2.75)
    both = [{**rows[0], "arm": "a"}, {**rows[0], "arm": "b"}, rows[1]]
    combined = answer(review(arms=arms, continuous=both), question()).effects
    (row,) = combined[combined["selected"]].to_dict("records")
    assert (row["arm_experimental"], row["sessions"], row["sessions_per_week"]) == ("a+b", 16.0, 2.75)
    assert row["mean_dose"]


def test_the_dose_of_arms_taken_together_is_weighted_by_their_people():
    # 10 people with 12 sessions and 30 with 24: (10·12 + 30·24)/40 = 21
    arms = [
        {"arm": "a", "sessions": 12, "weeks": 12, "n_randomised": 10},
        {"arm": "b", "sessions": 24, "weeks": 12, "n_randomised": 30},
        {"arm": "ab", "pooled_of": "a b", "n_randomised": 40},
        {"arm": "s", "category": "sham", "role": "control"},
    ]
    control = {"arm": "s", "centre": 5.0}
    cases = (
        [{"arm": "ab", "centre": 3.0}, control],
        [{"arm": "a", "centre": 3.0, "n": 10}, {"arm": "b", "centre": 3.0, "n": 30}, control],
        [{"arm": "a", "centre": 3.0, "n": 10}, control],
    )
    for rows, dose in zip(cases, (21.0, 21.0, 12.0), strict=True):
        effects = answer(review(arms=arms, continuous=rows), question()).effects
        (row,) = effects[effects["selected"]].to_dict("records")
        assert (row["sessions"], row["programme_weeks"]) == (dose, 12.0)
        assert row["mean_dose"] == (dose == 21.0)


def test_labels_are_all_different_and_long_ones_give_way_to_ids():
    # OpenMeta-analyst-#275, epireview#43: one label for two trials
    long = "Wolfeschlegelsteinhausenbergerdorff-Smythe"
    studies = {
        "study_id": ["Lu2020", "LuW2020", "Lu2020b", "W2019", "W2020"],
        "year": [2020.0] * 3 + [2019.0, 2020.0],
    }
    studies |= {"first_author": ["Lu", "Lu W", "Lu", long, long], "label": ""}
    assert study_labels(pd.DataFrame(studies)).tolist() == [
        "Lu 2020a",
        "Lu 2020c",
        "Lu 2020b",
        "W2019",
        "W2020",
    ]
    many = {"study_id": [f"S{n}" for n in range(60)], "first_author": "Lu", "year": 2020.0, "label": ""}
    labels = study_labels(pd.DataFrame(many))
    assert (labels.nunique(), labels.iloc[26]) == (60, "Lu 2020aa")
