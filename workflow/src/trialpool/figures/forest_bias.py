"""Risk of bias beside the rows of a forest plot: the judgements of a trial as cells of narrow columns.

One light a trial (its worst domain), or, where the house style asks for it and all judged trials were judged
with one tool, a light a domain under letters that a footnote spells out. A trial that no review has judged
has an empty ring; where no trial of a plot was judged there is no column, and a footnote says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from trialpool import text as words
from trialpool.figures.lights import NOT_JUDGED
from trialpool.text import clean
from trialpool.view.forest_table import Study

KEY = "bias"
LIGHT = 4.5  # radius in points
MOST_DOMAINS = 10  # that fit beside the plot
LETTERS = "ABCDEFGHIJ"
MARKS = "+ low, − some concerns, ? unclear, × high, empty ring not judged"


def shown_domains(studies: Sequence[Study], manner: str) -> list[str] | None:
    """The domains that get a column each; [] for one column of the worst, None for no column at all.

    `manner` is a preset's `bias`: none, worst or domains.

    >>> from trialpool.view.forest_table import forest_table
    >>> table = forest_table({"studies": [{"estimate": 1.0, "judgements": "RoB1: blinding low"}]})
    >>> shown_domains(table.studies, "domains"), shown_domains([], "worst") is None
    (['blinding'], True)
    """
    names = dict.fromkeys(name for study in studies for name in study.judgements)
    if manner == "none" or not names:
        return None
    if manner == "worst" or len({tool for tool, _ in names}) > 1 or len(names) > MOST_DOMAINS:
        return []
    return [domain for _, domain in names]


def bias_cells(study: Study, domains: Sequence[str] | None) -> dict[str, str]:
    """The cells of one trial: a judgement by the key of its column.

    >>> from trialpool.view.forest_table import forest_table
    >>> row = {"estimate": 1.0, "judgements": "RoB1: a some_concerns; RoB1: c high"}
    >>> study = forest_table({"studies": [row]}).studies[0]
    >>> bias_cells(study, []), bias_cells(study, ["a", "b"])
    ({'bias': 'high'}, {'biasA': 'some-concerns', 'biasB': 'not-judged'})
    """
    if domains is None:
        return {}
    found = {KEY: study.worst_judgement}
    if domains:
        judged = {domain: judgement for (_, domain), judgement in study.judgements.items()}
        found = {
            f"{KEY}{letter}": judged.get(name, "") for letter, name in zip(LETTERS, domains, strict=False)
        }
    return {key: judgement.replace("_", "-") or NOT_JUDGED for key, judgement in found.items()}


def bias_note(studies: Sequence[Study], manner: str) -> str:
    """The footnote: what the lights mean and the letters stand for, or that nobody has judged.

    >>> from trialpool.view.forest_table import forest_table
    >>> bias_note(forest_table({"studies": [{"estimate": 1.0}] * 2}).studies, "worst")
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
    tools = {clean(tool) for study in studies for tool, _ in study.judgements}
    listed = [f"{letter} {clean(words.spaced(name))}" for letter, name in zip(LETTERS, domains, strict=False)]
    by = f"Risk of bias by published reviews with {words.listing(sorted(tools))}"
    return f"{by}: {', '.join(listed)} ({MARKS})."
