"""Arms become comparisons: who is compared with whom, so that nobody is counted twice.

Rules:
- arms that authors report only together (`pooled_of`) are no further arms: their parts are used where all of
  them have numbers, otherwise the pooled row is and its parts are not;
- several arms on one side (`multi_arm`): `combine` makes them one arm (Cochrane Handbook 6.5.2.10), so that
  a shared control is counted once; `split` compares each experimental arm with its share of the control
  (whole people, 23.3.4); `covariance` compares each with the whole control, for models that know the
  covariance; `first` takes the first experimental and the first control arm in the order of arms.csv.
  Several control arms are combined in all but `first`;
- an arm without usable numbers is left out with a caution, if another one of its side is usable.
"""

from __future__ import annotations

from itertools import chain

import numpy as np
import pandas as pd

from trialpool.evidence.questions import CONTROL, EXPERIMENTAL
from trialpool.evidence.words import unique_joined
from trialpool.stats import combine_arms

CELL = ["study_id", "domain", "instrument", "item", "unit", "weeks", "timepoint", "period", "kind"]
TEXTS = ("derivation", "cautions", "row_ids", "source_url", "locator")
GROUP = ["analysis", "cell", "comparison"]


def cells(rows: pd.DataFrame) -> np.ndarray:
    """A number for every result (study, outcome, time, kind) to which several arms contribute."""
    return rows.groupby(CELL, dropna=False, sort=False).ngroup().to_numpy()


def pooled_parts(arms: pd.DataFrame) -> pd.DataFrame:
    """Pairs `pooled`, `part` (rows of `arms`), and `parts`, how many parts each pooled arm has."""
    pairs = []
    for place in np.flatnonzero((arms["pooled_of"] != "").to_numpy()):
        arm = arms.iloc[place]
        same = ((arms["study_id"] == arm["study_id"]) & arms["arm"].isin(arm["pooled_of"].split())).to_numpy()
        pairs += [(place, part, int(same.sum())) for part in np.flatnonzero(same)]
    return pd.DataFrame(pairs, columns=["pooled", "part", "parts"])


def without_double_counting(rows: pd.DataFrame, parts: pd.DataFrame) -> pd.Series:
    """Whether each candidate row (`analysis`, `cell`, `arm`) stays beside pooled arms and duplicate rows."""
    stays = pd.Series(True, index=rows.index)
    if not rows["arm"].isin(parts["pooled"]).any():
        return stays
    keys = ["analysis", "cell"]
    present = rows[[*keys, "arm"]].assign(place=rows.index)
    pooled = present.merge(parts, left_on="arm", right_on="pooled")
    found = pooled.merge(
        present, left_on=[*keys, "part"], right_on=[*keys, "arm"], suffixes=("_pooled", "_part"), how="left"
    )
    have = found.groupby("place_pooled")["place_part"].count()
    complete = found["place_pooled"].map(have) == found["parts"]
    stays[found.loc[complete, "place_pooled"].unique()] = False
    stays[found.loc[~complete, "place_part"].dropna().unique()] = False
    return stays


def compare_arms(rows: pd.DataFrame, multi_arm: np.ndarray) -> pd.DataFrame:
    """One row a comparison: columns of both sides with the suffixes _experimental and _control.

    `rows` are usable candidate rows with `analysis`, `cell`, `arm` (row of arms.csv), `side`, `n` and `mean`,
    `sd` or `events`, the texts, and attributes; `multi_arm` the rule of every analysis, by position.
    """
    rows = rows.sort_values(["analysis", "cell", "side", "arm"], kind="stable")
    mode = multi_arm[rows["analysis"].to_numpy()]
    place = rows.groupby(["analysis", "cell", "side"], sort=False).cumcount().to_numpy()
    rows = rows[(mode != "first") | (place == 0)]
    mode, place = mode[(mode != "first") | (place == 0)], place[(mode != "first") | (place == 0)]
    apart = np.isin(mode, ["split", "covariance"]) & (rows["side"] == EXPERIMENTAL).to_numpy()
    rows = rows.assign(comparison=np.where(apart, place, 0))
    experimental = _one_arm(rows[rows["side"] == EXPERIMENTAL])
    control = _one_arm(rows[rows["side"] == CONTROL])
    both = experimental.merge(
        control.drop(columns="comparison"), on=["analysis", "cell"], suffixes=("_experimental", "_control")
    )
    comparisons = both.groupby(["analysis", "cell"])["comparison"].transform("size").to_numpy()
    shared = (multi_arm[both["analysis"].to_numpy()] == "split") & (comparisons > 1)
    return _split_control(both, shared, comparisons)


def _one_arm(rows: pd.DataFrame) -> pd.DataFrame:
    """Combine the rows of one side of a comparison; a single row stays as it is."""
    size = rows.groupby(GROUP, sort=False)["row"].transform("size").to_numpy()
    single = rows[size == 1].assign(arms=1)
    several = [_combined(rows[size == count], int(count)) for count in np.unique(size[size > 1])]
    return pd.concat([single, *several], ignore_index=True) if several else single.reset_index(drop=True)


def _combined(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    table = rows.iloc[::count].copy().assign(arms=count)

    def blocks(name: str) -> np.ndarray:
        return rows[name].to_numpy().reshape(-1, count)

    if "events" in rows:
        table["n"], table["events"] = blocks("n").sum(1), blocks("events").sum(1)
    else:
        table["mean"], table["sd"], table["n"] = combine_arms(blocks("mean"), blocks("sd"), blocks("n"))
    table["covered"] = blocks("covered").sum(1)
    for name in ("imputed", "made"):
        table[name] = blocks(name).any(1)
    table["trust"] = blocks("trust").max(1)
    table["reading"] = np.where((blocks("reading") == "double").all(1), "double", "single")
    table["category"] = [tuple(dict.fromkeys(chain(*parts))) for parts in blocks("category")]
    table["arm_id"] = [unique_joined(texts, "+") for texts in blocks("arm_id")]
    table["label"] = [unique_joined(texts, " + ") for texts in blocks("label")]
    for name in TEXTS:
        table[name] = [unique_joined(texts, " " if name == "row_ids" else "; ") for texts in blocks(name)]
    for name in ("sessions", "programme_weeks", "sessions_per_week"):
        table[name] = blocks(name).mean(1)
    words = [f"{count} arms combined ({' + '.join(texts)})" for texts in blocks("arm_id")]
    table["derivation"] = [f"{text}; {word}" for text, word in zip(table["derivation"], words, strict=True)]
    return table


def _split_control(both: pd.DataFrame, shared: np.ndarray, comparisons: np.ndarray) -> pd.DataFrame:
    """Give each comparison its share of a shared control, in whole people (the first get the remainder)."""
    if not shared.any():
        return both
    place, count = both["comparison"].to_numpy()[shared], comparisons[shared]
    for name in ("n_control", "events_control"):
        if name in both:
            whole = both[name].to_numpy(dtype=float, copy=True)
            whole[shared] = whole[shared] // count + (place < whole[shared] % count)
            both[name] = whole
    words = [f"control arm split between {k} comparisons" for k in count]
    both.loc[shared, "derivation_control"] = [
        f"{text}; {word}" for text, word in zip(both.loc[shared, "derivation_control"], words, strict=True)
    ]
    return both
