"""Results, evidence, settings in; manifest.csv and ro-crate-metadata.json out: what was computed from what.

manifest.csv holds the hash of every committed result and of the evidence. The crate (RO-Crate 1.1, Process
Run 0.5) says the same to machines; it lists the manifest, which does not list it. Neither holds a time of the
run, a path of the machine or a user: the same review gives the same bytes everywhere. What lies outside the
results (evidence, settings, Snakefile, lock) is identified by its content, as an ni URI (RFC 6920).
"""

from __future__ import annotations

import base64
import csv
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from trialpool import io
from trialpool.contracts import MANIFEST, TABLES
from trialpool.io import sha256
from trialpool.yaml_files import read_yaml

Entity = Mapping[str, Any]
Row = Mapping[str, Any]  # path, sha256 and bytes of a file
Citation = Mapping[str, Any]  # the content of a CITATION.cff
MANIFEST_NAME, CRATE_NAME = "manifest.csv", "ro-crate-metadata.json"
NOT_COMMITTED = frozenset({"logs", "benchmarks"})
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
SOFTWARE = ("workflow/Snakefile", "requirements.lock", CITATION)


def manifest_rows(
    results: str | Path, evidence: Mapping[str, str | Path] | None = None
) -> list[dict[str, str | int]]:
    """One row a committed file below `results`, sorted by path, then one row an evidence folder.

    Left out: the manifest itself and the crate, hidden (half-written) files, logs. An evidence folder's hash
    is that of the lines "sha256  name" of its tables (what `sha256sum *.csv | sha256sum` prints in the C
    locale), so that any changed, added or lost table changes it; notes beside them do not: no rule reads
    them. `evidence` has the folders by the names that the config gives them: under a store for many machines
    they lie elsewhere. Raises FileNotFoundError where a folder does not exist.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "summary.csv").write_bytes(b"a\\n")
    ...     [(row["path"], row["bytes"]) for row in manifest_rows(folder)]
    [('summary.csv', 2)]
    """
    rows = [_row(path, name) for name, path in _files(results) if name not in (MANIFEST_NAME, CRATE_NAME)]
    tables = {table.file for table in TABLES.values()}
    for name, folder in (evidence or {}).items():
        files = [(table, path) for table, path in _files(folder) if table in tables]
        lines = "".join(f"{sha256(path)}  {table}\n" for table, path in files)
        shown = Path(name).name if Path(name).is_absolute() else Path(name).as_posix()
        hashed = hashlib.sha256(lines.encode("utf-8")).hexdigest()
        size = sum(path.stat().st_size for _, path in files)
        rows.append({"path": f"evidence: {shown}", "sha256": hashed, "bytes": size})
    return rows


def write_manifest(folder: str | Path, evidence: Mapping[str, str | Path]) -> None:
    """Write manifest.csv: the hash of every result and of the evidence folders, given by their names."""
    io.write_csv(Path(folder) / MANIFEST_NAME, manifest_rows(folder, evidence), MANIFEST.names)


def _files(folder: str | Path) -> list[tuple[str, Path]]:
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"{folder} is not a folder: there is nothing to list in a manifest")
    files = ((path.relative_to(folder), path) for path in Path(folder).rglob("*") if path.is_file())
    return sorted(
        (name.as_posix(), path)
        for name, path in files
        if not any(part.startswith(".") or part in NOT_COMMITTED for part in name.parts)
    )


def _row(path: str | Path, name: str) -> dict[str, str | int]:
    return {"path": name, "sha256": sha256(path), "bytes": Path(path).stat().st_size}


def shown_path(path: str | Path) -> str:
    """A path as another machine may read it: below the working folder, else the file's name alone.

    >>> shown_path("config/config.yaml"), shown_path(Path.cwd() / "a.csv"), shown_path("/home/somebody/b.csv")
    ('config/config.yaml', 'a.csv', 'b.csv')
    """
    path = Path(path)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.name if path.is_absolute() or ".." in path.parts else path.as_posix()


def citation_of(configurations: Iterable[str | Path], own: str | Path) -> list[str]:
    """The CITATION.cff of a review, as a list of one or none: beside its configuration, or Trialpool's `own`.

    `configurations` are the review's YAML files. Trialpool's own is that of the shipped configuration only:
    who wrote the program did not write every review made with it.

    >>> citation_of(["config/config.yaml"], CITATION), citation_of(["mine/config.yaml"], CITATION)
    (['CITATION.cff'], [])
    """
    for file in map(Path, configurations):
        if (beside := file.parent / CITATION).is_file():
            return [str(beside)]
        if file.resolve() == (Path(own).parent / "config" / "config.yaml").resolve():
            return [str(own)]
    return []


def write_crate(
    results: str | Path,
    tables: Mapping[str, str | Path],
    settings: Sequence[str | Path],
    software: Sequence[str | Path],
    citation: str | Path | None = None,
) -> None:
    """Write ro-crate-metadata.json into `results`, beside manifest.csv and summary.csv, which it reads.

    `tables` are the evidence tables by name, `settings` the configuration and what it names; `software` the
    files named in SOFTWARE; `citation` is the CITATION.cff of this review (date, licence and authors of the
    results). Without it the results have no authors and no licence, and bear the date of Trialpool's release.
    Raises FileNotFoundError where a file is missing.
    """
    results, (snakefile, packages, about_us) = Path(results), software
    listed = [row for row in _csv(results / MANIFEST_NAME) if not row["path"].startswith("evidence: ")]
    rows: list[Row] = [*listed, _row(results / MANIFEST_NAME, MANIFEST_NAME)]
    rows.sort(key=lambda row: str(row["path"]))
    titles = {row["analysis"]: row["title"] for row in _csv(results / "summary.csv")}
    release = read_yaml(about_us)[0]
    own = read_yaml(citation)[0] if citation else None

    outputs = _outputs(rows, titles)
    taken = _outside(
        [
            *(_row(path, shown_path(name)) for name, path in tables.items()),
            *(_row(path, shown_path(path)) for path in settings),
        ]
    )
    lock = _outside([_row(packages, SOFTWARE[1])])
    workflow = _workflow(_row(snakefile, SOFTWARE[0]), release)
    top = [entity for entity in outputs if "/" not in entity["@id"].rstrip("/")]
    root = _root([*top, workflow, *taken, *lock], workflow, len(titles), release, own)
    run = _entity(
        "#run",
        "CreateAction",
        name="The run that wrote these results",
        description="Snakemake with this Snakefile, these settings and locked packages, on these tables",
        instrument=_ref(workflow),
        object=_refs([*taken, *lock]),
        result=_refs(top),
        actionStatus="http://schema.org/CompletedActionStatus",
    )
    citations = [release, own] if own else [release]
    people = [person for each in citations for person in _authors(each)]
    own_file = {"conformsTo": {"@id": CRATE_VERSION}, "about": {"@id": "./"}}
    graph = [_entity(CRATE_NAME, "CreativeWork", **own_file), root, *outputs, workflow, *taken, *lock, run]
    graph += [*_software(), *map(_licence, citations), *people]
    entities = list({entity["@id"]: entity for entity in graph}.values())
    io.write_json(results / CRATE_NAME, {"@context": CONTEXT, "@graph": entities})


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def content_id(sha256: str) -> str:
    """A file's identifier by its content (RFC 6920), of its hexadecimal SHA-256.

    >>> content_id("00" * 32)
    'ni:///sha-256;AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    """
    digest = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode("ascii").rstrip("=")
    return f"ni:///sha-256;{digest}"


def _entity(identifier: str, kind: str, /, **properties: Any) -> Entity:
    return {"@id": identifier, "@type": kind, **properties}


def _ref(entity: Entity) -> Entity:
    return {"@id": entity["@id"]}


def _refs(entities: Sequence[Entity]) -> list[Entity] | Entity:
    """References as RO-Crate 1.1 recommends them: a list of one is written without the list."""
    return _ref(entities[0]) if len(entities) == 1 else [_ref(entity) for entity in entities]


def _root(
    parts: Sequence[Entity], workflow: Entity, analyses: int, release: Citation, citation: Citation | None
) -> Entity:
    description = (
        f"{analyses} analyses computed by Trialpool {release['version']} from the tables and settings listed "
        f"here. {MANIFEST_NAME} holds the SHA-256 of every file."
    )
    return _entity(
        "./",
        "Dataset",
        name=str(citation["title"]) if citation else "Results of a review computed by Trialpool",
        description=description if citation else f"{description} The date is that of Trialpool's release.",
        datePublished=str((citation or release)["date-released"]),
        conformsTo={"@id": PROFILE},
        mainEntity=_ref(workflow),
        mentions={"@id": "#run"},
        hasPart=_refs(parts),
        license=_ref(_licence(citation)) if citation else NO_LICENCE,
        **({"author": _refs(_authors(citation))} if citation else {}),
    )


def _outputs(rows: Sequence[Row], titles: Mapping[str, str]) -> list[Entity]:
    """Every folder as a Dataset, every file but the figures in folders as a File; wholes before parts."""
    parts: dict[PurePosixPath, dict[PurePosixPath, Row | None]] = {PurePosixPath(): {}}
    for row in rows:
        path = PurePosixPath(row["path"])
        for folder in [*path.parents][-2::-1]:  # the outermost first, without "."
            parts.setdefault(folder, {})
            parts[folder.parent][folder] = None
        if path.parent == PurePosixPath() or path.suffix not in FIGURES:
            parts[path.parent][path] = row
    entities = []
    for path, file in (part for children in parts.values() for part in children.items()):
        if file:
            entities.append(_file(file, quote(str(path)), path.name))
            continue
        about = f"Records, tables and figures; {MANIFEST_NAME} lists every file below {path}/."
        inside = [{"@id": quote(str(child) if row else f"{child}/")} for child, row in parts[path].items()]
        name = titles.get(path.name, path.name)
        identifier = quote(f"{path}/")
        entities.append(_entity(identifier, "Dataset", name=name, description=about, hasPart=_refs(inside)))
    return entities


def _file(row: Row, identifier: str, name: str) -> Entity:
    kind, about = FORMATS.get(PurePosixPath(name).suffix, "text/plain"), {"about": {"@id": "./"}}
    size, more = str(row["bytes"]), about if identifier == "README.md" else {}
    return _entity(
        identifier, "File", name=name, contentSize=size, sha256=row["sha256"], encodingFormat=kind, **more
    )


def _outside(rows: Iterable[Row]) -> list[Entity]:
    """Files that do not lie among the results; equal ones (two empty tables) are one file with two names."""
    names: dict[str, list[str]] = {}
    files: dict[str, Entity] = {}
    for row in rows:
        identifier = content_id(row["sha256"])
        files.setdefault(identifier, _file(row, identifier, row["path"]))
        names.setdefault(identifier, []).append(row["path"])
    return [
        {**entity, "alternateName": names[key][1:]} if names[key][1:] else entity
        for key, entity in files.items()
    ]


def _workflow(row: Row, release: Citation) -> Entity:
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
    language = _entity(
        LANGUAGE,
        "ComputerLanguage",
        name="Snakemake",
        version=metadata.version("snakemake"),
        identifier={"@id": "https://doi.org/10.1093/bioinformatics/bts480"},
        url={"@id": "https://snakemake.readthedocs.io"},
    )
    return [_entity(PROFILE, "CreativeWork", name="Process Run Crate", version="0.5"), language]


def _authors(citation: Citation) -> list[Entity]:
    """Persons and organisations as CITATION.cff has them, by ORCID or website where given."""
    people = []
    for author in citation.get("authors", []):
        person = [author.get(key) for key in ("given-names", "name-particle", "family-names")]
        name = author.get("name") or " ".join(filter(None, person))
        identifier = author.get("orcid") or author.get("website") or f"#{quote(name.replace(' ', '-'))}"
        people.append(_entity(identifier, "Organization" if author.get("name") else "Person", name=name))
    return people


def _licence(citation: Citation) -> Entity:
    name = str(citation["license"])
    return _entity(f"https://spdx.org/licenses/{quote(name)}", "CreativeWork", name=name)
