"""config/networks.yaml: which analyses make a network. Read by the Snakefile, so it imports little."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trialpool.errors import Fault, InputError
from trialpool.yaml_files import read_yaml

Row = Mapping[str, Any]
KEYS = {"title", "reference", "analyses"}
SAME = ("measure", "scale", "better")


def load_networks(path: str | Sequence[str] | None, specs: Mapping[str, Row]) -> dict[str, dict[str, Any]]:
    """The networks of config/networks.yaml by name, each with `nodes` (category to treatment).

    Without a file there are none. Raises InputError for a key missing or unknown, an analysis that the
    configuration does not have, analyses that differ in measure, scale or direction, and a category at two
    nodes. `specs` are the resolved analyses by slug.

    >>> load_networks(None, {})
    {}
    """
    if not path:
        return {}
    name = str(path)
    content, _ = read_yaml(name)
    nodes = (content or {}).get("nodes") or {}
    listed = [category for categories in nodes.values() for category in categories]
    faults = [
        Fault(name, None, f"nodes.{category}", category, "the category is at two nodes", "leave it at one")
        for category in sorted({category for category in listed if listed.count(category) > 1})
    ]
    networks = (content or {}).get("networks") or {}
    for key, entry in networks.items():
        faults += _faults(name, f"networks.{key}", entry, specs, nodes)
    if faults:
        raise InputError(faults)
    of = {category: node for node, categories in nodes.items() for category in categories}
    return {key: {**entry, "nodes": of} for key, entry in networks.items()}


def _faults(name: str, place: str, entry: Row, specs: Mapping[str, Row], nodes: Row) -> Iterable[Fault]:
    for key in sorted(KEYS ^ set(entry)):
        problem, remedy = ("is missing", "add it") if key in KEYS else ("is unknown", "remove it")
        yield Fault(name, None, f"{place}.{key}", "", f"the key {problem}", remedy)
    if entry.get("reference") not in nodes:
        yield Fault(
            name, None, f"{place}.reference", str(entry.get("reference")), "is not a node", "name a node"
        )
    for slug in entry.get("analyses", []):
        if slug not in specs:
            yield Fault(
                name,
                None,
                f"{place}.analyses",
                slug,
                "is not an analysis of the configuration",
                "mend the slug",
            )
    known = [specs[slug] for slug in entry.get("analyses", []) if slug in specs]
    for key in SAME:
        found = {str(spec[key]) for spec in known}
        if len(found) > 1:
            problem = f"the analyses differ in {key}"
            yield Fault(name, None, f"{place}.analyses", ", ".join(sorted(found)), problem, "list one kind")
