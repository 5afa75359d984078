"""The jobs of the whole review: records in; appraisal, moderators, published pools and networks out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trialpool import io
from trialpool.records import Record, from_json, to_json


def read_records(paths: Sequence[str | Path]) -> list[Record]:
    """The records of result.json files, in the order of the paths (that of the config)."""
    return [from_json(Record, io.read_json(path)) for path in paths]


def write_appraisal(
    record_paths: Sequence[str],
    judgements_path: str,
    claims_path: str | None,
    path: str | Path,
    audit_path: str | None = None,
) -> None:
    """Appraise the records by the rules of a claims file and write the appraisal as JSON.

    `audit_path` is the parquet file of the audit's findings.
    """
    from trialpool.synthesis.claims import appraise, load_claims

    records = read_records(record_paths)
    rules = load_claims(claims_path, [record.analysis for record in records])
    audit = io.read_rows(audit_path) if audit_path else []
    io.write_json(path, to_json(appraise(records, io.read_rows(judgements_path), rules, audit)))


def write_moderators(record_paths: Sequence[str], table: str) -> None:
    """Write what was asked of moderators in the review, p-values adjusted over all tests of it (Holm)."""
    from trialpool.synthesis.moderators import MODERATOR_COLUMNS, adjusted, table_rows

    rows = [row for record in read_records(record_paths) for row in record.moderators]
    rows.sort(key=lambda row: row.analysis)
    io.write_csv(table, table_rows(adjusted(rows)), MODERATOR_COLUMNS)


def write_published(
    pools_path: str,
    record_paths: Sequence[str],
    rules_path: str | Sequence[str] | None,
    table: str,
    figures: Sequence[str],
) -> None:
    """Write published.csv and one figure a group; `figures` are the paths of the SVGs."""
    from trialpool.figures.published import describe_published, draw_published
    from trialpool.figures.save import PNG_DPI_BESIDE, save_figure
    from trialpool.synthesis.published import PUBLISHED_COLUMNS, load_published, published_rows

    records = read_records(record_paths)
    rules = load_published(rules_path, [record.analysis for record in records])
    rows = io.canonical(to_json(published_rows(io.read_rows(pools_path), rules, records)))
    io.write_csv(table, rows, PUBLISHED_COLUMNS)
    for path in map(Path, figures):
        title = rules["figures"][path.stem]["title"]
        shown = [row for row in rows if row["figure"] == path.stem]
        figure, description = draw_published(title, shown), describe_published(title, shown)
        save_figure(figure, path.with_suffix(""), description=description, dpi=PNG_DPI_BESIDE)


def write_networks(
    rules: Mapping[str, Mapping[str, Any]], record_paths: Sequence[str], folder: str | Path
) -> None:
    """Write result.json, league.csv, ranking.csv and network.{svg,pdf,png} of every network."""
    from trialpool.figures.network import describe_network, draw_network
    from trialpool.figures.save import PNG_DPI_BESIDE, save_figure
    from trialpool.synthesis.network import LEAGUE_COLUMNS, RANKING_COLUMNS, build_network

    records = {record.analysis: record for record in read_records(record_paths)}
    for name, entry in rules.items():
        network = build_network(name, entry, [records[slug] for slug in entry["analyses"]])
        written, path = io.canonical(to_json(network)), Path(folder) / name
        io.write_json(path / "result.json", written)
        io.write_csv(path / "league.csv", written["league"], LEAGUE_COLUMNS)
        io.write_csv(path / "ranking.csv", written["ranking"], RANKING_COLUMNS)
        figure, description = draw_network(written), describe_network(written)
        save_figure(figure, path / "network", description=description, dpi=PNG_DPI_BESIDE)
