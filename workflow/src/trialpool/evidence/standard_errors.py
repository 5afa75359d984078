"""Standard errors of published contrasts: as printed, from a confidence interval, or from an exact p-value.

An interval or p-value of a difference is undone by t on the contrast's degrees of freedom where the numbers
of people are known (analysed, else randomised), by normal quantiles otherwise; ratios always by normal
quantiles of their logarithm. The derivation says which. A p-value printed as an inequality, or of another
test than t or z (`p_test`), gives no SE.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialpool.contracts import INTERVALS
from trialpool.evidence import routes
from trialpool.evidence.words import joined, where_text
from trialpool.stats import se_from_ci, se_from_p

LOG_MEASURES = ("risk_ratio", "odds_ratio", "hazard_ratio", "rate_ratio", "ratio_of_means")
NORMAL = (*LOG_MEASURES, "smd", "risk_difference")
EXACT_P = r"^=? ?(0?\.\d+)$"
LARGE_P = 0.5
FROM_T_TEST = "SE rests on a p-value taken as that of a t-test"
FROM_Z_TEST = "SE rests on a p-value taken as that of a normal test"
IMPRECISE = "the p-value is large, so rounding of it and of the difference weighs heavily"


def standard_errors(table: pd.DataFrame, assumed_n: pd.Series) -> None:
    """Fill `se` of a contrasts table in place, with `derivation`, `cautions`, `trust`; `df` NaN if unused."""
    by_t = table["df"].notna() & ~table["measure"].isin(NORMAL)
    table["df"] = table["df"].where(by_t)
    known = table["estimate"].notna() & (table["reason_code"] == "")
    printed = known & (table["spread_type"] == "se")
    table.loc[printed, "se"] = table["spread_low"]
    _say(table, printed, "SE as printed")
    interval = (
        known & table["spread_type"].isin(list(INTERVALS)) & (table["spread_high"] > table["spread_low"])
    )
    exact = exact_p(table)
    by_p = known & exact.notna() & (table["spread_type"] == "none") & (table["estimate"] != 0)
    tails = _quantile_words(table, assumed_n)
    for quantile in (by_t, ~by_t):
        for spread_type, level in INTERVALS.items():
            now = interval & quantile & (table["spread_type"] == spread_type)
            if now.any():
                limits = (table.loc[now, "spread_low"], table.loc[now, "spread_high"])
                table.loc[now, "se"] = se_from_ci(*limits, df=_df(table, now), level=level)
                _say(table, now, f"SE from {level:.0%} CI" + tails[now])
        now = by_p & quantile
        if now.any():
            table.loc[now, "se"] = se_from_p(table.loc[now, "estimate"], exact[now], df=_df(table, now))
            _say(table, now, "SE from p = " + table.loc[now, "p_value"].str.lstrip("= ") + tails[now])
    table.loc[by_p, "trust"] = routes.FROM_P
    caution = np.where(table["measure"].isin(NORMAL), FROM_Z_TEST, FROM_T_TEST).astype(object)
    caution = joined(caution, where_text(exact > LARGE_P, IMPRECISE))
    table.loc[by_p, "cautions"] = joined(table["cautions"], caution)[by_p.to_numpy()]


def exact_p(table: pd.DataFrame) -> pd.Series:
    """The p-value where it is printed as a number strictly between 0 and 1, and of a t or normal test.

    >>> frame = pd.DataFrame({"p_value": [".008", "<0.001", "0.2"], "p_test": ["", "", "rank"]})
    >>> exact_p(frame).tolist()
    [0.008, nan, nan]
    """
    value = pd.to_numeric(table["p_value"].str.extract(EXACT_P, expand=False), errors="coerce")
    return value.where((value > 0) & (value < 1) & (table["p_test"] == ""))


def _df(table: pd.DataFrame, now: pd.Series) -> pd.Series | None:
    freedom = table.loc[now, "df"]
    return None if freedom.isna().all() else freedom


def _quantile_words(table: pd.DataFrame, assumed_n: pd.Series) -> pd.Series:
    texts = [
        f" with t, df {df:.0f}{' (n = randomised)' if assumed else ''}"
        if df > 0
        else " with normal quantiles"
        for df, assumed in zip(table["df"], assumed_n, strict=True)
    ]
    return pd.Series(texts, index=table.index, dtype=object)


def _say(table: pd.DataFrame, mask: pd.Series, words: str | pd.Series) -> None:
    table.loc[mask, "derivation"] = joined(table.loc[mask, "derivation"], words)
