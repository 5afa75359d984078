"""Three-level models and robust inference against rma.mv, clubSandwich and robumeta."""

from typing import Any

import numpy as np
import pytest

from tests.reference.agreement import FLOOR, Comparison, reference, words
from trialpool.stats import multilevel, multilevel_regression
from trialpool.stats.dependent import correlated_effects, robust_pool

SETS = reference("multilevel")["datasets"]
REGRESSIONS = reference("multilevel")["regressions"]
ROBUST = words("robust_se robust_df robust_p_value robust_ci_low robust_ci_high")
LIMITS = ("estimate", "ci_low", "ci_high", "robust_ci_low", "robust_ci_high", "coefficients")
COMPONENTS = ("sigma2_between", "sigma2_within")


def floors(field: str, entry: dict[str, Any], se: float) -> float:
    if field in LIMITS:
        return FLOOR * se
    if field in COMPONENTS:
        return FLOOR * min(entry["variances"])
    return FLOOR if field == "log_likelihood" else 0.0  # a sum that may come out near 0


def test_the_grid_is_complete() -> None:
    names = (
        "konstantopoulos konstantopoulos_four bornmann assink tannersmith knapp crede lehmann riley berkey"
    )
    assert sorted(SETS) == sorted(words(names))
    for entry in SETS.values():
        cases = [(fit["rho"], fit["method"]) for fit in entry["fits"]]
        assert cases == [(0, "REML"), (0.6, "REML"), (0, "ML"), (0.6, "ML")]
        assert [fit["by_cluster"]["method"] for fit in entry["robust_pool"]] == ["REML", "DL"]
    assert sorted(REGRESSIONS) == ["assink_two", "konstantopoulos_year", "riley_outcome", "tannersmith_two"]
    fits = [fit for entry in SETS.values() for fit in entry["fits"]]
    assert any(fit["sigma2_within"] == 0 for fit in fits)
    assert any(fit["sigma2_between"] == 0 for fit in fits)
    assert any(fit["robust_df"] < 4 for fit in fits)


@pytest.mark.parametrize("name", SETS)
def test_multilevel_agrees_with_rma_mv_and_clubsandwich(name: str) -> None:
    entry = SETS[name]
    compare = Comparison()
    for fit in entry["fits"]:
        ours = multilevel(
            entry["effects"], entry["variances"], entry["cluster"], rho=fit["rho"], method=fit["method"]
        )
        for field, theirs in fit.items():
            if field not in ("rho", "method"):
                label = f"{fit['method']} rho {fit['rho']} {field}"
                compare(label, getattr(ours, field), theirs, floor=floors(field, entry, fit["se"]))
    compare.finish()


@pytest.mark.parametrize("name", REGRESSIONS)
def test_multilevel_regression_agrees_with_rma_mv_and_clubsandwich(name: str) -> None:
    entry = REGRESSIONS[name]
    compare = Comparison()
    for fit in entry["fits"]:
        ours = multilevel_regression(
            entry["effects"], entry["variances"], entry["cluster"], entry["design"], rho=fit["rho"]
        )
        for field, theirs in fit.items():
            if field != "rho":
                scale = floors(field, entry, float(np.max(fit["se"])))
                compare(f"rho {fit['rho']} {field}", getattr(ours, field), theirs, floor=scale)
    compare.finish()


@pytest.mark.parametrize("name", SETS)
def test_robust_pool_agrees_with_clubsandwich(name: str) -> None:
    entry = SETS[name]
    compare = Comparison()
    for row in entry["robust_pool"]:
        for way, cluster in (("by_cluster", entry["cluster"]), ("by_effect", None)):
            theirs = row[way]
            ours = robust_pool(entry["effects"], entry["variances"], cluster, tau2_method=theirs["method"])
            for field in ("estimate", *ROBUST):
                scale = FLOOR * theirs["robust_se"] if field in LIMITS else 0.0
                compare(f"{way} {field}", getattr(ours, field), theirs[field], floor=scale)
    compare.finish()


@pytest.mark.parametrize("name", SETS)
def test_correlated_effects_agree_with_robumeta(name: str) -> None:
    entry = SETS[name]
    theirs = entry["correlated_effects"]
    ours = correlated_effects(entry["effects"], entry["variances"], entry["cluster"], rho=theirs["rho"])
    compare = Comparison()
    scale = FLOOR * theirs["se"]
    compare("estimate", ours.estimate, theirs["estimate"], floor=scale)
    compare("tau2", ours.tau2, theirs["tau2"], floor=FLOOR * min(entry["variances"]))
    weights = np.array(theirs["weights"])
    compare("weights", ours.weights, 100 * weights / weights.sum())
    compare("se", ours.robust_se, theirs["se"])
    compare("df", ours.robust_df, theirs["df"])
    compare("p_value", ours.robust_p_value, theirs["p_value"])
    compare("ci_low", ours.robust_ci_low, theirs["ci_low"], floor=scale)
    compare("ci_high", ours.robust_ci_high, theirs["ci_high"], floor=scale)
    compare.finish()
