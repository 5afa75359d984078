"""Agreement of two readings: published digits, R's digits, and what must hold of any readings."""

import json
import math
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

from trialpool.stats.agreement import cohen_kappa, icc, limits_of_agreement

WANTED = json.loads((Path(__file__).parents[2] / "reference" / "readings.json").read_text("utf-8"))


@pytest.mark.parametrize("name", WANTED["kappa"])
def test_kappa_is_that_of_r(name):
    """Its error by derivatives that R takes by numbers, which have eight digits."""
    wanted = WANTED["kappa"][name]
    cells = [(i, j) for i, row in enumerate(wanted["counts"]) for j, n in enumerate(row) for _ in range(n)]
    found = cohen_kappa(*zip(*cells, strict=True))
    assert found.estimate == pytest.approx(wanted["estimate"], rel=1e-12)
    half = NormalDist().inv_cdf(0.975) * wanted["se"]
    bounds = (wanted["estimate"] - half, wanted["estimate"] + half)
    assert (found.ci_low, found.ci_high) == pytest.approx(bounds, rel=1e-7)


@pytest.mark.parametrize("name", WANTED["icc"])
def test_icc_is_that_of_rs_analysis_of_variance(name):
    wanted = WANTED["icc"][name]
    found = icc(wanted["readings"])
    theirs = [wanted[key] for key in ("estimate", "ci_low", "ci_high")]
    assert [found.estimate, found.ci_low, found.ci_high] == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("name", WANTED["limits"])
def test_limits_of_agreement_are_those_of_r(name):
    wanted = WANTED["limits"][name]
    found = limits_of_agreement(wanted["first"], wanted["second"])
    theirs = [wanted[key] for key in ("mean", "low", "high")]
    assert [found.mean, found.low, found.high] == pytest.approx(theirs, rel=1e-12)


def test_the_digits_that_were_published():
    """Fleiss, Cohen & Everitt 1969: κ 0.429, error 0.054; Shrout & Fleiss 1979: ICC(2,1) 0.29, by R's irr and
    psych from 0.019 to 0.761; Bland & Altman 1986: difference 2.1 l/min, standard deviation 38.8."""
    kappa = WANTED["kappa"]["fleiss_1969"]
    assert (round(kappa["estimate"], 3), round(kappa["se"], 3)) == (0.429, 0.054)
    judged = icc(WANTED["icc"]["shrout_1979"]["readings"])
    assert (round(judged.estimate, 2), round(judged.ci_low, 3), round(judged.ci_high, 3)) == (
        0.29,
        0.019,
        0.761,
    )
    flow = WANTED["limits"]["bland_1986"]
    limits = limits_of_agreement(flow["first"], flow["second"])
    assert (round(limits.mean, 1), round((limits.high - limits.mean) / 1.96, 1)) == (2.1, 38.8)


words = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2, max_size=30)


@settings(deadline=None)
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


@settings(deadline=None)
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
