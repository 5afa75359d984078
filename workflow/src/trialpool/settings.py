"""The configuration of one review: read, checked as a whole, and resolved into one plain dict an analysis.

Loaded by the Snakefile at every start, so it imports little.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialpool import io
from trialpool.errors import Fault, InputError
from trialpool.yaml_files import Lines, read_yaml

SCHEMA = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"

METHOD_DEFAULTS: dict[str, Any] = {
    "tau2_method": "REML",
    "interval": "hksj_adhoc",
    "level": 0.95,
    "several_effects": "prefer",
    "multi_arm": "combine",
    "kinds": None,
    "change_correlation": 0.5,
    "smd_variance": "LS",
    "zero_cells": 0.5,
}
ANALYSIS_DEFAULTS: dict[str, Any] = {
    "note": "",
    "purpose": None,
    "outcomes": [],
    "items": [],
    "timepoint": "end_of_treatment",
    "scale": None,
    "mcid": None,
    "moderators": [],
    "subgroups": None,
}
EVENT_DOMAINS = ("responder", "incidence", "adverse_event", "serious_adverse_event", "withdrawal")
EVENT_MEASURES = ("RR", "OR", "RD")
MORE_EVENTS_ARE_BETTER = ("responder",)


@dataclass(frozen=True, slots=True)
class Settings:
    """One review: its folders, its catalogue and the resolved analyses, keyed by slug."""

    evidence: tuple[str, ...]
    processed: str
    results: str
    instruments: str
    claims: str | None
    analyses: dict[str, dict[str, Any]]


def load_settings(config: Mapping[str, Any], files: Iterable[str | Path] = ()) -> Settings:
    """Check a configuration and resolve its analyses.

    `config` is the configuration as Snakemake merged it; `files` are the YAML files it came from, read
    again for line numbers and duplicate keys. Raises InputError with every fault found, each naming the
    file, line, key, value and the nearest known word.

    >>> load_settings({"evidence": "data/raw"})
    Traceback (most recent call last):
    trialpool.errors.InputError: 3 faults in the input:
      config: the key 'processed' is missing. To mend: add it, see config/README.md.
      config: the key 'results' is missing. To mend: add it, see config/README.md.
      config: the key 'analyses' is missing. To mend: add it, see config/README.md.
    """
    name, lines = "config", {}
    for file in files:
        name, (_, lines) = str(file), read_yaml(file)
    faults = list(_schema_faults(config, name, lines))
    if faults:
        raise InputError(faults)
    catalogue = load_catalogue(config.get("instruments", "config/instruments.yaml"))
    methods = {**METHOD_DEFAULTS, **config.get("defaults", {})}
    faults = list(_meaning_faults(config, catalogue, name, lines))
    if faults:
        raise InputError(faults)
    evidence = config["evidence"]
    return Settings(
        evidence=tuple([evidence] if isinstance(evidence, str) else evidence),
        processed=config["processed"],
        results=config["results"],
        instruments=str(config.get("instruments", "config/instruments.yaml")),
        claims=config.get("claims"),
        analyses={
            slug: _resolved(slug, entry, methods, catalogue) for slug, entry in config["analyses"].items()
        },
    )


def load_catalogue(path: str | Path) -> dict[str, Any]:
    """Read the catalogue: `groups` of arm categories, `instruments`, and the rule that chose each MCID."""
    catalogue, _ = read_yaml(path)
    missing = [key for key in ("groups", "instruments") if not isinstance((catalogue or {}).get(key), dict)]
    if missing:
        problem = f"the key '{missing[0]}' is missing or holds no entries"
        raise InputError([Fault(str(path), None, missing[0], "", problem, "see config/README.md")])
    return dict(catalogue)


def _resolved(
    slug: str, entry: Mapping[str, Any], methods: Mapping[str, Any], catalogue: Mapping[str, Any]
) -> dict[str, Any]:
    groups = catalogue["groups"]
    spec: dict[str, Any] = {"analysis": slug, **ANALYSIS_DEFAULTS, **methods, **entry}
    condition = entry["condition"]
    spec["condition"] = [condition] if isinstance(condition, str) else list(condition)
    for side in ("experimental", "control"):
        spec[f"{side}_name"] = entry.get(f"{side}_name") or " or ".join(
            word.replace("_", " ") for word in entry[side]
        )
        categories = [category for word in entry[side] for category in groups.get(word, [word])]
        spec[side] = list(dict.fromkeys(categories))
    spec["unit"] = _unit(spec, catalogue["instruments"])
    if "mcid" not in entry:
        spec["mcid"] = _published_mcid(spec, catalogue["instruments"])
    return spec


def _unit(spec: Mapping[str, Any], instruments: Mapping[str, Any]) -> str:
    """Unit of the analysis scale; empty for ratios and where the instruments' units differ."""
    if spec["measure"] == "SMD":
        return "standard deviations"
    if spec["measure"] != "MD":
        return ""
    if spec["scale"]:
        return f"points on {spec['scale'].replace('-', '–')}"
    units = {(instruments.get(code) or {}).get("unit") for code in spec["outcomes"]} - {None}
    return str(units.pop()) if len(units) == 1 else ""


def _published_mcid(spec: Mapping[str, Any], instruments: Mapping[str, Any]) -> dict[str, Any] | None:
    """The MCID of the first allowed instrument that has one in points, rescaled like its values.

    Only mean differences have one: a standardised difference has no points to compare with.
    """
    if spec["measure"] != "MD":
        return None
    for code in spec["outcomes"]:
        entry = instruments.get(code) or {}
        mcid = entry.get("mcid") or {}
        if not isinstance(mcid.get("value"), int | float) or mcid.get("unit") != entry.get("unit"):
            continue
        factor = 1.0
        if spec["scale"]:
            if not entry.get("range"):
                continue
            factor = _width(*map(float, spec["scale"].rsplit("-", 1))) / _width(*entry["range"])
        return {
            "value": io.canonical_number(abs(mcid["value"]) * factor),
            "unit": spec["unit"],
            "kind": mcid.get("kind", ""),
            "source": mcid.get("source", ""),
            "instrument": code,
        }
    return None


def _width(low: float, high: float) -> float:
    return high - low


def _schema_faults(config: Mapping[str, Any], name: str, lines: Lines) -> Iterator[Fault]:
    from jsonschema import Draft202012Validator

    schema, _ = read_yaml(SCHEMA)
    for error in sorted(
        Draft202012Validator(schema).iter_errors(config), key=lambda e: [str(p) for p in e.path]
    ):
        yield from _fault_of(error, name, lines)


def _fault_of(error: Any, name: str, lines: Lines) -> Iterator[Fault]:
    path = tuple(str(part) for part in error.absolute_path)
    row, key = lines.get(path), ".".join(path)
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        for extra in sorted(set(error.instance) - set(known), key=str):
            near = _nearest(str(extra), known)
            inner = (*path, str(extra))
            yield Fault(
                name, lines.get(inner), ".".join(inner), "", f"the key {str(extra)!r} is not known", near
            )
    elif error.validator == "required":
        missing = [entry for entry in error.validator_value if entry not in error.instance]
        word = next(entry for entry in missing if repr(entry) in error.message)
        yield Fault(name, row, key, "", f"the key '{word}' is missing", "add it, see config/README.md")
    elif error.validator == "enum":
        known = [str(entry) for entry in error.validator_value]
        yield Fault(
            name,
            row,
            key,
            str(error.instance),
            f"not one of: {', '.join(known)}",
            _nearest(str(error.instance), known),
        )
    else:
        wanted = f"not accepted here ({error.message[:200]})"
        yield Fault(name, row, key, str(error.instance)[:80], wanted, "see config/README.md")


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?".rstrip("?") if near else f"use one of: {', '.join(known)}"


def _meaning_faults(
    config: Mapping[str, Any], catalogue: Mapping[str, Any], name: str, lines: Lines
) -> Iterator[Fault]:
    groups = catalogue["groups"]
    categories = {category for members in groups.values() for category in members}
    words = sorted({*groups, *categories})
    instruments = {code.split(":")[0] for code in catalogue["instruments"]}
    for slug, entry in config["analyses"].items():

        def fault(key: str, value: Any, problem: str, remedy: str, slug: str = slug) -> Fault:
            path = ("analyses", slug, key)
            return Fault(
                name, lines.get(path, lines.get(path[:2])), ".".join(path), str(value), problem, remedy
            )

        for side in ("experimental", "control"):
            for word in entry[side]:
                if word not in groups and word not in categories:
                    yield fault(
                        side, word, "neither an arm category nor a group of them", _nearest(word, words)
                    )
        for code in entry.get("outcomes", []):
            if entry["domain"] not in EVENT_DOMAINS and code.split(":")[0] not in instruments:
                yield fault(
                    "outcomes", code, "not in the instrument catalogue", _nearest(code, sorted(instruments))
                )
        yield from _measure_faults(entry, fault)


def _measure_faults(entry: Mapping[str, Any], fault: Any) -> Iterator[Fault]:
    measure, domain = entry["measure"], entry["domain"]
    if (domain in EVENT_DOMAINS) != (measure in EVENT_MEASURES):
        fitting = "RR, OR, RD" if domain in EVENT_DOMAINS else "MD, SMD, ROM"
        yield fault("measure", measure, f"not a measure for the domain {domain}", f"use one of: {fitting}")
    if entry.get("scale") and measure != "MD":
        yield fault("scale", entry["scale"], f"meaningless for {measure}", "remove it, or use measure: MD")
    expected = "higher" if domain in MORE_EVENTS_ARE_BETTER else "lower"
    if domain in EVENT_DOMAINS and entry["better"] != expected:
        yield fault(
            "better", entry["better"], f"against the meaning of the domain {domain}", f"write {expected}"
        )
