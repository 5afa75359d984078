"""Agreement of two readings: published digits, R's digits, and what must hold of any readings."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

from trialpool.stats.agreement import cohen_kappa, icc, limits_of_agreement

# Fleiss, Cohen & Everitt 1969, table 1: two readers, 200 people, three diagnoses
DIAGNOSES = [[106, 10, 4], [22, 28, 10], [2, 12, 6]]
# Shrout & Fleiss 1979, table 2: six things, four judges
JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
# Bland & Altman 1986: peak expiratory flow by two meters, first reading of each
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def read(table):
    cells = [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    return zip(*cells, strict=True)


def test_kappa_of_fleiss_cohen_and_everitt():
    """κ = 0.429 with a standard error of 0.054; R 4.2.2 by numbers of the delta method: 0.0537110049."""
    found = cohen_kappa(*read(DIAGNOSES))
    assert found.estimate == pytest.approx(3 / 7, rel=1e-12)
    half = 1.959963985 * 0.0537110049
    assert (found.ci_low, found.ci_high) == pytest.approx((3 / 7 - half, 3 / 7 + half), rel=1e-7)


def test_icc_of_shrout_and_fleiss():
    """0.29, interval 0.019 to 0.761 as R's irr and psych print it; mean squares by R's lm: 0.2897637795."""
    found = icc(JUDGES)
    assert found.estimate == pytest.approx(0.2897637795, rel=1e-9)
    assert (round(found.ci_low, 3), round(found.ci_high, 3)) == (0.019, 0.761)


def test_icc_of_two_judges_is_that_of_rs_analysis_of_variance():
    found = icc(np.array(JUDGES)[:, :2])
    theirs = (0.1256544503, -0.0236532215, 0.5998514840)  # R 4.2.2: anova(lm(y ~ thing + judge)), qf
    assert (found.estimate, found.ci_low, found.ci_high) == pytest.approx(theirs, rel=1e-8)


def test_limits_of_bland_and_altman():
    """Mean difference 2.1 l/min, standard deviation 38.8."""
    found = limits_of_agreement(WRIGHT, MINI)
    assert (found.mean, found.low) == pytest.approx((2.1176470588, -73.8620074934), rel=1e-9)
    assert round((found.high - found.mean) / 1.96, 1) == 38.8


words = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2, max_size=30)


@given(words)
def test_kappa_is_that_of_statsmodels_and_lies_within_its_interval(pairs):
    one, other = zip(*pairs, strict=True)
    found = cohen_kappa(one, other)
    known = sorted({*one, *other})
    if len(known) == 1:
        assert math.isnan(found.estimate)
        return
    table = np.array([[pairs.count((x, y)) for y in known] for x in known])
    with np.errstate(all="ignore"):  # its variance may be less than 0 by a rounding
        theirs = cohens_kappa(table)
    assert found.estimate == pytest.approx(theirs.kappa, abs=1e-12)
    half = 1.959963985 * max(theirs.var_kappa, 0) ** 0.5
    assert found.ci_low == pytest.approx(theirs.kappa - half, abs=1e-6)
    assert found.ci_low <= found.estimate <= found.ci_high <= 1
    assert cohen_kappa(other, one).estimate == pytest.approx(found.estimate, abs=1e-12)


numbers = st.lists(st.tuples(*[st.integers(-50, 50)] * 2), min_size=2, max_size=20)


@given(numbers)
def test_icc_lies_within_its_interval_and_does_not_care_which_reader_is_first(pairs):
    found, turned = icc(pairs), icc([pair[::-1] for pair in pairs])
    assert turned.estimate == pytest.approx(found.estimate, nan_ok=True)
    if not math.isnan(found.ci_low) and found.estimate > -0.5:  # below, its interval is no longer one
        assert found.ci_low - 1e-9 <= found.estimate <= found.ci_high + 1e-9
    if all(x == y for x, y in pairs) and len({*pairs}) > 1:
        assert found.estimate == 1


def test_nothing_to_tell_apart_is_no_number_and_faulty_readings_are_refused():
    assert math.isnan(cohen_kappa("aaa", "aaa").estimate)
    assert math.isnan(icc([[1, 1], [1, 1]]).estimate)
    assert math.isnan(limits_of_agreement([1], [2]).low)
    for call, said in (
        (lambda: cohen_kappa("ab", "a"), "first has 2 entries"),
        (lambda: icc([[1], [2]]), "two readers or more"),
        (lambda: icc([[1, math.nan], [2, 3]]), "readings"),
        (lambda: limits_of_agreement([1, 2], [1]), "must be as many"),
    ):
        with pytest.raises(ValueError, match=said):
            call()
