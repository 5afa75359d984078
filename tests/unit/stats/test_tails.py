"""The series behind p-values against general functions, in the middle, far out and where they change over."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import betaln, chdtrc, stdtr
from scipy.stats import t as student

from trialpool.stats.tails import FAR, LONGEST, chi2_tail, quantile, ratio, two_sided

FREEDOM = [1, 2, 3, 4, 7, 12, LONGEST - 1, LONGEST, LONGEST + 1, 200]


def spots(df):
    """Statistics from nearly 0 to far out, closer around the change from one series to the other."""
    change = np.sqrt(df * (1 / FAR - 1))
    return np.concatenate([[0], np.geomspace(1e-3, 1e4, 60), change * (1 + np.linspace(-1e-6, 1e-6, 9))])


@pytest.mark.parametrize("df", FREEDOM)
def test_p_values_of_t(df):
    t = spots(df)
    p = two_sided(t, np.full(t.shape, float(df)))
    assert p == pytest.approx(2 * stdtr(df, -t), rel=5e-9)  # scipy's own error at 1 df is 2e-9
    assert two_sided(-t, np.full(t.shape, float(df))).tolist() == p.tolist()


@pytest.mark.parametrize("df", [1, 2, 5, 30])
def test_p_values_of_t_by_integration(df):
    for t in (0.3, 2.0, 9.0):
        scale = np.exp(-betaln(df / 2, 0.5)) / np.sqrt(df)
        tail = quad(lambda x: (1 + x * x / df) ** (-(df + 1) / 2), t, np.inf, epsabs=0, epsrel=1e-11)[0]
        assert two_sided(np.array([t]), np.array([float(df)]))[0] == pytest.approx(2 * scale * tail, rel=1e-9)


@pytest.mark.parametrize("df", FREEDOM)
def test_tails_of_chi_square(df):
    q = np.concatenate([[0], np.geomspace(1e-4, 1200, 80), [1e30]])
    assert chi2_tail(q, np.full(q.shape, float(df))) == pytest.approx(chdtrc(df, q), rel=1e-12, abs=1e-290)


def test_mixed_degrees_of_freedom():
    t, df = np.array([2.0, 2.0, 2.0, np.inf]), np.array([3.0, 80.0, np.inf, 3.0])
    expected = [student.sf(2, 3) * 2, student.sf(2, 80) * 2, 0.04550026389635842, 0]
    assert two_sided(t, df) == pytest.approx(expected, rel=1e-9)
    assert two_sided(np.array([np.inf]), np.array([3.0])) == 0
    assert quantile(df, 0.975) == pytest.approx(
        [*student.ppf(0.975, df[:2]), 1.959963984540054, student.ppf(0.975, 3)]
    )
    assert chi2_tail(np.array([4.0, 4.0]), np.array([1.0, 5.0])) == pytest.approx(chdtrc([1, 5], 4.0))


def test_a_certain_estimate_has_an_infinite_statistic():
    assert ratio(np.array([2.0, -1.0, 0.0, 3.0]), np.array([0.0, 0.0, 0.0, 2.0])).tolist() == [
        np.inf,
        -np.inf,
        0,
        1.5,
    ]
