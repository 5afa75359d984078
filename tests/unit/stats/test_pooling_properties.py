"""What must hold for any data: symmetries, batches, masks, and the consistency of intervals and tests."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trialpool.stats import INTERVALS, TAU2_METHODS, pool, tau2_interval
from trialpool.stats.pooling import Pooled

NUMBERS = [each.name for each in fields(Pooled) if each.name != "weights"]
study = st.tuples(st.floats(-2, 2), st.floats(-4, 1).map(np.exp))
analyses = st.lists(study, min_size=2, max_size=8).map(lambda rows: np.array(rows).T)
methods = st.sampled_from(TAU2_METHODS)
intervals = st.sampled_from(INTERVALS)
SHIFTED = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")
UNITS = {"estimate": 1, "se": 1, "ci_low": 1, "ci_high": 1, "pi_low": 1, "pi_high": 1, "tau2": 2}


def near(value, scale=1.0):
    return pytest.approx(value, rel=1e-7, abs=1e-9 * scale, nan_ok=True)


@given(analyses, methods, intervals, st.randoms())
def test_the_order_of_studies_does_not_matter(data, method, interval, random):
    order = list(range(data.shape[1]))
    random.shuffle(order)
    one = pool(*data, tau2_method=method, interval=interval)
    other = pool(*data[:, order], tau2_method=method, interval=interval)
    for name in NUMBERS:
        assert getattr(other, name) == near(getattr(one, name))
    assert other.weights == near(one.weights[order])


@given(analyses, methods, intervals, st.floats(-50, 50))
def test_a_shift_moves_the_estimate_alone(data, method, interval, shift):
    y, v = data
    one = pool(y, v, tau2_method=method, interval=interval)
    other = pool(y + shift, v, tau2_method=method, interval=interval)
    for name in NUMBERS:
        if name in ("statistic", "p_value"):
            continue
        assert getattr(other, name) == near(getattr(one, name) + shift * (name in SHIFTED), 100)


@given(analyses, methods, intervals, st.floats(-3, 3).map(np.exp))
def test_a_change_of_unit_scales_everything(data, method, interval, unit):
    y, v = data
    one = pool(y, v, tau2_method=method, interval=interval)
    other = pool(y * unit, v * unit**2, tau2_method=method, interval=interval)
    for name in NUMBERS:
        expected = getattr(one, name) * unit ** UNITS.get(name, 0)
        assert getattr(other, name) == near(expected, unit ** UNITS.get(name, 0))


@given(analyses, methods, intervals)
def test_a_change_of_sign_mirrors_the_result(data, method, interval):
    y, v = data
    one = pool(y, v, tau2_method=method, interval=interval)
    other = pool(-y, v, tau2_method=method, interval=interval)
    for name in ("estimate", "statistic"):
        assert getattr(other, name) == near(-getattr(one, name))
    assert (other.ci_low, other.ci_high) == (near(-one.ci_high), near(-one.ci_low))
    assert (other.tau2, other.p_value, other.pi_low) == (
        near(one.tau2),
        near(one.p_value),
        near(-one.pi_high),
    )


@given(analyses)
def test_each_study_twice_with_double_variance_is_the_same_common_effect(data):
    y, v = data
    one = pool(y, v, tau2_method="FE", interval="wald")
    other = pool(np.repeat(y, 2), np.repeat(2 * v, 2), tau2_method="FE", interval="wald")
    for name in ("estimate", "se", "ci_low", "ci_high", "p_value", "q"):
        assert getattr(other, name) == near(getattr(one, name))


@given(st.lists(analyses, min_size=2, max_size=5), methods, intervals)
def test_a_batch_is_its_single_analyses(batch, method, interval):
    k = min(data.shape[1] for data in batch)
    stacked = np.stack([data[:, :k] for data in batch], axis=1)
    together = pool(*stacked, tau2_method=method, interval=interval)
    limits = tau2_interval(*stacked)
    for row in range(len(batch)):
        alone = pool(*stacked[:, row], tau2_method=method, interval=interval)
        for name in NUMBERS:
            assert getattr(together, name)[row] == near(getattr(alone, name))
        assert together.weights[row] == near(alone.weights)
        assert limits.high[row] == near(tau2_interval(*stacked[:, row]).high)


@given(analyses, methods, intervals, st.data())
def test_a_mask_is_a_deletion(data, method, interval, draw):
    y, v = data
    mask = np.array(draw.draw(st.lists(st.booleans(), min_size=len(y), max_size=len(y))))
    assume(mask.any())
    hidden = np.where(mask, y, np.nan), np.where(mask, v, -1.0)
    masked = pool(*hidden, where=mask, tau2_method=method, interval=interval)
    deleted = pool(y[mask], v[mask], tau2_method=method, interval=interval)
    for name in NUMBERS:
        assert getattr(masked, name) == near(getattr(deleted, name))
    assert masked.weights[mask] == near(deleted.weights)
    assert (masked.weights[~mask] == 0).all()
    assert tau2_interval(*hidden, where=mask).high == near(tau2_interval(y[mask], v[mask]).high)


@given(analyses, methods, intervals)
def test_intervals_nest_and_agree_with_the_test(data, method, interval):
    narrow, wide = (pool(*data, tau2_method=method, interval=interval, level=level) for level in (0.8, 0.95))
    assert wide.ci_low <= narrow.ci_low <= wide.estimate <= narrow.ci_high <= wide.ci_high
    assume(wide.se > 1e-12)
    exact = pool(
        *data, tau2_method=method, interval=interval, level=1 - min(max(wide.p_value, 1e-9), 1 - 1e-9)
    )
    if 1e-6 < wide.p_value < 1 - 1e-6:
        assert min(abs(exact.ci_low), abs(exact.ci_high)) == pytest.approx(0, abs=1e-6 * wide.se)
    if method != "FE":
        assert wide.pi_low <= wide.ci_low
        assert wide.pi_high >= wide.ci_high


@given(analyses)
def test_the_floor_never_narrows(data):
    wald, hksj, floored = (pool(*data, interval=interval) for interval in INTERVALS)
    assert floored.se >= max(wald.se, hksj.se) * (1 - 1e-12)
    assert floored.ci_high - floored.ci_low >= (wald.ci_high - wald.ci_low) * (1 - 1e-12)


@given(analyses, st.floats(0.5, 0.99))
def test_the_q_profile_interval_solves_its_equations(data, level):
    from scipy.stats import chi2

    y, v = data
    limits = tau2_interval(y, v, level=level)
    for tau2, upper in ((limits.low, (1 + level) / 2), (limits.high, (1 - level) / 2)):
        w = 1 / (v + tau2)
        q = (w * (y - (w * y).sum() / w.sum()) ** 2).sum()
        target = chi2.ppf(upper, len(y) - 1)
        assert q == pytest.approx(target, rel=1e-9) if tau2 > 0 else q <= target * (1 + 1e-12)
    assert limits.empty == (limits.high == 0 and pool(y, v).q < chi2.ppf((1 - level) / 2, len(y) - 1))


@given(analyses, methods)
def test_more_leading_axes_are_more_batches(data, method):
    y, v = data
    cube = pool(y + np.zeros((3, 1, 1)), v * np.array([1.0, 2.0])[:, None], tau2_method=method)
    assert cube.estimate.shape == (3, 2)
    assert cube.tau2[2, 1] == near(pool(y, 2 * v, tau2_method=method).tau2)


@settings(max_examples=20)
@given(st.integers(0, 10**6), methods)
def test_chunks_do_not_show(seed, method):
    generator = np.random.default_rng(seed)
    y, v = generator.normal(size=(700, 40)), np.exp(generator.normal(size=(700, 40)))
    whole = pool(y, v, tau2_method=method)
    for row in (0, 613, 614, 699):
        assert whole.tau2[row] == near(pool(y[row], v[row], tau2_method=method).tau2)


def test_memory_order_and_strides_do_not_matter():
    generator = np.random.default_rng(3)
    y, v = generator.normal(size=(6, 50)), np.exp(generator.normal(size=(6, 50)))
    straight = pool(np.ascontiguousarray(y.T), np.ascontiguousarray(v.T))
    turned = pool(y.T, v[:, ::-1].T[::-1])
    assert turned.estimate.tolist() == straight.estimate.tolist()
