"""Sparse events: mixed models, penalised regression, person-time, empty cells, small-study effects."""

from typing import Any

import numpy as np
import pytest

from tests.reference.agreement import FLOOR, Comparison, reference
from trialpool import stats
from trialpool.stats.mixed_events import MODELS

SPARSE = reference("sparse")
MIXED = [
    (measure, name, model)
    for measure, sets in SPARSE["glmm"].items()
    for name, entry in sets.items()
    for model in entry["models"]
]
# Both sides integrate to the last digits; R's climb ends by differences, good to about 1e-9 of a standard
# error, and its standard errors are second differences: 1e-7 is what is promised, and asked.
CLIMBED = 1e-7


def counts(entry: dict[str, Any]) -> list[np.ndarray]:
    return [np.array(entry[name], dtype=float) for name in ("events1", "n1", "events2", "n2")]


def test_the_grid_is_complete() -> None:
    assert sorted(SPARSE["glmm"]["OR"]) == ["bcg", "damico", "hahn", "hine", "nielweise"]
    assert sorted(SPARSE["glmm"]["IRR"]) == ["hart", "nielweise"]
    assert {model for _, _, model in MIXED} == set(MODELS)
    assert len(MIXED) == 4 * 5 + 3 * 2
    taus = [SPARSE["glmm"][of][name]["models"][model]["mixed"]["tau2"] for of, name, model in MIXED]
    assert min(taus) == 0 < 0.1 < max(taus)


@pytest.mark.parametrize(("measure", "name", "model"), MIXED)
def test_mixed_models_agree_with_their_likelihoods_climbed_in_r(measure: str, name: str, model: str) -> None:
    entry = SPARSE["glmm"][measure][name]
    theirs = entry["models"][model]
    compare = Comparison()
    for kind in ("mixed", "common"):
        fit = stats.glmm(*counts(entry), measure=measure, model=model, common=kind == "common")
        for field, value in theirs[kind].items():
            floor = CLIMBED * theirs[kind]["se"] if field in ("estimate", "tau2", "sigma2") else 0.0
            compare(f"{kind} {field}", getattr(fit, field), value, relative=CLIMBED, floor=floor)
        if theirs["q"] is not None:
            compare(f"{kind} q", fit.q, theirs["q"], relative=CLIMBED)
    compare.finish()


@pytest.mark.parametrize("measure", SPARSE["penalised"])
def test_penalised_regression_agrees_with_jeffreys_maximum(measure: str) -> None:
    compare = Comparison()
    for name, entry in SPARSE["penalised"][measure].items():
        fit = stats.penalised(*counts(entry), measure=measure)
        compare(f"{name} estimate", fit.estimate, entry["estimate"], relative=CLIMBED)
        compare(f"{name} se", fit.se, entry["se"], relative=CLIMBED)
    compare.finish()


@pytest.mark.parametrize("name", SPARSE["rates"])
def test_events_over_person_time_agree_with_escalc_and_rma_mh(name: str) -> None:
    entry, compare = SPARSE["rates"][name], Comparison()
    data = counts(entry)
    for measure, make in (("IRR", stats.rate_ratio), ("IRD", stats.rate_difference)):
        ours, theirs = make(*data), entry["effects"][measure]
        compare(f"{measure} effect", ours.effect, theirs["effect"], floor=FLOOR)
        compare(f"{measure} variance", ours.variance, theirs["variance"])
        fit = stats.mantel_haenszel(*data, measure=measure)
        for field, value in entry["mantel_haenszel"][measure].items():
            floor = FLOOR * entry["mantel_haenszel"][measure]["se"] if field != "p_value" else 0.0
            compare(f"{measure} {field}", getattr(fit, field), value, floor=floor)
    fit = stats.peto(*data, measure="IRR")
    compare("peto", fit.estimate, entry["peto"]["estimate"])
    compare("peto se", fit.se, entry["peto"]["se"])
    compare.finish()


@pytest.mark.parametrize("name", SPARSE["zero_cells"])
def test_rules_for_empty_cells_agree_cell_by_cell(name: str) -> None:
    entry, compare = SPARSE["zero_cells"][name], Comparison()
    makers = {"RR": stats.risk_ratio, "OR": stats.odds_ratio, "RD": stats.risk_difference}
    for measure, rules in entry["rules"].items():
        for rule, theirs in rules.items():
            ours = makers[measure](*counts(entry), zero_cells=rule)
            compare(f"{measure} {rule} effect", ours.effect, theirs["effect"], floor=FLOOR)
            compare(f"{measure} {rule} variance", ours.variance, theirs["variance"])
    for measure, theirs in entry["revman_mantel_haenszel"].items():
        fit = stats.mantel_haenszel(*counts(entry), measure=measure, zero_cells="revman")
        for field, value in theirs.items():
            compare(f"{measure} {field}", getattr(fit, field), value, floor=FLOOR)
    compare.finish()


@pytest.mark.parametrize("name", SPARSE["tests"])
def test_tests_of_events_agree_with_least_squares(name: str) -> None:
    entry, compare = SPARSE["tests"][name], Comparison()
    data = counts(entry)
    ours = stats.arcsine_difference(*data)
    compare("arcsine effect", ours.effect, entry["arcsine_effects"]["effect"], floor=FLOOR)
    compare("arcsine variance", ours.variance, entry["arcsine_effects"]["variance"])
    for test in (*stats.EVENT_TESTS, "arcsine_random"):
        kind, form = test.removesuffix("_random"), "random" if test.endswith("random") else "classic"
        fit, theirs = stats.event_test(kind, *data, form=form), entry[test]
        for field, value in theirs.items():
            floor = FLOOR * theirs.get(f"{field}_se", 1.0)
            compare(f"{test} {field}", getattr(fit, field), value, floor=floor)
    compare.finish()
