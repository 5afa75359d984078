"""Trials that are not two parallel groups of people: crossover and cluster designs.

Arms of a crossover trial are the same people, so they are not compared as if they were two groups, unless
the numbers read are those of the first period only; that is an assumption about a study, written in the
config with its source (`assumptions: {Smith2013: {first_period: true, source: …}}`). A contrast that a
crossover trial publishes with its interval is taken as the paired analysis. A cluster-randomised trial is
left out while nothing says how alike the people of a cluster are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

REFUSED = {
    "crossover": "crossover trial without paired data: both arms are the same people",
    "cluster": "cluster-randomised, and nothing says how alike the people of a cluster are",
}
COLUMNS = ["analysis", "study_id", "design_code", "design_reason"]


def design_refusals(specs: Sequence[Mapping[str, Any]], studies: pd.DataFrame) -> pd.DataFrame:
    """Pairs (position of the analysis, study) whose arms must not be compared as parallel groups.

    >>> studies = pd.DataFrame({"study_id": ["A1", "B2"], "design": ["crossover", "parallel"]})
    >>> design_refusals([{}], studies)[["study_id", "design_code"]].values.tolist()
    [['A1', 'crossover']]
    >>> design_refusals([{"assumptions": {"A1": {"first_period": True}}}], studies).empty
    True
    """
    odd = studies[studies["design"].isin(list(REFUSED))]
    rows = []
    for position, spec in enumerate(specs):
        assumptions = spec.get("assumptions") or {}
        for study, design in zip(odd["study_id"], odd["design"], strict=True):
            if not (assumptions.get(study) or {}).get("first_period"):
                rows.append((position, study, design, REFUSED[design]))
    return pd.DataFrame(rows, columns=COLUMNS)
