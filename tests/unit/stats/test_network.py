"""Networks against R's rma.mv (metafor 3.8-1, tau2 at the root of the score) and published fits."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import hasselblad, senn
from scipy.stats import multivariate_normal, norm
from scipy.stats import t as student

from trialpool.stats import bayes_pool, pool, posterior_below
from trialpool.stats.network import (
    NETWORK_INTERVALS,
    _both_below,
    _scales_of_t,
    contrasts_from_arms,
    network_inconsistency,
    network_meta_analysis,
    node_split,
    rank_treatments,
)


def arguments(arms):
    made = contrasts_from_arms(*arms)
    return made.effects, made.covariance, made.experimental, made.control, made.study


SENN, HASSELBLAD = arguments(senn()), arguments(hasselblad())
LOOP = (
    [0.5, 0.4, 2.0, 0.6],
    [0.1, 0.1, 0.1, 0.1],
    ["b", "c", "c", "b"],
    ["a", "b", "a", "a"],
    ["1", "2", "3", "4"],
)


@pytest.mark.parametrize(
    ("method", "tau2", "log_likelihood", "acarbose"),
    [
        ("REML", 0.099914544385026, -7.63447097853795, -0.841364253308431),
        ("ML", 0.0563830343207719, -5.77730047080121, -0.838552752877966),
        ("FE", 0.0, None, -0.827318119129955),
    ],
)
def test_senn_against_rma_mv(method, tau2, log_likelihood, acarbose):
    fit = network_meta_analysis(*SENN, tau2_method=method)
    assert fit.tau2 == pytest.approx(tau2, rel=1e-11)
    place = {name: number for number, name in enumerate(fit.treatments)}
    assert fit.effects[place["acarbose"], place["placebo"]] == pytest.approx(acarbose, rel=1e-11)
    assert fit.q == pytest.approx(96.9840650655013, rel=1e-12)
    if log_likelihood is not None:
        assert fit.log_likelihood == pytest.approx(log_likelihood, rel=1e-11)
    if method == "REML":
        se = [0.365935964783954, 0.2503946686749, 0.328003413504469, 0.305399948344174, 0.238426428166984]
        np.testing.assert_allclose(fit.se[1:6, place["acarbose"]], se, rtol=1e-11)


def test_senn_as_published():
    """Rücker & Schwarzer 2015 and R's netmeta: tau2 0.1087, I² 81.4 %, Q 96.98 = 74.45 + 22.53, P-scores."""
    fit, split = network_meta_analysis(*SENN, tau2_method="DL"), network_inconsistency(*SENN)
    assert (fit.tau2, fit.i2) == (pytest.approx(0.1087, abs=5e-5), pytest.approx(81.4, abs=0.05))
    assert (fit.q_df, split.q_within_df, split.df, split.designs) == (18, 11, 7, 15)
    assert (split.q_within, split.q_between) == (
        pytest.approx(74.45, abs=0.005),
        pytest.approx(22.53, abs=0.005),
    )
    scores = dict(zip(fit.treatments, rank_treatments(fit, better="lower").p_scores, strict=True))
    published = {
        "rosiglitazone": 0.8934,
        "metformin": 0.7818,
        "acarbose": 0.5203,
        "sulfonylurea": 0.2103,
        "placebo": 0.0139,
    }
    assert {name: scores[name] for name in published} == pytest.approx(published, abs=1e-4)


def test_senn_inconsistency_against_rma_mv():
    """Wald test of the design interaction with tau2 re-estimated in the inconsistent model."""
    test = network_inconsistency(*SENN)
    assert (test.q, test.p_value) == (
        pytest.approx(2.27444332169276, rel=1e-10),
        pytest.approx(0.943103687924021, rel=1e-10),
    )
    assert (test.tau2, test.refused, test.caution) == (pytest.approx(0.138645508517934, rel=1e-10), "", "")


def test_hasselblad_with_several_arms_against_rma_mv():
    fit = network_meta_analysis(*HASSELBLAD)
    assert fit.treatments == ("group", "individual", "none", "self")
    assert fit.tau2 == pytest.approx(0.450230097460579, rel=1e-11)
    assert fit.log_likelihood == pytest.approx(-29.4861363549798, rel=1e-11)
    np.testing.assert_allclose(
        fit.effects[1:, 0], [-0.15972409761452, -0.868733465083288, -0.471564875628721], rtol=1e-10
    )
    np.testing.assert_allclose(
        fit.se[1:, 0], [0.353293443178171, 0.372073305470721, 0.405451250045588], rtol=1e-10
    )
    test = network_inconsistency(*HASSELBLAD)
    assert (test.q, test.df, test.tau2) == tuple(
        pytest.approx(x, rel=1e-10) for x in (5.14311700360755, 7, 0.545650590832021)
    )
    np.testing.assert_array_equal(np.diag(fit.directly), 0)
    assert fit.directly[0, 1] == 4  # trials 2, 9, 14, 15
    assert (fit.studies, fit.contrasts) == (24, 26)


def test_node_splits_against_rma_mv():
    """Symmetric split: half a disagreement added to one arm and taken off the other in direct studies."""
    split = node_split(*HASSELBLAD)
    assert len(split.experimental) == 6
    row = list(zip(split.experimental, split.control, strict=True)).index(("individual", "group"))
    expected = {"direct": 0.0755950046825373, "direct_se": 0.409857925928026, "indirect": -0.857541400734148}
    expected |= {
        "indirect_se": 0.703172878213029,
        "difference": 0.933136405416685,
        "difference_se": 0.81223509088546,
    }
    expected |= {"p_value": 0.250617776362383, "tau2": 0.455959704828578}
    for name, value in expected.items():
        assert getattr(split, name)[row] == pytest.approx(value, rel=1e-9)
    assert len(node_split(*SENN).experimental) == 11


def test_a_split_of_two_arm_studies_is_two_separate_analyses():
    """b - a: direct 0.5 and 0.6, indirect (c - a) - (c - b) = 2.0 - 0.4; they are independent."""
    split = node_split(*LOOP, tau2_method="FE")
    row = list(zip(split.experimental, split.control, strict=True)).index(("b", "a"))
    assert (split.direct[row], split.indirect[row]) == (pytest.approx(0.55), pytest.approx(1.6))
    assert split.direct_se[row] ** 2 == pytest.approx(0.05)
    assert split.difference_se[row] ** 2 == pytest.approx(0.05 + 0.2)


@pytest.mark.parametrize("method", ["REML", "ML", "DL", "FE"])
def test_a_network_of_two_is_a_meta_analysis(method):
    rng = np.random.default_rng(3)
    y, v = rng.normal(0.3, 0.5, 8), rng.uniform(0.02, 0.3, 8)
    fit = network_meta_analysis(y, v, ["b"] * 8, ["a"] * 8, range(8), tau2_method=method)
    plain = pool(y, v, tau2_method=method, interval="wald")
    assert fit.tau2 == pytest.approx(float(plain.tau2), rel=1e-8, abs=1e-12)
    for name in ("se", "ci_low", "ci_high", "p_value"):
        assert getattr(fit, name)[1, 0] == pytest.approx(float(getattr(plain, name)), rel=1e-7)
    assert fit.effects[1, 0] == pytest.approx(float(plain.estimate), rel=1e-8)
    if method != "FE":
        predicted = pool(y, v, tau2_method=method, interval="hksj")
        width = float(predicted.pi_high - predicted.estimate) / np.hypot(
            np.sqrt(predicted.tau2), predicted.se
        )
        assert fit.pi_high[1, 0] - fit.effects[1, 0] == pytest.approx(
            width * np.hypot(np.sqrt(fit.tau2), fit.se[1, 0]), rel=1e-7
        )
    assert "no loop" in network_inconsistency(y, v, ["b"] * 8, ["a"] * 8, range(8)).refused


def two_treatments(k, seed=3):
    rng = np.random.default_rng(seed)
    y, v = rng.normal(0.3, 0.5, k), rng.uniform(0.02, 0.3, k)
    return y, v, ["b"] * k, ["a"] * k, range(k)


@pytest.mark.parametrize("interval", ["hksj", "hksj_adhoc"])
@pytest.mark.parametrize(("k", "seed"), [(1, 3), (2, 3), (3, 8), (8, 3)])
def test_hartung_and_knapp_of_two_treatments_is_that_of_a_meta_analysis(interval, k, seed):
    y, v, *arms = two_treatments(k, seed)
    fit = network_meta_analysis(y, v, *arms, interval=interval, level=0.9)
    plain = pool(y, v, interval=interval, level=0.9)
    for name in ("se", "ci_low", "ci_high", "p_value", "pi_low", "pi_high"):
        expected = float(getattr(plain, name))
        assert getattr(fit, name)[1, 0] == pytest.approx(expected, rel=1e-7, nan_ok=True), name
    assert (fit.df, fit.interval) == (float(plain.df), interval)
    better = rank_treatments(fit, better="higher").p_scores[1]
    z = float(plain.estimate / plain.se)
    assert better == pytest.approx(norm.cdf(z) if k == 1 else student.cdf(z, k - 1), rel=1e-7)


@pytest.mark.parametrize("prior", [("half_normal", 0.5), ("half_cauchy", 0.3), ("uniform", 2.0)])
@pytest.mark.parametrize("k", [1, 2, 3, 8])
def test_the_posterior_of_two_treatments_is_that_of_a_meta_analysis(prior, k):
    y, v, *arms = two_treatments(k)
    fit = network_meta_analysis(y, v, *arms, interval="bayes", tau_prior=prior, level=0.9)
    plain = bayes_pool(y, v, tau_prior=prior, level=0.9)
    assert fit.effects[1, 0] == pytest.approx(float(plain.estimate), rel=1e-7, abs=1e-8)
    for name in ("ci_low", "ci_high", "pi_low", "pi_high"):
        assert getattr(fit, name)[1, 0] == pytest.approx(float(getattr(plain, name)), rel=1e-6), name
    if np.isfinite(plain.sd):
        assert fit.se[1, 0] == pytest.approx(float(plain.sd), rel=1e-6)
    higher = rank_treatments(fit, better="higher").p_scores[1]
    assert higher == pytest.approx(1 - float(posterior_below(plain, 0.0)), rel=1e-7)
    assert np.isnan(fit.p_value).all()


def test_hartung_and_knapp_of_a_loop_by_hand():
    """v = 0.1: X'X = [[3, -1], [-1, 2]] of b and c, X'y = (0.5 + 0.6 - 0.4, 0.4 + 2.0) = (0.7, 2.4), so
    b = (2·0.7 + 2.4)/5 = 0.76, c = (0.7 + 3·2.4)/5 = 1.58; residuals -0.26, -0.16, 0.42, 0.42, squares 0.446;
    Q = 4.46 on 2 df, scale 2.23; var b = 0.1·2/5 = 0.04, var(c - b) = 0.1·(2 + 3 - 2)/5 = 0.06."""
    fit = network_meta_analysis(*LOOP, tau2_method="FE", interval="hksj_adhoc")
    t = 4.302652729911275  # on 2 df, two-sided 5%
    for pair, effect, variance in (((1, 0), 0.76, 0.04), ((2, 1), 0.82, 0.06)):
        assert fit.effects[pair] == pytest.approx(effect)
        assert fit.ci_high[pair] - effect == pytest.approx(t * np.sqrt(2.23 * variance))
    close = (
        [0.5, 0.4, 1.0, 0.6],
        *LOOP[1:],
    )  # Q below its df: the floor holds, without it the interval shrinks
    wald, plain, floored = (
        network_meta_analysis(*close, tau2_method="FE", interval=name).se[1, 0]
        for name in ("wald", "hksj", "hksj_adhoc")
    )
    assert plain < wald == floored


def test_the_posterior_of_a_network_is_that_of_a_fine_sum_over_tau():
    effects, covariance, experimental, control, study = HASSELBLAD
    fit = network_meta_analysis(*HASSELBLAD, interval="bayes", tau_prior=("half_normal", 0.4))
    names = fit.treatments
    design = np.array(
        [[(e == t) - (c == t) for t in names[1:]] for e, c in zip(experimental, control, strict=True)], float
    )
    same = np.equal.outer(study, study)
    taus = (np.arange(4000) + 0.5) * 5e-4
    heights, means, covariances = [], [], []
    for tau in taus:
        inverse = np.linalg.inv(covariance + tau**2 * (0.5 * same + 0.5 * np.eye(len(effects))))
        information = design.T @ inverse @ design
        mean = np.linalg.solve(information, design.T @ inverse @ effects)
        rest = effects - design @ mean
        both = np.linalg.slogdet(inverse)[1] - np.linalg.slogdet(information)[1]
        heights.append((both - rest @ inverse @ rest) / 2 - (tau / 0.4) ** 2 / 2)
        means.append(mean)
        covariances.append(np.linalg.inv(information))
    weights = np.exp(np.array(heights) - max(heights))
    weights /= weights.sum()
    for first, second in ((1, 0), (3, 2)):
        contrast = np.eye(4)[first, 1:] - np.eye(4)[second, 1:]
        centre = np.array(means) @ contrast
        variance = np.array([contrast @ each @ contrast for each in covariances])
        pair = first, second
        for bound, tail in ((fit.ci_low, 0.025), (fit.effects, 0.5), (fit.ci_high, 0.975)):
            assert weights @ norm.cdf(bound[pair], centre, np.sqrt(variance)) == pytest.approx(tail, abs=1e-6)
        spread = np.sqrt(variance + taus**2)
        assert weights @ norm.cdf(fit.pi_low[pair], centre, spread) == pytest.approx(0.025, abs=1e-6)
        mean = weights @ centre
        second_moment = weights @ (variance + (centre - mean) ** 2)
        assert fit.se[pair] ** 2 == pytest.approx(second_moment, rel=1e-5)
    np.testing.assert_allclose(fit.ci_low, -fit.ci_high.T, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("df", [1, 2, 3, 11, 200])
def test_a_t_distribution_is_a_mixture_of_normals(df):
    weights, variances = _scales_of_t(df)
    for x in (-4.0, -0.3, 1.7):
        assert weights @ norm.cdf(x / np.sqrt(variances)) == pytest.approx(student.cdf(x, df), rel=1e-11)


def test_without_residuals_there_is_no_t_and_the_posterior_is_as_wide_as_its_prior():
    star = [0.1, 0.2], [0.1, 0.1], ["b", "c"], ["a", "a"], ["1", "2"]
    wald, floored, bayes = (
        network_meta_analysis(*star, interval=name) for name in ("wald", "hksj_adhoc", "bayes")
    )
    np.testing.assert_array_equal(wald.ci_low, floored.ci_low)
    # each effect is normal around what its study found, with 0.1 + tau², of which the prior's mean is 0.5²
    assert bayes.se[1, 0] ** 2 == pytest.approx(0.1 + 0.25, rel=1e-9)
    assert bayes.covariance[1, 2] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("interval", NETWORK_INTERVALS)
def test_ranks_of_every_interval_against_draws(interval):
    fit = network_meta_analysis(*HASSELBLAD, interval=interval)
    ranking, rng = rank_treatments(fit, better="higher"), np.random.default_rng(1)
    of = rng.choice(fit.grid_weights.size, 60_000, p=fit.grid_weights)
    roots = np.array([np.linalg.cholesky(each[1:, 1:]) for each in fit.grid_covariances])
    noise = (roots[of] @ rng.normal(size=(of.size, 3, 1)))[..., 0]
    draws = np.column_stack([np.zeros(of.size), fit.grid_effects[of, 1:] + noise])
    ranks = (-draws).argsort(axis=1).argsort(axis=1) + 1
    np.testing.assert_allclose(ranking.mean_rank, ranks.mean(axis=0), atol=0.015)
    np.testing.assert_allclose(ranking.sd_rank, ranks.std(axis=0), atol=0.015)


@pytest.mark.parametrize("restricted", [True, False])
def test_tau2_is_the_highest_maximum_of_the_dense_likelihood(restricted):
    effects, covariance, experimental, control, study = HASSELBLAD
    fit = network_meta_analysis(*HASSELBLAD, tau2_method="REML" if restricted else "ML")
    names = fit.treatments
    design = np.array(
        [[(e == t) - (c == t) for t in names[1:]] for e, c in zip(experimental, control, strict=True)], float
    )
    same = np.equal.outer(study, study)

    def height(tau2):
        inverse = np.linalg.inv(covariance + tau2 * (0.5 * same + 0.5 * np.eye(len(effects))))
        information = design.T @ inverse @ design
        rest = effects - design @ np.linalg.solve(information, design.T @ inverse @ effects)
        value = np.linalg.slogdet(inverse)[1] - rest @ inverse @ rest
        return (value - np.linalg.slogdet(information)[1] * restricted) / 2

    best = height(fit.tau2)
    assert all(height(tau2) <= best + 1e-12 for tau2 in [0, *np.geomspace(1e-6, 1e3, 200)])


def league_of(fit):
    return {
        (a, b): fit.effects[i, j] for i, a in enumerate(fit.treatments) for j, b in enumerate(fit.treatments)
    }


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999), st.floats(0.05, 20))
def test_nothing_depends_on_how_the_data_are_written(seed, factor):
    """Order of arms (and with it each study's base arm), of studies, the reference, and the unit."""
    rng = np.random.default_rng(seed)
    mean, variance, treatment, study = hasselblad()
    order = rng.permutation(len(mean))
    shuffled = arguments(
        (
            factor * mean[order],
            factor**2 * variance[order],
            [treatment[i] for i in order],
            [study[i] for i in order],
        )
    )
    first = network_meta_analysis(*HASSELBLAD)
    second = network_meta_analysis(*shuffled, reference=str(rng.choice(first.treatments)))
    assert second.tau2 == pytest.approx(factor**2 * first.tau2, rel=1e-8)
    assert league_of(second) == pytest.approx(
        {pair: factor * x for pair, x in league_of(first).items()}, rel=1e-7, abs=1e-9
    )
    before, after = network_inconsistency(*HASSELBLAD), network_inconsistency(*shuffled)
    assert (after.q, after.df) == (pytest.approx(before.q, rel=1e-7), before.df)
    scores = [
        dict(zip(fit.treatments, rank_treatments(fit, better="higher").p_scores, strict=True))
        for fit in (first, second)
    ]
    assert scores[0] == pytest.approx(scores[1], rel=1e-7)


def test_a_contrast_may_be_written_either_way_round():
    effects, variances, experimental, control, study = LOOP
    turned = network_meta_analysis(
        [-effects[0], *effects[1:]],
        variances,
        [control[0], *experimental[1:]],
        [experimental[0], *control[1:]],
        study,
    )
    assert league_of(turned) == pytest.approx(league_of(network_meta_analysis(*LOOP)))


def test_ranks_against_simulation_and_direction():
    fit = network_meta_analysis(*HASSELBLAD)
    ranking = rank_treatments(fit, better="higher")
    draws = np.random.default_rng(1).multivariate_normal(
        fit.effects[:, 0], fit.covariance, 200_000, method="eigh"
    )
    ranks = (-draws).argsort(axis=1).argsort(axis=1) + 1
    np.testing.assert_allclose(ranking.mean_rank, ranks.mean(axis=0), atol=0.01)
    np.testing.assert_allclose(ranking.sd_rank, ranks.std(axis=0), atol=0.01)
    np.testing.assert_allclose(ranking.p_scores.mean(), 0.5)
    np.testing.assert_allclose(rank_treatments(fit, better="lower").p_scores, 1 - ranking.p_scores)


@pytest.mark.parametrize("correlation", [-0.95, -0.4, 0.0, 0.5, 0.99])
def test_two_at_once(correlation):
    for h, k in ((0.3, -1.2), (-0.5, -0.7), (2.0, 1.0), (0.0, 0.8), (0.0, 0.0), (-3.0, 0.0)):
        covariance = [[1, correlation], [correlation, 1]]
        expected = multivariate_normal(cov=covariance).cdf([h, k])
        assert _both_below(np.array(h), np.array(k), np.array(correlation)) == pytest.approx(
            expected, abs=1e-7
        )


def test_no_residuals_left_are_said():
    """A loop of three single studies: the inconsistent model fits it exactly."""
    loop = tuple(part[:3] for part in LOOP)
    test = network_inconsistency(*loop)
    assert (test.df, test.q_within_df) == (1, 0)
    assert test.caution == "the fuller model leaves no residuals, so tau2 is that of the consistent model"
    assert test.tau2 == network_meta_analysis(*loop).tau2 > 0
    assert test.q_between == pytest.approx((0.5 + 0.4 - 2.0) ** 2 / 0.3)
    assert "no residuals" in node_split(*loop).caution
    assert network_inconsistency(*loop, tau2_method="FE").caution == ""
    star = node_split([0.1, 0.2], [0.1, 0.1], ["b", "c"], ["a", "a"], ["1", "2"])
    assert (star.experimental, star.direct.size) == ((), 0)


@pytest.mark.parametrize("method", ["REML", "ML", "DL"])
def test_a_split_has_the_tau2_of_its_own_dense_likelihood(method):
    """The disagreement is a column added to the consistent design: highest likelihood, or E(Q) = Q for DL."""
    effects, covariance, experimental, control, study = HASSELBLAD
    split = node_split(*HASSELBLAD, tau2_method=method)
    names = sorted({*experimental, *control})
    incidence = np.array(
        [[(e == t) - (c == t) for t in names] for e, c in zip(experimental, control, strict=True)], float
    )
    spread = np.equal.outer(study, study) * 0.5 * (incidence @ incidence.T)
    for first, second, tau2 in zip(split.experimental, split.control, split.tau2, strict=True):
        of = {name: set(np.array(experimental)[np.equal(study, name)]) for name in study}
        arms = {name: of[name] | set(np.array(control)[np.equal(study, name)]) for name in study}
        half = np.array([(t == first) - (t == second) for t in names]) / 2
        apart = np.where([{first, second} <= arms[name] for name in study], incidence @ half, 0.0)
        design = np.column_stack([incidence[:, 1:], apart])

        def projection(at, design=design):
            inverse = np.linalg.inv(covariance + at * spread)
            information = design.T @ inverse @ design
            return inverse - inverse @ design @ np.linalg.solve(information, design.T @ inverse)

        def slope(at, projection=projection):
            p, determinant = projection(at), np.linalg.inv(covariance + at * spread)
            lost = p if method == "REML" else determinant
            return effects @ p @ spread @ p @ effects - np.trace(lost @ spread)

        if method == "DL":
            p = projection(0.0)
            excess = effects @ p @ effects - (len(effects) - design.shape[1])
            assert tau2 == pytest.approx(max(0, excess / np.trace(p @ spread)), rel=1e-8)
        else:
            assert tau2 > 0
            assert abs(slope(tau2)) < 1e-7 * abs(slope(0.0))


def test_a_network_of_hundreds_of_three_arm_trials_is_split_in_seconds():
    random = np.random.default_rng(1)
    treatment = np.concatenate([random.choice(15, 3, replace=False) for _ in range(150)])
    study = np.repeat(np.arange(150), 3)
    contrasts = contrasts_from_arms(random.normal(0, 0.3, 450), np.full(450, 0.05), treatment, study)
    began = time.process_time()
    split = node_split(*(getattr(contrasts, name) for name in contrasts.__slots__))
    assert len(split.tau2) > 100
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"effects": [0.1, np.nan, 0.2, 0.3]}, r"effects\[1\]"),
        ({"effects": []}, "effects has shape"),
        ({"covariance": [0.1, 0.1, -0.1, 0.1]}, r"covariance\[2, 2\]"),
        ({"covariance": [0.1, 0.1]}, "covariance has shape"),
        ({"covariance": np.full((4, 4), 0.1)}, r"covariance\[0, 1\] is 0.1: must be 0 between"),
        ({"covariance": np.diag([0.1, np.inf, 0.1, 0.1])}, r"covariance\[1, 1\]"),
        ({"study": ["1", "2", "2", "4"]}, "study '2' has several contrasts"),
        ({"study": ["1", "2"]}, "study has 2 labels"),
        ({"study": ["1", "2", None, "4"]}, r"study\[2\]"),
        ({"experimental": ["a", "c", "c", "b"]}, r"experimental\[0\] is 'a'"),
        ({"experimental": ["b", "c", "c", "d"], "control": ["a", "b", "a", "e"]}, "falls apart"),
        ({"reference": "z"}, "reference is 'z'"),
        ({"tau2_method": "PM"}, "tau2_method"),
        ({"interval": "normal"}, "interval"),
        ({"interval": "bayes", "tau_prior": ("normal", 1.0)}, "tau_prior"),
        ({"level": 95}, "level"),
    ],
)
def test_bad_input_is_named(change, words):
    names = ("effects", "covariance", "experimental", "control", "study")
    with pytest.raises(ValueError, match=words):
        network_meta_analysis(**(dict(zip(names, LOOP, strict=True)) | change))


def test_impossible_blocks_of_a_study_are_named():
    whole = np.full((3, 3), 0.05) + 0.1 * np.eye(3)
    with pytest.raises(ValueError, match="study 'one': its contrasts depend"):
        network_meta_analysis([0.1, 0.2, 0.1], whole, ["b", "c", "c"], ["a", "a", "b"], ["one"] * 3)
    with pytest.raises(ValueError, match="study 'one' is not positive definite"):
        network_meta_analysis([0.1, 0.2], [[0.1, 0.2], [0.2, 0.1]], ["b", "c"], ["a", "a"], ["one"] * 2)
    with pytest.raises(ValueError, match="not symmetric"):
        network_meta_analysis([0.1, 0.2], [[0.1, 0.0], [0.05, 0.1]], ["b", "c"], ["a", "a"], ["one"] * 2)


def test_impossible_arms_are_named():
    with pytest.raises(ValueError, match="study 't' has one arm"):
        contrasts_from_arms([1, 2, 3], [1, 1, 1], ["a", "b", "a"], ["s", "s", "t"])
    with pytest.raises(ValueError, match="study 's' has a treatment twice"):
        contrasts_from_arms([1, 2, 3], [1, 1, 1], ["a", "b", "a"], ["s", "s", "s"])
    with pytest.raises(ValueError, match=r"variances\[1\]"):
        contrasts_from_arms([1, 2], [1, 0], ["a", "b"], ["s", "s"])
