"""What can be wrong with a configuration: its shape (by the schema) and its meaning (by the catalogue)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trialpool.errors import Fault, suggestion
from trialpool.yaml_files import Lines, line_of

EVENT_DOMAINS = ("responder", "incidence", "adverse_event", "serious_adverse_event", "withdrawal")
EVENT_MEASURES = ("RR", "OR", "RD")
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
    if (domain in EVENT_DOMAINS) != (measure in EVENT_MEASURES):
        fitting = "RR, OR, RD" if domain in EVENT_DOMAINS else "MD, SMD, ROM"
        yield fault("measure", measure, f"not a measure for the domain {domain}", f"use one of: {fitting}")
    if entry.get("scale") and measure != "MD":
        yield fault("scale", entry["scale"], f"meaningless for {measure}", "remove it, or use measure: MD")
    if entry.get("convert") and measure != "SMD":
        yield fault(
            "convert", entry["convert"], f"meaningless for {measure}", "remove it, or use measure: SMD"
        )
    expected = "higher" if domain in MORE_EVENTS_ARE_BETTER else "lower"
    if domain in EVENT_DOMAINS and entry["better"] != expected:
        yield fault(
            "better", entry["better"], f"against the meaning of the domain {domain}", f"write {expected}"
        )
