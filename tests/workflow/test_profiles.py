"""The profiles for clusters name only options that exist, and Snakemake takes them; no cluster is needed."""

import importlib.util
import shutil
import subprocess
import sys

import pytest
import yaml

from .conftest import MINI, ROOT, Review, jobs_run

pytestmark = pytest.mark.workflow

PROFILES = ROOT / "config" / "profiles"
ONE_RULE = "rule all:\n    output: 'made.txt'\n    shell: 'echo made > {output}'\n"


@pytest.fixture(params=["slurm", "kubernetes"])
def profile(request):
    plugin = f"snakemake_executor_plugin_{request.param}"
    if importlib.util.find_spec(plugin) is None:
        pytest.skip(f"{plugin.replace('_', '-')} is not installed: make cluster")
    return request.param


def test_every_key_is_an_option_of_snakemake_or_of_the_plugin(profile):
    from snakemake.cli import get_argument_parser  # which takes seconds, at every collection

    options = {
        name.lstrip("-") for action in get_argument_parser()._actions for name in action.option_strings
    }
    keys = yaml.safe_load((PROFILES / profile / "config.yaml").read_text(encoding="utf-8"))
    assert keys["executor"] == profile
    assert set(keys) <= options


def test_snakemake_plans_a_run_with_it(profile, tmp_path):
    (tmp_path / "Snakefile").write_text(ONE_RULE, encoding="utf-8")
    store = ["--default-storage-prefix", tmp_path / "store"] if profile == "kubernetes" else []
    command = [sys.executable, "-m", "snakemake", "--profile", PROFILES / profile, "--dry-run", *store]
    planned = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert planned.returncode == 0, planned.stderr
    assert "rule all" in planned.stdout + planned.stderr


def test_a_review_in_a_store_without_a_shared_folder_gives_the_same_bytes(finished_review, tmp_path):
    """What the executor of Kubernetes asks of a workflow, here with Snakemake's own local executor."""
    if importlib.util.find_spec("snakemake_storage_plugin_fs") is None or shutil.which("rsync") is None:
        pytest.skip("snakemake-storage-plugin-fs or rsync is not installed: make cluster")
    review, store = Review(tmp_path), tmp_path / "store"
    shutil.copytree(MINI, store)
    shutil.move(store / "config.yaml", tmp_path / "config.yaml")
    shutil.copy(store / "instruments.yaml", tmp_path)
    options = ["--default-storage-provider", "fs", "--default-storage-prefix", store]
    options += ["--shared-fs-usage", "none"]
    completed = review.run(*options, command=True)
    assert completed.returncode == 0, completed.stderr
    assert Review(store).results() == finished_review.results()
    assert jobs_run(review.run(*options, command=True)) == set()
