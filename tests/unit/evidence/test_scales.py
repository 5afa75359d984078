"""Numbers of different instruments on one scale and in one direction."""

import pandas as pd
import pytest
from small_review import answer, chosen, question, review, two_arms

from trialpool.evidence.scales import with_scales


def test_rescaling_to_a_common_range():
    rows = two_arms(instrument="VAS100", spread_low=20.0)
    rows[0]["centre"], rows[1]["centre"] = 30.0, 50.0
    (row,) = chosen(answer(review(continuous=rows), question(scale="0-10")))
    assert row["effect"] == pytest.approx(-2.0)
    assert (row["mean_experimental"], row["sd_experimental"]) == pytest.approx((3.0, 2.0))
    assert "rescaled ×0.1 from 0–100 to 0–10; sign kept" in row["derivation"]


def test_a_report_that_scores_the_other_way_is_reversed_and_says_so():
    rows = two_arms(instrument="FACT_GOG_NTX", domain="symptom_score", better="lower")
    spec = question(domain="symptom_score", better="higher")
    (row,) = chosen(answer(review(continuous=rows), spec))
    assert row["effect"] == 2.0
    assert (row["mean_experimental"], row["mean_control"]) == (41.0, 39.0)
    assert "sign reversed (lower is better in this report, higher in the analysis)" in row["derivation"]
    assert "scored the other way than usual" in row["cautions"]


def test_smd_keeps_direction_over_instruments():
    rows = two_arms(instrument="MNCV", unit="m/s", better="higher")
    (row,) = chosen(answer(review(continuous=rows), question(measure="SMD", better="lower")))
    assert row["effect"] == pytest.approx(0.9801104 * 1.0)  # J(38) times (5 - 3)/2


def test_a_part_takes_from_its_instrument_what_its_own_entry_does_not_say():
    whole = {"range": [0, 10], "better": "lower", "unit": "points"}
    rows = pd.DataFrame({"instrument": ["NRS", "NRS", "X"], "item": ["", "auc", ""]})
    scales = with_scales(rows, {"instruments": {"NRS": whole, "NRS:auc": {"range": [0, 70]}}})
    assert scales["high"].fillna(-1).tolist() == [10.0, 70.0, -1.0]
    assert scales["better_usual"].tolist() == ["lower", "lower", ""]
