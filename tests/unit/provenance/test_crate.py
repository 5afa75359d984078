"""The RO-Crate record says truly what was computed from what, and the same wherever it was computed."""

import hashlib
from pathlib import Path

import pytest

from tests.unit.provenance.crate_checks import sound_crate
from trialpool import io
from trialpool.provenance.crate import SOFTWARE, content_id, write_crate, write_manifest

ROOT = Path(__file__).parents[3]
OURS = [ROOT / name for name in SOFTWARE]
RESULTS = {
    "README.md": "# All\n",
    "summary.csv": "analysis,title\na-b,Pain & more\n",
    "flow.svg": "<svg/>\n",
    "analyses/a-b/result.json": "{}\n",
    "analyses/a-b/forest.svg": "<svg/>\n",
    "published/ä figure.svg": "<svg/>\n",
    "logs/pool.log": "noise\n",
}
CITATION = """\
title: Needles
date-released: 2025-03-04
license: CC-BY-4.0
authors:
  - {family-names: Doe, given-names: Jane, orcid: "https://orcid.org/0000-0000-0000-0000"}
  - {name: The Needle Group}
"""


def by_name(tables):
    return {str(path): path for path in sorted(tables)}


def review(folder):
    """A made-up review, its results and its crate."""
    for name, text in RESULTS.items():
        io.write_bytes(folder / "out" / name, text.encode())
    for name in ("arms.csv", "events.csv"):
        io.write_bytes(folder / "tables" / name, b"same\n")
    io.write_bytes(folder / "tables" / "studies.csv", b"study_id\n")
    io.write_bytes(folder / "config.yaml", b"analyses: {}\n")
    io.write_bytes(folder / "CITATION.cff", CITATION.encode())
    write_manifest(folder / "out", {"tables": folder / "tables"})
    return folder / "out", by_name((folder / "tables").iterdir()), [folder / "config.yaml"]


def test_a_made_up_review_has_a_sound_crate(tmp_path):
    results, *inputs = review(tmp_path)
    write_crate(results, *inputs, OURS, tmp_path / "CITATION.cff")
    entities = sound_crate(results)
    assert entities["analyses/a-b/"]["name"] == "Pain & more"
    inside = [name for name in entities if name.startswith("analyses/a-b/")]
    assert inside == ["analyses/a-b/"]  # its files are in manifest.csv
    root = entities["./"]
    assert (root["name"], root["datePublished"]) == ("Needles", "2025-03-04")
    assert root["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}
    assert [entities[author["@id"]]["name"] for author in root["author"]] == ["Jane Doe", "The Needle Group"]


def test_the_run_names_its_workflow_inputs_and_lock(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results, *inputs = review(tmp_path)
    write_crate(results, *inputs, OURS)
    entities = sound_crate(results)
    run = entities["#run"]
    workflow = entities[run["instrument"]["@id"]]
    assert "ComputationalWorkflow" in workflow["@type"]
    assert workflow["sha256"] == io.sha256(ROOT / "workflow" / "Snakefile")
    language = entities[workflow["programmingLanguage"]["@id"]]
    assert (language["name"], language["version"]) == ("Snakemake", "9.27.1")
    taken = [entities[part["@id"]] for part in run["object"]]
    assert [(entity["name"], entity.get("alternateName")) for entity in taken] == [
        ("tables/arms.csv", ["tables/events.csv"]),  # the same bytes: one file with two names
        ("tables/studies.csv", None),
        ("config.yaml", None),
        ("requirements.lock", None),
    ]
    assert taken[1]["sha256"] == hashlib.sha256(b"study_id\n").hexdigest()
    assert taken[1]["@id"] == content_id(taken[1]["sha256"])


def test_without_a_citation_nothing_is_claimed_of_authors_and_licence(tmp_path):
    results, *inputs = review(tmp_path)
    write_crate(results, *inputs, OURS)
    root = sound_crate(results)["./"]
    assert "author" not in root
    assert root["license"].startswith("Not stated")


def test_the_machine_does_not_show(tmp_path, monkeypatch):
    written = []
    for name in ("somebody", "else/where"):
        results, *inputs = review(tmp_path / name)
        write_crate(results, *inputs, OURS, tmp_path / name / "CITATION.cff")
        written.append((results / "ro-crate-metadata.json").read_bytes())
        write_crate(results, *inputs, OURS, tmp_path / name / "CITATION.cff")
        written.append((results / "ro-crate-metadata.json").read_bytes())
    assert len(set(written)) == 1
    assert str(tmp_path).encode() not in written[0]


def test_a_changed_result_shows(tmp_path):
    results, *inputs = review(tmp_path)
    write_crate(results, *inputs, OURS)
    (results / "README.md").write_text("# Other\n")
    with pytest.raises(AssertionError):
        sound_crate(results)


def test_the_shipped_results_fit_in_a_small_crate(tmp_path):
    """Built anew from the shipped manifest, so that it holds while results are being worked on."""
    import shutil

    results = tmp_path / "results"
    shutil.copytree(ROOT / "results", results, ignore=shutil.ignore_patterns("logs"))
    write_manifest(results, {"data/raw": ROOT / "data" / "raw"})
    tables, settings = (ROOT / "data" / "raw").glob("*.csv"), (ROOT / "config").glob("*.yaml")
    write_crate(results, by_name(tables), sorted(settings), OURS, ROOT / "CITATION.cff")
    entities = sound_crate(results)
    assert (results / "ro-crate-metadata.json").stat().st_size < 400_000
    assert entities["./"]["author"] == {"@id": "#The-Trialpool-authors"}
