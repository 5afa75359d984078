"""Intervals against their own estimate and p-value, contrasts against their arms, papers against notes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from trialpool.contracts import INTERVALS, RATIOS
from trialpool.evidence.audit_frame import HIGH, LOW, MEDIUM, Tables, findings, grouped, half_unit, what

ASYMMETRY = 0.1  # of the half-width, beyond what rounding can do
P_GAP = 0.35  # on the normal scale, beyond rounding, between a printed p and that of the interval
INTERVAL = ("estimate", "spread_low", "spread_high")


def interval_and_estimate(tables: Tables) -> pd.DataFrame:
    """Rules estimate_outside_interval and interval_asymmetric, for arms, contrasts and published pools.

    Ratios on their logarithm. The estimate and both bounds may have been moved by rounding; what is left of
    the distance from the middle must exceed a tenth of the half-width.
    """
    parts = []
    for rows in _with_intervals(tables):
        estimate, low, high = (_bounds(rows, name) for name in ("estimate", "spread_low", "spread_high"))
        half = (high[0] + high[1] - low[0] - low[1]) / 4
        middle = ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2)
        gap = np.maximum(middle[0] - estimate[1], estimate[0] - middle[1])
        outside = (estimate[1] < low[0]) | (estimate[0] > high[1])
        skew = ~outside & (gap > ASYMMETRY * half) & (half > 0)
        texts = pd.Series(
            [
                f"{row.label}: {row.estimate:g} ({row.spread_low:g} to {row.spread_high:g})"
                for row in rows.itertuples()
            ],
            index=rows.index,
            dtype=object,
        )
        for rule, mask, severity, words in (
            ("estimate_outside_interval", outside, HIGH, "the estimate lies outside its own interval"),
            ("interval_asymmetric", skew, MEDIUM, "the interval is not symmetric about its estimate"),
        ):
            check = "signs and digits of the estimate and both bounds; whether the model is on another scale"
            parts.append(
                findings(rule, severity, rows[mask], numbers=texts[mask], finding=words, check=check)
            )
    return pd.concat(parts)


def _with_intervals(tables: Tables) -> list[pd.DataFrame]:
    """Arms, contrasts and published pools with an estimate and a confidence interval, in the same columns."""
    names = ["study_id", "row_id", "source_url", "estimate", "spread_low", "spread_high", "ratio", "label"]
    arms = tables["continuous"]
    arms = arms[arms["spread_type"].isin(list(INTERVALS)) & (arms["centre_type"] != "median")]
    arms = arms.assign(estimate=arms["centre"], ratio=False, label=[what(row) for row in arms.itertuples()])
    contrasts = tables["contrasts"]
    contrasts = contrasts[contrasts["spread_type"].isin(list(INTERVALS))]
    contrasts = contrasts.assign(
        ratio=contrasts["measure"].isin(RATIOS),
        label=[f"{what(row)}, {row.arm_1} v {row.arm_2}" for row in contrasts.itertuples()],
    )
    pools = tables["published_pools"].rename(
        columns={"review_id": "study_id", "ci_low": "spread_low", "ci_high": "spread_high"}
    )
    pools = pools.assign(
        ratio=pools["measure"].isin(["RR", "OR"]), label=pools["comparison"] + ", " + pools["outcome"]
    )
    found = [frame[names].dropna(subset=names[3:6]) for frame in (arms, contrasts, pools)]
    positive = [~f["ratio"] | (f[["estimate", "spread_low", "spread_high"]] > 0).all(axis=1) for f in found]
    return [frame[mask] for frame, mask in zip(found, positive, strict=True)]


def _bounds(rows: pd.DataFrame, name: str) -> tuple[pd.Series, pd.Series]:
    """Between what values a printed number lay before rounding; logarithms for ratios.

    An estimate and its bounds are printed with equal places, so the most places of the three count for all.
    """
    slack = pd.concat([half_unit(rows[each]) for each in INTERVAL], axis=1).min(axis=1)
    low, high = rows[name] - slack, rows[name] + slack
    ratio = rows["ratio"].astype(bool)
    tiny = rows[name].abs() * 1e-3 + 1e-12
    low_log, high_log = (np.log(side.where(side > 0, tiny).where(ratio, 1.0)) for side in (low, high))
    return low_log.where(ratio, low), high_log.where(ratio, high)


def p_and_interval(tables: Tables) -> pd.DataFrame:
    """Rule p_disagrees: the p-value of a contrast against its own estimate and interval.

    By t on n1 + n2 − 2 df where the numbers are printed, else by the normal; p-values of other tests are
    left out.
    """
    rows = tables["contrasts"]
    rows = rows[rows["spread_type"].isin(list(INTERVALS)) & rows["estimate"].notna()]
    rows = rows[(rows["p_value"] != "") & (rows["p_test"] == "")]
    rows = rows.assign(ratio=rows["measure"].isin(RATIOS))
    low, high, estimate = (_bounds(rows, name) for name in ("spread_low", "spread_high", "estimate"))
    df = rows["n_1"] + rows["n_2"] - 2
    tail = (1 + rows["spread_type"].map(INTERVALS).astype(float)) / 2
    quantile = np.where(df > 0, stdtrit(df.where(df > 0, 1.0), tail), ndtri(tail))
    wide = (high[1] - low[0]) / 2 / quantile
    narrow = np.maximum((high[0] - low[1]) / 2, 1e-12) / quantile
    size = [bound.abs() for bound in estimate]
    crosses = estimate[0] * estimate[1] < 0
    z_low = as_normal(np.where(crosses, 0.0, np.minimum(*size)) / wide, df)
    z_high = as_normal(np.maximum(*size) / narrow, df)
    p_low, p_high = printed_p(rows["p_value"])
    bad = np.maximum(p_to_z(p_high) - z_high, z_low - p_to_z(p_low)) > P_GAP
    rows = rows.assign(z=(z_low + z_high) / 2)[bad]
    return findings(
        "p_disagrees",
        MEDIUM,
        rows,
        numbers=[
            f"{what(row)}: {row.estimate:g} ({row.spread_low:g} to {row.spread_high:g}), printed p"
            f" {row.p_value}, that interval gives about p = {z_to_p(row.z):.2g}"
            for row in rows.itertuples()
        ],
        finding="the p-value and the interval of the same estimate disagree",
        check="which test and which analysis each of them comes from",
    )


def printed_p(texts: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Between what values a printed p lies: rounding for an exact one, zero below for "<".

    >>> low, high = printed_p(pd.Series(["0.03", "<0.001"]))
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.025, 0.0], [0.035, 0.001])
    """
    value = pd.to_numeric(texts.str.extract(r"(0?\.\d+|1\.?0*|0)\s*$", expand=False), errors="coerce")
    slack = half_unit(value)
    below = texts.str.contains("<", regex=False)
    low = np.where(below, 0.0, np.maximum(value - slack, 0.0))
    return low, np.minimum(np.where(below, value, value + slack), 1.0)


def as_normal(t: np.ndarray, df: pd.Series) -> np.ndarray:
    """Size of a t statistic as the normal deviate of the same p-value; left as it is where df is unknown.

    >>> as_normal(np.array([2.0, 2.0]), pd.Series([10.0, np.nan])).round(3).tolist()
    [1.79, 2.0]
    """
    known = (df > 0).to_numpy()
    p = 2 * stdtr(df.where(df > 0, 1.0), -np.asarray(t, dtype=float))
    return np.where(known, p_to_z(p), t)


def p_to_z(p: np.ndarray) -> np.ndarray:
    """Two-sided p as the size of a normal deviate.

    >>> p_to_z(np.array([0.05, 1.0])).round(2).tolist()
    [1.96, 0.0]
    """
    return np.abs(ndtri(np.clip(np.asarray(p, dtype=float), 1e-300, 1.0) / 2))


def z_to_p(z: float) -> float:
    """Two-sided p of a normal deviate."""
    return float(2 * ndtr(-abs(z)))


def scored_otherwise(tables: Tables) -> pd.DataFrame:
    """Rules direction_unusual, unit_unusual and undefined_scale: rows against what the catalogue says."""
    rows = pd.concat([tables["continuous"], tables["contrasts"]], ignore_index=True)
    turned = (rows["better"] != rows["better_usual"]) & (rows["better_usual"] != "") & (rows["better"] != "")
    other = (rows["unit"] != rows["unit_usual"]) & (rows["unit_usual"] != "") & (rows["unit"] != "")
    cases = (
        (
            "direction_unusual",
            turned,
            MEDIUM,
            "better",
            "scored the other way than this instrument usually is",
        ),
        ("unit_unusual", other, LOW, "unit", "printed in another unit than this instrument has"),
        (
            "undefined_scale",
            ~rows["defined"] & ~rows["binary"],
            LOW,
            "unit",
            "not a score that this instrument defines",
        ),
    )
    parts = []
    for rule, mask, severity, name, words in cases:
        table = grouped(rows[mask], ["study_id", "instrument", name, f"{name}_usual"])
        numbers = [_how_scored(row, name, rule) for row in table.itertuples()]
        check = "how the paper scores the instrument, and the sign of its numbers"
        parts.append(findings(rule, severity, table, numbers=numbers, finding=words, check=check))
    return pd.concat(parts)


def _how_scored(row: object, name: str, rule: str) -> str:
    printed, usual = getattr(row, name), getattr(row, f"{name}_usual")
    difference = "" if rule == "undefined_scale" else f" {printed}, usually {usual}"
    count = f"{row.rows} row{'s' if row.rows > 1 else ''}"  # type: ignore[attr-defined]
    return f"{row.instrument}:{difference} ({count})"  # type: ignore[attr-defined]
