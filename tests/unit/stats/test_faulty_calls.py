"""Random faulty calls of every public function: our error or an answer, no warning."""

import inspect
import warnings
from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from trialpool import stats

CALLS = 20_000
FUNCTIONS = {name: getattr(stats, name) for name in stats.__all__ if inspect.isfunction(getattr(stats, name))}
Y, V = [0.1, 0.4, 0.2, 0.7, 0.3], [0.1, 0.2, 0.1, 0.3, 0.15]
GOOD = {
    "effects": Y,
    "variances": V,
    "design": [1, 2, 4, 3, 5],
    "cluster": list("aabbc"),
    "groups": list("aabbb"),
    "covariance": V,
    "experimental": list("bccbc"),
    "control": list("abaaa"),
    "study": list("12345"),
    "treatment": list("abaca"),
    "events1": [2, 3, 1],
    "n1": [20, 30, 20],
    "events2": [3, 5, 2],
    "n2": [20, 30, 20],
    "mean1": 5.0,
    "sd1": 2.0,
    "mean2": 6.0,
    "sd2": 2.0,
    "mean": [1.0, 2.0],
    "sd": [1, 2],
    "n": [20, 30],
    "mean_control": 0.5,
    "sd_control": 2.0,
    "n_control": 20,
    "events": [5, 9],
    "events_control": 8,
    "x": 0.1,
    "low": 1.0,
    "high": 3.0,
    "se": 0.3,
    "difference": 1.0,
    "p_value": 0.03,
    "median": 5.0,
    "q1": 3.0,
    "q3": 8.0,
    "mcid": 1.0,
    "better": "lower",
    "estimate": 1.2,
    "tau2": 0.1,
    "df": 9,
    "ci_low": 0.8,
    "ci_high": 1.5,
    "control_risk": 0.2,
    "reference_sd": 20.0,
    "effect": 0.5,
    "variance": 0.04,
    "sd_before": 5.0,
    "sd_after": 6.0,
    "sd_change": 4.0,
    "correlation": 0.5,
    "threshold": 0.1,
    "mean_difference": 0.5,
    "sd_difference": 2.0,
    "freedom": 18,
}
OWN = {
    ("subgroups", "tau2"): "separate",
    ("standardized_mean_difference", "variance"): "LS",
    ("mean_sd_from_quartiles", "n"): 40,
    ("sd_from_ci", "n"): 12,
    ("paired_effects", "n"): 12,
    ("contrasts_from_arms", "study"): list("1122"),
    ("contrasts_from_arms", "effects"): Y[:4],
    ("contrasts_from_arms", "variances"): V[:4],
    ("contrasts_from_arms", "treatment"): list("abac"),
    ("shared_control_means", "measure"): "MD",
    ("shared_control_events", "measure"): "OR",
    ("absolute_effect", "measure"): "RR",
    ("e_value", "measure"): "RR",
}
FITS = {
    "predict": stats.meta_regression(Y, V, [1, 2, 4, 3, 5]),
    "rank_treatments": stats.network_meta_analysis(
        Y, V, *(GOOD[n] for n in ("experimental", "control", "study"))
    ),
    "posterior_below": stats.bayes_pool(Y, V),
    "predictive_below": stats.bayes_pool(Y, V),
}
FAULTS = (
    None,
    True,
    "",
    "a",
    "REML",
    b"x",
    np.nan,
    np.inf,
    -np.inf,
    -1,
    0,
    1,
    2,
    0.5,
    1.5,
    95,
    1e-300,
    1e-60,
    1e20,
    1e60,
    1e300,
    10**400,
    1j,
    [],
    [[]],
    {},
    {"a": 1},
    {1, 2},
    object(),
    FITS["predict"],
    lambda: 0,
    (1, 2, 3),
    [0.3],
    [1, 2],
    [1, 1, 1, 1, 1],
    [0, 0, 0, 0, 0],
    [1e-9, 1, 2, 3, 1e9],
    [1e-40, 1, 1, 1, 1e40],
    [1e6 + 1e-9 * i for i in range(5)],
    [1, None, 2, 3, 4],
    [1, "x", 2, 3, 4],
    [1, [2], 3],
    ["a", None, "b", "c", "d"],
    list("abcde"),
    list("aaaaa"),
    np.ones((5, 5)),
    np.eye(5),
    np.zeros((0, 5)),
    np.ones((2, 5)),
    np.array([True, False, True, True, False]),
    np.array(["2020-01-01"] * 5, "M8[D]"),
    np.array(Y, object),
    np.ma.masked_array(Y, [0, 1, 0, 0, 0]),
    range(5),
    iter(Y),
    ("half_cauchy", 0.3),
    ("uniform", -1),
    (0, np.nan),
)
NEVER_INFINITE = ("estimate", "se", "tau2", "variance", "effect", "coefficients")


def arguments(name, random):
    """A right call of a function, of which one to three arguments are then replaced, left out or mangled."""
    parameters = inspect.signature(FUNCTIONS[name]).parameters
    call = {
        each: FITS[name] if each == "fit" else OWN.get((name, each), GOOD.get(each))
        for each, parameter in parameters.items()
        if parameter.default is inspect.Parameter.empty
    }
    if name == "mean_sd_from_quartiles":
        call |= {"q1": 3.0, "q3": 8.0}
    for each in random.choice(
        list(parameters), random.integers(1, min(4, len(parameters) + 1)), replace=False
    ):
        value = call.get(each)
        kind = random.integers(4)
        if kind == 0 and isinstance(value, list):
            value = [*value[:1], FAULTS[random.integers(len(FAULTS))], *value[2:]]
        elif kind == 1 and isinstance(value, list):
            value = value[: random.integers(len(value) + 1)]
        else:
            value = FAULTS[random.integers(len(FAULTS))]
        call[str(each)] = value
    return call


def said(problem):
    """Whether an error is ours: raised in the package and of a documented kind."""
    last = problem.__traceback__
    while last.tb_next:
        last = last.tb_next
    ours = "/trialpool/stats/" in last.tb_frame.f_code.co_filename.replace("\\", "/")
    return type(problem) in (TypeError, ValueError) and ours and str(problem)


def wrong_numbers(answer):
    """Names of fields that are infinite where nothing can be."""
    named = [each.name for each in fields(answer)] if is_dataclass(answer) else []
    return [name for name in named if name in NEVER_INFINITE and np.isinf(getattr(answer, name)).any()]


def faulty_call(seed):
    """What is wrong with one random call, or nothing."""
    random = np.random.default_rng(seed)
    name = list(FUNCTIONS)[seed % len(FUNCTIONS)]
    call = arguments(name, random)
    with warnings.catch_warnings(record=True) as leaked:
        warnings.simplefilter("always")
        try:
            answer = FUNCTIONS[name](**call)
        except Exception as problem:  # what else may come is what is looked for
            return None if said(problem) and not leaked else f"{name}({call}): {problem!r} {leaked}"
    if leaked:
        return f"{name}({call}): {leaked[0].message}"
    wrong = wrong_numbers(answer)
    return f"{name}({call}): {wrong}" if wrong else None


@pytest.mark.slow
def test_faulty_calls_are_refused_by_name():
    found = [fault for fault in map(faulty_call, range(CALLS)) if fault]
    assert not found, "\n".join([f"{len(found)} of {CALLS}", *found[:20]])
