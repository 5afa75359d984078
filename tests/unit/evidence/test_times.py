"""Hazard and rate ratios: every route from what a trial prints, and nothing mixed in silence."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtri
from small_review import EVENT, answer, chosen, question, reasons, review

from trialpool.evidence.read import examine

BARE = {"estimate": None, "spread_type": "none", "spread_low": None, "spread_high": None}
HAZARD = {"domain": "mortality", "instrument": "OS", "measure": "hazard_ratio", "unit": None, **BARE}
Z = float(ndtri(0.975))


def hazard(**cells):
    return answer(review(contrasts=[{"arm_1": "a", "arm_2": "s", **HAZARD, **cells}]), asked("HR"))


def asked(measure, **more):
    return question(measure=measure, domain="mortality", **more)


def the(comparison):
    (row,) = chosen(comparison)
    return row


ROUTES = {
    "interval of any level": (
        {"estimate": 0.72, "spread_type": "ci", "level": 0.975, "spread_low": 0.53, "spread_high": 0.98},
        np.log(0.72),
        np.log(0.98 / 0.53) / (2 * ndtri(0.9875)),
        "SE from 97.5% CI with normal quantiles",
    ),
    "logarithm with its SE": (
        {"measure": "log_hazard_ratio", "estimate": -0.33, "spread_type": "se", "spread_low": 0.13},
        -0.33,
        0.13,
        "logarithm as printed; SE as printed",
    ),
    "O − E and V": (
        {"o_minus_e": -12.0, "variance": 10.4},
        -12 / 10.4,
        10.4**-0.5,
        "log ratio = (O − E)/V",
    ),
    "p of a log-rank test beside the ratio": (
        {"estimate": 0.8, "p_value": "0.04", "p_test": "log_rank"},
        np.log(0.8),
        abs(np.log(0.8)) / -ndtri(0.02),
        "SE from p = 0.04 with normal quantiles",
    ),
    "p with events": (
        {"p_value": "0.04", "p_test": "log_rank", "events_1": 40, "events_2": 60, "fewer_events": "arm_1"},
        ndtri(0.02) / np.sqrt(24),
        1 / np.sqrt(24),
        "log ratio = z/√V from p = 0.04 and V = events·events/all events",
    ),
    "p with all events and the people": (
        {"p_value": "0.04", "events_total": 100, "n_1": 120, "n_2": 80, "fewer_events": "arm_1"},
        ndtri(0.02) / np.sqrt(24),
        1 / np.sqrt(24),
        "log ratio = z/√V from p = 0.04 and V = all events·n·n/(n + n)²",
    ),
    "p with all events and those of one arm": (
        {"p_value": "0.04", "events_total": 100, "events_1": 40, "fewer_events": "arm_1"},
        ndtri(0.02) / np.sqrt(24),
        1 / np.sqrt(24),
        "log ratio = z/√V from p = 0.04 and V = events·events/all events",
    ),
    "all events beside the ratio": (
        {"estimate": 0.8, "events_total": 100, "n_1": 60, "n_2": 60},
        np.log(0.8),
        1 / np.sqrt(25),
        "SE from all events and the people in each arm, 1/√V with V = all events·n·n/(n + n)²",
    ),
    "events beside the ratio": (
        {"estimate": 0.8, "events_1": 40, "events_2": 60},
        np.log(0.8),
        np.sqrt(1 / 40 + 1 / 60),
        "SE from the events of both arms, √(1/events + 1/events)",
    ),
}


@pytest.mark.parametrize("name", ROUTES)
def test_every_route_to_a_hazard_ratio_gives_its_number_and_says_how(name):
    """Parmar, Torri & Stewart 1998, Stat Med 17: 2815; Tierney et al. 2007, Trials 8: 16."""
    cells, effect, se, words = ROUTES[name]
    row = the(hazard(**cells))
    assert row["effect"] == pytest.approx(effect, rel=1e-12)
    assert row["variance"] == pytest.approx(se**2, rel=1e-12)
    assert words in row["derivation"]
    assert row["imputed"] == ("events" in name)


def test_an_excess_printed_for_the_control_arm_is_turned_round():
    cells = {"arm_1": "s", "arm_2": "a", **HAZARD, "o_minus_e": 12.0, "variance": 10.0}
    row = the(answer(review(contrasts=[cells]), asked("HR")))
    assert row["effect"] == pytest.approx(-1.2)
    assert "turned round" in row["derivation"]
    better = {"p_value": "0.01", "events_1": 10, "events_2": 10, "fewer_events": "arm_2"}
    assert the(hazard(**better))["effect"] > 0


@pytest.mark.parametrize("printed", ["risk_ratio", "odds_ratio", "rate_ratio"])
def test_other_ratios_are_not_taken_for_ratios_of_hazards(printed):
    cells = {
        "measure": printed,
        "estimate": 0.8,
        "spread_type": "ci95",
        "spread_low": 0.6,
        "spread_high": 1.1,
    }
    found = reasons(hazard(**cells))
    assert found == {
        "other_measure": f"published as {printed.replace('_', ' ')}, which is never taken for a hazard ratio"
    }


def test_events_among_people_give_no_hazard_ratio_and_no_rate():
    events = [{"arm": arm, "domain": "mortality", "outcome": "death", "events": 5} for arm in "as"]
    found = reasons(answer(review(events=events), asked("HR")))
    assert found["other_measure"] == "events of two arms: no hazard ratio comes of counts"
    found = reasons(answer(review(events=events), asked("IRR")))
    assert found["no_numbers"] == "time at risk not reported: no rate comes of it"


def rates(*years, **more):
    return [
        {
            "arm": arm,
            "domain": "mortality",
            "outcome": "death",
            "events": events,
            "person_years": time,
            **more,
        }
        for arm, events, time in zip("as", (30, 50), years, strict=True)
    ]


def test_events_over_person_years_give_rates_and_no_risks():
    comparison = answer(review(events=rates(10.0, 12.5)), asked("IRR"), asked("IRD", analysis="d"))
    ratio, difference = chosen(comparison)
    assert ratio["effect"] == pytest.approx(np.log(3 / 4))
    assert ratio["variance"] == pytest.approx(1 / 30 + 1 / 50)
    assert (ratio["person_years_experimental"], ratio["person_years_control"]) == (10, 12.5)
    assert difference["effect"] == pytest.approx(-1.0)
    found = reasons(answer(review(events=rates(10.0, 12.5)), asked("RR")))
    assert found["other_measure"] == "events over person-years, of which one person may have several"


def test_a_generic_estimate_is_for_generic_analyses_alone():
    cells = {"estimate": 0.4, "spread_type": "se", "spread_low": 0.1, "measure": "generic"}
    contrasts = [{"arm_1": "a", "arm_2": "s", **HAZARD, **cells}]
    row = the(answer(review(contrasts=contrasts), asked("GIV")))
    assert (row["effect"], row["variance"]) == (0.4, pytest.approx(0.01))
    found = reasons(answer(review(contrasts=contrasts), asked("HR")))
    assert found["other_measure"] == "published as generic, which is never taken for a hazard ratio"


def test_methods_of_counts_take_no_printed_ratio_and_no_clusters():
    cells = {
        "estimate": 0.8,
        "spread_type": "ci95",
        "spread_low": 0.6,
        "spread_high": 1.1,
        "measure": "odds_ratio",
    }
    contrasts = [{"arm_1": "a", "arm_2": "s", **HAZARD, **cells}]
    found = reasons(answer(review(contrasts=contrasts), asked("OR", method="mh")))
    assert found["other_measure"] == "no counts of events, which Mantel–Haenszel's method needs"
    events = [{"arm": arm, **EVENT} for arm in "as"]
    assumed = {"A": {"icc": 0.05, "cluster_size": 20}}
    tables = review(studies=[{"design": "cluster"}], events=events)
    clustered = question(
        measure="OR", domain="responder", better="higher", method="peto", assumptions=assumed
    )
    found = reasons(answer(tables, clustered))
    assert found["cluster"] == "clusters widen the variance, which Peto's method does not take"


@pytest.mark.parametrize(
    ("rule", "method", "words"),
    [
        (0.5, "iv", "0.5 added to each cell"),
        ("treatment_arm", "iv", "the arm's share of both arms added to each cell"),
        ("none", "mh", "0.5 added to each cell, for its own interval alone"),
        ("revman", "mh", "0.5 added to each cell"),
    ],
)
def test_what_was_added_to_an_empty_cell_is_said(rule, method, words):
    events = [{"arm": arm, **EVENT, "events": count} for arm, count in (("a", 0), ("s", 4))]
    spec = question(measure="OR", domain="responder", better="higher", method=method, zero_cells=rule)
    assert the(answer(review(events=events), spec))["derivation"].endswith(words)


CATHETERS = Path(__file__).parents[2] / "workflow" / "foreign" / "catheters" / "raw"
SLIPS = {
    "level": ({"level": ""}, "the cell is empty although spread_type is ci"),
    "level beside": ({"spread_type": "ci95"}, "beside a spread_type that says its own level or has none"),
    "variance": (
        {"spread_type": "none", "spread_low": "", "spread_high": "", "level": "", "o_minus_e": "-2"},
        "no variance of O − E above 0",
    ),
    "o_minus_e": ({"variance": "3"}, "the cell is empty beside its variance"),
    "fewer_events": (
        {"fewer_events": "arm_1"},
        "beside no p_value, or no events_1 and events_2, nor events_total",
    ),
    "events_total": ({"events_total": "9", "events_1": "4", "events_2": "6"}, "not the sum of events_1"),
    "o_minus_e of": ({"measure": "mean_difference", "o_minus_e": "1", "variance": "2"}, "not of a ratio"),
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_in_the_columns_of_hazards_is_told_with_its_column(name, tmp_path):
    changes, said = SLIPS[name]
    for path in CATHETERS.glob("*.csv"):
        shutil.copy(path, tmp_path)
    with (tmp_path / "contrasts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0] |= changes
    with (tmp_path / "contrasts.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), restval="")
        writer.writeheader()
        writer.writerows(rows)
    _, faults = examine(tmp_path)
    (fault,) = [fault for fault in faults if fault.column == name.split(" ")[0]]
    assert said in fault.problem
    assert (Path(fault.file).name, fault.row) == ("contrasts.csv", 2)


def test_the_columns_of_hazards_and_rates_may_be_lacking_and_the_rest_is_sound():
    tables, faults = examine(CATHETERS)
    assert faults == []
    assert tables["events"]["person_years"].notna().sum() == 18
    assert tables["contrasts"]["o_minus_e"].notna().sum() == 5
