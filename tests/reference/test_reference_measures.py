"""Spread, changes and single groups against escalc and its transf functions."""

from typing import Any

import numpy as np
import pytest

from tests.reference.agreement import FLOOR, Comparison, reference
from trialpool import stats
from trialpool.stats.single_group import CORRELATIONS, PROPORTIONS, RATES
from trialpool.stats.single_group import MEANS as OF_MEANS

MEASURES = reference("measures")
SINGLE = MEASURES["single"]
MAKERS = {
    "SMDH": stats.heteroscedastic_smd,
    "CVR": stats.log_cv_ratio,
    "ROM_corrected": lambda *arms: stats.ratio_of_means(*arms, corrected=True),
    "VR": lambda m1, s1, n1, m2, s2, n2: stats.log_variability_ratio(s1, n1, s2, n2),
}


def columns(entry: dict[str, Any], *names: str) -> list[np.ndarray]:
    return [np.array(entry[name], dtype=float) for name in names]


def agree(ours: Any, theirs: dict[str, Any]) -> None:
    compare = Comparison()
    compare("effect", ours.effect, theirs["effect"], floor=FLOOR)
    compare("variance", ours.variance, theirs["variance"])
    compare.finish()


def test_the_grid_is_complete() -> None:
    asked = {name: set(entry["effects"]) for name, entry in MEASURES["unequal"].items()}
    assert asked == {"normand": set(MAKERS), "gibson": set(MAKERS), "curtis": set(MAKERS)}
    assert SINGLE["proportions"].keys() == {"events", "n", *PROPORTIONS}
    assert SINGLE["rates"].keys() == {"events", "time", *RATES}


@pytest.mark.parametrize("measure", MAKERS)
@pytest.mark.parametrize("name", MEASURES["unequal"])
def test_arms_of_unequal_spread_agree_with_escalc(name: str, measure: str) -> None:
    entry = MEASURES["unequal"][name]
    arms = columns(entry, "mean1", "sd1", "n1", "mean2", "sd2", "n2")
    agree(MAKERS[measure](*arms), entry["effects"][measure])


def test_changes_agree_with_escalc_and_the_published_differences() -> None:
    entry = MEASURES["changes"]
    mean1, mean2, sd1, sd2, n, r = columns(entry, "mean1", "mean2", "sd1", "sd2", "n", "correlation")
    agree(stats.standardized_mean_change(mean1, mean2, sd1, n, r), entry["SMCR"])
    agree(stats.standardized_mean_change(mean1, mean2, sd1, n, r, sd2=sd2), entry["SMCC"])


@pytest.mark.parametrize("scale", PROPORTIONS)
def test_proportions_agree_with_escalc(scale: str) -> None:
    entry = SINGLE["proportions"]
    agree(stats.proportion(*columns(entry, "events", "n"), scale=scale), entry[scale])


@pytest.mark.parametrize("scale", RATES)
def test_rates_agree_with_escalc(scale: str) -> None:
    agree(stats.rate(*columns(SINGLE["rates"], "events", "time"), scale=scale), SINGLE["rates"][scale])


@pytest.mark.parametrize("scale", OF_MEANS)
def test_means_agree_with_escalc(scale: str) -> None:
    agree(
        stats.single_mean(*columns(SINGLE["means"], "mean", "sd", "n"), scale=scale), SINGLE["means"][scale]
    )


@pytest.mark.parametrize("scale", CORRELATIONS)
def test_correlations_agree_with_escalc(scale: str) -> None:
    entry = SINGLE["correlations"]
    agree(stats.correlation(*columns(entry, "r", "n"), scale=scale), entry[scale])


@pytest.mark.parametrize("scale", ["PLO", "PAS", "PFT", "ZCOR", "IRS", "IRFT"])
def test_the_way_back_agrees_with_transf(scale: str) -> None:
    back = SINGLE["back"]
    sizes = {"PFT": "n", "IRFT": "time"}
    values, *size = columns(back, "values", *filter(None, [sizes.get(scale)]))
    if scale == "IRS":  # R's squares of negative roots are 0 as well
        assert min(back["IRS"]) == 0
    compare = Comparison()
    compare(scale, stats.back_transformed(scale, values, *size), back[scale], floor=FLOOR)
    compare.finish()


def test_a_pooled_double_arcsine_goes_back_by_the_harmonic_mean() -> None:
    n = np.array(SINGLE["proportions"]["n"], dtype=float)
    ours = stats.back_transformed("PFT", 0.3, 1 / np.mean(1 / n))
    assert ours == pytest.approx(SINGLE["back"]["harmonic"], rel=1e-9)
