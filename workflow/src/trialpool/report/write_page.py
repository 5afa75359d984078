"""The job that writes the page."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from trialpool import io
from trialpool.report.page import render_pages
from trialpool.report.parts import FOLDER
from trialpool.report.records import Record, read_csv, read_records, read_tables, with_appraisal
from trialpool.yaml_files import read_yaml


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
    specs: Mapping[str, Record] | None = None,
) -> None:
    """Write index.html, of very many questions a page each besides, from the records, their appraisal, SVG
    files (analyses/<analysis>/<figure>.svg), the evidence tables, the catalogue of instruments (for their
    full names), flow.csv, audit.csv, published.csv and the resolved settings of the analyses.
    """
    appraisal = io.read_json(appraisal_path)
    records = with_appraisal(read_records(record_paths), appraisal)
    figures: dict[str, dict[str, Path]] = {}
    for figure in map(Path, figure_paths):
        figures.setdefault(figure.parent.name, {})[figure.stem] = figure
    tables = read_tables(table_paths)
    instruments = read_yaml(catalogue)[0]["instruments"]
    pages = render_pages(
        records,
        tables,
        figures,
        instruments=instruments,
        claims=appraisal["claims"],
        flow=read_csv(flow_path),
        audit=read_csv(audit_path),
        published=read_csv(published_path),
        specs=specs,
    )
    folder = Path(path).parent
    shutil.rmtree(folder / FOLDER, ignore_errors=True)  # pages of questions of an earlier, larger review
    for name, page in pages:
        io.write_text(folder / name, page)
