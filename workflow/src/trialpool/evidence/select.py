"""Which of a trial's candidate effects is used, by a stated order, and why the others are not.

Order of preference inside a trial, the first difference decides:
1 the instrument, by the order of `outcomes` (none preferred if that list is empty);
2 the item, by the order of `items` (without that list: results without an item first);
3 the time (see `questions`);
4 effects that use all of the trial's arms that fit, before those that leave one out;
5 the route, by trust: an estimate adjusted for baseline; means and SDs printed or exact algebra; a
  published difference with its interval; means whose n is the number randomised; a difference with an exact
  p-value; medians; SDs made from an assumed correlation or borrowed; odds ratios converted to an SMD;
6 final values before changes;
7 numbers read twice before numbers read once;
8 the order of the evidence tables.

Before that, for the whole analysis: an SMD uses final values or changes, never both, because their SDs
measure different things (Cochrane Handbook 10.5.2): the kind that more trials offer, of equally many final
values. An MD may mix them. Where `kinds` is set, kinds it does not list are not used, and its order goes
before the route (5). An MD without `scale` keeps to one range and unit: that of the first instrument in
`outcomes` for which there is an effect, otherwise that of most trials.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialpool.evidence import routes

ADJUSTED, EXACT, INTERVAL, ASSUMED_N, P_VALUE, QUANTILES, ASSUMED_SD, OTHER_SCALE = range(8)
TIERS = {
    routes.ADJUSTED: ADJUSTED,
    routes.PRINTED: EXACT,
    routes.ALGEBRA: EXACT,
    routes.CONTRAST: INTERVAL,
    routes.FROM_P: P_VALUE,
    routes.QUANTILES: QUANTILES,
    routes.CORRELATION: ASSUMED_SD,
    routes.BASELINE: ASSUMED_SD,
    routes.BORROWED: ASSUMED_SD,
    routes.CONVERTED: OTHER_SCALE,
}
ORDER = {
    "outcome_rank": ("other_instrument", "another instrument or outcome of this trial is preferred"),
    "item_rank": ("other_item_preferred", "another part, nerve or subscale of this trial is preferred"),
    "time_rank": ("other_time_preferred", "another time of this trial is preferred"),
    "time_order": ("other_time_preferred", "another time of this trial is preferred"),
    "partial": ("part_of_arms", "an effect that uses all of the trial's arms that fit is preferred"),
    "kind_first": ("other_kind", "the other kind of value (final or change) is asked for first"),
    "source_first": ("less_trusted", "the other source (arms or published contrast) is asked for first"),
    "tier": ("less_trusted", "an effect by a route that is trusted more is used"),
    "kind_rank": ("final_preferred", "final values of this trial are used"),
    "trust": ("less_trusted", "an effect by a route that is trusted more is used"),
    "reading_rank": ("read_once", "a result that was read twice is used"),
    "order": ("later_in_table", "an equally good result of this trial stands earlier in the tables"),
}
SAME_RESULT = ("same_result", "the same result of this trial is used in another form; counted once")
NEEDED = [
    *("analysis", "study_id", "outcome_rank", "item_rank", "time_rank", "time_order", "partial", "trust"),
    *("imputed", "made", "basis", "reading", "result", "kind", "low", "high", "unit"),
    *("instrument", "item", "weeks", "timepoint"),
]
RESULT = ["instrument", "item", "weeks", "timepoint"]


def choose(candidates: pd.DataFrame, specs: pd.DataFrame) -> pd.DataFrame:
    """Decide on candidate effects: `selected`, `reason_code` and `reason`, on the index of `candidates`.

    These have an effect, and carry the columns NEEDED; `result` is one number for all comparisons that are
    used together or not at all.
    """
    table = candidates[NEEDED].copy()
    table["tier"] = _tiers(table)
    table["kind_first"], table["kind_rank"] = _kind_ranks(table, specs)
    table["source_first"] = _source_ranks(table, specs)
    table["reading_rank"] = (table["reading"] != "double").astype(int)
    table["order"] = table["result"]
    for name in ("reason_code", "reason"):
        table[name] = np.full(len(table), "", dtype=object)
    _allowed_kinds(table, specs)
    _one_unit(table, specs)
    _one_kind(table, specs)
    _one_result(table, specs)
    table["selected"] = table["reason_code"] == ""
    return table[["selected", "reason_code", "reason"]]


def _kind_ranks(table: pd.DataFrame, specs: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Rank by the kinds that the analysis lists (before the route), and by default final values first."""
    kinds = specs["kinds"].to_numpy()[table["analysis"].to_numpy()]
    first = [
        int(bool(wanted) and basis in ("final", "change") and basis != wanted[0])
        for basis, wanted in zip(table["basis"], kinds, strict=True)
    ]
    return np.array(first, dtype=int), (table["basis"] == "change").to_numpy().astype(int)


def _source_ranks(table: pd.DataFrame, specs: pd.DataFrame) -> np.ndarray:
    """Rank by the source that the analysis prefers, arms or contrasts (a sensitivity analysis only)."""
    wanted = specs["prefer_source"].to_numpy()[table["analysis"].to_numpy()]
    contrast = (table["kind"] == "contrast").to_numpy()
    return ((contrast & (wanted == "arms")) | (~contrast & (wanted == "contrasts"))).astype(int)


def _tiers(table: pd.DataFrame) -> pd.Series:
    tier = table["trust"].map(TIERS)
    return tier.where((tier != EXACT) | ~table["imputed"], ASSUMED_N)


def _allowed_kinds(table: pd.DataFrame, specs: pd.DataFrame) -> None:
    """Where the analysis lists its kinds of value (`kinds`), those it does not list are not used."""
    wanted = specs["kinds"].to_numpy()[table["analysis"].to_numpy()]
    other = [
        kind in ("final", "change") and bool(kinds) and kind not in kinds
        for kind, kinds in zip(table["basis"], wanted, strict=True)
    ]
    table.loc[other, "reason_code"] = "other_kind"
    table.loc[other, "reason"] = "a kind of value (final or change) that the analysis does not use"


def _one_unit(table: pd.DataFrame, specs: pd.DataFrame) -> None:
    """An MD without scale keeps to one range and unit."""
    spec = specs.take(table["analysis"].to_numpy())
    now = ((spec["measure"] == "MD") & spec["scale"].isna()).to_numpy() & (
        table["kind"] != "events"
    ).to_numpy()
    if not now.any():
        return
    part = table[now]
    family = _families(part)
    votes = part.assign(family=family).groupby(["analysis", "family"])
    summary = votes.agg(rank=("outcome_rank", "min"), studies=("study_id", "nunique")).reset_index()
    summary = summary.sort_values(
        ["analysis", "rank", "studies", "family"], ascending=[True, True, False, True]
    )
    leading = summary.drop_duplicates("analysis").set_index("analysis")["family"]
    other = family.to_numpy() != part["analysis"].map(leading).to_numpy()
    table.loc[part.index[other], "reason_code"] = "other_scale"
    table.loc[part.index[other], "reason"] = [
        f"another scale than the analysis' ({name})" for name in part["analysis"].map(leading)[other]
    ]


def _families(part: pd.DataFrame) -> pd.Series:
    """What may be subtracted without rescaling: one range, one physical unit, or one instrument."""
    ranged = part["low"].notna()
    texts = [
        f"{low:g} to {high:g} {unit}" if has else unit if unit not in ("points", "") else instrument
        for has, low, high, unit, instrument in zip(
            ranged, part["low"], part["high"], part["unit"], part["instrument"], strict=True
        )
    ]
    return pd.Series(texts, index=part.index, dtype=object)


def _one_kind(table: pd.DataFrame, specs: pd.DataFrame) -> None:
    """An SMD uses final values or changes, the kind that more trials offer."""
    spec = specs.take(table["analysis"].to_numpy())
    now = (spec["measure"] == "SMD").to_numpy() & (table["reason_code"] == "").to_numpy()
    part = table[now & table["basis"].isin(["final", "change"]).to_numpy()]
    if part.empty:
        return
    votes = part[~part["made"].astype(bool)] if not part["made"].all() else part
    count = votes.groupby(["analysis", "basis"])["study_id"].nunique().unstack(fill_value=0)
    count = count.reindex(columns=["final", "change"], fill_value=0)
    count = count.reindex(part["analysis"].unique(), fill_value=0)
    first = specs["kinds"].to_numpy()[count.index]
    most = np.where(count["change"] > count["final"], "change", "final")
    leading = pd.Series([w[0] if w else m for w, m in zip(first, most, strict=True)], index=count.index)
    wanted = part["analysis"].map(leading)
    other = part.index[(part["basis"] != wanted).to_numpy()]
    table.loc[other, "reason_code"] = "other_kind"
    words = {"change": "changes from baseline", "final": "final values"}
    table.loc[other, "reason"] = [
        f"this SMD is of {words[kind]}; the two are not mixed" for kind in wanted[other]
    ]


def _one_result(table: pd.DataFrame, specs: pd.DataFrame) -> None:
    """The first result of each trial by ORDER; with `multilevel` the first form of every result."""
    good = table[table["reason_code"] == ""].sort_values(["analysis", "study_id", *ORDER], kind="stable")
    if good.empty:
        return
    several = specs["several_effects"].to_numpy()[good["analysis"].to_numpy()] == "multilevel"
    which = good.groupby(RESULT, dropna=False, sort=False).ngroup()
    level = pd.Series(np.where(several, which, -1), index=good.index)
    groups = [good["analysis"], good["study_id"], level]
    first = good.groupby(groups, sort=False)["result"].transform("first")
    lost = good[good["result"] != first]
    if lost.empty:
        return
    winner = good.groupby(groups, sort=False)[[*ORDER, *RESULT]].transform("first").loc[lost.index]
    codes, reasons = _why(lost, winner)
    table.loc[lost.index, "reason_code"], table.loc[lost.index, "reason"] = codes, reasons


def _why(lost: pd.DataFrame, winner: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The first criterion on which a candidate lost against the one that is used."""
    codes, reasons = np.full(len(lost), "", dtype=object), np.full(len(lost), "", dtype=object)
    for name, (code, words) in reversed(ORDER.items()):
        worse = (lost[name] != winner[name]).to_numpy()
        codes[worse], reasons[worse] = code, words
    same = np.ones(len(lost), dtype=bool)
    for name in RESULT:
        same &= ((lost[name] == winner[name]) | (lost[name].isna() & winner[name].isna())).to_numpy()
    form = same & (codes != "part_of_arms") & (codes != "final_preferred")
    codes[form], reasons[form] = SAME_RESULT
    return codes, reasons
