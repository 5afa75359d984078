"""Contrasts: what papers print about the difference between two arms, as estimate and standard error.

In: contrasts.csv, and for missing differences the means of continuous.csv. Out: one row a contrast (columns
CONTRASTS), ratios as logarithms. Routes (see `derivation.Route`):
- ADJUSTED: estimate of a model adjusted for baseline, with SE or interval: the most efficient and least
  biased analysis of a trial (Cochrane Handbook 10.5.2), so it goes before the arms' own numbers;
- CONTRAST: unadjusted estimate with SE or interval;
- FROM_P: estimate with an exact p-value, taken as the p of a t-test (Handbook 6.3.2); where the paper prints
  the p-value and two means but no difference, the difference of the means is the estimate.

A missing estimate is the midpoint of its interval. An interval or p-value of a difference is undone by t on
the contrast's degrees of freedom where the numbers of people are known (analysed, else randomised), by normal
quantiles otherwise; ratios always by normal quantiles of their logarithm. The derivation says which. A
p-value printed as an inequality, or of another test than t or z (`p_test`), gives no SE.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from trialpool.contracts import INTERVALS
from trialpool.evidence.derivation import (
    SHOW_ONLY,
    Reason,
    Route,
    add_steps,
    joined,
    no_steps,
    no_text,
    plain_text,
    refuse,
    steps,
    where_text,
    with_cautions,
    with_randomised,
)
from trialpool.evidence.tables import CONTRASTS
from trialpool.evidence.unit_of_analysis import FIRST_PERIOD
from trialpool.stats import se_from_ci, se_from_p

RESULT = ["study_id", "instrument", "item", "unit", "weeks", "timepoint", "period"]
KIND = {"mean_difference": "final", "change_difference": "change"}
LOG_MEASURES = ("risk_ratio", "odds_ratio", "hazard_ratio", "rate_ratio", "ratio_of_means")
NORMAL = (*LOG_MEASURES, "smd", "risk_difference")
ASYMMETRY = 0.1  # of the half-width: beyond what rounding of the three numbers usually makes
EXACT_P = r"^=? ?(0?\.\d+)$"
LARGE_P = 0.5
FROM_T_TEST = "SE rests on a p-value taken as that of a t-test"
FROM_Z_TEST = "SE rests on a p-value taken as that of a normal test"
IMPRECISE = "the p-value is large, so rounding of it and of the difference weighs heavily"


def contrast_summaries(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row a row of contrasts.csv (columns CONTRASTS), ratios as logarithms.

    `df` is NaN where normal quantiles were used; `n_1` and `n_2` are the people analysed, else randomised.
    """
    rows, studies = plain_text(tables["contrasts"]), plain_text(tables["studies"])
    rows["n_1"], first = with_randomised(rows, tables["arms"], "n_1", "arm_1")
    rows["n_2"], second = with_randomised(rows, tables["arms"], "n_2", "arm_2")
    table = rows.assign(
        df=_freedom(rows, studies),
        se=np.nan,
        route=np.where(rows["adjusted"] == "yes", int(Route.ADJUSTED), int(Route.CONTRAST)),
        imputed=False,
        assumed_n=first | second,
        reading=rows["reading"].where(rows["reading"] != "", "single"),
        row_ids=rows["row_id"],
    )
    table["reason_code"], table["reason"] = no_text(len(table)), no_text(len(table))
    table["derivation"], table["cautions"] = no_steps(len(table)), no_steps(len(table))
    _from_means(table, plain_text(tables["continuous"]))
    _to_logs(table)
    standard_errors(table)
    _without_se(table)
    table["cautions"] = with_cautions(table, studies)
    table["usable"] = table["reason_code"] == ""
    return table[list(CONTRASTS)]


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
    part = part.assign(measure=part["measure"].map(KIND))
    keys = [*RESULT, "arm", "measure"]
    means = continuous[continuous["centre_type"].isin(["mean", "lsmean"])]
    means = means.drop_duplicates(keys)[[*keys, "centre", "row_id"]]
    first, second = (
        part.drop(columns=["arm_1", "arm_2"])
        .assign(arm=part[arm])
        .merge(means, on=keys, how="left")
        .set_index(part.index)
        for arm in ("arm_1", "arm_2")
    )
    difference = (first["centre"] - second["centre"]).dropna()
    rows = difference.index
    table.loc[rows, "estimate"] = difference
    add_steps(table, "derivation", table.index.isin(rows), "difference of the arms' printed means")
    ids = (table.loc[rows, "row_ids"], first.loc[rows, "row_id"], second.loc[rows, "row_id"])
    table.loc[rows, "row_ids"] = joined(*ids)


def _to_logs(table: pd.DataFrame) -> None:
    """Ratios and their limits as logarithms; a missing estimate as the midpoint of its interval."""
    log = table["measure"].isin(LOG_MEASURES)
    for name in ("estimate", "spread_low", "spread_high"):
        if name == "spread_low":
            log = log & (table["spread_type"] != "se")  # a printed SE of a ratio is that of its logarithm
        positive, impossible = log & (table[name] > 0), log & (table[name] <= 0)
        table.loc[positive, name] = np.log(table.loc[positive, name])
        refuse(table, [(impossible, Reason.IMPOSSIBLE, "a ratio of 0 or below")])
    low, high = table["spread_low"], table["spread_high"]
    interval = table["spread_type"].isin(list(INTERVALS)) & (high >= low)
    missing = table["estimate"].isna() & interval
    table.loc[missing, "estimate"] = (low + high) / 2
    names = interval_names(table["spread_type"])
    midpoint = where_text(missing, "estimate = midpoint of its " + names)
    table["derivation"] = steps(table["derivation"], midpoint)
    rows = interval & ~missing & table["estimate"].notna()
    table["cautions"] = steps(where_text(rows, interval_cautions(table["estimate"], low, high, names)))


def interval_names(spread_types: pd.Series) -> pd.Series:
    """What an interval of each spread type is called, "" for other types.

    >>> interval_names(pd.Series(["ci95", "ci90", "sd"])).tolist()
    ['95% CI', '90% CI', '']
    """
    return spread_types.map({code: f"{level:.0%} CI" for code, level in INTERVALS.items()}).fillna("")


def interval_cautions(estimate: pd.Series, low: pd.Series, high: pd.Series, names: pd.Series) -> np.ndarray:
    """What is odd about an interval: not around its estimate, or not symmetric beyond rounding.

    >>> names = interval_names(pd.Series(["ci95", "ci95"]))
    >>> interval_cautions(pd.Series([1.0, 3.0]), pd.Series([0.0, 0.0]), pd.Series([2.0, 2.0]), names).tolist()
    ['', 'estimate outside its 95% CI']
    """
    half = (high - low) / 2
    off = (estimate - (low + high) / 2).abs()
    outside = off > half
    asymmetric = where_text(off > ASYMMETRY * half, names + " not symmetric about its estimate")
    return np.where(outside, "estimate outside its " + names, asymmetric).astype(object)


def standard_errors(table: pd.DataFrame) -> None:
    """Fill `se` of a contrasts table in place, with `derivation`, `cautions`, `route`; `df` NaN if unused."""
    by_t = table["df"].notna() & ~table["measure"].isin(NORMAL)
    table["df"] = table["df"].where(by_t)
    known = table["estimate"].notna() & (table["reason_code"] == "")
    printed = known & (table["spread_type"] == "se")
    table.loc[printed, "se"] = table["spread_low"]
    add_steps(table, "derivation", printed, "SE as printed")
    interval = known & (table["spread_high"] > table["spread_low"])
    exact = exact_p(table)
    by_p = known & exact.notna() & (table["spread_type"] == "none") & (table["estimate"] != 0)
    tails = _quantile_words(table)
    for quantile in (by_t, ~by_t):
        for spread_type, level in INTERVALS.items():
            rows = interval & quantile & (table["spread_type"] == spread_type)
            if rows.any():
                limits = (table.loc[rows, "spread_low"], table.loc[rows, "spread_high"])
                table.loc[rows, "se"] = se_from_ci(*limits, df=_df(table, rows), level=level)
                add_steps(table, "derivation", rows, f"SE from {level:.0%} CI" + tails[rows])
        rows = by_p & quantile
        if rows.any():
            table.loc[rows, "se"] = se_from_p(table.loc[rows, "estimate"], exact[rows], df=_df(table, rows))
            words = "SE from p = " + table.loc[rows, "p_value"].str.lstrip("= ") + tails[rows]
            add_steps(table, "derivation", rows, words)
    table.loc[by_p, "route"] = int(Route.FROM_P)
    add_steps(table, "cautions", by_p & table["measure"].isin(NORMAL), FROM_Z_TEST)
    add_steps(table, "cautions", by_p & ~table["measure"].isin(NORMAL), FROM_T_TEST)
    add_steps(table, "cautions", by_p & (exact > LARGE_P), IMPRECISE)


def exact_p(table: pd.DataFrame) -> pd.Series:
    """The p-value where it is printed as a number strictly between 0 and 1, and of a t or normal test.

    >>> frame = pd.DataFrame({"p_value": [".008", "<0.001", "0.2"], "p_test": ["", "", "rank"]})
    >>> exact_p(frame).tolist()
    [0.008, nan, nan]
    """
    value = pd.to_numeric(table["p_value"].str.extract(EXACT_P, expand=False), errors="coerce")
    return value.where((value > 0) & (value < 1) & (table["p_test"] == ""))


def _df(table: pd.DataFrame, rows: pd.Series) -> pd.Series | None:
    freedom = table.loc[rows, "df"]
    return None if freedom.isna().all() else freedom


def _quantile_words(table: pd.DataFrame) -> pd.Series:
    texts = [
        f" with t, df {df:.0f}{' (n = randomised)' if assumed else ''}"
        if df > 0
        else " with normal quantiles"
        for df, assumed in zip(table["df"], table["assumed_n"], strict=True)
    ]
    return pd.Series(texts, index=table.index, dtype=object)


def _without_se(table: pd.DataFrame) -> None:
    """Say why a contrast cannot be used, the most telling reason first."""
    no_se = ~(table["se"] > 0)
    none = no_se & table["spread_type"].isin(["none", ""])
    p = table["p_value"]
    cases = (
        (table["use"] == SHOW_ONLY, Reason.HELD_BACK, table["use_reason"]),
        (
            table["measure"] == "effect_unspecified",
            Reason.UNSPECIFIED,
            "the paper does not say what the number is",
        ),
        (table["estimate"].isna(), Reason.NO_NUMBERS, "no estimate and no interval"),
        (none & p.str.contains("<"), Reason.NO_SPREAD, "no interval, p only as an inequality"),
        (none & (p != ""), Reason.NO_SPREAD, "no interval, and its p-value gives no standard error"),
        (none, Reason.NO_SPREAD, "estimate without interval, standard error or exact p"),
        (no_se, Reason.NO_SPREAD, "interval or standard error without a width"),
    )
    refuse(table, cases)
