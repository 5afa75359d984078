"""Two sets of results in, what changed out, in words: trials in and out, estimates and verdicts moved.

Either may be of another version of Trialpool, so a record is read as it lies there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trialpool import text
from trialpool.measures import RATIOS
from trialpool.provenance.difference import Results

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
    rows: list[Change] = []
    for slug in dict.fromkeys([*before, *after]):
        if slug not in before:
            words = f"new analysis, {_result(after[slug])}"
            rows.append(_change(slug, "analysis", "", _numbers(after[slug]), words))
        elif slug not in after:
            words = f"analysis gone: {_result(before[slug])}"
            rows.append(_change(slug, "analysis", _numbers(before[slug]), "", words))
        else:
            rows.extend(_of_analysis(slug, before[slug], after[slug]))
    return [*rows, *_of_claims(old, new)]


def summary(rows: Sequence[Change]) -> str:
    """How many changes there are of each kind, "" where there is none.

    >>> summary([{"change": "estimate"}, {"change": "trial"}, {"change": "estimate"}])
    '1 trial in or out, 2 estimates moved.'
    """
    counts = {kind: sum(row["change"] == kind for row in rows) for kind in KINDS}
    parts = [f"{count} {KINDS[kind][count > 1]}" for kind, count in counts.items() if count]
    return f"{', '.join(parts)}." if parts else ""


def _records(results: Results) -> dict[str, Record]:
    """The record of every analysis, with what the appraisal says of it."""
    names = [name for name in results if name.startswith("analyses/") and name.endswith("/result.json")]
    records = {name.split("/")[1]: json.loads(results[name]) for name in names}
    appraised = _appraisal(results).get("analyses", {})
    return {slug: {**record, **appraised.get(slug, {})} for slug, record in records.items()}


def _appraisal(results: Results) -> dict[str, Any]:
    return dict(json.loads(results.get("appraisal.json", b"{}")))


def _change(slug: str, kind: str, old: Any, new: Any, words: str) -> Change:
    return {"analysis": slug, "change": kind, "old": old, "new": new, "words": f"{slug}: {words}"}


def _of_analysis(slug: str, old: Record, new: Record) -> Iterator[Change]:
    yield from _of_trials(slug, old, new)
    if old["status"] != new["status"]:
        words = " → ".join(STATUS.get(record["status"]) or record["status"] for record in (old, new))
        yield _change(slug, "status", old["status"], new["status"], words)
    if _numbers(old) != _numbers(new):
        yield _change(slug, "estimate", _numbers(old), _numbers(new), _moved(old, new))
    for key in ("certainty", "robustness"):
        before, after = (_grade(record.get(key)) for record in (old, new))
        if before != after:
            words = f"{key} {before or 'not judged'} → {after or 'not judged'}"
            yield _change(slug, key, before, after, words)


def _of_trials(slug: str, old: Record, new: Record) -> Iterator[Change]:
    """Trials in and out, and those whose effect has changed."""
    before, after = _effects(old), _effects(new)
    for name in sorted(after.keys() - before.keys()):
        yield _change(slug, "trial", "", name, f"{name} is in")
    for name in sorted(before.keys() - after.keys()):
        yield _change(slug, "trial", name, "", f"{name} is out")
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            was, is_now = (" and ".join(side[name]) for side in (before, after))
            yield _change(slug, "effect", was, is_now, f"{name} has another effect: {was} → {is_now}")


def _effects(record: Record) -> dict[str, list[str]]:
    """Effect and variance of every trial on the analysis scale, as stored; a trial may have several."""
    effects: dict[str, list[str]] = {}
    for row in record["studies"]:
        effect, variance = (text.plain_number(row.get(key)) for key in ("effect", "variance"))
        effects.setdefault(row["study_id"], []).append(f"{effect} (variance {variance})")
    return effects


def _estimate(record: Record) -> list[Any]:
    """The stored estimate and interval, on the natural scale."""
    pooled = record.get("pooled") or {}
    return [pooled.get(key) for key in ("estimate", "ci_low", "ci_high")]


def _numbers(record: Record) -> str:
    """The same with all digits, "" where there is none."""
    estimate, low, high = map(text.plain_number, _estimate(record))
    return "" if _estimate(record)[0] is None else f"{estimate} ({low} to {high})"


def _rounded(record: Record) -> str:
    if _estimate(record)[0] is None:
        return "none"
    level = (record.get("methods") or {}).get("level", 0.95)
    estimate, low, high = _estimate(record)
    return text.effect(record.get("measure", "estimate"), estimate, low, high, level)


def _result(record: Record) -> str:
    status = STATUS.get(record["status"]) or str(record["status"])
    return f"{status}: {_rounded(record)}" if _numbers(record) else status


def _moved(old: Record, new: Record) -> str:
    """The estimate before and after, with all digits where rounding hides the move, and what it means."""
    before, after = _rounded(old), _rounded(new)
    if before == after:
        before, after = (f"{record.get('measure', '')} {_numbers(record)}".strip() for record in (old, new))
    was, is_now = _excludes_null(old), _excludes_null(new)
    turned = ""
    if None not in (was, is_now) and was != is_now:
        turned = f"; the interval {'now excludes' if is_now else 'no longer excludes'} no difference"
    return f"estimate {before} → {after}{turned}"


def _excludes_null(record: Record) -> bool | None:
    """Whether the interval excludes no difference; None where there is no interval."""
    _, low, high = _estimate(record)
    if low is None or high is None:
        return None
    return bool(not low <= (record.get("measure") in RATIOS) <= high)


def _grade(entry: Any) -> str:
    if isinstance(entry, dict):
        entry = entry.get("grade") or entry.get("level")
    return str(entry or "")


def _of_claims(old: Results, new: Results) -> Iterator[Change]:
    before, after = (
        {entry["claim"]: entry["verdict"] for entry in _appraisal(results).get("claims", [])}
        for results in (old, new)
    )
    for claim in dict.fromkeys([*before, *after]):
        if before.get(claim) != after.get(claim):
            was, is_now = before.get(claim, ""), after.get(claim, "")
            words = f"claim verdict {was or 'none'} → {is_now or 'none'}"
            yield _change(claim, "verdict", was, is_now, words)
