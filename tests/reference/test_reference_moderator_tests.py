"""Several coefficients together: metafor's anova and clubSandwich's Wald_test; BLUPs: metafor's blup()."""

import numpy as np
import pytest

from tests.reference.agreement import FLOOR, Comparison, reference
from trialpool.stats import blup, likelihood_ratio, meta_regression, robust_regression, vif, wald_test

ANSWERS = reference("moderator_tests")


def test_the_grid_is_complete() -> None:
    assert len(ANSWERS["moderators"]) == 9
    assert sum(entry["vif"] is not None for entry in ANSWERS["moderators"].values()) == 4
    assert len(ANSWERS["blup"]) == 6


@pytest.mark.parametrize("name", ANSWERS["moderators"])
def test_tests_of_several_coefficients_agree(name: str) -> None:
    entry, compare = ANSWERS["moderators"][name], Comparison()
    data = entry["effects"], entry["variances"], np.array(entry["design"])
    terms, m = entry["terms"], len(entry["design"][0])
    terms = terms if isinstance(terms, list) else [terms]
    for interval, theirs in entry["wald"].items():
        fit = meta_regression(*data, interval=interval)
        found = wald_test(fit, terms)
        compare("statistic", found.statistic, theirs["statistic"])
        compare("p", found.p_value, theirs["p_value"])
        combined = wald_test(fit, [[1.0, *[0.5] * m]], values=0.1)
        compare("combined", combined.statistic, theirs["combined"], relative=1e-8)
        compare("combined p", combined.p_value, theirs["combined_p_value"])
    some = [1, 3] if m > 2 else None
    for asked, which in (("all", None), ("some", some)):
        found_lr, wanted = likelihood_ratio(*data, which), entry["likelihood_ratio"][asked]
        for field in wanted:
            compare(field, getattr(found_lr, field), wanted[field], floor=FLOOR)
    if entry["vif"]:
        compare("vif", vif(fit), entry["vif"])
    if entry["gvif"]:
        compare("gvif", vif(fit, [[1, 2]])[0], entry["gvif"])
    compare.finish()


@pytest.mark.parametrize("name", ANSWERS["moderators"])
def test_robust_tests_agree(name: str) -> None:
    entry, compare = ANSWERS["moderators"][name], Comparison()
    data = entry["effects"], entry["variances"], np.array(entry["design"])
    for kind, cluster in (("robust", None), ("clustered", entry["clusters"])):
        theirs = entry[kind]
        fit = robust_regression(*data, cluster, terms=entry["terms"])
        for field in ("se", "df", "p_value"):
            compare(f"{kind} {field}", getattr(fit, f"robust_{field}"), theirs[field], relative=1e-8)
        every = robust_regression(*data, cluster).omnibus
        for test, prefix in ((fit.omnibus, "f"), (every, "all")):
            names = {"statistic": "f" if prefix == "f" else "all_f", "df2": f"{prefix}_df2"}
            for ours, field in (names | {"p_value": f"{prefix}_p_value"}).items():
                compare(f"{kind} {field}", getattr(test, ours), theirs[field], relative=1e-8)
    compare.finish()


@pytest.mark.parametrize("name", ANSWERS["blup"])
@pytest.mark.parametrize("interval", ["wald", "hksj"])
def test_predictions_of_true_effects_agree(name: str, interval: str) -> None:
    entry, compare = ANSWERS["blup"][name], Comparison()
    ours = blup(entry["effects"], entry["variances"], interval=interval)
    floor = FLOOR * min(entry["variances"]) ** 0.5
    for field, theirs in entry[interval].items():
        compare(field, getattr(ours, field), theirs, floor=floor)
    compare.finish()
