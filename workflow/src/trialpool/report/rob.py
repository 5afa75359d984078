"""Risk of bias as reviews have judged it: tools and domains as the data name them, gaps shown as gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialpool import text as words
from trialpool.evidence.risk_of_bias import ORDER as WORST

Row = Mapping[str, Any]
SYMBOLS = {"low": "+", "some_concerns": "−", "unclear": "?", "high": "×"}
ORDER = ("low", "some_concerns", "unclear", "high")
LIGHTS = [(name.replace("_", "-"), SYMBOLS[name], words.spaced(name)) for name in ORDER]  # class, sign, words


def tool_tables(judgements: Sequence[Row], named: Mapping[str, str], trials: int) -> list[dict[str, Any]]:
    """One table a tool: trials by domains, and for each domain the count of each judgement of all `trials`.

    A domain judged several times (by several reviews) shows every judgement.

    >>> rows = [{"study_id": "A", "tool": "RoB2", "domain": "d1", "judgement": "low", "assessed_by": "x"}]
    >>> table = tool_tables(rows, {"A": "A 2000"}, 4)[0]
    >>> table["summary"][0]["bars"][-1]["count"]
    3
    """
    tools = dict.fromkeys(row["tool"] for row in judgements)
    return [_tool_table(tool, [r for r in judgements if r["tool"] == tool], named, trials) for tool in tools]


def _tool_table(tool: str, rows: Sequence[Row], named: Mapping[str, str], trials: int) -> dict[str, Any]:
    domains = list(dict.fromkeys(row["domain"] for row in rows))
    studies = sorted({row["study_id"] for row in rows}, key=lambda study: (named.get(study, study), study))
    cells: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        cells.setdefault((row["study_id"], row["domain"]), []).append(row)
    return {
        "tool": tool,
        "domains": [words.spaced(domain) for domain in domains],
        "rows": [
            {
                "study_id": study,
                "label": named.get(study, study),
                "cells": [
                    [light(row["judgement"]) for row in cells.get((study, domain), [])] for domain in domains
                ],
                "assessors": list(dict.fromkeys(r["assessed_by"] for r in rows if r["study_id"] == study)),
            }
            for study in studies
        ],
        "summary": [_summary(domain, studies, cells, trials) for domain in domains],
    }


def light(judgement: str) -> dict[str, str]:
    """A judgement as the page shows it: class, symbol and words.

    >>> light("some_concerns")
    {'judgement': 'some-concerns', 'symbol': '−', 'text': 'some concerns'}
    """
    return {
        "judgement": judgement.replace("_", "-"),
        "symbol": SYMBOLS.get(judgement, "?"),
        "text": words.spaced(judgement),
    }


def _summary(
    domain: str, studies: Sequence[str], cells: Mapping[tuple[str, str], list[Row]], trials: int
) -> dict[str, Any]:
    """How many trials have each judgement in one domain (the worst of several), and how many have none."""
    counts = dict.fromkeys(ORDER, 0)
    for study in studies:
        found = cells.get((study, domain))
        if found:
            counts[max((row["judgement"] for row in found), key=lambda name: WORST.get(name, 1))] += 1
    judged = sum(counts.values())
    shares = [*counts.items(), ("not_judged", max(trials - judged, 0))]
    return {
        "domain": words.spaced(domain),
        "bars": [
            {"judgement": name.replace("_", "-"), "text": words.spaced(name), "count": count}
            | {"share": round(100 * count / trials, 2) if trials else 0.0}
            for name, count in shares
        ],
    }


def assessor_url(assessor: Any) -> str:
    """The address of the review that judged: a DOI becomes a link, a plain address stays one, else "".

    >>> assessor_url("10.1002/14651858.CD007938.pub3")
    'https://doi.org/10.1002/14651858.CD007938.pub3'
    """
    text = str(assessor or "")
    return words.url(f"https://doi.org/{text}" if text.startswith("10.") else text)
