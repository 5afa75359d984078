"""What a record says of other choices, as a reader sees it."""

from tests.unit.page import demo
from trialpool.view.robustness import moderator_slope, robustness_view

HOLDS = {"grade": "robust", "sentence": "Robust.", "agreement": 1.0, "breaks": []}
CHOICE = {"kind": "model", "choice": "DL", "estimate": -1.0, "ci_low": -2.0, "ci_high": 0.1}


def test_choices_stand_by_kind_and_those_not_tried_with_the_reason():
    rows = [CHOICE | {"conclusion": "unclear"}, {"kind": "data", "choice": "finals", "reason": "no finals"}]
    view = robustness_view(demo.record(robustness=HOLDS, sensitivity=rows))
    ((_, effect, conclusion),) = view.kinds["Another model"]
    assert (effect.low.path, conclusion) == ("demo-pain/sensitivity.0.ci_low", "no clear difference")
    assert list(view.untried) == ["finals (no finals)"]


def test_nothing_is_asked_of_a_single_trial():
    assert robustness_view(demo.record(k=1, robustness=HOLDS)) is None


def test_moderators_are_tested_or_have_a_reason():
    untested = {"moderator": "any", "k": 3, "caution": "3 trials: at least 4 are needed"}
    tested = {"moderator": "year", "k": 5, "p_value": 0.2, "caution": "few trials; one outlier"}
    tested |= {"slope": -0.1, "slope_low": -0.3, "slope_high": 0.1}
    view = robustness_view(demo.record(robustness=HOLDS, moderators=[tested, untested])).moderators
    assert view.untested == (("any moderator", "3 trials: at least 4 are needed"),)
    assert view.cautions == ("Few trials", "One outlier")
    (row,) = view.tested
    assert (row.slope.low.text, row.per) == ("−0.30", "per year")
    assert row.p_value.path == "demo-pain/moderators.0.p_value"


def test_a_slope_of_ratios_is_a_ratio_of_ratios():
    assert moderator_slope("OR", "sessions", [0.0, -800.0, 800.0])[0].startswith("ratio of ORs 1.00 (")
