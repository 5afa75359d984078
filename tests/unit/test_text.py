from __future__ import annotations

import pytest

from tests.unit.report import demo
from trialpool import text as words
from trialpool.report import sentences


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0009999, "p < 0.001"),
        (0.001, "p = 0.001"),
        (0.00999, "p = 0.010"),
        (0.0449, "p = 0.04"),
        (0.0496, "p = 0.050"),
        (0.0504, "p = 0.050"),
        (0.056, "p = 0.06"),
        (0.994, "p > 0.99"),
        (float("nan"), "—"),
    ],
)
def test_p_values_never_round_across_a_threshold_unseen(value, shown):
    assert words.p_value(value) == shown


def test_bounds_that_differ_from_zero_are_shown_with_enough_decimals():
    assert words.format_values("RD", [0.012, -0.004, 0.03]) == ["0.012", "−0.004", "0.030"]
    assert words.format_values("OR", [0.0031, 25.46, 4000.0]) == ["0.003", "25.5", ">1000"]


def test_no_negative_zero_and_true_minus_only():
    assert words.number(-0.0) == "0.00"
    assert words.number(-0.004) == "0.00"
    assert "-" not in words.effect("MD", -24.7, -34.7, -14.8)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " https://example.org",
        "https://example.org/\u202e",
        'https://example.org/"onmouseover="x',
        "data:text/html,<script>",
        "//example.org",
        "https://",
        "file:///etc/passwd",
        "https://[bad",
        "https://example.org/\njavascript:x",
        float("nan"),
    ],
)
def test_only_plain_web_addresses_become_links(address):
    assert words.url(address) == ""


def test_hostile_text_is_harmless_in_markdown():
    shown = words.markdown(demo.HOSTILE)
    assert not set("<>|*_[]\u202e") & set(shown)


def test_anchors_are_distinct_and_plain():
    made = [words.anchor("s", text) for text in ("a b", "a_b", "a-b", 'a"b', "é", "a/b")]
    assert len(set(made)) == len(made)
    assert all(text.isascii() and " " not in text and '"' not in text for text in made)


def test_sentence_of_a_clear_result_names_side_numbers_and_new_trials():
    text = sentences.result_sentence(demo.record())
    assert text.startswith(
        "The result favours acupuncture: MD −1.20 (95% CI −2.00 to −0.40); 3 trials, 123 people."
    )
    assert "either side of no difference" in text


def test_sentence_without_a_clear_result_claims_nothing():
    record = demo.record(pooled=demo.pooled(ci_high=0.3))
    assert sentences.result_sentence(record).startswith("No clear difference between acupuncture and sham")
    assert sentences.verdict_words(record) == "no clear difference"


def test_one_trial_is_never_called_a_meta_analysis():
    text = sentences.result_sentence(demo.record(k=1))
    assert text.endswith("One trial is not a meta-analysis.")
    assert "prediction interval" not in text
    assert sentences.verdict_words(demo.record(k=1)) == "favours acupuncture (one trial)"


@pytest.mark.parametrize(
    ("measure", "better", "low", "high", "expected"),
    [
        ("RR", "higher", 1.2, 2.0, "favours acupuncture"),
        ("RR", "lower", 1.2, 2.0, "favours sham"),
        ("OR", "lower", 0.2, 0.9, "favours acupuncture"),
        ("MD", "higher", -3.0, -1.0, "favours sham"),
        ("RD", "lower", -0.1, 0.1, "no clear difference"),
        ("RR", "higher", 0.9, 2.0, "no clear difference"),
    ],
)
def test_direction_follows_measure_and_benefit(measure, better, low, high, expected):
    middle = (low + high) / 2
    record = demo.record(
        measure=measure, better=better, pooled=demo.pooled(estimate=middle, ci_low=low, ci_high=high)
    )
    assert sentences.verdict_words(record) == expected


def test_a_gap_tells_near_misses_from_results_elsewhere():
    known = [{"study_id": name} for name in ("A", "B")]
    unused = [
        {"study_id": "B", "reason_code": "no_spread"},
        {"study_id": "C", "reason_code": "other_comparison"},
        {"study_id": "A", "reason_code": "no_numbers"},
    ]
    text = sentences.result_sentence(demo.record(k=0, known=known, not_used=unused))
    assert "2 trials of this comparison are known" in text
    assert text.endswith("1 trial reported it in a form that could not be used.")
    bare = sentences.result_sentence(demo.record(k=0, known=known[:1]))
    assert bare.endswith("1 trial of this comparison is known, none with a usable number for it.")
