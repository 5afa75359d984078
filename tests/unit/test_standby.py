"""The process that stands by: a script runs in a fork of it, or by itself, with the same output and end."""

import os
import signal
import subprocess
import sys
import time
from importlib import import_module

import pytest

from trialpool import standby

SCRIPT = """
from trialpool.standby import hand_over
hand_over()
import os, signal, sys
print("pandas" in sys.modules, os.environ.get("TRIALPOOL_STANDBY"), flush=True)
print("a warning", file=sys.stderr)
"""
RUN = """
import os, sys, time
from trialpool.standby import stand_by
stand_by()
print(os.environ["TRIALPOOL_STANDBY"], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def run():
    """A run with a process that stands by, and where to ask it."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    )
    process.address = process.stdout.readline().strip()
    yield process
    process.kill()
    process.wait()


def script(folder, more="", address=""):
    """A script as Snakemake runs it, after some time for imports."""
    path = folder / "tmp1.some_job.py"
    path.write_text(SCRIPT + more, encoding="utf-8")
    variables = {**os.environ, **({"TRIALPOOL_STANDBY": address} if address else {})}
    command = [sys.executable, str(path)]
    return subprocess.run(command, env=variables, capture_output=True, encoding="utf-8", check=False)


def until(true):
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_script_runs_in_a_fork_that_has_what_jobs_import(run, tmp_path):
    until(lambda: script(tmp_path, address=run.address).stdout == "True None\n")
    done = script(tmp_path, "sys.exit(7)", run.address)
    assert (done.returncode, done.stderr) == (7, "a warning\n")
    assert script(tmp_path, "sys.exit('no')", run.address).returncode == 1
    done = script(tmp_path, "1 / 0", run.address)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert script(tmp_path, "", run.address).returncode == 0


def test_a_script_runs_by_itself_where_none_stands_by(tmp_path):
    for address in ("", str(tmp_path / "gone")):
        done = script(tmp_path, "sys.exit(7)", address)
        assert (done.returncode, done.stderr, done.stdout.split()[0]) == (7, "a warning\n", "False")


def test_a_job_that_is_killed_is_told(run, tmp_path):
    done = script(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)", run.address)
    assert done.returncode == 1
    assert done.stderr.endswith("The job was killed, perhaps for want of memory.\n")


@pytest.mark.parametrize("how", ["ends", "is killed"])
def test_it_ends_with_the_run(run, tmp_path, how):
    assert script(tmp_path, "", run.address).returncode == 0
    folder = os.path.dirname(run.address)
    os.kill(run.pid, signal.SIGKILL) if how == "is killed" else run.communicate()
    until(lambda: not os.path.exists(folder))
    assert script(tmp_path, "", run.address).stdout.startswith("False")


def test_all_that_it_prepares_is_there():
    for name in standby.PRELOADED:
        module, _, prepare = name.partition(":")
        assert not prepare or callable(getattr(import_module(module), prepare))
