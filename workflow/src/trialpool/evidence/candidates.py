"""Candidate effects: every comparison and every published contrast that an analysis could use.

Each candidate is scored and carries its derivation; those that fail say why. Which of them is used is the
business of `select`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trialpool.evidence.assumed import assumed_sds
from trialpool.evidence.common_control import with_common_control
from trialpool.evidence.designs import design_table
from trialpool.evidence.instruments import with_scales
from trialpool.evidence.measures import continuous_effects, event_effects
from trialpool.evidence.pairs import cells, compare_arms, pooled_parts, without_double_counting
from trialpool.evidence.questions import CONTROL, EXPERIMENTAL, NOT_ASKED, asked_rows
from trialpool.evidence.scale import scaling
from trialpool.evidence.words import joined, unique_joined

RANKS = ["outcome_rank", "item_rank", "time_rank", "time_order"]
PLACE = ["study_id", "domain", "instrument", "item", "unit", "better", "weeks", "timepoint", "kind"]
ATTRIBUTES = (
    "arm_id",
    "label",
    "category",
    "cointervention",
    "sessions",
    "programme_weeks",
    "sessions_per_week",
)
CARRIED = (
    "n",
    "mean",
    "sd",
    "events",
    "made",
    "imputed",
    "trust",
    "reading",
    "source_url",
    "locator",
    "row_ids",
)
NO_PAIRS = ("crossover", "crossover trial: events of the same people in both arms need paired counts")
NOT_ALLOWED = {
    "outcome_rank": ("other_outcome", "an instrument or outcome that the analysis does not ask for"),
    "item_rank": ("other_item", "a part, nerve or subscale that the analysis does not ask for"),
    "time_rank": ("other_time", "a time that the analysis does not ask for"),
}


def arm_rows(
    specs: Sequence[Mapping[str, Any]],
    summaries: pd.DataFrame,
    arms: pd.DataFrame,
    studies: pd.DataFrame,
    sides: pd.DataFrame,
) -> pd.DataFrame:
    """Rows of arms that fit an analysis' comparison and domain, with `reason_code` where they cannot be used.

    Columns: `analysis`, `row` (of `summaries`), `arm` (row of `arms`), `side`, `cell`, ranks, and what
    `pairs.compare_arms` needs.
    """
    keys = pd.MultiIndex.from_frame(arms[["study_id", "arm"]])
    place = pd.Series(np.arange(len(arms)), index=keys)
    arm_of = place.reindex(pd.MultiIndex.from_frame(summaries[["study_id", "arm"]])).to_numpy()
    asked = asked_rows(specs, summaries, sides, arms)
    asked["arm"] = arm_of[asked["row"].to_numpy()]
    rows = asked.merge(sides, on=["analysis", "arm"])
    source = summaries.take(rows["row"].to_numpy())
    rows["cell"] = cells(summaries)[rows["row"].to_numpy()]
    names = [name for name in CARRIED if name in summaries]
    names += ["derivation", "cautions", "usable", "reason_code", "reason", "study_id", "period"]
    who = arm_attributes(arms).take(rows["arm"].to_numpy())
    beside = (source[names], who[list(ATTRIBUTES)])
    rows = pd.concat([rows, *(table.set_axis(rows.index) for table in beside)], axis=1)
    rows["covered"] = arm_weights(arms)[rows["arm"].to_numpy()]
    not_allowed(rows)
    _designs(rows, specs, studies)
    if "mean" in rows:
        assumed_sds(rows, specs, source)
    _twice(rows, arms)
    return rows


def arm_attributes(arms: pd.DataFrame) -> pd.DataFrame:
    """What a comparison says of its arms (ATTRIBUTES); `category` is a tuple, as arms may be combined.

    >>> arms = pd.DataFrame({"arm": ["acu"], "category": ["electroacupuncture"], "weeks": [8.0]})
    >>> arm_attributes(arms).to_dict("records")
    [{'arm_id': 'acu', 'category': ('electroacupuncture',), 'programme_weeks': 8.0}]
    """
    who = arms.rename(columns={"arm": "arm_id", "weeks": "programme_weeks"})
    return who.assign(category=[(category,) for category in arms["category"]])


def not_allowed(rows: pd.DataFrame) -> None:
    """What the analysis does not ask for goes before any other reason."""
    for name, (code, words) in reversed(NOT_ALLOWED.items()):
        mask = rows[name] == NOT_ASKED
        rows.loc[mask, "reason_code"], rows.loc[mask, "reason"] = code, words


def _designs(rows: pd.DataFrame, specs: Sequence[Mapping[str, Any]], studies: pd.DataFrame) -> None:
    """Crossover and cluster trials: refused, or with what the config assumes of them (see `designs`)."""
    keys = ["analysis", "study_id", "period"]
    found = rows[keys].merge(design_table(specs, studies), on=keys, how="left").set_index(rows.index)
    rows["design_r"], rows["design_effect"] = found["design_r"], found["design_effect"].fillna(1.0)
    rows["design_words"] = found["design_words"].fillna("").astype(object)
    refused = found["design_code"].fillna("") != ""
    no_pairs = found["design_r"].notna() & ("events" in rows)
    for mask, codes, reasons in (
        (refused, found["design_code"], found["design_reason"]),
        (no_pairs, NO_PAIRS[0], NO_PAIRS[1]),
    ):
        now = mask & (rows["reason_code"] == "")
        rows.loc[now, "reason_code"], rows.loc[now, "reason"] = codes, reasons


def _twice(rows: pd.DataFrame, arms: pd.DataFrame) -> None:
    """A second row of the same arm in a cell, and pooled arms beside their parts, are not counted."""
    good = rows[rows["reason_code"] == ""].sort_values("trust", kind="stable")
    again = good.index[good.duplicated(["analysis", "cell", "arm"])]
    rows.loc[again, "reason_code"] = "same_result"
    rows.loc[again, "reason"] = (
        "the same result of this arm, reported in a form that is trusted more, is used"
    )
    stays = without_double_counting(rows[rows["reason_code"] == ""], pooled_parts(arms))
    out = stays.index[~stays]
    rows.loc[out, "reason_code"] = "pooled_arm"
    rows.loc[out, "reason"] = "reported both alone and pooled with another arm; counted once"


def arm_candidates(
    rows: pd.DataFrame,
    summaries: pd.DataFrame,
    specs: pd.DataFrame,
    catalogue: Mapping[str, Any],
    totals: pd.DataFrame,
) -> pd.DataFrame:
    """Comparisons of usable arm rows as candidate effects (`reason_code` "" where an effect came out)."""
    good = rows[rows["reason_code"] == ""]
    pairs = compare_arms(good, specs["multi_arm"].to_numpy())
    first = summaries.take(pairs["row_experimental"].to_numpy())
    for name in PLACE:
        pairs[name] = first[name].to_numpy()
    for name in RANKS:
        pairs[name] = pairs[f"{name}_experimental"]
    pairs["imputed"] = pairs["imputed_experimental"] | pairs["imputed_control"]
    pairs["made"] = pairs["made_experimental"] | pairs["made_control"]
    for name in ("design_r", "design_effect", "design_words"):
        pairs[name] = pairs[f"{name}_experimental"]
    pairs["imputed"] |= pairs["design_r"].notna() | (pairs["design_effect"] != 1)
    pairs["trust"] = pairs[["trust_experimental", "trust_control"]].max(axis=1)
    pairs["reading"] = _both(pairs, "reading", "double", "single")
    together = pairs.groupby(["analysis", "cell"])["covered_experimental"].transform("sum")
    first_only = specs["multi_arm"].to_numpy()[pairs["analysis"].to_numpy()] == "first"
    pairs["partial"] = partial(pairs.assign(covered_experimental=together), totals) & ~first_only
    pairs["derivation"] = joined(_two_sided(pairs, "derivation"), pairs["design_words"])
    for name in ("cautions", "locator"):
        pairs[name] = _unique(pairs, name)
    pairs["row_ids"] = joined(pairs["row_ids_experimental"], pairs["row_ids_control"], separator=" ")
    pairs["source_url"] = pairs["source_url_experimental"]
    if "events_experimental" in pairs:
        return with_common_control(event_effects(pairs.assign(basis="events"), specs), specs)
    pairs["basis"] = pairs["kind"]
    return _on_scale(with_scales(pairs, catalogue), specs)


def _on_scale(pairs: pd.DataFrame, specs: pd.DataFrame) -> pd.DataFrame:
    """Means and SDs on the analysis' scale and in its direction, then the effect."""
    scale = scaling(pairs, specs)
    value = (pairs["kind"] == "final").astype(float)
    for side in ("experimental", "control"):
        pairs[f"mean_{side}"] = scale["slope"] * pairs[f"mean_{side}"] + scale["offset"] * value
        pairs[f"sd_{side}"] = scale["slope"].abs() * pairs[f"sd_{side}"]
    pairs["derivation"] = joined(pairs["derivation"], scale["derivation"])
    pairs["cautions"] = joined(pairs["cautions"], scale["cautions"])
    refused = (scale["reason_code"] != "").to_numpy()
    effects = with_common_control(continuous_effects(pairs[~refused], specs), specs)
    return pd.concat([effects, pairs[refused].assign(**scale.loc[refused, ["reason_code", "reason"]])])


def _both(pairs: pd.DataFrame, name: str, good: str, otherwise: str) -> np.ndarray:
    both = (pairs[f"{name}_experimental"] == good) & (pairs[f"{name}_control"] == good)
    return np.where(both, good, otherwise)


def _two_sided(pairs: pd.DataFrame, name: str) -> np.ndarray:
    """One text if both sides say the same, else both with their side named."""
    left, right = pairs[f"{name}_experimental"].to_numpy(), pairs[f"{name}_control"].to_numpy()
    texts = [
        one if one == two else f"experimental: {one}; control: {two}"
        for one, two in zip(left, right, strict=True)
    ]
    return np.array(texts, dtype=object)


def _unique(pairs: pd.DataFrame, name: str) -> np.ndarray:
    columns = zip(pairs[f"{name}_experimental"], pairs[f"{name}_control"], strict=True)
    return np.array([unique_joined(texts) for texts in columns], dtype=object)


def arm_weights(arms: pd.DataFrame) -> np.ndarray:
    """How many arms an arm stands for: 1, or for a pooled arm the number of its parts."""
    weight = np.ones(len(arms), dtype=int)
    parts = pooled_parts(arms)
    weight[parts["pooled"].to_numpy(dtype=int)] = np.maximum(parts["parts"].to_numpy(dtype=int), 2)
    return weight


def arm_totals(sides: pd.DataFrame, arms: pd.DataFrame, weight: np.ndarray) -> pd.DataFrame:
    """How many arms of a study fit each side, `experimental` and `control`, by (analysis, study_id)."""
    study = arms["study_id"].to_numpy()[sides["arm"].to_numpy()]
    weights = weight[sides["arm"].to_numpy()]
    single = np.where(weights == 1, 1, 0)
    table = sides.assign(study_id=study, single=single, pooled=weights)
    counts = (
        table.groupby(["analysis", "study_id", "side"]).agg({"single": "sum", "pooled": "max"}).max(axis=1)
    )
    wide = counts.unstack("side").reindex(columns=[EXPERIMENTAL, CONTROL]).fillna(0)
    return wide.set_axis(["experimental", "control"], axis=1)


def partial(rows: pd.DataFrame, totals: pd.DataFrame) -> np.ndarray:
    """Whether a candidate leaves out arms of its study that would fit (`covered_*` count those it has)."""
    keys = pd.MultiIndex.from_frame(rows[["analysis", "study_id"]])
    whole = totals.reindex(keys)
    missing = (rows["covered_experimental"].to_numpy() < whole["experimental"].to_numpy()) | (
        rows["covered_control"].to_numpy() < whole["control"].to_numpy()
    )
    return missing
