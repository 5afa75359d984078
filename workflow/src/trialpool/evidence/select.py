"""Which of a trial's candidate effects is used, by a stated order, and why the others are not.

In: candidate effects (columns CANDIDATES). Out: for each whether it is `selected`, and the reason why not.

Inside a trial the first criterion of `schemas/preference.csv` decides on which two candidates differ; routes
go by RANKS, where means whose n is the number randomised (ASSUMED_N) stand behind a published difference.

Before that, for the whole analysis: an SMD uses final values or changes, not both, because their SDs
measure different things (Cochrane Handbook 10.5.2): the kind that more trials offer, of equally many final
values. An MD may mix them, and an SMD whose `kinds` lists both. Where `kinds` is set, kinds it does not list
are not used, and its order goes before the route. An MD without `scale` keeps to one range and unit: that of
the first instrument in `outcomes` for which there is an effect, otherwise that of most trials.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialpool.contracts import schema_rows
from trialpool.evidence.derivation import Reason, Route, refuse, setting
from trialpool.evidence.match import NOT_ASKED
from trialpool.measures import IN_UNITS

EXACT, ASSUMED_N = 1, 3
RANKS = {
    **{Route.ADJUSTED: 0, Route.PRINTED: EXACT, Route.ALGEBRA: EXACT, Route.CONTRAST: 2, Route.FROM_P: 4},
    **{Route.QUANTILES: 5, Route.CORRELATION: 6, Route.BASELINE: 6, Route.BORROWED: 6, Route.CONVERTED: 7},
}
# The criteria in their order, with the reason for what loses by one.
ORDER = {row["criterion"]: (Reason(row["reason_code"]), row["reason"]) for row in schema_rows("preference")}
SAME_RESULT = "the same result of this trial is used in another form; counted once"
UNUSED_KIND = "a kind of value (final or change) that the analysis does not use"
NEEDED = [
    *("analysis_index", "study_id", "outcome_rank", "item_rank", "time_rank", "time_order", "omits_arms"),
    *("route", "imputed", "reconstructed", "basis", "reading", "choice_id", "kind", "low", "high", "unit"),
    *("instrument", "item", "weeks", "timepoint"),
]
RESULT = ["instrument", "item", "weeks", "timepoint"]
KINDS = ("final", "change")


def select_effects(candidates: pd.DataFrame, settings: pd.DataFrame) -> pd.DataFrame:
    """Candidates (columns CANDIDATES) with `selected`, and a reason where one with an effect is not."""
    decisions = choose(candidates[candidates["reason_code"] == ""], settings)
    table = candidates.assign(selected=False)
    table.loc[decisions.index, ["selected", "reason_code", "reason"]] = decisions
    return table


def choose(candidates: pd.DataFrame, settings: pd.DataFrame) -> pd.DataFrame:
    """Decide on candidate effects: `selected`, `reason_code` and `reason`, on the index of `candidates`.

    These have an effect, and carry the columns NEEDED; `choice_id` is one number for all comparisons that are
    used together or not at all; `settings` are those of every analysis.
    """
    table = candidates[NEEDED].copy()
    rank = table["route"].map(RANKS)
    table["derivation_rank"] = rank.where((rank != EXACT) | ~table["imputed"], ASSUMED_N)
    table["kind_first"] = _kind_order(table, settings)
    table["kind_rank"] = (table["basis"] == "change").astype(int)
    wanted, contrast = setting(settings, "prefer_source", table), (table["kind"] == "contrast").to_numpy()
    table["source_first"] = np.where(contrast, wanted == "arms", wanted == "contrasts").astype(int)
    table["reading_rank"] = (table["reading"] != "double").astype(int)
    refuse(table, [(table["kind_first"] == NOT_ASKED, Reason.OTHER_KIND, UNUSED_KIND)])
    _one_unit(table, settings)
    _one_kind(table, settings)
    _one_result(table, settings)
    table["selected"] = table["reason_code"] == ""
    return table[["selected", "reason_code", "reason"]]


def _kind_order(table: pd.DataFrame, settings: pd.DataFrame) -> np.ndarray:
    """The place of a value's kind among those that the analysis lists, NOT_ASKED where it is not listed."""
    pairs = zip(table["basis"], setting(settings, "kinds", table), strict=True)
    places = [
        0 if not kinds or basis not in KINDS else kinds.index(basis) if basis in kinds else NOT_ASKED
        for basis, kinds in pairs
    ]
    return np.array(places, dtype=int)


def _one_unit(table: pd.DataFrame, settings: pd.DataFrame) -> None:
    """A measure in the instrument's unit (MD) keeps, without scale, to one range and unit."""
    spec = settings.take(table["analysis_index"].to_numpy()).set_axis(table.index)
    part = table[spec["measure"].isin(IN_UNITS) & spec["scale"].isna() & (table["kind"] != "events")]
    if part.empty:
        return
    family = _families(part)
    votes = part.assign(family=family).groupby(["analysis_index", "family"])
    summary = votes.agg(rank=("outcome_rank", "min"), studies=("study_id", "nunique")).reset_index()
    by = ["analysis_index", "rank", "studies", "family"]
    summary = summary.sort_values(by, ascending=[True, True, False, True])
    leading = summary.drop_duplicates("analysis_index").set_index("analysis_index")["family"]
    wanted = part["analysis_index"].map(leading)
    other = (family != wanted).reindex(table.index, fill_value=False)
    words = "another scale than the analysis' (" + wanted.reindex(table.index, fill_value="") + ")"
    refuse(table, [(other, Reason.OTHER_SCALE, words)], override=True)


def _families(part: pd.DataFrame) -> pd.Series:
    """What may be subtracted without rescaling: one range, one physical unit, or one instrument."""
    columns = (part["low"].notna(), part["low"], part["high"], part["unit"], part["instrument"])
    texts = [
        f"{low:g} to {high:g} {unit}" if ranged else unit if unit not in ("points", "") else instrument
        for ranged, low, high, unit, instrument in zip(*columns, strict=True)
    ]
    return pd.Series(texts, index=part.index, dtype=object)


def _one_kind(table: pd.DataFrame, settings: pd.DataFrame) -> None:
    """An SMD uses final values or changes, the kind that more trials offer, if it does not ask for both."""
    both = np.array([len(kinds or ()) > 1 for kinds in setting(settings, "kinds", table)], dtype=bool)
    smd = (setting(settings, "measure", table) == "SMD") & (table["reason_code"] == "").to_numpy()
    part = table[smd & ~both & table["basis"].isin(KINDS).to_numpy()]
    if part.empty:
        return
    made = part["reconstructed"].astype(bool)
    votes = part[~made | made.groupby(part["analysis_index"]).transform("all")]
    count = votes.groupby(["analysis_index", "basis"])["study_id"].nunique().unstack(fill_value=0)
    count = count.reindex(columns=list(KINDS), fill_value=0)
    more = part["analysis_index"].map(count["change"] > count["final"]).eq(True)
    listed = pd.Series(setting(settings, "kinds", part), part.index).str[0]
    wanted = listed.where(listed.notna(), np.where(more, "change", "final"))
    other = (part["basis"] != wanted).reindex(table.index, fill_value=False)
    kinds = wanted.map({"change": "changes from baseline", "final": "final values"})
    words = "this SMD is of " + kinds.reindex(table.index, fill_value="") + "; the two are not mixed"
    refuse(table, [(other, Reason.OTHER_KIND, words)])


def _one_result(table: pd.DataFrame, settings: pd.DataFrame) -> None:
    """The first result of each trial by ORDER; with `multilevel` the first form of every result."""
    by = ["analysis_index", "study_id", *ORDER]
    good = table[table["reason_code"] == ""].sort_values(by, kind="stable")
    if good.empty:
        return
    several = setting(settings, "several_effects", good) == "multilevel"
    which = good.groupby(RESULT, dropna=False, sort=False).ngroup()
    level = pd.Series(np.where(several, which, -1), index=good.index)
    groups = [good["analysis_index"], good["study_id"], level]
    winner = good.groupby(groups, sort=False)[[*ORDER, *RESULT]].transform("first")
    lost = good["choice_id"] != winner["choice_id"]
    why = _why(good[lost], winner[lost])
    table.loc[why.index, ["reason_code", "reason"]] = why


def _why(lost: pd.DataFrame, winner: pd.DataFrame) -> pd.DataFrame:
    """The first criterion on which a candidate lost against the one that is used, as reasons."""
    alike = (lost[RESULT] == winner[RESULT]) | (lost[RESULT].isna() & winner[RESULT].isna())
    table = pd.DataFrame(index=lost.index)
    refuse(table, [(lost[name] != winner[name], code, words) for name, (code, words) in ORDER.items()])
    form = (
        alike.all(axis=1).to_numpy()
        & ~table["reason_code"].isin([Reason.PART_OF_ARMS, Reason.FINAL_PREFERRED]).to_numpy()
    )
    refuse(table, [(form, Reason.SAME_RESULT, SAME_RESULT)], override=True)
    return table
