"""A run that is killed, starved or disturbed leaves whole files, and one plain rerun gives the same bytes."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time

import pytest

from .conftest import jobs_run
from .test_kept import lots, made_between
from .test_pipeline import PAIN, RESPONDERS

pytestmark = pytest.mark.workflow

KILLS = int(os.environ.get("TRIALPOOL_KILLS", "8"))  # 50 and more: benchmarks/README.md
JOBS = 14  # of the 17 of a whole run
SUMMARY = "results/summary.csv"


def kill(process, *, whole_group):
    """SIGKILL, to the run alone (its jobs live on for a moment) or to its jobs as well."""
    with contextlib.suppress(ProcessLookupError):
        if whole_group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            os.kill(process.pid, signal.SIGKILL)
    process.communicate()  # until the last job has closed its end of the pipe


def logs_of(review):
    return (review.folder / ".snakemake" / "log").glob("*.log")


def wait_for_jobs(number, review, process, before):
    """Until a run has finished so many jobs, or all, as says its log, which is none of those before it."""
    done = -1
    while done < number and process.poll() is None:
        time.sleep(0.02)
        new = [path.read_text(encoding="utf-8") for path in logs_of(review) if path not in before]
        done = sum(text.count("Finished jobid") for text in new) if new else -1


def visible(review):
    """The results that a reader or a later job could take for finished."""
    return {
        name: content
        for name, content in review.results().items()
        if not name.rsplit("/")[-1].startswith(".")
    }


def test_killed_runs_leave_whole_files_and_a_plain_rerun_mends_all(finished_review, fresh_review):
    """From nothing to the end, then in runs that make everything again."""
    expected = finished_review.results()
    chance = random.Random(7)
    for number in range(KILLS):
        whole = visible(fresh_review).keys() == expected.keys()
        logs = {*logs_of(fresh_review)}
        process = fresh_review.start(*(["--forceall"] if whole else []))
        wait_for_jobs(chance.randrange(JOBS), fresh_review, process, logs)
        time.sleep(chance.uniform(0.0, 0.5))
        kill(process, whole_group=number % 2 == 0)
        for name, content in visible(fresh_review).items():
            assert content == expected[name], f"{name} is half-written after kill {number}"
        if number % 10 == 7:
            completed = fresh_review.run()
            assert completed.returncode == 0, completed.stdout + completed.stderr
            assert fresh_review.results() == expected
    completed = fresh_review.run()
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert fresh_review.results() == expected


def test_a_killed_runs_lock_and_half_written_files_are_cleared_and_lost_ones_made_again(
    finished_review, review
):
    locks = review.folder / ".snakemake" / "locks"
    locks.mkdir(exist_ok=True)
    for kind in ("input", "output"):
        (locks / f"0.{kind}.lock").write_text(f"{SUMMARY}\nresults/README.md\n", encoding="utf-8")
    (review.folder / "results" / ".summary.csv.abc123.part").write_bytes(b"half")
    (review.folder / SUMMARY).unlink()
    (review.folder / "results" / "analyses" / RESPONDERS / "posterior.svg").unlink()
    completed = review.run()
    assert completed.returncode == 0, completed.stderr
    assert {job for job in jobs_run(completed) if job.startswith("pool")} == {f"pool {RESPONDERS}"}
    assert review.results() == finished_review.results()


def test_a_forced_run_makes_all_and_a_second_beside_it_is_refused_and_harms_nothing(finished_review, review):
    before = lots(review)
    assert {f"analyses/{PAIN}", "flow", "timeline"} <= before.keys()
    first = review.start("--forceall")
    locks = review.folder / ".snakemake" / "locks"
    for _ in range(300):
        if any(locks.glob("*.lock")):
            break
        time.sleep(0.1)
    second = review.run("--forceall", command=True)
    told, failed = first.communicate()
    assert second.returncode != 0
    assert "lock" in second.stderr
    assert "Traceback" not in second.stderr
    assert first.returncode == 0, told + failed
    assert made_between(before, lots(review)) == before.keys()
    assert review.results() == finished_review.results()


def test_a_damaged_table_between_the_stages_is_made_again_or_stops_the_run_with_a_word(review):
    table, before = review.folder / "processed" / "evidence" / "studies.parquet", review.results()
    whole = table.read_bytes()
    table.write_bytes(whole[: len(whole) // 2])
    completed = review.run()
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert (table.read_bytes(), review.results()) == (whole, before)
    table.write_bytes(whole[:8] + bytes(56) + whole[64:])  # the pages; the marks at both ends stay whole
    completed = review.run()
    if completed.returncode:
        assert "studies.parquet" in completed.stdout + completed.stderr
    assert review.results().items() <= before.items()
    completed = review.run("--forcerun", "ingest_tables")
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert (table.read_bytes(), review.results()) == (whole, before)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of a few hundred kilobytes."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(place)]
    mounted = (
        shutil.which("mount") and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )
    if not mounted:
        pytest.skip("a small disk cannot be mounted here (needs root and mount)")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_and_one_that_is_only_read_are_told_and_leave_nothing_half_written(
    finished_review, fresh_review, small_disk
):
    """A file system mounted read-only, because root may write to any read-only folder."""
    expected, results = finished_review.results(), fresh_review.folder / "results"
    results.symlink_to(small_disk)
    full = fresh_review.run(command=True)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    only_read = fresh_review.run(command=True)
    for completed, words in ((full, "make room on the disk"), (only_read, "Read-only file system")):
        assert completed.returncode != 0
        assert words in completed.stdout + completed.stderr
    assert "Traceback" not in full.stdout + full.stderr  # but Snakemake's own, of files it cannot delete
    assert all(content == expected[name] for name, content in fresh_review.results().items())
    results.unlink()
    assert fresh_review.run().returncode == 0
    assert fresh_review.results() == expected
