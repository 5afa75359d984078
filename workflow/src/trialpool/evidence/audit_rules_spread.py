"""Spreads that cannot be, or that hardly are what they are called: SE as SD, bounds, intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from trialpool.evidence.audit_frame import (
    HIGH,
    LOW,
    MEDIUM,
    OUTCOME,
    TIME,
    Tables,
    findings,
    half_unit,
    range_words,
    what,
)

FACTOR = 2.5  # an SD so many times smaller or larger than usual is asked about
FEWEST_TRIALS = 3  # others with the same instrument
FEWEST_IN_DOMAIN = 5  # others with another scale of pain, as parts of their ranges
WIDEST_PAIN_SCALE = 100  # intensity scales use their whole range; questionnaires and impairment scores do not
UNEQUAL_FACTOR, UNEQUAL_P = 2.0, 1e-4
ASYMMETRY = 0.1  # of the half-width, beyond what rounding can do


def spread_against_other_trials(tables: Tables) -> pd.DataFrame:
    """Rules se_as_sd, sd_as_se, spread_small, spread_large: an SD against those of other trials.

    Others are, for pain, the trials with any bounded scale of it and the same kind of value (final or
    change), as parts of their ranges; otherwise those with the same instrument, if possible the same item
    and kind. What would fit as a standard error (SD·√n near the usual SD and possible with the mean), or the
    other way round, is said so.
    """
    rows = tables["continuous"]
    rows = rows[(rows["sd"] > 0) & (rows["unit"] != "percent")]
    usual, words = _usual_sd(rows)
    rows, usual, words = rows[usual.notna()], usual[usual.notna()], words[usual.notna()]
    ratio = rows["sd"] / usual
    as_se = (rows["sd"] * np.sqrt(rows["n_any"]) / usual).where(rows["spread_type"] != "se")
    as_se = as_se.where(~(as_se * usual > _largest_sd(rows)))
    as_sd = (rows["sd"] / np.sqrt(rows["n_any"]) / usual).where(rows["spread_type"] == "se")
    small, large = ratio < 1 / FACTOR, ratio > FACTOR
    cases = (
        (
            "se_as_sd",
            small & _near(as_se),
            HIGH,
            "spread far below other trials; it would fit as a standard error",
        ),
        ("sd_as_se", large & _near(as_sd), HIGH, "spread far above other trials; it would fit as an SD"),
        ("spread_small", small & ~_near(as_se), MEDIUM, "spread far below that of other trials"),
        ("spread_large", large & ~_near(as_sd), MEDIUM, "spread far above that of other trials"),
    )
    check = "how the paper labels the spread (SD or SE), the number of people, and the unit"
    parts = []
    for rule, mask, severity, finding in cases:
        pairs = zip(rows[mask].itertuples(), words[mask], strict=True)
        numbers = [f"{what(row)}: SD {row.sd:.3g} (from {_spread_words(row)}), {word}" for row, word in pairs]
        parts.append(findings(rule, severity, rows[mask], numbers=numbers, finding=finding, check=check))
    return pd.concat(parts)


def _near(ratio: pd.Series) -> pd.Series:
    """Within the factor that makes a spread unusual."""
    return (ratio > 1 / FACTOR) & (ratio < FACTOR)


def _spread_words(row: object) -> str:
    low, high, n = row.spread_low, row.spread_high, row.n_any  # type: ignore[attr-defined]
    bounds = f"{low:g}" if high != high else f"{low:g} to {high:g}"
    return f"{row.spread_type} {bounds}, n = {'?' if n != n else f'{n:.0f}'}"  # type: ignore[attr-defined]


def _usual_sd(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """SD to expect for each row from the other trials (NaN if too few), and in words where it is from."""
    width = rows["high"] - rows["low"]
    value = np.log(rows["sd"])
    same, n_same = _median_of_others(rows, value, ["instrument", "item", "unit", "measure"])
    any_item, n_any = _median_of_others(rows, value, ["instrument", "unit", "measure"])
    any_kind, n_kind = _median_of_others(rows, value, ["instrument", "unit"])
    pain = (rows["domain"] == "pain") & (width <= WIDEST_PAIN_SCALE)
    part, n_part = _median_of_others(rows, (value - np.log(width)).where(pain), ["domain", "measure"])
    choices = (
        ((np.exp(part) * width).where(pain), n_part, FEWEST_IN_DOMAIN, "a scale of pain, by range"),
        (np.exp(same), n_same, FEWEST_TRIALS, "this instrument"),
        (np.exp(any_item), n_any, FEWEST_TRIALS, "this instrument"),
        (np.exp(any_kind), n_kind, FEWEST_TRIALS, "this instrument"),
    )
    usual = pd.Series(np.nan, index=rows.index)
    words = pd.Series("", index=rows.index, dtype=object)
    for estimate, count, fewest, name in choices:
        now = usual.isna() & (count >= fewest) & estimate.notna()
        usual[now] = estimate[now]
        words[now] = [
            f"usual {sd:.3g} ({number:.0f} other trials with {name})"
            for sd, number in zip(estimate[now], count[now], strict=True)
        ]
    return usual, words


def _median_of_others(rows: pd.DataFrame, value: pd.Series, keys: list[str]) -> tuple[pd.Series, pd.Series]:
    """Median over the other trials of their median value, and how many they are; aligned with rows."""
    frame = rows[[*keys, "study_id"]].assign(value=value).dropna(subset=["value"])
    medians = frame.groupby([*keys, "study_id"], sort=False)["value"].median().reset_index()
    parts = [_leave_out(group) for _, group in medians.groupby(keys, sort=False)]
    if not parts:
        return pd.Series(np.nan, index=rows.index), pd.Series(0.0, index=rows.index)
    others = pd.concat(parts).set_index([*keys, "study_id"])
    joined = rows.join(others, on=[*keys, "study_id"])
    return joined["median_of_others"], joined["trials"].fillna(0.0)


def _leave_out(group: pd.DataFrame) -> pd.DataFrame:
    """Median of the other trials' values for every trial of a group: one sort, then by position."""
    order = group.sort_values("value")
    values = order["value"].to_numpy()
    k, place = len(values), np.arange(len(values))
    if k < 2:
        return order.assign(median_of_others=np.nan, trials=0.0).drop(columns="value")
    low, high = (k - 2) // 2, (k - 1) // 2  # the middle of k - 1 values once one is gone
    left = np.where(place <= low, values[np.minimum(low + 1, k - 1)], values[low])
    right = np.where(place <= high, values[np.minimum(high + 1, k - 1)], values[high])
    return order.assign(median_of_others=(left + right) / 2, trials=float(k - 1)).drop(columns="value")


def spread_unequal(tables: Tables) -> pd.DataFrame:
    """Rule spread_unequal: two arms' SDs more than twice apart and beyond chance (F test, p < 0.0001)."""
    rows = tables["continuous"]
    rows = rows[(rows["sd"] > 0) & (rows["n_any"] >= 3)]
    ordered = rows.sort_values("sd")
    groups = ordered.groupby(OUTCOME + TIME, dropna=False, sort=False)
    least, most = groups.head(1).set_index(OUTCOME + TIME), groups.tail(1).set_index(OUTCOME + TIME)
    pairs = most.join(least[["arm", "sd", "n_any", "row_id"]].add_suffix("_least")).reset_index()
    ratio = pairs["sd"] / pairs["sd_least"]
    p = 2 * fdtrc(pairs["n_any"] - 1, pairs["n_any_least"] - 1, ratio**2)
    pairs = pairs.assign(ratio=ratio)[(ratio > UNEQUAL_FACTOR) & (p < UNEQUAL_P)]
    return findings(
        "spread_unequal",
        MEDIUM,
        pairs.assign(row_ids=pairs["row_id"] + " " + pairs["row_id_least"]),
        numbers=[
            f"{what(row)}: SD {row.sd:.3g} (n {row.n_any:.0f}) against {row.sd_least:.3g}"
            f" in arm {row.arm_least} (n {row.n_any_least:.0f}), {row.ratio:.1f} times; if the smaller one is"
            f" a standard error its SD is {row.sd_least * row.n_any_least**0.5:.3g}"
            for row in pairs.itertuples()
        ],
        finding="the arms' spreads differ far beyond chance: one of them may be a standard error",
        check="both spreads and their labels; skewed data may also do it",
    )


def outside_range(tables: Tables) -> pd.DataFrame:
    """Rule outside_range: a value, bound, change or difference that the instrument does not allow."""
    arms, contrasts = tables["continuous"], tables["contrasts"]
    values = arms[["centre"]].copy()
    quantile = arms["spread_type"].isin(["iqr", "range"])
    values["spread_low"], values["spread_high"] = (
        arms[name].where(quantile) for name in ("spread_low", "spread_high")
    )
    width = arms["high"] - arms["low"]
    low = arms["low"].where(arms["measure"] == "final", -width)
    high = arms["high"].where(arms["measure"] == "final", width)
    bad = values.lt(low, axis=0).any(axis=1) | values.gt(high, axis=0).any(axis=1)
    width = contrasts["high"] - contrasts["low"]
    differences = contrasts["measure"].isin(["mean_difference", "change_difference"])
    factor = np.where(contrasts["measure"] == "mean_difference", 1.0, 2.0)
    far = differences & (contrasts["estimate"].abs() > width * factor)
    rows = pd.concat(
        [
            arms.assign(value=arms["centre"], bottom=low, top=high)[bad],
            contrasts.assign(arm="", value=contrasts["estimate"], bottom=-width * factor, top=width * factor)[
                far
            ],
        ]
    )
    return findings(
        "outside_range",
        HIGH,
        rows,
        numbers=[
            f"{what(row)}: {row.value:g}, possible {row.bottom:g} to {row.top:g}" for row in rows.itertuples()
        ],
        finding="a value that the instrument cannot take",
        check="the scoring used by the paper, the unit, and the sign",
    )


def mean_sd_impossible(tables: Tables) -> pd.DataFrame:
    """Rules mean_sd_impossible and skewed: mean and SD against the bounds of the scale.

    The SD of n values within [a, b] with mean m is at most √((m − a)(b − m)·n/(n − 1)) (Bhatia & Davis 2000).
    A mean nearer than one SD to a bound means that the values cannot be symmetric about it.
    """
    rows = tables["continuous"]
    rows = rows[(rows["measure"] == "final") & (rows["sd"] > 0) & (rows["centre_type"] == "mean")]
    most = _largest_sd(rows)
    below, above = rows["centre"] - rows["low"], rows["high"] - rows["centre"]
    tolerance = half_unit(rows["spread_low"]).where(rows["spread_type"] == "sd", rows["sd"] * 0.01)
    impossible = rows["sd"] - tolerance > most
    later = rows["timepoint"] != "baseline"
    skewed = later & ~impossible & ((below < rows["sd"]) | (above < rows["sd"]))
    return pd.concat(
        [
            findings(
                "mean_sd_impossible",
                HIGH,
                rows[impossible],
                numbers=[
                    f"{_against_bounds(row)}; SD at most {bound:.3g}"
                    for row, bound in zip(rows[impossible].itertuples(), most[impossible], strict=True)
                ],
                finding="no set of values within the range has this mean and SD",
                check="whether the spread is an SD, the scoring, and the number of people",
            ),
            findings(
                "skewed",
                LOW,
                rows[skewed],
                numbers=list(map(_against_bounds, rows[skewed].itertuples())),
                finding="the mean is nearer than one SD to a bound, so the values are skewed",
                check="whether the paper gives medians; a mean difference of skewed scores is fragile",
            ),
        ]
    )


def _largest_sd(rows: pd.DataFrame) -> pd.Series:
    """Largest SD that a printed mean allows between its bounds, rounding granted; NaN without both."""
    slack = half_unit(rows["centre"])
    room = (rows["centre"] - rows["low"] + slack) * (rows["high"] - rows["centre"] + slack)
    n = rows["n_any"].fillna(np.inf).clip(lower=2)
    return np.sqrt(room.clip(lower=0) / (1 - 1 / n)).where(rows["measure"] == "final")


def _against_bounds(row: object) -> str:
    words = f"mean {row.centre:g}, SD {row.sd:.3g}, {range_words(row.low, row.high)}"  # type: ignore[attr-defined]
    return f"{what(row)}: {words}"
