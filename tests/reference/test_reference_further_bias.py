"""Bias by name: smooth selection models, tes(), limit meta-analysis, Copas' model and p-uniform."""

import numpy as np
import pytest

from tests.reference.agreement import FLOOR, Comparison, reference
from trialpool.stats import copas, excess_significance, limit_meta_analysis, p_uniform, smooth_selection

SETS = reference("further_bias")["datasets"]
# R climbs by differences: seven digits of a maximum, six of its bend.
CLIMBED, DIFFERENCED = 1e-7, 1e-6


def test_the_grid_is_complete() -> None:
    fits = [fit for entry in SETS.values() for fit in entry["smooth"]]
    assert {fit["form"] for fit in fits} == {"beta", "halfnorm", "negexp", "power"}
    assert any(fit["common"] for fit in fits)
    assert sum(len(entry["copas"] or []) for entry in SETS.values()) >= 3


@pytest.mark.parametrize("name", SETS)
def test_smooth_selection_models_agree(name: str) -> None:
    entry = SETS[name]
    for theirs in entry["smooth"]:
        compare = Comparison()
        kind = {"alternative": theirs["alternative"], "tau2_method": "FE" if theirs["common"] else "ML"}
        ours = smooth_selection(entry["effects"], entry["variances"], theirs["form"], **kind)
        compare("log likelihood", ours.log_likelihood, theirs["log_likelihood"], relative=1e-9)
        compare("lrt", ours.lrt, theirs["lrt"], relative=1e-8)
        for field in ("estimate", "tau2", "delta"):
            compare(field, getattr(ours, field), theirs[field], relative=CLIMBED, floor=1e-7)
        for field in ("se", "delta_se", "tau2_se"):
            compare(field, getattr(ours, field), theirs[field], relative=DIFFERENCED)
        compare.finish()


@pytest.mark.parametrize("name", SETS)
def test_excess_limit_and_p_uniform_agree(name: str) -> None:
    entry, compare = SETS[name], Comparison()
    data = entry["effects"], entry["variances"]
    for theirs in entry["excess"]:
        ours = excess_significance(*data, alternative=theirs["alternative"], tau2_method=theirs["method"])
        compare("observed", ours.observed, theirs["observed"])
        for field in ("expected", "statistic", "p_value"):  # R integrates over the effects
            compare(field, getattr(ours, field), theirs[field], relative=1e-4, floor=1e-6)
    for theirs in entry["limit"]:
        limit = limit_meta_analysis(*data, tau2_method=theirs["method"])
        for field in ("estimate", "se", "bias", "shrunken", "q_small", "q_residual", "g2"):
            compare(field, getattr(limit, field), theirs[field], relative=1e-8, floor=FLOOR)
    theirs, uniform = entry["p_uniform"], p_uniform(*data)
    names = {"significant": "significant", "estimate": "estimate", "ci_low": "low", "ci_high": "high"}
    for field, wanted in (names | {"p_value": "p_value", "bias_p_value": "bias_p_value"}).items():
        compare(field, getattr(uniform, field), theirs[wanted], relative=1e-7, floor=1e-9)
    compare.finish()


@pytest.mark.parametrize("name", [name for name, entry in SETS.items() if entry["copas"]])
def test_copas_models_agree(name: str) -> None:
    entry, compare = SETS[name], Comparison()
    chances = [theirs["chance"] for theirs in entry["copas"]]
    ours = copas(entry["effects"], entry["variances"], chances=chances)
    for field in ("estimate", "se", "tau2", "rho", "log_likelihood", "unpublished"):
        wanted = np.array([theirs[field] for theirs in entry["copas"]])
        relative = DIFFERENCED if field == "se" else CLIMBED
        compare(
            field, getattr(ours, field), wanted.tolist(), relative=relative, floor=1e-6 * abs(ours.se.max())
        )
    compare.finish()
