"""Trials that are not two parallel groups of people: crossover, cluster and multi-arm designs (Handbook 23).

In: the designs of the studies and what the config assumes of them; comparisons that share a control. Out: per
analysis and trial the correlation or design effect to use or the reason to refuse (`design_table`); effects
whose covariance is known (`with_common_control`; whoever models them gets the matrix from the same numbers by
`stats.shared_control_means` or `stats.shared_control_events`). The rules stand in config/README.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trialpool.errors import Fault, InputError, nearest
from trialpool.evidence.derivation import add_steps
from trialpool.measures import OF_EVENTS, OF_MEANS
from trialpool.stats import SharedControl, shared_control_events, shared_control_means
from trialpool.stats.effect_sizes import design_effect

REFUSED = {
    "crossover": "crossover trial without paired data: both arms are the same people",
    "cluster": "cluster-randomised, and nothing says how alike the people of a cluster are",
}
SECOND = "second period of a crossover trial, to which nobody was randomised afresh"
FIRST_PERIOD = "first"
PERIODS = ("", FIRST_PERIOD, "second", "both")
DESIGN = ("design_code", "design_reason", "design_r", "design_effect", "design_words")
TOGETHER = "computed together with the other arms of the trial, which share the control"


def design_table(specs: Sequence[Mapping[str, Any]], studies: pd.DataFrame) -> pd.DataFrame:
    """What to do with each period of crossover and cluster trials in each analysis (columns DESIGN).

    `design_code` is "" where an assumption is given; then `design_r` is the correlation (NaN for clusters
    and first periods) and `design_effect` the factor of the variance.

    >>> studies = pd.DataFrame({"study_id": ["A1", "B2"], "design": ["cluster", "parallel"]})
    >>> design_table([{}], studies)[["study_id", "period", "design_code"]].values.tolist()
    [['A1', '', 'cluster']]
    >>> known = {"assumptions": {"A1": {"icc": 0.05, "cluster_size": 20}}}
    >>> design_table([known], studies)["design_words"].item()
    'variance ×1.95 for clusters of 20 people (ICC 0.05)'
    """
    odd = studies[studies["design"].isin(list(REFUSED))]
    rows = [
        (index, study, period, *_of_period(design, period, (spec.get("assumptions") or {}).get(study) or {}))
        for index, spec in enumerate(specs)
        for study, design in zip(odd["study_id"], odd["design"], strict=True)
        for period in (PERIODS if design == "crossover" else PERIODS[:1])
    ]
    return pd.DataFrame(rows, columns=["analysis_index", "study_id", "period", *DESIGN])


def _of_period(design: str, period: str, assumed: Mapping[str, Any]) -> tuple[str, str, float, float, str]:
    """The columns DESIGN of one period of a trial."""
    if period == FIRST_PERIOD or (period == "" and assumed.get("first_period")):
        return "", "", np.nan, 1.0, "first period of a crossover trial only"
    if period == "second":
        return design, SECOND, np.nan, 1.0, ""
    if design == "crossover" and "correlation" in assumed:
        r = float(assumed["correlation"])
        return "", "", r, 1.0, f"paired data of a crossover trial, r = {r:g} assumed between periods"
    if design == "cluster" and {"icc", "cluster_size"} <= set(assumed):
        size, icc = float(assumed["cluster_size"]), float(assumed["icc"])
        factor = float(design_effect(size, icc))
        words = f"variance ×{factor:.4g} for clusters of {size:g} people (ICC {icc:g})"
        return "", "", np.nan, factor, words
    return design, REFUSED[design], np.nan, 1.0, ""


def check_assumptions(specs: Sequence[Mapping[str, Any]], studies: pd.DataFrame) -> None:
    """Raise InputError for assumptions about studies that do not exist, or that are parallel trials."""
    designs = dict(zip(studies["study_id"], studies["design"], strict=True))
    faults = []
    for study in sorted({study for spec in specs for study in spec.get("assumptions") or {}}):
        design = designs.get(study)
        if design is None:
            near, problem = nearest(study, designs), "not the study_id of any trial"
            remedy = f"did you mean '{near}'" if near else "use a study_id of studies.csv"
        else:
            problem = f"a {design} trial, which needs none"
            remedy = "remove the assumption, or correct the design in studies.csv"
        if design not in REFUSED:
            faults.append(Fault("config", None, f"assumptions.{study}", study, problem, remedy))
    if faults:
        raise InputError(faults)


def taken_as_analysed(designs: pd.Series, periods: pd.Series) -> list[str]:
    """The caution of contrasts of crossover or cluster trials, "" for others and for first periods."""
    return [
        f"taken as analysed as a {design} trial" if design in REFUSED and period != FIRST_PERIOD else ""
        for design, period in zip(designs, periods, strict=True)
    ]


def with_common_control(pairs: pd.DataFrame, settings: pd.DataFrame) -> pd.DataFrame:
    """Effects and variances of comparisons that share a control, where the analysis models the covariance.

    `pairs` carry `analysis_index`, `result_id` and `comparison`, are on the scale of the analysis, and have
    an effect unless they have a `reason_code`; `settings` as of `match.AnalysisContext`.
    """
    keys = ["analysis_index", "result_id"]
    pairs = pairs.sort_values([*keys, "comparison"], kind="stable", ignore_index=True)
    good = pairs[(pairs["reason_code"] == "") & pairs["design_r"].isna()]
    spec = settings.take(good["analysis_index"].to_numpy()).set_axis(good.index)
    size = good.groupby(keys)["comparison"].transform("size")
    measures = OF_EVENTS if "events_experimental" in pairs else OF_MEANS
    shared = (spec["multi_arm"] == "covariance") & (size > 1) & spec["measure"].isin(measures)
    by = [spec["measure"], size, spec["zero_cells"]]
    for (measure, count, zero), rows in good[shared].groupby([values[shared] for values in by]):
        result = _computed_together(rows, str(measure), int(count), zero)
        spread = np.diagonal(result.covariance, axis1=-2, axis2=-1).ravel()
        pairs.loc[rows.index, "effect"] = result.effect.ravel()
        pairs.loc[rows.index, "variance"] = spread * rows["design_effect"].to_numpy(float)
        add_steps(pairs, "derivation", pairs.index.isin(rows.index), TOGETHER)
    return pairs


def _computed_together(rows: pd.DataFrame, measure: str, count: int, zero: float | str) -> SharedControl:
    events = "events_experimental" in rows
    names = ("events", "n") if events else ("mean", "sd", "n")
    arms = [rows[f"{name}_experimental"].to_numpy(dtype=float).reshape(-1, count) for name in names]
    control = [rows[f"{name}_control"].to_numpy(dtype=float)[::count] for name in names]
    if events:
        return shared_control_events(measure, *arms, *control, zero_cells=zero)
    return shared_control_means(measure, *arms, *control)
