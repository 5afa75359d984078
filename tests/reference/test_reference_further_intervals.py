"""Intervals by name: of τ² by likelihood and quadratic forms, of the mean, of a new study, of few studies."""

from typing import Any

import numpy as np
import pytest

from tests.reference.agreement import FLOOR, Comparison, reference
from trialpool.stats import (
    generalised_q_interval,
    henmi_copas,
    ivhet,
    kenward_roger,
    meta_regression,
    pool,
    prediction_interval,
    profile_interval,
)

ANSWERS = reference("further_intervals")
CASES = [(kind, name) for kind in ("means", "regressions") for name in ANSWERS[kind]]


def test_the_grid_is_complete() -> None:
    assert (len(ANSWERS["means"]), len(ANSWERS["regressions"])) == (8, 4)
    assert any(entry["profile_REML"]["low"] == 0 for entry in ANSWERS["means"].values())


def data_of(entry: dict[str, Any]) -> tuple[Any, ...]:
    design = None if entry["design"] is None else np.array(entry["design"])
    return np.array(entry["effects"]), np.array(entry["variances"]), design


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_intervals_of_tau2_agree(kind: str, name: str) -> None:
    entry, compare = ANSWERS[kind][name], Comparison()
    y, v, design = data_of(entry)
    for method in ("REML", "ML"):
        theirs = entry[f"profile_{method}"]
        ours = profile_interval(y, v, design=design, method=method)
        for end in ("low", "high"):
            compare(f"{method} {end}", getattr(ours, end), theirs[end], floor=1e-8 * v.min(), relative=1e-8)
    for weights in ("inverse_sd", "inverse_variance", "equal"):
        ours = generalised_q_interval(y, v, design=design, weights=weights)
        for end in ("low", "high"):  # both sides invert a distribution known to 1e-12
            wanted = entry[weights][end]
            compare(f"{weights} {end}", getattr(ours, end), wanted, floor=1e-8 * v.min(), relative=1e-8)
    compare.finish()


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_further_estimators_of_tau2_agree(kind: str, name: str) -> None:
    entry, compare = ANSWERS[kind][name], Comparison()
    y, v, design = data_of(entry)
    for method, theirs in entry["tau2"].items():
        fit: Any = pool(y, v, tau2_method=method)
        if design is not None:
            fit = meta_regression(y, v, design, tau2_method=method)
        compare(method, fit.tau2, theirs, floor=FLOOR * v.min())
    if design is None:
        for iterated in ("DLIT", "SJIT"):
            compare(iterated, pool(y, v, tau2_method=iterated).tau2, float(pool(y, v, tau2_method="PM").tau2))
    compare.finish()


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_kenward_roger_agrees(kind: str, name: str) -> None:
    entry, compare = ANSWERS[kind][name], Comparison()
    fit, theirs = kenward_roger(*data_of(entry)), entry["kenward_roger"]
    compare("se", fit.se, theirs["se"], relative=1e-8)
    compare("df", fit.df, theirs["df"], relative=1e-7)  # R's goes through 4 + 3/(V - 1), which cancels
    compare("f", fit.omnibus.statistic, theirs["f"], relative=1e-7)
    compare("df2", fit.omnibus.df2, theirs["f_df2"], relative=1e-7)
    compare.finish()


@pytest.mark.parametrize("name", ANSWERS["means"])
def test_common_weights_and_predictions_agree(name: str) -> None:
    entry, compare = ANSWERS["means"][name], Comparison()
    y, v, _ = data_of(entry)
    theirs, floor = entry["henmi_copas"], FLOOR * entry["henmi_copas"]["se"]
    ours = henmi_copas(y, v)
    for field, wanted in (("estimate", "estimate"), ("se", "se"), ("ci_low", "low"), ("ci_high", "high")):
        compare(f"hc {field}", getattr(ours, field), theirs[wanted], floor=10 * floor, relative=1e-8)
    honest = ivhet(y, v)
    for field, wanted in (("estimate", "estimate"), ("se", "se"), ("ci_low", "low"), ("ci_high", "high")):
        compare(f"ivhet {field}", getattr(honest, field), theirs[f"ivhet_{wanted}"], floor=floor)
    for kind, bounds in entry["prediction"].items():
        found = prediction_interval(y, v, kind)
        compare(kind, [found.low, found.high], bounds, floor=floor, relative=1e-8)
    compare.finish()


@pytest.mark.parametrize("name", ANSWERS["confidence_distribution"])
def test_the_bootstrap_prediction_without_chance_agrees(name: str) -> None:
    entry, compare = ANSWERS["confidence_distribution"][name], Comparison()
    found = prediction_interval(entry["effects"], entry["variances"], "bootstrap")
    compare("limits", [found.low, found.high], [entry["low"], entry["high"]], relative=1e-7, floor=1e-7)
    compare.finish()
