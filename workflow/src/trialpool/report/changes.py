"""What changed between two sets of results, in words: trials in and out, estimates and verdicts moved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from trialpool.report.difference import Results

CHANGE_COLUMNS = ("analysis", "change", "old", "new", "words")
Change = dict[str, Any]


def changes(old: Results, new: Results) -> list[Change]:
    """Rows of CHANGE_COLUMNS, one a change a reader would want to know of, by analysis.

    >>> record = b'{"status": "pooled", "pooled": {"estimate": 1}, "studies": [{"study_id": "Lu2020"}]}'
    >>> [row["words"] for row in changes({}, {"analyses/a/result.json": record})]
    ['a: new analysis']
    """
    before, after = _records(old), _records(new)
    found: list[Change] = []
    for slug in dict.fromkeys([*before, *after]):
        if slug not in before:
            found.append(_change(slug, "analysis", "", "added", "new analysis"))
        elif slug not in after:
            found.append(_change(slug, "analysis", "present", "", "analysis gone"))
        else:
            found.extend(_of_analysis(slug, before[slug], after[slug]))
    return [*found, *_of_claims(old, new)]


def _records(results: Results) -> dict[str, dict[str, Any]]:
    names = [name for name in results if name.startswith("analyses/") and name.endswith("/result.json")]
    return {name.split("/")[1]: json.loads(results[name]) for name in names}


def _change(slug: str, kind: str, old: Any, new: Any, words: str) -> Change:
    return {"analysis": slug, "change": kind, "old": old, "new": new, "words": f"{slug}: {words}"}


def _of_analysis(slug: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    trials = [{study["study_id"] for study in record["studies"]} for record in (old, new)]
    for name in sorted(trials[1] - trials[0]):
        yield _change(slug, "trial", "", name, f"{name} is in")
    for name in sorted(trials[0] - trials[1]):
        yield _change(slug, "trial", name, "", f"{name} is out")
    if old["status"] != new["status"]:
        words = f"status {old['status']} → {new['status']}"
        yield _change(slug, "status", old["status"], new["status"], words)
    yield from _of_numbers(slug, old.get("pooled") or {}, new.get("pooled") or {})
    for key in ("certainty", "robustness"):
        grades = [_grade(record.get(key)) for record in (old, new)]
        if grades[0] != grades[1]:
            yield _change(slug, key, *grades, f"{key} {grades[0] or 'none'} → {grades[1] or 'none'}")


def _of_numbers(slug: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    texts = [_interval(pooled) for pooled in (old, new)]
    if texts[0] != texts[1]:
        yield _change(slug, "estimate", *texts, f"estimate {texts[0] or 'none'} → {texts[1] or 'none'}")


def _interval(pooled: dict[str, Any]) -> str:
    if pooled.get("estimate") is None:
        return ""
    return f"{pooled['estimate']:.10g} ({pooled['ci_low']:.10g} to {pooled['ci_high']:.10g})"


def _grade(entry: Any) -> str:
    return (
        str(entry.get("grade") or entry.get("level") or "") if isinstance(entry, dict) else str(entry or "")
    )


def _of_claims(old: Results, new: Results) -> Iterator[Change]:
    verdicts = []
    for results in (old, new):
        claims = json.loads(results["claims.json"]) if "claims.json" in results else []
        entries = claims if isinstance(claims, list) else claims.get("claims", [])
        verdicts.append({entry["claim"]: entry["verdict"] for entry in entries if "claim" in entry})
    for claim in dict.fromkeys([*verdicts[0], *verdicts[1]]):
        pair = [verdict.get(claim, "") for verdict in verdicts]
        if pair[0] != pair[1]:
            yield _change(claim, "verdict", *pair, f"verdict {pair[0] or 'none'} → {pair[1] or 'none'}")
