"""Arm summaries: continuous.csv as mean, SD and n of every arm, outcome and time, each with its derivation.

Nothing is rescaled, aligned or chosen here: every row read gives one row, usable or with the reason why
not; what can be made of an arm's other rows is added behind (see `changes`). n is the number analysed;
where a paper does not print it, the number randomised stands in and the row is marked `imputed`.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trialpool.contracts import ARM_SUMMARIES
from trialpool.evidence import routes
from trialpool.evidence.changes import complete
from trialpool.evidence.words import SHOW_ONLY, joined, plain_text, study_doubts, where_text

ARM_COLUMNS = ARM_SUMMARIES.names


def arm_summaries(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Rows of continuous.csv, then made rows (columns ARM_COLUMNS); baselines included, for the audit.

    `sd_before` and `sd_after` are the SDs from which the SD of a change can be made; such rows have trust 6
    and no `sd` yet, because the correlation may be a setting of the analysis.
    """
    rows = plain_text(tables["continuous"])
    arms = tables["arms"].set_index(["study_id", "arm"])["n_randomised"]
    randomised = rows.join(arms, on=["study_id", "arm"])["n_randomised"]
    assumed_n = rows["n"].isna() & randomised.notna()
    rows["n"] = rows["n"].where(~assumed_n, randomised)
    found = routes.centre_and_spread(rows)
    table = rows.rename(columns={"measure": "kind", "row_id": "row_ids"}).assign(
        mean=found["mean"],
        reading=rows["reading"].where(rows["reading"] != "", "single"),
        sd=found["sd"],
        trust=found["trust"],
        imputed=assumed_n,
        derivation=joined(found["derivation"], where_text(assumed_n, "n = randomised")),
        cautions=found["cautions"],
        reason_code=found["reason_code"],
        reason=found["reason"],
    )
    _hold_back(table, study_doubts(plain_text(tables["studies"])))
    table = complete(table)
    table["usable"] = table["reason_code"] == ""
    return table[list(ARM_COLUMNS)]


def _hold_back(table: pd.DataFrame, doubts: pd.Series) -> None:
    """Rows that are shown only; notes and doubts about the study become cautions."""
    held = table["use"] == SHOW_ONLY
    table.loc[held, "reason_code"] = "held_back"
    table.loc[held, "reason"] = table["use_reason"]
    doubt = table["study_id"].map(doubts).fillna("")
    table["cautions"] = joined(table["cautions"], table["note"], doubt)
