"""Odds ratios and responders in an analysis of standardised mean differences, where the config allows it.

`convert: [pain_50, pain_30, odds_ratio]` names the outcomes of events.csv (domain `responder`) that may stand
in, in order of preference, and with `odds_ratio` the odds ratios published in contrasts.csv. A log odds ratio
times √3/π is an SMD if what was cut in two is logistic (Hasselblad & Hedges 1995; Cochrane Handbook 10.6);
such effects are `imputed` and used only for trials that offer nothing better. A risk ratio without its
counts cannot be converted, because the risk in the control arm is not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trialpool.evidence import routes
from trialpool.evidence.questions import NOT_ASKED, UNLISTED
from trialpool.evidence.words import joined
from trialpool.stats import log_odds_ratio_to_smd

ODDS_RATIO = "odds_ratio"
RESPONDER = "responder"
WORDS = "log odds ratio as SMD (×√3/π)"


def event_questions(specs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What the analyses ask of events.csv: those that convert ask for responders.

    >>> spec = {"measure": "SMD", "domain": "pain", "outcomes": ["NRS"], "items": [], "convert": ["pain_50"]}
    >>> asked = event_questions([spec])[0]
    >>> asked["domain"], asked["outcomes"]
    ('responder', ['pain_50'])
    """
    asked: list[Mapping[str, Any]] = []
    for spec in specs:
        outcomes = [name for name in spec.get("convert") or [] if name != ODDS_RATIO]
        if spec["measure"] == "SMD" and outcomes:
            spec = {**spec, "domain": RESPONDER, "outcomes": outcomes, "items": []}
        asked.append(spec)
    return asked


def behind_the_asked(rows: pd.DataFrame, specs: pd.DataFrame) -> pd.DataFrame:
    """Event rows of analyses that convert rank behind every instrument; those not named are dropped."""
    converts = (specs["measure"] == "SMD").to_numpy()[rows["analysis"].to_numpy()]
    rows = rows[~converts | (rows["outcome_rank"] != NOT_ASKED).to_numpy()]
    converts = (specs["measure"] == "SMD").to_numpy()[rows["analysis"].to_numpy()]
    return rows.assign(outcome_rank=rows["outcome_rank"] + np.where(converts, UNLISTED + 1, 0))


def allows_odds_ratios(specs: pd.DataFrame) -> np.ndarray:
    """Whether each analysis takes published odds ratios into its SMD."""
    return np.array(
        [
            measure == "SMD" and ODDS_RATIO in (convert or ())
            for measure, convert in zip(specs["measure"], specs["convert"], strict=True)
        ],
        dtype=bool,
    )


def odds_to_smd(table: pd.DataFrame, mask: np.ndarray, sign: np.ndarray) -> None:
    """Turn log odds ratios in `effect`, `variance` into SMDs in place where `mask`, with their direction."""
    if not mask.any():
        return
    result = log_odds_ratio_to_smd(table.loc[mask, "effect"], table.loc[mask, "variance"])
    table.loc[mask, "effect"] = np.asarray(result.effect) * sign[mask]
    table.loc[mask, "variance"] = np.asarray(result.variance)
    table.loc[mask, "trust"], table.loc[mask, "imputed"] = routes.CONVERTED, True
    turned = np.where(sign[mask] < 0, f"{WORDS}, sign reversed", WORDS)
    table.loc[mask, "derivation"] = joined(table.loc[mask, "derivation"], turned)
