"""The radial and the L'Abbé plot, read back from their artists."""

import math

import numpy as np
import pytest
from figure_records import made_up_record, typed
from test_figures_funnel import marked, texts

from trialpool.figures import curve, draw_beside, influence, posterior
from trialpool.figures.labbe import draw_labbe
from trialpool.figures.notes import describe
from trialpool.figures.radial import draw_radial

EVENTS = {
    "RR": lambda risk, effect: risk * effect,
    "OR": lambda risk, effect: risk * effect / (1 - risk + risk * effect),
    "RD": lambda risk, effect: risk + effect,
}


def counted(measure):
    record = made_up_record(12, measure if measure != "RD" else "MD", seed=5)
    record["measure"] = measure
    for at, study in enumerate(record["studies"]):
        study |= {"events_experimental": 3 + at, "n_experimental": 50 + at}
        study |= {"events_control": 12 + at, "n_control": 60}
    if measure == "RD":
        record["pooled"]["estimate"] = -0.1
    return record


@pytest.mark.parametrize("measure", ["MD", "RR"])
def test_a_ray_from_the_origin_has_the_slope_of_the_effect(measure):
    """R's metafor: radial(fit) has x = 1/sqrt(vi + tau2) and z = yi/sqrt(vi + tau2)."""
    record = made_up_record(12, measure, seed=5)
    record["studies"][4]["imputed"] = True
    figure, tau2 = draw_radial(typed(record)), record["pooled"]["tau2"]
    for gid, imputed in (("trials", False), ("imputed", True)):
        (dots,) = marked(figure, gid)
        kept = [study for study in record["studies"] if study["imputed"] == imputed]
        wanted = [(1 / math.sqrt(s["variance"] + tau2), s["effect"]) for s in kept]
        assert np.asarray(dots.get_offsets()) == pytest.approx(np.array([(x, y * x) for x, y in wanted]))
    (pooled,) = marked(figure, "pooled")
    (_, end), (_, height) = pooled.get_data()
    estimate = record["pooled"]["estimate"]
    assert height / end == pytest.approx(math.log(estimate) if measure == "RR" else estimate)
    limits = [line.get_ydata()[0] for line in marked(figure, "limit")]
    assert limits == pytest.approx([-1.96, 1.96], abs=1e-3)
    assert "Hollow: rests on an imputed number." in " ".join(texts(figure)).replace("\n", " ")
    assert describe("radial", typed(record)).startswith("Radial (Galbraith) plot:")


@pytest.mark.parametrize("measure", EVENTS)
def test_a_circle_is_at_the_risks_of_both_arms_and_the_line_at_the_pooled_effect(measure):
    record = counted(measure)
    figure = draw_labbe(typed(record))
    (circles,) = marked(figure, "trials")
    wanted = [((12 + at) / 60, (3 + at) / (50 + at)) for at in range(12)]
    assert np.asarray(circles.get_offsets()) == pytest.approx(np.array(wanted))
    sizes = circles.get_sizes()
    assert sizes / sizes.max() == pytest.approx([(110 + at) / 121 for at in range(12)])
    (line,) = marked(figure, "pooled")
    x, y = (np.asarray(values) for values in line.get_data())
    assert y == pytest.approx(EVENTS[measure](x, record["pooled"]["estimate"]))
    assert "events of 50 people against 12 of 60" in describe("labbe", typed(record))


def test_both_are_drawn_where_they_are_asked_for_and_apply(monkeypatch):
    asked, usual = ["radial", "labbe"], (curve, influence, posterior)
    for module, name in zip(usual, ("specification_curve", "influence", "posterior"), strict=True):
        monkeypatch.setattr(module, f"draw_{name}", lambda *given: None)

    def names(record, *figures):
        return [name for name, _, _ in draw_beside(typed(record), {}, *figures)]

    assert names(counted("RR"), asked)[-2:] == asked
    assert "labbe" not in names(made_up_record(12, "MD", seed=5), asked)
    assert not {*names(counted("RR"))} & {*asked}
    by_counts = counted("RR")
    by_counts["methods"]["method"] = "mh"
    assert names(by_counts) == ["multiverse", "funnel"]


def test_what_has_no_events_is_refused():
    with pytest.raises(ValueError, match="not of measure MD"):
        draw_labbe(typed(made_up_record(12, "MD", seed=5)))
