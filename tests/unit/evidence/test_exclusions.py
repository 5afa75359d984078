"""What was not used and why, and which trials are known."""

from small_review import SHAM, answer, question, reasons, review, two_arms


def test_known_trials_without_numbers_stay_visible():
    result = answer(review(studies=[{"n_randomised": 60, "source_url": "https://example.org/a"}]))
    (known,) = result.known.to_dict("records")
    assert (known["label"], known["n_randomised"], known["has_numbers"]) == ("Lu 2020", 60, False)
    assert known["category_experimental"] == ("manual_acupuncture",)


def test_other_arms_and_other_purposes_get_one_line_a_study():
    arms = [{"arm": "a", "category": "exercise"}, SHAM]
    assert "other_comparison" in reasons(answer(review(arms=arms, continuous=two_arms())))
    tables = review(continuous=two_arms())
    assert "other_purpose" in reasons(answer(tables, question(purpose="prevention")))
