"""Jobs of the evidence after it is read: harmonise, audit, compare; each writes all of its files or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from trialpool import io
from trialpool.contracts import AUDIT
from trialpool.settings import load_catalogue

Batch = Sequence[Mapping[str, Any]]  # the resolved settings of analyses that one job pools
AT_ONCE = 500  # analyses compared in one pass: more take more memory, fewer more passes over the tables


def read_tables(paths: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Parquet files as frames, keyed by their names without suffix."""
    return {Path(path).stem: pd.read_parquet(path) for path in paths}


def harmonise(table_paths: Sequence[str], paths: Sequence[str]) -> None:
    """Bring what trials report to arm summaries, contrasts and events."""
    from trialpool.evidence.harmonise import harmonise, write_harmonised

    write_harmonised(harmonise(read_tables(table_paths)), paths)


def audit(table_paths: Sequence[str], catalogue_path: str, findings_path: str, table_path: str) -> None:
    """Check the numbers against each other and write what was found, for the comparison and for readers."""
    from trialpool.evidence.audit.run import audit, write_audit

    found = audit(read_tables(table_paths), load_catalogue(catalogue_path))
    io.write_parquet(findings_path, found, AUDIT)
    write_audit(found, table_path)


def compare(
    table_paths: Sequence[str],
    harmonised_paths: Sequence[str],
    findings_path: str,
    catalogue_path: str,
    batches: Sequence[Batch],
    paths: Sequence[str],
) -> None:
    """Turn arm summaries into effects: per analysis its effects, what was not used and why, and its trials.

    Each effect carries its trial's risk of bias and the audit's findings on its rows. `paths` are the
    effects, excluded and known parquet files of the first batch of analyses, then of the next.
    """
    from trialpool.evidence.compare import compare, write_comparison
    from trialpool.evidence.judgements import judgement_lines, overall_judgements

    tables, harmonised = read_tables(table_paths), read_tables(harmonised_paths)
    catalogue, findings = load_catalogue(catalogue_path), pd.read_parquet(findings_path)
    judged = tables["risk_of_bias"].to_dict("records")
    overall, lines = overall_judgements(judged), judgement_lines(judged)
    for some in _at_once(batches):
        specs = [spec for batch in batches[some] for spec in batch]
        comparison = compare(harmonised, tables, catalogue, specs)
        effects = comparison.effects
        effects["risk_of_bias"] = [overall.get(study, "") for study in effects["study_id"]]
        effects["judgements"] = [lines.get(study, "") for study in effects["study_id"]]
        comparison = replace(comparison, effects=flagged(effects, findings))
        names = [[spec["analysis"] for spec in batch] for batch in batches[some]]
        write_comparison(comparison, names, paths[3 * some.start : 3 * some.stop])


def _at_once(batches: Sequence[Batch]) -> Iterator[slice]:
    """Neighbouring batches of about AT_ONCE analyses together."""
    start = count = 0
    for stop, batch in enumerate(batches, 1):
        count += len(batch)
        if count >= AT_ONCE or stop == len(batches):
            yield slice(start, stop)
            start, count = stop, 0


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
