from __future__ import annotations

import pytest

from tests.unit.page import demo
from trialpool import text as words


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


def test_words_are_put_as_english_puts_them():
    assert words.capital("pain on NRS") == "Pain on NRS"
    assert (words.spaced("usual_care"), words.spaced(None)) == ("usual care", "")
    assert (words.measure_name("SMD"), words.measure_name("new")) == ("standardised mean difference", "new")


def test_people_are_counted_only_where_both_sides_report_them():
    assert (words.people(30, 28), words.people(None, 3)) == (58, None)


def test_labels_are_on_one_line_and_no_longer_than_can_be_drawn():
    assert [words.clean(text) for text in ("Lü\n 2020\u202e", None, float("nan"))] == ["Lü 2020", "", ""]
    assert words.short("a" * 9, 5) == "aaaa…"
