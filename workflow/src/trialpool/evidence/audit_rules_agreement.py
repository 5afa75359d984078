"""Two reports of one result: the arms' numbers against the difference and the p-value of their contrast."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import stdtr

from trialpool.evidence.audit_frame import LOW, MEDIUM, OUTCOME, Tables, findings, half_unit, what
from trialpool.evidence.audit_rules_interval import p_to_z, printed_p, z_to_p

GAP = 0.75  # on the normal scale: adjustment and choice of test move a p-value that far
UNADJUSTED_GAP = 0.5  # of the standard error


def arms_against_contrasts(tables: Tables) -> pd.DataFrame:
    """Rule arms_disagree_with_contrast: a printed difference against the difference of the printed means."""
    both = _contrasts_with_arms(tables)
    both = both[both["estimate"].notna()]
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
        both,
        numbers=[
            f"{what(row)}: printed difference {row.estimate:g}, difference of the {row.kind} values "
            f"{row.difference:.4g}" + (" (the sign is the other way round)" if row.reverse else "")
            for row in both.itertuples()
        ],
        finding="the printed difference is not that of the printed means",
        check="adjustment, another time or population, the sign, or a misprint",
    )


def _contrasts_with_arms(tables: Tables) -> pd.DataFrame:
    """Published differences beside the means of their two arms (`centre`, `centre_2` …), of the same kind."""
    arms = tables["continuous"]
    arms = arms[arms["centre_type"].isin(["mean", "lsmean"]) & (arms["timepoint"] != "baseline")]
    keys = [*OUTCOME, "weeks", "timepoint", "period"]
    pairs = tables["contrasts"]
    pairs = pairs[pairs["measure"].isin(["mean_difference", "change_difference"])]
    value = arms[[*keys, "arm", "measure", "centre", "sd", "n_any", "row_id"]].rename(
        columns={"measure": "kind"}
    )
    left = pairs.merge(value.rename(columns={"arm": "arm_1"}), on=[*keys, "arm_1"], suffixes=("", "_1"))
    both = left.merge(
        value.rename(columns={"arm": "arm_2"}), on=[*keys, "arm_2", "kind"], suffixes=("", "_2")
    )
    both = both[(both["kind"] == "change") | (both["measure"] == "mean_difference")]
    return both.assign(row_ids=both["row_id"] + " " + both["row_id_1"] + " " + both["row_id_2"])


def p_and_means(tables: Tables) -> pd.DataFrame:
    """Rule p_disagrees_with_arms: Welch's t-test of two arms' means and SDs against their contrast's p."""
    pairs = _contrasts_with_arms(tables)
    pairs = pairs[(pairs["p_value"] != "") & (pairs["p_test"] == "") & (pairs["adjusted"] != "yes")]
    enough = (pairs[["sd", "sd_2"]] > 0).all(axis=1) & (pairs[["n_any", "n_any_2"]] >= 2).all(axis=1)
    pairs = pairs[enough]
    v1, v2 = pairs["sd"] ** 2 / pairs["n_any"], pairs["sd_2"] ** 2 / pairs["n_any_2"]
    df = (v1 + v2) ** 2 / (v1**2 / (pairs["n_any"] - 1) + v2**2 / (pairs["n_any_2"] - 1))
    z = p_to_z(2 * stdtr(df, -(pairs["centre"] - pairs["centre_2"]).abs() / np.sqrt(v1 + v2)).to_numpy())
    p_low, p_high = printed_p(pairs["p_value"])
    pairs = pairs.assign(z=z)[np.maximum(p_to_z(p_high) - z, z - p_to_z(p_low)) > GAP]
    return findings(
        "p_disagrees_with_arms",
        LOW,
        pairs,
        numbers=[
            f"{what(r)}, {r.arm_1} v {r.arm_2}: {r.centre:g} (SD {r.sd:.3g}) v {r.centre_2:g}"
            f" (SD {r.sd_2:.3g}), printed p {r.p_value}, these numbers give about {z_to_p(r.z):.2g}"
            for r in pairs.itertuples()
        ],
        finding="the printed p-value does not follow from the printed numbers",
        check="which test it is from, whether it is adjusted, and the labels of the spreads",
    )
