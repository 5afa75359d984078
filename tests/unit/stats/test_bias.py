import itertools

import numpy as np
import pytest
from hackshaw import V, Y
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from trialpool.stats import pool
from trialpool.stats.bias import begg, egger, fail_safe_n, pet_peese

FEW_Y, FEW_V = np.array([0.1, 0.4, 0.3, 0.8]), np.array([0.01, 0.05, 0.03, 0.2])


def test_hackshaw_egger_classic_and_mixed():
    """R: lm with weights 1/v, and rma with the standard error as moderator (tight solver)."""
    classic = egger(Y, V)
    assert (classic.statistic, classic.df) == (pytest.approx(2.38241442, abs=5e-9), 35)
    assert classic.p_value == pytest.approx(0.02276420, abs=5e-9)
    assert (classic.caution, classic.refused, classic.k, classic.tau2) == ("", "", 37, 0)
    mixed = egger(Y, V, form="random")
    assert (mixed.statistic, mixed.df) == (pytest.approx(2.10548718, abs=5e-9), np.inf)
    assert mixed.p_value == pytest.approx(0.03524892, abs=5e-9)
    assert mixed.tau2 > 0
    assert egger(Y, V, form="random_hksj").df == 35


def test_hackshaw_ranks():
    found = begg(Y, V)
    assert found.tau == pytest.approx(0.14414414, abs=5e-9)
    assert found.p_value == pytest.approx(0.21568812, abs=5e-9)
    assert found.exact


def test_hackshaw_pet_and_peese():
    """PET's intercept is far from significant, so PET is the answer."""
    fit = pet_peese(Y, V)
    assert (fit.pet.intercept, fit.pet.intercept_se) == (
        pytest.approx(0.00503732, abs=5e-9),
        pytest.approx(0.08590233, abs=5e-9),
    )
    assert (fit.peese.intercept, fit.peese.intercept_se) == (
        pytest.approx(0.12008076, abs=5e-9),
        pytest.approx(0.05190340, abs=5e-9),
    )
    assert (fit.chosen, fit.estimate, fit.se) == ("pet", fit.pet.intercept, fit.pet.intercept_se)


def test_peese_takes_over_when_there_is_an_effect_at_all():
    fit = pet_peese(Y + 1, V)
    assert (fit.chosen, fit.estimate, fit.ci_low) == (
        "peese",
        fit.peese.intercept,
        fit.peese.intercept_ci_low,
    )
    assert pet_peese(Y + 1, V, alpha=1e-15).chosen == "pet"


def test_classic_form_is_the_regression_of_standard_deviates_on_precision():
    """Egger's own parametrisation: y/se on 1/se by ordinary least squares; his intercept is our slope."""
    deviate, precision = FEW_Y / np.sqrt(FEW_V), 1 / np.sqrt(FEW_V)
    slope, intercept = np.polyfit(precision, deviate, 1)
    fit = egger(FEW_Y, FEW_V)
    assert fit.slope == pytest.approx(intercept, rel=1e-10)
    assert fit.intercept == pytest.approx(slope, rel=1e-10)
    rest = deviate - intercept - slope * precision
    spread = precision - precision.mean()
    se = np.sqrt(rest @ rest / 2 * (1 / 4 + precision.mean() ** 2 / (spread @ spread)))
    assert fit.slope_se == pytest.approx(se, rel=1e-10)


def test_sample_size_predictor():
    n1, n2 = [100, 20, 30, 10], [90, 22, 33, 9]
    fit = egger(FEW_Y, FEW_V, predictor="sample_size", n1=n1, n2=n2)
    x = np.sqrt(1 / np.array(n1) + 1 / np.array(n2))
    slope, intercept = np.polyfit(x, FEW_Y, 1, w=1 / np.sqrt(FEW_V))
    assert (fit.slope, fit.intercept) == (pytest.approx(slope), pytest.approx(intercept))


def scores(k):
    """Kendall's score of every permutation."""
    for order in itertools.permutations(range(k)):
        yield sum(np.sign(b - a) for a, b in itertools.combinations(order, 2))


@pytest.mark.parametrize("k", [3, 4, 6])
def test_exact_rank_p_value_counts_permutations(k):
    rng = np.random.default_rng(k)
    y, v = rng.normal(size=k), rng.uniform(0.1, 1, k)
    found = begg(y, v)
    score = round(found.tau * k * (k - 1) / 2)
    all_scores = np.array(list(scores(k)))
    assert found.p_value == pytest.approx(min(1, 2 * np.mean(all_scores >= abs(score))), rel=1e-12)


def test_rank_p_values_agree_with_scipy():
    rng = np.random.default_rng(2)
    for k, decimals in ((12, 9), (40, 9), (30, 1)):
        y, v = rng.normal(size=k), rng.uniform(0.1, 1, k).round(decimals)
        w = 1 / v
        z = (y - (w * y).sum() / w.sum()) / np.sqrt(v - 1 / w.sum())
        theirs = kendalltau(z, v, method="exact" if decimals == 9 else "asymptotic")
        ours = begg(y, v)
        assert (ours.tau, ours.exact) == (pytest.approx(theirs.statistic, rel=1e-12), decimals == 9)
        assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9)


def test_a_perfect_rank_order_of_many_has_its_exact_tiny_p_value():
    v = np.linspace(0.1, 5, 20)
    found = begg(10 * v, v)
    assert found.tau == pytest.approx(1)
    # only one permutation of 20 is as extreme on either side: 2/20!
    assert found.p_value == pytest.approx(2 / 2432902008176640000, rel=1e-9)


@pytest.mark.parametrize(("method", "number"), [("rosenthal", 26), ("orwin", 44)])
def test_raudenbush_fail_safe_numbers(method, number):
    """Published in metafor's tests; Orwin with a target of 0.05."""
    y = [
        0.03,
        0.12,
        -0.14,
        1.18,
        0.26,
        -0.06,
        -0.02,
        -0.32,
        0.27,
        0.80,
        0.54,
        0.18,
        -0.02,
        0.23,
        -0.18,
        -0.06,
        0.30,
        0.07,
        -0.07,
    ]
    se = [
        0.125,
        0.147,
        0.167,
        0.373,
        0.369,
        0.103,
        0.103,
        0.220,
        0.164,
        0.251,
        0.302,
        0.223,
        0.289,
        0.290,
        0.159,
        0.167,
        0.139,
        0.094,
        0.174,
    ]
    target = 0.05 if method == "orwin" else None
    assert fail_safe_n(y, np.square(se), method=method, target=target).number == number


def test_hackshaw_fail_safe_number():
    """Published (Rosenthal): 393."""
    assert fail_safe_n(Y, V).number == 393


def test_that_many_null_studies_of_average_weight_undo_the_result():
    number = int(fail_safe_n(Y, V, method="rosenberg").number)
    for extra, significant in ((number - 1, True), (number, False)):
        y, v = np.append(Y, np.zeros(extra)), np.append(V, np.full(extra, 1 / (1 / V).mean()))
        assert (float(pool(y, v, tau2_method="FE", interval="wald").p_value) < 0.05) == significant


def test_orwin_target():
    y = np.array([0.4, 0.5, 0.3])
    assert fail_safe_n(y, [1, 1, 1], method="orwin", target=0.1).number == 9
    assert fail_safe_n(-y, [1, 1, 1], method="orwin", target=0.1).number == 9
    assert fail_safe_n(y, [1, 1, 1], method="orwin").number == 3
    assert fail_safe_n(y, [1, 1, 1], method="orwin", target=0).number == np.inf
    assert fail_safe_n([0.0, 0.001], [1, 1]).number == 0


def test_too_few_studies_are_refused_with_the_reason():
    for refused in (
        egger([0.1, 0.2], [0.1, 0.2]),
        begg([0.1, 0.2], [0.1, 0.2]),
        pet_peese([0.1, 0.2], [0.1, 0.2]),
    ):
        assert "at least 3 studies" in refused.refused
    assert np.isnan(egger([0.1, 0.2], [0.1, 0.2]).p_value)
    assert "same size" in egger(FEW_Y, [0.1] * 4).refused
    assert "nothing to rank" in begg(FEW_Y, [0.1] * 4).refused
    assert "nothing to rank" in begg([0.1] * 4, FEW_V).refused
    assert pet_peese(FEW_Y, [0.1] * 4).chosen == ""


def test_fewer_than_ten_studies_are_cautioned_about():
    for weak in (egger(FEW_Y, FEW_V), begg(FEW_Y, FEW_V), pet_peese(FEW_Y, FEW_V)):
        assert "with 4 studies" in weak.caution
        assert weak.refused == ""


def test_equal_effects_have_no_slope():
    fit = egger([0.3] * 4, FEW_V)
    assert (fit.slope, fit.p_value, fit.intercept) == (0, 1, pytest.approx(0.3))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 9999),
    st.floats(0.01, 100),
    st.floats(-3, 3),
    st.sampled_from(["classic", "random", "random_hksj"]),
)
def test_order_shift_scale_and_sign(seed, factor, shift, form):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(4, 15))
    y, v = rng.normal(0, 0.6, k), rng.uniform(0.02, 0.6, k)
    order = rng.permutation(k)
    fit, moved = egger(y, v, form=form), egger(-factor * (y + shift)[order], factor**2 * v[order], form=form)
    assert moved.slope == pytest.approx(-fit.slope, abs=1e-6 * (1 + abs(fit.slope)))
    assert moved.p_value == pytest.approx(fit.p_value, abs=1e-6)
    assert moved.intercept == pytest.approx(
        -factor * (fit.intercept + shift), abs=1e-6 * factor * (1 + abs(fit.intercept) + abs(shift))
    )
    ranks, moved_ranks = begg(y, v), begg(-factor * (y + shift)[order], factor**2 * v[order])
    assert (moved_ranks.tau, moved_ranks.p_value) == (pytest.approx(-ranks.tau), pytest.approx(ranks.p_value))
    assert fit.intercept_ci_low < fit.intercept < fit.intercept_ci_high
    assert fail_safe_n(y, v).number == fail_safe_n(-factor * y[order], factor**2 * v[order]).number


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: egger([0.1, np.inf, 0.2], [0.1, 0.1, 0.2]), r"effects\[1\]"),
        (lambda: egger(FEW_Y, FEW_V, form="lm"), "form"),
        (lambda: egger(FEW_Y, FEW_V, predictor="n"), "predictor"),
        (lambda: egger(FEW_Y, FEW_V, predictor="sample_size"), "n1, n2"),
        (lambda: egger(FEW_Y, FEW_V, predictor="sample_size", n1=[1, 2], n2=[1, 2, 3, 4]), "n1 has shape"),
        (lambda: egger(FEW_Y, FEW_V, predictor="sample_size", n1=[9, 9, 9, 9], n2=[1, 0, 3, 4]), r"n2\[1\]"),
        (lambda: egger(FEW_Y, FEW_V, level=0), "level"),
        (lambda: egger(FEW_Y, FEW_V, form="random", tau2_method="XX"), "tau2_method"),
        (lambda: begg([], []), "study"),
        (lambda: begg(FEW_Y, -FEW_V), r"variances\[0\]"),
        (lambda: pet_peese(FEW_Y, FEW_V, alpha=1.5), "alpha"),
        (lambda: fail_safe_n(FEW_Y, FEW_V, alpha=0), "alpha"),
        (lambda: fail_safe_n(FEW_Y, FEW_V, method="fisher"), "method"),
        (lambda: fail_safe_n(FEW_Y, FEW_V, method="orwin", target=np.nan), "target"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
