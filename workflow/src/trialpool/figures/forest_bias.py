"""Risk of bias beside the rows of a forest plot: the judgements of a trial as cells of narrow columns.

One light a trial (its worst domain), or, where the house style asks for it and all judged trials were judged
with one tool, a light a domain under letters that a footnote spells out. A trial that no review has judged
has an empty ring; where no trial of a plot was judged there is no column, and a footnote says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialpool import text as words
from trialpool.figures.lights import NOT_JUDGED
from trialpool.text import clean

Study = Mapping[str, Any]
KEY = "bias"
LIGHT = 4.5  # radius in points
MOST_DOMAINS = 10  # that fit beside the plot
LETTERS = "ABCDEFGHIJ"
MARKS = "+ low, − some concerns, ? unclear, × high, empty ring not judged"
WORST = {"low": 0, "unclear": 1, "some_concerns": 1, "high": 2}


def domains_judged(line: Any) -> dict[tuple[str, str], str]:
    """The judgement of each (tool, domain) from the line in which an effect carries them.

    >>> domains_judged("RoB1: blinding low; RoB1: allocation_concealment some_concerns")
    {('RoB1', 'blinding'): 'low', ('RoB1', 'allocation_concealment'): 'some_concerns'}
    """
    found = {}
    for part in str(line or "").split("; "):
        name, _, judgement = part.rpartition(" ")
        tool, _, domain = name.partition(": ")
        if domain:
            found[tool, domain] = judgement
    return found


def shown_domains(studies: Sequence[Study], manner: str) -> list[str] | None:
    """The domains that get a column each; [] for one column of the worst, None for no column at all.

    `manner` is a preset's `bias`: none, worst or domains.

    >>> shown_domains([{"judgements": "RoB1: blinding low"}, {"judgements": ""}], "domains")
    ['blinding']
    >>> shown_domains([{"judgements": ""}], "worst") is None
    True
    """
    judged = [domains_judged(study.get("judgements")) for study in studies]
    if manner == "none" or not any(judged):
        return None
    names = dict.fromkeys(name for found in judged for name in found)
    if manner == "worst" or len({tool for tool, _ in names}) > 1 or len(names) > MOST_DOMAINS:
        return []
    return [domain for _, domain in names]


def bias_cells(study: Study, domains: Sequence[str] | None) -> dict[str, str]:
    """The cells of one trial: a judgement by the key of its column.

    >>> bias_cells({"judgements": "RoB1: a low; RoB1: b high"}, [])
    {'bias': 'high'}
    >>> bias_cells({"judgements": "RoB1: a some_concerns"}, ["a", "b"])
    {'biasA': 'some-concerns', 'biasB': 'not-judged'}
    """
    if domains is None:
        return {}
    found = {domain: judgement for (_, domain), judgement in domains_judged(study.get("judgements")).items()}
    if domains:
        told = [found.get(domain, NOT_JUDGED) for domain in domains]
        return {f"{KEY}{letter}": name.replace("_", "-") for letter, name in zip(LETTERS, told, strict=False)}
    worst = max(found.values(), key=lambda name: WORST.get(name, 1), default=NOT_JUDGED)
    return {KEY: worst.replace("_", "-")}


def bias_note(studies: Sequence[Study], manner: str) -> str:
    """The footnote: what the lights mean and the letters stand for, or that nobody has judged.

    >>> bias_note([{"judgements": ""}] * 2, "worst")
    'Risk of bias: no published judgement of these trials is known.'
    """
    domains = shown_domains(studies, manner)
    if manner == "none" or not studies:
        return ""
    if domains is None:
        which = "this trial" if len(studies) == 1 else "these trials"
        return f"Risk of bias: no published judgement of {which} is known."
    if not domains:
        return f"Bias: risk of bias in the worst domain judged by published reviews ({MARKS})."
    tools = {clean(tool) for study in studies for tool, _ in domains_judged(study.get("judgements"))}
    listed = [f"{letter} {clean(words.spaced(name))}" for letter, name in zip(LETTERS, domains, strict=False)]
    by = f"Risk of bias by published reviews with {words.listing(sorted(tools))}"
    return f"{by}: {', '.join(listed)} ({MARKS})."
