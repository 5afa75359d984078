"""What an arm's other rows, or other trials, say about a number that is missing.

- A change without an SD gets it from the SDs before and after and their correlation r (Cochrane Handbook
  6.5.2.8); without an SD after, that before stands for both. r is the mean of the arms in the evidence that
  print all three SDs of the same instrument, if there are two at least, otherwise the setting of the
  analysis.
- A final value without an SD gets that of the arm's own baseline.
- Final values and baselines without a change make a change, baselines and changes without a final value
  make a final value: rows of their own (`made`), so that an analysis of one kind can use the trial.
- `sd_borrowed` is the SD pooled over other trials with the same instrument, unit and kind (Furukawa et al.
  2006); it is used only where the analysis says so. All of these are assumptions: the rows are `imputed`,
  and an analysis that has better never uses them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialpool.evidence import routes
from trialpool.evidence.words import joined
from trialpool.stats import change_correlation

OUTCOME = ["study_id", "arm", "domain", "instrument", "item", "unit", "period"]
TIME = ["weeks", "timepoint"]
SAME_SCALE = ["instrument", "unit", "kind"]
FEWEST_CORRELATIONS = 2
SAME_SD = "SD after taken as that before"


def complete(table: pd.DataFrame) -> pd.DataFrame:
    """Fill missing SDs from the arm's other rows and add made rows; `table` as of `arms`, before `usable`.

    Adds `sd_before`, `sd_after`, `r_found` (NaN where fewer than two arms tell), `r_source`, `sd_borrowed`,
    `borrowed_from`, `made`. The SD of a change that rests on r stays NaN until r is known.
    """
    table = table.assign(sd_before=np.nan, sd_after=np.nan, made=False)
    good = table["reason_code"] == ""
    final = table["kind"] == "final"
    before = _lookup(table, good & final & (table["timepoint"] == "baseline"), OUTCOME)
    after = _lookup(table, good & final & (table["timepoint"] != "baseline"), OUTCOME + TIME)
    _correlations(table, before, after)
    table[["sd_borrowed", "borrowed_from"]] = pooled_elsewhere(table, table)
    made = pd.concat([_made_changes(table, before), _made_finals(table, before)])
    _missing_sds(table, before, after)
    return pd.concat([table, made], ignore_index=True) if len(made) else table


def _lookup(table: pd.DataFrame, mask: pd.Series, keys: list[str]) -> pd.DataFrame:
    """Mean, SD, n and row id of the row with the same keys among the masked ones, aligned with the table."""
    names = ["mean", "sd", "n", "row_ids", "imputed"]
    source = table.loc[mask, [*keys, *names]].drop_duplicates(keys)
    found = table[keys].merge(source, on=keys, how="left")
    return found[names].fillna({"row_ids": "", "imputed": False}).set_index(table.index)


def _correlations(table: pd.DataFrame, before: pd.DataFrame, after: pd.DataFrame) -> None:
    """Correlations of arms that print all three SDs, averaged over the arms with the same instrument."""
    own = (table["kind"] == "change") & (table["reason_code"] == "") & table["sd"].notna()
    s0, s1, change = before["sd"], after["sd"], table["sd"]
    possible = own & ((s0 - s1).abs() <= change) & (change <= s0 + s1)
    part = table[possible]
    r = pd.Series(change_correlation(s0[possible], s1[possible], part["sd"]), index=part.index, dtype=float)
    groups = r.groupby(part["instrument"])
    mean, count = groups.mean(), groups.size()
    enough = count.index[count >= FEWEST_CORRELATIONS]
    table["r_found"] = table["instrument"].map(mean[enough]).astype(float)
    words = {name: f"mean of {count[name]} arms that print all three SDs" for name in enough}
    table["r_source"] = [words.get(name, "") for name in table["instrument"]]


def pooled_elsewhere(table: pd.DataFrame, wanted: pd.DataFrame) -> pd.DataFrame:
    """SD pooled over the trials other than the row's own, for each row of `wanted`.

    `table` are arm summaries, `wanted` has `study_id`, `instrument`, `unit` and `kind` (final or change).
    Returns `sd_borrowed` (NaN where no other trial tells) and `borrowed_from`, on the index of `wanted`.
    """
    usable = (table["reason_code"] == "") & (table["timepoint"] != "baseline") & (table["n"] > 1)
    rows = table[usable & (table["trust"] <= routes.ALGEBRA)]
    parts = rows[[*SAME_SCALE, "study_id"]].assign(
        weight=rows["n"] - 1, squares=(rows["n"] - 1) * rows["sd"] ** 2, arms=1.0
    )
    sums = ["weight", "squares", "arms"]
    rest = np.zeros((len(wanted), len(sums)))
    for keys, sign in ((SAME_SCALE, 1.0), ([*SAME_SCALE, "study_id"], -1.0)):
        groups = parts.groupby(keys)[sums].sum()
        rest += sign * groups.reindex(pd.MultiIndex.from_frame(wanted[keys])).fillna(0.0).to_numpy()
    enough = rest[:, 2] > 0.5
    sd = np.sqrt(np.divide(rest[:, 1], rest[:, 0], out=np.full(len(rest), np.nan), where=enough))
    words = [f"{count:.0f} arms of other trials" if count > 0.5 else "" for count in rest[:, 2]]
    return pd.DataFrame({"sd_borrowed": sd, "borrowed_from": words}, index=wanted.index)


def _missing_sds(table: pd.DataFrame, before: pd.DataFrame, after: pd.DataFrame) -> None:
    """Routes 6 and 7 of `routes` for rows that are printed without a spread."""
    missing = (table["reason_code"] == "no_spread") & table["mean"].notna() & (table["n"] >= 2)
    missing &= table["sd"].isna() & (table["timepoint"] != "baseline") & before["sd"].notna()
    change = missing & (table["kind"] == "change")
    known = change & after["sd"].notna()
    table.loc[change, "sd_before"] = before["sd"]
    table.loc[change, "sd_after"] = after["sd"].where(known, before["sd"])
    _mark(table, known, routes.CORRELATION, "change as printed, its SD from the SDs before and after")
    words = f"change as printed, its SD from the SD before ({SAME_SD})"
    _mark(table, change & ~known, routes.CORRELATION, words)
    same = missing & (table["kind"] == "final")
    table.loc[same, "sd"] = before["sd"]
    _mark(table, same, routes.BASELINE, "mean as printed, its SD from the arm's baseline")
    for mask, other in ((known, after), (change | same, before)):
        ids = joined(table["row_ids"], other["row_ids"], separator=" ")
        table.loc[mask, "row_ids"] = ids[mask.to_numpy()]


def _mark(table: pd.DataFrame, mask: pd.Series, trust: int, words: str) -> None:
    table.loc[mask, "trust"] = trust
    table.loc[mask, "imputed"] = True
    table.loc[mask, ["reason_code", "reason"]] = ""
    table.loc[mask, "derivation"] = joined(words, table["derivation"])[mask.to_numpy()]


def _made_changes(table: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Changes made of final values and baselines, where the paper prints no change."""
    printed = pd.MultiIndex.from_frame(table.loc[table["kind"] == "change", OUTCOME + TIME])
    keys = pd.MultiIndex.from_frame(table[OUTCOME + TIME])
    now = (table["kind"] == "final") & (table["reason_code"] == "") & (table["timepoint"] != "baseline")
    now &= before["sd"].notna() & ~keys.isin(printed)
    row, base = table[now], before[now]
    return _made(
        row,
        base,
        kind="change",
        mean=row["mean"] - base["mean"],
        sd=np.nan,
        sd_before=base["sd"],
        sd_after=row["sd"],
        trust=routes.CORRELATION,
        words="change = final value - baseline, its SD from the SDs before and after",
    )


def _made_finals(table: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Final values made of baselines and changes, where the paper prints no final value."""
    printed = pd.MultiIndex.from_frame(table.loc[table["kind"] == "final", OUTCOME + TIME])
    keys = pd.MultiIndex.from_frame(table[OUTCOME + TIME])
    now = (table["kind"] == "change") & table["mean"].notna() & (table["n"] >= 2) & before["sd"].notna()
    now &= ~keys.isin(printed) & table["reason_code"].isin(["", "no_spread"])
    row, base = table[now], before[now]
    return _made(
        row,
        base,
        kind="final",
        mean=row["mean"] + base["mean"],
        sd=base["sd"],
        sd_before=np.nan,
        sd_after=np.nan,
        trust=routes.BASELINE,
        words="final value = baseline + change, its SD from the arm's baseline",
    )


def _made(row: pd.DataFrame, base: pd.DataFrame, words: str, **columns: object) -> pd.DataFrame:
    return row.assign(
        **columns,
        n=np.minimum(row["n"], base["n"]),
        made=True,
        imputed=True,
        derivation=words,
        reason_code="",
        reason="",
        row_ids=joined(row["row_ids"], base["row_ids"], separator=" ") if len(row) else row["row_ids"],
    )
