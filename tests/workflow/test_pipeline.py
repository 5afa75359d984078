"""The whole pipeline on a small made-up review: what runs, what runs again, and what stops it."""

import csv
import json
import os
import re
import time

import pytest

from tests.unit.provenance.crate_checks import sound_crate

from .conftest import jobs_run

pytestmark = pytest.mark.workflow

PAIN = "dpn-pain-acupuncture-vs-sham"
RESPONDERS = "cipn-responders-acupuncture-vs-usual-care"
GAP = "cipn-pain-acupuncture-vs-sham"


def record(review, analysis):
    return json.loads((review.folder / "results" / "analyses" / analysis / "result.json").read_text("utf-8"))


def test_every_analysis_has_its_results(finished_review):
    found = finished_review.results()
    for analysis in (PAIN, RESPONDERS, GAP):
        for name in ("result.json", "studies.csv", "forest.svg"):
            assert found[f"analyses/{analysis}/{name}"]
        pooled = record(finished_review, analysis)["status"] == "pooled"
        assert (f"analyses/{analysis}/reproduce.R" in found) == pooled
        for name in ("forest.pdf", "forest.png", "sensitivity.csv"):  # only where trials are compared
            assert (f"analyses/{analysis}/{name}" in found) == (record(finished_review, analysis)["k"] > 1)
    pages = {"README.md", "index.html", "trials.html", "summary.csv", "excluded.csv", "manifest.csv"}
    assert pages <= set(found)


def test_a_pooled_number_is_what_the_tables_say(finished_review):
    pooled = record(finished_review, PAIN)
    assert (pooled["status"], pooled["k"], pooled["n_experimental"]) == ("pooled", 3, 83)
    first = pooled["studies"][0]
    assert first["effect"] == pytest.approx((41 - 52) / 10)
    assert first["variance"] == pytest.approx((21**2 / 28 + 20**2 / 29) / 100)
    assert record(finished_review, RESPONDERS)["pooled"]["estimate"] > 1
    assert record(finished_review, GAP)["status"] == "no_data"


PRODUCTS = """
evidence: raw
processed: processed
results: results
instruments: instruments.yaml
populations: {dpn: {condition: DPN}, cipn: {condition: CIPN}}
comparisons:
  acupuncture-vs-sham: {experimental: [acupuncture], control: [sham]}
  acupuncture-vs-usual-care: {experimental: [acupuncture], control: [usual_care]}
outcomes:
  pain: {domain: pain, instruments: [VAS100, NRS], measure: MD, scale: 0-10, better: lower}
  rating: {slug: pain, domain: pain, instruments: [NRS], measure: MD, better: lower}
  responders: {domain: responder, events: [improved], measure: RR, better: higher}
questions:
  - {population: dpn, outcome: pain, comparison: acupuncture-vs-sham}
  - {population: cipn, outcome: responders, comparison: acupuncture-vs-usual-care}
  - {population: cipn, outcome: rating, comparison: acupuncture-vs-sham}
analyses:
"""


def test_a_review_asked_in_products_has_the_results_of_one_written_out(finished_review, fresh_review):
    config = fresh_review.folder / "config.yaml"
    titles = re.findall(r"^  ([a-z-]+):\n    title: (.*)", config.read_text("utf-8"), re.M)
    entries = "".join(f"  {slug}: {{title: '{title}'}}\n" for slug, title in titles)
    config.write_text(PRODUCTS + entries, encoding="utf-8")
    completed = fresh_review.run()
    assert completed.returncode == 0, completed.stderr
    found, crate = fresh_review.results(), "ro-crate-metadata.json"  # which holds a hash of the config
    assert found.pop(crate) != finished_review.results()[crate]
    assert found == {name: content for name, content in finished_review.results().items() if name != crate}
    config.write_text(f"title: Mine\nauthors: [We]\n{PRODUCTS}{entries}", encoding="utf-8")
    assert {job for job in jobs_run(fresh_review.run()) if " " in job} == set()
    page = fresh_review.results()["index.html"].decode()
    assert "<h1>Mine</h1>" in page
    assert "We. Searched until: not stated. To cite: We. Mine." in page


def test_a_touched_table_changes_nothing(review):
    later = time.time() + 5
    os.utime(review.folder / "raw" / "continuous.csv", (later, later))
    assert jobs_run(review.run()) == set()


def test_a_changed_setting_reruns_only_its_analysis(review):
    review.edit("config.yaml", "    measure: RR", "    tau2_method: PM\n    measure: RR")
    ran = jobs_run(review.run())
    assert f"pool {RESPONDERS}" in ran
    assert f"pool {PAIN}" not in ran


def test_manifest_lists_every_result_with_its_hash(finished_review):
    import hashlib

    found = finished_review.results()
    rows = list(csv.DictReader(found["manifest.csv"].decode().splitlines()))
    listed = {row["path"]: row["sha256"] for row in rows if not row["path"].startswith("evidence:")}
    assert listed == {
        name: hashlib.sha256(content).hexdigest()
        for name, content in found.items()
        if name not in ("manifest.csv", "ro-crate-metadata.json")
    }


def test_the_results_are_a_sound_crate_of_this_review(finished_review):
    entities = sound_crate(finished_review.folder / "results")
    names = {entities[part["@id"]]["name"] for part in entities["#run"]["object"]}
    assert {"config.yaml", "instruments.yaml", "raw/studies.csv", "requirements.lock"} <= names
    assert "author" not in entities["./"]


def test_a_review_with_a_citation_has_authors_and_an_edit_of_them_writes_the_crate_only(review):
    citation = review.folder / "CITATION.cff"
    citation.write_text("title: Mine\ndate-released: 2026-01-02\nlicense: MIT\nauthors: [{name: We}]\n")
    assert jobs_run(review.run()) == {"write_manifest", "review"}
    root = sound_crate(review.folder / "results")["./"]
    assert (root["name"], root["author"]) == ("Mine", {"@id": "#We"})


SLIPS = {  # in what is checked together: the file, a slip in it, words of what is said of it
    "keys of the configuration": [
        ("config.yaml", "    scale: 0-10", "    scales: 0-10", ["config.yaml", "scales", "'scale'"]),
        (
            "config.yaml",
            "    control: [usual_care]",
            "    control: []",
            ["config.yaml", RESPONDERS, "control"],
        ),
    ],
    "words of the configuration": [
        ("config.yaml", "[usual_care]", "[usual_cares]", ["config.yaml", "usual_cares", "'usual_care'"]),
    ],
    "instruments": [("instruments.yaml", "groups:", "group:", ["instruments.yaml", "groups"])],
    "tables": [
        (
            "raw/continuous.csv",
            ",28,mean,41,",
            ",twenty,mean,41,",
            ["continuous.csv", "row 2", "column n", "twenty"],
        ),
        ("raw/events.csv", "Epsilon2015,acu", "Epsilon2015,acup", ["events.csv", "row 4", "acup"]),
        ("raw/arms.csv", "Beta2004,acu", "Beta2005,acu", ["arms.csv", "row 4", "Beta2005"]),
        ("raw/events.csv", ",20,30,", ",31,30,", ["events.csv", "row 2", "31"]),
    ],
}


def test_bad_input_is_named_and_leaves_the_results_alone_and_mended_it_runs_to_the_end(review):
    before = review.results()
    for slips in SLIPS.values():
        for file, old, new, _ in slips:
            review.edit(file, old, new)
        completed = review.run()
        assert completed.returncode != 0
        told = (completed.stdout + completed.stderr).splitlines()
        for *_, said in slips:
            assert any(all(words in line for words in said) for line in told), (said, told)
        assert not any("Traceback" in line for line in told)
        assert review.results() == before
        for file, old, new, _ in slips:
            review.edit(file, new, old)
    assert review.run().returncode == 0
    assert review.results() == before


def test_a_new_analysis_is_compared_and_pooled_and_nothing_else(review):
    before = review.results()
    review.edit("config.yaml", "  cipn-pain-acupuncture-vs-sham:", "  cipn-pain-acupuncture-vs-usual-care:")
    new = "cipn-pain-acupuncture-vs-usual-care"
    assert (review.folder / "results" / "analyses" / GAP).is_dir()
    completed = review.run()
    assert completed.returncode == 0, completed.stderr
    ran = jobs_run(completed)
    assert {"compare_arms", f"pool {new}"} <= ran
    assert f"pool {PAIN}" not in ran
    assert record(review, new)["status"] == "no_data"
    assert not (review.folder / "results" / "analyses" / GAP).exists(), "an old answer stays beside the new"
    assert GAP not in review.results()["manifest.csv"].decode()
    kept = {path.name for path in (review.folder / "processed" / "kept" / "analyses").iterdir()}
    assert (GAP in kept, new in kept) == (False, True)
    assert review.results()[f"analyses/{PAIN}/result.json"] == before[f"analyses/{PAIN}/result.json"]


def test_an_analysis_left_with_one_trial_loses_the_figures_of_several(review):
    folder = review.folder / "results" / "analyses" / RESPONDERS
    several = {path.name for path in folder.iterdir()}
    assert {"posterior.svg", "multiverse.csv"} <= several
    table = review.folder / "raw" / "events.csv"
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join(line for line in lines if not line.startswith("Epsilon2015")), encoding="utf-8")
    completed = review.run()
    assert completed.returncode == 0, completed.stderr
    assert record(review, RESPONDERS)["status"] == "single_study"
    left = {path.name for path in folder.iterdir()}
    assert {"forest.svg", "result.json"} <= left
    assert not {name for name in left if name.startswith(("funnel", "multiverse", "influence", "posterior"))}
    assert f"{RESPONDERS}/posterior.svg" not in review.results()["manifest.csv"].decode()
