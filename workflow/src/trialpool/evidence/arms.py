"""Arm summaries: continuous.csv as mean, SD and n of every arm, outcome and time, each with its derivation.

Nothing is rescaled, aligned or chosen here: one row in gives one row out, usable or with the reason why
not. n is the number analysed; where a paper does not print it, the number randomised stands in and the row
is marked `imputed`. A change whose SD is missing gets it from the SDs before and after (routes 6 of
`routes`); a final value whose SD is missing gets the SD of the arm's own baseline (route 7).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from trialpool.evidence import routes
from trialpool.evidence.words import held_back, joined, plain_text, study_doubts, where_text

OUTCOME = ["study_id", "arm", "domain", "instrument", "item", "unit"]
TIME = ["weeks", "timepoint"]
ARM_COLUMNS = (
    *("study_id", "arm", "domain", "instrument", "item", "unit", "better", "weeks", "timepoint", "kind"),
    *("n", "mean", "sd", "sd_before", "sd_after", "trust", "imputed", "derivation", "cautions", "reading"),
    *("source_url", "locator", "row_ids", "usable", "reason_code", "reason"),
)


def arm_summaries(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row a row of continuous.csv (columns ARM_COLUMNS); baselines included, for changes and audit.

    `sd_before` and `sd_after` are the SDs from which the SD of a change can be made; such rows have trust 6
    and no `sd` yet, because the correlation is a setting of the analysis.
    """
    rows = plain_text(tables["continuous"])
    arms = tables["arms"].set_index(["study_id", "arm"])["n_randomised"]
    randomised = rows.join(arms, on=["study_id", "arm"])["n_randomised"]
    assumed_n = rows["n"].isna() & randomised.notna()
    rows["n"] = rows["n"].where(~assumed_n, randomised)
    found = routes.centre_and_spread(rows)
    table = rows.rename(columns={"measure": "kind", "row_id": "row_ids"}).assign(
        mean=found["mean"],
        sd=found["sd"],
        trust=found["trust"],
        imputed=assumed_n,
        derivation=joined(found["derivation"], where_text(assumed_n, "n = randomised")),
        cautions=found["cautions"],
        reason_code=found["reason_code"],
        reason=found["reason"],
        sd_before=np.nan,
        sd_after=np.nan,
    )
    _borrow_within_arm(table)
    _hold_back(table, study_doubts(plain_text(tables["studies"])))
    table["usable"] = table["reason_code"] == ""
    table["row_ids"] = table["row_ids"].astype(object)
    return table[list(ARM_COLUMNS)]


def _borrow_within_arm(table: pd.DataFrame) -> None:
    """Routes 6 and 7: what the same arm's other rows say about a missing SD."""
    missing = (
        (table["reason_code"] == "no_spread") & table["mean"].notna() & (table["n"] >= 2) & (table["sd"] != 0)
    )
    if not missing.any():
        return
    good = table["reason_code"] == ""
    final = table["kind"] == "final"
    before = _lookup(table, good & final & (table["timepoint"] == "baseline"), OUTCOME)
    after = _lookup(table, good & final & (table["timepoint"] != "baseline"), OUTCOME + TIME)
    change = missing & (table["kind"] == "change") & before["sd"].notna() & after["sd"].notna()
    table.loc[change, "sd_before"] = before["sd"]
    table.loc[change, "sd_after"] = after["sd"]
    _mark(table, change, routes.CORRELATION, "change as printed, its SD from the SDs before and after")
    same = missing & final & (table["timepoint"] != "baseline") & before["sd"].notna()
    table.loc[same, "sd"] = before["sd"]
    _mark(table, same, routes.BASELINE, "mean as printed, its SD from the arm's baseline")
    for mask, other in ((change, after), (change | same, before)):
        table.loc[mask, "row_ids"] = joined(table["row_ids"], other["row_ids"], separator=" ")[
            mask.to_numpy()
        ]


def _lookup(table: pd.DataFrame, mask: pd.Series, keys: list[str]) -> pd.DataFrame:
    """SD and row id of the row with the same keys among the masked ones, aligned with the table."""
    source = table.loc[mask, [*keys, "sd", "row_ids"]].drop_duplicates(keys)
    found = table[keys].merge(source, on=keys, how="left")
    return found[["sd", "row_ids"]].fillna({"row_ids": ""}).set_index(table.index)


def _mark(table: pd.DataFrame, mask: pd.Series, trust: int, words: str) -> None:
    table.loc[mask, "trust"] = trust
    table.loc[mask, "imputed"] = True
    table.loc[mask, ["reason_code", "reason"]] = ""
    table.loc[mask, "derivation"] = joined(words, table["derivation"])[mask.to_numpy()]


def _hold_back(table: pd.DataFrame, doubts: pd.Series) -> None:
    """Rows that their own note forbids to pool; notes and doubts about the study become cautions."""
    held = held_back(table["note"])
    table.loc[held, "reason_code"] = "held_back"
    table.loc[held, "reason"] = table["note"]
    doubt = table["study_id"].map(doubts).fillna("")
    table["cautions"] = joined(table["cautions"], table["note"], doubt)
