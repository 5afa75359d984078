"""Every table between the stages has the columns and types of its contract."""

import pytest
from small_review import answer, question, review, two_arms

from trialpool import contracts
from trialpool.evidence.compare import DTYPES
from trialpool.evidence.match import pose
from trialpool.evidence.pairs import CANDIDATES, compute_effects
from trialpool.evidence.summaries import harmonise
from trialpool.vocabulary import general


@pytest.fixture(scope="module")
def trial():
    rows = {"contrasts": [{"arm_1": "a", "arm_2": "s"}], "events": [{"arm": "a"}, {"arm": "s"}]}
    return review(continuous=two_arms(), **rows)


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("arms", contracts.ARM_SUMMARIES),
        ("contrasts", contracts.CONTRAST_SUMMARIES),
        ("events", contracts.EVENT_SUMMARIES),
    ],
)
def test_summaries(trial, name, table):
    assert list(harmonise(trial)[name]) == list(table.names)


def test_candidates(trial):
    candidates, _ = compute_effects(pose(harmonise(trial), trial, {}, [question()], general()))
    assert list(candidates) == CANDIDATES
    assert len(candidates) == 2


@pytest.mark.parametrize("name", ["effects", "excluded", "known"])
def test_what_the_synthesis_reads(trial, name):
    table, columns = getattr(answer(trial), name), getattr(contracts, name.upper()).kinds
    assert list(table) == list(columns)
    kinds = {column: str(table[column].dtype) for column in table if columns[column] != "text"}
    assert kinds == {column: DTYPES[kind] for column, kind in columns.items() if kind != "text"}
