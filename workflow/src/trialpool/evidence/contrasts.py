"""Contrasts: what papers print about the difference between two arms, as estimate and standard error.

Routes, with the trust they have beside those of the arms (see `routes`):
0 estimate of a model adjusted for baseline, with SE or 95% interval: the most efficient and least biased
  analysis of a trial (Cochrane Handbook 10.5.2), so it goes before the arms' own numbers;
3 unadjusted estimate with SE or 95% interval;
4 estimate with an exact p-value, taken as the p of a t-test (Handbook 6.3.2). An interval becomes an SE by
  t on n1 + n2 - 2 degrees of freedom where the numbers of people are known (those analysed, else those
  randomised), by normal quantiles otherwise; ratios always by normal quantiles of their logarithm. The
  derivation says which. A missing estimate is the midpoint of its interval.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from trialpool.evidence import routes
from trialpool.evidence.words import held_back, joined, plain_text, study_doubts, where_text
from trialpool.stats import se_from_ci, se_from_p

CONTRAST_COLUMNS = (
    *("study_id", "arm_1", "arm_2", "domain", "instrument", "item", "unit", "better", "weeks", "timepoint"),
    *("measure", "estimate", "se", "df", "n_1", "n_2", "adjusted", "trust", "imputed", "derivation"),
    *("cautions", "reading", "source_url", "locator", "row_ids", "usable", "reason_code", "reason"),
)
LOG_MEASURES = ("risk_ratio", "odds_ratio", "hazard_ratio", "rate_ratio", "ratio_of_means")
EXACT_P = r"^=? ?(0?\.\d+)$"
RANK_TEST = r"\brank\b|wilcoxon|mann.?whitney|kruskal"


def contrast_summaries(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row a row of contrasts.csv (columns CONTRAST_COLUMNS), ratios as logarithms.

    `df` is NaN where normal quantiles were used; `n_1` and `n_2` are the people analysed, else randomised.
    """
    rows = plain_text(tables["contrasts"])
    rows["row_ids"] = rows["row_id"]
    assumed_n = _fill_numbers(rows, tables["arms"])
    table = rows.assign(
        df=np.where(rows["n_1"] + rows["n_2"] > 2, rows["n_1"] + rows["n_2"] - 2, np.nan),
        se=np.nan,
        trust=np.where(rows["adjusted"] == "yes", routes.ADJUSTED, routes.CONTRAST),
        imputed=False,
        derivation="",
        cautions="",
        reason_code="",
        reason="",
    ).astype(dict.fromkeys(("derivation", "cautions", "reason_code", "reason"), object))
    _to_logs(table)
    _standard_errors(table, assumed_n)
    _refuse(table)
    doubt = table["study_id"].map(study_doubts(plain_text(tables["studies"]))).fillna("")
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
    interval = (table["spread_type"] == "ci95") & (table["spread_high"] >= table["spread_low"])
    missing = table["estimate"].isna() & interval
    table.loc[missing, "estimate"] = (table["spread_low"] + table["spread_high"]) / 2
    table["derivation"] = where_text(missing, "estimate = midpoint of its 95% CI")
    given = interval & ~missing & table["estimate"].notna()
    part = table[given]
    table.loc[given, "cautions"] = routes.interval_cautions(
        part["estimate"], part["spread_low"], part["spread_high"]
    )


def _standard_errors(table: pd.DataFrame, assumed_n: pd.Series) -> None:
    log = table["measure"].isin(LOG_MEASURES)
    by_t = table["df"].notna() & ~log & (table["measure"] != "smd")
    table["df"] = table["df"].where(by_t)
    who = where_text(assumed_n, " (n = randomised)")
    known = table["estimate"].notna() & (table["reason_code"] == "")
    printed = known & (table["spread_type"] == "se")
    table.loc[printed, "se"] = table["spread_low"]
    _say(table, printed, "SE as printed")
    interval = known & (table["spread_type"] == "ci95") & (table["spread_high"] > table["spread_low"])
    exact = pd.to_numeric(table["p_value"].str.extract(EXACT_P, expand=False), errors="coerce")
    ranks = table["note"].str.contains(RANK_TEST, case=False, regex=True)
    by_p = known & (table["spread_type"] == "none") & (exact > 0) & (exact < 1) & ~log & ~ranks
    by_p &= table["estimate"] != 0
    for mask, quantile in ((by_t, "t"), (~by_t, "normal")):
        df = table["df"] if quantile == "t" else None
        for now, words in ((interval & mask, "95% CI"), (by_p & mask, "p")):
            if not now.any():
                continue
            part = table[now]
            freedom = None if df is None else df[now]
            if words == "p":
                table.loc[now, "se"] = se_from_p(part["estimate"], exact[now], df=freedom)
            else:
                table.loc[now, "se"] = se_from_ci(part["spread_low"], part["spread_high"], df=freedom)
            _say(table, now, [_words(row, words, quantile) for row in part.assign(who=who[now]).itertuples()])
    table.loc[by_p, "trust"] = routes.FROM_P
    table.loc[by_p, "cautions"] = joined(
        table["cautions"], "SE rests on a p-value taken as that of a t-test"
    )[by_p.to_numpy()]


def _words(row: object, source: str, quantile: str) -> str:
    what = source if source != "p" else f"p = {row.p_value.lstrip('= ')}"  # type: ignore[attr-defined]
    if quantile == "t":
        return f"SE from {what} with t, df {row.df:.0f}{row.who}"  # type: ignore[attr-defined]
    return f"SE from {what} with normal quantiles"


def _say(table: pd.DataFrame, mask: pd.Series, words: str | list[str]) -> None:
    table.loc[mask, "derivation"] = joined(table.loc[mask, "derivation"], words)


def _refuse(table: pd.DataFrame) -> None:
    """Say why a contrast cannot be used, the most telling reason first."""
    no_se = ~(table["se"] > 0)
    none = no_se & table["spread_type"].isin(["none", ""])
    reasons = (
        (held_back(table["note"]), "held_back", table["note"]),
        (
            table["measure"] == "effect_unspecified",
            "unspecified",
            "the paper does not say what the number is",
        ),
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
