"""What did not change is put back; a rebuild gives the bytes of a build from nothing, whatever befell it."""

import shutil

import pytest

from .conftest import Review, jobs_run
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
    before, lots_before = review.results(), lots(review)
    review.edit("raw/events.csv", ",15,28,", ",16,28,")
    completed = review.run()
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert {job for job in jobs_run(completed) if " " in job} == {f"pool {RESPONDERS}"}
    made = made_between(lots_before, lots(review))
    (compared,) = (name for name in made if name.startswith("compared/"))
    assert made - {compared} == {f"analyses/{RESPONDERS}"}
    after = review.results()
    changed = {name for name, content in after.items() if content != before[name]}
    assert f"analyses/{RESPONDERS}/result.json" in changed
    assert not any(PAIN in name for name in changed)
    assert after == from_nothing(review, tmp_path / "again")


def test_a_deleted_result_is_put_back(finished_review, review):
    shutil.rmtree(review.folder / "results")
    assert run(review) == set()
    assert review.results() == finished_review.results()


def test_what_was_edited_by_hand_or_broken_off_is_not_believed(finished_review, review):
    """Neither an edited result and what is kept of it, nor what a run left that was killed as it wrote."""
    for place in ("results", "processed/kept"):
        path = review.folder / place / "analyses" / PAIN / "forest.svg"
        path.write_text(path.read_text().replace("acupuncture", "needles"))
    kept = review.folder / "processed" / "kept" / "analyses" / RESPONDERS
    (kept / ".made-of").unlink()
    (kept / "posterior.svg").unlink()
    for analysis in (PAIN, RESPONDERS):
        shutil.rmtree(review.folder / "results" / "analyses" / analysis)
    assert run(review) == {f"analyses/{PAIN}", f"analyses/{RESPONDERS}"}
    assert review.results() == finished_review.results()
