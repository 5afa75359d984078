"""Numbers that are usable, flagged where they rest on an assumption: bounds of p, borrowed SDs, t."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from small_review import CATALOGUE, SHAM, answer, chosen, question, reasons, review, two_arms

from trialpool.evidence.compare import compare
from trialpool.evidence.summaries import harmonise

BARE = {"spread_type": "none", "spread_low": None, "spread_high": None}
BOTH = {"arm_1": "a", "arm_2": "s", "n_1": 10, "n_2": 10}


def contrast(**cells):
    return review(contrasts=[{**BOTH, **cells}])


def test_a_printed_interval_is_shown_as_it_is_turned_and_rescaled():
    # 0-100 in millimetres, printed sham minus acupuncture; on 0-10 the other way round: −2.4 to −0.4
    cells = {"arm_1": "s", "arm_2": "a", "instrument": "VAS100", "estimate": 14.0}
    cells |= {"spread_low": 4.0, "spread_high": 24.0}
    (row,) = chosen(answer(contrast(**cells), question(scale="0-10")))
    assert (row["effect"], row["printed_low"], row["printed_high"]) == pytest.approx((-1.4, -2.4, -0.4))
    # the standard error undoes it by t(18), so that 1.96 of them are less
    assert math.sqrt(row["variance"]) == pytest.approx(1.0 / 2.10092204)


def test_a_printed_interval_of_a_ratio_is_shown_as_a_ratio():
    cells = {"domain": "responder", "instrument": "improved", "measure": "risk_ratio", "estimate": 1.5}
    cells |= {"spread_low": 1.1, "spread_high": 2.0, "better": "higher", "unit": ""}
    spec = question(domain="responder", measure="RR", better="higher", outcomes=["improved"])
    (row,) = chosen(answer(contrast(**cells), spec))
    assert (row["printed_low"], row["printed_high"]) == pytest.approx((1.1, 2.0))
    assert row["effect"] == pytest.approx(math.log(1.5))


def test_an_interval_of_another_level_is_not_shown_as_that_of_the_analysis():
    (row,) = chosen(answer(contrast(spread_type="ci90")))
    assert pd.isna(row["printed_low"])
    (row,) = chosen(answer(contrast(), question(level=0.9)))
    assert pd.isna(row["printed_low"])


def test_a_p_value_printed_as_a_bound_is_used_where_asked_and_flagged():
    tables = contrast(estimate=-1.28, p_value="<0.001", **BARE)
    assert chosen(answer(tables)) == []
    assert reasons(answer(tables))["no_spread"] == "no interval, p only as an inequality"
    (row,) = chosen(answer(tables, question(p_bounds=True)))
    # t(18) of p = .001 is 3.92165: SE 0.32639
    assert math.sqrt(row["variance"]) == pytest.approx(1.28 / 3.92164583)
    assert row["imputed"]
    assert "SE from the printed bound of p" in row["derivation"]


def test_a_t_statistic_gives_a_standardised_difference():
    # d = t √(1/n₁ + 1/n₂) = 2 √0.2 = 0.89443; J(18) = 0.95765: g 0.85655
    cells = {"measure": "t_statistic", "estimate": -2.0, "instrument": "TSS", "domain": "symptom_score"}
    tables = contrast(**cells, **BARE)
    spec = question(domain="symptom_score", measure="SMD")
    (row,) = chosen(answer(tables, spec))
    assert row["effect"] == pytest.approx(-0.85655, abs=2e-4)
    assert chosen(answer(tables, question(domain="symptom_score"))) == []  # no difference in points


def lent():
    """A trial without a spread, and one on another question whose SD of the same scale is 2."""
    arms = [{"arm": "a"}, SHAM, *({**arm, "study_id": "B"} for arm in ({"arm": "a"}, SHAM))]
    arms[3] |= {"category": "placebo"}
    rows = [*two_arms(spread_type="none", spread_low=None), *({**row, "study_id": "B"} for row in two_arms())]
    return review(studies=[{"study_id": "A"}, {"study_id": "B"}], arms=arms, continuous=rows)


def test_an_analysis_that_would_be_empty_borrows_an_sd_and_says_so():
    assert chosen(answer(lent(), question(borrow_sd=False))) == []
    (row,) = chosen(answer(lent(), question(borrow_sd="if_empty")))
    assert (row["study_id"], row["effect"], bool(row["imputed"])) == ("A", -2.0, True)
    assert "SD pooled over" in row["derivation"]


def test_an_analysis_with_a_trial_of_its_own_does_not_borrow():
    tables = lent()
    tables["arms"]["category"] = tables["arms"]["category"].replace("placebo", "sham")
    assert [row["study_id"] for row in chosen(answer(tables, question(borrow_sd="if_empty")))] == ["B"]
    assert [row["study_id"] for row in chosen(answer(tables, question(borrow_sd=True)))] == ["A", "B"]


def test_only_the_empty_of_several_analyses_is_compared_anew():
    specs = [
        question(analysis="p", borrow_sd="if_empty", control=["placebo"]),
        question(borrow_sd="if_empty"),
    ]
    assert [(row["analysis"], row["study_id"]) for row in chosen(answer(lent(), *specs))] == [
        ("p", "B"),
        ("q", "A"),
    ]


FINDING = {"rule": "se_as_sd", "severity": "high", "finding": "the spread is a standard error"}


def questioned(**changes):
    tables = review(continuous=two_arms())
    findings = pd.DataFrame([{**FINDING, "row_ids": "continuous.csv:2", **changes}])
    spec = question(audit_exclude=["se_as_sd"])
    return compare(harmonise(tables), tables, CATALOGUE, [spec], findings)


def test_a_result_that_the_audit_gravely_questions_is_pooled_in_the_sensitivity_analysis_only():
    comparison = questioned()
    assert chosen(comparison) == []
    assert reasons(comparison)["questioned"] == "the audit questions it: the spread is a standard error"
    again = comparison.effects[comparison.effects["variant"].map(str) == "audit=included"]
    assert again["effect"].tolist() == [-2.0]


@pytest.mark.parametrize("changes", [{"severity": "medium"}, {"rule": "other"}, {"row_ids": "events.csv:2"}])
def test_other_findings_leave_a_result_where_it_is(changes):
    assert [row["effect"] for row in chosen(questioned(**changes))] == [-2.0]


def test_a_count_worked_out_from_a_percentage_is_marked():
    arms = [{"arm": "a", "count_from": "percentage"}, {"arm": "s", "events": 5}]
    spec = question(domain="responder", measure="RR", better="higher")
    (row,) = chosen(answer(review(events=arms), spec))
    assert bool(row["worked_out"])
    assert "worked out from the printed percentage" in row["derivation"]
    (row,) = chosen(answer(review(events=[{"arm": "a"}, arms[1]]), spec))
    assert not row["worked_out"]
