"""One analysis from effects to record: what is chosen, counted, said, and left out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.synthesis.made_up import EFFECTS, SPEC, effect, effects
from trialpool.records import Known, Unused, sketch
from trialpool.synthesis.analyse import analyse, direction, pooled_record, read


def test_the_order_of_the_effects_does_not_matter():
    one, other = (analyse(SPEC, rows)[0] for rows in (effects(), effects()[::-1]))
    assert replace(one, sensitivity=()) == replace(other, sensitivity=())
    assert {row.choice: row.estimate for row in one.sensitivity} == {
        row.choice: pytest.approx(row.estimate) for row in other.sensitivity
    }


def test_only_selected_effects_are_pooled_and_people_counted_once():
    extra = effect(99, 5.0, 0.1, selected=False)
    twice = effect(0, 0.1, 0.2, instrument="zz", n_experimental=20)
    record, _ = analyse(SPEC, [*effects(), extra])
    assert (record.k, record.n_experimental, record.n_control) == (6, 180, 180)
    again, _ = analyse(SPEC, [*effects(), twice])
    assert (again.k, again.effects, again.n_experimental) == (6, 7, 180)


def test_one_trial_is_shown_not_pooled_and_nothing_is_made_up():
    record, every = analyse(SPEC, effects(EFFECTS[:1]))
    assert (record.status, record.k, record.pooled.estimate) == ("single_study", 1, EFFECTS[0])
    assert record.robustness.grade == "not assessable"
    assert (record.sensitivity, record.bayes, record.influence, every) == ((), (), (), None)


def test_no_effect_is_a_visible_gap():
    known = (sketch(Known, study_id="T1", label="Trial 1"),)
    record, _ = analyse(SPEC, [], [], known)
    assert (record.status, record.pooled, record.known) == ("no_data", None, known)


def test_the_record_names_its_subgroups_and_its_methods():
    rows = effects(condition="DPN")[:3] + effects(condition="CIPN")[3:]
    record, _ = analyse(SPEC | {"subgroups": "condition"}, rows)
    assert record.subgroup_column == "condition"
    assert [group.name for group in record.subgroups] == ["CIPN", "DPN"]
    assert 0 < record.subgroup_test.p_value < 1
    assert record.methods.text[0].startswith("Mean difference")


@pytest.mark.parametrize(("better", "left"), [("lower", "favours acupuncture"), ("higher", "favours sham")])
def test_words_under_the_axis_follow_the_direction_of_benefit(better, left):
    assert direction(SPEC | {"better": better}).left == left


def test_results_of_another_question_are_counted_by_trials():
    unused = {"analysis": "a", "study_id": "A", "label": "A", "reason": "r", "source_url": "", "weeks": None}
    codes = (("A", "other_purpose"), ("B", "other_comparison"), ("B", "other_comparison"), ("A", "no_spread"))
    rows = read(Unused, [unused | {"study_id": study, "reason_code": code} for study, code in codes])
    record = pooled_record(SPEC, [], rows)
    assert ([row.reason_code for row in record.not_used], record.elsewhere) == (["no_spread"], 2)


def test_tables_are_read_with_categories_as_one_word_and_of_unused_results_what_they_say():
    row = {"analysis": "a", "study_id": "A", "label": "A", "year": 2001, "n_randomised": None}
    row |= {"has_numbers": True, "source_url": ""}
    row |= {"category_experimental": ["manual", "electro"], "category_control": ["sham"]}
    (known,) = read(Known, [row])
    assert (known.category_experimental, known.category_control) == ("manual+electro", "sham")
    unused = {"analysis": "a", "study_id": "A", "label": "A", "reason": "r", "source_url": "", "item": ""}
    unused |= {"instrument": "NRS", "row_ids": ""}
    (row,) = read(Unused, [unused | {"reason_code": "no_spread"}])
    assert (row.instrument, row.item, row.row_ids, row.source_url) == ("NRS", None, None, "")
