"""Trials that are not two parallel groups of people: crossover and cluster designs.

Arms of a crossover trial are the same people, and people of one cluster are alike: neither is compared as if
it were two groups of independent people. Numbers of the first period of a crossover (`period` in the tables)
are those of two groups; those of the second, to which nobody was randomised afresh, are not used. Otherwise
the config may say, with its source, what to assume of the study (`assumptions: {STUDY: {…, source: …}}`):
- `first_period: true`: rows that do not say of which period they are, are of the first;
- `correlation: 0.5`: between the two periods; the difference gets the variance of paired data (Cochrane
  Handbook 23.2.7), for means only;
- `icc: 0.05` and `cluster_size: 20`: the variance is widened by the design effect (Handbook 23.1.4).
The last two mark the effect as imputed. A contrast that such a trial publishes with its interval is taken
as analysed with its design, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trialpool.errors import Fault, InputError, nearest
from trialpool.stats.effect_sizes import design_effect

REFUSED = {
    "crossover": "crossover trial without paired data: both arms are the same people",
    "cluster": "cluster-randomised, and nothing says how alike the people of a cluster are",
}
TAKEN = "taken as analysed as {article} {design} trial"
SECOND = "second period of a crossover trial, to which nobody was randomised afresh"
FIRST_PERIOD = "first"
PERIODS = ("", FIRST_PERIOD, "second", "both")
COLUMNS = [
    "analysis",
    "study_id",
    "period",
    "design_code",
    "design_reason",
    "design_r",
    "design_effect",
    "design_words",
]


def design_table(specs: Sequence[Mapping[str, Any]], studies: pd.DataFrame) -> pd.DataFrame:
    """What to do with each period of crossover and cluster trials in each analysis (by position): COLUMNS.

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
    rows = []
    for position, spec in enumerate(specs):
        assumptions = spec.get("assumptions") or {}
        for study, design in zip(odd["study_id"], odd["design"], strict=True):
            for period in PERIODS if design == "crossover" else PERIODS[:1]:
                decided = _decided(design, period, assumptions.get(study) or {})
                rows.append((position, study, period, *decided))
    return pd.DataFrame(rows, columns=COLUMNS)


def check_assumptions(specs: Sequence[Mapping[str, Any]], studies: pd.DataFrame) -> None:
    """Raise InputError for assumptions about studies that do not exist, or that are parallel trials."""
    assumed = {study for spec in specs for study in spec.get("assumptions") or {}}
    designs = dict(zip(studies["study_id"], studies["design"], strict=True))
    faults = []
    for study in sorted(assumed):
        design, key = designs.get(study), f"assumptions.{study}"
        if design is None:
            near = nearest(study, designs)
            remedy = f"did you mean '{near}'" if near else "use a study_id of studies.csv"
            faults.append(Fault("config", None, key, study, "not the study_id of any trial", remedy))
        elif design not in REFUSED:
            remedy = "remove the assumption, or correct the design in studies.csv"
            faults.append(Fault("config", None, key, study, f"a {design} trial, which needs none", remedy))
    if faults:
        raise InputError(faults)


def _decided(design: str, period: str, assumed: Mapping[str, Any]) -> tuple[str, str, float, float, str]:
    """Code, reason, correlation, design effect and words for one period of a trial."""
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


def taken_as_analysed(design: str) -> str:
    """The caution of a published contrast of a crossover or cluster trial.

    >>> taken_as_analysed("crossover")
    'taken as analysed as a crossover trial'
    """
    return TAKEN.format(article="a", design=design)
