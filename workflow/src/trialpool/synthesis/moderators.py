"""Do effects differ by what the config declares: dose, needling, control, condition, year, risk of bias?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trialpool.synthesis.pooled import arrays

Row = dict[str, Any]
MODERATOR_COLUMNS = (
    *(
        "analysis",
        "moderator",
        "kind",
        "k",
        "levels",
        "slope",
        "slope_low",
        "slope_high",
        "statistic",
        "df",
        "df2",
    ),
    *("p_value", "p_permutation", "p_adjusted", "tau2_residual", "r2", "caution"),
)
SMALLEST = 4
DRAWS, SEED = 2000, 1


def moderator_rows(spec: Mapping[str, Any], rows: Sequence[Row]) -> list[Row]:
    """One row a declared moderator: meta-regression for numbers, a subgroup test for words.

    Trials that do not report the moderator are left out of its row (`k` says how many remain). Knapp-Hartung
    t and F; permutation p by all permutations, or 2000 of them with seed 1. Slopes are on the analysis scale,
    per unit of the moderator. Below 4 trials, or without two different values, `caution` says why no test was
    made; below `robustness.moderator_k` trials it says that little can be seen.
    """
    return [_row(spec, rows, name) for name in spec["moderators"]]


def _row(spec: Mapping[str, Any], rows: Sequence[Row], name: str) -> Row:
    known = [row for row in rows if row.get(name) not in (None, "")]
    values = [row[name] for row in known]
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    row: Row = dict.fromkeys(MODERATOR_COLUMNS) | {
        "analysis": spec["analysis"],
        "moderator": name,
        "k": len(known),
    }
    row["kind"] = "number" if numeric else "words"
    words = sorted({str(value) for value in values})
    row["levels"] = len(words)
    if len(known) < SMALLEST:
        return row | {"caution": f"{len(known)} trials report it: at least {SMALLEST} are needed"}
    if len(words) < 2:
        return row | {"caution": "the same in every trial"}
    wanted = spec["robustness"]["moderator_k"]
    if len(known) < wanted:
        row["caution"] = f"fewer than {wanted} trials: chance findings and missed ones are likely"
    if numeric:
        return row | _regression(spec, known, np.array(values, dtype=float)[:, None])
    if len(words) > len(known) - 2:
        return row | {"caution": "nearly every trial has a value of its own"}
    design = np.array([[float(str(value) == word) for word in words[1:]] for value in values])
    return row | _regression(spec, known, design)


def _regression(spec: Mapping[str, Any], rows: Sequence[Row], design: np.ndarray) -> Row:
    from trialpool.stats import meta_regression, permutation_test

    effects, variances = arrays(rows)
    fit = meta_regression(
        effects,
        variances,
        design,
        tau2_method=spec["tau2_method"],
        interval="hksj",
        level=spec["level"],
    )
    shuffled = permutation_test(
        effects, variances, design, tau2_method=spec["tau2_method"], interval="hksj", draws=DRAWS, seed=SEED
    )
    told = {
        "statistic": _number(fit.qm),
        "df": design.shape[1],
        "df2": _number(fit.df),
        "p_value": _number(fit.qm_p_value),
        "p_permutation": _number(shuffled.qm_p_value),
        "tau2_residual": _number(fit.tau2),
        "r2": _number(fit.r2),
    }
    if design.shape[1] == 1:
        told |= {
            "slope": _number(fit.coefficients[1]),
            "slope_low": _number(fit.ci_low[1]),
            "slope_high": _number(fit.ci_high[1]),
        }
    return told


def _number(value: Any) -> float | None:
    number = float(np.asarray(value, dtype=float).reshape(-1)[-1]) if value is not None else math.nan
    return number if math.isfinite(number) else None


def adjusted(rows: Sequence[Row]) -> list[Row]:
    """The same rows with `p_adjusted`: Holm over every moderator tested in the whole review.

    >>> found = adjusted([{"p_value": 0.01}, {"p_value": None}, {"p_value": 0.04}])
    >>> [row["p_adjusted"] for row in found]
    [0.02, None, 0.04]
    """
    from statsmodels.stats.multitest import multipletests

    tested = [row for row in rows if row["p_value"] is not None]
    if not tested:
        return [{**row, "p_adjusted": None} for row in rows]
    values = iter(multipletests([row["p_value"] for row in tested], method="holm")[1].tolist())
    return [{**row, "p_adjusted": None if row["p_value"] is None else next(values)} for row in rows]
