"""Every fault in the input is a ValueError that names the argument and the first offending position."""

import re
from dataclasses import fields

import numpy as np
import pytest

from trialpool import stats

Y, V = [0.1, 0.4, 0.2, 0.7], [0.1, 0.2, 0.1, 0.3]
ARMS = {"mean1": 5, "sd1": 2, "n1": 20, "mean2": 6, "sd2": 2, "n2": 20}
TABLE = {"events1": 2, "n1": 20, "events2": 3, "n2": 20}

POOLING = [
    (stats.pool, ([0.1, np.nan], [1, 1]), "effects[1] is nan"),
    (stats.pool, ([0.1, np.inf], [1, 1]), "effects[1] is inf"),
    (stats.pool, ([0.1, 0.2], [1, 0]), "variances[1] is 0: must be above 0"),
    (stats.pool, ([0.1, 0.2], [-1, 1]), "variances[0] is -1: must be above 0"),
    (stats.pool, ([0.1, 0.2], [1, np.inf]), "variances[1] is inf"),
    (stats.pool, ([0.1, 0.2], [1, 1e-80]), "variances[1] is 1e-80: is beyond"),
    (stats.pool, ([0.1, 1e80], [1, 1]), "effects[1] is 1e+80: is beyond"),
    (stats.pool, ([[0.1, 0.2], [0.1, np.nan]], [1, 1]), "effects[1, 1] is nan"),
    (stats.pool, ([], []), "effects has shape (0,)"),
    (stats.pool, (0.1, [1, 2]), "effects has shape ()"),
    (stats.pool, ([0.1, 0.2], [1, 1, 1]), "effects (2,), variances (3,)"),
    (stats.pool, (["a", "b"], [1, 1]), "effects: not an array of numbers"),
    (stats.pool, ([1j, 2], [1, 1]), "effects: not an array of numbers"),
    (stats.pool, ([None, 2], [1, 1]), "effects[0] is nan"),
    (stats.pool, (np.ma.masked_array([1.0, 2.0], [False, True]), [1, 1]), "effects[1] is nan"),
    (stats.tau2_interval, ([0.1, np.nan], [1, 1]), "effects[1] is nan"),
    (stats.leave_one_out, ([0.1], [1]), "effects: leaving one study out"),
    (stats.influence, ([0.1, 0.2], [1, 1]), "effects: case diagnostics need at least 3"),
    (stats.gosh, ([[0.1, 0.2]], [1, 1]), "effects has shape (1, 2)"),
    (stats.bootstrap, ([[0.1, 0.2]], [1, 1]), "effects has shape (1, 2)"),
    (stats.permutation_test, ([[0.1, 0.2]], [1, 1]), "effects has shape (1, 2)"),
    (stats.boundaries, ([0.5, 1.5],), "information[1] is 1.5: must be at most 1"),
    (stats.likelihood_ratio, (Y, V, [1, 2, 4, 3], []), "terms: name at least one moderator"),
    (stats.meta_regression, (Y, V, [1, 2, 3]), "design has shape (3,)"),
    (stats.meta_regression, (Y, V, [1, 2, np.nan, 3]), "design[2] is nan"),
    (stats.meta_regression, (Y, V, [5, 5, 5, 5]), "design[:, 0] is constant"),
    (stats.meta_regression, (Y, V, [[1, 1], [2, 2], [3, 3], [5, 5]]), "design[:, 1] is a combination"),
    (stats.meta_regression, (Y, V, [[1, 0], [0, 1], [1, 0], [0, 1]]), "design[:, 1] is a combination"),
    (stats.meta_regression, (Y, V, np.eye(4)[:, :3]), "design: 4 studies cannot carry 4"),
    (stats.meta_regression, (Y, [1e-9, 1, 1, 1e5], [1, 2, 3, 5]), "variances: the largest is 1e+14 times"),
    (stats.subgroups, (Y, V, ["a", "b"]), "groups has 2 labels"),
]


@pytest.mark.parametrize(("function", "arguments", "message"), POOLING)
def test_pooling_refuses(function, arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        function(*arguments)


CHOICES = [
    (stats.pool, {"tau2_method": "reml"}, "tau2_method is 'reml': must be one of FE, DL"),
    (stats.pool, {"interval": "knha"}, "interval is 'knha'"),
    (stats.pool, {"level": 95}, "level is 95"),
    (stats.pool, {"level": [0.9, 0.95]}, "level has shape (2,): must be one number"),
    (stats.pool, {"where": [1, 0, 1, 1]}, "where has dtype"),
    (stats.pool, {"where": [False] * 4}, "where[0] is 0: this analysis has no study"),
    (stats.pool, {"where": [[True] * 4, [False] * 4]}, "where[1, 0] is 0: this analysis has no study"),
    (stats.pool, {"where": [True] * 3}, "where (3,)"),
    (stats.tau2_interval, {"level": 0}, "level is 0"),
    (stats.cumulative, {"order": [0, 1, 2, 2]}, "order: must hold each position from 0 to 3 once"),
    (stats.cumulative, {"order": [0, 1]}, "order: must hold"),
    (stats.gosh, {"smallest": 5}, "smallest is 5"),
    (stats.gosh, {"tau2_method": "dl"}, "tau2_method is 'dl'"),
    (stats.bootstrap, {"draws": 0}, "draws is 0: must be at least 1"),
    (stats.permutation_test, {"draws": 1.5}, "draws is 1.5"),
    (stats.permutation_test, {"interval": "t"}, "interval is 't'"),
]


@pytest.mark.parametrize(("function", "options", "message"), CHOICES)
def test_choices_are_refused(function, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        function(Y, V, **options)


def test_a_mask_must_leave_a_regression_something_to_fit():
    with pytest.raises(ValueError, match=re.escape("where[1]: too few or too similar")):
        stats.meta_regression(Y, V, [1, 1, 1, 2], where=[[True] * 4, [True, True, True, False]])
    with pytest.raises(ValueError, match=re.escape("groups: 4 studies in 4 groups")):
        stats.subgroups(Y, V, "abcd", tau2="common")
    with pytest.raises(ValueError, match="fit holds a batch"):
        stats.predict(stats.meta_regression([Y, Y], V, [1, 2, 3, 5]), [1])


CONTINUOUS = [
    ({"sd1": -1}, "sd1 is -1: must not be negative"),
    ({"sd1": 0, "sd2": 0}, "sd1 is 0: sd1 and sd2 are both 0"),
    ({"n1": 1.5}, "n1 is 1.5: must be a whole number"),
    ({"n2": [20, 0]}, "n2[1] is 0: must be at least 1"),
    ({"mean1": np.nan}, "mean1 is nan"),
    ({"mean1": [1, 2], "sd2": [1, 2, 3]}, "these shapes do not fit together"),
]


@pytest.mark.parametrize(("fault", "message"), CONTINUOUS)
@pytest.mark.parametrize(
    "measure", [stats.mean_difference, stats.standardized_mean_difference, stats.ratio_of_means]
)
def test_continuous_effects_refuse(measure, fault, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        measure(**(ARMS | fault))


EVENTS = [
    ({"events1": 21}, "events1 is 21: more events than people"),
    ({"events2": [3, 22]}, "events2[1] is 22: more events than people"),
    ({"events1": 2.5}, "events1 is 2.5: must be a whole number"),
    ({"events2": -1}, "events2 is -1"),
    ({"n1": 0, "events1": 0}, "n1 is 0"),
]


@pytest.mark.parametrize(("fault", "message"), EVENTS)
@pytest.mark.parametrize(
    "measure", [stats.risk_ratio, stats.odds_ratio, stats.risk_difference, stats.peto_odds_ratio]
)
def test_event_effects_refuse(measure, fault, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        measure(**(TABLE | fault))


ELSEWHERE = [
    (lambda: stats.ratio_of_means(-1, 1, 9, 2, 1, 9), "mean1 is -1: a ratio needs both means"),
    (lambda: stats.standardized_mean_difference(1, 1, 1, 2, 1, 2), "n1 is 1: n1 + n2 is too small"),
    (lambda: stats.standardized_mean_difference(1, 1, 9, 2, 1, 9, variance="AV"), "variance is 'AV'"),
    (lambda: stats.risk_ratio(0, 9, 2, 9, zero_cells=0), "events1 is 0: an empty cell"),
    (lambda: stats.odds_ratio(9, 9, 2, 9, zero_cells=0), "events1 is 9: an empty cell"),
    (lambda: stats.risk_difference(0, 9, 9, 9, zero_cells=0), "events1 is 0: each arm has all or no"),
    (lambda: stats.risk_ratio(1, 9, 2, 9, zero_cells=-1), "zero_cells is -1"),
    (
        lambda: stats.risk_ratio([1, 2, 3], 9, 2, 9, zero_cells=[1, 2]),
        "events (3,), zero_cells (2,): these shapes do not fit",
    ),
    (
        lambda: stats.shared_control_events("OR", np.ones((3, 2)), 9, 1, 9, zero_cells=[1, 2]),
        "zero_cells (2, 1): these shapes do not fit",
    ),
    (lambda: stats.mean_difference(1, 1, 9, 2, 1, 9, pooled=[True, False]), "pooled is list: must be True"),
    (lambda: stats.e_value("OR", 2, 1, 3, rare=np.ones(2)), "rare is ndarray: must be True or False"),
    (lambda: stats.probability_below([0, 1], [1, 2, 3], 1, 1, 9), "threshold (2,), estimate (3,)"),
    (
        lambda: stats.beyond_mcid([1, 2], better="lower", estimate=[1, 2, 3], se=1, tau2=0, df=9),
        "mcid (2,), estimate (3,)",
    ),
    (lambda: stats.sd_from_ci([0, 1], 2, [9, 9, 9]), "low (2,), high (), n (3,): these shapes"),
    (lambda: stats.se_from_ci([0, 1], 2, df=[9, 9, 9]), "low (2,), df (3,): these shapes"),
    (lambda: stats.se_from_p(1, [0.1, 0.2], df=[9, 9, 9]), "p_value (2,), df (3,): these shapes"),
    (lambda: stats.pool(Y, V, where=[[True], [True, False]]), "where: its rows differ in length"),
    (lambda: stats.begg(Y, [1e-9, 1, 1, 1e9]), "too far apart"),
    (lambda: stats.robust_pool(Y, [1e-9, 1, 1, 1e9], tau2_method="FE"), "too far apart"),
    (lambda: stats.correlated_effects(Y, [1e-9, 1, 1, 1e9], [1, 2, 2, 3]), "too far apart"),
    (lambda: stats.selection_model([0, 1, 2, 1e9], V), "too far apart"),
    (lambda: stats.multilevel(Y, V, [1, 1, 2, 2], rho=0.9999999), "rho is 0.9999999"),
    (lambda: stats.bayes_pool([0, 1, 2, 1e9], V), "effects: they lie so far apart that this tau_prior"),
    (lambda: stats.peto_odds_ratio([1, 0], 9, [2, 0], 9), "events1[1] is 0: no or only events"),
    (lambda: stats.mantel_haenszel([0, 0], [9, 8], [1, 2], [9, 9]), "events1: no events"),
    (lambda: stats.mantel_haenszel([0], [9], [0], [9], measure="RD"), "events1: nobody or everybody"),
    (lambda: stats.mantel_haenszel([1], [9], [1], [9], measure="SMD"), "measure is 'SMD'"),
    (lambda: stats.mantel_haenszel(1, 9, 1, 9), "events1 has shape ()"),
    (lambda: stats.peto([0, 9], [9, 9], [0, 9], [9, 9]), "events1: no table has both"),
    (lambda: stats.change_sd(1, 1, 1.2), "correlation is 1.2: must lie between -1 and 1"),
    (lambda: stats.change_correlation(1, 1, 5), "sd_change is 5: no correlation explains"),
    (lambda: stats.combine_arms([1], [1], [1]), "n is 1: all arms together"),
    (lambda: stats.combine_arms(1, 1, 9), "mean has no axis"),
    (lambda: stats.se_from_ci(1, 2, level=1e-9), "level is 1e-09: an interval of so small a level"),
    (lambda: stats.se_from_ci(2, 1), "high is 1: the upper limit lies below"),
    (lambda: stats.se_from_p(0, 0.5), "difference is 0"),
    (lambda: stats.se_from_p(1, 0), "p_value is 0: must lie strictly between"),
    (lambda: stats.sd_from_ci(0, 1, 1), "n is 1: must be at least 2"),
    (lambda: stats.mean_sd_from_quartiles(5, 40), "q1: give q1 and q3"),
    (lambda: stats.mean_sd_from_quartiles(5, 40, q1=3), "q3: missing, its partner is given"),
    (lambda: stats.mean_sd_from_quartiles(5, 40, q1=6, q3=8), "median is 5: lies below q1"),
    (lambda: stats.mean_sd_from_quartiles(5, 4, q1=3, q3=8), "n is 4: must be at least 5"),
    (lambda: stats.mean_sd_from_quartiles(5, 40, q1=5, q3=5), "q3 is 5: equals q1"),
    (lambda: stats.smd_to_log_odds_ratio(1, 1, method="cox"), "method is 'cox'"),
    (lambda: stats.shared_control_means("OR", [1], [1], [9], 1, 1, 9), "measure is 'OR'"),
    (lambda: stats.shared_control_means("MD", 1, 1, 9, 1, 1, 9), "mean has no axis"),
    (
        lambda: stats.shared_control_events("RR", [10], [9], 1, 9),
        "events[0] is 10: more events than people (n)",
    ),
]


@pytest.mark.parametrize(("call", "message"), ELSEWHERE)
def test_the_rest_refuses(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


ONE_NUMBER = [
    (stats.bootstrap, {"draws": []}, "draws has shape (0,): must be one number"),
    (stats.bootstrap, {"seed": "x"}, "seed: not an array of numbers"),
    (stats.bootstrap, {"seed": -1}, "seed is -1: must not be negative"),
    (stats.gosh, {"smallest": "x"}, "smallest: not an array of numbers"),
    (stats.gosh, {"smallest": None}, "smallest is nan"),
    (stats.permutation_test, {"exact_up_to": [1, 2]}, "exact_up_to has shape (2,)"),
    (stats.permutation_test, {"draws": [9, 9]}, "draws has shape (2,): must be one number"),
    (stats.permutation_test, {"seed": 0.5}, "seed is 0.5: must be a whole number"),
    (stats.pet_peese, {"alpha": "x"}, "alpha: not an array of numbers"),
    (stats.fail_safe_n, {"alpha": [0.1]}, "alpha has shape (1,)"),
    (stats.fail_safe_n, {"alpha": 2}, "alpha is 2: must lie between 0 and 1"),
    (stats.bayes_pool, {"threshold": [0, 1]}, "threshold has shape (2,)"),
    (stats.bayes_pool, {"tau_prior": 0.5}, "tau_prior is 0.5: must be (name, scale)"),
    (stats.bayes_pool, {"mu_prior": 0.5}, "mu_prior is 0.5: must be (mean, sd)"),
]


@pytest.mark.parametrize(("function", "options", "message"), ONE_NUMBER)
def test_what_is_no_single_number_is_named(function, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        function(Y, V, **options)


@pytest.mark.parametrize("label", [None, np.nan, ""])
def test_a_missing_label_is_refused_by_every_function_that_takes_labels(label):
    two, three = ["a", label, "b", "b"], ["1", "2", "3", label]
    calls = {
        "groups[1]": lambda: stats.subgroups(Y, V, two),
        "cluster[1]": lambda: stats.multilevel(Y, V, two),
        "study[3]": lambda: stats.network_meta_analysis(Y, V, list("bcca"), list("abab"), three),
    }
    for place, call in calls.items():
        with pytest.raises(ValueError, match=re.escape(place)):
            call()


@pytest.mark.parametrize(
    "function",
    [
        *(stats.leave_one_out, stats.cumulative, stats.influence, stats.gosh),
        *(stats.bootstrap, stats.bayes_pool, stats.begg, stats.egger, stats.trim_and_fill),
    ],
)
def test_one_variance_does_not_serve_several_studies(function):
    for effects, variances in ((Y, [0.1]), ([0.1], V)):
        with pytest.raises(ValueError, match="these shapes do not fit together"):
            function(effects, variances)


def test_nothing_is_silently_nan_or_a_warning_on_any_valid_scale():
    generator = np.random.default_rng(5)
    for _ in range(100):
        k, reach = generator.integers(1, 7), generator.choice([1, 5, 50])
        y = generator.choice([-1, 0, 1], k) * 10.0 ** generator.uniform(-reach, reach, k)
        v = 10.0 ** generator.uniform(-reach, reach, k)
        for method in stats.TAU2_METHODS:
            fit = stats.pool(y, v, tau2_method=method, interval=str(generator.choice(stats.INTERVALS)))
            numbers = [getattr(fit, each.name) for each in fields(fit) if not each.name.startswith("pi")]
            assert not any(np.isnan(number).any() for number in numbers)
            assert np.isnan(fit.pi_low) == (k == 1 or method == "FE")
        limits = stats.tau2_interval(y, v)
        assert limits.low <= limits.high


@pytest.mark.parametrize("function", ["predict", "posterior_below", "predictive_below"])
def test_what_is_no_fit_is_named(function):
    with pytest.raises(TypeError, match=r"fit is list: must be a (MetaRegression|BayesPool)"):
        getattr(stats, function)([1.0], 0.5)


def test_found_by_random_calls():
    fifth = [*V, 0.2]
    for function, given, message in (
        (stats.rank_treatments, {"fit": None, "better": "lower"}, "fit is NoneType"),
        (stats.pool, {"effects": [10**400, 1], "variances": [1, 1]}, "effects: not an array of numbers"),
        (stats.influence, {"effects": np.zeros((0, 4)), "variances": V}, "effects has shape (0, 4)"),
        (stats.mean_difference, ARMS | {"sd1": 1e300}, "sd1 is 1e+300: is beyond"),
        (stats.ratio_of_means, ARMS | {"mean1": 1e-300}, "mean1 is 1e-300: a ratio needs"),
        (stats.se_from_ci, {"low": 1, "high": 2, "level": 1e-300}, "level is 1e-300"),
        (stats.fail_safe_n, {"effects": Y, "variances": V, "alpha": 0.5}, "alpha is 0.5"),
        (
            stats.bayes_pool,
            {"effects": Y, "variances": V, "mu_prior": [1, [2], 3]},
            "mu_prior is [1, [2], 3]",
        ),
        (stats.cumulative, {"effects": Y, "variances": V, "order": 1e20}, "order: must hold"),
        (
            stats.multilevel,
            {"effects": [*Y, 1e20], "variances": fifth, "cluster": "aabbc"},
            "too far apart",
        ),
    ):
        with pytest.raises((TypeError, ValueError), match=re.escape(message)):
            function(**given)


@pytest.mark.parametrize("scale", [1e-40, 1e-9, 1.0, 1e9, 1e40])
@pytest.mark.parametrize("far", [0.0, 1e9])
def test_collinear_moderators_are_refused_at_every_scale(scale, far):
    x = np.array([0.1, 0.72, 0.33, 0.94, 0.5, 0.61])
    design = np.column_stack([x, scale * (far + 2 * x)])
    with pytest.raises(ValueError, match=re.escape("design[:, 1] is a combination")):
        stats.meta_regression([*Y, 0.3, 0.4], [*V, 0.2, 0.1], design)
