"""Published contrasts as candidate effects: oriented, scaled and aligned like the arms' comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trialpool.evidence.candidates import ATTRIBUTES, arm_attributes, arm_weights, not_allowed, partial
from trialpool.evidence.changes import pooled_elsewhere
from trialpool.evidence.designs import FIRST_PERIOD, REFUSED, taken_as_analysed
from trialpool.evidence.instruments import with_scales
from trialpool.evidence.measures import DIFFERENCES, contrast_effects
from trialpool.evidence.questions import CONTROL, EXPERIMENTAL, asked_rows
from trialpool.evidence.scale import scaling
from trialpool.evidence.words import joined, where_text

BASIS = {"change_difference": "change", "mean_difference": "final"}
SIDES = ("experimental", "control")
RESULT = ["study_id", "instrument", "item", "timepoint"]
SCALE_FREE = ("RR", "OR", "RD")


def contrast_candidates(
    specs: Sequence[Mapping[str, Any]],
    contrasts: pd.DataFrame,
    arms: pd.DataFrame,
    studies: pd.DataFrame,
    sides: pd.DataFrame,
    totals: pd.DataFrame,
    summaries: pd.DataFrame,
) -> pd.DataFrame:
    """Contrasts between two arms that an analysis compares, experimental minus (or over) control.

    A contrast printed the other way round changes its sign (a logarithm of a ratio as well), which its
    derivation says. `basis` is `change` where the paper says so, or where the arms of the same result
    (`summaries`) are printed as changes only. Columns as of `candidates.arm_candidates`, before scaling.
    """
    rows = asked_rows(specs, contrasts, sides, arms)
    source = contrasts.take(rows["row"].to_numpy()).reset_index(drop=True)
    rows = pd.concat([rows.reset_index(drop=True), source], axis=1)
    place = pd.Series(np.arange(len(arms)), index=pd.MultiIndex.from_frame(arms[["study_id", "arm"]]))
    for name in ("arm_1", "arm_2"):
        rows[f"place_{name}"] = place.reindex(pd.MultiIndex.from_frame(rows[["study_id", name]])).to_numpy()
        side = rows[["analysis", f"place_{name}"]].merge(
            sides, left_on=["analysis", f"place_{name}"], right_on=["analysis", "arm"], how="left"
        )
        rows[f"side_{name}"] = side["side"].to_numpy()
    forward = (rows["side_arm_1"] == EXPERIMENTAL) & (rows["side_arm_2"] == CONTROL)
    backward = (rows["side_arm_1"] == CONTROL) & (rows["side_arm_2"] == EXPERIMENTAL)
    rows = _oriented(rows[forward | backward], backward[forward | backward])
    _attributes(rows, arms)
    not_allowed(rows)
    design = rows["study_id"].map(studies.set_index("study_id")["design"])
    taken = [
        taken_as_analysed(name) if name in REFUSED and period != FIRST_PERIOD else ""
        for name, period in zip(design, rows["period"], strict=True)
    ]
    rows["cautions"] = joined(rows["cautions"], taken)
    rows["partial"] = partial(rows, totals)
    rows["kind"], rows["made"] = "contrast", False
    rows["basis"] = rows["measure"].map(BASIS).fillna("any")
    rows.loc[rows["adjusted"] == "yes", "basis"] = "any"  # adjusted for baseline: final and change agree
    rows.loc[(rows["basis"] == "final") & _only_changes(rows, summaries), "basis"] = "change"
    kinds = rows.assign(kind=np.where(rows["basis"] == "change", "change", "final"))
    rows[["sd_borrowed", "borrowed_from"]] = pooled_elsewhere(summaries, kinds)
    return rows.assign(comparison=0, effect=np.nan, variance=np.nan)


def _only_changes(rows: pd.DataFrame, summaries: pd.DataFrame) -> np.ndarray:
    """Whether the arms of the same result are printed as changes and not as final values."""
    later = summaries[summaries["timepoint"] != "baseline"]
    kinds = {
        kind: pd.MultiIndex.from_frame(later.loc[later["kind"] == kind, RESULT])
        for kind in ("final", "change")
    }
    keys = pd.MultiIndex.from_frame(rows[RESULT])
    return keys.isin(kinds["change"]) & ~keys.isin(kinds["final"])


def _oriented(rows: pd.DataFrame, backward: pd.Series) -> pd.DataFrame:
    rows = rows.copy()
    sign = np.where(backward, -1.0, 1.0)
    rows["estimate"] = rows["estimate"] * sign
    for one, two, side in (("1", "2", "experimental"), ("2", "1", "control")):
        for new, old in (("n", "n"), ("place", "place_arm")):
            rows[f"{new}_{side}"] = np.where(backward, rows[f"{old}_{two}"], rows[f"{old}_{one}"])
    turned = where_text(backward, "printed control minus experimental, turned round")
    rows["derivation"] = joined(_printed(rows), rows["derivation"], turned)
    return rows


def _printed(rows: pd.DataFrame) -> np.ndarray:
    words = rows["measure"].str.replace("_", " ")
    adjusted = np.where(rows["adjusted"] == "yes", "adjusted ", "")
    return np.array([f"{a}{w} as printed" for a, w in zip(adjusted, words, strict=True)], dtype=object)


def _attributes(rows: pd.DataFrame, arms: pd.DataFrame) -> None:
    who = arm_attributes(arms)
    weight = arm_weights(arms)
    for side in SIDES:
        places = rows[f"place_{side}"].to_numpy(dtype=int)
        rows[f"arm_{side}"] = places
        rows[f"covered_{side}"] = weight[places]
        for name in ATTRIBUTES:
            rows[f"{name}_{side}"] = who[name].to_numpy()[places]


def scaled_contrasts(rows: pd.DataFrame, catalogue: Mapping[str, Any], specs: pd.DataFrame) -> pd.DataFrame:
    """Usable contrasts with their effect; the others keep the reason why not."""
    usable = (rows["reason_code"] == "").to_numpy()
    good = with_scales(rows[usable], catalogue)
    scale = scaling(good, specs)
    measure = specs["measure"].to_numpy()[good["analysis"].to_numpy()]
    events = np.isin(measure, SCALE_FREE)
    differences = good["measure"].isin(DIFFERENCES).to_numpy()
    refused = (scale["reason_code"] != "").to_numpy() & ~events & differences
    good["slope"] = np.where(events, 1.0, scale["slope"])
    good["derivation"] = joined(good["derivation"], np.where(events, "", scale["derivation"]))
    good["cautions"] = joined(good["cautions"], np.where(events, "", scale["cautions"]))
    effects = contrast_effects(good[~refused], specs)
    bad = good[refused].assign(**scale.loc[refused, ["reason_code", "reason"]])
    return pd.concat([effects, bad, rows[~usable]], ignore_index=True)
