"""Risk of bias of a trial in one word and in one line."""

from trialpool.evidence.risk_of_bias import judgement_lines, overall_judgements, worst_judgements

ROWS = [
    {"study_id": "A", "tool": "RoB2", "domain": "blinding", "judgement": "low"},
    {"study_id": "A", "tool": "RoB2", "domain": "missing; data", "judgement": "some_concerns"},
    {"study_id": "A", "tool": "RoB2", "domain": "size", "judgement": "high"},
    {"study_id": "B", "tool": "RoB1", "domain": "blinding", "judgement": "high"},
    {"study_id": "B", "tool": "RoB1", "domain": "blinding", "judgement": "low"},
]


def test_the_worst_judgement_counts_and_the_size_of_a_trial_is_not_bias():
    assert worst_judgements(ROWS) == {"A": "some_concerns", "B": "high"}
    assert overall_judgements(ROWS) == {"A": "unclear", "B": "high"}
    assert worst_judgements(ROWS, ())["A"] == "high"


def test_a_line_names_every_domain_once():
    lines = judgement_lines(ROWS)
    assert lines["A"] == "RoB2: blinding low; RoB2: missing, data some_concerns"
    assert lines["B"] == "RoB1: blinding high"
