"""The tables between the stages of the evidence: the columns of each, in order, with their types.

Summaries (`ARMS`, `CONTRASTS`, `EVENTS`) go from `summaries` to the comparison; `CANDIDATES` are what could
be used there; `EFFECTS`, `EXCLUDED` and `KNOWN` go on to the synthesis; `FLOW` is written to the results. But
for the candidates, which are written nowhere, they are those of `contracts`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialpool import contracts
from trialpool.contracts import ARM_SUMMARIES, CONTRAST_SUMMARIES, EVENT_SUMMARIES, Kind

Columns = dict[str, Kind]
DTYPES = {
    Kind.TEXT: "string",
    Kind.CODES: "object",
    Kind.STEPS: "object",
    Kind.CHOICES: "object",
    Kind.NUMBER: "Float64",
    Kind.COUNT: "Int64",
    Kind.FLAG: "boolean",
}


NAMES = {
    Kind.CODES: "category_experimental category_control",
    Kind.STEPS: "derivation cautions",
    Kind.NUMBER: """
    weeks n mean sd sd_before sd_after r_found sd_borrowed estimate se df n_1 n_2 time_order low high effect
    variance mean_experimental sd_experimental mean_control sd_control sessions programme_weeks
    sessions_per_week sessions_experimental programme_weeks_experimental sessions_per_week_experimental
    """,
    Kind.COUNT: """
    analysis_index route result_id choice_id comparison outcome_rank item_rank time_rank year
    arms_experimental arms_control n_experimental n_control events events_experimental events_control
    n_randomised trials people results
    """,
    Kind.FLAG: "usable reconstructed imputed assumed_n omits_arms selected has_numbers",
}
KINDS = {name: kind for kind, names in NAMES.items() for name in names.split()}


def _columns(names: str) -> Columns:
    """Columns by name, each with its type: what is not named in NAMES is text."""
    return {name: KINDS.get(name, Kind.TEXT) for name in names.split()}


ARMS, EVENTS, CONTRASTS = ARM_SUMMARIES.kinds, EVENT_SUMMARIES.kinds, CONTRAST_SUMMARIES.kinds
CATEGORIES = _columns("category_experimental category_control")  # of all arms combined
DOSE = ("sessions", "programme_weeks", "sessions_per_week")
CANDIDATES = _columns("""
    analysis_index study_id result_id choice_id comparison reconstructed omits_arms basis route imputed
    reading outcome_rank item_rank time_rank time_order low high kind domain instrument item unit weeks
    timepoint effect variance arm_id_experimental arms_experimental label_experimental category_experimental
    n_experimental mean_experimental sd_experimental events_experimental arm_id_control arms_control
    label_control category_control n_control mean_control sd_control events_control
    cointervention_experimental sessions_experimental programme_weeks_experimental
    sessions_per_week_experimental derivation cautions source_url locator row_ids reason_code reason
    """)
EFFECTS, EXCLUDED, KNOWN = contracts.EFFECTS.kinds, contracts.EXCLUDED.kinds, contracts.KNOWN.kinds
FLOW = contracts.FLOW.kinds
SORTED_BY = (
    *("analysis", "variant", "year", "study_id", "instrument", "item", "weeks", "row_ids", "reason_code"),
)


def setting(settings: pd.DataFrame, name: str, rows: pd.DataFrame) -> np.ndarray:
    """A setting of the analysis of every row, by its `analysis_index`.

    >>> settings = pd.DataFrame({"measure": ["MD", "RR"]})
    >>> setting(settings, "measure", pd.DataFrame({"analysis_index": [1, 0, 1]})).tolist()
    ['RR', 'MD', 'RR']
    """
    return np.asarray(settings[name].to_numpy()[rows["analysis_index"].to_numpy()])


def typed(table: pd.DataFrame, columns: Columns, analyses: list[str]) -> pd.DataFrame:
    """The columns and types of a contract, sorted, with the analyses by name instead of `analysis_index`.

    >>> table = pd.DataFrame({"analysis_index": [1, 0], "study_id": ["B", "A"], "year": [2.0, np.nan]})
    >>> typed(table, {"analysis": Kind.TEXT, "study_id": Kind.TEXT, "year": Kind.COUNT}, ["p", "q"])
      analysis study_id  year
    0        p        A  <NA>
    1        q        B     2
    """
    table = table.rename(columns={"analysis_index": "analysis"}).reset_index(drop=True)
    keys = [name for name in SORTED_BY if name in table]
    table = table.sort_values(keys, kind="stable", key=_as_written, ignore_index=True)
    out = {}
    for name, kind in columns.items():
        values = table[name] if name in table else pd.Series(pd.NA, range(len(table)))
        if name == "analysis":
            values = pd.Series(np.array(analyses, dtype=object)[values.to_numpy(dtype=int)])
        if kind is Kind.COUNT:
            values = pd.to_numeric(values).round()
        out[name] = values.astype(DTYPES[kind])
        if kind is Kind.TEXT:
            out[name] = out[name].fillna("")
    return pd.DataFrame(out)


def _as_written(column: pd.Series) -> pd.Series:
    return column.map(str) if column.name == "variant" else column
