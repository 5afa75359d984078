"""What each analysis asks, put to every arm and every row at once.

All analyses are answered together: a candidate is a pair (analysis, row), and everything after this module
is one vectorised pass over all candidates instead of one pass an analysis.

Rules:
- an arm is on the experimental (control) side if its category is in that list; a category in both lists
  goes by the arm's `role`. The role of an arm does not matter otherwise: what a trial calls its control can
  be the treatment asked about.
- `outcomes`: `CODE` or `CODE:item`, the first preferred; empty = every instrument of the domain, none
  preferred.
- `items`: allowed items, the first preferred, "" = rows without an item; empty = all, rows without an item
  first.
- `timepoint`: a named point or a list of them in order of preference, or {weeks: [low, high]}. Of several
  times at the same named point the latest counts; in a window the one nearest to its middle, of two equally
  near the later. Rows without weeks are in no window; baselines are never used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

Spec = Mapping[str, Any]
EXPERIMENTAL, CONTROL = 1, 2
NOT_ASKED = -1
UNLISTED = 10_000  # rank of what is allowed but not named


def asked_studies(specs: Sequence[Spec], studies: pd.DataFrame) -> list[np.ndarray]:
    """Of every analysis the rows of `studies` that have its condition, in their order.

    Looked up, not searched: thousands of analyses need not read all studies each.
    """
    having = studies.reset_index(drop=True).groupby("condition").indices
    return [_together(having, dict.fromkeys(spec["condition"])) for spec in specs]


def arm_sides(specs: Sequence[Spec], studies: pd.DataFrame, arms: pd.DataFrame) -> pd.DataFrame:
    """Arms that fit an analysis: columns `analysis` (its position), `arm` (row of `arms`), `side`.

    Only studies of the analysis' condition and purpose, and only those with both sides.
    """
    of_study = pd.Series(np.arange(len(studies)), index=studies["study_id"])
    study = arms["study_id"].map(of_study).to_numpy()
    arms_of = pd.Series(study).groupby(study).indices
    purpose = studies["purpose"].to_numpy()
    category, role = arms["category"].to_numpy(), arms["role"].to_numpy()
    found = []
    for position, (spec, asked) in enumerate(zip(specs, asked_studies(specs, studies), strict=True)):
        if spec["purpose"]:
            asked = asked[purpose[asked] == spec["purpose"]]
        rows = _together(arms_of, asked)
        experimental = np.isin(category[rows], spec["experimental"])
        control = np.isin(category[rows], spec["control"])
        both = experimental & control
        experimental &= ~both | (role[rows] == "experimental")
        control &= ~both | (role[rows] == "control")
        of_rows = study[rows]
        complete = np.isin(of_rows, of_rows[experimental]) & np.isin(of_rows, of_rows[control])
        fits = (experimental | control) & complete
        side = np.where(experimental[fits], EXPERIMENTAL, CONTROL)
        found.append(pd.DataFrame({"analysis": position, "arm": rows[fits], "side": side}))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=["analysis", "arm", "side"])


def _together(places: Mapping[Any, np.ndarray], keys: Iterable[Any]) -> np.ndarray:
    """The places of all keys in ascending order."""
    none = np.zeros(0, dtype=np.intp)
    return np.sort(np.concatenate([none, *(places.get(key, none) for key in keys)]))


def asked_rows(
    specs: Sequence[Spec], rows: pd.DataFrame, sides: pd.DataFrame, arms: pd.DataFrame
) -> pd.DataFrame:
    """Rows of an analysis' studies and domain with how well they fit its outcomes, items and time.

    `rows` are arm, event or contrast summaries; the studies of an analysis are those with arms in `sides`.
    Returns `analysis`, `row` (position), `outcome_rank`, `item_rank`, `time_rank` (NOT_ASKED where the
    analysis does not allow it) and `time_order` (smaller is preferred).
    """
    domain = rows["domain"].to_numpy()
    columns = {name: rows[name].to_numpy() for name in ("instrument", "item", "timepoint")}
    weeks = rows["weeks"].to_numpy(dtype=float)
    codes, instruments = pd.factorize(columns["instrument"])
    parts, items = pd.factorize(columns["item"])
    rows_of = rows.reset_index(drop=True).groupby("study_id").indices
    studies_of = arms["study_id"].take(sides["arm"].to_numpy(dtype=int)).to_numpy()
    starts = np.searchsorted(sides["analysis"].to_numpy(dtype=int), np.arange(len(specs) + 1))
    found = []
    for position, spec in enumerate(specs):
        theirs = _together(rows_of, dict.fromkeys(studies_of[starts[position] : starts[position + 1]]))
        fits = (domain[theirs] == spec["domain"]) & (columns["timepoint"][theirs] != "baseline")
        places = theirs[fits]
        outcome, item = _outcome_ranks(spec, instruments, items, codes[places], parts[places])
        time_rank, time_order = _time_ranks(spec["timepoint"], columns["timepoint"][places], weeks[places])
        found.append(
            pd.DataFrame(
                {
                    "analysis": position,
                    "row": places,
                    "outcome_rank": outcome,
                    "item_rank": item,
                    "time_rank": time_rank,
                    "time_order": time_order,
                }
            )
        )
    return pd.concat(found, ignore_index=True)


def _outcome_ranks(
    spec: Spec, instruments: Any, items: Any, codes: np.ndarray, parts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ranks by the lists of outcomes and items; looked up a code at a time, so cheap for many rows."""
    by_item = {name: rank for rank, name in enumerate(spec["items"])}
    if by_item:
        item_of = np.array([by_item.get(name, NOT_ASKED) for name in items], dtype=int)
    else:
        item_of = np.array([0 if name == "" else UNLISTED for name in items], dtype=int)
    item = item_of[parts] if len(items) else np.zeros(0, dtype=int)
    if not spec["outcomes"]:
        return np.full(len(codes), UNLISTED), item
    outcome = np.full(len(codes), NOT_ASKED)
    place = {name: code for code, name in enumerate(instruments)}
    part_place = {name: code for code, name in enumerate(items)}
    for rank, wanted in enumerate(spec["outcomes"]):
        code, _, part = wanted.partition(":")
        now = (codes == place.get(code, NOT_ASKED)) & (outcome == NOT_ASKED)
        if part:
            now &= parts == part_place.get(part, NOT_ASKED)
            item = np.where(now, 0, item)
        outcome[now] = rank
    return outcome, item


def _time_ranks(wanted: Any, points: np.ndarray, weeks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(wanted, Mapping):
        low, high = wanted["weeks"]
        inside = (weeks >= low) & (weeks <= high)
        distance = np.abs(weeks - (low + high) / 2) - 1e-6 * weeks  # of two equally near the later
        return np.where(inside, 0, NOT_ASKED), np.where(inside, distance, np.inf)
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    rank = np.full(len(points), NOT_ASKED)
    for place, name in enumerate(names):
        rank[points == name] = place
    return rank, np.where(np.isnan(weeks), np.inf, -weeks)
