"""Contrasts: what papers print about the difference between two arms, as estimate and standard error.

Routes, with the trust they have beside those of the arms (see `routes`):
0 estimate of a model adjusted for baseline, with SE or 95% interval: the most efficient and least biased
  analysis of a trial (Cochrane Handbook 10.5.2), so it goes before the arms' own numbers;
3 unadjusted estimate with SE or 95% interval;
4 estimate with an exact p-value, taken as the p of a t-test (Handbook 6.3.2); where the paper prints the
  p-value and two means but no difference, the difference of the means is the estimate.
How SEs are made is in `standard_errors`. A missing estimate is the midpoint of its interval.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from trialpool.contracts import CONTRAST_SUMMARIES, INTERVALS
from trialpool.evidence import routes
from trialpool.evidence.designs import FIRST_PERIOD
from trialpool.evidence.standard_errors import LOG_MEASURES, standard_errors
from trialpool.evidence.words import SHOW_ONLY, joined, plain_text, study_doubts, where_text

CONTRAST_COLUMNS = CONTRAST_SUMMARIES.names
RESULT = ["study_id", "instrument", "item", "unit", "weeks", "timepoint", "period"]
KIND = {"mean_difference": "final", "change_difference": "change"}


def contrast_summaries(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row a row of contrasts.csv (columns CONTRAST_COLUMNS), ratios as logarithms.

    `df` is NaN where normal quantiles were used; `n_1` and `n_2` are the people analysed, else randomised.
    """
    rows = plain_text(tables["contrasts"])
    studies = plain_text(tables["studies"])
    rows["row_ids"] = rows["row_id"]
    assumed_n = _fill_numbers(rows, tables["arms"])
    table = rows.assign(
        df=_freedom(rows, studies),
        se=np.nan,
        trust=np.where(rows["adjusted"] == "yes", routes.ADJUSTED, routes.CONTRAST),
        imputed=False,
        assumed_n=assumed_n,
        reading=rows["reading"].where(rows["reading"] != "", "single"),
    )
    for name in ("derivation", "cautions", "reason_code", "reason"):
        table[name] = np.full(len(table), "", dtype=object)
    _from_means(table, plain_text(tables["continuous"]))
    _to_logs(table)
    standard_errors(table, assumed_n)
    _refuse(table)
    doubt = table["study_id"].map(study_doubts(studies)).fillna("")
    table["cautions"] = joined(table["cautions"], table["note"], doubt)
    table["usable"] = table["reason_code"] == ""
    return table[list(CONTRAST_COLUMNS)]


def _fill_numbers(rows: pd.DataFrame, arms: pd.DataFrame) -> pd.Series:
    """Put the numbers randomised where those analysed are missing; returns where that was done."""
    randomised = arms.set_index(["study_id", "arm"])["n_randomised"]
    assumed = pd.Series(False, index=rows.index)
    for number, arm in (("n_1", "arm_1"), ("n_2", "arm_2")):
        keys = rows[["study_id", arm]].rename(columns={arm: "arm"})
        stand_in = keys.join(randomised, on=["study_id", "arm"])["n_randomised"]
        now = rows[number].isna() & stand_in.notna()
        rows[number] = rows[number].where(~now, stand_in)
        assumed |= now
    return assumed


def _freedom(rows: pd.DataFrame, studies: pd.DataFrame) -> pd.Series:
    """Degrees of freedom: n1 + n2 - 2, in a crossover trial (the same people twice) n - 1; NaN if unknown.

    In its first period a crossover trial is one of two groups.
    """
    crossover = rows["study_id"].isin(studies.loc[studies["design"] == "crossover", "study_id"])
    crossover &= rows["period"] != FIRST_PERIOD
    total = rows["n_1"] + rows["n_2"] - 2
    freedom = total.where(~crossover, np.minimum(rows["n_1"], rows["n_2"]) - 1)
    return freedom.where(freedom > 0)


def _from_means(table: pd.DataFrame, continuous: pd.DataFrame) -> None:
    """The difference of two printed means, where a paper prints their p-value but not their difference."""
    missing = table["estimate"].isna() & (table["spread_type"] == "none") & table["measure"].isin(list(KIND))
    if not missing.any():
        return
    part = table.loc[missing, [*RESULT, "arm_1", "arm_2", "measure"]]
    means = continuous[continuous["centre_type"].isin(["mean", "lsmean"])]
    keys = [*RESULT, "arm", "measure"]
    means = means.drop_duplicates(keys)[[*keys, "centre", "row_id"]]
    part = part.assign(measure=part["measure"].map(KIND))
    found = {}
    for arm in ("arm_1", "arm_2"):
        wanted = part.drop(columns=["arm_1", "arm_2"]).assign(arm=part[arm])
        found[arm] = wanted.merge(means, on=keys, how="left").set_index(part.index)
    difference = found["arm_1"]["centre"] - found["arm_2"]["centre"]
    now = difference.index[difference.notna()]
    table.loc[now, "estimate"] = difference[now]
    table.loc[now, "derivation"] = "difference of the arms' printed means"
    ids = [table.loc[now, "row_ids"], found["arm_1"].loc[now, "row_id"], found["arm_2"].loc[now, "row_id"]]
    table.loc[now, "row_ids"] = joined(*ids, separator=" ")


def _to_logs(table: pd.DataFrame) -> None:
    """Ratios and their limits as logarithms; a missing estimate as the midpoint of its interval."""
    log = table["measure"].isin(LOG_MEASURES)
    for name in ("estimate", "spread_low", "spread_high"):
        if name == "spread_low":
            log = log & (table["spread_type"] != "se")  # a printed SE of a ratio is that of its logarithm
        positive = log & (table[name] > 0)
        bad = log & (table[name] <= 0)
        table.loc[positive, name] = np.log(table.loc[positive, name])
        table.loc[bad, "reason_code"] = "impossible"
        table.loc[bad, "reason"] = "a ratio of 0 or below"
    interval = table["spread_type"].isin(list(INTERVALS)) & (table["spread_high"] >= table["spread_low"])
    missing = table["estimate"].isna() & interval
    table.loc[missing, "estimate"] = (table["spread_low"] + table["spread_high"]) / 2
    midpoint = "estimate = midpoint of its " + routes.interval_names(table["spread_type"])
    table["derivation"] = joined(table["derivation"], where_text(missing, midpoint))
    given = interval & ~missing & table["estimate"].notna()
    part = table[given]
    table.loc[given, "cautions"] = routes.interval_cautions(
        part["estimate"], part["spread_low"], part["spread_high"], routes.interval_names(part["spread_type"])
    )


def _refuse(table: pd.DataFrame) -> None:
    """Say why a contrast cannot be used, the most telling reason first."""
    no_se = ~(table["se"] > 0)
    none = no_se & table["spread_type"].isin(["none", ""])
    vague = "the paper does not say what the number is"
    reasons = (
        (table["use"] == SHOW_ONLY, "held_back", table["use_reason"]),
        (table["measure"] == "effect_unspecified", "unspecified", vague),
        (table["estimate"].isna(), "no_numbers", "no estimate and no interval"),
        (none & table["p_value"].str.contains("<"), "no_spread", "no interval, p only as an inequality"),
        (
            none & (table["p_value"] != ""),
            "no_spread",
            "no interval, and its p-value gives no standard error",
        ),
        (none, "no_spread", "estimate without interval, standard error or exact p"),
        (no_se, "no_spread", "interval or standard error without a width"),
    )
    for mask, code, words in reasons:
        now = mask & (table["reason_code"] == "")
        table.loc[now, "reason_code"] = code
        table.loc[now, "reason"] = words
