"""Shares of the weight by judgement, and which trial has a result of which outcome."""

from __future__ import annotations

import pytest

from tests.unit.page import demo
from trialpool.view.bias import Availability, judged_by_weight, matrix_rows, missing_results, weighed_bias

LINES = {
    1: "RoB2: missing_outcome_data low; RoB2: overall some_concerns; RoB1: blinding high",
    2: "RoB2: missing_outcome_data high; RoB2: overall high",
    3: "",
}


def known(number, has_numbers):
    return {"study_id": f"Madeup{2000 + number}", "label": f"Madeup {number}", "has_numbers": has_numbers}


def judged(lines=LINES, weights=(50.0, 30.0, 20.0)):
    studies = [
        demo.study(number, judgements=line, weight=weight)
        for (number, line), weight in zip(lines.items(), weights, strict=True)
    ]
    return demo.record(studies=studies)


def test_each_tool_has_the_weight_of_its_own_judgements():
    rob2, rob1 = weighed_bias(judged())
    assert rob2.tool == "RoB2"
    assert rob2.domains["overall"] == pytest.approx({"some_concerns": 50, "high": 30, "not_judged": 20})
    assert rob1.domains == {"blinding": pytest.approx({"high": 50, "not_judged": 50})}
    for tool in (rob2, rob1):
        assert all(sum(shares.values()) == pytest.approx(100) for shares in tool.domains.values())
    assert judged_by_weight(judged()) == pytest.approx(0.8)
    assert judged_by_weight(judged(dict.fromkeys(LINES, ""))) == 0


def test_the_matrix_tells_results_from_what_is_unread_unusable_or_not_asked():
    pain = demo.record(
        "a",
        studies=[demo.study(1)],
        known=[known(1, True), known(2, False), known(3, True)],
    )
    harm = demo.record("b", domain="adverse_event", studies=[demo.study(3)])
    (matrix,) = missing_results([pain, harm])
    assert list(matrix.outcomes) == ["a", "b"]
    cells = {study: [str(cell) for cell in cells] for (study, _), cells in matrix.trials.items()}
    assert cells == {
        "Madeup2001": ["available", "not_asked"],
        "Madeup2002": ["unknown", "not_asked"],
        "Madeup2003": ["partly", "available"],
    }
    rows = list(matrix_rows([matrix]))
    assert len(rows) == 4
    assert {row["availability"] for row in rows} == {"available", "unknown", "partly"}
    assert Availability.NOT_ASKED not in {row["availability"] for row in rows}
