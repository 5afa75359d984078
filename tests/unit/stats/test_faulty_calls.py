"""Random calls of every public function, faulty ones and of numbers of every size: our error, or an answer
without a number that cannot be; no warning."""

import inspect
import linecache
import re
import warnings
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from trialpool import stats
from trialpool.stats.further_bias import COPAS_FIELDS

FAULTY, EXTREME = 20_000, 4_000  # calls; the second are slower
FUNCTIONS = {name: getattr(stats, name) for name in stats.__all__ if inspect.isfunction(getattr(stats, name))}
Y, V = [0.1, 0.4, 0.2, 0.7, 0.3], [0.1, 0.2, 0.1, 0.3, 0.15]
WALD = ("statistic", "df2", "p_value")
MULTIVARIATE = ("ID", "CS", "HCS", "DIAG", "UN", "AR", "HAR", "CAR")
GOOD = {
    "effects": Y,
    "variances": V,
    "design": [1, 2, 4, 3, 5],
    "doses": [5, 8, 12, 20, 30],
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
    "missing1": [2, 0, 1],
    "missing2": [1, 4, 0],
    "time": [50.0, 80.0],
    "time1": [50.0, 80.0, 60.0],
    "time2": [55.0, 70.0, 65.0],
    "r": [0.5, 0.2],
    "values": [0.3, 0.6],
    "scale": "PLO",
    "test": "peters",
    "information": [0.25, 0.5, 0.75, 1.0],
    "people": [40, 60, 50, 80, 70],
    "required": 400,
    "terms": [1],
    "ratio": False,
    "random": [stats.Random(list("aabbc"))],
    "effects_of": lambda assumed: (np.array(Y) + assumed / 10, np.array(V)),
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
    ("comparison_adjusted", "order"): list("abc"),
    **{
        (name, each): value
        for name in ("hypergeometric_network", "mantel_haenszel_network")
        for each, value in (
            ("events", [5, 9, 2, 7]),
            ("n", [20, 30, 25, 40]),
            ("treatment", list("abac")),
            ("study", list("1122")),
        )
    },
    ("shared_control_means", "measure"): "MD",
    ("shared_control_events", "measure"): "OR",
    ("absolute_effect", "measure"): "RR",
    ("e_value", "measure"): "RR",
    ("location_scale_model", "effects"): [0.1, 1.9, -0.8, 2.7, 0.3],
    ("information_size", "measure"): "MD",
    ("information_size", "sd"): 2.5,
    ("information_size", "control_risk"): 0.3,
    ("missing_means", "missing1"): 2,
    ("missing_means", "missing2"): 1,
    ("mean_sd_from_quartiles", "q1"): 3.0,
    ("mean_sd_from_quartiles", "q3"): 8.0,
    ("copas", "chances"): [1.0, 0.5],  # of ten, each of which is fitted by itself
}
FITS = {
    **dict.fromkeys(("predict", "wald_test"), stats.meta_regression(Y, V, [1, 2, 4, 3, 5])),
    "vif": stats.meta_regression(Y, V, np.column_stack([[1, 2, 4, 3, 5], [2, 1, 0, 3, 1]])),
    "rank_treatments": stats.network_meta_analysis(
        Y, V, *(GOOD[n] for n in ("experimental", "control", "study"))
    ),
    "rankogram": stats.network_meta_analysis(Y, V, *(GOOD[n] for n in ("experimental", "control", "study"))),
    "predict_dose": stats.dose_response(Y, V, [5, 8, 12, 20, 30], shape="spline"),
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
    lambda assumed: assumed,
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
OPTIONS = {  # of arguments that have a default, by name or by function and name
    "tau2_method": stats.TAU2_METHODS,
    "interval": stats.INTERVALS,
    "level": [1e-9, 0.5, 0.999999999],
    "rho": [0.0, 0.5, 0.99],
    "form": ["classic", "random", "random_hksj"],
    "estimator": ["L0", "R0", "Q0"],
    "measure": ["RR", "OR", "RD"],
    "tau_prior": [(kind, s) for kind in ("half_normal", "half_cauchy", "uniform") for s in (1e-6, 1.0, 1e6)],
    "shape": ["linear", "spline"],
    "method": ["REML", "ML"],
    "alternative": ["greater", "less"],
    "alpha": [1e-9, 0.05, 0.999],
    "zero_cells": [0, 0.5, "treatment_arm", "revman"],
    "spending": ["obrien_fleming", "pocock"],
    "order": [[4, 3, 2, 1, 0]],
    "common": [True],
    "where": [[True, False, True, True, True]],
    "values": [0.0, 1e9],
    "groups": [None],
    "terms": [None, [1]],
    ("tau2_interval", "design"): [[1, 2, 4, 3, 5]],
    ("profile_interval", "design"): [[1, 2, 4, 3, 5]],
    ("generalised_q_interval", "design"): [[1, 2, 4, 3, 5]],
    ("generalised_q_interval", "weights"): ["inverse_sd", "inverse_variance", "equal"],
    ("kenward_roger", "design"): [[1, 2, 4, 3, 5], np.column_stack([[1, 2, 4, 3, 5], [0, 1, 0, 1, 1]])],
    ("location_scale_model", "design"): [[1, 2, 4, 3, 5]],
    ("location_scale_model", "scale"): [[1, 2, 4, 3, 5]],
    ("multivariate_model", "design"): [[1, 2, 4, 3, 5]],
    ("multivariate_model", "intercept_too"): [True, False],
    ("multivariate_model", "interval"): ["wald", "t"],
    ("multivariate_model", "random"): [
        [],
        [stats.Random(list("aabbc")), stats.Random(list("12345"))],
        *([stats.Random(list("aabbb"), kind, [1, 2, 1, 2, 3])] for kind in MULTIVARIATE),
    ],
    ("robust_regression", "cluster"): [list("aabbc")],
    ("smooth_selection", "form"): ["beta", "halfnorm", "negexp", "power"],
    ("smooth_selection", "tau2_method"): ["ML", "FE"],
    ("excess_significance", "alternative"): ["two-sided", "greater", "less"],
    ("prediction_interval", "kind"): stats.PREDICTIONS,
    ("gamble_hollis", "measure"): ["RR", "OR", "RD"],
    ("missing_means", "measure"): ["MD", "SMD"],
    ("information_size", "measure"): ["MD", "SMD", "RR", "OR", "RD"],
    ("information_size", "effect"): [0.5, 0.01, 1.5],
    ("information_size", "diversity"): [0.0, 0.999999],
    ("glmm", "measure"): ["OR", "IRR"],
    ("glmm", "model"): ["UM.FS", "UM.RS", "CM.EL", "CM.AL"],
    ("glmm_single", "measure"): ["PLO", "IRLN"],
    ("penalised", "measure"): ["OR", "IRR"],
    ("peto", "measure"): ["OR", "IRR"],
    ("mantel_haenszel", "measure"): ["RR", "OR", "RD", "IRR", "IRD"],
    ("event_test", "measure"): ["OR", "RR", "RD"],
    ("event_test", "test"): stats.EVENT_TESTS,
    ("event_test", "form"): ["classic", "random"],
    ("log_odds_ratio_to_smd", "method"): [],
    ("smd_to_log_odds_ratio", "method"): [],
    ("back_transformed", "scale"): [
        "PR",
        "PLN",
        "PLO",
        "PAS",
        "IR",
        "IRLN",
        "IRS",
        "MN",
        "MNLN",
        "COR",
        "ZCOR",
    ],
    ("proportion", "scale"): ["PR", "PLN", "PLO", "PAS", "PFT"],
    ("rate", "scale"): ["IR", "IRLN", "IRS", "IRFT"],
    ("correlation", "scale"): ["COR", "ZCOR"],
    ("single_mean", "scale"): ["MN", "MNLN"],
    "imor1": [0.0, 1e-9, 2.0, 1e9, np.inf],
    "imor2": [0.0, 1e-9, 2.0, 1e9, np.inf],
    "imdom1": [-1e6, 1.0, 1e20],
    "uncertainty": [0.0, 1.0, 1e20],
    ("sampling_covariance", "subgroup"): [list("ababa")],
    ("sampling_covariance", "outcome"): [list("xyxyx")],
    ("sampling_covariance", "arms"): [(list("ababa"), list("ccccc"))],
    ("copas", "largest"): [0.9, 0.999999],
    ("tipping_point", "ratio"): [True, False],
    ("tipping_point", "unit"): [1e-9, 1.0, 1e9],
    ("tipping_point", "effects_of"): [
        lambda assumed: (np.array(Y), np.array(V)),
        lambda assumed: (np.array(Y) * (1 + assumed), np.array(V) * (1 + assumed**2)),
        lambda assumed: (np.array(Y) * 1e-20 + assumed, np.array(V) * 1e-40),
    ],
    ("dose_response", "method"): ["FE", "ML", "REML"],
    ("multilevel", "interval"): ["wald", "t"],
    ("multilevel_regression", "interval"): ["wald", "t"],
    ("standardized_mean_difference", "variance"): ["LS", "UB", "revman5"],
    ("fail_safe_n", "method"): ["rosenthal", "orwin", "rosenberg"],
    **{
        (name, "tau2_method"): ["REML", "ML", "DL", "FE"]
        for name in (
            *("network_meta_analysis", "network_inconsistency", "node_split", "evidence_split"),
            *("contributions", "net_heat", "comparison_adjusted", "component_network"),
        )
    },
}
# Of what takes half a second or longer, one call in so many is made; of all else every one.
DEAR = {"copas": 4, "smooth_selection": 4, "robust_bayes": 4}
# What may be infinite as its record's docstring says; no other field may. After a dot: only a field of the
# record that stands in another's field, or that a function answers with.
MAY_BE_INFINITE = {
    *("df", "df2", "qm_df", "statistic", "robust_statistic", "qm", "number"),
    *("number_needed", "number_needed_low", "number_needed_high"),
    *("high", "h2_high", "between_high", "within_high"),
    "back_transformed",  # from a logarithm beyond 709
    *("boundaries", "sequential_analysis.bound"),  # where next to nothing may be spent
    *("sd", "tau_sd", "tau_mean", "predictive_sd"),  # a posterior's moment that does not exist
    *("bf_effect", "bf_heterogeneity", "bf_bias"),  # beyond 1e308
}
# What may be NaN without a refusal, as its docstring says; no other field may.
MAY_BE_NAN = {
    "tipping_point.assumption",  # no conclusion falls within reach
    "smooth_selection.delta_se",  # at its boundary
    *("glmm.q", "glmm.q_p_value"),  # of UM.RS
    "robust_covariance",  # as the other robust numbers
    *(f"copas.{each}" for each in COPAS_FIELDS),  # no maximum at a chance; without selection no rho
    *(f"{test}.{each}" for test in ("omnibus", "scale_test") for each in WALD),  # without any moderator
    "sigma2",  # of mixed models, but for that with random trial effects
    *("pi_low", "pi_high"),  # one study, or no heterogeneity estimated
    "linearity_p_value",  # of a line
    *(f"evidence_split.{each}" for each in ("low", "high", "p_value")),  # no direct or indirect evidence
    *(f"evidence_split.{each}{se}" for each in ("direct", "indirect", "difference") for se in ("", "_se")),
    *("missing_se", "missing_p_value", "target", "tau2_se", "within_low", "within_high"),
    *("probability_below", "predictive_probability_below"),  # no threshold asked for
    *(f"robust_{each}" for each in ("se", "statistic", "df", "p_value", "ci_low", "ci_high")),
}
RANGES = {  # of a field whose name has the pattern
    r"p_value|^p_scores|^probability|^predictive_prob": (0, 1 + 1e-9),
    r"^i2|^r2|weights|^h2|tau2(?!_method)|sigma2|(?<!co)variance|(^|_)se$|(^|_)sd$|^tau_|^q$|^qe$|^qm$": (
        0,
        np.inf,
    ),
}
ORDERED = (
    ("ci_low", "estimate", "ci_high"),
    ("ci_low", "coefficients", "ci_high"),
    ("ci_low", "median", "ci_high"),
    ("ci_low", "effects", "ci_high"),
    ("pi_low", "predictive_median", "pi_high"),
    ("robust_ci_low", "estimate", "robust_ci_high"),
    ("tau_low", "tau_median", "tau_high"),
    ("estimate_low", "estimate_high", "estimate_high"),
    ("tau2_low", "tau2_high", "tau2_high"),
    ("low", "high", "high"),
    ("risk_low", "risk", "risk_high"),
)
TOGETHER = (
    *(("estimate", each) for each in ("se", "ci_low", "ci_high", "p_value", "statistic")),
    *(("coefficients", each) for each in ("se", "ci_low", "ci_high", "p_value", "statistic")),
    *(("robust_se", f"robust_{each}") for each in ("df", "p_value", "ci_low", "ci_high")),
    *(("intercept", each) for each in ("intercept_se", "intercept_p_value", "slope", "slope_se", "p_value")),
    *(("effects", each) for each in ("se", "ci_low", "ci_high", "p_value")),
    *(("difference", each) for each in ("difference_se", "p_value", "direct", "direct_se", "indirect")),
    ("effect", "variance"),
    ("mean", "sd"),
    ("q", "q_p_value"),
    ("pi_low", "pi_high"),
    ("delta", "delta_se"),
    ("tau", "p_value"),
)
REFUSED = ("estimate", "se", "ci_low", "p_value", "slope", "intercept", "tau", "missing_se", "lrt")


def right_call(name):
    """The arguments of a function, and those of a right call: all without a default, and its OWN ones."""
    parameters = inspect.signature(FUNCTIONS[name]).parameters
    call = {
        each: FITS[name] if each == "fit" else OWN[name, each] if (name, each) in OWN else GOOD[each]
        for each, parameter in parameters.items()
        if parameter.default is inspect.Parameter.empty or (name, each) in OWN
    }
    return parameters, call


def faulty_arguments(name, random):
    """A right call, of which one to three arguments are replaced, left out or mangled."""
    parameters, call = right_call(name)
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


def extreme_arguments(name, random):
    """A right call, the numbers of which are scaled, shifted, made equal or rounded; any of its choices."""
    parameters, call = right_call(name)
    width = random.choice([0.5, 3, 10, 25, 49])
    for each, value in call.items():
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            continue  # words
        powers, one = 10 ** random.uniform(-width, width, array.shape), 10 ** random.uniform(-width, width)
        changed = [array * powers, array * one, array + one, np.full(array.shape, random.choice([0, 1, 5]))]
        changed += [np.where(random.random(array.shape) < 0.5, array, array * powers), np.round(array * 1e3)]
        if random.random() < 0.5:
            call[each] = changed[random.integers(len(changed))][()]
    for each in parameters:
        choices = OPTIONS.get((name, each), OPTIONS.get(each, ()))
        if len(choices) and random.random() < 0.5:
            call[each] = choices[random.integers(len(choices))]
    return call


def said(problem):
    """Whether an error is ours: of a documented kind, and raised by a `raise` of the package."""
    last = problem.__traceback__
    while last.tb_next:
        last = last.tb_next
    file = last.tb_frame.f_code.co_filename
    ours = "/trialpool/stats/" in file.replace("\\", "/")
    raised = linecache.getline(file, last.tb_lineno).lstrip().startswith("raise ")
    return type(problem) in (TypeError, ValueError) and ours and raised and str(problem)


def wrong_numbers(answer, name="answer", holder=""):
    """Every number that cannot be, by the name of its field: in a record, and in the records it holds.

    The `holder` of a field is the field its record stands in, or the function that answered.
    """
    if not is_dataclass(answer):
        return wrong_entries(name, answer, holder)
    values = {each.name: getattr(answer, each.name) for each in fields(answer)}
    wrong = [fault for each, value in values.items() for fault in wrong_numbers(value, each, name)]
    if values.get("refused") or isinstance(answer, stats.ComponentNetwork):  # what the studies do not tell
        wrong = [fault for fault in wrong if not fault.endswith("is NaN")]
    for low, middle, high in ORDERED:
        if low in values and middle in values:
            bottom, centre, top = (np.asarray(values[each]) for each in (low, middle, high))
            slack = 1e-9 * (np.abs(centre) + 1e-300)
            wrong += [f"{low} > {middle}"] * bool((bottom > centre + slack).any())
            wrong += [f"{middle} > {high}"] * bool((centre > top + slack).any())
    for centre, beside in TOGETHER:
        if centre in values and beside in values and f"{name}.{beside}" not in MAY_BE_NAN:
            without, spread = (np.isnan(np.asarray(values[each])) for each in (centre, beside))
            wrong += [f"{beside} without {centre}"] * bool((without & ~spread).any())
            wrong += [f"{centre} without {beside}"] * bool((spread & ~without).any())
    if values.get("refused"):
        wrong += [f"{each} though refused" for each in REFUSED if np.isfinite(values.get(each, np.nan)).any()]
    return wrong


def wrong_entries(name, value, holder):
    """What is wrong with the numbers of one field."""
    try:
        if np.asarray(value).dtype.kind == "U":
            return []  # labels, of which one may read as a number
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return []  # words, names or nothing
    least, most = next((ends for kind, ends in RANGES.items() if re.search(kind, name)), (-np.inf, np.inf))
    names = {name, f"{holder}.{name}"}
    wrong = [f"{name} is infinite"] * bool(np.isinf(array).any() and not names & MAY_BE_INFINITE)
    wrong += [f"{name} is NaN"] * bool(np.isnan(array).any() and not names & MAY_BE_NAN)
    return wrong + [f"{name} out of range"] * bool(((array < least) | (array > most)).any())


def fault(arguments, seed):
    """What is wrong with one random call, or nothing."""
    random = np.random.default_rng(seed)
    turn, number = divmod(seed, len(FUNCTIONS))
    name = list(FUNCTIONS)[number]
    if turn % DEAR.get(name, 1):
        return None
    call = arguments(name, random)
    with warnings.catch_warnings(record=True) as leaked:
        warnings.simplefilter("always")
        try:
            answer = FUNCTIONS[name](**call)
        except Exception as problem:  # what else may come is what is looked for
            return None if said(problem) and not leaked else f"{name}({call}): {problem!r} {leaked}"
    if leaked:
        return f"{name}({call}): {leaked[0].message}"
    wrong = wrong_numbers(answer, name)
    return f"{name}({call}): {wrong}" if wrong else None


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "calls"), [(faulty_arguments, FAULTY), (extreme_arguments, EXTREME)])
def test_random_calls_are_answered_or_refused_by_name(arguments, calls):
    found = [text for seed in range(calls) if (text := fault(arguments, seed))]
    assert not found, "\n".join([f"{len(found)} of {calls}", *found[:20]])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_answers_the_right_call_that_the_others_are_made_from(name):
    assert wrong_numbers(FUNCTIONS[name](**right_call(name)[1]), name) == []


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (replace(FITS["predict"], tau2=np.float64(-0.1)), ["tau2 out of range"]),
        (replace(FITS["predict"], r2=np.float64(np.inf)), ["r2 is infinite"]),
        (replace(FITS["predict"], p_value=np.array([0.5, np.nan])), ["p_value is NaN", "without p_value"]),
        (replace(FITS["predict"], ci_low=np.array([9.0, -9.0])), ["ci_low > coefficients"]),
        (stats.pool(Y, V, tau2_method="FE"), []),
        (stats.egger(Y[:2], V[:2]), []),
        (replace(stats.egger(Y, V), refused="no"), ["p_value though refused", "slope", "intercept"]),
    ],
)
def test_a_number_that_cannot_be_is_seen(answer, wrong):
    found = wrong_numbers(answer)
    assert len(found) == len(wrong)
    assert all(any(part in text for text in found) for part in wrong)
