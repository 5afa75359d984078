"""The configuration of one review: read, checked as a whole, and resolved into one plain dict an analysis.

Loaded by the Snakefile at every start, so it imports little.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialpool import io
from trialpool.errors import InputError
from trialpool.settings_faults import catalogue_faults, folder_faults, meaning_faults
from trialpool.yaml_files import Lines, faults_of, read_yaml, schema_slips

METHOD_DEFAULTS: dict[str, Any] = {
    "tau2_method": "REML",
    "interval": "hksj_adhoc",
    "level": 0.95,
    "several_effects": "prefer",
    "multi_arm": "combine",
    "kinds": None,
    "change_correlation": 0.5,
    "correlation_source": "found",
    "borrow_sd": False,
    "smd_variance": "LS",
    "zero_cells": 0.5,
    "forest": "default",
    "formats": ["svg", "pdf", "png"],
}
# From how many trials a conclusion, a test of small-study effects and a moderator can be judged (Handbook
# 13.3.5.4 and 10.11.5.1 ask for ten), and which share of specifications must agree for a grade.
ROBUSTNESS_DEFAULTS: dict[str, float] = {
    "robust": 0.9,
    "sensitive": 0.5,
    "smallest_k": 3,
    "test_k": 10,
    "moderator_k": 10,
}
ANALYSIS_DEFAULTS: dict[str, Any] = {
    "note": "",
    "purpose": None,
    "outcomes": [],
    "items": [],
    "timepoint": "end_of_treatment",
    "scale": None,
    "convert": [],
    "mcid": None,
    "moderators": [],
    "subgroups": None,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """One review: its folders, its catalogue and the resolved analyses, keyed by slug."""

    evidence: tuple[str, ...]
    processed: str
    results: str
    instruments: str
    claims: str | None
    published: str | None
    networks: str | None
    analyses: dict[str, dict[str, Any]]

    @property
    def files(self) -> list[str]:
        """The YAML files that the configuration names."""
        return [file for file in (self.instruments, self.claims, self.published, self.networks) if file]


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
    name = "config"
    lines: Lines = {}
    for file in files:
        name, (_, lines) = str(file), read_yaml(file)
    faults = faults_of(schema_slips("config", config), name, lines) or [*folder_faults(config, name, lines)]
    if faults:
        raise InputError(faults)
    catalogue = load_catalogue(config.get("instruments", "config/instruments.yaml"))
    faults = list(meaning_faults(config, catalogue, name, lines))
    if faults:
        raise InputError(faults)
    evidence = config["evidence"]
    shared = _shared(config)
    return Settings(
        evidence=tuple([evidence] if isinstance(evidence, str) else evidence),
        processed=config["processed"],
        results=config["results"],
        instruments=str(config.get("instruments", "config/instruments.yaml")),
        claims=config.get("claims"),
        published=config.get("published"),
        networks=config.get("networks"),
        analyses={
            slug: _resolved(slug, entry, shared, catalogue) for slug, entry in config["analyses"].items()
        },
    )


def _shared(config: Mapping[str, Any]) -> dict[str, Any]:
    """What every analysis starts from."""
    return {
        **ANALYSIS_DEFAULTS,
        **METHOD_DEFAULTS,
        **config.get("defaults", {}),
        "robustness": {**ROBUSTNESS_DEFAULTS, **config.get("robustness", {})},
        "assumptions": dict(config.get("assumptions", {})),
    }


def load_catalogue(path: str | Path) -> dict[str, Any]:
    """Read the catalogue: `groups` of arm categories, `instruments`, and the rule that chose each MCID.

    Raises InputError with every fault found, each naming the file, line, key, value and what to write.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
    ...     _ = file.write("groups: {inert: [sham, placebo]}\\ninstruments: {}\\n")
    ...     file.flush()
    ...     load_catalogue(file.name)["groups"]
    {'inert': ['sham', 'placebo']}
    """
    catalogue, lines = read_yaml(path)
    faults = catalogue_faults(catalogue, str(path), lines)
    if faults:
        raise InputError(faults)
    return dict(catalogue)


def _resolved(
    slug: str, entry: Mapping[str, Any], shared: Mapping[str, Any], catalogue: Mapping[str, Any]
) -> dict[str, Any]:
    groups = catalogue["groups"]
    spec: dict[str, Any] = {"analysis": slug, **shared, **entry}
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
        mcid = entry.get("mcid")
        if not mcid or mcid["unit"] != entry.get("unit"):
            continue
        factor = 1.0
        if spec["scale"]:
            if not entry.get("range") or None in entry["range"]:
                continue
            factor = _width(*map(float, spec["scale"].rsplit("-", 1))) / _width(*entry["range"])
        return {
            "value": io.canonical_number(mcid["value"] * factor),
            "unit": spec["unit"],
            "kind": mcid.get("kind", ""),
            "source": mcid["source"],
            "instrument": code,
        }
    return None


def _width(low: float, high: float) -> float:
    return high - low
