"""The claims ledger: what each claim rests on, the verdict by written rules, and what would change it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from trialpool.synthesis.subset import restricted
from trialpool.synthesis.verdicts import finding

Row = Mapping[str, Any]
Assess = Callable[[Row], Row | None]
STRENGTH = ("supported", "suggested", "unclear", "not supported", "contradicted")


def judge_claims(
    claims: Mapping[str, Row], records: Iterable[Row], assess: Assess, rules: Row
) -> list[dict[str, Any]]:
    """Every claim with its parts, findings, verdict and what would change it, in the order given.

    `claims` is the section `claims` of config/claims.yaml: slug to `statement` and either `kind` and
    `analyses` (with `where`, bounds on the dose), or `parts` of that form. `assess` gives the certainty of
    a record; `rules` the sections `verdicts` and `certainty`.
    """
    by_analysis = {record["analysis"]: record for record in records}
    return [_judged(slug, claim, by_analysis, assess, rules) for slug, claim in claims.items()]


def _judged(
    slug: str, claim: Row, by_analysis: Mapping[str, Row], assess: Assess, rules: Row
) -> dict[str, Any]:
    given = claim.get("parts") or [claim]
    parts = [_judged_part(part, by_analysis, assess, rules) for part in given]
    verdict, reason = combine_parts([part["verdict"] for part in parts])
    return {
        "claim": slug,
        "name": claim.get("name") or "",
        "statement": claim["statement"],
        "verdict": verdict,
        "reason": parts[0]["reason"] if len(parts) == 1 else reason,
        "parts": parts,
        "change": list(dict.fromkeys(need for part in parts for need in part["change"])),
        "also": list(claim.get("also") or []),
    }


def _judged_part(part: Row, by_analysis: Mapping[str, Row], assess: Assess, rules: Row) -> dict[str, Any]:
    where = part.get("where") or {}
    findings = []
    for analysis in part["analyses"]:
        record = by_analysis[analysis]
        used = restricted(record, where) if where else record
        found = finding(used, assess(used), part["kind"], rules)
        findings.append(found | ({"restricted": _numbers(used)} if where else {}))
    verdict, reason = combine_findings([entry["verdict"] for entry in findings])
    return {
        "statement": part["statement"],
        "kind": part["kind"],
        "where": dict(where),
        "verdict": verdict,
        "reason": reason,
        "findings": findings,
        "change": _what_would_change(verdict, findings),
    }


def _numbers(record: Row) -> dict[str, Any]:
    """The numbers of a restricted result, which stand in no other file."""
    kept = ("status", "k", "n_experimental", "n_control", "pooled")
    return {key: record[key] for key in kept} | {"trials": [study["study_id"] for study in record["studies"]]}


def combine_findings(verdicts: Sequence[str]) -> tuple[str, str]:
    """One verdict from results that each answer the claim: the weakest of those that have data.

    Results that contradict each other make it unclear.

    >>> combine_findings(["suggested", "no evidence", "unclear"])
    ('unclear', 'the weakest of the results decides')
    >>> combine_findings(["supported", "contradicted"])
    ('unclear', 'the results contradict each other')
    """
    known = [verdict for verdict in verdicts if verdict != "no evidence"]
    if not known:
        return "no evidence", "no trial with usable numbers"
    if "contradicted" in known and {"supported", "suggested"} & set(known):
        return "unclear", "the results contradict each other"
    weakest = max(known, key=STRENGTH.index)
    return weakest, "the weakest of the results decides" if len(set(known)) > 1 else ""


def combine_parts(verdicts: Sequence[str]) -> tuple[str, str]:
    """One verdict from parts that must all hold: a part without evidence leaves the whole unclear.

    >>> combine_parts(["supported", "no evidence"])
    ('unclear', 'a part of the claim has no evidence')
    >>> combine_parts(["suggested", "supported"])
    ('suggested', 'all parts must hold; the weakest decides')
    """
    if len(verdicts) == 1:
        return verdicts[0], ""
    if set(verdicts) == {"no evidence"}:
        return "no evidence", "no part of the claim has evidence"
    known = [verdict for verdict in verdicts if verdict != "no evidence"]
    weakest = max(known, key=STRENGTH.index)
    if len(known) < len(verdicts) and STRENGTH.index(weakest) < STRENGTH.index("unclear"):
        return "unclear", "a part of the claim has no evidence"
    return weakest, "all parts must hold; the weakest decides" if len(set(verdicts)) > 1 else ""


def _what_would_change(verdict: str, findings: Sequence[Row]) -> list[str]:
    """What would have to be found for another verdict, from the conditions that are not met."""
    if verdict == "no evidence":
        return ["a first trial that reports this outcome with a spread or with counts"]
    if verdict == "supported":
        return ["a large trial at low risk of bias that finds nothing"]
    if verdict == "contradicted":
        return ["a large trial at low risk of bias that finds the claimed effect"]
    unmet = [entry["need"] for item in findings for entry in item["conditions"] if not entry["met"]]
    return list(dict.fromkeys(unmet))
