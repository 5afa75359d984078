"""Numbers and small plots in templates."""

from tests.unit.page import demo
from trialpool.page.render import bounds, data, estimate, html_environment, whisker
from trialpool.view.axis import axis_over
from trialpool.view.forest_table import Number, estimate_at, pooled_estimate


def test_a_missing_number_is_a_dash_and_an_open_interval_is_said():
    record = demo.record(pooled=demo.pooled(ci_high=None, i2=None))
    assert data(Number(None, "x", "a/b")) == "—"
    assert estimate(pooled_estimate(record)).striptags() == "−1.20 (interval not estimable)"
    assert bounds(pooled_estimate(record)) == bounds(None) == "—"


def test_a_whisker_is_clipped_at_the_ends_of_its_axis():
    shown = estimate_at(demo.record(pooled=demo.pooled(ci_low=-50.0)), "pooled")
    plot = whisker(shown, axis_over(-2.2, 2.2, logarithmic=False, left=0.0, right=200.0))
    assert (plot.clip_low, plot.low, plot.clip_high) == (True, 0.0, False)


def test_hostile_text_in_a_number_is_escaped():
    template = html_environment().from_string("{{ number | data }}")
    assert "<script" not in template.render(number=Number(1.0, demo.HOSTILE, demo.HOSTILE))
