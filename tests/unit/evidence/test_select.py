"""One effect of each trial by a stated order."""

from small_review import SHAM, answer, chosen, question, reasons, review, two_arms


def test_instruments_with_another_range_are_not_mixed_without_a_scale():
    rows = [*two_arms(), *({**row, "study_id": "B", "instrument": "VAS100"} for row in two_arms())]
    arms = [{"arm": "a"}, SHAM, {"arm": "a", "study_id": "B"}, {**SHAM, "study_id": "B"}]
    tables = review(studies=[{}, {"study_id": "B"}], arms=arms, continuous=rows)
    result = answer(tables, question(outcomes=["NRS", "VAS100"]))
    assert [row["study_id"] for row in chosen(result)] == ["A"]
    assert "0 to 10 points" in reasons(result)["other_scale"]


def test_arms_and_contrast_of_one_result_are_never_both_used():
    contrast = {"arm_1": "a", "arm_2": "s"}
    result = answer(review(continuous=two_arms(), contrasts=[contrast]))
    assert [row["kind"] for row in chosen(result)] == ["final"]
    assert "counted once" in reasons(result)["same_result"]


def test_a_baseline_adjusted_contrast_goes_first():
    contrast = {"arm_1": "a", "arm_2": "s", "adjusted": "yes"}
    (row,) = chosen(answer(review(continuous=two_arms(), contrasts=[contrast])))
    assert row["kind"] == "contrast"
    assert row["derivation"].startswith("adjusted mean difference as printed")


def test_the_kind_of_an_smd_does_not_depend_on_what_else_is_asked():
    """Trial A prints a change of one arm and both values of the other, whose change is worked out."""
    arms = [{**arm, "study_id": name} for name in "AB" for arm in ({"arm": "a"}, SHAM)]
    before = {"arm": "a", "timepoint": "baseline", "weeks": 0, "centre": 6.0}
    rows = [before, {"arm": "a", "centre": 3.0}, {"arm": "s", "measure": "change", "centre": -1.0}]
    rows += [{**row, "study_id": "B", "domain": "sleep"} for row in two_arms()]
    tables = review(studies=[{"study_id": name} for name in "AB"], arms=arms, continuous=rows)
    pain, sleep = question(measure="SMD"), question(analysis="sleep", domain="sleep", measure="SMD")
    (alone,) = chosen(answer(tables, pain))
    assert (alone["study_id"], alone["kind"]) == ("A", "change")
    assert chosen(answer(tables, pain, sleep))[0] == alone


def test_smd_never_mixes_final_values_and_changes():
    studies = [{"study_id": name} for name in "ABC"]
    arms = [{**arm, "study_id": name} for name in "ABC" for arm in ({"arm": "a"}, SHAM)]
    kinds = {"A": "change", "B": "change", "C": "final"}
    rows = [{**row, "study_id": s, "measure": kind} for s, kind in kinds.items() for row in two_arms()]
    result = answer(review(studies=studies, arms=arms, continuous=rows), question(measure="SMD"))
    assert [row["study_id"] for row in chosen(result)] == ["A", "B"]
    assert "changes from baseline" in reasons(result)["other_kind"]
    mixed = chosen(answer(review(studies=studies, arms=arms, continuous=rows)))
    assert len(mixed) == 3


def test_final_values_are_preferred_inside_a_trial():
    rows = [*two_arms(measure="change"), *two_arms()]
    (row,) = chosen(answer(review(continuous=rows)))
    assert row["kind"] == "final"


def test_order_of_outcomes_and_items():
    rows = [
        *two_arms(instrument="TSS"),
        *two_arms(item="worst"),
        *two_arms(item="average"),
    ]
    spec = question(measure="SMD", outcomes=["NRS", "TSS"], items=["average", "worst", ""])
    result = answer(review(continuous=rows), spec)
    (row,) = chosen(result)
    assert (row["instrument"], row["item"]) == ("NRS", "average")
    assert {"other_instrument", "other_item_preferred"} <= set(reasons(result))


def test_multilevel_keeps_every_result_once():
    rows = [*two_arms(), *two_arms(instrument="TSS"), *two_arms(measure="change")]
    contrast = {"arm_1": "a", "arm_2": "s"}
    spec = question(measure="SMD", several_effects="multilevel")
    result = chosen(answer(review(continuous=rows, contrasts=[contrast]), spec))
    assert sorted(row["instrument"] for row in result) == ["NRS", "TSS"]
