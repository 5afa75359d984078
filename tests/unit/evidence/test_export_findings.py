"""The summaries of findings as files: Word and CSV have the numbers of summary.csv, every time the same."""

from __future__ import annotations

import csv
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.unit.page import demo

from trialpool import io
from trialpool.cli import main
from trialpool.contracts import SUMMARY
from trialpool.page.readme import summary_row
from trialpool.records import Record, columns_of, to_json
from trialpool.synthesis.certainty import absolute
from trialpool.synthesis.presentation import present
from trialpool.text import format_values

docx = pytest.importorskip("docx", reason="python-docx is not installed: make dev")
SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")


def records():
    counts = [{"events_experimental": e, "events_control": c} for e, c in ((5, 8), (3, 9), (7, 6), (2, 12))]
    studies = [
        demo.study(n, measure="RR", domain="adverse_event", **each) for n, each in enumerate(counts, 1)
    ]
    pooled = demo.pooled(estimate=0.7, ci_low=0.4, ci_high=1.2)
    known = {"measure": "RR", "unit": "", "mcid": None, "domain": "adverse_event", "k": 4, "studies": studies}
    harm = demo.certain(analysis="harm", title="DPN, harm: a versus b", pooled=pooled, **known)
    change = [demo.study(n, kind="change", mean_control=-1.0 - n / 2) for n in (1, 2, 3)]
    gap = demo.record("gap", k=0, title="DPN, sleep: a versus b", domain="quality_of_life")
    return [demo.certain(studies=change), harm, gap]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder with an appraisal, and its summary.csv as the pipeline writes it."""
    folder, analyses, rows = tmp_path / "results", {}, []
    for record in records():
        written = {name: part for name, part in to_json(record).items() if name in columns_of(Record)}
        io.write_json(folder / "analyses" / record.analysis / "result.json", written)
        shown, own = present(record, {}, {}), absolute(record)
        analyses[record.analysis] = {
            "certainty": to_json(record.certainty),
            "absolute": to_json(own),
            **({"shown": to_json(shown)} if shown else {}),
        }
        rows.append({**summary_row(record), **(to_json(own) or {})})
    io.write_json(folder / "appraisal.json", io.canonical({"analyses": analyses, "claims": []}))
    io.write_csv(folder / "summary.csv", rows, SUMMARY.names)
    return folder


def export(*options: object) -> str:
    ran = CliRunner().invoke(main, ["export", "sof", *map(str, options)])
    assert ran.exit_code == 0, ran.output
    return ran.output


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_csv_has_the_numbers_of_the_summary(results, tmp_path):
    out = tmp_path / "sof.csv"
    assert export(results, "--format", "csv", "--out", out).startswith("1 comparison written")
    summary = {row["analysis"]: row for row in rows_of(results / "summary.csv")}
    rows = rows_of(out)
    assert [row["analysis"] for row in rows] == ["demo-pain", "demo-pain", "gap", "harm", "harm", "harm"]
    for row in rows:
        own = summary[row["analysis"]]
        assert all(row[name] == own[name] for name in ("estimate", "ci_low", "ci_high", "certainty"))
    (median,) = [row for row in rows if row["line"] == "median risk"]
    names = {"control_value": "assumed_risk", "experimental_value": "risk", "difference": "difference"}
    assert all(median[mine] == summary["harm"][theirs] for mine, theirs in names.items())
    assert median["difference_low"] == summary["harm"]["difference_low"]
    (gap,) = [row for row in rows if row["analysis"] == "gap"]
    assert (gap["no_result_because"], gap["estimate"]) == ("No trial of this comparison is known.", "")


def test_the_word_document_has_the_numbers_of_the_summary(results, tmp_path):
    out = tmp_path / "sof.docx"
    export(results, "--out", out)
    document = docx.Document(str(out))
    (table,) = document.tables
    cells = [[cell.text for cell in row.cells] for row in table.rows]
    summary = {row["analysis"]: row for row in rows_of(results / "summary.csv")}
    for analysis, outcome in (("demo-pain", "Made-up pain"), ("harm", "Harm")):
        own = [float(summary[analysis][name]) for name in ("estimate", "ci_low", "ci_high")]
        measure = summary[analysis]["measure"]
        middle, low, high = format_values(measure, own)
        (row,) = {
            tuple(row[:3]) for row in cells if row[0].startswith(outcome) and row[2].startswith(measure)
        }
        assert row[2].startswith(f"{measure} {middle} ({low} to {high})")
    (risk,) = [row for row in cells if "median risk" in row[3]]
    assert risk[3].startswith(f"{float(summary['harm']['assumed_risk']):.0f} of 1,000")
    assert f"{abs(float(summary['harm']['difference'])):.0f} fewer" in risk[5]
    assert "∞ to NNTH" in risk[5]
    assert any("No trial of this comparison is known." in row for row in cells)
    assert [row[0] for row in cells].index("Harms") < [row[0] for row in cells].index("Harm")
    assert "Risk of bias, one level down: r." in "\n".join(each.text for each in document.paragraphs)


def test_a_document_is_the_same_bytes_at_every_writing(results, tmp_path):
    paths = [tmp_path / name for name in ("a.docx", "b.docx")]
    for path in paths:
        export(results, "--out", path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.skipif(not SOFFICE, reason="LibreOffice (soffice) is not installed")
def test_libreoffice_opens_the_document_and_prints_it(results, tmp_path):
    out = tmp_path / "sof.docx"
    export(results, "--out", out)
    command = [SOFFICE, "--headless", "--convert-to", "pdf", "--outdir", tmp_path, out]
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    subprocess.run(list(map(str, command)), check=True, env=environment, timeout=120, capture_output=True)
    assert (tmp_path / "sof.pdf").read_bytes().startswith(b"%PDF")


def test_the_fhir_bundle_has_the_numbers_of_the_summary_and_refers_to_what_is_in_it(results, tmp_path):
    out = tmp_path / "sof.json"
    export(results, "--format", "fhir", "--out", out)
    bundle = io.read_json(out)
    resources = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    assert len(resources) == len(bundle["entry"])
    kinds = [each["resourceType"] for each in resources.values()]
    assert (kinds.count("Composition"), kinds.count("EvidenceVariable"), kinds.count("Evidence")) == (1, 3, 7)
    (composition,) = [each for each in resources.values() if each["resourceType"] == "Composition"]
    head, *entries = composition["section"]
    assert head["code"]["coding"][0]["code"] == "Column-Headers"
    named = [each["focus"]["reference"] for each in entries]
    named += [each["reference"] for section in entries for each in section.get("entry", [])]
    assert set(named) == resources.keys() - {bundle["entry"][0]["fullUrl"]}
    assert [section.get("emptyReason") for section in entries if "entry" not in section] == [
        {"text": "No trial of this comparison is known."}
    ]
    summary = {row["analysis"]: row for row in rows_of(results / "summary.csv")}
    (effect,) = [each for each in resources.values() if each["title"] == "Harm" and "certainty" in each]
    (statistic,) = effect["statistic"]
    assert statistic["quantity"]["value"] == float(summary["harm"]["estimate"])
    assert statistic["attributeEstimate"][0]["range"]["high"]["value"] == float(summary["harm"]["ci_high"])
    assert statistic["statisticType"]["coding"][0]["code"] == "C93152"
    assert effect["certainty"][0]["rating"]["coding"][0]["code"] == summary["harm"]["certainty"]
    assert effect["certainty"][0]["subcomponent"][0]["rating"]["text"] == "serious concern"
    (line,) = [each for each in resources.values() if each["title"] == "Harm: median risk"]
    assert line["statistic"][0]["quantity"]["value"] == float(summary["harm"]["assumed_risk"])


def test_without_results_it_says_what_to_do(tmp_path):
    ran = CliRunner().invoke(main, ["export", "sof", str(tmp_path)])
    assert ran.exit_code == 1
    assert "trialpool run" in ran.output


def test_of_no_result_there_is_no_summary(tmp_path):
    io.write_json(tmp_path / "appraisal.json", {"analyses": {}, "claims": []})
    ran = CliRunner().invoke(main, ["export", "sof", str(tmp_path)])
    assert (ran.exit_code, "no question has a result" in ran.output) == (1, True)
