"""What a summary of findings shows of a result besides its effect."""

from __future__ import annotations

import pytest
from scipy.stats import norm

from trialpool.records import Record, sketch
from trialpool.synthesis.presentation import present

RR = {"estimate": 0.5, "ci_low": 0.4, "ci_high": 1.2}
CATALOGUE = {
    "NRS": {"unit": "points", "mcid": {"value": 2, "unit": "points", "kind": "anchor", "source": "a page"}},
    "SUM": {"unit": "points", "mcid": {"value": 30, "unit": "percent of baseline", "source": "a page"}},
}


def events(*counts, **changes):
    studies = [{"events_control": each, "n_control": 100} for each in counts]
    return sketch(Record, {"measure": "RR", "better": "lower", "pooled": RR, "studies": studies} | changes)


def arm(mean, sd, kind="change", instrument="NRS", n=50, **changes):
    both = {
        f"{name}_{side}": value
        for side in ("experimental", "control")
        for name, value in (("sd", sd), ("n", n))
    }
    return {"mean_control": mean, "kind": kind, "instrument": instrument, "variance": 0.1, **both, **changes}


def means(measure, studies, **changes):
    pooled = {"estimate": -0.5, "ci_low": -0.8, "ci_high": -0.2}
    known = {"measure": measure, "better": "lower", "pooled": pooled, "studies": studies}
    return sketch(Record, known | changes)


def test_of_events_the_median_and_the_quartiles_of_the_control_arms_are_the_risks():
    low, middle, high = present(events(10, 20, 30, 40, 50), {}, {}).risks
    assert [each.name for each in (low, middle, high)] == ["low", "median", "high"]
    assert [each.assumed_risk for each in (low, middle, high)] == [200.0, 300.0, 400.0]
    assert (middle.risk, middle.difference, middle.difference_low) == (150.0, -150.0, pytest.approx(-180.0))
    assert middle.nnt == pytest.approx(1 / 0.15)
    assert low.source == "lower quartile of 5 control arms"


@pytest.mark.parametrize(
    ("counts", "names"),
    [((10, 20, 30), ["median"]), ((20, 20, 20, 20), ["median"]), ((0, 0, 0), []), ((), [])],
)
def test_of_few_or_like_arms_the_median_stands_alone_and_of_no_risk_nothing(counts, names):
    shown = present(events(*counts), {}, {})
    assert [each.name for each in (shown.risks if shown else ())] == names


def test_risks_that_the_protocol_gives_stand_in_the_place_of_the_arms():
    given = [{"name": "in primary care", "risk": 0.1, "source": "a register"}]
    (risk,) = present(events(10, 20, 30, 40), {"baseline_risks": given}, {}).risks
    assert (risk.name, risk.assumed_risk, risk.source, risk.difference) == (
        "in primary care",
        100,
        "a register",
        -50,
    )
    hazard = events(measure="HR")
    assert present(hazard, {}, {}) is None
    (risk,) = present(hazard, {"baseline_risks": given}, {}).risks
    assert risk.risk == pytest.approx(1000 * (1 - 0.9**0.5))


def test_where_there_is_no_difference_no_number_is_needed():
    (risk,) = present(events(20, pooled={"estimate": 1.0, "ci_low": 0.5, "ci_high": 2.0}), {}, {}).risks
    assert (risk.difference, risk.nnt, risk.nnt_low) == (0.0, None, 10.0)


def test_people_who_are_better_by_the_threshold_follow_from_the_control_arms_change():
    within = {"value": 2.0, "unit": "points", "source": "a page"}
    shown = present(means("MD", [arm(-1.0, 2.0)]), {"within_person": within}, {})
    (share,) = shown.risks
    control = norm.cdf((1.0 - 2.0) / 2.0)
    assert share.assumed_risk == pytest.approx(1000 * control)
    assert share.risk == pytest.approx(1000 * norm.cdf(0.25 + norm.ppf(control)))  # Furukawa & Leucht 2011
    assert share.risk_low == pytest.approx(1000 * norm.cdf(0.1 + norm.ppf(control)))
    assert (shown.control.kind, shown.control.mean, shown.threshold.value) == ("change", -1.0, 2.0)


def test_furukawas_and_leuchts_table_of_numbers_needed():
    """Their table of NNT by effect size and control share: d 0.5 at 20% is 6, d 0.2 at 50% is 13 (2011)."""
    given = [{"name": "some", "risk": 0.2, "source": "x"}, {"name": "half", "risk": 0.5, "source": "x"}]
    record = means("SMD", [arm(3.0, 1.0, "final")])
    some, _ = present(record, {"baseline_risks": given}, CATALOGUE).risks
    assert round(some.nnt) == 6
    small = means("SMD", [arm(3.0, 1.0, "final")], pooled={"estimate": -0.2, "ci_low": -0.3, "ci_high": -0.1})
    _, half = present(small, {"baseline_risks": given}, CATALOGUE).risks
    assert round(half.nnt) == 13


def test_a_final_mean_tells_nobodys_change():
    within = {"value": 2.0, "unit": "points", "source": "a page"}
    shown = present(
        means("MD", [arm(4.0, 2.0, "final"), arm(5.0, 2.0, "final")]), {"within_person": within}, {}
    )
    assert (shown.risks, shown.threshold) == ((), None)
    assert (shown.control.mean, shown.control.low, shown.control.high, shown.control.trials) == (
        4.5,
        4.0,
        5.0,
        2,
    )


def test_a_standardised_difference_is_told_in_points_of_the_commonest_instrument():
    studies = [arm(-1.0, 2.0), arm(-1.5, 3.0), arm(-9.0, 12.0, instrument="SUM")]
    shown = present(means("SMD", studies), {}, CATALOGUE)
    assert (shown.units.instrument, shown.units.sd, shown.units.difference) == ("NRS", 2.5, -1.25)
    assert (shown.units.difference_low, shown.units.difference_high) == (-2.0, -0.5)
    assert shown.control.trials == 2
    assert shown.threshold.value == 2


def test_a_threshold_in_another_unit_than_the_instruments_is_none():
    shown = present(means("SMD", [arm(-9.0, 12.0, instrument="SUM")]), {}, CATALOGUE)
    assert (shown.units.instrument, shown.threshold) == ("SUM", None)


def test_the_familiar_instrument_of_the_protocol_needs_no_trial():
    familiar = {"instrument": "NRS", "sd": 2.2, "source": "a survey"}
    contrast = {"kind": "contrast", "mean_control": None, "variance": 0.1}
    shown = present(means("SMD", [contrast]), {"familiar": familiar}, CATALOGUE)
    assert (shown.units.source, round(shown.units.difference, 6), shown.control) == ("a survey", -1.1, None)


@pytest.mark.parametrize("changes", [{"pooled": None}, {"pooled": RR | {"ci_low": None}}, {"measure": "ROM"}])
def test_without_an_interval_or_of_another_measure_there_is_nothing_to_show(changes):
    assert present(events(10, 20, **changes), {}, {}) is None
