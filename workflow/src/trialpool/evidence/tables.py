"""The tables between the stages of the evidence: the columns of each, in order, with their types.

Summaries (`ARMS`, `CONTRASTS`, `EVENTS`) go from `summaries` to the comparison; `CANDIDATES` are what could
be used there; `EFFECTS`, `EXCLUDED` and `KNOWN` go on to the synthesis; `FLOW` is written to the results.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import pandas as pd


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    CODES = "codes"  # a list of codes a cell
    NUMBER = "number"
    COUNT = "count"
    FLAG = "flag"


Columns = dict[str, Kind]
DTYPES = {
    Kind.TEXT: "string",
    Kind.CODES: "object",
    Kind.NUMBER: "Float64",
    Kind.COUNT: "Int64",
    Kind.FLAG: "boolean",
}


def _columns(**kinds: str) -> Columns:
    """Columns by blocks of one type: `text_1="study_id arm", number_2="weeks"`."""
    return {name: Kind(block.partition("_")[0]) for block, names in kinds.items() for name in names.split()}


RESULT = "domain instrument item unit better"
SOURCE = "derivation cautions reading source_url locator row_ids"
VERDICT = _columns(flag="usable", text="reason_code reason")
ARMS = (
    _columns(
        text_1=f"study_id arm {RESULT}",
        number_1="weeks",
        text_2="timepoint period kind",
        number_2="n mean sd sd_before sd_after r_found",
        text_3="r_source",
        number_3="sd_borrowed",
        text_4="borrowed_from",
        flag_1="reconstructed",
        count_1="route",
        flag_2="imputed",
        text_5=SOURCE,
    )
    | VERDICT
)
EVENTS = (
    _columns(
        text_1=f"study_id arm {RESULT}",
        number_1="weeks",
        text_2="timepoint period kind",
        number_2="n events",
        flag_1="reconstructed",
        count_1="route",
        flag_2="imputed",
        text_5=SOURCE,
    )
    | VERDICT
)
CONTRASTS = (
    _columns(
        text_1=f"study_id arm_1 arm_2 {RESULT}",
        number_1="weeks",
        text_2="timepoint period measure",
        number_2="estimate se df n_1 n_2",
        flag_1="assumed_n",
        text_3="adjusted",
        count_1="route",
        flag_2="imputed",
        text_5=SOURCE,
    )
    | VERDICT
)
CATEGORIES = _columns(codes="category_experimental category_control")  # of all arms combined
DOSE = ("sessions", "programme_weeks", "sessions_per_week")
CANDIDATES = _columns(
    count_1="analysis_index",
    text_1="study_id",
    count_2="result_id choice_id comparison",
    flag_1="reconstructed omits_arms",
    text_2="basis",
    count_3="route",
    flag_2="imputed",
    text_3="reading",
    count_4="outcome_rank item_rank time_rank",
    number_1="time_order low high",
    text_4="kind domain instrument item unit",
    number_2="weeks",
    text_5="timepoint",
    number_3="effect variance",
    text_6="arm_id_experimental label_experimental arm_id_control label_control",
    count_5="arms_experimental arms_control",
    codes=" ".join(CATEGORIES),
    number_4="n_experimental mean_experimental sd_experimental events_experimental",
    number_5="n_control mean_control sd_control events_control",
    text_7="cointervention_experimental",
    number_6=" ".join(f"{name}_experimental" for name in DOSE),
    text_8="derivation cautions source_url locator row_ids reason_code reason",
)
EFFECTS = _columns(
    text_1="analysis study_id label",
    count_1="year",
    text_2="condition purpose design arm_experimental arm_control label_experimental label_control",
    codes_1=" ".join(CATEGORIES),
    text_3="cointervention domain instrument item unit",
    number_1="weeks",
    text_4="timepoint kind",
    count_2="n_experimental n_control",
    number_2="mean_experimental sd_experimental mean_control sd_control",
    count_3="events_experimental events_control",
    text_5="measure",
    number_3="effect variance",
    flag_1="imputed",
    text_6=SOURCE,
    flag_2="selected",
    text_7="reason variant",
    number_4=" ".join(DOSE),
    count_4="n_randomised",
    text_8="cluster risk_of_bias judgements audit",
)
EXCLUDED = _columns(
    text_1="analysis study_id label arm_experimental arm_control instrument item timepoint",
    number_1="weeks",
    text_2="reason_code reason source_url row_ids",
)
KNOWN = _columns(
    text_1="analysis study_id label",
    count_1="year n_randomised",
    codes_1=" ".join(CATEGORIES),
    flag_1="has_numbers",
    text_2="source_url",
)
FLOW = _columns(
    text_1="analysis step reason_code reason",
    count_1="trials people results",
    text_2="study_ids",
)
SORTED_BY = (
    *("analysis", "variant", "year", "study_id", "instrument", "item", "weeks", "row_ids", "reason_code"),
)


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
    table = table.sort_values(keys, kind="stable", na_position="last", ignore_index=True)
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
