"""The package as a wheel, unpacked far from the repository, brings everything that loading a review needs."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
REVIEW = {
    "evidence": "raw",
    "processed": "processed",
    "results": "results",
    "instruments": "instruments.yaml",
    "analyses": {
        "pain": {
            **{"title": "Pain", "condition": "MIGRAINE", "domain": "pain", "outcomes": ["NRS"]},
            **{"experimental": ["exercise"], "control": ["rest"], "measure": "MD", "better": "lower"},
        }
    },
}
NRS = {"name": "Numeric scale", "domains": ["pain"], "range": [0, 10], "better": "lower", "unit": "points"}
CATALOGUE = {"groups": {"any": ["exercise", "rest"]}, "instruments": {"NRS": NRS}}
LOAD = """
import trialpool
from trialpool.protocol import load_protocol
from trialpool.yaml_files import read_yaml
print(trialpool.__file__)
print(load_protocol(read_yaml("config.yaml")[0], ["config.yaml"]).analyses["pain"]["unit"])
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The wheel's content in a folder of its own, built from a copy so that no trace is left here."""
    top = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, top)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "workflow" / "src", top / "workflow" / "src", ignore=ignored)
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet")
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, "."], cwd=top, check=True)
    (wheel,) = top.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(top / "site")
    return top / "site"


def run(folder, packages, code):
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_review_loads_with_nothing_but_the_wheel(unpacked, tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(REVIEW), encoding="utf-8")
    (tmp_path / "instruments.yaml").write_text(yaml.safe_dump(CATALOGUE), encoding="utf-8")
    completed = run(tmp_path, unpacked, LOAD)
    assert completed.returncode == 0, completed.stderr
    used, unit = completed.stdout.splitlines()
    assert Path(used) == unpacked / "trialpool" / "__init__.py"
    assert unit == "points"


def test_a_slip_is_told_by_the_wheel_as_well(unpacked, tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({**REVIEW, "Evidence": "x"}), encoding="utf-8")
    completed = run(tmp_path, unpacked, LOAD)
    assert "config.yaml, row 1, column Evidence: the key 'Evidence' is not known" in completed.stderr


def test_every_file_of_the_package_is_in_the_wheel(unpacked):
    package = ROOT / "workflow" / "src" / "trialpool"
    files = {path.relative_to(package) for path in package.rglob("*") if path.is_file()}
    packed = {path.relative_to(unpacked / "trialpool") for path in (unpacked / "trialpool").rglob("*")}
    assert {path for path in files if "__pycache__" not in path.parts} <= packed
