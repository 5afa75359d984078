"""What published meta-analyses pooled, beside our analysis of the nearest question, and why they differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trialpool.errors import Fault, InputError
from trialpool.yaml_files import read_yaml

Row = Mapping[str, Any]
FIGURE_KEYS, POOL_KEYS = {"title", "condition", "outcome"}, {"condition", "comparison", "outcome", "analysis"}
PATTERNS = ("comparison", "outcome")
THEIRS = (
    *("review_id", "year", "condition", "comparison", "outcome", "n_studies", "n_participants", "model"),
    *("measure", "estimate", "ci_low", "ci_high", "source_url", "locator", "note"),
)
OURS = ("comparison", "status", "k", "n", "model", "measure", "estimate", "ci_low", "ci_high")
PUBLISHED_COLUMNS = (*THEIRS, "figure", "analysis", *(f"our_{name}" for name in OURS), "differences")
_YEAR = re.compile(r"(?:19|20)\d\d")


def load_published(path: str | Sequence[str] | None, analyses: Iterable[str]) -> dict[str, Any]:
    """The rules of config/published.yaml: `figures` (name to title and pattern) and `pools` (in order).

    Without a file (None, or Snakemake's empty input) there are no rules. Raises InputError for a key missing
    or unknown, a pattern that is no regular expression, and an analysis that the configuration does not have.

    >>> load_published(None, [])
    {'figures': {}, 'pools': []}
    """
    if not path:
        return {"figures": {}, "pools": []}
    path = str(path)
    content, _ = read_yaml(path)
    rules = {"figures": (content or {}).get("figures") or {}, "pools": (content or {}).get("pools") or []}
    known = set(analyses)
    faults = []
    for name, entry in rules["figures"].items():
        faults += _entry_faults(path, f"figures.{name}", entry, FIGURE_KEYS, set())
    for number, entry in enumerate(rules["pools"]):
        place = f"pools.{number}"
        faults += _entry_faults(path, place, entry, POOL_KEYS, {"differs"})
        if entry.get("analysis") not in known:
            problem, remedy = "is not an analysis of the configuration", "use the slug of one"
            faults.append(Fault(path, None, f"{place}.analysis", str(entry.get("analysis")), problem, remedy))
    if faults:
        raise InputError(faults)
    return rules


def _entry_faults(path: str, place: str, entry: Row, needed: set[str], allowed: set[str]) -> list[Fault]:
    faults = [
        Fault(path, None, f"{place}.{key}", "", "the key is missing", "add it, see the head of the file")
        for key in sorted(needed - set(entry))
    ]
    faults += [
        Fault(path, None, f"{place}.{key}", str(entry[key]), "the key is unknown", "remove it")
        for key in sorted(set(entry) - needed - allowed)
    ]
    for key in PATTERNS:
        try:
            re.compile(str(entry.get(key, "")))
        except re.error as error:
            problem = f"is not a regular expression: {error}"
            faults.append(Fault(path, None, f"{place}.{key}", str(entry[key]), problem, "correct it"))
    return faults


def published_rows(pools: Sequence[Row], rules: Row, records: Sequence[Row]) -> list[dict[str, Any]]:
    """Every published pool with its figure, our analysis of the nearest question, and their differences.

    Rows keep the order of the evidence table; `figure` and `analysis` are empty where no rule matches.
    """
    by_slug = {record["analysis"]: record for record in records}
    rows = []
    for pool in pools:
        rule = next((rule for rule in rules["pools"] if _matches(rule, pool)), None)
        figure = next((name for name, rule in rules["figures"].items() if _matches(rule, pool)), "")
        record = by_slug[rule["analysis"]] if rule else None
        found = _YEAR.search(str(pool["review_id"]))
        rows.append(
            {name: pool.get(name) for name in THEIRS}
            | {"year": int(found.group()) if found else None}
            | {"figure": figure, "analysis": rule["analysis"] if rule else ""}
            | (_ours(record) if record else {})
            | {"differences": "; ".join(differences(pool, record, (rule or {}).get("differs", "")))}
        )
    return rows


def _matches(rule: Row, pool: Row) -> bool:
    if rule["condition"] != pool["condition"]:
        return False
    return all(
        re.search(rule[key], str(pool[key] or ""), re.IGNORECASE) is not None
        for key in PATTERNS
        if key in rule
    )


def _ours(record: Row) -> dict[str, Any]:
    pooled = record.get("pooled") or {}
    sides = [record.get("n_experimental"), record.get("n_control")]
    method = record["methods"]["tau2_method"]
    told = {
        **{name: record.get(name) for name in ("comparison", "status", "k", "measure")},
        **{name: pooled.get(name) for name in ("estimate", "ci_low", "ci_high")},
        "n": None if None in sides else sum(sides),
        "model": "" if record["status"] != "pooled" else "fixed" if method == "FE" else "random",
    }
    return {f"our_{name}": told[name] for name in OURS}


def differences(pool: Row, record: Row | None, differs: str = "") -> list[str]:
    """The reasons for different numbers that the tables can tell, in words.

    >>> pool = {"n_studies": 23, "measure": "SMD", "model": "random", "ci_low": -2.0, "ci_high": -1.0}
    >>> differences(pool, {"status": "single_study", "k": 1, "measure": "MD"})
    ['23 trials there, 1 here', 'SMD there, MD here']
    """
    if record is None:
        return ["no analysis here asks this question"]
    found = [differs] if differs else []
    if record["status"] == "no_data":
        return [*found, "no trial with usable numbers here"]
    theirs, ours = pool.get("n_studies"), record["k"]
    if theirs is None:
        found.append(f"number of trials not read there, {ours} here")
    elif theirs != ours:
        found.append(f"{theirs:g} trials there, {ours} here")
    if pool["measure"] != record["measure"]:
        return [*found, f"{pool['measure']} there, {record['measure']} here"]
    random = record["status"] == "pooled" and record["methods"]["tau2_method"] != "FE"
    if pool.get("model") == "fixed" and random:
        found.append("fixed effect there, random effects here")
    bounds = [pool.get("ci_low"), pool.get("ci_high")]
    bounds += [(record.get("pooled") or {}).get(name) for name in ("ci_low", "ci_high")]
    if None in bounds:
        return [*found, "an interval is missing"]
    apart = bounds[1] < bounds[2] or bounds[3] < bounds[0]
    return [*found, "intervals do not overlap" if apart else "intervals overlap"]
