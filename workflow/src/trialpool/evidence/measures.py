"""Effects and variances of paired arms and of published contrasts, on the scale of the analysis.

Measures: MD, SMD (Hedges' g), ROM from means; RR, OR, RD from events; of contrasts, those printed as the
same measure, and an SMD from a printed mean difference where its standard error gives the SD (unadjusted
estimates only: an adjusted one has the smaller residual SD, which would inflate the SMD; Handbook 6.5.2.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from trialpool import stats
from trialpool.evidence import routes
from trialpool.evidence.conversions import ODDS_RATIO, allows_odds_ratios, odds_to_smd
from trialpool.evidence.words import joined, number_text
from trialpool.stats.effect_sizes import crossover_smd

DIFFERENCES = ("mean_difference", "change_difference")
SAME_MEASURE = {
    "MD": DIFFERENCES,
    "SMD": ("smd", *DIFFERENCES),
    "ROM": ("ratio_of_means",),
    "RR": ("risk_ratio",),
    "OR": ("odds_ratio",),
    "RD": ("risk_difference",),
}
FROM_DIFFERENCE = "SD from the SE of the difference"
Calculation = Callable[..., stats.Effects]
EVENT_MEASURES: Mapping[str, Calculation] = {
    "RR": stats.risk_ratio,
    "OR": stats.odds_ratio,
    "RD": stats.risk_difference,
}


def continuous_effects(pairs: pd.DataFrame, specs: pd.DataFrame) -> pd.DataFrame:
    """Add `effect`, `variance`, `reason_code`, `reason` to comparisons of means (already on scale)."""
    spec = specs.take(pairs["analysis"].to_numpy())
    measure, smd_variance = spec["measure"].to_numpy(), spec["smd_variance"].to_numpy()
    pairs = pairs.assign(effect=np.nan, variance=np.nan)
    values = [pairs[f"{name}_{side}"].to_numpy(float) for side in SIDES for name in ("mean", "sd", "n")]
    m1, s1, n1, m2, s2, n2 = values
    spread = (s1 > 0) | (s2 > 0)
    small = (n1 + n2 < 5) | ~((n1 > 1) & (n2 > 1))
    signs = ~(m1 * m2 > 0)
    paired = pairs["design_r"].notna().to_numpy()
    cases = {
        "no_spread": (~spread, "both arms print a spread of 0"),
        "too_few": ((measure == "SMD") & small, "too few people to standardise by their SD"),
        "no_ratio": ((measure == "ROM") & signs, "a ratio needs both means other than 0 and of one sign"),
        "crossover": ((measure == "ROM") & paired, "no ratio of means for the same people in both arms"),
    }
    pairs = _refused(pairs, cases)
    usable = (pairs["reason_code"] == "").to_numpy()
    for name in np.unique(measure):
        for kind in np.unique(smd_variance) if name == "SMD" else [""]:
            now = usable & (measure == name) & ((smd_variance == kind) | (name != "SMD"))
            if now.any():
                part = [value[now] for value in values]
                _put(pairs, now, _means(name, kind, part))
    _put_paired(pairs, usable & paired, measure, values)
    pairs["variance"] *= pairs["design_effect"]
    return pairs


def _put_paired(pairs: pd.DataFrame, mask: np.ndarray, measure: np.ndarray, values: list[np.ndarray]) -> None:
    """The same people in both arms: the difference's own variance, by the assumed correlation."""
    r = pairs["design_r"].to_numpy(float)
    for name in ("MD", "SMD"):
        now = mask & (measure == name)
        if not now.any():
            continue
        m1, s1, n1, m2, s2, n2 = (value[now] for value in values)
        people = np.minimum(n1, n2)
        if name == "MD":
            result = stats.paired_effects(m1 - m2, stats.change_sd(s1, s2, r[now]), people)
        else:
            result = crossover_smd(m1 - m2, s1, s2, people, r[now])
        _put(pairs, now, result)


SIDES = ("experimental", "control")


def _means(measure: str, smd_variance: str, values: list[np.ndarray]) -> stats.Effects:
    if measure == "SMD":
        return stats.standardized_mean_difference(*values, variance=smd_variance)
    return stats.ratio_of_means(*values) if measure == "ROM" else stats.mean_difference(*values)


def _put(table: pd.DataFrame, mask: np.ndarray, result: stats.Effects) -> None:
    table.loc[mask, "effect"] = np.asarray(result.effect)
    table.loc[mask, "variance"] = np.asarray(result.variance)


def _refused(table: pd.DataFrame, cases: Mapping[str, tuple[np.ndarray, str]]) -> pd.DataFrame:
    codes, reasons = np.full(len(table), "", dtype=object), np.full(len(table), "", dtype=object)
    for code, (mask, words) in reversed(cases.items()):
        codes[mask], reasons[mask] = code, words
    return table.assign(reason_code=codes, reason=reasons)


def event_effects(pairs: pd.DataFrame, specs: pd.DataFrame) -> pd.DataFrame:
    """Add `effect`, `variance`, `reason_code`, `reason` to comparisons of events; says where ½ was added.

    Trials without any event in both arms (or with nothing else) tell nothing about a ratio and are left out
    (Cochrane Handbook 10.4.4.1).
    """
    spec = specs.take(pairs["analysis"].to_numpy())
    asked, zero = spec["measure"].to_numpy(), spec["zero_cells"].to_numpy(float)
    measure = np.where(asked == "SMD", "OR", asked)
    pairs = pairs.assign(effect=np.nan, variance=np.nan)
    e1, n1, e2, n2 = (pairs[f"{name}_{side}"].to_numpy(float) for side in SIDES for name in ("events", "n"))
    ratio = np.isin(measure, ["RR", "OR"])
    empty = (e1 == 0) | (e2 == 0) | (e1 == n1) | (e2 == n2)
    cases = {
        "no_events": (ratio & (e1 + e2 == 0), "no event in either arm: nothing to tell about a ratio"),
        "all_events": (ratio & (e1 + e2 == n1 + n2), "everybody had the event in both arms"),
        "no_people": ((n1 < 1) | (n2 < 1), "an arm without people"),
        "zero_cells": (empty & (zero == 0), "an empty cell, and zero_cells adds nothing"),
    }
    pairs = _refused(pairs, cases)
    usable = (pairs["reason_code"] == "").to_numpy()
    for name, add in {*zip(measure[usable], zero[usable], strict=True)}:
        now = usable & (measure == name) & (zero == add)
        result = EVENT_MEASURES[name](e1[now], n1[now], e2[now], n2[now], zero_cells=add)
        _put(pairs, now, result)
    pairs["variance"] *= pairs["design_effect"]
    note = np.where(
        usable & empty & (zero > 0), [f"{number_text(add)} added to each cell" for add in zero], ""
    )
    pairs["derivation"] = joined(pairs["derivation"], note)
    sign = np.where(pairs["better"].to_numpy() == spec["better"].to_numpy(), 1.0, -1.0)
    odds_to_smd(pairs, usable & (asked == "SMD"), sign)
    return pairs


def contrast_effects(rows: pd.DataFrame, specs: pd.DataFrame) -> pd.DataFrame:
    """Add `effect`, `variance`, `reason_code`, `reason` to oriented contrasts with their `slope`.

    `estimate` is experimental minus (or over) control; `n_experimental`, `n_control` may be NaN.
    """
    spec = specs.take(rows["analysis"].to_numpy())
    measure = spec["measure"].to_numpy()
    printed = rows["measure"].to_numpy()
    same = np.zeros(len(rows), dtype=bool)
    for name, allowed in SAME_MEASURE.items():
        same |= (measure == name) & np.isin(printed, allowed)
    n1, n2 = rows["n_experimental"].to_numpy(float), rows["n_control"].to_numpy(float)
    from_difference = (measure == "SMD") & np.isin(printed, DIFFERENCES)
    from_odds = (printed == ODDS_RATIO) & allows_odds_ratios(specs)[rows["analysis"].to_numpy()]
    same |= from_odds
    numbers = (n1 >= 2) & (n2 >= 2) & (n1 + n2 >= 5)
    own_sd = numbers & (rows["adjusted"] != "yes").to_numpy()
    borrow = from_difference & ~own_sd & spec["borrow_sd"].to_numpy(dtype=bool)
    borrow &= rows["sd_borrowed"].notna().to_numpy()
    cases = {
        "other_measure": (~same, "published as another measure"),
        "adjusted": (
            from_difference & ~borrow & (rows["adjusted"] == "yes").to_numpy(),
            "an adjusted difference gives no SD to standardise by",
        ),
        "no_n": (
            from_difference & ~borrow & ~numbers,
            "numbers of people unknown, so no SD to standardise by",
        ),
    }
    rows = _refused(rows.assign(effect=np.nan, variance=np.nan), cases)
    usable = (rows["reason_code"] == "").to_numpy()
    words = {name: name.replace("_", " ") for name in {*printed}}
    other = rows["reason_code"] == "other_measure"
    rows.loc[other, "reason"] = [f"published as {words[name]}" for name in printed[other]]
    slope = rows["slope"].to_numpy(float)
    plain = usable & ~from_difference
    ratio = np.isin(measure, ["RR", "OR", "RD", "ROM"])
    factor = np.where(ratio | from_odds, 1.0, np.where(measure == "SMD", np.sign(slope), slope))
    rows.loc[plain, "effect"] = (rows["estimate"].to_numpy(float) * factor)[plain]
    rows.loc[plain, "variance"] = ((rows["se"].to_numpy(float) * factor) ** 2)[plain]
    odds_to_smd(rows, usable & from_odds, np.sign(slope))
    _standardised(rows, usable & from_difference & own_sd, n1, n2, np.sign(slope))
    _standardised_elsewhere(rows, usable & borrow, np.sign(slope))
    return rows


def _standardised_elsewhere(rows: pd.DataFrame, now: np.ndarray, sign: np.ndarray) -> None:
    """Printed differences over an SD pooled over other trials, which is taken as known."""
    if not now.any():
        return
    part = rows[now]
    rows.loc[now, "effect"] = part["estimate"] * sign[now] / part["sd_borrowed"]
    rows.loc[now, "variance"] = (part["se"] / part["sd_borrowed"]) ** 2
    rows.loc[now, "trust"], rows.loc[now, "imputed"] = routes.BORROWED, True
    words = [f"over the SD pooled over {text}" for text in part["borrowed_from"]]
    rows.loc[now, "derivation"] = joined(part["derivation"], words)


def _standardised(
    rows: pd.DataFrame, now: np.ndarray, n1: np.ndarray, n2: np.ndarray, sign: np.ndarray
) -> None:
    """Hedges' g of the printed differences marked by `now`, by the SD that their SE implies."""
    if not now.any():
        return
    part, ones, twos = rows[now], n1[now], n2[now]
    sd = stats.sd_from_difference_se(part["se"], ones, twos)
    difference, zero = part["estimate"].to_numpy(float) * sign[now], np.zeros(len(part))
    _put(rows, now, stats.standardized_mean_difference(difference, sd, ones, zero, sd, twos))
    assumed = part["assumed_n"].to_numpy(dtype=bool)
    rows.loc[now, "imputed"] = assumed
    words = np.where(assumed, f"{FROM_DIFFERENCE}, n = randomised", FROM_DIFFERENCE)
    rows.loc[now, "derivation"] = joined(part["derivation"], words)
