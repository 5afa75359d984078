"""What changed between two sets of results, in words: trials in and out, estimates and verdicts moved."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trialpool import text as words
from trialpool.report.difference import Results

CHANGE_COLUMNS = ("analysis", "change", "old", "new", "words")
STATUS = {"no_data": "no poolable trial", "single_study": "one trial", "pooled": "pooled"}
# kind of change: what one and several of them are called in the summary
KINDS = {
    "analysis": ("analysis new, gone or renamed", "analyses new, gone or renamed"),
    "trial": ("trial in or out", "trials in or out"),
    "effect": ("trial with another effect", "trials with another effect"),
    "status": ("analysis with another status", "analyses with another status"),
    "estimate": ("estimate moved", "estimates moved"),
    "certainty": ("certainty changed", "certainties changed"),
    "robustness": ("robustness changed", "robustness grades changed"),
    "verdict": ("verdict changed", "verdicts changed"),
}
Change = dict[str, Any]
Record = Mapping[str, Any]


def changes(old: Results, new: Results) -> list[Change]:
    """Rows of CHANGE_COLUMNS, one a change a reader would want to know of, by analysis.

    An estimate has moved if any of its ten stored digits has; `old` and `new` hold the stored numbers,
    `words` the rounded ones.

    >>> record = b'{"status": "no_data", "pooled": {}, "studies": []}'
    >>> [row["words"] for row in changes({}, {"analyses/a/result.json": record})]
    ['a: new analysis, no poolable trial']
    """
    before, after = _records(old), _records(new)
    found: list[Change] = []
    for slug in dict.fromkeys([*before, *after]):
        if slug not in before:
            words_of = _told(after[slug])
            found.append(_change(slug, "analysis", "", _numbers(after[slug]), f"new analysis, {words_of}"))
        elif slug not in after:
            words_of = _told(before[slug])
            found.append(_change(slug, "analysis", _numbers(before[slug]), "", f"analysis gone: {words_of}"))
        else:
            found.extend(_of_analysis(slug, before[slug], after[slug]))
    return [*found, *_of_claims(old, new)]


def summary(rows: Sequence[Change]) -> str:
    """How many changes there are of each kind, "" where there is none.

    >>> summary([{"change": "estimate"}, {"change": "trial"}, {"change": "estimate"}])
    '1 trial in or out, 2 estimates moved.'
    """
    counts = {kind: sum(row["change"] == kind for row in rows) for kind in KINDS}
    parts = [f"{count} {KINDS[kind][count > 1]}" for kind, count in counts.items() if count]
    return f"{', '.join(parts)}." if parts else ""


def _records(results: Results) -> dict[str, dict[str, Any]]:
    """The record of every analysis, with what the appraisal says of it."""
    names = [name for name in results if name.startswith("analyses/") and name.endswith("/result.json")]
    records = {name.split("/")[1]: json.loads(results[name]) for name in names}
    appraised = _appraisal(results).get("analyses", {})
    return {slug: {**record, **appraised.get(slug, {})} for slug, record in records.items()}


def _appraisal(results: Results) -> dict[str, Any]:
    return dict(json.loads(results["appraisal.json"])) if "appraisal.json" in results else {}


def _change(slug: str, kind: str, old: Any, new: Any, told: str) -> Change:
    return {"analysis": slug, "change": kind, "old": old, "new": new, "words": f"{slug}: {told}"}


def _of_analysis(slug: str, old: Record, new: Record) -> Iterator[Change]:
    yield from _of_trials(slug, old, new)
    if old["status"] != new["status"]:
        told = " → ".join(STATUS.get(status, status) for status in (old["status"], new["status"]))
        yield _change(slug, "status", old["status"], new["status"], told)
    if _numbers(old) != _numbers(new):
        yield _change(slug, "estimate", _numbers(old), _numbers(new), _moved(old, new))
    for key in ("certainty", "robustness"):
        grades = [_grade(record.get(key)) for record in (old, new)]
        if grades[0] != grades[1]:
            yield _change(
                slug, key, *grades, f"{key} {' → '.join(grade or 'not judged' for grade in grades)}"
            )


def _of_trials(slug: str, old: Record, new: Record) -> Iterator[Change]:
    """Trials in and out, and those whose effect has changed."""
    before, after = _effects(old), _effects(new)
    for name in sorted(after.keys() - before.keys()):
        yield _change(slug, "trial", "", name, f"{name} is in")
    for name in sorted(before.keys() - after.keys()):
        yield _change(slug, "trial", name, "", f"{name} is out")
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            pair = [" and ".join(side[name]) for side in (before, after)]
            yield _change(slug, "effect", *pair, f"{name} has another effect: {pair[0]} → {pair[1]}")


def _effects(record: Record) -> dict[str, list[str]]:
    """Effect and variance of every trial on the analysis scale, as stored; a trial may have several."""
    found: dict[str, list[str]] = {}
    for row in record["studies"]:
        effect, variance = (words.plain_number(row.get(key)) for key in ("effect", "variance"))
        found.setdefault(row["study_id"], []).append(f"{effect} (variance {variance})")
    return found


def _numbers(record: Record) -> str:
    """The stored estimate and interval, "" where there is none."""
    pooled = record.get("pooled") or {}
    if pooled.get("estimate") is None:
        return ""
    values = [words.plain_number(pooled.get(key)) for key in ("estimate", "ci_low", "ci_high")]
    return f"{values[0]} ({values[1]} to {values[2]})"


def _rounded(record: Record) -> str:
    pooled = record.get("pooled") or {}
    values = [pooled.get(key) for key in ("estimate", "ci_low", "ci_high")]
    if values[0] is None:
        return "none"
    level = (record.get("methods") or {}).get("level", 0.95)
    return words.effect(record.get("measure", "estimate"), *values, level)


def _told(record: Record) -> str:
    told = STATUS.get(record["status"], record["status"])
    return told if not _numbers(record) else f"{told}: {_rounded(record)}"


def _moved(old: Record, new: Record) -> str:
    """The estimate before and after, with all digits where rounding hides the move, and what it means."""
    pair = [_rounded(record) for record in (old, new)]
    if pair[0] == pair[1]:
        pair = [f"{record.get('measure', '')} {_numbers(record)}".strip() for record in (old, new)]
    sides = [_excludes_nothing(record) for record in (old, new)]
    turned = ""
    if None not in sides and sides[0] != sides[1]:
        turned = f"; the interval {'now excludes' if sides[1] else 'no longer excludes'} no difference"
    return f"estimate {pair[0]} → {pair[1]}{turned}"


def _excludes_nothing(record: Record) -> bool | None:
    """Whether the interval excludes no difference; None where there is no interval."""
    pooled = record.get("pooled") or {}
    low, high = pooled.get("ci_low"), pooled.get("ci_high")
    if low is None or high is None:
        return None
    null = 1 if record.get("measure") in words.RATIO_MEASURES else 0
    return bool(not low <= null <= high)


def _grade(entry: Any) -> str:
    if isinstance(entry, dict):
        return str(entry.get("grade") or entry.get("level") or "")
    return str(entry or "")


def _of_claims(old: Results, new: Results) -> Iterator[Change]:
    verdicts = [
        {entry["claim"]: entry["verdict"] for entry in _appraisal(results).get("claims", [])}
        for results in (old, new)
    ]
    for claim in dict.fromkeys([*verdicts[0], *verdicts[1]]):
        pair = [verdict.get(claim, "") for verdict in verdicts]
        if pair[0] != pair[1]:
            told = f"verdict {pair[0] or 'none'} → {pair[1] or 'none'}"
            yield _change(claim, "verdict", *pair, f"claim {told}")
