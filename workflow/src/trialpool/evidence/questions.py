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

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

Spec = Mapping[str, Any]
EXPERIMENTAL, CONTROL = 1, 2
NOT_ASKED = -1
UNLISTED = 10_000  # rank of what is allowed but not named


def arm_sides(specs: Sequence[Spec], studies: pd.DataFrame, arms: pd.DataFrame) -> pd.DataFrame:
    """Arms that fit an analysis: columns `analysis` (its position), `arm` (row of `arms`), `side`.

    Only studies of the analysis' condition and purpose, and only those with both sides.
    """
    study = arms["study_id"].map(pd.Series(np.arange(len(studies)), index=studies["study_id"])).to_numpy()
    condition, purpose = studies["condition"].to_numpy(), studies["purpose"].to_numpy()
    category, role = arms["category"].to_numpy(), arms["role"].to_numpy()
    found = []
    for position, spec in enumerate(specs):
        asked = np.isin(condition, spec["condition"])
        if spec["purpose"]:
            asked &= purpose == spec["purpose"]
        experimental = np.isin(category, spec["experimental"])
        control = np.isin(category, spec["control"])
        both = experimental & control
        experimental &= ~both | (role == "experimental")
        control &= ~both | (role == "control")
        complete = np.isin(study, study[experimental]) & np.isin(study, study[control]) & asked[study]
        rows = np.flatnonzero((experimental | control) & complete)
        side = np.where(experimental[rows], EXPERIMENTAL, CONTROL)
        found.append(pd.DataFrame({"analysis": position, "arm": rows, "side": side}))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=["analysis", "arm", "side"])


def asked_rows(specs: Sequence[Spec], rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of an analysis' domain with how well they fit its outcomes, items and time.

    `rows` are arm, event or contrast summaries. Returns `analysis`, `row` (position), `outcome_rank`,
    `item_rank`, `time_rank` (NOT_ASKED where the analysis does not allow it) and `time_order` (smaller is
    preferred).
    """
    domain = rows["domain"].to_numpy()
    columns = {name: rows[name].to_numpy() for name in ("instrument", "item", "timepoint")}
    weeks = rows["weeks"].to_numpy(dtype=float)
    codes, instruments = pd.factorize(columns["instrument"])
    parts, items = pd.factorize(columns["item"])
    found = []
    for position, spec in enumerate(specs):
        fits = (domain == spec["domain"]) & (columns["timepoint"] != "baseline")
        places = np.flatnonzero(fits)
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
