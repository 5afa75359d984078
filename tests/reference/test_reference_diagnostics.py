"""Leave-one-out, cumulative, influence and Baujat coordinates against metafor."""

from typing import Any

import numpy as np
import pytest

from tests.reference.agreement import FLOOR, Comparison, reference
from trialpool.stats import cumulative, gosh, influence, leave_one_out

SETS = reference("diagnostics")["datasets"]
INPUTS = reference("pooling")["datasets"]
COMBINATIONS = {
    "REML_hksj_adhoc": ("REML", "hksj_adhoc"),
    "DL_wald": ("DL", "wald"),
    "REML_wald": ("REML", "wald"),
}
CASES = [(name, combination) for name in SETS for combination in COMBINATIONS]
COLUMNS = {
    "rstudent",
    "dffits",
    "cook",
    "cov_ratio",
    "tau2_deleted",
    "q_deleted",
    "hat",
    "weight",
    "dfbetas",
    "influential",
}


def test_the_grid_is_complete() -> None:
    assert len(SETS) == 33
    assert min(entry["k"] for entry in SETS.values()) == 3
    for entry in SETS.values():
        assert {*COMBINATIONS, "baujat_FE", "baujat_REML", "k"} == set(entry)
        for combination in COMBINATIONS:
            assert set(entry[combination]["influence"]) == COLUMNS
        for combination in ("REML_hksj_adhoc", "DL_wald"):
            assert {"leave_one_out", "cumulative_from_two"} < set(entry[combination])


def check_fits(compare: Comparison, label: str, ours: Any, theirs: dict[str, Any], least: float) -> None:
    """`ours` are records already cut to the entries that R has."""
    scale = FLOOR * np.array(theirs["se"])
    for field, values in theirs.items():
        floor: Any = 0.0
        if field in ("estimate", "ci_low", "ci_high"):
            floor = scale
        elif field == "tau2":
            floor = FLOOR * least
        elif field in ("i2", "q"):  # Q of nearly equal effects is a difference of rounding errors
            floor = FLOOR
        compare(f"{label} {field}", ours[field], values, floor=floor)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("combination", ["REML_hksj_adhoc", "DL_wald"])
def test_subsets_agree_with_refits(name: str, combination: str) -> None:
    data = INPUTS[name]
    method, interval = COMBINATIONS[combination]
    choice = {"tau2_method": method, "interval": interval}
    compare = Comparison()
    for label, function, first in (
        ("leave_one_out", leave_one_out, 0),
        ("cumulative_from_two", cumulative, 1),
    ):
        theirs = SETS[name][combination][label]
        fit = function(data["effects"], data["variances"], **choice)
        ours = {field: getattr(fit, field)[first:] for field in theirs}
        check_fits(compare, label, ours, theirs, min(data["variances"]))
    compare.finish()


@pytest.mark.parametrize(("name", "combination"), CASES)
def test_influence_agrees_with_metafor(name: str, combination: str) -> None:
    data, theirs = INPUTS[name], SETS[name][combination]["influence"]
    method, interval = COMBINATIONS[combination]
    ours = influence(data["effects"], data["variances"], tau2_method=method, interval=interval)
    compare = Comparison()
    for field, values in theirs.items():
        floor = FLOOR * min(data["variances"]) if field == "tau2_deleted" else FLOOR
        compare(field, getattr(ours, field), values, floor=floor)
    compare.finish()


@pytest.mark.parametrize("method", ["FE", "REML"])
@pytest.mark.parametrize("name", SETS)
def test_baujat_coordinates_agree_with_metafor(name: str, method: str) -> None:
    data, theirs = INPUTS[name], SETS[name][f"baujat_{method}"]
    ours = influence(data["effects"], data["variances"], tau2_method=method, interval="wald")
    compare = Comparison()
    compare("x", ours.baujat_x, theirs["x"], floor=FLOOR)
    compare("y", ours.baujat_y, theirs["y"], floor=FLOOR)
    compare.finish()


@pytest.mark.parametrize("name", reference("diagnostics")["gosh"])
def test_all_subsets_agree_with_refits(name: str) -> None:
    data, theirs = INPUTS[name], reference("diagnostics")["gosh"][name]
    ours = gosh(data["effects"], data["variances"], smallest=2)
    least = min(data["variances"])
    compare = Comparison()
    assert ours.complete
    compare("estimate", ours.estimate, theirs["estimate"], floor=FLOOR * np.sqrt(least))
    compare("tau2", ours.tau2, theirs["tau2"], floor=FLOOR * least)
    compare("i2", ours.i2, theirs["i2"], floor=FLOOR)
    compare.finish()
