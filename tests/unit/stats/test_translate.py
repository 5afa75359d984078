import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm, t

from trialpool.stats import pool
from trialpool.stats.convert import absolute_effect, beyond_mcid, e_value, probability_below, smd_to_units

BCG_RR = np.exp([-0.7145323422, -1.06689764, -0.36216705])


def test_probability_is_of_the_predictive_t_distribution():
    y, v = [0.1, 0.4, -0.2, 0.6, 0.3], [0.02, 0.03, 0.05, 0.04, 0.02]
    pooled = pool(y, v)
    scale = np.sqrt(pooled.tau2 + pooled.se**2)
    found = probability_below(0.2, pooled.estimate, pooled.se, pooled.tau2, pooled.df)
    assert found == pytest.approx(t.cdf(0.2, 4, pooled.estimate, scale), rel=1e-12)
    assert probability_below(
        pooled.pi_low, pooled.estimate, pooled.se, pooled.tau2, pooled.df
    ) == pytest.approx(0.025)
    assert probability_below(0.2, 0.5, 0.3, 0.16, np.inf) == pytest.approx(norm.cdf(0.2, 0.5, 0.5), rel=1e-12)


def test_probability_carries_the_uncertainty_of_the_mean():
    """Averaging N(mean, tau2) over a normal mean is predictive; N(mean, tau2) alone is too sure."""
    averaged = quad(lambda m: norm.pdf(m, -0.5, 0.3) * norm.cdf(0.0, m, 0.4), -5, 5)[0]
    assert probability_below(0.0, -0.5, 0.3, 0.16, np.inf) == pytest.approx(averaged, rel=1e-9)
    assert averaged < norm.cdf(0.0, -0.5, 0.4)


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_chances_beyond_the_mcid(better):
    sign = 1 if better == "lower" else -1
    chance = beyond_mcid(1.0, better=better, estimate=sign * -1.2, se=0.3, tau2=0.4, df=9)
    scale = np.sqrt(0.49)
    assert chance.benefit == pytest.approx(t.cdf((-1 + 1.2) / scale, 9), rel=1e-12)
    assert chance.harm == pytest.approx(t.sf((1 + 1.2) / scale, 9), rel=1e-12)
    assert chance.better == pytest.approx(t.cdf(1.2 / scale, 9), rel=1e-12)
    assert chance.benefit + chance.trivial + chance.harm == pytest.approx(1)


def test_natural_units():
    assert smd_to_units(-0.5, -0.8, -0.2, 24.0).ci_low == pytest.approx(-19.2)
    many = smd_to_units([-0.5, 0.1], [-0.8, 0.0], [-0.2, 0.2], 10)
    np.testing.assert_allclose(many.ci_high, [-2, 2])


def test_furukawa_number_needed():
    """d = 0.5, control risk 20 %: 6.01257912."""
    found = absolute_effect("SMD", 0.5, 0.2, 0.8, 0.2)
    assert found.number_needed == pytest.approx(6.01257912, abs=5e-9)
    assert found.risk == pytest.approx(1000 * norm.cdf(0.5 + norm.ppf(0.2)))
    assert not found.through_infinity


def test_ratios_and_differences_at_an_assumed_risk():
    """An OR of 2 at 20 % is odds of 0.5, a risk of one third; an RR of 2 is 40 %."""
    odds = absolute_effect("OR", 2.0, 1.0, 4.0, 0.2)
    assert (odds.risk, odds.difference_low, odds.risk_high) == (
        pytest.approx(1000 / 3),
        pytest.approx(0),
        pytest.approx(500),
    )
    ratio = absolute_effect("RR", 2.0, 1.5, 3.0, 0.2, per=100)
    assert (ratio.difference, ratio.difference_low, ratio.difference_high) == tuple(
        pytest.approx(x) for x in (20, 10, 40)
    )
    assert (ratio.number_needed, ratio.number_needed_low) == (pytest.approx(5), pytest.approx(10))
    difference = absolute_effect("RD", -0.1, -0.15, -0.05, 0.2)
    assert (difference.risk, difference.number_needed) == (pytest.approx(100), pytest.approx(10))


def test_an_interval_of_numbers_needed_may_run_through_infinity():
    found = absolute_effect("RD", -0.1, -0.25, 0.05, 0.4)
    assert found.through_infinity
    assert (found.number_needed_low, found.number_needed_high) == (pytest.approx(4), pytest.approx(20))
    assert absolute_effect("RD", 0.0, -0.1, 0.1, 0.4).number_needed == np.inf


def test_a_ratio_cannot_lift_a_risk_above_one():
    found = absolute_effect("RR", [1.5, 3.0], [1.1, 2.0], [2.0, 4.0], 0.4)
    np.testing.assert_allclose(found.risk, [600, 1000])
    np.testing.assert_array_equal(found.capped, [False, True])


def test_bcg_e_value():
    """RR exp(-0.71453): 3.50321781; the limit nearer to 1 is exp(-0.36217)."""
    found = e_value("RR", *BCG_RR)
    assert found.estimate == pytest.approx(3.50321781, abs=5e-6)
    near = np.exp(0.36216705)
    assert found.interval == pytest.approx(near + np.sqrt(near * (near - 1)), rel=1e-12)


def test_e_value_is_the_confounding_that_just_suffices():
    """The bias factor E·E/(2E - 1) of equal associations both sides is the RR (Ding & VanderWeele 2016)."""
    for rr in (1.0, 1.3, 2.7, 9.0):
        e = float(e_value("RR", rr, rr, rr).estimate)
        assert e * e / (2 * e - 1) == pytest.approx(rr, rel=1e-12)


def test_e_values_of_other_measures():
    assert e_value("OR", 4.0, 2.0, 8.0).estimate == pytest.approx(2 + np.sqrt(2))
    assert e_value("OR", 2.0, 1.5, 3.0, rare=True).estimate == pytest.approx(2 + np.sqrt(2))
    rr = np.exp(0.91 * 0.5)
    assert e_value("SMD", -0.5, -0.9, 0.1).estimate == pytest.approx(rr + np.sqrt(rr * (rr - 1)))
    assert e_value("SMD", -0.5, -0.9, 0.1).interval == 1


@settings(max_examples=60, deadline=None)
@given(st.floats(0.05, 20), st.floats(0.01, 0.95), st.floats(0, 2), st.floats(0, 2))
def test_translations_keep_order_and_direction(ratio, risk, below, above):
    low, high = ratio * np.exp(-below), ratio * np.exp(above)
    for measure in ("RR", "OR"):
        found = absolute_effect(measure, ratio, low, high, risk)
        assert 0 <= found.risk_low <= found.risk <= found.risk_high <= 1000
        if abs(ratio - 1) > 1e-9:
            assert np.sign(found.difference) == np.sign(ratio - 1)
    mirrored = e_value("RR", 1 / ratio, 1 / high, 1 / low)
    found_e = e_value("RR", ratio, low, high)
    assert mirrored.estimate == pytest.approx(found_e.estimate, rel=1e-9)
    assert mirrored.interval == pytest.approx(found_e.interval, rel=1e-6)
    assert 1 <= found_e.interval <= found_e.estimate * (1 + 1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: probability_below(np.nan, 0, 1, 1, 5), "threshold"),
        (lambda: probability_below(0, 0, -1, 1, 5), "se"),
        (lambda: probability_below(0, 0, 1, -1, 5), "tau2"),
        (lambda: probability_below(0, 0, 0, 0, 5), "se"),
        (lambda: probability_below(0, 0, 1, 1, 0), "df"),
        (lambda: probability_below(0, 0, 1, 1, np.nan), "df"),
        (lambda: beyond_mcid(0, better="lower", estimate=0, se=1, tau2=1, df=5), "mcid"),
        (lambda: beyond_mcid(1, better="left", estimate=0, se=1, tau2=1, df=5), "better"),
        (lambda: smd_to_units(0.5, 0.1, 0.9, 0), "reference_sd"),
        (lambda: smd_to_units(0.5, 0.6, 0.9, 1), "ci_low"),
        (lambda: absolute_effect("IRR", 1, 1, 1, 0.2), "measure"),
        (lambda: absolute_effect("RR", 1, 0.5, 2, 0), "control_risk"),
        (lambda: absolute_effect("RR", 1, 0.5, 2, 1.2), "control_risk"),
        (lambda: absolute_effect("RR", 1, -0.5, 2, 0.2), "ci_low"),
        (lambda: absolute_effect("RR", 1, 0.5, 0.9, 0.2), "ci_high"),
        (lambda: absolute_effect("RR", 1, 0.5, 2, 0.2, per=0), "per"),
        (lambda: e_value("RD", 0.1, 0, 0.2), "measure"),
        (lambda: e_value("RR", 0.5, 0, 0.9), "ci_low"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
