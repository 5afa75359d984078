"""Arms become comparisons, and nobody counts twice."""

import pytest
from small_review import SHAM, answer, chosen, question, review


def test_several_experimental_arms_are_combined_so_the_control_counts_once():
    arms = [{"arm": "a"}, {"arm": "b", "category": "electroacupuncture"}, SHAM]
    rows = [
        {"arm": "a", "centre": -2.0, "spread_low": 1.5, "n": 20, "measure": "change"},
        {"arm": "b", "centre": 1.0, "spread_low": 1.7, "n": 22, "measure": "change"},
        {"arm": "s", "centre": 0.0, "measure": "change"},
    ]
    (row,) = chosen(answer(review(arms=arms, continuous=rows)))
    assert row["arm_experimental"] == "a+b"
    assert (row["n_experimental"], row["n_control"]) == (42, 20)
    assert row["sd_experimental"] == pytest.approx(2.19603698)
    assert "2 arms combined (a + b)" in row["derivation"]
    assert row["category_experimental"] == ("manual_acupuncture", "electroacupuncture")


@pytest.mark.parametrize("parts", [["a", "b"], ["a"]])
def test_a_pooled_arm_is_never_counted_beside_its_parts(parts):
    arms = [{"arm": "a"}, {"arm": "b"}, {"arm": "p", "pooled_of": "a b"}, SHAM]
    rows = [{"arm": name, "n": 10} for name in parts] + [{"arm": "p", "n": 20}, {"arm": "s"}]
    result = answer(review(arms=arms, continuous=rows))
    (row,) = chosen(result)
    assert row["arm_experimental"] == ("a+b" if len(parts) == 2 else "p")
    assert row["n_experimental"] == 20


@pytest.mark.parametrize(
    ("multi_arm", "expected"),
    [
        ("split", [("a", 10, 10), ("b", 12, 9)]),
        ("covariance", [("a", 10, 19), ("b", 12, 19)]),
        ("first", [("a", 10, 19)]),
    ],
)
def test_other_rules_for_several_arms(multi_arm, expected):
    arms = [{"arm": "a"}, {"arm": "b"}, SHAM]
    rows = [{"arm": "a", "n": 10}, {"arm": "b", "n": 12}, {"arm": "s", "n": 19}]
    result = chosen(answer(review(arms=arms, continuous=rows), question(multi_arm=multi_arm)))
    found = [(row["arm_experimental"], row["n_experimental"], row["n_control"]) for row in result]
    assert sorted(found) == expected


def test_a_contrast_printed_the_other_way_round_is_turned():
    contrast = {"arm_1": "s", "arm_2": "a", "estimate": 1.5, "spread_low": 0.5, "spread_high": 2.5}
    (row,) = chosen(answer(review(contrasts=[{**contrast, "n_1": 12, "n_2": 15}])))
    assert row["effect"] == -1.5
    assert (row["n_experimental"], row["n_control"]) == (15, 12)
    assert "turned round" in row["derivation"]
