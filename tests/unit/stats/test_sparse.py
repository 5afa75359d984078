import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from published import BCG_TABLES, HINE_TABLES

from trialpool.stats import mantel_haenszel, odds_ratio, peto, peto_odds_ratio, pool, risk_difference


@pytest.mark.parametrize(
    ("measure", "estimate", "se"),
    [
        ("OR", -0.47341099, 0.04100778),
        ("RR", -0.45370960, 0.03933737),
        ("RD", -0.00328818, 0.00028666),
    ],
)
def test_bcg_by_mantel_and_haenszel(measure, estimate, se):
    fit = mantel_haenszel(*BCG_TABLES, measure=measure)
    assert (fit.estimate, fit.se) == pytest.approx((estimate, se), abs=6e-9)
    assert fit.weights.sum() == pytest.approx(100)
    if measure == "OR":
        assert fit.q == pytest.approx(163.94257957, abs=6e-9)
        assert fit.q_df == 12


def test_bcg_by_peto():
    fit = peto(*BCG_TABLES)
    assert (fit.estimate, fit.se) == pytest.approx((-0.47444631, 0.04065908), abs=6e-9)
    plain = pool(*peto_odds_ratio(*BCG_TABLES), tau2_method="FE", interval="wald")
    assert (fit.estimate, fit.q, fit.i2) == pytest.approx((plain.estimate, plain.q, plain.i2))
    assert fit.weights == pytest.approx(plain.weights)


def test_one_table_is_its_own_odds_ratio_and_difference():
    table = [[7], [40], [3], [50]]
    for measure, effects in (("OR", odds_ratio), ("RD", risk_difference)):
        assert mantel_haenszel(*table, measure=measure).estimate == pytest.approx(effects(*table).effect[0])
    fit = mantel_haenszel(*table)
    assert (fit.q, fit.q_df, fit.q_p_value, fit.i2, fit.h2) == (0, 0, 1, 0, 1)


def test_empty_cells_need_no_correction():
    events1, n1, events2, n2 = [0, 2, 0, 5], [20, 30, 25, 40], [1, 4, 0, 9], [20, 30, 25, 40]
    kept = [0, 1, 3]
    for measure in ("OR", "RR"):
        whole = mantel_haenszel(events1, n1, events2, n2, measure=measure)
        informative = mantel_haenszel(
            *(np.array(a)[kept] for a in (events1, n1, events2, n2)), measure=measure
        )
        assert (whole.estimate, whole.se) == pytest.approx((informative.estimate, informative.se))
        assert whole.q_df == 2
        assert whole.weights[2] == 0
    difference = mantel_haenszel(events1, n1, events2, n2, measure="RD")
    assert difference.weights[2] > 0  # no event on either side is evidence of no difference
    assert peto(events1, n1, events2, n2).weights[2] == 0


def test_the_correction_touches_heterogeneity_alone():
    tables = [[0, 2], [20, 30], [1, 4], [20, 30]]
    half, tenth = (mantel_haenszel(*tables, measure="OR", zero_cells=add) for add in (0.5, 0.1))
    assert half.estimate == tenth.estimate
    assert half.q != tenth.q


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_exchanging_the_arms_turns_the_sign(measure):
    e1, n1, e2, n2 = HINE_TABLES
    there, back = (
        mantel_haenszel(e1, n1, e2, n2, measure=measure),
        mantel_haenszel(e2, n2, e1, n1, measure=measure),
    )
    assert (there.estimate, there.se, there.q) == pytest.approx((-back.estimate, back.se, back.q))


def test_batches():
    tables = [np.stack([row, row[::-1]]) for row in HINE_TABLES]
    fit = mantel_haenszel(*tables)
    assert fit.estimate.shape == (2,)
    assert fit.weights.shape == (2, 6)
    assert fit.estimate[0] == pytest.approx(fit.estimate[1])
    assert peto(*tables).estimate[1] == pytest.approx(peto(*HINE_TABLES).estimate)


table = st.tuples(st.integers(0, 9), st.integers(9, 60), st.integers(0, 9), st.integers(9, 60))


@given(st.lists(table, min_size=1, max_size=6), table.filter(lambda row: row[0] and row[2]))
def test_any_tables_with_an_event_in_each_arm_can_be_pooled(rows, sure):
    columns = np.array([*rows, (min(sure[0], 8), sure[1], min(sure[2], 8), sure[3])]).T
    for measure in ("OR", "RR", "RD"):
        fit = mantel_haenszel(*columns, measure=measure)
        assert np.isfinite([fit.estimate, fit.se, fit.q, fit.i2]).all()
        assert fit.ci_low < fit.estimate < fit.ci_high
    assert np.isfinite(peto(*columns).estimate)
