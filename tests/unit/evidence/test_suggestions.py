"""Answers that follow from closed words and counts, and nothing that does not."""

from __future__ import annotations

import pytest

from trialpool.evidence.suggestions import suggested_answers
from trialpool.vocabulary import general


def tables(blinded="", category="placebo", n=50.0, domain="pain"):
    arms = [
        {"study_id": "A", "arm": name, "role": role, "category": kind, "n_randomised": 50.0}
        for name, role, kind in (("a", "experimental", "drug"), ("b", "control", category))
    ]
    row = {"study_id": "A", "domain": domain, "instrument": "NRS", "item": None, "weeks": 8.0}
    row |= {"timepoint": "end_of_treatment"}
    rows = [{**row, "arm": "a", "n": 50.0}, {**row, "arm": "b", "n": n}]
    rows += [{**row, "arm": "b", "n": 10.0, "timepoint": "baseline"}]
    return {"studies": [{"study_id": "A", "blinded": blinded}], "arms": arms, "continuous": rows}


def answers(*args, **changes):
    found = suggested_answers(tables(*args, **changes), general())
    return {each.question: each.answer for each in found if each.question != "3.1"}


@pytest.mark.parametrize(
    ("blinded", "domain", "expected"),
    [
        ("nobody", "pain", {"2.1": "Y", "2.2": "Y", "4.3": "Y", "4.4": "PY"}),
        ("nobody", "mortality", {"2.1": "Y", "2.2": "Y", "4.3": "Y"}),
        ("participants", "pain", {"2.1": "N", "4.3": "N"}),
        ("participants", "mortality", {"2.1": "N"}),
        ("assessors", "pain", {"2.1": "Y", "4.3": "Y", "4.4": "PY"}),
        ("assessors", "mortality", {"2.1": "Y", "4.3": "N"}),
        ("everybody", "pain", {"2.1": "N", "2.2": "N", "4.3": "N"}),
        ("everybody", "mortality", {"2.1": "N", "2.2": "N", "4.3": "N"}),
        ("", "pain", {}),
    ],
)
def test_who_was_blinded_answers_who_knew(blinded, domain, expected):
    assert answers(blinded, domain=domain) == expected


def test_a_control_that_hides_nothing_is_known():
    assert answers(category="usual_care") == {"2.1": "PY", "4.3": "PY", "4.4": "PY"}
    assert answers(category="waitlist", domain="mortality") == {"2.1": "PY"}
    assert answers(category="another_drug") == answers(category="sham") == {}


@pytest.mark.parametrize(("n", "answer"), [(50.0, "PY"), (45.0, "PY"), (44.0, "PN")])
def test_how_many_were_analysed_answers_whether_data_are_nearly_complete(n, answer):
    (found,) = (each for each in suggested_answers(tables(n=n), general()) if each.question == "3.1")
    assert (found.outcome, found.answer) == ("pain", answer)
    assert found.why == f"{50 + n:.0f} of 100 randomised were analysed"


def test_nothing_is_suggested_where_nobody_says_how_many_were_randomised():
    own = tables()
    own["arms"] = [{**arm, "n_randomised": None} for arm in own["arms"]]
    assert suggested_answers(own, general()) == []
