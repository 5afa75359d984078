"""The jobs that write the tables of the whole review, its README and its page."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from trialpool import io
from trialpool.contracts import data_dictionary
from trialpool.page.links import FOLDER
from trialpool.page.page import render_pages
from trialpool.page.readme import render_readme
from trialpool.page.tables import EXCLUDED_COLUMNS, SUMMARY_COLUMNS, summary_row
from trialpool.view.read import Row, read_claims, read_csv, read_records, read_tables
from trialpool.view.study import labels
from trialpool.view.unused import excluded_rows, not_asked
from trialpool.yaml_files import read_yaml


def write_tables(
    record_paths: Sequence[str], appraisal_path: str, folder: str | Path, table_paths: Sequence[str] = ()
) -> None:
    """Write summary.csv, excluded.csv and README.md from records, appraisal and evidence, and DATA.md."""
    appraisal, folder = io.read_json(appraisal_path), Path(folder)
    records, tables = read_records(record_paths, appraisal), read_tables(table_paths)
    io.write_csv(folder / "summary.csv", map(summary_row, records), SUMMARY_COLUMNS)
    unasked = not_asked(records, tables, labels(records, tables.get("studies") or []))
    io.write_csv(folder / "excluded.csv", excluded_rows(records, unasked), EXCLUDED_COLUMNS)
    io.write_text(folder / "DATA.md", data_dictionary())
    io.write_text(folder / "README.md", render_readme(records, read_claims(appraisal)))


def write_page(
    record_paths: Sequence[str],
    appraisal_path: str,
    figure_paths: Sequence[str],
    table_paths: Sequence[str],
    catalogue: str | Path,
    path: str | Path,
    *,
    flow_path: str | Path | None = None,
    audit_path: str | Path | None = None,
    published_path: str | Path | None = None,
    specs: Mapping[str, Row] | None = None,
) -> None:
    """Write index.html, of very many questions a page each besides, from the records, their appraisal, SVG
    files (analyses/<analysis>/<figure>.svg), the evidence tables, the catalogue of instruments (for their
    full names), flow.csv, audit.csv, published.csv and the resolved settings of the analyses.
    """
    appraisal = io.read_json(appraisal_path)
    figures: dict[str, dict[str, Path]] = {}
    for figure in map(Path, figure_paths):
        figures.setdefault(figure.parent.name, {})[figure.stem] = figure
    pages = render_pages(
        read_records(record_paths, appraisal),
        read_tables(table_paths),
        figures,
        instruments=read_yaml(catalogue)[0]["instruments"],
        claims=read_claims(appraisal),
        flow=read_csv(flow_path),
        audit=read_csv(audit_path),
        published=read_csv(published_path),
        specs=specs,
    )
    folder = Path(path).parent
    shutil.rmtree(folder / FOLDER, ignore_errors=True)  # pages of questions of an earlier, larger review
    for name, page in pages:
        io.write_text(folder / name, page)
