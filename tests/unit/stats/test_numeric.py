"""p-values and quantiles against other ways to them, in the middle and far out; roots in their brackets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import betainc, betaln
from scipy.stats import t as student

from trialpool.stats._numeric import infer, quantile, root, roots

FREEDOM = [1, 2, 3, 4, 7, 12, 29, 30, 31, 200]


def two_sided(statistic, df):
    return infer(statistic, 1.0, df, 0.95).p_value


@pytest.mark.parametrize("df", FREEDOM)
def test_p_values_of_t(df):
    t = np.concatenate([[0], np.geomspace(1e-3, 1e4, 60)])
    p = two_sided(t, np.full(t.shape, float(df)))
    assert p == pytest.approx(betainc(df / 2, 0.5, df / (df + t * t)), rel=5e-9)
    assert two_sided(-t, np.full(t.shape, float(df))).tolist() == p.tolist()


@pytest.mark.parametrize("df", [1, 2, 5, 30])
def test_p_values_of_t_by_integration(df):
    for t in (0.3, 2.0, 9.0):
        scale = np.exp(-betaln(df / 2, 0.5)) / np.sqrt(df)
        tail = quad(lambda x: (1 + x * x / df) ** (-(df + 1) / 2), t, np.inf, epsabs=0, epsrel=1e-11)[0]
        assert two_sided(np.array([t]), np.array([float(df)]))[0] == pytest.approx(2 * scale * tail, rel=1e-9)


def test_mixed_degrees_of_freedom():
    t, df = np.array([2.0, 2.0, 2.0, np.inf]), np.array([3.0, 80.0, np.inf, 3.0])
    expected = [student.sf(2, 3) * 2, student.sf(2, 80) * 2, 0.04550026389635842, 0]
    assert two_sided(t, df) == pytest.approx(expected, rel=1e-9)
    assert two_sided(np.array([np.inf]), np.array([3.0])) == 0
    assert quantile(df, 0.95) == pytest.approx(
        [*student.ppf(0.975, df[:2]), 1.959963984540054, student.ppf(0.975, 3)]
    )


def test_a_certain_estimate_has_an_infinite_statistic():
    found = infer(np.array([2.0, -1.0, 0.0, 3.0]), np.array([0.0, 0.0, 0.0, 2.0]), np.inf, 0.95)
    assert found.statistic.tolist() == [np.inf, -np.inf, 0, 1.5]
    assert found.p_value[:3].tolist() == [0, 0, 1]


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0.1, 20), st.floats(0, 1)), min_size=1, max_size=6))
def test_roots_are_found_from_any_start_though_newton_would_leave_the_bracket(rows):
    wanted, steepness, share = np.array(rows).T

    def function(x, active):
        z = steepness[active] * (x - wanted[active])
        return np.arctan(z), steepness[active] / (1 + z * z)

    n = len(wanted)
    found = roots(function, np.full(n, -5.0), np.full(n, 25.0), -5 + 30 * share, np.ones(n))
    assert found == pytest.approx(wanted, abs=1e-12 * 30)


@given(st.floats(-50, 50), st.floats(0.1, 20), st.floats(0, 1))
def test_one_root_in_plain_numbers(place, slope, share):
    def cubic(x):
        return slope * (x - place) + (x - place) ** 3, slope + 3 * (x - place) ** 2

    low, high = place - 30, place + 70
    assert root(cubic, low, high, low + share * (high - low), 1.0) == pytest.approx(place, abs=1e-10)
