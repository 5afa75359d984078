"""The locks agree; the bill of materials of a lock names every locked package with its hashes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = ("requirements.lock", "requirements-dev.lock")
LOCK, DEVELOPMENT = ((ROOT / name).read_text(encoding="utf-8") for name in NAMES)


def pinned(lock):
    return dict(re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", lock))


@pytest.mark.parametrize(
    "name", ["requirements-dev.lock", "requirements-cluster.lock", "requirements-docs.lock"]
)
def test_what_is_added_to_the_environment_changes_no_version_in_it(name):
    """Of the cluster's plugins nothing that development has: both can be added to one environment."""
    added = pinned((ROOT / name).read_text(encoding="utf-8"))
    assert pinned(LOCK).items() <= added.items()
    known = pinned(DEVELOPMENT)
    assert not {package for package in added.keys() & known.keys() if added[package] != known[package]}


@pytest.mark.parametrize("name", sorted(path.name for path in ROOT.glob("*.lock")))
def test_every_locked_file_is_known_by_its_hash_and_none_by_its_place(name):
    lock = (ROOT / name).read_text(encoding="utf-8")
    for package in re.split(r"(?m)^(?=[a-z0-9])", lock)[1:]:
        assert re.match(r"[a-z0-9-]+==\S+ ", package)
        assert "--hash=sha256:" in package
    assert not re.search(r"://|--(extra-)?index|--find-links", lock)


def test_what_only_development_needs_is_not_locked_for_a_run():
    assert {"pytest", "ruff", "cyclonedx-bom", "pip-licenses"} <= pinned(DEVELOPMENT).keys() - pinned(
        LOCK
    ).keys()


def recipe(target):
    """The commands of a target of the Makefile with its variables written out, as lists of words."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    variables = dict(re.findall(r"(?m)^([A-Z]+) = (.*)$", text)) | {"BIN": ""}
    lines = re.search(rf"(?m)^{target}:.*\n((?:\t.*\n)+)", text)[1]
    while "$(" in lines:
        lines = re.sub(r"\$\(([A-Z]+)\)", lambda name: variables[name[1]], lines)
    return [line.split() for line in lines.splitlines()]


def test_a_bill_of_materials_names_every_locked_package_with_its_hashes(tmp_path):
    pytest.importorskip("cyclonedx_py")
    written = []
    for command in recipe("sbom")[:2]:
        (_, *options), place = command, tmp_path / "bill.json"
        options[options.index("--output-file") + 1] = str(place)
        run = [sys.executable, "-m", "cyclonedx_py", *options]
        subprocess.run(run, check=True, capture_output=True, cwd=ROOT)
        written.append(json.loads(place.read_text(encoding="utf-8")))
    for bill, lock in zip(written, (LOCK, DEVELOPMENT), strict=True):
        assert {part["name"]: part["version"] for part in bill["components"]} == pinned(lock)
        files = [file for part in bill["components"] for file in part["externalReferences"]]
        assert sum(len(file["hashes"]) for file in files) == lock.count("--hash=sha256:")
        assert not {"timestamp", "serialNumber"} & {*bill, *bill["metadata"]}
    assert written[0]["metadata"]["component"]["name"] == "trialpool"
