"""Results, evidence, settings in; manifest.csv and ro-crate-metadata.json out: what was computed from what.

manifest.csv holds the hash of every committed result and of the evidence. The crate (RO-Crate 1.1, Process
Run 0.5) says the same to machines; it lists the manifest, which does not list it. Neither holds a time of the
run, a path of the machine or a user: the same review gives the same bytes everywhere. What lies outside the
results (evidence, settings, Snakefile, lock) is identified by its content, as an ni URI (RFC 6920).
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import yaml
from jinja2 import Environment, PackageLoader, Template

from trialpool import io
from trialpool.contracts import EVIDENCE, MANIFEST
from trialpool.io import sha256
from trialpool.yaml_files import LOADER, read_yaml

Entity = dict[str, Any]
Row = Mapping[str, Any]  # path, sha256 and bytes of a file
MANIFEST_NAME, CRATE_NAME = "manifest.csv", "ro-crate-metadata.json"
NOT_COMMITTED = frozenset({"logs", "benchmarks"})
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
FORMATS = {
    **{".csv": "text/csv", ".md": "text/markdown", ".html": "text/html"},
    **{".json": "application/json", ".yaml": "application/yaml", ".pdf": "application/pdf"},
    **{".svg": "image/svg+xml", ".png": "image/png"},
}
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
    """
    rows = [_row(path, name) for name, path in _files(results) if name not in (MANIFEST_NAME, CRATE_NAME)]
    tables = {table.file for table in EVIDENCE.values()}
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
    return sorted(_below(str(folder)))


def _below(folder: str, place: str = "") -> Iterator[tuple[str, Path]]:
    """The committed files in a folder, by their names from `place`."""
    for entry in os.scandir(folder):
        if entry.name.startswith(".") or entry.name in NOT_COMMITTED:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path, f"{place}{entry.name}/")
        elif entry.is_file():
            yield f"{place}{entry.name}", Path(entry.path)


def _row(path: str | Path, name: str) -> dict[str, str | int]:
    content = Path(path).read_bytes()
    return {"path": name, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


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
    listed = [row for row in io.read_csv(results / MANIFEST_NAME) if not row["path"].startswith("evidence: ")]
    rows: list[Row] = [*listed, _row(results / MANIFEST_NAME, MANIFEST_NAME)]
    rows.sort(key=lambda row: str(row["path"]))
    titles = {row["analysis"]: row["title"] for row in io.read_csv(results / "summary.csv")}
    outputs = _outputs(rows, titles)
    taken = [_row(path, shown_path(name)) for name, path in tables.items()]
    taken += [_row(path, shown_path(path)) for path in settings]
    inputs = [*_outside(taken), *_outside([_row(packages, SOFTWARE[1])])]
    about, root, workflow, *others = _described(
        top=[entity["@id"] for entity in outputs if "/" not in entity["@id"].rstrip("/")],
        taken=[entity["@id"] for entity in inputs],
        workflow=_outside([_row(snakefile, SOFTWARE[0])])[0],
        analyses=len(titles),
        release=read_yaml(about_us)[0],
        own=read_yaml(citation)[0] if citation else None,
    )
    graph = [about, root, *outputs, workflow, *inputs, *others]
    entities = list({entity["@id"]: entity for entity in graph}.values())
    io.write_json(results / CRATE_NAME, {"@context": CONTEXT, "@graph": entities})


def _described(**known: Any) -> list[Entity]:
    """The entities of schemas/crate.j2: the crate, the review, its workflow, run, software and people."""
    text = template().render(**known, snakemake=metadata.version("snakemake"))
    entities: list[Entity] = yaml.load(text, LOADER)
    return entities


@cache
def template() -> Template:
    """That of the crate."""
    environment = Environment(loader=PackageLoader("trialpool", "schemas"), trim_blocks=True)
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    return environment.get_template("crate.j2")


def content_id(sha256: str) -> str:
    """A file's identifier by its content (RFC 6920), of its hexadecimal SHA-256.

    >>> content_id("00" * 32)
    'ni:///sha-256;AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    """
    digest = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode("ascii").rstrip("=")
    return f"ni:///sha-256;{digest}"


def _outputs(rows: Sequence[Row], titles: Mapping[str, str]) -> list[Entity]:
    """Every folder as a Dataset, every file that lies in none as a File; wholes before parts."""
    parts: dict[PurePosixPath, dict[PurePosixPath, Row | None]] = {PurePosixPath(): {}}
    for row in rows:
        path = PurePosixPath(row["path"])
        for folder in [*path.parents][-2::-1]:  # the outermost first, without "."
            parts.setdefault(folder, {})
            parts[folder.parent][folder] = None
        if path.parent == PurePosixPath():
            parts[path.parent][path] = row
    entities = []
    for path, file in (part for children in parts.values() for part in children.items()):
        if file:
            entities.append(_file(file, quote(str(path)), path.name))
            continue
        about = f"Records, tables and figures; {MANIFEST_NAME} lists every file below {path}/."
        inside = [{"@id": quote(f"{child}/")} for child in parts[path]]
        name = titles.get(path.name, path.name)
        identifier = quote(f"{path}/")
        entity = {"@id": identifier, "@type": "Dataset", "name": name, "description": about}
        entities.append(entity | ({"hasPart": inside[0] if len(inside) == 1 else inside} if inside else {}))
    return entities


def _file(row: Row, identifier: str, name: str) -> Entity:
    kind, about = FORMATS.get(PurePosixPath(name).suffix, "text/plain"), {"about": {"@id": "./"}}
    entity = {"@id": identifier, "@type": "File", "name": name, "contentSize": str(row["bytes"])}
    entity |= {"sha256": row["sha256"], "encodingFormat": kind}
    return entity | (about if identifier == "README.md" else {})


def _outside(rows: Iterable[Row]) -> list[Entity]:
    """Files that do not lie among the results; equal ones (two empty tables) are one file with two names."""
    files: dict[str, list[Row]] = {}
    for row in rows:
        files.setdefault(content_id(row["sha256"]), []).append(row)
    return [
        _file(row, identifier, row["path"])
        | ({"alternateName": [other["path"] for other in others]} if others else {})
        for identifier, (row, *others) in files.items()
    ]
