"""From summaries to the effects of every analysis, with what was left out and what is known to exist.

All analyses are compared in one pass (see `questions`). An effect is always experimental minus (or over)
control, on the analysis' scale and in its direction. Published contrasts and arms' numbers of one result
are never both used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trialpool import io
from trialpool.evidence.assemble import SIDES, Asked, ask, candidate_table
from trialpool.evidence.crossings import Numbers, Variant, crossings, new_ones, numbers
from trialpool.evidence.leftovers import excluded_rows, known_trials
from trialpool.evidence.variants import variants

TEXT, NUMBER, COUNT, FLAG = "text", "number", "count", "flag"
EFFECT_COLUMNS = {
    **dict.fromkeys(("analysis", "study_id", "label"), TEXT),
    "year": COUNT,
    **dict.fromkeys(("condition", "purpose", "design", "arm_experimental", "arm_control"), TEXT),
    **dict.fromkeys(("label_experimental", "label_control"), TEXT),
    **dict.fromkeys(("category_experimental", "category_control", "cointervention"), TEXT),
    **dict.fromkeys(("domain", "instrument", "item", "unit"), TEXT),
    "weeks": NUMBER,
    **dict.fromkeys(("timepoint", "kind"), TEXT),
    **dict.fromkeys(("n_experimental", "n_control"), COUNT),
    **dict.fromkeys(("mean_experimental", "sd_experimental", "mean_control", "sd_control"), NUMBER),
    **dict.fromkeys(("events_experimental", "events_control"), COUNT),
    "measure": TEXT,
    **dict.fromkeys(("effect", "variance"), NUMBER),
    "imputed": FLAG,
    **dict.fromkeys(("derivation", "cautions", "reading", "source_url", "locator", "row_ids"), TEXT),
    "selected": FLAG,
    **dict.fromkeys(("reason", "variant"), TEXT),
    **dict.fromkeys(("sessions", "programme_weeks", "sessions_per_week"), NUMBER),
    "n_randomised": COUNT,
    "cluster": TEXT,
}
EXCLUDED_COLUMNS = {
    **dict.fromkeys(("analysis", "study_id", "label", "arm_experimental", "arm_control"), TEXT),
    **dict.fromkeys(("instrument", "item", "timepoint"), TEXT),
    "weeks": NUMBER,
    **dict.fromkeys(("reason_code", "reason", "source_url", "row_ids"), TEXT),
}
KNOWN_COLUMNS = {
    **dict.fromkeys(("analysis", "study_id", "label"), TEXT),
    **dict.fromkeys(("year", "n_randomised"), COUNT),
    **dict.fromkeys(("category_experimental", "category_control"), TEXT),
    "has_numbers": FLAG,
    "source_url": TEXT,
}
DTYPES = {TEXT: "string", NUMBER: "Float64", COUNT: "Int64", FLAG: "boolean"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What all analyses compare: candidate effects, what was left out, and the trials known to exist."""

    effects: pd.DataFrame
    excluded: pd.DataFrame
    known: pd.DataFrame


def compare(
    harmonised: Mapping[str, pd.DataFrame],
    tables: Mapping[str, pd.DataFrame],
    catalogue: Mapping[str, Any],
    specs: Sequence[Mapping[str, Any]],
) -> Comparison:
    """Candidate effects of every analysis with the chosen ones marked, as typed long tables.

    `harmonised` as of `harmonise`, `tables` as read (studies, arms), `specs` resolved analyses. Columns:
    EFFECT_COLUMNS, EXCLUDED_COLUMNS, KNOWN_COLUMNS; sorted by analysis (order of `specs`), year, study.
    """
    asked = ask(tables, catalogue, specs)
    candidates, without = candidate_table(harmonised, asked)
    place = (asked.specs, asked.studies, asked.arms, asked.sides)
    excluded = excluded_rows(*place, candidates, without, harmonised)
    known = known_trials(*place, harmonised)
    names = [spec["analysis"] for spec in specs]
    effects = pd.concat(
        [
            _effects(candidates[candidates["effect"].notna()], asked).assign(variant=""),
            _variant_effects(harmonised, tables, asked, candidates, without),
        ],
        ignore_index=True,
    )
    return Comparison(
        _typed(effects, EFFECT_COLUMNS, names),
        _typed(excluded, EXCLUDED_COLUMNS, names),
        _typed(known, KNOWN_COLUMNS, names),
    )


def _variant_effects(
    harmonised: Mapping[str, pd.DataFrame],
    tables: Mapping[str, pd.DataFrame],
    asked: Asked,
    candidates: pd.DataFrame,
    without: pd.DataFrame,
) -> pd.DataFrame:
    """What every variant of an analysis, and every crossing of them, would pool instead."""
    chosen = candidates[candidates["selected"].astype(bool)]
    seen = {int(position): {numbers(rows)} for position, rows in chosen.groupby("analysis")}
    singles = variants(asked.specs, candidates, without, harmonised["arms"])
    first, useful = _pooled_instead(harmonised, tables, asked, singles, seen)
    crossed = crossings(asked.specs, [singles[at] for at in useful])
    second, _ = _pooled_instead(harmonised, tables, asked, crossed, seen)
    return pd.concat([first, second], ignore_index=True)


def _pooled_instead(
    harmonised: Mapping[str, pd.DataFrame],
    tables: Mapping[str, pd.DataFrame],
    asked: Asked,
    found: Sequence[Variant],
    seen: dict[int, set[Numbers]],
) -> tuple[pd.DataFrame, list[int]]:
    """The effects of the variants that pool new numbers, under their analysis' position; which those are."""
    if not found:
        return pd.DataFrame(columns=["analysis"]), []
    again = ask(tables, asked.catalogue, [spec for _, _, spec in found])
    others, _ = candidate_table(harmonised, again)
    rows = _effects(others[others["selected"].astype(bool)], again)
    rows = rows.assign(variant_at=rows["analysis"].to_numpy(dtype=int))
    useful = new_ones(found, rows, seen)
    rows = rows[rows["variant_at"].isin(useful)]
    place = rows["variant_at"].to_numpy(dtype=int)
    marked = rows.assign(
        analysis=np.array([position for position, _, _ in found])[place],
        variant=np.array([name for _, name, _ in found], dtype=object)[place],
        selected=False,
    )
    return marked.drop(columns="variant_at"), useful


def _effects(rows: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """What the contract's columns are called here, beside what belongs to the study and the analysis."""
    study = asked.studies.set_index("study_id").reindex(rows["study_id"])
    spec = asked.frame.take(rows["analysis"].to_numpy())
    rescaled = (spec["scale"].notna() & (spec["measure"] == "MD")).to_numpy()
    scale_unit = "points on " + spec["scale"].fillna("").str.replace("-", "–")
    names = ("year", "condition", "purpose", "design", "n_randomised")
    added = {name: study[name].to_numpy() for name in names}
    added |= {"label": study["study_label"].to_numpy(), "measure": spec["measure"].to_numpy()}
    added |= {
        "cluster": rows["study_id"],
        "cointervention": rows["cointervention_experimental"],
    }
    added |= {f"arm_{side}": rows[f"arm_id_{side}"] for side in SIDES}
    for name in ("sessions", "programme_weeks", "sessions_per_week"):
        added[name] = rows[f"{name}_experimental"]
    added["unit"] = np.where(rescaled, scale_unit, rows["unit"])
    return rows.assign(**added)


def _typed(table: pd.DataFrame, columns: Mapping[str, str], names: list[str]) -> pd.DataFrame:
    """The contract's columns and types, sorted, with the analyses by name."""
    table = table.reset_index(drop=True)
    order = [
        name
        for name in ("variant", "year", "study_id", "instrument", "item", "weeks", "row_ids", "reason_code")
        if name in table
    ]
    table = table.sort_values(["analysis", *order], kind="stable", na_position="last")
    table["analysis"] = np.array(names, dtype=object)[table["analysis"].to_numpy(dtype=int)]
    out = {}
    for name, kind in columns.items():
        values = table[name] if name in table else pd.Series(pd.NA, index=table.index)
        if kind == COUNT:
            values = pd.to_numeric(values).round()
        out[name] = values.astype(DTYPES[kind])
        if kind == TEXT:
            out[name] = out[name].fillna("")
    return pd.DataFrame(out).reset_index(drop=True)


def write_comparison(comparison: Comparison, analyses: Sequence[str], folder: str | Path) -> None:
    """Write effects, excluded and known.parquet of every analysis into `folder`/<analysis>/."""
    for name in ("effects", "excluded", "known"):
        table: pd.DataFrame = getattr(comparison, name)
        groups = dict(iter(table.groupby("analysis", sort=False)))
        for analysis in analyses:
            part = groups.get(analysis, table.iloc[:0])
            io.write_parquet(Path(folder) / analysis / f"{name}.parquet", part.reset_index(drop=True))
