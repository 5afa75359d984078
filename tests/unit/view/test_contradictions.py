"""What a reader is told of one result in several places must agree: written rules over all of it together."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.unit.page import demo
from trialpool import io
from trialpool.measures import MEASURES
from trialpool.view.finding import Result, finding_words
from trialpool.view.forest_table import pooled_estimate
from trialpool.view.question import informative_statement, result_sentence, verdict_words
from trialpool.view.read import read_records
from trialpool.vocabulary import load_vocabulary

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "results"


def shipped():
    appraisal = io.read_json(RESULTS / "appraisal.json")
    words = load_vocabulary(str(ROOT / "config" / "vocabulary.yaml"))
    return read_records(sorted(RESULTS.glob("analyses/*/result.json")), appraisal, words)


def made_up():
    """Intervals on either side of, around, and hardly beside no effect, by certainty and number of trials."""
    bounds = [(-2.0, -0.4), (-0.9, -0.1), (-0.3, 0.3), (-2.0, 1.5), (0.1, 0.4), (0.4, 3.0)]
    levels, sizes = ("very low", "low", "moderate", "high"), (1, 2, 3, 5, 12)
    for (low, high), level, k in itertools.product(bounds, levels, sizes):
        pooled = demo.pooled(estimate=(low + high) / 2, ci_low=low, ci_high=high)
        pooled |= {"pi_low": low - 1.0, "pi_high": high + 1.0}
        if k < 5:
            pooled |= {"pi_low": None, "pi_high": None}
        yield demo.certain(level, k=k, pooled=pooled)


def side_of(record):
    """By hand: which side the headline's interval favours, else ""."""
    low, high, null = record.pooled.ci_low, record.pooled.ci_high, MEASURES[record.measure].null
    if low <= null <= high:
        return ""
    below = high < null
    return "experimental" if below == (record.better == "lower") else "control"


def told(record):
    """All that is said of a record, and what its numbers say."""
    return SimpleNamespace(
        reading=verdict_words(record),
        sentence=result_sentence(record),
        statement=informative_statement(record),
        finding=finding_words([Result(record)]),
        robust=record.robustness.sentence,
        level=record.certainty.level if record.certainty else None,
        size=record.certainty.size if record.certainty else "",
        side=side_of(record),
        favoured=getattr(record, f"{side_of(record)}_name", ""),
        pooled=record.status == "pooled",
        k=record.k,
        numbers=record.pooled,
        estimate=pooled_estimate(record).estimate.text.lstrip("−"),
    )


OPEN = r"Whether|The evidence is very uncertain about|.*little or no difference"
# what must not be, in words, and what shows it
RULES = {
    "a reading beside the interval": lambda t: bool(t.side) != t.reading.startswith("favours"),
    "a reading for the other side": lambda t: t.side and not t.reading.startswith(f"favours {t.favoured}"),
    "a sentence beside the reading": lambda t: (
        t.side and f"The result favours {t.favoured}" not in t.sentence
    ),
    "a statement that doubts a clear result": lambda t: (
        t.side and re.search("not settled|about the effect|includes no difference", t.statement)
    ),
    "a statement that settles an open one": lambda t: (
        not t.side and t.statement and not re.match(OPEN, t.statement)
    ),
    "praise of an open result": lambda t: not t.side and t.robust.startswith(("Does not depend", "Depends")),
    "few trials that are not few, or clear": lambda t: (
        "too few" in t.reading and (t.side or not t.pooled or t.k > 4)
    ),
    "little difference of an interval that reaches what matters": lambda t: (
        "little or no difference" in t.statement and t.size != "trivial"
    ),
    "a size of a trivial effect": lambda t: (
        t.size == "trivial" and re.search("slightly|large amount", t.statement)
    ),
    "very low certainty without its doubt": lambda t: (
        t.level == "very low" and t.statement and "very uncertain" not in t.statement
    ),
    "low certainty told as probable": lambda t: (
        t.level in ("very low", "low") and re.search("probably", t.statement)
    ),
    "low certainty told as a fact": lambda t: (
        t.level in ("very low", "low") and t.side and " may " not in t.statement
    ),
    "a finding beside the reading": lambda t: any(
        (words in t.finding.lower()) != (words in t.reading)
        for words in ("no clear difference", "too few to be sure")
    ),
    "a finding without its number": lambda t: (
        "no clear difference" not in t.finding.lower() and t.estimate not in t.finding
    ),
    "a finding that hides a harm": lambda t: (t.side == "control") != ("a possible " in t.finding),
    "a finding that hides its certainty": lambda t: (
        bool(t.level) and f"Certainty is {t.level}." not in t.finding
    ),
    "a finding that makes much of little": lambda t: (
        bool(t.side and t.size == "trivial") != ("too little to matter" in t.finding)
    ),
    "a new trial foretold from one or two": lambda t: (
        "prediction interval" in t.sentence and (not t.pooled or t.k < 3)
    ),
    "a new trial surer than the mean": lambda t: (
        t.pooled
        and t.numbers.pi_low is not None
        and (t.numbers.pi_low > t.numbers.ci_low or t.numbers.pi_high < t.numbers.ci_high)
    ),
}


def broken(said):
    """The rules that what is said breaks."""
    return [rule for rule, breaks in RULES.items() if breaks(said)]


def contradictions(record):
    """The rules that a record breaks, with what is said of it."""
    said = told(record)
    return [(rule, said.reading, said.statement, said.robust, said.finding) for rule in broken(said)]


SHIPPED = [one for one in shipped() if one.pooled]


def test_there_are_shipped_results():
    assert len(SHIPPED) > 50


@pytest.mark.parametrize("record", SHIPPED, ids=lambda one: one.analysis)
def test_what_is_said_of_a_shipped_result_agrees(record):
    assert contradictions(record) == []


def test_what_is_said_of_made_up_results_agrees():
    assert [found for record in made_up() for found in contradictions(record)] == []


def clear(**changes):
    return demo.certain("low", k=9, pooled=demo.pooled(ci_low=-2.0, ci_high=-0.4, **changes))


def unclear(**changes):
    return demo.certain("low", k=9, pooled=demo.pooled(ci_high=0.5), **changes)


HOLDS = {"grade": "robust", "sentence": "Does not depend on our choices.", "agreement": 1.0, "breaks": []}
TRIVIAL = "Compared with sham, acupuncture may make little or no difference to pain."
CONTRADICTIONS = {  # of which each rule is broken: a sound result, and what is changed in what is said of it
    "a reading beside the interval": (clear(), {"reading": "no clear difference"}),
    "a reading for the other side": (clear(), {"reading": "favours sham"}),
    "a sentence beside the reading": (clear(), {"sentence": "The result favours sham: MD −1.20"}),
    "a statement that doubts a clear result": (clear(), {"statement": "Whether it helps is not settled."}),
    "a statement that settles an open one": (unclear(), {"statement": "Acupuncture may reduce pain."}),
    "praise of an open result": (unclear(robustness=HOLDS), {}),
    "few trials that are not few, or clear": (
        clear(),
        {"reading": "favours acupuncture, too few to be sure"},
    ),
    "little difference of an interval that reaches what matters": (clear(), {"statement": TRIVIAL}),
    "a size of a trivial effect": (
        clear(),
        {"size": "trivial", "statement": "Acupuncture may reduce pain slightly."},
    ),
    "very low certainty without its doubt": (clear(), {"level": "very low"}),
    "low certainty told as probable": (clear(), {"statement": "Acupuncture probably reduces pain."}),
    "low certainty told as a fact": (clear(), {"statement": "Acupuncture reduces pain."}),
    "a finding beside the reading": (clear(), {"finding": "No clear difference: no clear difference."}),
    "a finding without its number": (clear(), {"estimate": "1.30"}),
    "a finding that hides a harm": (
        demo.certain("low", k=9, pooled=demo.pooled(estimate=1.0, ci_low=0.4, ci_high=1.6, pi_high=2.0)),
        {"finding": "Pain was higher, by 1.00 points. Certainty is low."},
    ),
    "a finding that hides its certainty": (clear(), {"finding": "Pain was lower, by 1.20 points."}),
    "a finding that makes much of little": (clear(), {"size": "trivial"}),
    "a new trial foretold from one or two": (clear(), {"k": 2, "sentence": "… 95% prediction interval"}),
    "a new trial surer than the mean": (clear(pi_low=-1.0, pi_high=-0.9), {}),
}


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_finds_its_contradiction(rule):
    record, changes = CONTRADICTIONS[rule]
    said = told(record)
    assert rule in broken(SimpleNamespace(**(vars(said) | changes)))
    assert not changes or broken(said) == []
