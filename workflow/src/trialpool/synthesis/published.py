"""Published pooled results and our records in, one beside the other out, with the reasons why they differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from trialpool.contracts import PUBLISHED_POOLS
from trialpool.errors import suggestion
from trialpool.records import PublishedPool, Record, Status, columns_of
from trialpool.synthesis.pool import BOUNDS
from trialpool.text import people
from trialpool.yaml_files import Slip, read_checked

Row = Mapping[str, Any]
PATTERNS = ("comparison", "outcome")
THEIRS = [name for name in PUBLISHED_POOLS.names if name in columns_of(PublishedPool)]
_YEAR = re.compile(r"(?:19|20)\d\d")


def load_published(path: str | Sequence[str] | None, analyses: Iterable[str]) -> Row:
    """The rules of config/published.yaml: `figures` (name to title and pattern) and `pools` (in order).

    Without a file (None, or Snakemake's empty input) there are no rules. Raises InputError for a key missing
    or unknown, a pattern that is no regular expression, and an analysis that the configuration does not have.
    """
    if not path:
        return {"figures": {}, "pools": []}
    known = list(analyses)
    content = read_checked(str(path), "published", lambda rules: _published_slips(rules, known))
    return {"figures": content.get("figures") or {}, "pools": content.get("pools") or []}


def _published_slips(rules: Row, analyses: Sequence[str]) -> Iterator[Slip]:
    """What the schema cannot say: patterns that are no regular expressions, analyses that are not asked."""
    entries = [(("figures", name), entry) for name, entry in (rules.get("figures") or {}).items()]
    entries += [(("pools", str(at)), entry) for at, entry in enumerate(rules.get("pools") or [])]
    for path, entry in entries:
        for key in PATTERNS:
            try:
                re.compile(entry.get(key, ""))
            except re.error as error:
                yield Slip((*path, key), entry[key], f"not a regular expression: {error}", "correct it")
        slug = entry.get("analysis")
        if slug is not None and slug not in analyses:
            problem = "not an analysis of the configuration"
            yield Slip((*path, "analysis"), slug, problem, suggestion(slug, analyses))


def published_rows(pools: Sequence[Row], rules: Row, records: Sequence[Record]) -> list[PublishedPool]:
    """Every published pool with its figure, our analysis of the nearest question, and their differences.

    Rows keep the order of the evidence table; `figure` and `analysis` are empty where no rule matches.
    """
    by_slug = {record.analysis: record for record in records}
    rows = []
    for pool in pools:
        rule: Row = next((each for each in rules["pools"] if _matches(each, pool)), {})
        record = by_slug[rule["analysis"]] if rule else None
        theirs: Row = {name: pool.get(name) for name in THEIRS}
        year = _YEAR.search(str(pool["review_id"]))
        rows.append(
            PublishedPool(
                **theirs,
                year=int(year.group()) if year else None,
                figure=next((name for name, each in rules["figures"].items() if _matches(each, pool)), ""),
                analysis=rule.get("analysis", ""),
                **(_ours(record) if record else {}),
                differences="; ".join(differences(pool, record, rule.get("differs", ""))),
            )
        )
    return rows


def most_trials(pools: Iterable[PublishedPool]) -> dict[str, float]:
    """The most trials that a published pool compared with an analysis has, by analysis."""
    most: dict[str, float] = {}
    for pool in pools:
        if pool.analysis and pool.n_studies:
            most[pool.analysis] = max(pool.n_studies, most.get(pool.analysis, 0.0))
    return most


def _matches(rule: Row, pool: Row) -> bool:
    if rule["condition"] != pool["condition"]:
        return False
    patterns = [(rule[key], str(pool[key] or "")) for key in PATTERNS if key in rule]
    return all(re.search(pattern, text, re.IGNORECASE) is not None for pattern, text in patterns)


def _ours(record: Record) -> Row:
    fixed = record.methods.tau2_method == "FE"
    return {
        **{f"our_{name}": getattr(record, name) for name in ("comparison", "status", "k", "measure")},
        **{f"our_{name}": getattr(record.pooled, name, None) for name in BOUNDS},
        "our_n": people(record.n_experimental, record.n_control),
        "our_model": "" if record.status is not Status.POOLED else "fixed" if fixed else "random",
    }


def differences(pool: Row, record: Record | None, differs: str = "") -> list[str]:
    """The reasons for different numbers that the tables can tell, in words.

    >>> from trialpool.records import sketch
    >>> pool = {"n_studies": 23, "measure": "SMD", "model": "random", "ci_low": -2.0, "ci_high": -1.0}
    >>> differences(pool, sketch(Record, status=Status.SINGLE_STUDY, k=1, measure="MD"))
    ['23 trials there, 1 here', 'SMD there, MD here']
    """
    if record is None:
        return ["no analysis here asks this question"]
    reasons = [differs] if differs else []
    if record.status is Status.NO_DATA:
        return [*reasons, "no trial with usable numbers here"]
    theirs = pool.get("n_studies")
    if theirs is None:
        reasons.append(f"number of trials not read there, {record.k} here")
    elif theirs != record.k:
        reasons.append(f"{theirs:g} trials there, {record.k} here")
    if pool["measure"] != record.measure:
        return [*reasons, f"{pool['measure']} there, {record.measure} here"]
    random = record.status is Status.POOLED and record.methods.tau2_method != "FE"
    if pool.get("model") == "fixed" and random:
        reasons.append("fixed effect there, random effects here")
    bounds: list[Any] = [pool.get("ci_low"), pool.get("ci_high")]
    bounds += [getattr(record.pooled, name, None) for name in ("ci_low", "ci_high")]
    if None in bounds:
        return [*reasons, "an interval is missing"]
    apart = bounds[1] < bounds[2] or bounds[3] < bounds[0]
    return [*reasons, "intervals do not overlap" if apart else "intervals overlap"]
