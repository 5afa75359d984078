"""Second and third opinions: PyMARE and statsmodels, where they are sound.

Not asked, because wrong or unsettled there: statsmodels' DL when Q is below its degrees of freedom (it goes
negative), its Paule-Mandel when the answer is 0 or when rounding carries the last step past the root (it
then says 0), its HKSJ intervals (normal quantiles); PyMARE's interval of equal effects (0/0).
"""

import warnings
from typing import Any

import numpy as np
import pytest
from statsmodels.stats.meta_analysis import combine_effects, effectsize_2proportions, effectsize_smd

from tests.reference.agreement import FLOOR, Comparison, reference
from trialpool import stats

SETS = reference("pooling")["datasets"]
CORRECTIONS = {"wald": "wald", "hksj": "knapp-hartung", "hksj_adhoc": "knapp-hartung-conservative"}
CLOSED = {"FE": "WeightedLeastSquares", "DL": "DerSimonianLaird", "HE": "Hedges"}
# PyMARE maximises the likelihood itself, whose flat top gives half the digits of a float: 1e-6 on real data
# and 2e-5 with variances over ten decades were the worst seen.
OPTIMISED, OPTIMISED_EXTREME = 3e-6, 1e-4
# statsmodels stops Paule-Mandel at an absolute value of the estimating equation, here 1e-9 of k - 1.
ITERATED = 1e-7


def pymares(y: np.ndarray, v: np.ndarray, method: str, correction: str) -> Any:
    """PyMARE's summary; it is imported here, not where the tests are only counted."""
    with warnings.catch_warnings():  # at import about its optional sampler
        warnings.simplefilter("ignore")
        from pymare import Dataset, estimators

    if method in CLOSED:
        estimator = getattr(estimators, CLOSED[method])(small_sample_correction=correction)
    else:
        estimator = estimators.VarianceBasedLikelihoodEstimator(method, small_sample_correction=correction)
    return estimator.fit_dataset(Dataset(y[:, None], v[:, None])).summary()


@pytest.mark.parametrize("interval", CORRECTIONS)
@pytest.mark.parametrize("method", [*CLOSED, "ML", "REML"])
def test_pymare_agrees(method: str, interval: str) -> None:
    compare = Comparison()
    for name, entry in SETS.items():
        y, v = np.array(entry["effects"]), np.array(entry["variances"])
        theirs = pymares(y, v, method, CORRECTIONS[interval])
        ours = stats.pool(y, v, tau2_method=method, interval=interval)
        tight = OPTIMISED_EXTREME if name == "extreme_weights" else OPTIMISED
        relative = 1e-9 if method in CLOSED else tight
        rows = theirs.get_fe_stats()
        scale = relative * float(rows["se"][0, 0]) + 1e-15
        for field, key in (("estimate", "est"), ("se", "se"), ("ci_low", "ci_l"), ("ci_high", "ci_u")):
            if name == "equal_effects" and interval == "hksj" and field.startswith("ci"):
                continue
            compare(f"{name} {field}", getattr(ours, field), rows[key][0, 0], relative=relative, floor=scale)
        if method != "FE":
            between = float(np.ravel(theirs.tau2)[0])
            compare(f"{name} tau2", ours.tau2, between, relative=relative, floor=relative * v.min())
    assert compare.count >= 4 * len(SETS) - 2
    compare.finish()


@pytest.mark.parametrize("method", ["DL", "HE", "REML"])
def test_pymare_agrees_on_heterogeneity(method: str) -> None:
    """Q and the Q-profile interval."""
    compare = Comparison()
    for name in ("bcg_rr", "normand_smd", "linde_rr", "dorn_rr", "hackshaw_or", "raudenbush_smd"):
        y, v = np.array(SETS[name]["effects"]), np.array(SETS[name]["variances"])
        theirs = pymares(y, v, method, "wald")
        heterogeneity, between = theirs.get_heterogeneity_stats(), theirs.get_re_stats()
        ours, bounds = stats.pool(y, v, tau2_method=method), stats.tau2_interval(y, v)
        compare(f"{name} q", ours.q, heterogeneity["Q"][0])
        compare(f"{name} p", ours.q_p_value, heterogeneity["p(Q)"][0])
        # Their bracketing stops at 1e-5 of the limit.
        compare(f"{name} low", bounds.low, between["ci_l"][0], relative=1e-5, floor=1e-5 * v.min())
        compare(f"{name} high", bounds.high, between["ci_u"][0], relative=1e-5)
    compare.finish()


def test_statsmodels_agrees_where_it_is_sound() -> None:
    compare = Comparison()
    asked = {"DL": 0, "PM": 0}
    for name, entry in SETS.items():
        y, v = np.array(entry["effects"]), np.array(entry["variances"])
        for method, theirs_method, extra in (("DL", "dl", {}), ("PM", "pm", {"atol": 1e-9 * len(y)})):
            ours = stats.pool(y, v, tau2_method=method, interval="wald")
            if ours.tau2 == 0 or name == "far_from_zero":  # their Q subtracts squares of the effects
                continue
            theirs = combine_effects(y, v, method_re=theirs_method, **extra)
            if method == "PM" and theirs.tau2 == 0:
                continue
            asked[method] += 1
            relative = FLOOR if method == "DL" else ITERATED
            compare(f"{name} {method} tau2", ours.tau2, theirs.tau2, relative=relative)
            compare(
                f"{name} {method} estimate",
                ours.estimate,
                theirs.mean_effect_re,
                relative=relative,
                floor=relative * ours.se,
            )
            compare(f"{name} {method} se", ours.se, theirs.sd_eff_w_re, relative=relative)
            hartung_knapp = stats.pool(y, v, tau2_method=method, interval="hksj").se
            compare(f"{name} {method} HKSJ", hartung_knapp, np.sqrt(theirs.var_hksj_re), relative=relative)
    assert min(asked.values()) >= 40
    compare.finish()


def test_statsmodels_has_the_revman_smd() -> None:
    compare = Comparison()
    for name, entry in reference("tables")["means"].items():
        data = [np.array(entry[key], dtype=float) for key in ("mean1", "sd1", "n1", "mean2", "sd2", "n2")]
        several = data[2] + data[5] > 4  # theirs divides by n - 3.94
        data = [column[several] for column in data]
        effect, variance = effectsize_smd(*data)
        ours = stats.standardized_mean_difference(*data, variance="revman5")
        compare(f"{name} effect", ours.effect, effect, floor=FLOOR)
        compare(f"{name} variance", ours.variance, variance)
    compare.finish()


@pytest.mark.parametrize(
    ("statistic", "function"),
    [
        ("diff", stats.risk_difference),
        ("odds-ratio", stats.odds_ratio),
        ("risk-ratio", stats.risk_ratio),
    ],
)
def test_statsmodels_has_the_same_effects_of_events(statistic: str, function: Any) -> None:
    compare = Comparison()
    for name in ("bcg", "hine"):  # tables without an empty cell: theirs adds differently
        entry = reference("tables")["counts"][name]
        data = [np.array(entry[key], dtype=float) for key in ("events1", "n1", "events2", "n2")]
        effect, variance = effectsize_2proportions(*data, statistic=statistic)
        ours = function(*data)
        compare(f"{name} effect", ours.effect, effect, floor=FLOOR)
        compare(f"{name} variance", ours.variance, variance)
    compare.finish()
