"""The jobs that write what a reviewer opens: tables, page and manifest, all from the same records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trialpool import io
from trialpool.report.manifest import MANIFEST_COLUMNS, manifest_rows
from trialpool.report.readme import render_readme
from trialpool.report.tables import EXCLUDED_COLUMNS, SUMMARY_COLUMNS, summary_rows


def read_records(paths: Sequence[str | Path]) -> list[dict[str, Any]]:
    """The result records in the order of the paths (that of the config)."""
    return [io.read_json(path) for path in paths]


def write_tables(record_paths: Sequence[str], folder: str | Path) -> None:
    """Write summary.csv, excluded.csv and README.md from the records."""
    records, folder = read_records(record_paths), Path(folder)
    io.write_csv(folder / "summary.csv", summary_rows(records), SUMMARY_COLUMNS)
    excluded = [row for record in records for row in record["not_used"]]
    io.write_csv(folder / "excluded.csv", excluded, EXCLUDED_COLUMNS)
    io.write_text(folder / "README.md", render_readme(records))


def write_page(
    record_paths: Sequence[str],
    figure_paths: Sequence[str],
    table_paths: Sequence[str],
    catalogue: str | Path,
    path: str | Path,
) -> None:
    """Write index.html from the records, their forest plots' SVG files (same order), the evidence tables
    and the catalogue of instruments (for their full names).
    """
    from trialpool.report.page import render_page
    from trialpool.yaml_files import read_yaml

    records = read_records(record_paths)
    figures = {
        record["analysis"]: Path(figure).read_text(encoding="utf-8")
        for record, figure in zip(records, figure_paths, strict=True)
    }
    tables = {Path(table).stem: io.read_rows(table) for table in table_paths}
    instruments = read_yaml(catalogue)[0]["instruments"]
    io.write_text(path, render_page(records, tables, figures, instruments=instruments))


def write_manifest(folder: str | Path, evidence: Sequence[str]) -> None:
    """Write manifest.csv: the hash of every result and of the evidence behind them."""
    io.write_csv(Path(folder) / "manifest.csv", manifest_rows(folder, evidence), MANIFEST_COLUMNS)
