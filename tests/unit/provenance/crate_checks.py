"""What any RO-Crate of results must fulfil, in our own words: asked of made-up and of computed results."""

import csv
import hashlib
import json
from urllib.parse import unquote, urlsplit

OF_OTHERS = ("https://w3id.org/ro/crate/1.1", "https://doi.org/10.1093/bioinformatics/bts480")
OF_OTHERS += ("https://snakemake.readthedocs.io",)


def references(value):
    """Every @id that an entity's properties point at."""
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            yield value["@id"]
        else:
            for key, entry in value.items():
                yield from references(entry) if key != "@id" else ()
    elif isinstance(value, list):
        for entry in value:
            yield from references(entry)


def as_list(value):
    return value if isinstance(value, list) else [value]


def sound_crate(results):
    """The entities of a results folder's crate by @id, once everything about it has been checked."""
    crate = json.loads((results / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    assert crate["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    entities = {entity["@id"]: entity for entity in crate["@graph"]}
    assert len(entities) == len(crate["@graph"])
    described = entities["ro-crate-metadata.json"]
    assert described["about"] == {"@id": "./"}
    assert described["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert entities["./"]["@type"] == "Dataset"
    assert all(entities["./"][key] for key in ("name", "description", "datePublished", "license"))
    for entity in crate["@graph"]:
        for reference in references(entity):
            assert reference in entities or reference in OF_OTHERS, reference
    parts = reachable(entities, "./")
    data = {name for name, entity in entities.items() if {"File", "Dataset"} & {*as_list(entity["@type"])}}
    assert data - {"./"} == parts
    hashed_as_said(results, entities, parts)
    return entities


def reachable(entities, start):
    found = set()
    for part in as_list(entities[start].get("hasPart", [])):
        found |= {part["@id"]} | reachable(entities, part["@id"])
    return found


def hashed_as_said(results, entities, parts):
    """Parts inside the crate exist with size and hash; every file of the results is hashed somewhere."""
    inside = {unquote(part): entities[part] for part in parts if not urlsplit(part).scheme}
    rows = csv.DictReader((results / "manifest.csv").read_text(encoding="utf-8").splitlines())
    known = {row["path"]: row["sha256"] for row in rows}
    for name, entity in inside.items():
        if entity["@type"] == "Dataset":
            assert (results / name).is_dir()
            continue
        content = (results / name).read_bytes()
        assert entity["contentSize"] == str(len(content))
        assert entity["sha256"] == hashlib.sha256(content).hexdigest()
        known[name] = entity["sha256"]
    seen = (path for path in results.rglob("*") if path.is_file() and not path.name.startswith("."))
    files = {path.relative_to(results).as_posix(): path for path in seen}
    for name, path in files.items():
        if name != "ro-crate-metadata.json" and not name.startswith("logs/"):
            assert known[name] == hashlib.sha256(path.read_bytes()).hexdigest()
