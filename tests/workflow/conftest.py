"""A small made-up review, run once; every test gets its own copy of the finished folder."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from . import forks

ROOT = Path(__file__).parents[2]
MINI = Path(__file__).parent / "mini"
SNAKEMAKES = ".snakemake_timestamp"  # when a folder was made; never committed


class Review:
    """A folder with a review in it, and Snakemake to run it."""

    def __init__(self, folder, root=ROOT):
        self.folder = folder
        self.root = root

    def start(self, *options, cores=2, variables=None, before=()):
        """Start the command in a process group of its own, so that it can be killed whole."""
        command = [*before, sys.executable, "-m", "snakemake", *self.words(options, cores)]
        return subprocess.Popen(
            [str(word) for word in command],
            cwd=self.folder,
            env={**self.environment(), **(variables or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def run(self, *options, cores=2, command=False, **settings):
        """Run to the end; in a fork (forks.py), unless the command itself or other settings are asked for."""
        if command or settings:
            process = self.start(*options, cores=cores, **settings)
            told, failed = process.communicate()
            return subprocess.CompletedProcess(process.args, process.returncode, told, failed)
        words = self.words(options, cores)
        return subprocess.CompletedProcess(
            words, *forks.run(self.root, words, self.folder, self.environment())
        )

    def words(self, options, cores):
        snakefile = self.root / "Snakefile"
        return ["--snakefile", snakefile, "--cores", cores, "--configfile", "config.yaml", *options]

    def environment(self):
        return {**os.environ, "PYTHONPATH": str(self.root / "workflow" / "src")}

    def results(self):
        """Bytes of every result that is committed."""
        folder = self.folder / "results"
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and "logs" not in path.parts and path.name != SNAKEMAKES
        }

    def edit(self, file, old, new):
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


def jobs_run(completed):
    """The jobs that a run executed, such as {"ingest", "pool dpn-pain"}: of a batch, each analysis pooled."""
    jobs = set()
    told = completed.stdout + completed.stderr
    for block in re.split(r"^(?=(?:local)?(?:rule|checkpoint) \w+:)", told, flags=re.M):
        rule = re.search(r"^(?:local)?(?:rule|checkpoint) (\w+):", block, re.M)
        if rule and rule[1].startswith("pool_"):
            pooled = re.search(r"^    output: (.*)", block, re.M)[1]
            jobs |= {f"pool {analysis}" for analysis in re.findall(r"/analyses/([^/, ]+)", pooled)}
        elif rule:
            jobs.add(rule[1])
    return jobs


@pytest.fixture(scope="session")
def finished_review(tmp_path_factory):
    """One for all processes of a run of the tests; look at it, but change nothing in it."""
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    running, finished = place / "running-review", place / "finished-review"
    with (place / "review.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            shutil.copytree(MINI, running)
            completed = Review(running).run(command=True)
            assert completed.returncode == 0, completed.stdout + completed.stderr
            running.rename(finished)
    return Review(finished)


@pytest.fixture
def review(finished_review, tmp_path):
    folder = tmp_path / "review"
    shutil.copytree(finished_review.folder, folder)
    return Review(folder)


@pytest.fixture
def fresh_review(tmp_path):
    folder = tmp_path / "fresh"
    shutil.copytree(MINI, folder)
    return Review(folder)
