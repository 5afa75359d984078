"""Location-scale and multivariate models against their likelihoods climbed in R, bounded by metafor's own."""

from typing import Any

import numpy as np
import pytest

from tests.reference.agreement import FLOOR, Comparison, reference
from trialpool.stats import Random, location_scale_model, multivariate_model, sampling_covariance

ANSWERS = reference("models")
SCALES, VARIATES = ANSWERS["location_scale"], ANSWERS["multivariate"]
# Both sides climb by themselves, R by differences: standard errors of components go by second derivatives.
CLIMBED, DIFFERENCED = 1e-7, 1e-6


def test_the_grid_is_complete() -> None:
    kinds = {term["structure"] for entry in VARIATES.values() for term in entry["random"]}
    assert kinds == {"ID", "CS", "HCS", "UN", "AR", "HAR", "CAR"}
    assert (len(SCALES), len(VARIATES)) == (3, 9)


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("number", [0, 1])
def test_location_scale_models_agree(name: str, number: int) -> None:
    entry, compare = SCALES[name], Comparison()
    theirs = entry["fits"][number]
    designs = [None if entry[part] is None else np.array(entry[part]) for part in ("design", "scale")]
    ours = location_scale_model(entry["effects"], entry["variances"], *designs, method=theirs["method"])
    compare("log likelihood", ours.log_likelihood, theirs["log_likelihood"], floor=FLOOR)
    for field in ("coefficients", "se", "scale"):
        compare(field, getattr(ours, field), theirs[field], relative=CLIMBED, floor=1e-8)
    compare("scale_se", ours.scale_se, theirs["scale_se"], relative=DIFFERENCED)
    compare.finish()


def components(structure: str, names: list[str], found: dict[str, float], number: int) -> list[float]:
    """Ours in R's order: variances by level, then correlations by column."""
    of = f".{number}"
    variances = sorted(
        (name for name in found if name.startswith(f"tau2{of}")),
        key=lambda name: names.index(name.split(".", 2)[2]) if name.count(".") > 1 else 0,
    )
    correlations = [name for name in found if name.startswith(f"rho{of}")]
    return [found[name] for name in (*variances, *correlations)]


@pytest.mark.parametrize("name", VARIATES)
def test_multivariate_models_agree(name: str) -> None:
    entry, compare = VARIATES[name], Comparison()
    random = [Random(term["outer"], term["structure"], term.get("inner")) for term in entry["random"]]
    levels = [
        [f"{each:g}" if isinstance(each, (int, float)) else each for each in sorted(set(term["inner"] or []))]
        for term in entry["random"]
    ]
    for theirs in entry["fits"]:
        kind: dict[str, Any] = {
            "method": theirs["method"],
            "design": np.array(entry["design"]),
            "intercept_too": False,
        }
        ours = multivariate_model(entry["effects"], np.array(entry["covariance"]), random, **kind)
        found = dict(zip(ours.names, ours.components.tolist(), strict=True))
        parts = [
            components(term["structure"], names, found, number)
            for number, (term, names) in enumerate(zip(entry["random"], levels, strict=True), 1)
        ]
        compare("log likelihood", ours.log_likelihood, theirs["log_likelihood"], floor=1e-8)
        compare(
            "components",
            [value for part in parts for value in part],
            theirs["components"],
            relative=DIFFERENCED,
            floor=1e-7,
        )
        compare("coefficients", ours.coefficients, theirs["coefficients"], relative=CLIMBED, floor=1e-8)
        compare("se", ours.se, theirs["se"], relative=CLIMBED)
        compare("q", ours.q, theirs["q"], relative=1e-8)
    compare.finish()


def test_sampling_covariances_agree() -> None:
    e, compare = ANSWERS["sampling"], Comparison()
    arms, sizes = (e["one"], e["two"]), (e["n1"], e["n2"])
    ours = {
        "outcome": sampling_covariance(e["variances"], e["studies"], outcome=e["what"], rho=0.6),
        "obs": sampling_covariance(e["variances"], e["studies"], rho=0.6),
        "time": sampling_covariance(e["variances"], e["studies"], time=e["times"], phi=0.9),
        "both": sampling_covariance(
            e["variances"], e["studies"], outcome=e["what"], rho=0.5, time=e["times"], phi=0.8
        ),
        "arms": sampling_covariance(e["variances"], e["studies"], arms=arms),
        "sizes": sampling_covariance(e["variances"], e["studies"], arms=arms, sizes=sizes),
        "subgroup": sampling_covariance(e["variances"], e["studies"], subgroup=e["what"], rho=0.6),
    }
    for name, matrix in ours.items():
        compare(name, matrix, e[name], floor=1e-15)
    compare.finish()
