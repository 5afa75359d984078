"""What an arm's other rows, or other trials, say about a missing SD."""

import pytest
from small_review import SHAM, answer, chosen, question, review, two_arms

from trialpool.evidence.summaries import harmonise


def change_trials(**cells):
    """Trial A prints a change without SD beside baseline and final SDs; B prints all three, twice."""
    times = {"baseline": {"weeks": 0, "timepoint": "baseline"}, "end": {}}
    rows = []
    for study, sds in {"A": (12.4, 15.2, None), "B": (10.0, 10.0, 10.0 * 0.4**0.5)}.items():
        for arm in ("a", "s"):
            rows.append({"study_id": study, "arm": arm, "spread_low": sds[0], **times["baseline"]})
            rows.append({"study_id": study, "arm": arm, "spread_low": sds[1]})
            change = {"measure": "change", "spread_low": sds[2], "centre": -2.0 if arm == "a" else -1.0}
            if sds[2] is None:
                change["spread_type"] = "none"
            rows.append({"study_id": study, "arm": arm, **change})
    arms = [{**arm, "study_id": name} for name in "AB" for arm in ({"arm": "a"}, SHAM)]
    return review(studies=[{"study_id": "A"}, {"study_id": "B"}], arms=arms, continuous=rows)


def test_the_sd_of_a_change_rests_on_r_found_in_other_trials_or_assumed():
    kinds = {"kinds": ["change", "final"]}
    found = {row["study_id"]: row for row in chosen(answer(change_trials(), question(**kinds)))}
    # B: r = (100 + 100 - 40)/200 = 0.8; Handbook 6.5.2.8: with r = .80, (12.4, 15.2) -> 9.12315735
    assert found["A"]["sd_experimental"] == pytest.approx(9.12315735)
    assert "r = 0.8 (mean of 2 arms that print all three SDs)" in found["A"]["derivation"]
    assert found["A"]["imputed"]
    assert not found["B"]["imputed"]
    spec = question(**kinds, change_correlation=0.5, correlation_source="assumed")
    found = {row["study_id"]: row for row in chosen(answer(change_trials(), spec))}
    assert found["A"]["sd_experimental"] == pytest.approx((12.4**2 + 15.2**2 - 12.4 * 15.2) ** 0.5)
    assert "r = 0.5 assumed" in found["A"]["derivation"]


def test_final_values_come_before_changes_that_rest_on_r():
    assert {row["kind"] for row in chosen(answer(change_trials()))} == {"final"}


@pytest.mark.parametrize(("made", "printed"), [("change", "final"), ("final", "change")])
def test_a_kind_is_made_of_the_other_and_the_baseline(made, printed):
    rows = [
        {"arm": "a", "centre": 6.0, "weeks": 0, "timepoint": "baseline"},
        {"arm": "s", "centre": 5.5, "weeks": 0, "timepoint": "baseline"},
        *two_arms(measure=printed),
    ]
    (row,) = chosen(answer(review(continuous=rows), question(measure="SMD", kinds=[made])))
    means = (3.0 - 6.0, 5.0 - 5.5) if made == "change" else (3.0 + 6.0, 5.0 + 5.5)
    assert (row["kind"], row["mean_experimental"], row["mean_control"]) == (made, *means)
    assert row["imputed"]
    assert "baseline" in row["derivation"]
    (row,) = chosen(answer(review(continuous=rows), question(measure="SMD")))
    assert row["kind"] == printed


def test_sds_are_borrowed_only_where_the_analysis_says_so():
    rows = [*two_arms(spread_type="none", spread_low=None)]
    rows += [
        {**row, "study_id": "B", "n": n, "spread_low": sd}
        for row, n, sd in zip(two_arms(), (11, 31), (1.0, 3.0), strict=True)
    ]
    arms = [{**arm, "study_id": name} for name in "AB" for arm in ({"arm": "a"}, SHAM)]
    tables = review(studies=[{"study_id": "A"}, {"study_id": "B"}], arms=arms, continuous=rows)
    assert [row["study_id"] for row in chosen(answer(tables))] == ["B"]
    found = {row["study_id"]: row for row in chosen(answer(tables, question(borrow_sd=True)))}
    assert found["A"]["sd_experimental"] == pytest.approx(((10 * 1 + 30 * 9) / 40) ** 0.5)
    assert found["A"]["imputed"]
    assert "its SD pooled over 2 arms of other trials" in found["A"]["derivation"]


def arm(**cells):
    table = harmonise(review(continuous=[{"arm": "a", **cells}]))["arms"]
    return table.iloc[0]


def test_final_value_without_sd_borrows_the_baseline():
    rows = [
        {"arm": "a", "weeks": 0, "timepoint": "baseline", "spread_low": 1.5},
        {"arm": "a", "spread_type": "none", "spread_low": None},
    ]
    row = harmonise(review(continuous=rows))["arms"].iloc[1]
    assert row["usable"]
    assert row["imputed"]
    assert row["sd"] == 1.5
    assert row["row_ids"] == "continuous.csv:3 continuous.csv:2"
