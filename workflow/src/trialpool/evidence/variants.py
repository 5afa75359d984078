"""Other defensible answers to the same question, for sensitivity analyses: one choice changed at a time.

Each variant is an analysis with one setting changed, compared like any other; its rows are the whole set
that it would pool, marked in `variant` and never `selected`. A variant is made only where it can differ:
- `multi_arm=…`: where a trial has several arms on a side (combine, split, first, covariance);
- `r=0.3 … 0.9`: where the SD of a change in use rests on a correlation;
- `kinds=final only`, `kinds=change only`: where a trial in use offers the other kind of value; `kinds=final`,
  `kinds=change`: that kind first, the other where a trial has nothing else;
- `source=arms`, `source=contrasts`: where a result is printed both for arms and as a contrast;
- `timepoint=…`: where trials report a named point that the analysis does not take (end of treatment,
  follow-up; of events also during); `timepoint=last`: of several named points the last listed first;
- `outcomes=…`, `items=…`: where a trial offers several of the listed instruments or items, each one that was
  passed over first;
- `several_effects=multilevel`: where a trial offers several instruments or items, all of them;
- `borrow_sd=true`: where means without a spread, or differences in an SMD, could get an SD from other
  trials.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from trialpool.evidence import routes

Spec = Mapping[str, Any]
Variant = tuple[int, str, Spec]
EVENT_MEASURES = ("RR", "OR", "RD")
CORRELATIONS = (0.3, 0.5, 0.7, 0.9)
MULTI_ARM = ("combine", "split", "first", "covariance")
POINTS = ("end_of_treatment", "follow_up", "during")
PASSED_OVER = {"other_instrument": "instrument", "other_item_preferred": "item"}


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
    passed = _passed_over(candidates[candidates["effect"].notna()])
    return [
        (position, name, {**spec, **changes})
        for position, spec in enumerate(specs)
        for name, changes in _changes(spec, flags[position], passed.get(position, set()))
    ]


def _passed_over(have: pd.DataFrame) -> dict[int, set[str]]:
    """The instruments and items of each analysis, as "instrument=CODE", that another one was preferred to."""
    found: dict[int, set[str]] = {}
    for code, column in PASSED_OVER.items():
        lost = have[have["reason_code"] == code]
        for position, name, item in zip(lost["analysis"], lost[column], lost["item"], strict=True):
            names = {f"{column}={name}", f"{column}={name}:{item}"}  # a part may be listed as CODE:item
            found.setdefault(int(position), set()).update(names)
    return found


def _offered(have: pd.DataFrame) -> pd.DataFrame:
    """What the candidate effects of each analysis offer, as flags by its position."""
    contrast, used = have["kind"] == "contrast", have["selected"].astype(bool)
    keys = [have["analysis"], have["study_id"]]
    both = contrast.groupby(keys).transform("nunique") > 1
    flags = {
        "several_arms": (have["arms_experimental"] > 1) | (have["arms_control"] > 1),
        "correlation": (have["trust"] == routes.CORRELATION) & used,
        "contrast_used": both & used & contrast,
        "arms_used": both & used & ~contrast,
        "instruments": have["reason_code"] == "other_instrument",
        "items": have["reason_code"] == "other_item_preferred",
        "times": have["reason_code"] == "other_time_preferred",
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
    flags = {point: other_time & (without["timepoint"] == point) for point in POINTS}
    flags["borrow"] = (without["reason_code"] == "no_spread") & borrowable
    return pd.DataFrame(flags).groupby(without["analysis"]).any()


def _changes(
    spec: Spec, can: Mapping[str, bool], passed: Container[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    usual = spec["multi_arm"]
    if can["several_arms"] or usual != "combine":
        yield from ((f"multi_arm={name}", {"multi_arm": name}) for name in MULTI_ARM if name != usual)
    if can["correlation"]:
        for r in CORRELATIONS:
            yield f"r={r:g}", {"change_correlation": r, "correlation_source": "assumed"}
    for kind, other in (("change", "final"), ("final", "change")):
        if can[f"{other}_used"] and can[f"{kind}_offered"]:
            yield f"kinds={kind} only", {"kinds": [kind]}
            yield f"kinds={kind}", {"kinds": [kind, other]}
    if can["contrast_used"]:
        yield "source=arms", {"prefer_source": "arms"}
    if can["arms_used"]:
        yield "source=contrasts", {"prefer_source": "contrasts"}
    for setting, column in (("outcomes", "instrument"), ("items", "item")):
        for name in spec[setting][1:]:
            if f"{column}={name}" in passed:
                yield f"{setting}={name}", {setting: [name, *(n for n in spec[setting] if n != name)]}
    yield from _other_times(spec, can)
    if (can["instruments"] or can["items"]) and spec.get("several_effects", "prefer") == "prefer":
        yield "several_effects=multilevel", {"several_effects": "multilevel"}
    if (can["borrow"] or can["no_sd"]) and not spec.get("borrow_sd"):
        yield "borrow_sd=true", {"borrow_sd": True}


def _other_times(spec: Spec, can: Mapping[str, bool]) -> Iterator[tuple[str, dict[str, Any]]]:
    usual = spec["timepoint"]
    named = [] if isinstance(usual, Mapping) else [usual] if isinstance(usual, str) else list(usual)
    for point in POINTS if spec["measure"] in EVENT_MEASURES else POINTS[:2]:
        if point not in named and can[point]:
            yield f"timepoint={point}", {"timepoint": point}
    if len(named) > 1 and can["times"]:
        yield "timepoint=last", {"timepoint": list(reversed(named))}
