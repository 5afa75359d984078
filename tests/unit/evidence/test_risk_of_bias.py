"""Risk of bias of a result in one word and in one line, and the judgements that answers lead to."""

from __future__ import annotations

import pandas as pd
import pytest

from trialpool.bias_tools import tools
from trialpool.evidence.compare import judged
from trialpool.evidence.risk_of_bias import Judgements, Scope, with_answers

ROWS = [
    {"study_id": "A", "tool": "RoB2", "domain": "blinding", "judgement": "low"},
    {"study_id": "A", "tool": "RoB2", "domain": "missing; data", "judgement": "some_concerns"},
    {"study_id": "A", "tool": "RoB2", "domain": "size", "judgement": "high"},
    {"study_id": "B", "tool": "RoB1", "domain": "blinding", "judgement": "high"},
    {"study_id": "B", "tool": "RoB1", "domain": "blinding", "judgement": "low"},
]
LOW = {
    **{"1.1": "Y", "1.2": "Y", "1.3": "N", "2.1": "N", "2.2": "PN", "2.6": "Y", "3.1": "PY"},
    **{"4.1": "N", "4.2": "N", "4.3": "N", "5.1": "Y", "5.2": "N", "5.3": "N"},
}
DOMAINS = dict(zip("12345", tools()["RoB2"].domains, strict=True))


def answered(changes=None, **place):
    rows = []
    for number, (question, answer) in enumerate({**LOW, **(changes or {})}.items(), start=2):
        row = {"study_id": "A", "tool": "RoB2", "domain": DOMAINS[question[0]], "assessed_by": "10.1/me"}
        row |= {"question": question, "answer": answer, "row_id": f"signalling_answers.csv:{number}", **place}
        rows.append(row)
    return [row for row in rows if row["answer"]]


def found(rows, **place):
    return {
        row["domain"]: row["judgement"] for row in rows if all(row.get(key) == place[key] for key in place)
    }


def test_the_worst_judgement_counts_and_the_size_of_a_trial_is_not_bias():
    known = Judgements(ROWS)
    assert [known.risk(study) for study in "ABC"] == ["unclear", "high", ""]
    assert Judgements(ROWS, ()).risk("A") == "high"


def test_a_line_names_every_domain_once():
    known = Judgements(ROWS)
    assert known.line("A") == "RoB2: blinding low; RoB2: missing, data some_concerns"
    assert known.line("B") == "RoB1: blinding high"


def test_the_most_specific_judgement_of_an_assessor_holds_and_the_worst_of_several():
    def row(judgement, by="x", **place):
        place = {"tool": "RoB2", "domain": "overall", "assessed_by": by, **place}
        return {"study_id": "A", "judgement": judgement, **place}

    known = Judgements(
        [
            row("high"),
            row("some_concerns", outcome="pain"),
            row("low", outcome="pain", timepoint="follow_up", weeks=float("nan")),
            row("low", by="y"),
            row("high", by="y", outcome="pain", weeks=52.0),
        ]
    )
    assert known.risk("A") == known.risk("A", Scope("function", "follow_up", 52.0)) == "high"
    assert known.risk("A", Scope("pain", "end_of_treatment", 12.0)) == "unclear"
    assert known.risk("A", Scope("pain", "follow_up", 24.0)) == "low"
    assert known.risk("A", Scope("pain", "follow_up", 52.0)) == "high"


def test_every_effect_carries_the_judgements_of_its_own_result():
    effects = pd.DataFrame(
        {
            **{"study_id": ["A", "A", "B"], "domain": ["pain", "mortality", "pain"]},
            **{"timepoint": "follow_up", "weeks": pd.array([52, pd.NA, 52], "Float64")},
        }
    )
    rows = [
        {"study_id": "A", "tool": "RoB2", "domain": "overall", "judgement": "low", "outcome": pd.NA},
        {"study_id": "A", "tool": "RoB2", "domain": "overall", "judgement": "high", "outcome": "pain"},
    ]
    table = judged(effects, pd.DataFrame(rows).assign(weeks=[float("nan"), 52.0], assessed_by="x"))
    assert table["risk_of_bias"].tolist() == ["high", "low", ""]
    assert table["judgements"].tolist() == ["RoB2: overall high", "RoB2: overall low", ""]
    assert judged(effects, None)["risk_of_bias"].tolist() == ["", "", ""]


def test_answers_lead_to_judgements_of_the_domains_and_of_the_whole():
    rows, wrong = with_answers([], answered(), tools())
    assert wrong == []
    assert found(rows) == dict.fromkeys([*DOMAINS.values(), "overall"], "low")
    assert {row["algorithm"] for row in rows} == {"low"}
    assert rows[0]["note"] == "answers: 1.1 Y, 1.2 Y, 1.3 N"
    rows, wrong = with_answers([], answered({"4.3": "Y", "4.4": "Y", "4.5": "Y"}), tools())
    assert found(rows)[DOMAINS["4"]] == found(rows)["overall"] == "high"


def test_answers_of_one_result_are_completed_by_those_of_the_trial():
    pain = {"outcome": "pain", "timepoint": None, "weeks": 12.0}
    every = answered({"4.3": "Y", "4.4": "Y", "4.5": "N"}, **pain)
    more = [row for row in every if row["domain"] == DOMAINS["4"]]
    rows, wrong = with_answers([], answered() + more, tools())
    assert wrong == []
    assert found(rows, outcome=None)["overall"] == "low"
    assert found(rows, **pain) == {DOMAINS["4"]: "some_concerns", "overall": "some_concerns"}
    assert Judgements(rows).risk("A", Scope("pain", "follow_up", 12.0)) == "unclear"
    assert Judgements(rows).risk("A", Scope("pain", "follow_up", 24.0)) == "low"


@pytest.mark.parametrize("reason", ["a pilot study shows that it did not matter", None])
def test_a_person_has_the_last_word_and_gives_a_reason(reason):
    own = {"study_id": "A", "tool": "RoB2", "domain": DOMAINS["1"], "assessed_by": "10.1/me"}
    own |= {"judgement": "some_concerns", "note": reason, "row_id": "risk_of_bias.csv:2"}
    rows, wrong = with_answers([own], answered(), tools())
    (kept,) = [row for row in rows if row["domain"] == DOMAINS["1"]]
    said = "answers: 1.1 Y, 1.2 Y, 1.3 N"
    note = f"{reason}; {said}" if reason else said
    assert (kept["judgement"], kept["algorithm"], kept["note"]) == ("some_concerns", "low", note)
    assert found(rows)["overall"] == "some_concerns"
    assert [(each.row_id, each.column) for each in wrong] == (
        [] if reason else [("risk_of_bias.csv:2", "judgement")]
    )


def test_answers_that_lead_nowhere_name_the_next_question():
    rows, wrong = with_answers([], answered({"3.1": "N"}), tools())
    assert {DOMAINS["3"], "overall"}.isdisjoint(found(rows))
    assert [each.remedy for each in wrong] == [
        "answer question 3.2 as well, or judge the domain in risk_of_bias.csv"
    ]


def test_where_a_tool_has_no_algorithm_a_person_judges_and_the_answers_stay():
    place = {"study_id": "A", "tool": "ROBINS-I", "domain": "missing_data", "assessed_by": "10.1/me"}
    answers = [{**place, "question": "5.1", "answer": "N", "row_id": "signalling_answers.csv:2"}]
    _, wrong = with_answers([], answers, tools())
    assert [each.remedy for each in wrong] == ["judge the domain in risk_of_bias.csv"]
    own = {**place, "judgement": "serious", "note": None, "row_id": "risk_of_bias.csv:2"}
    rows, wrong = with_answers([own], answers, tools())
    assert wrong == []
    assert [(row["judgement"], row["note"]) for row in rows] == [("serious", "answers: 5.1 N")]
