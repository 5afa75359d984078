"""Two reports of one result: arms against contrasts, arms and events against the p-value beside them."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from scipy.special import gammaln, stdtr

from trialpool.evidence.audit_frame import LOW, MEDIUM, OUTCOME, Tables, findings, half_unit, what
from trialpool.evidence.audit_rules_interval import RANK_TEST, p_to_z, printed_p, z_to_p

PRINTED_P = re.compile(r"\b[pP]\s?(?P<sign>[=<]|of)?\s?(?P<value>0?\.\d+|1\.0+)(?![\d%])")
SUPPOSED = re.compile(r"\bwould\b|\bif\b", re.IGNORECASE)
GAP_MEANS, GAP_EVENTS = (
    0.75,
    0.6,
)  # on the normal scale: adjustment and choice of test move a p-value that far
UNADJUSTED_GAP = 0.5  # of the standard error


def arms_against_contrasts(tables: Tables) -> pd.DataFrame:
    """Rule arms_disagree_with_contrast: a printed difference against the difference of the printed means."""
    arms = tables["continuous"]
    arms = arms[arms["centre_type"].isin(["mean", "lsmean"]) & (arms["timepoint"] != "baseline")]
    keys = [*OUTCOME, "weeks", "timepoint"]
    pairs = tables["contrasts"]
    pairs = pairs[pairs["measure"].isin(["mean_difference", "change_difference"]) & pairs["estimate"].notna()]
    value = arms[[*keys, "arm", "measure", "centre", "row_id"]].rename(columns={"measure": "kind"})
    left = pairs.merge(value.rename(columns={"arm": "arm_1"}), on=[*keys, "arm_1"], suffixes=("", "_1"))
    both = left.merge(
        value.rename(columns={"arm": "arm_2"}), on=[*keys, "arm_2", "kind"], suffixes=("", "_2")
    )
    both = both[(both["kind"] == "change") | (both["measure"] == "mean_difference")]
    slack = sum(half_unit(both[name]) for name in ("estimate", "centre", "centre_2"))
    difference = both["centre"] - both["centre_2"]
    gap = (both["estimate"] - difference).abs() - slack
    half = (both["spread_high"] - both["spread_low"]) / 4
    allowed = np.where(both["adjusted"] == "yes", half.fillna(np.inf), 1e-9)
    mask = gap > allowed
    reverse = (both["estimate"] + difference).abs() <= slack
    both = both.assign(difference=difference, reverse=reverse)[mask]
    return findings(
        "arms_disagree_with_contrast",
        MEDIUM,
        both.assign(row_ids=both["row_id"] + " " + both["row_id_1"] + " " + both["row_id_2"]),
        numbers=[
            f"{what(row)}: printed difference {row.estimate:g}, difference of the {row.kind} values "
            f"{row.difference:.4g}" + (" (the sign is the other way round)" if row.reverse else "")
            for row in both.itertuples()
        ],
        finding="the printed difference is not that of the printed means",
        check="adjustment, another time or population, the sign, or a misprint",
    )


def printed_p_of(note: str) -> str:
    """The p-value that a note quotes, as "0.03" or "<0.001"; "" if none, or if it is only supposed.

    >>> [printed_p_of(note) for note in ("between-arm P = .035; n = 9", "p < 0.01", "as SE p would be .4")]
    ['.035', '<0.01', '']
    """
    for clause in re.split(r"[;(]", note):
        match = PRINTED_P.search(clause)
        if match and not SUPPOSED.search(clause) and not RANK_TEST.search(clause):
            return ("<" if match["sign"] == "<" else "") + match["value"]
    return ""


def p_and_means(tables: Tables) -> pd.DataFrame:
    """Rule p_disagrees_with_arms: Welch's t-test of two arms' means and SDs against the p printed beside."""
    rows = tables["continuous"]
    rows = rows[(rows["sd"] > 0) & (rows["n_any"] >= 2) & rows["centre_type"].isin(["mean", "lsmean"])]
    rows = rows[rows["timepoint"] != "baseline"]
    pairs = _pairs(rows, [*OUTCOME, "weeks", "timepoint", "measure"])
    if pairs.empty:
        return findings("p_disagrees_with_arms", LOW, pairs, numbers=[], finding="", check="")
    v1, v2 = pairs["sd"] ** 2 / pairs["n_any"], pairs["sd_2"] ** 2 / pairs["n_any_2"]
    df = (v1 + v2) ** 2 / (v1**2 / (pairs["n_any"] - 1) + v2**2 / (pairs["n_any_2"] - 1))
    t = (pairs["centre"] - pairs["centre_2"]).abs() / np.sqrt(v1 + v2)
    p = 2 * stdtr(df, -t)
    z = p_to_z(p.to_numpy())
    return _against_printed(
        pairs,
        "p_disagrees_with_arms",
        z,
        z,
        GAP_MEANS,
        [f"{r.centre:g} (SD {r.sd:.3g}) v {r.centre_2:g} (SD {r.sd_2:.3g})" for r in pairs.itertuples()],
    )


def p_and_events(tables: Tables) -> pd.DataFrame:
    """Rule p_disagrees_with_events: two arms' counts (chi-squared, corrected or not, Fisher) against p."""
    rows = tables["events"].assign(instrument=tables["events"]["outcome"], item="", unit="")
    rows = rows[rows["n"] > 0]
    pairs = _pairs(rows, ["study_id", "domain", "instrument", "weeks", "timepoint"])
    if pairs.empty:
        return findings("p_disagrees_with_events", LOW, pairs, numbers=[], finding="", check="")
    z = [_event_deviates(r.events, r.n, r.events_2, r.n_2) for r in pairs.itertuples()]
    low, high = (np.array([side(values) for values in z]) for side in (min, max))
    texts = [f"{r.events:.0f} of {r.n:.0f} v {r.events_2:.0f} of {r.n_2:.0f}" for r in pairs.itertuples()]
    return _against_printed(pairs, "p_disagrees_with_events", low, high, GAP_EVENTS, texts)


def _pairs(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Outcomes reported by exactly two arms, side by side; the printed p is that of either note."""
    groups = rows.groupby(keys, dropna=False, sort=False)
    rows = rows[groups["row_id"].transform("size") == 2]
    groups = rows.groupby(keys, dropna=False, sort=False)
    first, second = groups.head(1), groups.tail(1)
    second = second.set_axis(first.index).add_suffix("_2")
    pairs = pd.concat([first, second], axis=1)
    printed = [
        printed_p_of(one) or printed_p_of(other)
        for one, other in zip(pairs.get("note", []), pairs.get("note_2", []), strict=True)
    ]
    pairs = pairs.assign(p=printed)
    return pairs[pairs["p"] != ""]


def _against_printed(
    pairs: pd.DataFrame, rule: str, z_low: np.ndarray, z_high: np.ndarray, gap: float, texts: list[str]
) -> pd.DataFrame:
    p_low, p_high = printed_p(pairs["p"])
    weak, strong = p_to_z(p_high) - z_high, z_low - p_to_z(p_low)
    bad = np.maximum(weak, strong) > gap
    pairs = pairs.assign(text=texts, z=(z_low + z_high) / 2)[bad]
    return findings(
        rule,
        LOW if rule.endswith("arms") else MEDIUM,
        pairs.assign(row_ids=pairs["row_id"] + " " + pairs["row_id_2"]),
        numbers=[
            f"{what(row)} v {row.arm_2}: {row.text}, printed p {row.p},"
            f" these numbers give about {z_to_p(row.z):.2g}"
            for row in pairs.itertuples()
        ],
        finding="the printed p-value does not follow from the printed numbers",
        check="which test it is from, whether it is adjusted, and the labels of the spreads",
    )


def _event_deviates(a: float, n1: float, c: float, n2: float) -> list[float]:
    """Normal deviates of a 2×2 table: chi-squared without and with Yates' correction, and Fisher's exact p.

    >>> [round(z, 2) for z in _event_deviates(3, 16, 10, 16)]
    [2.52, 2.16, 2.18]
    """
    b, d, n = n1 - a, n2 - c, n1 + n2
    margins = n1 * n2 * (a + c) * (b + d)
    if margins == 0:
        return [0.0]
    cross = abs(a * d - b * c)
    plain = cross * np.sqrt(n / margins)
    yates = max(cross - n / 2, 0.0) * np.sqrt(n / margins)
    return [float(plain), float(yates), float(p_to_z(np.array([_fisher(a, n1, c, n2)]))[0])]


def _fisher(a: float, n1: float, c: float, n2: float) -> float:
    """Two-sided Fisher p: the probability of all tables no more likely than this one."""
    events = a + c
    counts = np.arange(max(0, events - n2), min(events, n1) + 1)

    def log_choose(n: float, k: np.ndarray | float) -> np.ndarray:
        return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)

    log_p = log_choose(n1, counts) + log_choose(n2, events - counts) - log_choose(n1 + n2, events)
    p = np.exp(log_p)
    return float(min(1.0, p[p <= p[counts == a][0] * (1 + 1e-7)].sum()))
