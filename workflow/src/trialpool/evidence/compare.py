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
from trialpool.evidence.alternatives import pooled_instead
from trialpool.evidence.assemble import SIDES, Asked, ask, candidate_table, decided
from trialpool.evidence.judgements import judgement_lines, overall_judgements
from trialpool.evidence.leftovers import excluded_rows, known_trials

TEXT, CODES, NUMBER, COUNT, FLAG = "text", "codes", "number", "count", "flag"
CATEGORIES = dict.fromkeys(("category_experimental", "category_control"), CODES)  # of all arms combined
EFFECT_COLUMNS = {
    **dict.fromkeys(("analysis", "study_id", "label"), TEXT),
    "year": COUNT,
    **dict.fromkeys(("condition", "purpose", "design", "arm_experimental", "arm_control"), TEXT),
    **dict.fromkeys(("label_experimental", "label_control"), TEXT),
    **CATEGORIES,
    **dict.fromkeys(("cointervention", "domain", "instrument", "item", "unit"), TEXT),
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
    **CATEGORIES,
    "has_numbers": FLAG,
    "source_url": TEXT,
}
SORTED_BY = (
    *("analysis", "variant", "year", "study_id", "instrument", "item", "weeks", "row_ids", "reason_code"),
)
DTYPES = {TEXT: "string", CODES: "object", NUMBER: "Float64", COUNT: "Int64", FLAG: "boolean"}


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
    findings: pd.DataFrame | None = None,
) -> Comparison:
    """Candidate effects of every analysis with the chosen ones marked, as typed long tables.

    `harmonised` as of `harmonise`, `tables` as read (studies, arms), `specs` resolved analyses. Columns:
    EFFECT_COLUMNS, EXCLUDED_COLUMNS, KNOWN_COLUMNS; sorted by analysis (order of `specs`), year, study.
    With the audit's `findings` each effect also carries those on its rows and its trial's risk of bias.
    """
    asked = ask(tables, catalogue, specs)
    scored, without = candidate_table(harmonised, asked)
    candidates = decided(scored, asked)
    place = (asked.specs, asked.studies, asked.arms, asked.sides)
    excluded = excluded_rows(*place, candidates, without, harmonised)
    known = known_trials(*place, harmonised)
    names = [spec["analysis"] for spec in specs]
    instead = pooled_instead(harmonised, tables, asked, scored, candidates, without)
    usual = candidates[candidates["effect"].notna()].assign(variant="")
    del scored, candidates, without  # the largest tables; what follows needs the room
    effects = pd.concat(
        [_effects(usual, asked), _effects(instead, asked).assign(selected=False)], ignore_index=True
    )
    effects = _typed(effects, EFFECT_COLUMNS, names)
    if findings is not None:
        effects = flagged(judged(effects, tables["risk_of_bias"]), findings)
    return Comparison(
        effects,
        _typed(excluded, EXCLUDED_COLUMNS, names),
        _typed(known, KNOWN_COLUMNS, names),
    )


def judged(effects: pd.DataFrame, judgements: pd.DataFrame) -> pd.DataFrame:
    """Effects with `risk_of_bias` and `judgements`, the overall judgement of their trial and its lines."""
    rows = judgements.to_dict("records")
    overall, lines = overall_judgements(rows), judgement_lines(rows)
    return effects.assign(
        risk_of_bias=[overall.get(study, "") for study in effects["study_id"]],
        judgements=[lines.get(study, "") for study in effects["study_id"]],
    )


def flagged(effects: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    """Effects with `audit`, the rules of high or medium severity that question one of their rows; also told
    among the cautions.

    >>> effects = pd.DataFrame({"row_ids": ["a.csv:2 a.csv:3"], "cautions": [""]})
    >>> findings = pd.DataFrame({"row_ids": ["a.csv:3"], "severity": ["high"], "rule": ["se_as_sd"],
    ...                          "finding": ["spread too small"]})
    >>> flagged(effects, findings)[["audit", "cautions"]].values.tolist()
    [['se_as_sd', 'audit: spread too small']]
    """
    grave = findings[findings["severity"].isin(["high", "medium"])]
    by_row: dict[str, list[tuple[str, str]]] = {}
    for rows, rule, words in zip(grave["row_ids"], grave["rule"], grave["finding"], strict=True):
        for row in str(rows).split():
            by_row.setdefault(row, []).append((str(rule), str(words)))
    met = [
        list(dict.fromkeys(entry for row in str(rows).split() for entry in by_row.get(row, ())))
        for rows in effects["row_ids"]
    ]
    cautions = [
        "; ".join([*([str(caution)] if caution else []), *(f"audit: {words}" for _, words in entries)])
        for caution, entries in zip(effects["cautions"], met, strict=True)
    ]
    rules = [" ".join(dict.fromkeys(rule for rule, _ in entries)) for entries in met]
    return effects.assign(audit=rules, cautions=cautions)


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
    return rows.assign(**added).reindex(columns=[name for name in EFFECT_COLUMNS if name in {*rows, *added}])


def _typed(table: pd.DataFrame, columns: Mapping[str, str], names: list[str]) -> pd.DataFrame:
    """The contract's columns and types, sorted, with the analyses by name."""
    keys = [name for name in SORTED_BY if name in table]
    order = table[keys].reset_index(drop=True).sort_values(keys, kind="stable", na_position="last").index
    place = order.to_numpy()
    out = {}
    for name, kind in columns.items():
        values = (
            table[name].take(place).reset_index(drop=True)
            if name in table
            else pd.Series(pd.NA, range(len(table)))
        )
        if name == "analysis":
            values = pd.Series(np.array(names, dtype=object)[values.to_numpy(dtype=int)])
        if kind == COUNT:
            values = pd.to_numeric(values).round()
        out[name] = values.astype(DTYPES[kind])
        if kind == TEXT:
            out[name] = out[name].fillna("")
    return pd.DataFrame(out)


def write_comparison(
    comparison: Comparison, batches: Sequence[Sequence[str]], paths: Sequence[str | Path]
) -> None:
    """Write the effects, excluded and known rows of every batch of analyses as parquet.

    `paths` are the three files of the first batch, then of the next; within a file the analyses stand in the
    order of the batch.
    """
    for number, table in enumerate((comparison.effects, comparison.excluded, comparison.known)):
        rows_of = table.groupby("analysis", sort=False).indices
        for batch, path in zip(batches, paths[number::3], strict=True):
            places = [rows_of[analysis] for analysis in batch if analysis in rows_of]
            part = table.take(np.concatenate(places)) if places else table.iloc[:0]
            lists = [name for name in CATEGORIES if name in part]
            io.write_parquet(path, part.reset_index(drop=True), lists)
