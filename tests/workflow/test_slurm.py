"""The whole review as jobs of a real Slurm on this machine, through the shipped profile.

Needs the Debian packages slurm-wlm and munge and the plugins of requirements-cluster.lock (make cluster).
"""

import importlib.util
import re
import sys
import time

import pytest

from .conftest import ROOT
from .slurm import CannotStartError, Slurm

pytestmark = pytest.mark.workflow

PROFILE = ROOT / "config" / "profiles" / "slurm"
OPTIONS = (
    *("--profile", PROFILE),
    *("--slurm-status-command", "squeue"),  # no database of jobs here, so nothing that sacct could read
)
# Snakemake as it is, but it asks for its jobs each second: the plugin waits longer and longer.
OFTEN = """
import asyncio, runpy, sys
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
RemoteExecutor.sleep = lambda executor: asyncio.sleep(1)
sys.argv = sys.argv[3:]
runpy.run_module("snakemake", run_name="__main__")
"""
ASKING_OFTEN = (sys.executable, "-c", OFTEN)
LOCAL = {"review"}
PATIENCE = 300  # seconds until a state of the run is reached, on a busy machine


@pytest.fixture
def slurm():
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        pytest.skip("snakemake-executor-plugin-slurm is not installed: make cluster")
    try:
        with Slurm() as running:
            yield running
    except CannotStartError as reason:
        pytest.skip(f"no Slurm on this machine: {reason}")


def wait_for(what, reached, process):
    until = time.monotonic() + PATIENCE
    while not reached():
        assert process.poll() is None, f"the run ended before {what}"
        assert time.monotonic() < until, f"no sign of {what}"
        time.sleep(0.2)


def test_the_whole_review_runs_as_slurm_jobs_and_outlives_its_node(finished_review, fresh_review, slurm):
    def at_work():
        return any(state == "RUNNING" for _, state, _ in slurm.jobs())

    def compared():
        return any((fresh_review.folder / "processed" / "batches").rglob("effects.parquet")) and at_work()

    process = fresh_review.start(*OPTIONS, variables=slurm.variables, before=ASKING_OFTEN)
    wait_for("a first job", at_work, process)
    slurm.kill_node_daemon()
    slurm.start_node()
    wait_for("jobs after the checkpoint", compared, process)
    assert slurm.kill_node(), "no job was hit"
    slurm.start_node()
    told = "".join(process.communicate())
    restarted = [job for job, _, restarts in slurm.jobs() if restarts != "0"]
    if process.returncode:  # then Slurm did not bring the lost jobs back, and one plain rerun must do it
        rerun = fresh_review.run(*OPTIONS, variables=slurm.variables, before=ASKING_OFTEN)
        assert rerun.returncode == 0, told + rerun.stdout + rerun.stderr
    else:
        assert restarted, "the jobs of the killed node were not put back into the queue"
    assert fresh_review.results() == finished_review.results()
    again = fresh_review.run("--dry-run")
    assert "Nothing to be done" in again.stdout + again.stderr, "a local run would do it all again"
    submitted = re.findall(r"^Job \d+ has been submitted with SLURM jobid (\d+)", told, re.M)
    assert len(submitted) == len(re.findall(r"^(?:rule|checkpoint) \w+:", told, re.M)) > 0
    assert set(re.findall(r"^local(?:rule|checkpoint) (\w+):", told, re.M)) <= LOCAL
