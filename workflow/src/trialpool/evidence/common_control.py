"""Several arms against one control, each kept apart: effects whose covariance is known (`multi_arm:
covariance`).

Effects of one trial and result share the control arm, so their sampling errors are correlated. Here they
are computed together (Gleser & Olkin 2009): an SMD with the one SD pooled over all arms of the trial,
events with ½ added to every arm of the trial if any of its cells is empty; pairwise effects would not be
consistent with the covariance. Whoever models them gets the matrix from the same numbers in the effects
table (means, SDs, events and n of the experimental arms and of the control) by `stats.shared_control_means`
or `stats.shared_control_events`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialpool.evidence.words import joined
from trialpool.stats import SharedControl, shared_control_events, shared_control_means

MEASURES = {True: ("RR", "OR", "RD"), False: ("MD", "SMD", "ROM")}  # of events, of means
KEYS = ["analysis", "cell"]
WORDS = "computed together with the other arms of the trial, which share the control"


def with_common_control(pairs: pd.DataFrame, specs: pd.DataFrame) -> pd.DataFrame:
    """Effects and variances of comparisons that share a control, where the analysis models the covariance.

    `pairs` carry KEYS and `comparison`, are on the scale of the analysis, and have an effect unless they
    have a `reason_code`.
    """
    pairs = pairs.sort_values([*KEYS, "comparison"], kind="stable", ignore_index=True)
    good = pairs[(pairs["reason_code"] == "") & pairs["design_r"].isna()]
    spec = specs.take(good["analysis"].to_numpy()).set_axis(good.index)
    size = good.groupby(KEYS)["comparison"].transform("size")
    events = "events_experimental" in pairs
    shared = (spec["multi_arm"] == "covariance") & (size > 1) & spec["measure"].isin(MEASURES[events])
    settings = [spec["measure"], size, spec["zero_cells"]]
    for (measure, count, zero), rows in good[shared].groupby([values[shared] for values in settings]):
        result = _computed(rows, str(measure), int(count), float(zero))
        spread = np.diagonal(result.covariance, axis1=-2, axis2=-1).ravel()
        pairs.loc[rows.index, "effect"] = result.effect.ravel()
        pairs.loc[rows.index, "variance"] = spread * rows["design_effect"].to_numpy(float)
        pairs.loc[rows.index, "derivation"] = joined(rows["derivation"], WORDS)
    return pairs


def _computed(rows: pd.DataFrame, measure: str, count: int, zero: float) -> SharedControl:
    def arms(name: str) -> np.ndarray:
        return rows[f"{name}_experimental"].to_numpy(float).reshape(-1, count)

    def control(name: str) -> np.ndarray:
        return rows[f"{name}_control"].to_numpy(float)[::count]

    if "events_experimental" in rows:
        numbers = (arms("events"), arms("n"), control("events"), control("n"))
        return shared_control_events(measure, *numbers, zero_cells=zero)
    experimental = tuple(arms(name) for name in ("mean", "sd", "n"))
    return shared_control_means(measure, *experimental, *(control(name) for name in ("mean", "sd", "n")))
