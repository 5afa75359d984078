"""The configuration of one review: read, checked as a whole, and resolved into one plain dict an analysis.

Loaded by the Snakefile at every start, so it imports little.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialpool import io
from trialpool.errors import Fault, InputError, nearest, suggestion
from trialpool.measures import OF_EVENTS, OF_MEANS
from trialpool.vocabulary import Domain, Vocabulary, load_vocabulary
from trialpool.yaml_files import Lines, Slip, faults_of, line_of, read_yaml, schema_slips, yaml_text

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
class Protocol:
    """One review: its folders, its words, its catalogue and the resolved analyses, keyed by slug."""

    evidence: tuple[str, ...]
    processed: str
    results: str
    instruments: str
    claims: str | None
    published: str | None
    networks: str | None
    vocabulary: str | None
    words: Vocabulary
    analyses: dict[str, dict[str, Any]]

    @property
    def files(self) -> list[str]:
        """The YAML files that the configuration names."""
        named = (self.vocabulary, self.instruments, self.claims, self.published, self.networks)
        return [file for file in named if file]


def load_protocol(config: Mapping[str, Any], files: Iterable[str | Path] = ()) -> Protocol:
    """Check a configuration and resolve its analyses.

    `config` is the configuration as Snakemake merged it; `files` are the YAML files it came from, read
    again for line numbers and duplicate keys. Raises InputError with every fault found, each naming the
    file, line, key, value and the nearest known word.

    >>> load_protocol({"evidence": "data/raw"})
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
    words = load_vocabulary(config.get("vocabulary"))
    catalogue = load_catalogue(config.get("instruments", "config/instruments.yaml"), words)
    words = words.with_groups(catalogue.get("groups", {}))
    faults = list(meaning_faults(config, catalogue, words, name, lines))
    if faults:
        raise InputError(faults)
    evidence = config["evidence"]
    shared = _shared(config)
    return Protocol(
        evidence=tuple([evidence] if isinstance(evidence, str) else evidence),
        processed=config["processed"],
        results=config["results"],
        instruments=str(config.get("instruments", "config/instruments.yaml")),
        claims=config.get("claims"),
        published=config.get("published"),
        networks=config.get("networks"),
        vocabulary=config.get("vocabulary"),
        words=words,
        analyses={
            slug: _resolved(slug, entry, shared, catalogue, words)
            for slug, entry in config["analyses"].items()
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


def load_catalogue(path: str | Path, words: Vocabulary | None = None) -> dict[str, Any]:
    """Read the catalogue: `groups` of arm categories, `instruments`, and the rule that chose each MCID.

    Domains and units are held to the `words`, where these are given. Raises InputError with every fault
    found, each naming the file, line, key, value and what to write.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
    ...     _ = file.write("groups: {inert: [sham, placebo]}\\ninstruments: {}\\n")
    ...     file.flush()
    ...     load_catalogue(file.name)["groups"]
    {'inert': ['sham', 'placebo']}
    """
    catalogue, lines = read_yaml(path)
    faults = catalogue_faults(catalogue, str(path), lines, words)
    if faults:
        raise InputError(faults)
    return dict(catalogue)


def _resolved(
    slug: str,
    entry: Mapping[str, Any],
    shared: Mapping[str, Any],
    catalogue: Mapping[str, Any],
    words: Vocabulary,
) -> dict[str, Any]:
    spec: dict[str, Any] = {"analysis": slug, **shared, **entry}
    condition = entry["condition"]
    spec["condition"] = [condition] if isinstance(condition, str) else list(condition)
    for side in ("experimental", "control"):
        spec[f"{side}_name"] = entry.get(f"{side}_name") or " or ".join(map(words.side, entry[side]))
        spec[side] = list(dict.fromkeys(code for word in entry[side] for code in words.members(word)))
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


Entry = Mapping[str, Any]
STRANGE = re.compile(r"[{}*?\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def folder_faults(config: Mapping[str, Any], name: str, lines: Lines) -> Iterator[Fault]:
    """Folders that Snakemake cannot take as they stand, and those that would be written over each other.

    What is written (`processed`, `results`) lies neither within a folder of evidence nor around one, seen
    through symbolic links, so that no run can change what trials printed.

    >>> config = {"evidence": "data/raw", "processed": "data/raw/x", "results": "out"}
    >>> [fault.problem for fault in folder_faults(config, "config.yaml", {})]
    ['it lies within the evidence folder data/raw']
    """
    evidence = [config["evidence"]] if isinstance(config["evidence"], str) else config["evidence"]
    named = [*(("evidence", folder) for folder in evidence)]
    named += [(key, config[key]) for key in ("processed", "results")]
    strange = [(key, folder) for key, folder in named if STRANGE.search(folder) or folder != folder.strip()]
    for key, folder in strange:
        problem = "not a folder's name: braces, stars, control characters and outer spaces are not taken"
        yield Fault(name, lines.get((key,)), key, folder, problem, "rename the folder")
    if strange:
        return
    pairs = [("results", "processed", config["processed"])]
    pairs += [(key, "evidence", folder) for key in ("processed", "results") for folder in evidence]
    for key, kind, other in pairs:
        mine, theirs = Path(config[key]).resolve(), Path(other).resolve()
        if mine.is_relative_to(theirs) or theirs.is_relative_to(mine):
            where = "is" if mine == theirs else "lies within" if mine.is_relative_to(theirs) else "holds"
            problem = f"it {where} the {kind} folder {other}"
            yield Fault(name, lines.get((key,)), key, "", problem, "give it a folder of its own")


def catalogue_faults(catalogue: Any, name: str, lines: Lines, words: Vocabulary | None = None) -> list[Fault]:
    """Everything wrong with a catalogue of instruments: by its schema, and beside it what that cannot say.

    These are groups within groups, parts without their instrument or in a domain that it has not, bounds
    that do not ascend, an MCID as large as the range, and domains and units that are none of the `words`.

    >>> nrs = {"name": "Pain", "domains": ["pain"], "range": [10, 0], "better": "lowr", "unit": "points"}
    >>> catalogue = {"groups": {"inert": ["sham"]}, "instruments": {"NRS": nrs}}
    >>> print(*catalogue_faults(catalogue, "mine.yaml", {("instruments", "NRS", "better"): 9}), sep="\\n")
    mine.yaml, column instruments.NRS.range: '[10, 0]' is not two numbers in ascending order. To mend: write
    the lower one first, a higher one behind it.
    mine.yaml, row 9, column instruments.NRS.better: 'lowr' is not one of: lower, higher. To mend: did you
    mean 'lower'.
    """
    slips = list(schema_slips("instruments", catalogue))
    if words and isinstance(catalogue, Mapping):
        for code, entry in (
            _sound(catalogue, {slip.path for slip in slips}).get("instruments") or {}
        ).items():
            slips += _word_slips(code, entry, words)
    sound = _sound(catalogue, {slip.path for slip in slips}) if isinstance(catalogue, Mapping) else {}
    groups, instruments = sound.get("groups") or {}, sound.get("instruments") or {}
    slips += [slip for name, members in groups.items() for slip in _group_slips(name, members, groups)]
    for code, entry in instruments.items():
        slips += _part_slips(code, entry, instruments, catalogue["instruments"])
        slips += [*_bound_slips(code, entry), *_mcid_slips(code, entry, instruments)]
    return faults_of(slips, name, lines)


def _sound(value: Any, faulty: Container[tuple[str, ...]], path: tuple[str, ...] = ()) -> Any:
    """A value without the entries in which a slip was found, and without the items of such a list."""
    if isinstance(value, Mapping):
        inner = {(*path, str(key)): key for key in value}
        return {key: _sound(value[key], faulty, place) for place, key in inner.items() if place not in faulty}
    if isinstance(value, list):
        places = [(*path, str(index)) for index in range(len(value))]
        if any(place in faulty for place in places):
            return []
        return [_sound(item, faulty, place) for item, place in zip(value, places, strict=True)]
    return value


def _group_slips(group: str, members: Sequence[str], groups: Container[str]) -> Iterator[Slip]:
    for index, word in enumerate(members):
        if word in groups and word != group:  # a group may be called as the one category in it
            remedy = "write out its categories: a group never contains a group"
            yield Slip(("groups", group, str(index)), word, "the name of a group", remedy)


def _part_slips(code: str, entry: Entry, sound: Entry, known: Iterable[str]) -> Iterator[Slip]:
    whole, colon, _ = code.partition(":")
    if colon and whole not in known:
        near = nearest(whole, {other.partition(":")[0] for other in sound})
        remedy = f"add it, or write '{near}:…'" if near else "add it"
        yield Slip(("instruments", code), code, f"a part of {whole}, which is not in the catalogue", remedy)
    domains = sound.get(whole, {}).get("domains", []) if colon else []
    for index, domain in enumerate(entry.get("domains", [])):
        if domains and domain not in domains:
            path, remedy = ("instruments", code, "domains", str(index)), "add it there, or remove it here"
            yield Slip(path, domain, f"not a domain of {whole}", remedy)


def _word_slips(code: str, entry: Entry, words: Vocabulary) -> Iterator[Slip]:
    """Units that are not known, and domains that are slips of known ones: of others it may be silent."""
    known, unit = words.table_words(), entry.get("unit")
    means = known["domain of means"]
    for index, domain in enumerate(entry.get("domains", [])):
        slip = domain not in words.domains and nearest(domain, means, 0.7)
        if slip or words.domain(domain).is_events:
            path = ("instruments", code, "domains", str(index))
            yield Slip(path, domain, "not a domain of means", suggestion(domain, means))
    if unit is not None and unit not in known["unit"]:
        yield Slip(("instruments", code, "unit"), unit, "not a unit", suggestion(unit, known["unit"]))


def _bound_slips(code: str, entry: Entry) -> Iterator[Slip]:
    for key in ("range", "normal"):
        low, high = entry.get(key) or (0, 1)
        path, value = ("instruments", code, key), yaml_text([low, high])
        if low is None and high is None:
            yield Slip(path, value, "without any bound", "write null")
        elif None not in (low, high) and low >= high:
            remedy = "write the lower one first, a higher one behind it"
            yield Slip(path, value, "not two numbers in ascending order", remedy)


def _mcid_slips(code: str, entry: Entry, sound: Entry) -> Iterator[Slip]:
    """A smallest difference that matters is smaller than the range, if it is in the unit of the values."""
    whole = {**sound.get(code.partition(":")[0], {}), **entry}
    low, high = whole.get("range") or (None, None)
    if low is None or high is None or low >= high:
        return
    published: dict[tuple[str, ...], Entry] = {("mcid",): entry.get("mcid") or {}}
    published |= {("mcid_others", str(at)): mcid for at, mcid in enumerate(entry.get("mcid_others", []))}
    for place, mcid in published.items():
        if mcid.get("unit") == whole.get("unit") and mcid.get("value", 0) >= high - low:
            problem = f"as large as the whole range, {yaml_text([low, high])}"
            remedy = "check the value, its unit and the range"
            yield Slip(("instruments", code, *place, "value"), str(mcid["value"]), problem, remedy)


def meaning_faults(
    config: Mapping[str, Any], catalogue: Mapping[str, Any], words: Vocabulary, name: str, lines: Lines
) -> Iterator[Fault]:
    """What the schema cannot see: words that are not known, and measures that do not fit their domain."""
    treatments = words.table_words()["category"]
    sides = sorted({*words.groups, *treatments}) if treatments else []
    instruments = {code.split(":")[0] for code in catalogue["instruments"]}
    for slug, entry in config["analyses"].items():

        def fault(key: str, value: Any, problem: str, remedy: str, slug: str = slug) -> Fault:
            path = ("analyses", slug, key)
            return Fault(name, line_of(path, lines), ".".join(path), str(value), problem, remedy)

        for side in ("experimental", "control"):
            for word in entry[side]:
                if sides and word not in sides:
                    yield fault(
                        side, word, "neither an arm category nor a group of them", suggestion(word, sides)
                    )
        if entry["domain"] not in words.domains:
            yield fault("domain", entry["domain"], "not a domain", suggestion(entry["domain"], words.domains))
            continue
        domain = words.domain(entry["domain"])
        for code in entry.get("outcomes", []):
            if not domain.is_events and code.split(":")[0] not in instruments:
                yield fault(
                    "outcomes", code, "not in the instrument catalogue", suggestion(code, sorted(instruments))
                )
        yield from _measure_faults(entry, domain, fault)


def _measure_faults(entry: Mapping[str, Any], domain: Domain, fault: Any) -> Iterator[Fault]:
    measure = entry["measure"]
    if domain.is_events != (measure in OF_EVENTS):
        fitting = ", ".join(OF_EVENTS if domain.is_events else OF_MEANS)
        problem = f"not a measure for the domain {domain.code}"
        yield fault("measure", measure, problem, f"use one of: {fitting}")
    if scale := entry.get("scale"):
        low, high = map(float, scale.rsplit("-", 1))
        if measure != "MD":
            yield fault("scale", scale, f"meaningless for {measure}", "remove it, or use measure: MD")
        if low >= high:
            yield fault("scale", scale, "not in ascending order", "write the lowest first, such as 0-10")
    if entry.get("convert") and measure != "SMD":
        yield fault(
            "convert", entry["convert"], f"meaningless for {measure}", "remove it, or use measure: SMD"
        )
    if domain.is_events and entry["better"] != domain.better:
        problem = f"against the meaning of the domain {domain.code}"
        yield fault("better", entry["better"], problem, f"write {domain.better}")
