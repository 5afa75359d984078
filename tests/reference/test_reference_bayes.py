"""`bayes_pool` against the same integrals by R's adaptive integrate()."""

from typing import Any

import pytest

from tests.reference.agreement import Comparison, reference
from trialpool.stats import bayes_pool

SETS = reference("bayes")["datasets"]
CASES = [(name, place) for name, entry in SETS.items() for place in range(len(entry["fits"]))]
QUESTION = {"tau_prior", "scale", "mu_mean", "mu_sd", "threshold"}


def ask(name: str, fit: dict[str, Any]) -> Any:
    entry = SETS[name]
    return bayes_pool(
        entry["effects"],
        entry["variances"],
        tau_prior=(fit["tau_prior"], fit["scale"]),
        mu_prior=None if fit["mu_mean"] is None else (fit["mu_mean"], fit["mu_sd"]),
        threshold=fit["threshold"],
    )


def test_the_grid_is_complete() -> None:
    assert len(SETS) == 8
    for entry in SETS.values():
        priors = [fit["tau_prior"] for fit in entry["fits"]]
        assert priors == ["half_normal", "uniform", "half_cauchy", "half_normal"]
        assert [fit["mu_sd"] for fit in entry["fits"]] == [None, None, None, 2]


@pytest.mark.parametrize(("name", "place"), CASES)
def test_bayes_pool_agrees_with_adaptive_integration(name: str, place: int) -> None:
    fit = SETS[name]["fits"][place]
    ours = ask(name, fit)
    compare = Comparison()
    for field, theirs in fit.items():
        if field not in QUESTION:
            compare(field, getattr(ours, field), theirs)
    assert compare.count >= 16
    compare.finish()
