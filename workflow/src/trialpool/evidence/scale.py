"""Direction and scale: what makes numbers of different instruments, or of one scored both ways, comparable.

Direction: the row's own `better` decides, because authors score some instruments the other way round
(FACT/GOG-Ntx as symptom burden); a row that disagrees with the catalogue carries a caution, and one that
disagrees with the analysis is reversed and says so. Reversing a score on a bounded scale means low + high -
value; without a range, and for changes, the sign changes.

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

from trialpool.evidence.words import joined, number_text, where_text

PERCENT_CHANGE = "percent"


def scale_range(scale: str | None) -> tuple[float, float]:
    """Bounds of a scale such as "0-10"; NaN for none.

    >>> scale_range("0-10"), scale_range("-5-5")
    ((0.0, 10.0), (-5.0, 5.0))
    """
    if not scale:
        return np.nan, np.nan
    cut = scale.index("-", 1)
    return float(scale[:cut]), float(scale[cut + 1 :])


def scaling(rows: pd.DataFrame, specs: pd.DataFrame) -> pd.DataFrame:
    """How to map every row onto its analysis' scale: value' = offset + slope·value.

    `rows` has `analysis`, `unit`, `better`, `kind` and the columns of `instruments.with_scales`; `specs` has
    `measure`, `better`, `scale` by position. Returns `slope` (its sign is the direction), `offset` (for
    values; differences and changes need the slope only), `derivation`, `cautions`, `reason_code`, `reason`.
    """
    spec = specs.take(rows["analysis"].to_numpy()).set_axis(rows.index)
    target = spec["scale"].map(scale_range, na_action=None)
    low, high = target.str[0].astype(float), target.str[1].astype(float)
    width = rows["high"] - rows["low"]
    factor = ((high - low) / width).where(low.notna(), 1.0)
    base = (low - factor * rows["low"]).where(low.notna(), 0.0)
    reverse = (rows["better"] != spec["better"]) & (rows["better"] != "") & (spec["measure"] != "RR")
    bounded = rows["low"].notna()
    turned = (rows["low"] + rows["high"]) * factor + 2 * base  # reversed value = turned - (factor·x + base)
    slope = factor.where(~reverse, -factor)
    offset = base.where(~reverse, turned.where(bounded, 0.0) - base)
    odd = (rows["better_usual"] != "") & (rows["better"] != "") & (rows["better"] != rows["better_usual"])
    return pd.DataFrame(
        {
            "slope": slope,
            "offset": offset,
            "derivation": _words(rows, spec, factor, low.notna(), reverse),
            "cautions": joined(
                where_text(
                    odd & (rows["better"] == "lower"), "scored the other way than usual: lower is better"
                ),
                where_text(
                    odd & (rows["better"] == "higher"), "scored the other way than usual: higher is better"
                ),
            ),
            **_refusals(rows, spec, low.notna()),
        },
        index=rows.index,
    )


def _words(
    rows: pd.DataFrame, spec: pd.DataFrame, factor: pd.Series, rescale: pd.Series, reverse: pd.Series
) -> np.ndarray:
    """Each different rescaling and reversal is worded once: rows are many, wordings few."""
    parts = pd.DataFrame(
        {
            **{"factor": factor, "low": rows["low"], "high": rows["high"], "reverse": reverse},
            **{"scale": spec["scale"].where(rescale, ""), "here": rows["better"], "there": spec["better"]},
        }
    )
    codes = parts.groupby(list(parts), dropna=False, sort=False).ngroup().to_numpy()
    firsts = parts[~pd.Series(codes).duplicated().to_numpy()]
    words = [_wording(*row) for row in firsts.itertuples(index=False, name=None)]
    return np.array(words, dtype=object)[codes] if words else np.array([], dtype=object)


def _wording(factor: float, low: float, high: float, reverse: bool, scale: str, here: str, there: str) -> str:
    sign = (
        f"sign reversed ({here} is better in this report, {there} in the analysis)"
        if reverse
        else "sign kept"
    )
    if not scale or factor == 1:
        return sign
    span = f"{number_text(low)}–{number_text(high)} to {scale.replace('-', '–')}"
    return f"rescaled ×{number_text(factor)} from {span}; {sign}"


def _refusals(rows: pd.DataFrame, spec: pd.DataFrame, rescale: pd.Series) -> dict[str, np.ndarray]:
    """Rows that cannot go on the analysis' scale, with the reason."""
    other_unit = (rows["unit"] != rows["unit_usual"]) & (rows["unit_usual"] != "")
    cases: tuple[tuple[Any, str, str], ...] = (
        (other_unit & (rows["unit"] == PERCENT_CHANGE), "other_unit", "a percent change, not a score"),
        (rescale & other_unit, "other_unit", "printed in another unit than its range"),
        (
            rescale & rows["low"].isna(),
            "no_range",
            "no fixed range in the catalogue, so it cannot be rescaled",
        ),
        (rescale & ~rows["poolable"], "no_range", "not a defined scale (see the catalogue), so not rescaled"),
        (
            (spec["measure"] == "ROM") & _reversed(rows, spec),
            "direction",
            "a ratio of means cannot be reversed",
        ),
    )
    codes, reasons = np.full(len(rows), "", dtype=object), np.full(len(rows), "", dtype=object)
    for mask, code, words in reversed(cases):
        codes[np.asarray(mask)], reasons[np.asarray(mask)] = code, words
    return {"reason_code": codes, "reason": reasons}


def _reversed(rows: pd.DataFrame, spec: pd.DataFrame) -> pd.Series:
    return (rows["better"] != spec["better"]) & (rows["better"] != "")


def spec_frame(specs: list[Mapping[str, Any]]) -> pd.DataFrame:
    """The settings that arithmetic needs, one row an analysis, by position.

    >>> spec_frame([{"analysis": "a", "measure": "MD", "better": "lower", "scale": None}])["scale"].tolist()
    [None]
    """
    defaults = {"multi_arm": "combine", "several_effects": "prefer", "change_correlation": 0.5}
    defaults |= {"zero_cells": 0.5, "smd_variance": "LS", "kinds": None, "convert": None}
    defaults |= {"prefer_source": None, "borrow_sd": False}
    names = ("analysis", "measure", "better", "scale", *defaults)
    frame = pd.DataFrame({name: [spec.get(name, defaults.get(name)) for spec in specs] for name in names})
    frame["scale"] = frame["scale"].astype(object).where(frame["scale"].notna(), None)
    return frame
