"""The value axis: what it shows, and its ticks."""

import math
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trialpool.figures import lettering, style
from trialpool.view.axis import axis_over, plan_axis, position, side

WIDTH = 180.0


def planned(estimates, half_widths, logarithmic=False, **more):
    results = [(a, a - b, a + b) for a, b in zip(estimates, half_widths, strict=True)]
    if logarithmic:
        results = [tuple(map(math.exp, result)) for result in results]
    return plan_axis("RR" if logarithmic else "MD", results, left=10.0, right=10.0 + WIDTH, **more)


sizes = st.sampled_from([1e-4, 0.01, 1.0, 30.0, 1e5])


@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(0.01, 3)), min_size=1, max_size=20),
    sizes,
    st.booleans(),
)
@example([(0.0, 0.453125)], 1e-4, False)
def test_ticks_are_few_apart_and_within_the_range(studies, size, logarithmic):
    size = min(size, 2.0) if logarithmic else size
    axis = planned([a * size for a, _ in studies], [b * size for _, b in studies], logarithmic=logarithmic)
    assert 2 <= len(axis.ticks) <= 10
    places = [position(axis, tick) for tick in axis.ticks]
    assert all(10.0 - 1e-6 <= place <= 10.0 + WIDTH + 1e-6 for place in places)
    widths = [lettering.width(label, style.SMALL_SIZE) for label in axis.labels]
    for (a, b), (v, w) in zip(pairwise(places), pairwise(widths), strict=True):
        assert b - a > (v + w) / 2
    assert len(set(axis.labels)) == len(axis.labels)


@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(0.01, 3)), min_size=1, max_size=20), st.booleans())
def test_no_effect_is_always_shown_with_room_on_both_sides(studies, logarithmic):
    axis = planned([a for a, _ in studies], [b for _, b in studies], logarithmic=logarithmic)
    null = position(axis, 1.0 if logarithmic else 0.0)
    assert 10.0 + 0.1 * WIDTH < null < 10.0 + 0.9 * WIDTH


@pytest.mark.parametrize(
    ("estimates", "half_widths", "labels"),
    [
        ([-0.7, 0.7], [0.3, 0.3], ["0.5", "1", "2"]),
        ([-2.0, 2.0], [0.5, 0.5], ["0.1", "0.2", "0.5", "1", "2", "5", "10"]),
        ([0.05, 0.1], [0.05, 0.05], ["1", "1.05", "1.1", "1.15"]),
        ([-6.0, 6.0], [1.0, 1.0], ["0.001", "0.01", "0.1", "1", "10", "100", "1000"]),
    ],
)
def test_ratio_ticks_are_the_usual_ones(estimates, half_widths, labels):
    axis = planned(estimates, half_widths, logarithmic=True)
    shown = [label for label in axis.labels if label in labels]
    assert len(shown) >= len(labels) - 2
    assert set(shown) == set(axis.labels)
    assert "1" in shown


def test_difference_ticks_have_a_true_minus_and_equal_decimals():
    axis = planned([-1.4, -0.2], [0.3, 0.3])
    assert axis.labels == ("−1.5", "−1.0", "−0.5", "0.0")


def test_one_wide_interval_does_not_rule_the_axis():
    narrow = planned([-1.0, -1.2, -0.8, -0.9, -1.1], [0.5] * 5)
    wide = planned([-1.0, -1.2, -0.8, -0.9, -1.1], [0.5, 0.5, 0.5, 0.5, 40.0])
    assert wide.high - wide.low < 2.5 * (narrow.high - narrow.low)
    assert side(wide, 39.0) == 1
    assert side(wide, -41.0) == -1
    assert side(wide, -1.0) == 0


def test_a_sole_trial_is_shown_whole():
    axis = planned([2.0], [50.0])
    assert side(axis, -48.0) == side(axis, 52.0) == 0


def test_a_pooled_interval_may_widen_the_axis_but_not_without_end():
    base = planned([-1.0, -1.2, -0.8], [0.5] * 3)
    pooled = planned([-1.0, -1.2, -0.8], [0.5] * 3, pooled=[(-3.0, 1.0)])
    endless = planned([-1.0, -1.2, -0.8], [0.5] * 3, pooled=[(-3000.0, 1000.0)])
    assert side(base, -3.0) == -1
    assert side(pooled, -3.0) == side(pooled, 1.0) == 0
    assert endless.high - endless.low < 5 * (base.high - base.low)


def test_zero_and_endless_ratios_do_not_break_it():
    axis = plan_axis("RR", [(0.0, 0.0, math.inf), (2.0, 1.0, 4.0)], right=WIDTH)
    assert side(axis, 0.0) == -1
    assert position(axis, 0.0) == 0.0
    assert side(axis, math.inf) == 1


@given(st.floats(0.02, 30), st.floats(0.1, 0.9), st.sampled_from([150.0, 180.0, 310.0]))
def test_every_ratio_axis_has_ticks_to_read(span, share, length):
    axis = axis_over(-span * share, span * (1 - share), logarithmic=True, left=0.0, right=length)
    assert 2 <= len(axis.ticks) <= 12
    assert len(set(axis.labels)) == len(axis.labels)
