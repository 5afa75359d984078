"""Other defensible answers to the same question, for sensitivity analyses: one choice changed at a time.

Each variant is an analysis with one setting changed, compared like any other; its rows are the whole set
that it would pool, marked in `variant` and never `selected`. A variant is made only where it can differ:
- `multi_arm=…`: where a trial has several arms on a side (combine, split, first);
- `r=0.3 … 0.9`: where the SD of a change in use rests on a correlation;
- `kinds=change`, `kinds=final`: where a trial offers final values and changes, printed or made of the
  baseline;
- `source=arms`, `source=contrasts`: where a result is printed both for arms and as a contrast;
- `timepoint=…`: where trials report the other named point (end of treatment, follow-up);
- `outcomes=last`, `items=last`: where a trial offers several of the listed instruments or items;
- `several_effects=multilevel`: where a trial offers several instruments or items, all of them;
- `borrow_sd=true`: where means without a spread, or differences in an SMD, could get an SD from other
  trials.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from trialpool.evidence import routes

Spec = Mapping[str, Any]
Variant = tuple[int, str, Spec]
CORRELATIONS = (0.3, 0.5, 0.7, 0.9)
MULTI_ARM = ("combine", "split", "first")
OTHER_POINT = {"end_of_treatment": "follow_up", "follow_up": "end_of_treatment"}


def variants(
    specs: Sequence[Spec], candidates: pd.DataFrame, without: pd.DataFrame, arms: pd.DataFrame
) -> list[Variant]:
    """Variants that can differ: position of the analysis, name, and the changed analysis.

    `candidates` and `without` as of `assemble.candidate_table`, `arms` the arm summaries.
    """
    offered = _offered(candidates[candidates["effect"].notna()])
    bare = candidates["reason_code"].isin(["adjusted", "no_n"]) & (candidates["kind"] == "contrast")
    no_sd = bare.groupby(candidates["analysis"]).any().rename("no_sd")
    can = (
        pd.concat([offered, _lost(without, arms), no_sd], axis=1)
        .reindex(range(len(specs)))
        .fillna(False)
        .astype(bool)
    )
    flags = can.to_dict("records")
    return [
        (position, name, {**spec, **changes})
        for position, spec in enumerate(specs)
        for name, changes in _changes(spec, flags[position])
    ]


def _offered(have: pd.DataFrame) -> pd.DataFrame:
    """What the candidate effects of each analysis offer, as flags by its position."""
    contrast, used = have["kind"] == "contrast", have["selected"].astype(bool)
    keys = [have["analysis"], have["study_id"]]
    both = contrast.groupby(keys).transform("nunique") > 1
    flags = {
        "several_arms": have["arm_id_experimental"].str.contains("+", regex=False)
        | have["arm_id_control"].str.contains("+", regex=False),
        "correlation": (have["trust"] == routes.CORRELATION) & used,
        "contrast_used": both & used & contrast,
        "arms_used": both & used & ~contrast,
        "instruments": have["reason_code"] == "other_instrument",
        "items": have["reason_code"] == "other_item_preferred",
    }
    for kind in ("final", "change"):
        flags[f"{kind}_used"] = (have["basis"] == kind) & used
        flags[f"{kind}_offered"] = have["basis"] == kind
    return pd.DataFrame(flags).groupby(have["analysis"]).any()


def _lost(without: pd.DataFrame, arms: pd.DataFrame) -> pd.DataFrame:
    """What the results without a comparison could give each analysis, as flags by its position."""
    bare = arms[arms["sd_borrowed"].notna() & arms["mean"].notna() & (arms["n"] >= 2) & arms["sd"].isna()]
    parts = without["row_ids"].str.split().explode()
    borrowable = parts.isin(bare["row_ids"]).groupby(level=0).any().reindex(without.index, fill_value=False)
    other_time = without["reason_code"] == "other_time"
    flags = {point: other_time & (without["timepoint"] == point) for point in OTHER_POINT}
    flags["borrow"] = (without["reason_code"] == "no_spread") & borrowable
    return pd.DataFrame(flags).groupby(without["analysis"]).any()


def _changes(spec: Spec, can: Mapping[str, bool]) -> Iterator[tuple[str, dict[str, Any]]]:
    usual = spec["multi_arm"]
    if can["several_arms"] or usual != "combine":
        yield from ((f"multi_arm={name}", {"multi_arm": name}) for name in MULTI_ARM if name != usual)
    if can["correlation"]:
        for r in CORRELATIONS:
            yield f"r={r:g}", {"change_correlation": r, "correlation_source": "assumed"}
    for kind, other in (("change", "final"), ("final", "change")):
        if can[f"{other}_used"] and can[f"{kind}_offered"]:
            yield f"kinds={kind}", {"kinds": [kind, other]}
    if can["contrast_used"]:
        yield "source=arms", {"prefer_source": "arms"}
    if can["arms_used"]:
        yield "source=contrasts", {"prefer_source": "contrasts"}
    for setting, name in (("outcomes", "instruments"), ("items", "items")):
        if can[name] and len(spec[setting]) > 1:
            yield f"{setting}=last", {setting: list(reversed(spec[setting]))}
    point = OTHER_POINT.get(spec["timepoint"]) if isinstance(spec["timepoint"], str) else None
    if point and can[point]:
        yield f"timepoint={point}", {"timepoint": point}
    if (can["instruments"] or can["items"]) and spec.get("several_effects", "prefer") == "prefer":
        yield "several_effects=multilevel", {"several_effects": "multilevel"}
    if (can["borrow"] or can["no_sd"]) and not spec.get("borrow_sd"):
        yield "borrow_sd=true", {"borrow_sd": True}
