"""What the results were computed and tested with: a bill of materials of the locks (CycloneDX 1.5 JSON).

python -m trialpool.report.provenance requirements.lock requirements-dev.lock sbom.cdx.json licences.csv
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
CLASSIFIER = "License :: "
LICENCE_COLUMNS = ("package", "version", "scope", "licence")
UNKNOWN = "not stated by the package"
ABSENT = "not installed on this system, so not known here"
LONGEST_NAME = 80  # some packages put the whole text of the licence where its name belongs


def locked_packages(lock: str) -> list[dict[str, Any]]:
    """The packages of a requirements.lock: `name`, `version`, and `hashes` (SHA-256 of each allowed file).

    >>> locked_packages("click==8.1 --hash=sha256:" + "0" * 64)[0]["version"]
    '8.1'
    """
    packages: list[dict[str, Any]] = []
    for line in lock.splitlines():
        if pinned := PINNED.match(line):
            packages.append({"name": pinned[1], "version": pinned[2], "hashes": []})
        if packages:
            packages[-1]["hashes"] += HASH.findall(line)
    return packages


def licence_of(name: str) -> dict[str, Any] | None:
    """A package's licence as CycloneDX writes it, None where the package is not installed or names none.

    >>> licence_of("no-such-package") is None
    True
    """
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    if expression := about.get("License-Expression"):
        return {"expression": expression}
    words = [
        entry.rsplit(" :: ", 1)[-1]
        for entry in about.get_all("Classifier") or []
        if entry.startswith(CLASSIFIER) and not entry.endswith("OSI Approved")
    ]
    free = (about.get("License") or "").strip().splitlines()
    if not words and free and len(free[0]) <= LONGEST_NAME:
        words = [free[0]]
    words = words or _title_of_licence_file(name)
    return {"license": {"name": " or ".join(words)}} if words else None


def _title_of_licence_file(name: str) -> list[str]:
    """The first line of the licence that a package ships, where that line names a licence."""
    for file in metadata.files(name) or []:
        if file.name.upper().startswith(("LICENSE", "LICENCE")) and ".dist-info" in str(file):
            title = next((line.strip() for line in file.read_text("utf-8").splitlines() if line.strip()), "")
            if "licen" in title.lower() and len(title) <= LONGEST_NAME:
                return [title]
    return []


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
    names = {package["name"] for package in needed}
    components = []
    for package in needed + [other for other in locked_packages(development) if other["name"] not in names]:
        name, licence = package["name"].lower(), licence_of(package["name"])
        purl = f"pkg:pypi/{name}@{package['version']}"
        component = {
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": package["version"],
            "scope": "required" if package["name"] in names else "excluded",
            "purl": purl,
            "hashes": [{"alg": "SHA-256", "content": content} for content in package["hashes"]],
        }
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
        known = {"package": part["name"], "version": part["version"], "scope": part["scope"]}
        rows.append(known | {"licence": licence or _why(part)})
    return rows


def _why(part: dict[str, Any]) -> str:
    try:
        metadata.metadata(part["name"])
    except metadata.PackageNotFoundError:
        return ABSENT
    return UNKNOWN


def main(arguments: list[str]) -> None:
    """Write the bill of materials and its licences as a table: LOCK DEVELOPMENT_LOCK OUTPUT TABLE."""
    *locks, output, table = arguments
    lock, development = (Path(path).read_text("utf-8") for path in locks)
    bill = bill_of_materials(lock, metadata.version("trialpool"), development)
    io.write_json(output, bill)
    io.write_csv(table, licence_rows(bill), LICENCE_COLUMNS)


if __name__ == "__main__":
    main(sys.argv[1:])
