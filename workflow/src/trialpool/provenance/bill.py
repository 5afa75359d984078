"""The locks in; out come a bill of materials (CycloneDX 1.5 JSON) and the licences of what they lock (CSV).

python -m trialpool.provenance.bill requirements.lock requirements-dev.lock sbom.cdx.json licences.csv
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from trialpool import io

PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==([^\s;\\]+)")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
LICENCE_COLUMNS = ("package", "version", "scope", "licence")
UNKNOWN = "not stated by the package"
ABSENT = "not installed on this system, so not known here"
LONGEST_NAME = 80  # some packages put the whole text of the licence where its name belongs


def locked_packages(lock: str) -> dict[str, dict[str, Any]]:
    """The packages of a requirements.lock by name: `version`, and `hashes` (SHA-256 of each allowed file).

    >>> locked_packages("click==8.1 --hash=sha256:" + "0" * 64)["click"]["version"]
    '8.1'
    """
    packages: dict[str, dict[str, Any]] = {}
    hashes: list[str] = []
    for line in lock.splitlines():
        if pinned := PINNED.match(line):
            packages[pinned[1]] = {"version": pinned[2], "hashes": (hashes := [])}
        hashes += HASH.findall(line)
    return packages


def licence_of(name: str) -> dict[str, Any] | None:
    """A package's licence as CycloneDX writes it, None where the package is not installed or names none.

    >>> licence_of("no-such-package") is None
    True
    """
    try:
        about = metadata.distribution(name).metadata.json
    except metadata.PackageNotFoundError:
        return None
    if expression := about.get("license_expression"):
        return {"expression": expression}
    classifiers = [entry.split(" :: ") for entry in about.get("classifier", [])]
    words = [entry[-1] for entry in classifiers if entry[0] == "License" and entry[-1] != "OSI Approved"]
    words = words or _names(str(about.get("license", ""))) or _title_of_licence_file(name)
    return {"license": {"name": " or ".join(words)}} if words else None


def _names(text: str) -> list[str]:
    """The first line of a text, if it is short enough to be the name of a licence."""
    return [line for line in text.strip().splitlines()[:1] if len(line) <= LONGEST_NAME]


def _title_of_licence_file(name: str) -> list[str]:
    """The first line of the licence that a package ships, where that line names a licence."""
    files = [file for file in metadata.files(name) or [] if ".dist-info" in str(file)]
    shipped = [file for file in files if file.name.upper().startswith(("LICENSE", "LICENCE"))]
    lines = [line.strip() for file in shipped for line in _names(file.read_text("utf-8"))]
    return [line for line in lines if "licen" in line.lower()][:1]


def bill_of_materials(lock: str, version: str, development: str = "") -> dict[str, Any]:
    """CycloneDX 1.5 bill of materials of a requirements.lock, for Trialpool of the given version.

    Packages of the `development` lock that no run needs are of the scope that CycloneDX calls excluded.
    Without time and serial number, so that the same locks give the same bytes. Licences are those that the
    installed packages declare; packages locked for other systems only have none.

    >>> bill = bill_of_materials("numpy==2.0", "0.1.0", "numpy==2.0\\npytest==9.0")
    >>> [(part["purl"], part["scope"]) for part in bill["components"]]
    [('pkg:pypi/numpy@2.0', 'required'), ('pkg:pypi/pytest@9.0', 'excluded')]
    """
    needed = locked_packages(lock)
    components = []
    for name, package in (needed | locked_packages(development) | needed).items():
        purl = f"pkg:pypi/{name.lower()}@{package['version']}"
        component = {
            "type": "library",
            "bom-ref": purl,
            "name": name.lower(),
            "version": package["version"],
            "scope": "required" if name in needed else "excluded",
            "purl": purl,
            "hashes": [{"alg": "SHA-256", "content": content} for content in package["hashes"]],
        }
        licence = licence_of(name)
        components.append({**component, "licenses": [licence]} if licence else component)
    main = {"type": "application", "bom-ref": "trialpool", "name": "trialpool", "version": version}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {**main, "licenses": [{"license": {"id": "MIT"}}]}},
        "components": components,
        "dependencies": [{"ref": "trialpool", "dependsOn": [part["bom-ref"] for part in components]}],
    }


def licence_rows(bill: dict[str, Any]) -> list[dict[str, str]]:
    """The licences of a bill of materials as a person reads them: one row of LICENCE_COLUMNS a package.

    >>> licence_rows(bill_of_materials("no-such-package==1", "0.1.0"))[0]["licence"]
    'not installed on this system, so not known here'
    """
    rows = []
    for part in bill["components"]:
        stated = part.get("licenses", [{}])[0]
        licence = stated.get("expression") or stated.get("license", {}).get("name")
        if not licence:
            licence = UNKNOWN if [*metadata.distributions(name=part["name"])] else ABSENT
        row = (part["name"], part["version"], part["scope"], licence)
        rows.append(dict(zip(LICENCE_COLUMNS, row, strict=True)))
    return rows


def main(arguments: list[str]) -> None:
    """Write the bill of materials and its licences as a table: LOCK DEVELOPMENT_LOCK OUTPUT TABLE."""
    *locks, output, table = arguments
    lock, development = (Path(path).read_text("utf-8") for path in locks)
    bill = bill_of_materials(lock, metadata.version("trialpool"), development)
    io.write_json(output, bill)
    io.write_csv(table, licence_rows(bill), LICENCE_COLUMNS)


if __name__ == "__main__":
    main(sys.argv[1:])
