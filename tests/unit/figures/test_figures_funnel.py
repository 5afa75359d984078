"""The funnel plot, read back from its artists."""

import math
from dataclasses import replace

import numpy as np
import pytest
from figure_records import gap_record, made_up_record, typed
from matplotlib.colors import to_hex
from test_figures_layout import faults

from trialpool.figures import style
from trialpool.figures.canvas import Plot
from trialpool.figures.funnel import draw_funnel
from trialpool.figures.notes import describe


def marked(figure, gid):
    return figure.findobj(lambda artist: artist.get_gid() == gid)


def texts(figure):
    return [artist.get_text() for artist in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


@pytest.mark.parametrize("measure", ["MD", "RR"])
def test_every_trial_is_a_dot_at_its_effect_and_standard_error(measure):
    record = made_up_record(12, measure, seed=5)
    record["studies"][4]["imputed"] = True
    figure = draw_funnel(typed(record))
    for gid, imputed in (("trials", False), ("imputed", True)):
        (dots,) = marked(figure, gid)
        wanted = [
            (study["effect"], math.sqrt(study["variance"]))
            for study in record["studies"]
            if study["imputed"] == imputed
        ]
        assert np.asarray(dots.get_offsets()) == pytest.approx(np.array(wanted))
        assert (to_hex(dots.get_facecolor()[0]) == style.PAPER) == imputed


@pytest.mark.parametrize("measure", ["MD", "RR"])
def test_ticks_of_the_effects_say_where_they_stand(measure):
    (ax,) = draw_funnel(typed(made_up_record(12, measure, seed=5))).findobj(Plot)
    back = math.exp if measure == "RR" else float
    for label in ax.x.labels:
        assert back(label.get_position()[0]) == pytest.approx(float(label.get_text().replace("−", "-")))
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_zones_are_centred_on_no_effect_and_the_limits_on_the_pooled_estimate():
    record = typed(made_up_record(12, seed=5))
    figure = draw_funnel(record)
    zones = marked(figure, "zone")
    assert len(zones) == 3
    for zone in zones:
        assert zone.get_xy()[0].tolist() == [0.0, 0.0]
    limits = marked(figure, "limit")
    assert len(limits) == 2
    for limit, sign in zip(limits, (-1, 1), strict=True):
        (x0, x1), (y0, y1) = limit.get_xdata(), limit.get_ydata()
        assert (x0, y0) == (record.pooled.estimate, 0.0)
        assert x1 == pytest.approx(record.pooled.estimate + sign * 1.959963985 * y1)
    (pooled,) = marked(figure, "pooled")
    assert pooled.get_xdata()[0] == pytest.approx(record.pooled.estimate)


def test_few_trials_are_called_too_few():
    assert any(text.startswith("9 trials: too few") for text in texts(draw_funnel(typed(made_up_record(9)))))
    assert not any("too few" in text for text in texts(draw_funnel(typed(made_up_record(10)))))


def test_a_standardised_difference_is_warned_about():
    shown = texts(draw_funnel(typed(made_up_record(3, "SMD"))))
    assert any("some asymmetry is built in" in text for text in shown)


@pytest.mark.parametrize("record", [gap_record(), made_up_record(1)])
def test_without_a_pooled_estimate_there_is_no_funnel(record):
    with pytest.raises(ValueError, match=f"not one of status '{record['status']}'"):
        draw_funnel(typed(record))


@pytest.mark.parametrize("measure", ["MD", "SMD", "RR", "OR", "RD"])
@pytest.mark.parametrize("k", [2, 5, 30])
def test_everything_is_inside_and_apart(measure, k):
    record = made_up_record(k, measure, seed=k)
    record["title"] = "A very long title " * 6
    record["direction"] = {
        "left": "favours acupuncture of any kind at all and more",
        "right": "favours " + "W" * 90,
    }
    outside, overlapping, marks_outside = faults(draw_funnel(typed(record)))
    assert not outside
    assert not overlapping
    assert not marks_outside


def test_the_description_names_every_trial():
    record = typed(made_up_record(4))
    words = describe("funnel", record)
    assert words.startswith("Funnel plot: Made-up numbers")
    assert all(study.label in words for study in record.studies)
    assert "4 trials: too few" in words
    assert describe("funnel", replace(record, studies=())).startswith("Funnel plot: Made-up")
