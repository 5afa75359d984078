"""What did not change is put back; a rebuild gives the bytes of a build from nothing, whatever befell it."""

import shutil

import pytest

from .conftest import Review
from .test_pipeline import PAIN, RESPONDERS

pytestmark = pytest.mark.workflow


def from_nothing(review, folder):
    """The results of the review as it stands, built in another folder."""
    shutil.copytree(
        review.folder, folder, ignore=shutil.ignore_patterns("results", "processed", ".snakemake")
    )
    completed = Review(folder, review.root).run()
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return Review(folder).results()


def lots(review):
    """When the lots of files were made, by their names."""
    kept = review.folder / "processed" / "kept"
    return {
        path.parent.relative_to(kept).as_posix(): path.stat().st_mtime_ns for path in kept.rglob(".made-of")
    }


def made_between(before, after):
    return {name for name in after if after[name] != before.get(name)}


def run(review, *options):
    before = lots(review)
    completed = review.run(*options)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return made_between(before, lots(review))


def test_after_a_changed_number_only_what_it_changes_is_made_and_all_is_as_from_nothing(review, tmp_path):
    review.edit("raw/events.csv", ",15,28,", ",16,28,")
    assert run(review) == {f"analyses/{RESPONDERS}"}
    assert review.results() == from_nothing(review, tmp_path / "again")


def test_a_deleted_result_is_put_back(finished_review, review):
    shutil.rmtree(review.folder / "results")
    assert run(review) == set()
    assert review.results() == finished_review.results()


def test_what_is_edited_by_hand_is_made_again_from_what_is_kept_or_anew(finished_review, review):
    """Both the result and what is kept of it: neither is believed."""
    for place in ("results", "processed/kept"):
        path = review.folder / place / "analyses" / PAIN / "forest.svg"
        path.write_text(path.read_text().replace("acupuncture", "needles"))
    shutil.rmtree(review.folder / "results" / "analyses" / PAIN)
    assert run(review) == {f"analyses/{PAIN}"}
    assert review.results() == finished_review.results()


def test_a_broken_off_job_leaves_nothing_that_is_believed(finished_review, review):
    """As a run that was killed while an analysis was written."""
    kept = review.folder / "processed" / "kept" / "analyses" / RESPONDERS
    (kept / ".made-of").unlink()
    (kept / "posterior.svg").unlink()
    shutil.rmtree(review.folder / "results" / "analyses" / RESPONDERS)
    assert run(review) == {f"analyses/{RESPONDERS}"}
    assert review.results() == finished_review.results()


def test_who_forces_a_run_has_all_made(finished_review, review):
    everything = set(lots(review))
    assert {f"analyses/{PAIN}", "flow", "timeline"} <= everything
    assert run(review, "--forceall") == everything
    assert review.results() == finished_review.results()


def test_an_analysis_that_is_no_longer_asked_is_not_kept(review):
    review.edit("config.yaml", "  cipn-pain-acupuncture-vs-sham:", "  cipn-pain-acupuncture-vs-usual-care:")
    run(review)
    assert "analyses/cipn-pain-acupuncture-vs-sham" not in lots(review)
    assert "analyses/cipn-pain-acupuncture-vs-usual-care" in lots(review)
