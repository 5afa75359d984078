"""Drapery and orchard plots: what is drawn lies where the numbers say."""

import math
from dataclasses import replace

import pytest
from scipy.special import ndtri, stdtrit

from trialpool.api import effects, pool
from trialpool.figures.drapery import curtains
from trialpool.figures.notes import notes
from trialpool.figures.orchard import heights
from trialpool.priors import turner_prior

TRIALS = {
    "measure": "MD",
    "effect": [-1.0, -0.4, -1.2, -0.8, -0.1, 0.2],
    "se": [0.3, 0.2, 0.5, 0.3, 0.2, 0.4],
}
GROUPS = ["a", "a", "a", "b", "b", "b"]


@pytest.fixture
def fit():
    return pool(effects(**TRIALS))


def test_a_curtain_is_as_wide_as_the_interval_of_its_height(fit):
    random, common = curtains(fit.record())
    assert float(random.at(fit.ci_low)) == pytest.approx(0.05)
    assert (random.estimate, float(random.at(random.estimate))) == (pytest.approx(fit.estimate), 1.0)
    assert random.se == pytest.approx((fit.ci_high - fit.ci_low) / 2 / stdtrit(5, 0.975))
    assert math.isinf(common.df)
    assert float(common.at(common.estimate + ndtri(0.95) * common.se)) == pytest.approx(0.1)


def test_the_drapery_has_a_curve_a_trial_and_a_model(fit, tmp_path):
    figure = fit.drapery(tmp_path / "drapery.svg")
    drawn = [line.get_gid() for line in figure.axes[0].lines]
    assert drawn.count("trial") == 6
    assert {"Random effects", "Common effect"} <= set(drawn)
    assert "Drapery plot" in (tmp_path / "drapery.svg").read_text()


def test_the_orchard_has_a_row_a_group_with_its_effects(fit, tmp_path):
    figure = fit.orchard(tmp_path / "orchard.svg", by=GROUPS)
    swarms = [each for each in figure.axes[0].collections if each.get_gid() == "trials"]
    assert [len(swarm.get_offsets()) for swarm in swarms] == [3, 3]
    assert sorted(x for swarm in swarms for x, _ in swarm.get_offsets()) == sorted(TRIALS["effect"])
    sizes = {float(x): s for w in swarms for (x, _), s in zip(w.get_offsets(), w.get_sizes(), strict=True)}
    assert sizes[-0.4] / sizes[-1.0] == pytest.approx((0.3 / 0.2) ** 2)
    assert len([each for each in fit.orchard().axes[0].lines if each.get_gid() == "prediction"]) == 1


def test_circles_of_a_small_and_of_a_large_group_are_of_one_scale():
    trials = {"measure": "MD", "effect": [*range(42)], "se": [0.3] * 41 + [9.0]}
    figure = pool(effects(**trials)).orchard(by=["many"] * 40 + ["few"] * 2)
    swarms = [each for each in figure.axes[0].collections if each.get_gid() == "trials"]
    few, many = ([*swarm.get_sizes()] for swarm in swarms)
    assert few == pytest.approx([math.pi * 36 / 2, math.pi * 36 / 18])
    assert many == pytest.approx([math.pi * 36 / 2] * 40)


def test_the_posterior_says_where_a_prior_of_the_literature_lies():
    trials = {"measure": "OR", "effect": [0.5, 0.7, 0.3], "ci": ([0.2, 0.4, 0.1], [1.25, 1.2, 0.9])}
    record = pool(effects(**trials, better="lower"), prior=turner_prior())._judged()
    said = notes("posterior_notes", record)[0]
    assert "log-normal of τ² (1.74, of its logarithm, located at −2.56), half-normal (0.500), " in said


@pytest.mark.parametrize(("scale", "scales"), [(0.5, "0.5, 0.3 and 2"), (1.0, "1, 0.6 and 4")])
def test_the_posterior_says_the_scales_in_standard_deviations(scale, scales):
    arms = {"means": ([1, 2, 3], [1, 1, 1]), "sds": ([4] * 3, [4] * 3), "n": ([10, 20, 30], [10, 20, 30])}
    record = pool(effects(measure="MD", **arms, better="lower"))._judged()
    fits = tuple(replace(each, scale=each.scale * scale / 0.5) for each in record.bayes)
    said = notes("posterior_notes", replace(record, bayes=fits))
    assert f"Scales are {scales} typical standard deviations of the outcome (4.00)." in said


def test_circles_of_a_swarm_do_not_overlap():
    places, radii = [0.0, 1.0, 2.0, 2.5, 3.0, 9.0], [4.0, 3.0, 5.0, 2.0, 2.0, 6.0]
    y = heights(places, radii, 60.0)
    for a in range(6):
        for b in range(a):
            assert math.hypot(places[a] - places[b], y[a] - y[b]) > radii[a] + radii[b] - 0.25
