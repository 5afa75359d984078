"""Selection models against an independent climb of the same likelihood, bounded by metafor's selmodel."""

from typing import Any

import pytest

from tests.reference.agreement import FLOOR, Comparison, reference
from trialpool.stats import selection_model

SETS = reference("selection")["datasets"]
KINDS = ("three_parameter", "three_parameter_05", "four_parameter")
CASES = [(name, kind) for name, entry in SETS.items() for kind in KINDS if entry[kind]]
# R's standard errors come from extrapolated differences of the likelihood, good to nine digits; ours from its
# second derivatives.
DIFFERENCED = 1e-8


def test_the_grid_is_complete() -> None:
    assert len(SETS) == 18
    assert all(entry[kind] for entry in SETS.values() for kind in KINDS[:2])
    assert sum(entry["four_parameter"] is not None for entry in SETS.values()) >= 12
    fits = [SETS[name][kind] for name, kind in CASES]
    assert {fit["alternative"] for fit in fits} == {"greater", "less"}
    assert any(fit["tau2"] == 0 for fit in fits)


def test_selmodel_ends_at_a_lower_maximum_twice() -> None:
    """Where it does, the higher one is ours; nowhere did it end higher (the generator would have stopped)."""
    lower = [(name, kind) for name, kind in CASES if "selmodel_log_likelihood" in SETS[name][kind]]
    assert lower == [("li_or", "three_parameter"), ("egger_or", "three_parameter")]
    for name, kind in lower:
        theirs = SETS[name][kind]
        assert fitted(name, theirs).log_likelihood > theirs["selmodel_log_likelihood"] + 0.1


def fitted(name: str, theirs: dict[str, Any]) -> Any:
    entry = SETS[name]
    choice = {"steps": theirs["steps"], "alternative": theirs["alternative"]}
    return selection_model(entry["effects"], entry["variances"], **choice)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_selection_models_agree(name: str, kind: str) -> None:
    theirs = SETS[name][kind]
    ours = fitted(name, theirs)
    compare = Comparison()
    compare("estimate", ours.estimate, theirs["estimate"], floor=FLOOR * theirs["se"])
    compare("tau2", ours.tau2, theirs["tau2"], floor=FLOOR * min(SETS[name]["variances"]))
    compare("delta", ours.delta, theirs["delta"])
    for field in ("se", "tau2_se", "delta_se"):
        compare(field, getattr(ours, field), theirs[field], relative=DIFFERENCED)
    for field in ("log_likelihood", "lrt", "lrt_df", "lrt_p_value"):
        compare(field, getattr(ours, field), theirs[field], floor=FLOOR)
    compare.finish()
