"""From summaries to the effects of every analysis, with what was left out and what is known to exist.

All analyses are compared in one pass (see `questions`). An effect is always experimental minus (or over)
control, on the analysis' scale and in its direction. Published contrasts and arms' numbers of one result
are never both used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trialpool import io
from trialpool.evidence.candidates import arm_candidates, arm_rows, arm_totals, arm_weights
from trialpool.evidence.conversions import behind_the_asked, event_questions
from trialpool.evidence.labels import study_labels
from trialpool.evidence.leftovers import excluded_rows, known_trials
from trialpool.evidence.published import contrast_candidates, scaled_contrasts
from trialpool.evidence.questions import arm_sides
from trialpool.evidence.scale import spec_frame
from trialpool.evidence.select import choose
from trialpool.evidence.words import joined, plain_text, where_text

LEAVES_OUT = "leaves out an arm of the trial that would fit"
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
# of the two sides of a comparison, what has already gone into a column of the pair
DROPPED = re.compile(
    r"^(derivation|cautions|row_ids|source_url|locator|reading|trust|imputed|made|usable|reason|reason_code|row"
    r"|cell|study_id|side|design_r|design_effect|design_words|.*_rank|time_order|covered|place|instrument|item|timepoint|weeks)_(experimental|control)$"
)
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
    studies, arms = plain_text(tables["studies"]), plain_text(tables["arms"])
    studies["study_label"] = study_labels(studies)
    frame = spec_frame(list(specs))
    sides = arm_sides(specs, studies, arms)
    totals = arm_totals(sides, arms, arm_weights(arms))
    rows, found = [], []
    for name in ("arms", "events"):
        summaries = harmonised[name]
        asked = event_questions(specs) if name == "events" else specs
        part = arm_rows(asked, summaries, arms, studies, sides)
        part = behind_the_asked(part, frame) if name == "events" else part
        found.append(arm_candidates(part, summaries, frame, catalogue, totals).assign(table=name))
        rows.append(_described(part, summaries).assign(table=name))
    printed = contrast_candidates(
        specs, harmonised["contrasts"], arms, studies, sides, totals, harmonised["arms"]
    )
    found.append(scaled_contrasts(printed, catalogue, frame).assign(table="contrasts", cell=np.nan))
    candidates = _numbered(found)
    effects = candidates["reason_code"] == ""
    left_out = candidates["partial"].fillna(False).astype(bool)
    candidates["cautions"] = joined(candidates["cautions"], where_text(left_out, LEAVES_OUT))
    chosen = choose(candidates[effects], frame)
    everything = pd.concat([chosen, candidates[~effects]])
    excluded = excluded_rows(specs, studies, arms, sides, pd.concat(rows), everything, harmonised)
    known = known_trials(specs, studies, arms, sides, harmonised)
    names = [spec["analysis"] for spec in specs]
    return Comparison(
        _typed(_effects(chosen, studies, frame), EFFECT_COLUMNS, names),
        _typed(excluded, EXCLUDED_COLUMNS, names),
        _typed(known, KNOWN_COLUMNS, names),
    )


def _described(rows: pd.DataFrame, summaries: pd.DataFrame) -> pd.DataFrame:
    source = summaries.take(rows["row"].to_numpy())
    columns = {name: source[name].to_numpy() for name in ("instrument", "item", "timepoint", "weeks")}
    return rows.assign(**columns)


def _numbered(found: list[pd.DataFrame]) -> pd.DataFrame:
    """One table of candidates; `result` numbers what is used together (all comparisons of a cell)."""
    start = 0
    for part in found:
        key = part["row"] if "row" in part else part["cell"]
        part["result"] = key.to_numpy() + start
        start += int(key.max()) + 1 if len(key) else 0
    columns = [name for name in dict.fromkeys(c for part in found for c in part) if not DROPPED.search(name)]
    return pd.concat([part.reindex(columns=columns) for part in found], ignore_index=True)


def _effects(chosen: pd.DataFrame, studies: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """What the contract's columns are called here, beside what belongs to the study and the analysis."""
    chosen = chosen.reset_index(drop=True)
    study = studies.set_index("study_id").loc[chosen["study_id"]].reset_index()
    spec = frame.take(chosen["analysis"].to_numpy()).reset_index(drop=True)
    rescaled = (spec["scale"].notna() & (spec["measure"] == "MD")).to_numpy()
    scale_unit = "points on " + spec["scale"].fillna("").str.replace("-", "–")
    added = {name: study[name] for name in ("year", "condition", "purpose", "design", "n_randomised")}
    added |= {"label": study["study_label"], "measure": spec["measure"], "cluster": study["study_id"]}
    added |= {"variant": "", "cointervention": chosen["cointervention_experimental"]}
    added |= {f"arm_{side}": chosen[f"arm_id_{side}"] for side in ("experimental", "control")}
    for name in ("sessions", "programme_weeks", "sessions_per_week"):
        added[name] = chosen[f"{name}_experimental"]
    added["unit"] = chosen["unit"].where(~rescaled, scale_unit)
    return chosen.assign(**added)


def _typed(table: pd.DataFrame, columns: Mapping[str, str], names: list[str]) -> pd.DataFrame:
    """The contract's columns and types, sorted, with the analyses by name."""
    table = table.reset_index(drop=True)
    order = [
        name
        for name in ("year", "study_id", "instrument", "item", "weeks", "row_ids", "reason_code")
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
