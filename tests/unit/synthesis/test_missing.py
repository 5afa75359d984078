"""Missing outcomes as a dimension of the multiverse, with its tipping point, if an analysis asks for it."""

from dataclasses import replace

import pytest

from trialpool.protocol import alone
from trialpool.records import Choices, Effect, sketch
from trialpool.stats import missing_events
from trialpool.synthesis import missing
from trialpool.synthesis.analyse import analyse

COUNTS = [(10, 50, 25, 50), (12, 60, 28, 60), (8, 40, 20, 40), (15, 70, 30, 70), (9, 45, 18, 45)]
ASKED = {"imor": [0.5, 3], "imdom": [1.0]}


def trial(number: int, counts: tuple[int, ...], lost: int = 5) -> Effect:
    a, n1, c, n2 = counts
    effect, variance = missing_events(a, n1, 0, c, n2, 0)
    return sketch(
        Effect,
        **{
            "study_id": f"T{number}",
            "label": f"T{number}",
            "effect": float(effect),
            "variance": float(variance),
        },
        **{"events_experimental": a, "n_experimental": n1, "events_control": c, "n_control": n2},
        **{"randomised_experimental": float(n1 + lost), "randomised_control": float(n2 + lost)},
        **{"measure": "RR", "selected": True, "variant": Choices(), "category_control": "sham"},
    )


TRIALS = [trial(number, counts) for number, counts in enumerate(COUNTS)]


def spec(**asked: object) -> dict:
    return alone("RR", analysis="a", better="lower", interval="hksj_adhoc", **asked)


def test_every_assumption_is_a_level_under_every_model() -> None:
    record, every = analyse(spec(missing_outcomes=ASKED), TRIALS)
    levels = {"default", *missing.levels(spec(missing_outcomes=ASKED))}
    assert set(every.choices["missing"]) == levels
    assert len(levels) == 5
    counts = [every.choices["missing"].count(level) for level in levels]
    assert len(set(counts)) == 1
    tried = {row.choice: row for row in record.sensitivity if row.choice.startswith("missing")}
    assert tried["missing: IMOR 3, experimental arm"].estimate > record.pooled.estimate


def test_the_tipping_point_is_where_the_conclusion_changes() -> None:
    record, _ = analyse(spec(missing_outcomes=ASKED), TRIALS)
    (row,) = (
        row for row in record.sensitivity if (row.kind, row.choice) == (missing.TURNS, "experimental arm")
    )
    assert row.estimate is None
    assert row.reason == "no assumption from 1/1000 to 1000 changes the conclusion"
    weak = [replace(each, randomised_experimental=each.n_experimental * 1.6) for each in TRIALS]
    record, _ = analyse(spec(missing_outcomes=ASKED), weak)
    (row,) = (
        row for row in record.sensitivity if (row.kind, row.choice) == (missing.TURNS, "experimental arm")
    )
    assert "the conclusion changes at an IMOR of" in row.reason
    at = float(row.reason.split("IMOR of ")[1].split()[0])
    for value, clear in ((at * 0.9, True), (at * 1.1, False)):
        moved = missing.moved(spec(), weak, (value, 1.0))
        pooled = analyse(spec(), moved)[0].pooled
        assert (pooled.ci_high < 1) is clear


@pytest.mark.parametrize("asked", [{}, {"missing_outcomes": {"imdom": [1.0]}}])
def test_nothing_is_tried_that_is_not_asked_of_the_measure(asked: dict) -> None:
    record, every = analyse(spec(**asked), TRIALS)
    assert "missing" not in every.choices
    assert not [row for row in record.sensitivity if row.choice.startswith("missing")]


def test_trials_that_lost_nobody_stay_as_they_are() -> None:
    whole = [trial(number, counts, lost=0) for number, counts in enumerate(COUNTS)]
    record, every = analyse(spec(missing_outcomes=ASKED), whole)
    assert set(every.choices["missing"]) == {"default"}
    (row,) = (row for row in record.sensitivity if row.choice.startswith("missing"))
    assert row.reason == "no trial says that more people were randomised than analysed"


def test_means_move_by_the_share_that_is_missing() -> None:
    effect = sketch(
        Effect, effect=-1.0, variance=0.1, n_experimental=40, n_control=40,
        randomised_experimental=50.0, randomised_control=40.0, study_id="A",
    )  # fmt: skip
    (moved,) = missing.moved(alone("MD"), [effect], (2.0, 0.0))
    assert moved.effect == pytest.approx(-1.0 + 0.2 * 2)
    assert moved.variance == pytest.approx(0.1 + 0.2 * 0.8 / 50 * 4)
