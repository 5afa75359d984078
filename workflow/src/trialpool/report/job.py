"""The jobs that write what a reviewer opens: tables, page and manifest, all from the same records."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trialpool import io
from trialpool.report.manifest import MANIFEST_COLUMNS, manifest_rows
from trialpool.report.readme import render_readme
from trialpool.report.tables import EXCLUDED_COLUMNS, SUMMARY_COLUMNS, summary_rows
from trialpool.report.trials import labels, trial_views
from trialpool.report.unused import excluded_rows, not_asked

Record = Mapping[str, Any]


def read_records(paths: Sequence[str | Path]) -> list[dict[str, Any]]:
    """The result records in the order of the paths (that of the config)."""
    return [io.read_json(path) for path in paths]


def read_csv(path: str | Path | None) -> list[dict[str, str]]:
    """The rows of a CSV file as text, [] where there is no file to read."""
    if not path:
        return []
    with Path(path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def with_appraisal(records: Sequence[Record], appraisal: Record) -> list[dict[str, Any]]:
    """The records with the `certainty` and `absolute` effect that the appraisal found for them.

    >>> with_appraisal([{"analysis": "a"}], {"analyses": {"a": {"certainty": None, "absolute": None}}})
    [{'analysis': 'a', 'certainty': None, 'absolute': None}]
    """
    return [{**record, **appraisal["analyses"].get(record["analysis"], {})} for record in records]


def write_tables(
    record_paths: Sequence[str], appraisal_path: str, folder: str | Path, table_paths: Sequence[str] = ()
) -> None:
    """Write summary.csv, excluded.csv and README.md from the records, their appraisal and the evidence."""
    appraisal, folder = io.read_json(appraisal_path), Path(folder)
    records = with_appraisal(read_records(record_paths), appraisal)
    io.write_csv(folder / "summary.csv", summary_rows(records), SUMMARY_COLUMNS)
    tables = {Path(table).stem: io.read_rows(table) for table in table_paths}
    unasked = not_asked(records, tables, labels(records, tables.get("studies") or []))
    io.write_csv(folder / "excluded.csv", excluded_rows(records, unasked), EXCLUDED_COLUMNS)
    io.write_text(folder / "README.md", render_readme(records, appraisal["claims"]))


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
    """Write index.html from the records, their appraisal, SVG files (analyses/<analysis>/<figure>.svg), the
    evidence tables, the catalogue of instruments (for their full names), flow.csv, audit.csv,
    published.csv and the resolved settings of the analyses.
    """
    from trialpool.report.page import render_page
    from trialpool.yaml_files import read_yaml

    appraisal = io.read_json(appraisal_path)
    records = with_appraisal(read_records(record_paths), appraisal)
    figures: dict[str, dict[str, str]] = {}
    for figure in map(Path, figure_paths):
        figures.setdefault(figure.parent.name, {})[figure.stem] = figure.read_text(encoding="utf-8")
    tables = {Path(table).stem: io.read_rows(table) for table in table_paths}
    instruments = read_yaml(catalogue)[0]["instruments"]
    page = render_page(
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
    io.write_text(path, page)


def draw_review(record_paths: Sequence[str], table_paths: Sequence[str], folder: str | Path) -> None:
    """Draw the figures of the whole review (risk_of_bias, evidence_map, timeline) as SVG, PDF and PNG."""
    from trialpool.figures.bias_plot import describe_risk_of_bias, draw_risk_of_bias
    from trialpool.figures.evidence_map import describe_evidence_map, draw_evidence_map
    from trialpool.figures.save import PNG_DPI_BESIDE, save_figure
    from trialpool.figures.timeline import describe_timeline, draw_timeline
    from trialpool.report.maps import evidence_map, timeline
    from trialpool.report.rob import tool_tables

    records = read_records(record_paths)
    tables = {Path(table).stem: io.read_rows(table) for table in table_paths}
    studies = tables["studies"]
    bias = tool_tables(tables["risk_of_bias"], labels(records, studies), len(studies))
    populations = evidence_map(records)
    years = timeline(trial_views(records, tables))
    for name, figure, description in (
        ("risk_of_bias", draw_risk_of_bias(bias), describe_risk_of_bias(bias, len(studies))),
        ("evidence_map", draw_evidence_map(populations), describe_evidence_map(populations)),
        ("timeline", draw_timeline(years), describe_timeline(years)),
    ):
        save_figure(figure, Path(folder) / name, description=description, dpi=PNG_DPI_BESIDE)


def write_manifest(folder: str | Path, evidence: Mapping[str, str | Path]) -> None:
    """Write manifest.csv: the hash of every result and of the evidence folders, given by their names."""
    io.write_csv(Path(folder) / "manifest.csv", manifest_rows(folder, evidence), MANIFEST_COLUMNS)
