"""The pooled numbers of some effects: of one trial, of independent trials, or of effects within trials."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trialpool.synthesis.shared import shared_correlation

Row = dict[str, Any]
RATIOS = ("RR", "OR", "ROM")
RHO = 0.6  # within-trial correlation of sampling errors in the three-level model, metapsy's default
POOLED_FIELDS = (
    "estimate",
    "ci_low",
    "ci_high",
    "se",
    "statistic",
    "df",
    "p_value",
    "pi_low",
    "pi_high",
    "tau2",
    "tau2_low",
    "tau2_high",
    "i2",
    "h2",
    "q",
    "q_df",
    "q_p_value",
)
NATURAL_FIELDS = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")


def natural(measure: str, value: float | None) -> float | None:
    """From the analysis scale to the scale a reader knows: ratios are exponentiated, the rest stay.

    >>> natural("RR", 0.0), natural("MD", -1.5), natural("RR", None)
    (1.0, -1.5, None)
    """
    if value is None or not math.isfinite(value):
        return None
    return math.exp(value) if measure in RATIOS else float(value)


def pool_rows(
    spec: Mapping[str, Any], rows: Sequence[Row], status: str
) -> tuple[Row | None, list[float | None]]:
    """The pooled numbers (POOLED_FIELDS) and each row's weight in per cent.

    Of a single trial its first effect stands as it is. Where trials give several effects, and the analysis
    models them (`several_effects: multilevel`, `multi_arm: covariance`), the three-level model is used, with
    its robust interval.
    """
    if status == "no_data":
        return None, []
    if status == "single_study":
        values, others = _one_trial(spec, rows[:1]), len(rows) - 1
        return _natural(spec, values), [100.0, *[None] * others]
    nested = len({row["study_id"] for row in rows}) < len(rows)
    modelled = spec["several_effects"] == "multilevel" or spec["multi_arm"] == "covariance"
    several = _nested if nested and modelled else _independent
    values, weights = several(spec, rows)
    return _natural(spec, values), [float(weight) for weight in weights]


def arrays(rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray]:
    """Effects and variances of some rows, each of shape (k,).

    >>> arrays([{"effect": 0.5, "variance": 0.1}])
    (array([0.5]), array([0.1]))
    """
    return np.array([row["effect"] for row in rows]), np.array([row["variance"] for row in rows])


def _one_trial(spec: Mapping[str, Any], rows: Sequence[Row]) -> Row:
    from trialpool.stats import pool

    fit = pool(*arrays(rows), tau2_method="FE", interval="wald", level=spec["level"])
    of_one = POOLED_FIELDS[: POOLED_FIELDS.index("pi_low")]
    return dict.fromkeys(POOLED_FIELDS) | {name: _number(getattr(fit, name)) for name in of_one}


def _independent(spec: Mapping[str, Any], rows: Sequence[Row]) -> tuple[Row, np.ndarray]:
    from trialpool.stats import pool, tau2_interval

    settings = {name: spec[name] for name in ("tau2_method", "interval", "level")}
    fit = pool(*arrays(rows), **settings)
    values = {name: _number(getattr(fit, name, None)) for name in POOLED_FIELDS}
    bounds = tau2_interval(*arrays(rows), level=spec["level"])
    values |= {"tau2_low": _number(bounds.low), "tau2_high": _number(bounds.high)}
    return values | {"tau2_empty": bool(bounds.empty)}, fit.weights


def _nested(spec: Mapping[str, Any], rows: Sequence[Row]) -> tuple[Row, np.ndarray]:
    """Three levels: τ² shown is between plus within trials, weights are those of the marginal variance."""
    from trialpool.stats import multilevel

    effects, variances = arrays(rows)
    trials = np.array([row["study_id"] for row in rows])
    rho = RHO if spec["several_effects"] == "multilevel" else shared_correlation(spec, rows)
    fit = multilevel(effects, variances, trials, rho=rho, level=spec["level"])
    same = ("estimate", "pi_low", "pi_high", "q", "q_df", "q_p_value")
    robust = ("se", "statistic", "df", "p_value", "ci_low", "ci_high")
    tau2 = fit.sigma2_between + fit.sigma2_within
    values = dict.fromkeys(POOLED_FIELDS) | {name: _number(getattr(fit, name)) for name in same}
    values |= {name: _number(getattr(fit, f"robust_{name}")) for name in robust}
    values |= {"tau2": _number(tau2), "i2": _number(fit.i2_between + fit.i2_within)}
    weights = 1 / (variances + tau2)
    return values, 100 * weights / weights.sum()


def _natural(spec: Mapping[str, Any], values: Row) -> Row:
    return values | {name: natural(spec["measure"], values[name]) for name in NATURAL_FIELDS}


def _number(value: Any) -> float | None:
    number = None if value is None else float(value)
    return number if number is not None and math.isfinite(number) else None
