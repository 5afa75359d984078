"""From the evidence tables to summaries on which every analysis can draw, whatever it asks.

In: tables as `evidence.read` hands them over. Out: `arms` (mean, SD and n of every arm, outcome and time,
from continuous.csv), `contrasts` (see `contrasts`) and `events` (events among n people, from events.csv): one
row for every row read, usable or with the reason why not, each with its route (see `derivation.Route`).
Nothing is rescaled, aligned or chosen here. n is the number analysed; where a paper does not print it, the
number randomised stands in and the row is `imputed`. What can be made of an arm's other rows stands behind
(see `change_scores`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from trialpool.contracts import INTERVALS
from trialpool.evidence.change_scores import with_change_scores
from trialpool.evidence.contrasts import contrast_summaries, interval_cautions, interval_names
from trialpool.evidence.derivation import (
    SHOW_ONLY,
    Reason,
    Route,
    no_text,
    plain_text,
    refuse,
    steps,
    where_text,
    with_cautions,
    with_randomised,
)
from trialpool.evidence.tables import ARMS, EVENTS
from trialpool.stats import mean_sd_from_quartiles, sd_from_ci, sd_from_se

COUNTED = {
    "": "events as printed",
    "percentage": "events worked out from the printed percentage",
    "complement": "events = people less those printed without the event",
}  # by the column `count_from`
MORE_IS_BETTER = ("responder",)
FEWEST_FOR_QUANTILES = 5
QUANTILES = (("iqr", ("q1", "q3"), "quartiles"), ("range", ("minimum", "maximum"), "range"))
NO_MEDIAN = "skewness cannot be judged without the median"


def harmonise(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Arm summaries, contrasts and events of the evidence tables, by these names."""
    return {
        "arms": arm_summaries(tables),
        "contrasts": contrast_summaries(tables),
        "events": event_summaries(tables),
    }


def arm_summaries(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Rows of continuous.csv, then reconstructed rows (columns ARMS); baselines included, for the audit.

    `sd_before` and `sd_after` are the SDs from which the SD of a change can be made; such rows have the route
    CORRELATION and no `sd` yet, because the correlation may be a setting of the analysis.
    """
    rows = plain_text(tables["continuous"])
    rows["n"], assumed = with_randomised(rows, tables["arms"])
    derived = centre_and_spread(rows)
    table = rows.rename(columns={"measure": "kind", "row_id": "row_ids"}).assign(
        **{name: derived[name] for name in derived if name != "derivation"},
        reading=rows["reading"].where(rows["reading"] != "", "single"),
        imputed=assumed,
        derivation=steps(derived["derivation"], where_text(assumed, "n = randomised")),
    )
    refuse(table, [(table["use"] == SHOW_ONLY, Reason.HELD_BACK, table["use_reason"])], override=True)
    table["cautions"] = with_cautions(table, plain_text(tables["studies"]))
    table = with_change_scores(table)
    table["usable"] = table["reason_code"] == ""
    return table[list(ARMS)]


def event_summaries(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row a row of events.csv (columns EVENTS); the outcome's code stands in `instrument`."""
    rows = plain_text(tables["events"])
    n, assumed = with_randomised(rows, tables["arms"])
    usual = rows["domain"].isin(MORE_IS_BETTER).map({True: "higher", False: "lower"})
    table = rows.rename(columns={"outcome": "instrument", "row_id": "row_ids"}).assign(
        item="",
        unit="events",
        better=rows["better"].where(rows["better"] != "", usual),
        reading=rows["reading"].where(rows["reading"] != "", "single"),
        kind="events",
        n=n,
        route=int(Route.PRINTED),
        reconstructed=False,
        imputed=assumed,
        derivation=steps(rows["count_from"].map(COUNTED), where_text(assumed, "n = randomised")),
        cautions=no_text(len(rows)),
    )
    table["cautions"] = with_cautions(table, plain_text(tables["studies"]))
    cases = (
        (rows["use"] == SHOW_ONLY, Reason.HELD_BACK, rows["use_reason"]),
        (rows["events"] > n, Reason.IMPOSSIBLE, "more events than people"),
        (rows["events"].isna(), Reason.NO_NUMBERS, "number of events not reported"),
        (n.isna(), Reason.NO_N, "number of people not reported"),
    )
    refuse(table, cases)
    table["usable"] = table["reason_code"] == ""
    return table[list(EVENTS)]


def centre_and_spread(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean and SD of every row of continuous.csv, with the route taken.

    `rows` has the codebook's columns with text as plain strings and `n` filled. Returns, on the same index,
    `mean`, `sd`, `route`, `derivation`, `cautions`, `reason_code`, `reason` (codes "" where usable). Medians
    are refused where Shi's 2023 statistic says that the data are too skewed, and for fewer than 5 people;
    quartiles or a range beside a mean give the SD alone.

    >>> row = {"centre_type": "mean", "centre": 2.0, "spread_type": "se", "spread_low": 0.5,
    ...        "spread_high": np.nan, "n": 16.0}
    >>> out = centre_and_spread(pd.DataFrame([row]))
    >>> float(out["sd"].iloc[0]), out["derivation"].iloc[0]
    (2.0, 'SD from SE, n = 16')
    """
    out = pd.DataFrame({"mean": np.nan, "sd": np.nan, "route": int(Route.PRINTED)}, index=rows.index)
    for name in ("derivation", "cautions", "reason_code", "reason"):
        out[name] = no_text(len(rows))
    is_mean = rows["centre_type"].isin(["mean", "lsmean"])
    out.loc[is_mean, "mean"] = rows["centre"]
    _printed(rows, out, is_mean & (rows["spread_type"] == "sd"))
    _from_se(rows, out, is_mean & (rows["spread_type"] == "se") & rows["n"].notna())
    for spread_type, level in INTERVALS.items():
        _from_interval(rows, out, is_mean & (rows["spread_type"] == spread_type) & (rows["n"] >= 2), level)
    quantiles = rows["spread_type"].isin(["iqr", "range"])
    _from_quantiles(rows, out, quantiles & (rows["n"] >= FEWEST_FOR_QUANTILES), is_mean)
    _without_spread(rows, out, is_mean, quantiles)
    return out


def _printed(rows: pd.DataFrame, out: pd.DataFrame, mask: pd.Series) -> None:
    out.loc[mask, "sd"] = rows["spread_low"]
    out.loc[mask, "derivation"] = "mean and SD as printed"
    out.loc[mask & (rows["centre_type"] == "lsmean"), "derivation"] = "least-squares mean and SD as printed"


def _from_se(rows: pd.DataFrame, out: pd.DataFrame, mask: pd.Series) -> None:
    if not mask.any():
        return
    part = rows[mask]
    out.loc[mask, "sd"] = sd_from_se(part["spread_low"], part["n"])
    out.loc[mask, "route"] = int(Route.ALGEBRA)
    out.loc[mask, "derivation"] = [
        f"SD from SE{' of the least-squares mean' if kind == 'lsmean' else ''}, n = {n:.0f}"
        for kind, n in zip(part["centre_type"], part["n"], strict=True)
    ]


def _from_interval(rows: pd.DataFrame, out: pd.DataFrame, mask: pd.Series, level: float) -> None:
    mask = mask & (rows["spread_high"] >= rows["spread_low"])
    if not mask.any():
        return
    part = rows[mask]
    limits = (part["spread_low"], part["spread_high"])
    out.loc[mask, "sd"] = sd_from_ci(*limits, part["n"], level=level)
    out.loc[mask, "route"] = int(Route.ALGEBRA)
    out.loc[mask, "derivation"] = [f"SD from {level:.0%} CI with t, n = {n:.0f}" for n in part["n"]]
    out.loc[mask, "cautions"] = interval_cautions(
        part["centre"], *limits, interval_names(part["spread_type"])
    )


def _from_quantiles(rows: pd.DataFrame, out: pd.DataFrame, mask: pd.Series, is_mean: pd.Series) -> None:
    """Mean and SD from a median with its bounds; beside a mean the bounds give the SD alone."""
    centre = rows["centre"].where(~is_mean, (rows["spread_low"] + rows["spread_high"]) / 2)
    ordered = (rows["spread_low"] <= centre) & (centre <= rows["spread_high"])
    mask = mask & ordered & (rows["spread_high"] > rows["spread_low"])
    for kind, names, words in QUANTILES:
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
        out.loc[chosen, "route"] = int(Route.QUANTILES)
        out.loc[chosen, "derivation"] = [
            f"mean as printed, SD (Wan) from {words}, n = {n:.0f}"
            if beside
            else f"mean (Luo) and SD (Wan) from median and {words}, n = {n:.0f}"
            for n, beside in zip(part["n"], beside_mean, strict=True)
        ]
        out.loc[chosen, "cautions"] = where_text(beside_mean, NO_MEDIAN)
        out.loc[chosen, "reason_code"] = where_text(skewed, Reason.SKEWED.value)
        refused = f"median and {words} too skewed for a mean and SD (Shi statistic {{:.3f}}, limit {{:.3f}})"
        out.loc[chosen, "reason"] = [
            refused.format(statistic, limit) if bad else ""
            for statistic, limit, bad in zip(result.skewness, result.critical, skewed, strict=True)
        ]


def _without_spread(rows: pd.DataFrame, out: pd.DataFrame, is_mean: pd.Series, quantiles: pd.Series) -> None:
    """Say why a row has no mean, SD and n, the first reason that applies."""
    no_n = rows["n"].isna()
    no_sd = ~(out["sd"] > 0) | no_n
    few = ~no_n & quantiles & (rows["n"] < FEWEST_FOR_QUANTILES)
    bounds = rows["spread_low"].notna() & rows["spread_high"].notna()
    bare = rows["spread_type"].isin(["none", ""]) & is_mean
    cases = (
        (out["sd"] == 0, Reason.NO_SPREAD, "the printed spread is 0, which gives no weight"),
        (bare, Reason.NO_SPREAD, "mean without a spread"),
        (~is_mean & ~quantiles, Reason.NO_SPREAD, "median without quartiles or range"),
        (no_n, Reason.NO_N, "number of people not reported"),
        (few, Reason.TOO_FEW, "fewer than 5 people: nothing to be told from quantiles"),
        (quantiles & bounds, Reason.BAD_SPREAD, "median or mean outside its bounds, or bounds equal"),
        (no_sd, Reason.NO_SPREAD, "spread incomplete"),
    )
    refuse(out, [(no_sd & mask, code, words) for mask, code, words in cases])
