"""What a schema cannot say of a configuration and of a catalogue of instruments, as faults."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trialpool.contracts import EVENT_DOMAINS
from trialpool.errors import Fault, nearest, suggestion
from trialpool.measures import OF_EVENTS, OF_MEANS
from trialpool.yaml_files import Lines, Slip, faults_of, line_of, schema_slips, yaml_text

Entry = Mapping[str, Any]
STRANGE = re.compile(r"[{}*?\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
MORE_EVENTS_ARE_BETTER = ("responder",)


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


def catalogue_faults(catalogue: Any, name: str, lines: Lines) -> list[Fault]:
    """Everything wrong with a catalogue of instruments: by its schema, and beside it what that cannot say.

    These are groups within groups, parts without their instrument or in a domain that it has not, bounds
    that do not ascend, and an MCID as large as the range.

    >>> nrs = {"name": "Pain", "domains": ["pain"], "range": [10, 0], "better": "lowr", "unit": "points"}
    >>> catalogue = {"groups": {"inert": ["sham"]}, "instruments": {"NRS": nrs}}
    >>> print(*catalogue_faults(catalogue, "mine.yaml", {("instruments", "NRS", "better"): 9}), sep="\\n")
    mine.yaml, column instruments.NRS.range: '[10, 0]' is not two numbers in ascending order. To mend: write
    the lower one first, a higher one behind it.
    mine.yaml, row 9, column instruments.NRS.better: 'lowr' is not one of: lower, higher. To mend: did you
    mean 'lower'.
    """
    slips = list(schema_slips("instruments", catalogue))
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
    config: Mapping[str, Any], catalogue: Mapping[str, Any], name: str, lines: Lines
) -> Iterator[Fault]:
    """What the schema cannot see: words the catalogue lacks, and measures that do not fit their domain."""
    groups = catalogue["groups"]
    categories = {category for members in groups.values() for category in members}
    words = sorted({*groups, *categories})
    instruments = {code.split(":")[0] for code in catalogue["instruments"]}
    for slug, entry in config["analyses"].items():

        def fault(key: str, value: Any, problem: str, remedy: str, slug: str = slug) -> Fault:
            path = ("analyses", slug, key)
            return Fault(name, line_of(path, lines), ".".join(path), str(value), problem, remedy)

        for side in ("experimental", "control"):
            for word in entry[side]:
                if word not in groups and word not in categories:
                    yield fault(
                        side, word, "neither an arm category nor a group of them", suggestion(word, words)
                    )
        for code in entry.get("outcomes", []):
            if entry["domain"] not in EVENT_DOMAINS and code.split(":")[0] not in instruments:
                yield fault(
                    "outcomes", code, "not in the instrument catalogue", suggestion(code, sorted(instruments))
                )
        yield from _measure_faults(entry, fault)


def _measure_faults(entry: Mapping[str, Any], fault: Any) -> Iterator[Fault]:
    measure, domain = entry["measure"], entry["domain"]
    if (domain in EVENT_DOMAINS) != (measure in OF_EVENTS):
        fitting = ", ".join(OF_EVENTS if domain in EVENT_DOMAINS else OF_MEANS)
        yield fault("measure", measure, f"not a measure for the domain {domain}", f"use one of: {fitting}")
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
    expected = "higher" if domain in MORE_EVENTS_ARE_BETTER else "lower"
    if domain in EVENT_DOMAINS and entry["better"] != expected:
        yield fault(
            "better", entry["better"], f"against the meaning of the domain {domain}", f"write {expected}"
        )
