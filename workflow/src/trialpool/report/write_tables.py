"""The job that writes the tables of the whole review and its README."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trialpool import io
from trialpool.contracts import data_dictionary
from trialpool.report.readme import render_readme
from trialpool.report.records import read_records, read_tables, with_appraisal
from trialpool.report.tables import EXCLUDED_COLUMNS, SUMMARY_COLUMNS, summary_rows
from trialpool.report.trials import labels
from trialpool.report.unused import excluded_rows, not_asked


def write_tables(
    record_paths: Sequence[str], appraisal_path: str, folder: str | Path, table_paths: Sequence[str] = ()
) -> None:
    """Write summary.csv, excluded.csv and README.md from records, appraisal and evidence, and DATA.md."""
    appraisal, folder = io.read_json(appraisal_path), Path(folder)
    records = with_appraisal(read_records(record_paths), appraisal)
    io.write_csv(folder / "summary.csv", summary_rows(records), SUMMARY_COLUMNS)
    tables = read_tables(table_paths)
    unasked = not_asked(records, tables, labels(records, tables.get("studies") or []))
    io.write_csv(folder / "excluded.csv", excluded_rows(records, unasked), EXCLUDED_COLUMNS)
    io.write_text(folder / "DATA.md", data_dictionary())
    io.write_text(folder / "README.md", render_readme(records, appraisal["claims"]))
