"""The bill of materials names every locked package, with what CycloneDX 1.5 asks for."""

import csv
import json
import re
from pathlib import Path

from trialpool.report.provenance import ABSENT, UNKNOWN, bill_of_materials, licence_rows, main

LOCK = (Path(__file__).parents[3] / "requirements.lock").read_text(encoding="utf-8")
BILL = bill_of_materials(LOCK, "0.1.0")


def test_every_locked_package_stands_in_the_bill_with_its_hashes():
    pinned = dict(re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", LOCK))
    assert {part["name"]: part["version"] for part in BILL["components"]} == pinned
    assert sum(len(part["hashes"]) for part in BILL["components"]) == LOCK.count("--hash=sha256:")
    assert all(part["hashes"] for part in BILL["components"])


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
    project = (Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[(.*?)^\]", project, re.M | re.S)
    wanted = {name.lower() for name in re.findall(r'"([A-Za-z0-9-]+)', block[1])}
    assert len(wanted) > 10
    assert wanted <= named


def test_the_licences_are_a_table_of_every_package(tmp_path):
    lock = Path(__file__).parents[3] / "requirements.lock"
    main([str(lock), str(tmp_path / "sbom.json"), str(tmp_path / "licences.csv")])
    assert json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8")) == BILL
    rows = list(csv.DictReader((tmp_path / "licences.csv").read_text(encoding="utf-8").splitlines()))
    assert rows == licence_rows(BILL)
    assert [row["package"] for row in rows] == [part["name"] for part in BILL["components"]]
    silent = {row["package"] for row in rows if row["licence"] in (ABSENT, UNKNOWN)}
    assert silent <= {"colorama", "pyreadline3", "tzdata", "pywin32"}  # locked for Windows only


def test_a_licence_that_only_a_file_tells_is_found():
    assert licence_rows(bill_of_materials("conda-inject==1", "0.1.0"))[0]["licence"] == "MIT License"
