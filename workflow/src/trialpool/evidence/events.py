"""Event summaries: events.csv as events among n people of every arm, outcome and time."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trialpool.contracts import EVENT_SUMMARIES
from trialpool.evidence.words import SHOW_ONLY, joined, plain_text, study_doubts, where_text

EVENT_COLUMNS = EVENT_SUMMARIES.names
MORE_IS_BETTER = ("responder",)


def event_summaries(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row a row of events.csv (columns EVENT_COLUMNS); the outcome's code stands in `instrument`.

    n is as printed, else the number randomised (then `imputed`).
    """
    rows = plain_text(tables["events"])
    arms = tables["arms"].set_index(["study_id", "arm"])["n_randomised"]
    randomised = rows.join(arms, on=["study_id", "arm"])["n_randomised"]
    assumed = rows["n"].isna() & randomised.notna()
    n = rows["n"].where(~assumed, randomised)
    doubt = rows["study_id"].map(study_doubts(plain_text(tables["studies"]))).fillna("")
    held = rows["use"] == SHOW_ONLY
    usual = rows["domain"].isin(MORE_IS_BETTER).map({True: "higher", False: "lower"})
    reason_code = pd.Series("", index=rows.index, dtype=object)
    reason_code[n.isna()] = "no_n"
    reason_code[rows["events"].isna()] = "no_numbers"
    reason_code[rows["events"] > n] = "impossible"
    reason_code[held] = "held_back"
    words = {
        "no_n": "number of people not reported",
        "no_numbers": "number of events not reported",
        "impossible": "more events than people",
    }
    table = rows.rename(columns={"outcome": "instrument", "row_id": "row_ids"}).assign(
        item="",
        unit="events",
        better=rows["better"].where(rows["better"] != "", usual),
        reading=rows["reading"].where(rows["reading"] != "", "single"),
        kind="events",
        n=n,
        trust=1,
        made=False,
        imputed=assumed,
        derivation=joined("events as printed", where_text(assumed, "n = randomised")),
        cautions=joined(rows["note"], doubt),
        usable=reason_code == "",
        reason_code=reason_code,
        reason=reason_code.map(words).fillna("").where(~held, rows["use_reason"]),
    )
    return table[list(EVENT_COLUMNS)]
