"""The likelihood's highest maximum, also where it has two, which iteration from one start can miss."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reference.agreement import reference

from trialpool.stats import pool


def log_likelihood(y, v, tau2, restricted):
    w = 1 / (v + tau2[:, None])
    mean = (w * y).sum(1) / w.sum(1)
    value = np.log(w).sum(1) - (w * (y - mean[:, None]) ** 2).sum(1)
    return (value - np.log(w.sum(1)) * restricted) / 2


def grid(y, v):
    top = ((y - y.mean()) ** 2).sum() + v.max()
    return np.concatenate([[0], np.geomspace(v.min() * 1e-3, top, 3000)])


def assert_highest(y, v):
    for method in ("REML", "ML"):
        tau2 = pool(y, v, tau2_method=method).tau2
        restricted = method == "REML"
        highest = log_likelihood(y, v, grid(y, v), restricted).max()
        assert log_likelihood(y, v, np.array([tau2]), restricted)[0] >= highest - 1e-9 * (1 + abs(highest))


TWO_MAXIMA = [name for name in reference("pooling")["datasets"] if name.startswith("two_maxima")]


def data(name):
    entry = reference("pooling")["datasets"][name]
    return np.array(entry["effects"]), np.array(entry["variances"])


@pytest.mark.parametrize("name", TWO_MAXIMA)
def test_the_higher_of_two_maxima(name):
    assert_highest(*data(name))


@pytest.mark.parametrize("name", TWO_MAXIMA)
def test_these_do_have_two_maxima(name):
    y, v = data(name)
    values = log_likelihood(y, v, grid(y, v), True)
    inside = (values[1:-1] > values[:-2]) & (values[1:-1] > values[2:])
    assert inside.sum() + (values[0] > values[1]) == 2


studies = st.lists(
    st.tuples(st.floats(-3, 3), st.floats(-7, 3)),
    min_size=2,
    max_size=9,
)


@given(studies)
@settings(max_examples=200)
def test_no_tau2_is_likelier(rows):
    y, log_v = np.array(rows).T
    assert_highest(y, np.exp(log_v))


@given(studies, st.sampled_from(["REML", "ML", "PM"]))
def test_tau2_solves_its_equation_to_rounding(rows, method):
    y, log_v = np.array(rows).T
    v = np.exp(log_v)
    tau2 = pool(y, v, tau2_method=method).tau2
    w = 1 / (v + tau2)
    residual = y - (w * y).sum() / w.sum()
    squares = (w**2 * residual**2).sum()
    ratio = {
        "REML": squares / (w.sum() - (w**2).sum() / w.sum()),
        "ML": squares / w.sum(),
        "PM": (w * residual**2).sum() / (len(y) - 1),
    }[method]
    assert ratio == pytest.approx(1, abs=1e-9) if tau2 > 0 else ratio <= 1 or method != "PM"


@pytest.mark.parametrize("k", [1, 2, 3, 10, 40, 41])
@pytest.mark.parametrize("method", ["REML", "ML"])
def test_one_analysis_alone_is_that_of_a_batch(k, method):
    """Of few studies alone τ² is searched for in plain numbers."""
    random = np.random.default_rng(k)
    for spread in (0.0, 0.05, 0.5, 5.0) * 10:
        v = np.exp(random.normal(-2, 0.8, k))
        y = random.normal(0.3, np.sqrt(v + spread))
        alone, batch = (pool(effects, v, tau2_method=method).tau2 for effects in (y, [y, y]))
        assert alone == pytest.approx(batch[0], rel=1e-9, abs=1e-12 * v.min())
