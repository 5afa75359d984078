"""Jobs of the evidence after it is read: harmonise, audit, compare; each writes all of its files or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from trialpool import io
from trialpool.settings import load_catalogue

Specs = Mapping[str, Mapping[str, Any]]


def read_tables(paths: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Parquet files as frames, keyed by their names without suffix."""
    return {Path(path).stem: pd.read_parquet(path) for path in paths}


def harmonise(table_paths: Sequence[str], paths: Sequence[str]) -> None:
    """Bring what trials report to arm summaries, contrasts and events."""
    from trialpool.evidence.harmonise import harmonise, write_harmonised

    write_harmonised(harmonise(read_tables(table_paths)), paths)


def audit(table_paths: Sequence[str], catalogue_path: str, findings_path: str, table_path: str) -> None:
    """Check the numbers against each other and write what was found, for the comparison and for readers."""
    from trialpool.evidence.audit import audit, write_audit

    found = audit(read_tables(table_paths), load_catalogue(catalogue_path))
    io.write_parquet(findings_path, found)
    write_audit(found, table_path)


def compare(
    table_paths: Sequence[str],
    harmonised_paths: Sequence[str],
    findings_path: str,
    catalogue_path: str,
    specs: Specs,
    trials_path: str,
) -> None:
    """Turn arm summaries into effects: per analysis its effects, what was not used and why, and its trials.

    Each effect carries its trial's risk of bias and the audit's findings on its rows. Beside `trials_path`,
    which tells how many trials each analysis pools, the tables go to analyses/<analysis>/.
    """
    from trialpool.evidence.compare import compare, write_comparison
    from trialpool.evidence.judgements import judgement_lines, overall_judgements

    tables = read_tables(table_paths)
    comparison = compare(
        read_tables(harmonised_paths), tables, load_catalogue(catalogue_path), list(specs.values())
    )
    effects = comparison.effects
    judged = tables["risk_of_bias"].to_dict("records")
    overall, lines = overall_judgements(judged), judgement_lines(judged)
    effects["risk_of_bias"] = [overall.get(study, "") for study in effects["study_id"]]
    effects["judgements"] = [lines.get(study, "") for study in effects["study_id"]]
    effects = flagged(effects, pd.read_parquet(findings_path))
    write_comparison(replace(comparison, effects=effects), list(specs), Path(trials_path).parent / "analyses")
    pooled = (
        effects[effects["selected"] & (effects["variant"] == "")].groupby("analysis")["study_id"].nunique()
    )
    io.write_json(trials_path, {analysis: int(pooled.get(analysis, 0)) for analysis in specs})


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
