"""The funnel plot, read back from its artists."""

import math
import re

import pytest
from figure_records import gap_record, made_up_record
from matplotlib.colors import to_hex
from test_figures_layout import faults

from trialpool.figures import style
from trialpool.figures.funnel import describe_funnel, draw_funnel


def marked(figure, pattern):
    return [artist for artist in figure.artists if re.fullmatch(pattern, artist.get_gid() or "")]


def texts(figure):
    return [artist.get_text() for artist in figure.artists if hasattr(artist, "get_text")]


def scales(figure, logarithmic):
    """(x of an effect on the analysis scale, y of a standard error), worked out from the tick labels."""
    found = []
    for gid, index, take in (("tick", 0, math.log if logarithmic else float), ("error-tick", 1, float)):
        ticks = [
            (take(float(t.get_text().replace("−", "-"))), t.get_position()[index])
            for t in marked(figure, gid)
        ]
        (a, x), (b, y) = ticks[0], ticks[-1]
        found.append(lambda value, a=a, x=x, b=b, y=y: x + (value - a) / (b - a) * (y - x))
    return found


@pytest.mark.parametrize("measure", ["MD", "RR"])
def test_every_trial_is_a_dot_at_its_effect_and_standard_error(measure):
    record = made_up_record(12, measure, seed=5)
    record["studies"][4]["imputed"] = True
    figure = draw_funnel(record)
    across, down = scales(figure, measure == "RR")
    dots = marked(figure, r"dot-\d+")
    baseline = 2.5  # labels of the vertical axis stand this much below their ticks
    for dot, study in zip(dots, record["studies"], strict=True):
        x, y = dot.get_center()
        assert x == pytest.approx(across(study["effect"]), abs=0.01)
        assert y == pytest.approx(down(math.sqrt(study["variance"])) - baseline, abs=0.01)
    assert [to_hex(dot.get_facecolor()) == style.PAPER for dot in dots].index(True) == 4


def test_zones_are_centred_on_no_effect_and_the_limits_on_the_pooled_estimate():
    record = made_up_record(12, seed=5)
    figure = draw_funnel(record)
    across, down = scales(figure, False)
    for zone in marked(figure, r"zone-\d"):
        assert zone.get_xy()[0][0] == pytest.approx(across(0.0))
    limits = marked(figure, "limit")
    assert len(limits) == 2
    estimate = record["pooled"]["estimate"]
    for limit, sign in zip(limits, (-1, 1), strict=True):
        (x0, x1), (y0, y1) = limit.get_xdata(), limit.get_ydata()
        assert x0 == pytest.approx(across(estimate))
        error = (y1 - y0) / (down(0.2) - down(0.0)) * 0.2
        assert x1 == pytest.approx(across(estimate + sign * 1.959963985 * error), abs=0.01)
    (pooled,) = marked(figure, "pooled")
    assert pooled.get_xdata()[0] == pytest.approx(across(estimate))


def test_few_trials_are_called_too_few():
    assert any(text.startswith("9 trials: too few") for text in texts(draw_funnel(made_up_record(9))))
    assert not any("too few" in text for text in texts(draw_funnel(made_up_record(10))))


def test_a_standardised_difference_is_warned_about():
    assert any("some asymmetry is built in" in text for text in texts(draw_funnel(made_up_record(3, "SMD"))))


@pytest.mark.parametrize("record", [gap_record(), made_up_record(1)])
def test_without_a_pooled_estimate_there_is_no_funnel(record):
    with pytest.raises(ValueError, match=f"not one of status '{record['status']}'"):
        draw_funnel(record)


@pytest.mark.parametrize("measure", ["MD", "SMD", "RR", "OR", "RD"])
@pytest.mark.parametrize("k", [2, 5, 30])
def test_everything_is_inside_and_apart(measure, k):
    record = made_up_record(k, measure, seed=k)
    record["title"] = "A very long title " * 6
    record["direction"] = {
        "left": "favours acupuncture of any kind at all and more",
        "right": "favours " + "W" * 90,
    }
    outside, overlapping, marks_outside = faults(draw_funnel(record))
    assert not outside
    assert not overlapping
    assert not marks_outside


def test_the_description_names_every_trial():
    record = made_up_record(4)
    words = describe_funnel(record)
    assert words.startswith("Funnel plot: Made-up numbers")
    assert all(study["label"] in words for study in record["studies"])
    assert "4 trials: too few" in words
