"""Published differences as estimate and standard error."""

import numpy as np
import pytest
from small_review import review

from trialpool.evidence.summaries import harmonise


def contrast(arms=None, **cells):
    rows = {"contrasts": [{"arm_1": "a", "arm_2": "s", **cells}]}
    if arms:
        rows["arms"] = arms
    return harmonise(review(**rows))["contrasts"].iloc[0]


def test_interval_of_a_small_difference_uses_t():
    # n = 10 and 10: t(18) = 2.100922
    row = contrast(n_1=10, n_2=10)
    assert row["se"] == pytest.approx(1 / 2.10092204)
    assert row["derivation"] == ("SE from 95% CI with t, df 18",)


def test_interval_without_numbers_uses_normal_quantiles_and_says_so():
    row = contrast()
    assert row["se"] == pytest.approx(1 / 1.95996398)
    assert row["derivation"] == ("SE from 95% CI with normal quantiles",)


def test_exact_p():
    # METHODS: p = .008, df 45 -> t = 2.7755, MD 3.8 -> SE 1.3691
    row = contrast(
        estimate=3.8, spread_type="none", spread_low=None, spread_high=None, p_value=".008", n_1=25, n_2=22
    )
    assert row["se"] == pytest.approx(1.3691, abs=5e-5)
    assert row["derivation"] == ("SE from p = .008 with t, df 45",)


@pytest.mark.parametrize(
    ("p_value", "p_test"), [("<0.001", ""), ("", ""), ("0.48", "rank"), ("0.48", "log_rank"), ("1.0", "")]
)
def test_p_values_that_give_no_standard_error(p_value, p_test):
    row = contrast(
        spread_type="none", spread_low=None, spread_high=None, p_value=p_value, n_1=9, n_2=9, p_test=p_test
    )
    assert not row["usable"]
    assert row["reason_code"] == "no_spread"


def test_ratios_are_logarithms_by_normal_quantiles():
    row = contrast(
        measure="odds_ratio", estimate=4.3, spread_low=1.9, spread_high=9.6, n_1=54, n_2=55, better="higher"
    )
    assert row["estimate"] == pytest.approx(np.log(4.3))
    assert row["se"] == pytest.approx((np.log(9.6) - np.log(1.9)) / (2 * 1.959963985))


def test_missing_estimate_is_the_midpoint_on_the_analysis_scale():
    row = contrast(measure="risk_ratio", estimate=None, spread_low=0.5, spread_high=2.0)
    assert row["estimate"] == pytest.approx(0.0, abs=1e-12)
    assert "midpoint" in str(row["derivation"])


def test_unspecified_effects_are_not_pooled():
    assert contrast(measure="effect_unspecified")["reason_code"] == "unspecified"


def test_large_p_values_carry_a_second_caution():
    cells = {"spread_type": "none", "spread_low": None, "spread_high": None, "n_1": 9, "n_2": 9}
    assert "rounding" in str(contrast(p_value="0.86", **cells)["cautions"])
    assert "rounding" not in str(contrast(p_value="0.05", **cells)["cautions"])


def test_two_means_and_their_p_value():
    rows = [{"arm": "a", "centre": 3.8}, {"arm": "s", "centre": 5.0}]
    rows = [{**row, "spread_type": "none", "spread_low": None, "measure": "change"} for row in rows]
    printed = {"arm_1": "a", "arm_2": "s", "measure": "change_difference", "estimate": None, "n_1": 25}
    printed |= {"n_2": 22, "spread_type": "none", "spread_low": None, "spread_high": None, "p_value": "0.05"}
    row = harmonise(review(continuous=rows, contrasts=[printed]))["contrasts"].iloc[0]
    assert row["estimate"] == pytest.approx(-1.2)
    assert row["se"] == pytest.approx(1.2 / 2.01410339)
    assert row["derivation"] == (
        "difference of the arms' printed means",
        "SE from p = 0.05 with t, df 45",
    )
    assert row["row_ids"] == "contrasts.csv:2 continuous.csv:2 continuous.csv:3"


def test_the_same_people_twice_have_fewer_degrees_of_freedom():
    tables = review(
        studies=[{"design": "crossover"}], contrasts=[{"arm_1": "a", "arm_2": "s", "n_1": 10, "n_2": 10}]
    )
    assert harmonise(tables)["contrasts"].iloc[0]["df"] == 9
