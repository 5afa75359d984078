"""SDs that rest on a setting of the analysis: of changes by a correlation, or borrowed from other trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trialpool.evidence import routes
from trialpool.evidence.words import joined, number_text
from trialpool.stats import change_sd


def assumed_sds(rows: pd.DataFrame, specs: Sequence[Mapping[str, Any]], source: pd.DataFrame) -> None:
    """Fill `sd` of candidate arm rows in place, from `source`, their arm summaries row by row.

    The correlation is the one found in the evidence (`r_found`), unless there is none or the analysis sets
    `correlation_source: assumed`; then it is `change_correlation`. SDs are borrowed where the analysis sets
    `borrow_sd`.
    """
    source = source.set_axis(rows.index)
    _changes(rows, specs, source)
    _borrow(rows, specs, source)


def _setting(specs: Sequence[Mapping[str, Any]], rows: pd.DataFrame, name: str, default: Any) -> np.ndarray:
    values = np.array([spec.get(name, default) for spec in specs])
    return values[rows["analysis"].to_numpy()]


def _changes(rows: pd.DataFrame, specs: Sequence[Mapping[str, Any]], source: pd.DataFrame) -> None:
    now = (rows["trust"] == routes.CORRELATION) & (rows["reason_code"] == "")
    if not now.any():
        return
    part, told = rows[now], source[now]
    assumed = _setting(specs, part, "change_correlation", 0.5)
    found = (_setting(specs, part, "correlation_source", "found") == "found") & told["r_found"].notna()
    r = np.where(found, told["r_found"], assumed)
    rows.loc[now, "sd"] = change_sd(told["sd_before"], told["sd_after"], r)
    words = [
        f"r = {number_text(value)} ({text})" if known else f"r = {number_text(value)} assumed"
        for value, text, known in zip(r, told["r_source"], found, strict=True)
    ]
    rows.loc[now, "derivation"] = joined(part["derivation"], words)
    flat = now & ~(rows["sd"] > 0)
    rows.loc[flat, "reason_code"], rows.loc[flat, "reason"] = "no_spread", "the assumed SD of the change is 0"


def _borrow(rows: pd.DataFrame, specs: Sequence[Mapping[str, Any]], source: pd.DataFrame) -> None:
    now = (rows["reason_code"] == "no_spread") & rows["mean"].notna() & (rows["n"] >= 2) & rows["sd"].isna()
    now &= source["sd_borrowed"].notna()
    if not now.any():
        return
    now &= _setting(specs, rows, "borrow_sd", False).astype(bool)
    part, told = rows[now], source[now]
    rows.loc[now, "sd"], rows.loc[now, "trust"] = told["sd_borrowed"], routes.BORROWED
    rows.loc[now, "imputed"] = True
    words = [f"mean as printed, its SD pooled over {text}" for text in told["borrowed_from"]]
    rows.loc[now, "derivation"] = joined(words, part["derivation"])
    rows.loc[now, ["reason_code", "reason"]] = ""
