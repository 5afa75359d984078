"""Dose-response curves against R's rma.mv with a random slope: lines and splines, one or several doses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reference.agreement import FLOOR, Comparison, reference
from trialpool.stats import dose_response, predict_dose

DATA = reference("dose_response")["datasets"]
CASES = [(name, fit) for name, data in DATA.items() for fit in data["fits"]]


def fitted(name: str, theirs: dict[str, Any], interval: str) -> Any:
    data = DATA[name]
    given = (data["effects"], data["variances"], data["doses"], data["study"])
    shape = "spline" if theirs["knots"] else "linear"
    choice = {"shape": shape, "method": theirs["method"], "interval": interval}
    return dose_response(*given, reference=data["reference"], **choice)


@pytest.mark.parametrize("interval", ["wald", "hksj", "hksj_adhoc"])
@pytest.mark.parametrize(("name", "theirs"), CASES, ids=lambda case: case if isinstance(case, str) else "")
def test_curves_agree_with_rma_mv(name: str, theirs: dict[str, Any], interval: str) -> None:
    ours, compare = fitted(name, theirs, interval), Comparison()
    compare(
        "coefficients", ours.coefficients, theirs["coefficients"], floor=FLOOR * max(theirs["wald"]["se"])
    )
    compare("tau2", ours.tau2, theirs["tau2"], floor=FLOOR * float(ours.slope_variances.min()))
    for field in ("q", "q_df", "knots"):
        compare(field, getattr(ours, field), theirs[field])
    for field, values in theirs[interval].items():
        compare(field, getattr(ours, field), values, floor=FLOOR * max(theirs[interval]["se"]))
    if interval == "wald":
        predicted = predict_dose(ours, theirs["predicted"]["doses"])
        for field in ("estimate", "se"):
            values = theirs["predicted"][field]
            compare(field, getattr(predicted, field), values, floor=FLOOR * max(theirs["predicted"]["se"]))
    else:
        compare("df", ours.df, theirs["df"])
    compare.finish()
