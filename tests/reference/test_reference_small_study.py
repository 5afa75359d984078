"""Regression and rank tests, PET and PEESE, trim and fill and fail-safe N against metafor."""

from typing import Any

import numpy as np
import pytest

from tests.reference.agreement import FLOOR, Comparison, reference
from trialpool.stats import begg, egger, fail_safe_n, pet_peese, trim_and_fill

CONTENT = reference("small_study")
SETS, BY_SIZE = CONTENT["datasets"], CONTENT["sample_size"]
FORMS = {"classic": "least_squares", "random": "mixed_wald", "random_hksj": "mixed_hksj"}
METHODS, ESTIMATORS = ("FE", "DL", "REML"), ("L0", "R0", "Q0")
FILLS = [f"{method}_{estimator}" for method in METHODS for estimator in ESTIMATORS]


def check_line(compare: Comparison, label: str, ours: Any, theirs: dict[str, float]) -> None:
    for field, value in theirs.items():
        scale = {"intercept": theirs["intercept_se"], "slope": theirs["slope_se"], "statistic": 1.0}
        compare(f"{label} {field}", getattr(ours, field), value, floor=FLOOR * scale.get(field, 0.0))


def test_the_grid_is_complete() -> None:
    assert len(SETS) == 34
    for entry in SETS.values():
        for way in FORMS.values():
            assert set(entry[way]) == {"se", "variance"}
        assert set(entry["trim_and_fill"]) <= set(FILLS)
    fills = [fill for entry in SETS.values() for fill in entry["trim_and_fill"].values()]
    assert len(fills) == len(SETS) * len(FILLS) - 12
    assert {fill["side"] for fill in fills} == {"left", "right"}
    assert sum(fill["k0"] > 0 for fill in fills) > 50
    assert {entry["begg"]["ties"] for entry in SETS.values()} == {True, False}
    assert sorted(BY_SIZE) == ["gibson", "normand"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SETS)
def test_egger_agrees_with_regtest(name: str, form: str) -> None:
    entry = SETS[name]
    compare = Comparison()
    for predictor, theirs in entry[FORMS[form]].items():
        ours = egger(entry["effects"], entry["variances"], form=form, predictor=predictor)
        check_line(compare, predictor, ours, theirs)
    compare.finish()


@pytest.mark.parametrize("name", BY_SIZE)
def test_egger_by_sample_size_agrees_with_the_same_regressions(name: str) -> None:
    entry = BY_SIZE[name]
    compare = Comparison()
    for form in ("classic", "random"):
        ours = egger(
            entry["effects"],
            entry["variances"],
            form=form,
            predictor="sample_size",
            n1=entry["n1"],
            n2=entry["n2"],
        )
        check_line(compare, form, ours, entry[FORMS[form]])
    compare.finish()


@pytest.mark.parametrize("name", SETS)
def test_pet_and_peese_are_the_intercepts_of_the_two_lines(name: str) -> None:
    entry = SETS[name]
    ours = pet_peese(entry["effects"], entry["variances"])
    compare = Comparison()
    check_line(compare, "pet", ours.pet, entry["least_squares"]["se"])
    check_line(compare, "peese", ours.peese, entry["least_squares"]["variance"])
    chosen = {"pet": "se", "peese": "variance"}[ours.chosen]
    theirs = entry["least_squares"][chosen]
    compare("estimate", ours.estimate, theirs["intercept"], floor=FLOOR * theirs["intercept_se"])
    compare.finish()


@pytest.mark.parametrize("name", SETS)
def test_begg_agrees_with_ranktest(name: str) -> None:
    entry = SETS[name]
    ours = begg(entry["effects"], entry["variances"])
    compare = Comparison()
    compare("tau", ours.tau, entry["begg"]["tau"])
    compare("p_value", ours.p_value, entry["begg"]["p_value"])
    assert ours.exact is not entry["begg"]["ties"]
    compare.finish()


@pytest.mark.parametrize("name", SETS)
def test_trim_and_fill_agrees_with_trimfill(name: str) -> None:
    entry = SETS[name]
    compare = Comparison()
    for case, theirs in entry["trim_and_fill"].items():
        method, estimator = case.split("_")
        ours = trim_and_fill(
            entry["effects"],
            entry["variances"],
            estimator=estimator,
            tau2_method=method,
            interval="wald",
        )
        assert (case, ours.missing, ours.side) == (case, theirs["k0"], theirs["side"])
        compare(f"{case} k0_se", ours.missing_se, theirs["k0_se"])
        scale = FLOOR * theirs["se"]
        for field in ("estimate", "se", "ci_low", "ci_high"):
            compare(f"{case} {field}", getattr(ours, field), theirs[field], floor=scale)
        compare(f"{case} tau2", ours.tau2, theirs["tau2"], floor=FLOOR * min(entry["variances"]))
        filled = [sorted(values) for values in (ours.filled_effects, theirs["filled_effects"])]
        compare(f"{case} effects", filled[0], filled[1], floor=scale)
        filled = [sorted(values) for values in (ours.filled_variances, theirs["filled_variances"])]
        compare(f"{case} variances", filled[0], filled[1])
    compare.finish()


def test_q0_is_refused_where_trimfill_takes_the_root_of_a_negative_number() -> None:
    failed = [(name, fill) for name in SETS for fill in FILLS if fill not in SETS[name]["trim_and_fill"]]
    assert {name for name, _ in failed} == {"egger_or", "linde_rr", "vanhowe_or", "baskerville_smd"}
    for name, fill in failed:
        method, estimator = fill.split("_")
        ours = trim_and_fill(
            SETS[name]["effects"], SETS[name]["variances"], estimator=estimator, tau2_method=method
        )
        assert (estimator, bool(ours.refused)) == ("Q0", True)


@pytest.mark.parametrize("name", SETS)
def test_fail_safe_numbers_agree_with_fsn(name: str) -> None:
    entry = SETS[name]
    y, v, theirs = np.array(entry["effects"]), np.array(entry["variances"]), entry["fail_safe"]
    ours = {method: fail_safe_n(y, v, method=method).number for method in ("rosenthal", "orwin", "rosenberg")}
    target = fail_safe_n(y, v, method="orwin", target=theirs["orwin_target"])
    assert ours == {method: theirs[method] for method in ours}
    assert target.number == theirs["orwin_at_target"]
