"""The locks agree; the bill of materials names every locked package, with what CycloneDX 1.5 asks for."""

import csv
import json
import re
from pathlib import Path

import pytest

from trialpool.provenance.bill import ABSENT, UNKNOWN, bill_of_materials, licence_rows, main

ROOT = Path(__file__).parents[3]
NAMES = ("requirements.lock", "requirements-dev.lock")
LOCK, DEVELOPMENT = ((ROOT / name).read_text(encoding="utf-8") for name in NAMES)
BILL = bill_of_materials(LOCK, "0.1.0", DEVELOPMENT)


def pinned(lock):
    return dict(re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", lock))


@pytest.mark.parametrize("name", ["requirements-dev.lock", "requirements-cluster.lock"])
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


def test_every_locked_package_stands_in_the_bill_with_its_hashes():
    assert {part["name"]: part["version"] for part in BILL["components"]} == pinned(DEVELOPMENT)
    assert sum(len(part["hashes"]) for part in BILL["components"]) == DEVELOPMENT.count("--hash=sha256:")
    assert all(part["hashes"] for part in BILL["components"])


def test_what_runs_need_is_told_from_what_only_development_needs():
    scopes = {part["name"]: part["scope"] for part in BILL["components"]}
    assert {name for name, scope in scopes.items() if scope == "required"} == pinned(LOCK).keys()
    assert scopes["pytest"] == scopes["ruff"] == "excluded"


def test_what_the_format_requires_is_there():
    assert (BILL["bomFormat"], BILL["specVersion"], BILL["version"]) == ("CycloneDX", "1.5", 1)
    references = [part["bom-ref"] for part in BILL["components"]]
    assert len(set(references)) == len(references)
    assert BILL["dependencies"] == [{"ref": "trialpool", "dependsOn": references}]
    for part in BILL["components"]:
        assert part["type"] == "library"
        for licence in part.get("licenses", []):
            assert set(licence) in ({"expression"}, {"license"})


def test_every_runtime_dependency_has_a_licence():
    named = {part["name"] for part in BILL["components"] if part.get("licenses")}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[(.*?)^\]", project, re.M | re.S)
    wanted = {name.lower() for name in re.findall(r'"([A-Za-z0-9-]+)', block[1])}
    assert len(wanted) > 10
    assert wanted <= named


def test_the_licences_are_a_table_of_every_package(tmp_path):
    main([*(str(ROOT / name) for name in NAMES), str(tmp_path / "sbom.json"), str(tmp_path / "licences.csv")])
    assert json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8")) == BILL
    rows = list(csv.DictReader((tmp_path / "licences.csv").read_text(encoding="utf-8").splitlines()))
    assert rows == licence_rows(BILL)
    assert [row["package"] for row in rows] == [part["name"] for part in BILL["components"]]
    silent = {row["package"] for row in rows if row["licence"] in (ABSENT, UNKNOWN)}
    assert silent <= {"colorama", "pyreadline3", "tzdata", "pywin32"}  # locked for Windows only


def test_a_licence_that_only_a_file_tells_is_found():
    assert licence_rows(bill_of_materials("conda-inject==1", "0.1.0"))[0]["licence"] == "MIT License"
