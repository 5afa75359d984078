"""What an arm's other rows, or other trials, say about an SD or a mean that is missing.

In: arm summaries (see `summaries`). Out: the same with what follows from one another filled in, marked as
`imputed`, and rows made of others behind (`reconstructed`), by the rules in config/README.md.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialpool.evidence.derivation import (
    Reason,
    Route,
    Texts,
    add_steps,
    fill,
    joined,
    number_text,
    put,
    refuse,
    setting,
    steps,
)
from trialpool.stats import change_correlation, change_sd

OUTCOME = ["study_id", "arm", "domain", "instrument", "item", "unit", "period"]
TIMED_OUTCOME = [*OUTCOME, "weeks", "timepoint"]
SAME_SCALE = ["instrument", "unit", "kind"]
FEWEST_CORRELATIONS = 2
BASIS = {"change_difference": "change", "mean_difference": "final"}
CHANGE_MADE = "change = final value - baseline, its SD from the SDs before and after"
FINAL_MADE = "final value = baseline + change, its SD from the arm's baseline"


def with_change_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Fill missing SDs from the arm's other rows and add reconstructed rows behind.

    Adds `sd_before`, `sd_after`, `r_found` (NaN where fewer than two arms tell), `r_source`, `sd_borrowed`,
    `borrowed_from`, `reconstructed`. The SD of a change that rests on r stays NaN until r is known.
    """
    table = table.assign(sd_before=np.nan, sd_after=np.nan, reconstructed=False)
    final = (table["reason_code"] == "") & (table["kind"] == "final")
    before = _lookup(table, final & (table["timepoint"] == "baseline"), OUTCOME)
    after = _lookup(table, final & (table["timepoint"] != "baseline"), TIMED_OUTCOME)
    _correlations(table, before, after)
    table[["sd_borrowed", "borrowed_from"]] = pooled_elsewhere(table, table)
    added = [_reconstructed(table, before, kind) for kind in ("change", "final")]
    _missing_sds(table, before, after)
    return pd.concat([table, *(rows for rows in added if len(rows))], ignore_index=True)


def _lookup(table: pd.DataFrame, mask: pd.Series, keys: list[str]) -> pd.DataFrame:
    """Mean, SD, n and row id of the row with the same keys among the masked ones, aligned with the table."""
    names = ["mean", "sd", "n", "row_ids", "imputed"]
    source = table.loc[mask, [*keys, *names]].drop_duplicates(keys)
    same = table[keys].merge(source, on=keys, how="left")
    return same[names].fillna({"row_ids": "", "imputed": False}).set_index(table.index)


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
    rows = table[usable & (table["route"] <= Route.ALGEBRA)]
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


def with_kinds(contrasts: pd.DataFrame, arms: pd.DataFrame, lenders: pd.DataFrame) -> pd.DataFrame:
    """Contrasts with their `basis` (final, change, any), `sd_borrowed` and `borrowed_from`, which arms have.

    The basis is `change` where the paper says so, or where the arms of the same result are printed as changes
    only. `arms` are summaries of the same trials, `lenders` of all trials whose SDs may be borrowed.
    """
    basis = contrasts["measure"].map(BASIS).fillna("any")
    basis = basis.mask(contrasts["adjusted"] == "yes", "any")  # for baseline: final and change agree
    basis = basis.mask((basis == "final") & _only_changes(contrasts, arms), "change")
    kinds = contrasts.assign(kind=np.where(basis == "change", "change", "final"))
    return pd.concat([contrasts.assign(basis=basis), pooled_elsewhere(lenders, kinds)], axis=1)


def _only_changes(rows: pd.DataFrame, summaries: pd.DataFrame) -> np.ndarray:
    """Whether the arms of the same result are printed as changes and not as final values."""
    result = ["study_id", "instrument", "item", "timepoint"]
    keys = pd.MultiIndex.from_frame(rows[result])
    later = summaries[summaries["timepoint"] != "baseline"]
    final, change = (
        keys.isin(pd.MultiIndex.from_frame(later.loc[later["kind"] == kind, result]))
        for kind in ("final", "change")
    )
    return np.asarray(change & ~final)


def _missing_sds(table: pd.DataFrame, before: pd.DataFrame, after: pd.DataFrame) -> None:
    """SDs of rows that are printed without a spread, from the arm's baseline and its value after."""
    missing = (table["reason_code"] == Reason.NO_SPREAD) & table["mean"].notna() & (table["n"] >= 2)
    missing &= table["sd"].isna() & (table["timepoint"] != "baseline") & before["sd"].notna()
    change, same = missing & (table["kind"] == "change"), missing & (table["kind"] == "final")
    known = change & after["sd"].notna()
    fill(table, change, sd_before=before["sd"], sd_after=after["sd"].where(known, before["sd"]))
    fill(table, same, sd=before["sd"])
    words = "change as printed, its SD from the SD"
    _impute(table, known, Route.CORRELATION, f"{words}s before and after")
    _impute(table, change & ~known, Route.CORRELATION, f"{words} before (SD after taken as that before)")
    _impute(table, same, Route.BASELINE, "mean as printed, its SD from the arm's baseline")
    of_change = table["kind"] == "change"  # which one group's change is standardised by
    for name, other in (("sd_before", before), ("sd_after", after)):
        table[name] = table[name].fillna(other["sd"].where(of_change))
    for mask, other in ((known, after), (change | same, before)):
        fill(table, mask, row_ids=joined(table["row_ids"], other["row_ids"])[mask.to_numpy()])


def _impute(table: pd.DataFrame, mask: pd.Series, route: Route, words: Texts) -> None:
    fill(table, mask, route=int(route), imputed=True, reason_code="", reason="")
    put(table, "derivation", mask, steps(words, table.loc[mask, "derivation"]))


def _reconstructed(table: pd.DataFrame, before: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Changes or final values made of the other kind and the baseline, where the paper does not print them.

    A change is a final value less the baseline, a final value the baseline plus a change.
    """
    change = kind == "change"
    printed = pd.MultiIndex.from_frame(table.loc[table["kind"] == kind, TIMED_OUTCOME])
    mask = ~pd.MultiIndex.from_frame(table[TIMED_OUTCOME]).isin(printed) & before["sd"].notna()
    if change:
        mask &= (table["kind"] == "final") & (table["reason_code"] == "") & (table["timepoint"] != "baseline")
    else:
        mask &= (table["kind"] == "change") & table["mean"].notna() & (table["n"] >= 2)
        mask &= table["reason_code"].isin(["", Reason.NO_SPREAD])
    row, base = table[mask], before[mask]
    return row.assign(
        **{"kind": kind, "reconstructed": True, "imputed": True, "reason_code": "", "reason": ""},
        mean=row["mean"] - base["mean"] if change else row["mean"] + base["mean"],
        sd=np.nan if change else base["sd"],
        sd_before=base["sd"] if change else np.nan,
        sd_after=row["sd"] if change else np.nan,
        route=int(Route.CORRELATION if change else Route.BASELINE),
        n=np.minimum(row["n"], base["n"]),
        derivation=steps([CHANGE_MADE if change else FINAL_MADE] * len(row)),
        row_ids=joined(row["row_ids"], base["row_ids"]),
    )


def assume_sds(rows: pd.DataFrame, settings: pd.DataFrame, source: pd.DataFrame) -> None:
    """Fill `sd` of arm results in place where it rests on a setting of the analysis.

    `source` are their arm summaries, row by row. A change has the correlation `r_found`, unless there is none
    or the analysis sets `correlation_source: assumed`. SDs are borrowed where the analysis sets `borrow_sd`.
    """
    source = source.set_axis(rows.index)
    mask = (rows["route"] == Route.CORRELATION) & (rows["reason_code"] == "")
    part, summary = rows[mask], source[mask]
    estimated = setting(settings, "correlation_source", part) == "found"
    estimated &= summary["r_found"].notna()
    r = np.where(estimated, summary["r_found"], setting(settings, "change_correlation", part))
    rows.loc[mask, "sd"] = change_sd(summary["sd_before"], summary["sd_after"], r)
    named = [f"({text})" for text in summary["r_source"]]
    words = joined("r =", [number_text(value) for value in r], np.where(estimated, named, "assumed"))
    add_steps(rows, "derivation", mask, words)
    refuse(rows, [(mask & ~(rows["sd"] > 0), Reason.NO_SPREAD, "the assumed SD of the change is 0")])
    mask = (rows["reason_code"] == Reason.NO_SPREAD) & rows["mean"].notna() & (rows["n"] >= 2)
    mask &= rows["sd"].isna() & source["sd_borrowed"].notna()
    mask &= setting(settings, "borrow_sd", rows).astype(bool)
    rows.loc[mask, "sd"] = source.loc[mask, "sd_borrowed"]
    borrowed = [f"mean as printed, its SD pooled over {text}" for text in source.loc[mask, "borrowed_from"]]
    _impute(rows, mask, Route.BORROWED, borrowed)
