"""Every route from what an arm reports to its mean and SD, in a documented order of trust.

Routes of an arm, the most trusted first (`trust` in the tables):
1 mean and SD as printed;
2 SD from the standard error or from the 95% interval of the mean, by t on n - 1 degrees of freedom
  (Cochrane Handbook 6.5.2.2): algebra, nothing assumed but the interval's method;
5 median with quartiles or range: mean by Luo 2018, SD by Wan 2014; refused where Shi's 2023 statistic says
  that the data are too skewed, and for fewer than 5 people; beside a mean they give the SD alone;
6 SD of a change from the SDs before and after and their correlation r (Handbook 6.5.2.8);
7 SD taken from the same arm's baseline;
8 SD pooled over other trials with the same instrument, if the analysis allows it (`borrow_sd`).

Routes 6 to 8 (see `changes`) and an n that is taken as the number randomised are assumptions: such rows
are `imputed`. Routes between arms (0, 3, 4) are in `contrasts`, those from events into an SMD (9) in
`conversions`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialpool.contracts import INTERVALS
from trialpool.evidence.words import joined, where_text
from trialpool.stats import mean_sd_from_quartiles, sd_from_ci, sd_from_se

ADJUSTED, PRINTED, ALGEBRA, CONTRAST, FROM_P, QUANTILES, CORRELATION, BASELINE, BORROWED, CONVERTED = range(
    10
)
ASYMMETRY = 0.1  # of the half-width: beyond what rounding of the three numbers usually makes
FEWEST_FOR_QUANTILES = 5
QUARTILES, EXTREMES = ("q1", "q3"), ("minimum", "maximum")
NO_MEDIAN = "skewness cannot be judged without the median"


def centre_and_spread(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean and SD of every row of continuous.csv, with the route taken.

    `rows` has the codebook's columns with text as plain strings and `n` filled. Returns, on the same
    index, `mean`, `sd`, `trust`, `derivation`, `cautions`, `reason_code`, `reason` (codes "" where usable).

    >>> row = {"centre_type": "mean", "centre": 2.0, "spread_type": "se", "spread_low": 0.5,
    ...        "spread_high": np.nan, "n": 16.0}
    >>> out = centre_and_spread(pd.DataFrame([row]))
    >>> float(out["sd"].iloc[0]), out["derivation"].iloc[0]
    (2.0, 'SD from SE, n = 16')
    """
    out = pd.DataFrame({"mean": np.nan, "sd": np.nan, "trust": PRINTED}, index=rows.index)
    for name in ("derivation", "cautions", "reason_code", "reason"):
        out[name] = ""
        out[name] = out[name].astype(object)
    is_mean = rows["centre_type"].isin(["mean", "lsmean"])
    out.loc[is_mean, "mean"] = rows["centre"]
    _printed(rows, out, is_mean & (rows["spread_type"] == "sd"))
    _from_se(rows, out, is_mean & (rows["spread_type"] == "se") & rows["n"].notna())
    for spread_type, level in INTERVALS.items():
        _from_interval(rows, out, is_mean & (rows["spread_type"] == spread_type) & (rows["n"] >= 2), level)
    quantiles = rows["spread_type"].isin(["iqr", "range"])
    _from_quantiles(rows, out, quantiles & (rows["n"] >= FEWEST_FOR_QUANTILES), is_mean)
    _refuse(rows, out, is_mean, quantiles)
    return out


def _printed(rows: pd.DataFrame, out: pd.DataFrame, mask: pd.Series) -> None:
    out.loc[mask, "sd"] = rows["spread_low"]
    least_squares = mask & (rows["centre_type"] == "lsmean")
    out.loc[mask, "derivation"] = "mean and SD as printed"
    out.loc[least_squares, "derivation"] = "least-squares mean and SD as printed"


def _from_se(rows: pd.DataFrame, out: pd.DataFrame, mask: pd.Series) -> None:
    if not mask.any():
        return
    part = rows[mask]
    out.loc[mask, "sd"] = sd_from_se(part["spread_low"], part["n"])
    out.loc[mask, "trust"] = ALGEBRA
    out.loc[mask, "derivation"] = [
        f"SD from SE{' of the least-squares mean' if kind == 'lsmean' else ''}, n = {n:.0f}"
        for kind, n in zip(part["centre_type"], part["n"], strict=True)
    ]


def _from_interval(rows: pd.DataFrame, out: pd.DataFrame, mask: pd.Series, level: float) -> None:
    mask = mask & (rows["spread_high"] >= rows["spread_low"])
    if not mask.any():
        return
    part = rows[mask]
    out.loc[mask, "sd"] = sd_from_ci(part["spread_low"], part["spread_high"], part["n"], level=level)
    out.loc[mask, "trust"] = ALGEBRA
    out.loc[mask, "derivation"] = [f"SD from {level:.0%} CI with t, n = {n:.0f}" for n in part["n"]]
    limits = (part["spread_low"], part["spread_high"])
    out.loc[mask, "cautions"] = interval_cautions(
        part["centre"], *limits, interval_names(part["spread_type"])
    )


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
    return joined(
        where_text(outside, "estimate outside its " + names),
        where_text(~outside & (off > ASYMMETRY * half), names + " not symmetric about its estimate"),
    )


def _from_quantiles(rows: pd.DataFrame, out: pd.DataFrame, mask: pd.Series, is_mean: pd.Series) -> None:
    """Mean and SD from a median with its bounds; beside a mean the bounds give the SD alone."""
    centre = rows["centre"].where(~is_mean, (rows["spread_low"] + rows["spread_high"]) / 2)
    ordered = (rows["spread_low"] <= centre) & (centre <= rows["spread_high"])
    mask = mask & ordered & (rows["spread_high"] > rows["spread_low"])
    for kind, names, words in (("iqr", QUARTILES, "quartiles"), ("range", EXTREMES, "range")):
        chosen = mask & (rows["spread_type"] == kind)
        if not chosen.any():
            continue
        part, beside_mean = rows[chosen], is_mean[chosen].to_numpy()
        bounds = dict(zip(names, (part["spread_low"], part["spread_high"]), strict=True))
        result = mean_sd_from_quartiles(centre[chosen], part["n"], **bounds)
        skewed = np.asarray(result.skewed)
        mean = np.where(beside_mean, part["centre"], result.mean)
        out.loc[chosen, "mean"] = np.where(skewed, np.nan, mean)
        out.loc[chosen, "sd"] = np.where(skewed, np.nan, result.sd)
        out.loc[chosen, "trust"] = QUANTILES
        out.loc[chosen, "derivation"] = [
            f"mean as printed, SD (Wan) from {words}, n = {n:.0f}"
            if beside
            else f"mean (Luo) and SD (Wan) from median and {words}, n = {n:.0f}"
            for n, beside in zip(part["n"], beside_mean, strict=True)
        ]
        out.loc[chosen, "cautions"] = where_text(beside_mean, NO_MEDIAN)
        out.loc[chosen, "reason_code"] = where_text(skewed, "skewed")
        refused = f"median and {words} too skewed for a mean and SD (Shi statistic {{:.3f}}, limit {{:.3f}})"
        out.loc[chosen, "reason"] = [
            refused.format(statistic, limit) if bad else ""
            for statistic, limit, bad in zip(result.skewness, result.critical, skewed, strict=True)
        ]


def _refuse(rows: pd.DataFrame, out: pd.DataFrame, is_mean: pd.Series, quantiles: pd.Series) -> None:
    """Say why a row has no mean, SD and n, the first reason that applies."""
    no_n = rows["n"].isna()
    no_sd = (~(out["sd"] > 0) | no_n) & (out["reason_code"] == "")
    few = ~no_n & quantiles & (rows["n"] < FEWEST_FOR_QUANTILES)
    zero = out["sd"] == 0
    bounds = rows["spread_low"].notna() & rows["spread_high"].notna()
    reasons = (
        (zero, "no_spread", "the printed spread is 0, which gives no weight"),
        (rows["spread_type"].isin(["none", ""]) & is_mean, "no_spread", "mean without a spread"),
        (~is_mean & ~quantiles, "no_spread", "median without quartiles or range"),
        (no_n, "no_n", "number of people not reported"),
        (few, "too_few", "fewer than 5 people: nothing to be told from quantiles"),
        (quantiles & bounds, "bad_spread", "median or mean outside its bounds, or bounds equal"),
        (no_sd, "no_spread", "spread incomplete"),
    )
    for mask, code, words in reasons:
        now = no_sd & mask & (out["reason_code"] == "")
        out.loc[now, "reason_code"] = code
        out.loc[now, "reason"] = words
