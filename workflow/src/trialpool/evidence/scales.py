"""Direction and scale: what makes numbers of different instruments, or of one scored both ways, comparable.

In: results with their instrument, item, unit and direction, and the catalogue of instruments. Out: how to map
each onto its analysis' scale, or why that cannot be.

Catalogue: what the entry of a part (`CODE:item`) does not say is taken from its instrument (`CODE`). An
instrument that is not in it has no range and no direction: its rows are pooled as printed, never rescaled.
Unit: results in another unit of the same kind than the instrument's (kPa, mmHg), or in one that the
vocabulary declares equivalent (mg/dl and mmol/l of a substance), are converted to it, which their derivation
says.
Direction: the row's own `better` decides, because authors score some instruments the other way round; a row
that disagrees with the catalogue carries a caution, one that disagrees with the analysis is reversed and says
so: low + high - value on a bounded scale; without a range, and for changes, the sign changes.
Scale: an MD with `scale` maps every instrument's catalogue range onto it; instruments without a range, with
another unit than the catalogue's (percent changes) or not defined as a scale are refused. An MD without
`scale` needs one range and unit: those of the analysis' leading instrument (see `select`). SMD and ratios
need no common scale, but percent changes are not the instrument's score and are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialpool.evidence.derivation import (
    Case,
    Reason,
    add_steps,
    number_text,
    refuse,
    steps,
    where_text,
)
from trialpool.measures import GROUP_MEANS, SIDES
from trialpool.vocabulary import Vocabulary

SCALE_COLUMNS = {"low": float, "high": float, "better_usual": object, "unit_usual": object, "poolable": bool}
WHOLE_NUMBER_COLUMNS = {"integer_items": float, "binary": bool}  # what the audit tests sums of scores by
PERCENT_CHANGE = "percent"
IN_UNITS = ("mean", "sd", "sd_before", "sd_after", "estimate", "se")  # columns of summaries
DIFFERENCES = ("mean_difference", "change_difference")  # measures of contrasts that have a unit
ODD_DIRECTION = "scored the other way than usual: "


def instrument_entry(catalogue: Mapping[str, Any], instrument: str, item: str = "") -> Mapping[str, Any]:
    """What the catalogue says of an instrument, or of one part of it; empty if it is unknown."""
    entries = catalogue.get("instruments") or {}
    whole = entries.get(instrument) or {}
    part = entries.get(f"{instrument}:{item}") or {} if item else {}
    return {**whole, **part}


def with_scales(
    frame: pd.DataFrame, catalogue: Mapping[str, Any], more: Mapping[str, type] | None = None
) -> pd.DataFrame:
    """The frame (columns `instrument`, `item`) with the range and usual direction of every row's instrument.

    Columns: `low`, `high` (NaN if the instrument has no fixed range), `better_usual`, `unit_usual` ("" if
    unknown), `poolable` (False for totals that the instrument does not define); of `more`, `integer_items`
    (NaN if not declared) and `binary`.

    >>> catalogue = {"instruments": {"VAS100": {"range": [0, 100], "better": "lower", "unit": "points"}}}
    >>> rows = pd.DataFrame({"instrument": ["VAS100", "X"], "item": ["", ""]})
    >>> with_scales(rows, catalogue)["high"].tolist()
    [100.0, nan]
    """
    pairs = list(zip(frame["instrument"], frame["item"], strict=True))
    scales = {pair: _scale(instrument_entry(catalogue, *pair)) for pair in dict.fromkeys(pairs)}
    names = [*SCALE_COLUMNS, *WHOLE_NUMBER_COLUMNS]
    table = pd.DataFrame([scales[pair] for pair in pairs], index=frame.index, columns=names)
    types = {**SCALE_COLUMNS, **(more or {})}
    return frame.join(table[list(types)].astype(types))  # a table without rows has no types of its own


def _scale(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    low, high = entry.get("range") or (None, None)  # a range may be open on one side
    usual = low, high, entry.get("better") or "", entry.get("unit") or "", entry.get("poolable") is not False
    return *usual, entry.get("integer_items") or np.nan, bool(entry.get("binary"))


def in_usual_units(
    summaries: pd.DataFrame, catalogue: Mapping[str, Any], vocabulary: Vocabulary
) -> pd.DataFrame:
    """Summaries of arms or contrasts in the unit of their instrument, so far as theirs can be converted."""
    usual = with_scales(summaries[["instrument", "item"]], catalogue)["unit_usual"]
    keys = list(zip(summaries["unit"], usual, summaries["domain"], summaries["instrument"], strict=True))
    known = {key: vocabulary.factor(*key) or np.nan for key in dict.fromkeys(keys)}
    factor = pd.Series([known[key] for key in keys], summaries.index, dtype=float)
    moved = factor.notna() & (factor != 1)
    if not moved.any():
        return summaries
    table = summaries.copy()
    table["unit"] = table["unit"].where(~moved, usual)
    if "measure" in table:
        moved &= table["measure"].isin(DIFFERENCES)
    for name in (name for name in IN_UNITS if name in table):
        table[name] = table[name].where(~moved, table[name] * factor)
    units = zip(summaries["unit"][moved], usual[moved], factor[moved], strict=True)
    words = [f"converted from {own} to {wanted} (×{by:.5g})" for own, wanted, by in units]
    add_steps(table, "derivation", moved, pd.Series(words, dtype=object))
    return table


def _scale_range(scale: str | None) -> tuple[float, float]:
    """Bounds of a scale such as "0-10" or "-5-5"; NaN for none."""
    if not scale:
        return np.nan, np.nan
    cut = scale.index("-", 1)
    return float(scale[:cut]), float(scale[cut + 1 :])


def scaling(rows: pd.DataFrame, settings: pd.DataFrame) -> pd.DataFrame:
    """How to map every row onto its analysis' scale: value' = offset + slope·value.

    `rows` has `analysis_index`, `unit`, `better`, `kind` and the columns of `with_scales`; `settings` has
    `measure`, `better`, `scale` of every analysis. Returns `slope` (its sign is the direction), `offset` (for
    values; differences and changes need the slope only), `derivation`, `cautions`, `reason_code`, `reason`.
    """
    spec = settings.take(rows["analysis_index"].to_numpy()).set_axis(rows.index)
    target = spec["scale"].map(_scale_range, na_action=None)
    low, high = target.str[0].astype(float), target.str[1].astype(float)
    rescale, bounded = low.notna(), rows["low"].notna()
    factor = ((high - low) / (rows["high"] - rows["low"])).where(rescale, 1.0)
    base = (low - factor * rows["low"]).where(rescale, 0.0)
    opposite = (rows["better"] != spec["better"]) & (rows["better"] != "") & (spec["better"] != "")
    reverse = opposite & (spec["measure"] != "RR")
    turned = (rows["low"] + rows["high"]) * factor + 2 * base  # reversed value = turned - (factor·x + base)
    odd = (rows["better_usual"] != "") & (rows["better"] != "") & (rows["better"] != rows["better_usual"])
    wording = (factor, rows["low"], rows["high"], reverse, spec["scale"], rows["better"], spec["better"])
    table = pd.DataFrame(
        {
            "slope": factor.where(~reverse, -factor),
            "offset": base.where(~reverse, turned.where(bounded, 0.0) - base),
            "derivation": list(map(_wording, *wording)),
            "cautions": where_text(odd, ODD_DIRECTION + rows["better"].astype(object) + " is better"),
        },
        index=rows.index,
    )
    other_unit = (rows["unit"] != rows["unit_usual"]) & (rows["unit_usual"] != "")
    percent = other_unit & (rows["unit"] == PERCENT_CHANGE)
    unscaled = "no fixed range in the catalogue, so it cannot be rescaled"
    undefined = "not a defined scale (see the catalogue), so not rescaled"
    cases = (
        (percent, Reason.OTHER_UNIT, "a percent change, not a score"),
        (rescale & other_unit, Reason.OTHER_UNIT, "printed in another unit than its range"),
        (rescale & ~bounded, Reason.NO_RANGE, unscaled),
        (rescale & ~rows["poolable"], Reason.NO_RANGE, undefined),
        *_not_reversible(spec["measure"], opposite, bounded),
    )
    refuse(table, cases)
    return table


def _not_reversible(measure: pd.Series, opposite: pd.Series, bounded: pd.Series) -> tuple[Case, ...]:
    """Results scored the other way than the analysis whose measure cannot be turned."""
    mean = measure.isin(GROUP_MEANS) & opposite & (~bounded | (measure == "MNLN"))
    return (
        ((measure == "ROM") & opposite, Reason.DIRECTION, "a ratio of means cannot be reversed"),
        ((measure == "CVR") & opposite, Reason.DIRECTION, "a coefficient of variation cannot be reversed"),
        (mean, Reason.DIRECTION, "a mean can be reversed on a scale with bounds only"),
    )


def _wording(
    factor: float, low: float, high: float, reverse: bool, scale: str | None, own: str, wanted: str
) -> tuple[str, ...]:
    """The steps of one rescaling and reversal."""
    sign = f"sign reversed ({own} is better in this report, {wanted} in the analysis)"
    sign = sign if reverse else "sign kept"
    if not wanted and (not scale or factor == 1):  # of one group no direction need be better
        return ()
    if not scale or factor == 1:
        return (sign,)
    span = f"{number_text(low)}–{number_text(high)} to {scale.replace('-', '–')}"
    return f"rescaled ×{number_text(factor)} from {span}", sign


def on_scale(pairs: pd.DataFrame, settings: pd.DataFrame, catalogue: Mapping[str, Any]) -> pd.DataFrame:
    """Means and SDs of comparisons on their analysis' scale and in its direction, or the reason why not."""
    pairs = with_scales(pairs, catalogue)
    scale = scaling(pairs, settings)
    value = (pairs["kind"] == "final").astype(float)
    for side in [side for side in SIDES if f"mean_{side}" in pairs]:
        pairs[f"mean_{side}"] = scale["slope"] * pairs[f"mean_{side}"] + scale["offset"] * value
        pairs[f"sd_{side}"] = scale["slope"].abs() * pairs[f"sd_{side}"]
    if "sd_before" in pairs:  # of one group
        pairs["sd_before"], pairs["sd_after"] = (
            scale["slope"].abs() * pairs[name] for name in ("sd_before", "sd_after")
        )
    for name in ("derivation", "cautions"):
        pairs[name] = steps(pairs[name], scale[name])
    return pairs.assign(reason_code=scale["reason_code"], reason=scale["reason"])
