"""results/ro-crate-metadata.json: what was computed from what, for machines (RO-Crate 1.1, Process Run 0.5).

Written from manifest.csv, which it lists and which does not list it. It holds no time of the run, no path of
the machine and no user: the same review gives the same bytes everywhere. What lies outside the results
(evidence, settings, Snakefile, lock) is identified by its content, as an ni URI (RFC 6920).
"""

from __future__ import annotations

import base64
import csv
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from trialpool import io
from trialpool.provenance.manifest import CRATE_NAME, MANIFEST_NAME, file_row, shown_path
from trialpool.yaml_files import read_yaml

Entity = dict[str, Any]
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
CRATE_VERSION = "https://w3id.org/ro/crate/1.1"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"  # Workflow Run Crate wants the workflow in the crate
NO_LICENCE = "Not stated: no CITATION.cff stands beside the configuration of this review."
LANGUAGE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
FORMATS = {
    **{".csv": "text/csv", ".md": "text/markdown", ".html": "text/html"},
    **{".json": "application/json", ".yaml": "application/yaml", ".pdf": "application/pdf"},
    **{".svg": "image/svg+xml", ".png": "image/png"},
}
FIGURES = (".svg", ".pdf", ".png")  # in folders they stand in manifest.csv only, for size
CITATION = "CITATION.cff"
SOFTWARE = ("Snakefile", "requirements.lock", CITATION)


def citation_of(configurations: Iterable[str | Path], software: str | Path) -> list[str]:
    """The CITATION.cff of a review, as a list of one or none: beside its configuration, or Trialpool's own.

    `configurations` are the review's YAML files, `software` is the folder of the Snakefile. Trialpool's own
    is that of the shipped configuration only: who wrote the program did not write every review made with it.

    >>> citation_of(["config/config.yaml"], "."), citation_of(["tests/workflow/mini/config.yaml"], ".")
    (['CITATION.cff'], [])
    """
    software = Path(software)
    for file in map(Path, configurations):
        if (beside := file.parent / CITATION).is_file():
            return [str(beside)]
        if file.resolve() == (software / "config" / "config.yaml").resolve():
            return [str(software / CITATION)]
    return []


def write_crate(
    results: str | Path,
    tables: Mapping[str, str | Path],
    settings: Sequence[str | Path],
    software: str | Path,
    citation: str | Path | None = None,
) -> None:
    """Write ro-crate-metadata.json into `results`, beside manifest.csv and summary.csv, which it reads.

    `tables` are the evidence tables by name, `settings` the configuration and what it names; `software` is
    the folder of Trialpool's Snakefile, requirements.lock and CITATION.cff; `citation` is the CITATION.cff of
    this review (date, licence and authors of the results). Without it the results have no authors and no
    licence, and bear the date of Trialpool's release. Raises FileNotFoundError where a file is missing.
    """
    results, software = Path(results), Path(software)
    with (results / MANIFEST_NAME).open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if not row["path"].startswith("evidence: ")]
    with (results / "summary.csv").open(encoding="utf-8", newline="") as stream:
        titles = {row["analysis"]: row["title"] for row in csv.DictReader(stream)}
    rows.append(file_row(results / MANIFEST_NAME, MANIFEST_NAME))
    graph = crate_graph(
        sorted(rows, key=lambda row: str(row["path"])),
        titles,
        inputs=[
            *(file_row(path, shown_path(name)) for name, path in tables.items()),
            *(file_row(path, shown_path(path)) for path in settings),
        ],
        software={name: file_row(software / name, name) for name in SOFTWARE},
        release=read_yaml(software / CITATION)[0],
        citation=read_yaml(citation)[0] if citation else None,
    )
    io.write_json(results / CRATE_NAME, {"@context": CONTEXT, "@graph": graph})


def crate_graph(
    rows: Sequence[Mapping[str, Any]],
    titles: Mapping[str, str],
    *,
    inputs: Sequence[Mapping[str, Any]],
    software: Mapping[str, Mapping[str, Any]],
    release: Mapping[str, Any],
    citation: Mapping[str, Any] | None = None,
) -> list[Entity]:
    """The entities of the crate, from rows of path, sha256 and bytes and the content of CITATION.cff files.

    >>> row = {"path": "Snakefile", "sha256": "0" * 64, "bytes": 9}
    >>> release = {"title": "Trialpool", "version": "0.1.0", "date-released": "2026-01-02", "license": "MIT"}
    >>> parts = {"Snakefile": row, "requirements.lock": row | {"sha256": "1" * 64}}
    >>> graph = crate_graph([row | {"path": "a/b.csv"}], {}, inputs=[], software=parts, release=release)
    >>> [entity["@id"] for entity in graph if entity["@type"] in ("File", "Dataset")][:3]
    ['./', 'a/', 'a/b.csv']
    """
    outputs = _outputs(rows, titles)
    taken = _outside(inputs)
    lock = _outside([software["requirements.lock"]])
    workflow = _workflow(software["Snakefile"], release)
    top = [entity for entity in outputs if "/" not in entity["@id"].rstrip("/")]
    run = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": "The run that wrote these results",
        "description": "Snakemake with this Snakefile, these settings and locked packages, on these tables",
        "instrument": _ref(workflow),
        "object": _refs([*taken, *lock]),
        "result": _refs(top),
        "actionStatus": "http://schema.org/CompletedActionStatus",
    }
    root = _root([*top, workflow, *taken, *lock], workflow, len(titles), release, citation)
    about = [release, citation] if citation else [release]
    people = [person for each in about for person in _authors(each)]
    contextual = [*_software(), *map(_licence, about), *people]
    graph = [_descriptor(), root, *outputs, workflow, *taken, *lock, run, *contextual]
    return list({entity["@id"]: entity for entity in graph}.values())


def content_id(sha256: str) -> str:
    """A file's identifier by its content (RFC 6920), of its hexadecimal SHA-256.

    >>> content_id("00" * 32)
    'ni:///sha-256;AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    """
    digest = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode("ascii").rstrip("=")
    return f"ni:///sha-256;{digest}"


def _ref(entity: Mapping[str, Any]) -> dict[str, str]:
    return {"@id": entity["@id"]}


def _refs(entities: Sequence[Entity]) -> list[dict[str, str]] | dict[str, str]:
    """References as RO-Crate 1.1 recommends them: a list of one is written without the list."""
    return _ref(entities[0]) if len(entities) == 1 else [_ref(entity) for entity in entities]


def _descriptor() -> Entity:
    about = {"conformsTo": {"@id": CRATE_VERSION}, "about": {"@id": "./"}}
    return {"@id": CRATE_NAME, "@type": "CreativeWork", **about}


def _root(
    parts: Sequence[Entity],
    workflow: Entity,
    analyses: int,
    release: Mapping[str, Any],
    citation: Mapping[str, Any] | None,
) -> Entity:
    description = (
        f"{analyses} analyses computed by Trialpool {release['version']} from the tables and settings listed "
        f"here. {MANIFEST_NAME} holds the SHA-256 of every file."
    )
    root: Entity = {
        "@id": "./",
        "@type": "Dataset",
        "name": str(citation["title"]) if citation else "Results of a review computed by Trialpool",
        "description": description if citation else f"{description} The date is that of Trialpool's release.",
        "datePublished": str((citation or release)["date-released"]),
        "conformsTo": {"@id": PROFILE},
        "mainEntity": _ref(workflow),
        "mentions": {"@id": "#run"},
        "hasPart": _refs(parts),
        "license": _ref(_licence(citation)) if citation else NO_LICENCE,
    }
    return root | {"author": _refs(_authors(citation))} if citation else root


def _outputs(rows: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> list[Entity]:
    """Every folder as a Dataset, every file but the figures in folders as a File; wholes before parts."""
    folders: dict[str, Entity] = {}
    parts: dict[str, list[Entity]] = {".": []}
    for row in rows:
        path = PurePosixPath(row["path"])
        for folder in [*path.parents][-2::-1]:  # the outermost first, without "."
            if str(folder) not in folders:
                folders[str(folder)] = _folder(folder, titles)
                parts[str(folder)] = []
                parts[str(folder.parent)].append(folders[str(folder)])
        if path.parent == PurePosixPath() or path.suffix not in FIGURES:
            parts[str(path.parent)].append(_file(row, quote(str(path)), path.name))
    for name, entity in folders.items():
        entity["hasPart"] = _refs(parts[name])
    return [entity for entities in parts.values() for entity in entities]


def _folder(path: PurePosixPath, titles: Mapping[str, str]) -> Entity:
    name = titles.get(path.name, path.name)
    description = f"Records, tables and figures; {MANIFEST_NAME} lists every file below {path}/."
    return {"@id": quote(f"{path}/"), "@type": "Dataset", "name": name, "description": description}


def _file(row: Mapping[str, Any], identifier: str, name: str) -> Entity:
    entity = {
        "@id": identifier,
        "@type": "File",
        "name": name,
        "contentSize": str(row["bytes"]),
        "sha256": row["sha256"],
        "encodingFormat": FORMATS.get(PurePosixPath(name).suffix, "text/plain"),
    }
    return entity | {"about": {"@id": "./"}} if identifier == "README.md" else entity


def _outside(rows: Iterable[Mapping[str, Any]]) -> list[Entity]:
    """Files that do not lie among the results; equal ones (two empty tables) are one file with two names."""
    files: dict[str, Entity] = {}
    for row in rows:
        entity = _file(row, content_id(row["sha256"]), row["path"])
        if files.setdefault(entity["@id"], entity) is not entity:
            files[entity["@id"]].setdefault("alternateName", []).append(entity["name"])
    return list(files.values())


def _workflow(row: Mapping[str, Any], release: Mapping[str, Any]) -> Entity:
    return {
        **_file(row, content_id(row["sha256"]), "Snakefile"),
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": f"Trialpool {release['version']} (Snakefile)",
        "description": str(release["title"]),
        "version": str(release["version"]),
        "programmingLanguage": {"@id": LANGUAGE},
        "license": _ref(_licence(release)),
        "author": _refs(_authors(release)),
    }


def _software() -> list[Entity]:
    """The profile that the crate follows and the language of its workflow."""
    language = {
        "@id": LANGUAGE,
        "@type": "ComputerLanguage",
        "name": "Snakemake",
        "version": metadata.version("snakemake"),
        "identifier": {"@id": "https://doi.org/10.1093/bioinformatics/bts480"},
        "url": {"@id": "https://snakemake.readthedocs.io"},
    }
    profile = {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}
    return [profile, language]


def _authors(citation: Mapping[str, Any]) -> list[Entity]:
    """Persons and organisations as CITATION.cff has them, by ORCID or website where given."""
    people = []
    for author in citation.get("authors", []):
        person = [author.get(key) for key in ("given-names", "name-particle", "family-names")]
        name = author.get("name") or " ".join(filter(None, person))
        kind = "Organization" if author.get("name") else "Person"
        identifier = author.get("orcid") or author.get("website") or f"#{quote(name.replace(' ', '-'))}"
        people.append({"@id": identifier, "@type": kind, "name": name})
    return people


def _licence(citation: Mapping[str, Any]) -> Entity:
    name = str(citation["license"])
    return {"@id": f"https://spdx.org/licenses/{quote(name)}", "@type": "CreativeWork", "name": name}
